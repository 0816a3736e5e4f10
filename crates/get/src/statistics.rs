//! Statistics of the numbers of a series, and the row they make.
//!
//! Quantiles lie between values as numpy computes them (its method `linear`), and so do sums:
//! the results for a list of numbers are numpy's to the last bit.
//!
//! DIFFERENCE: the original has no statistics.

use std::io;

use esmond_ps_cli_common::layout::{RowContext, timestamp};
use esmond_ps_cli_common::rows::Row;
use esmond_ps_model::RowLayout;
use esmond_ps_plot::{Scale, Unit, each_number};
use serde_json::{Number, Value};

use crate::counts::{Counts, TooMany};
use crate::values::Values;

/// Columns of the rows.
pub(crate) const COLUMNS: [&str; 16] = [
    "source",
    "destination",
    "event_type",
    "tool",
    "summary_type",
    "summary_window",
    "unit",
    "count",
    "min",
    "mean",
    "median",
    "percentile_95",
    "max",
    "standard_deviation",
    "first",
    "last",
];

/// What is known of many numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Statistics {
    /// How many there are; at least one.
    pub(crate) count: u64,
    /// The smallest.
    pub(crate) min: f64,
    /// The arithmetic mean.
    pub(crate) mean: f64,
    /// The value in the middle, or the mean of the two there.
    pub(crate) median: f64,
    /// The 95th percentile, between two values in proportion.
    pub(crate) percentile_95: f64,
    /// The largest.
    pub(crate) max: f64,
    /// Of the numbers themselves, not estimated of more (n, not n - 1).
    pub(crate) standard_deviation: f64,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// With all digits.
    Exact,
    /// With six digits, in a unit that suits their size.
    Readable,
}

/// Significant digits of numbers for reading.
const DIGITS: i32 = 6;

/// Why there are no statistics.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatisticsError {
    /// The numbers could not be kept, or read again.
    #[error("the numbers could not be kept in a temporary file")]
    Keep(#[from] io::Error),
    /// The histograms are too fine.
    #[error(transparent)]
    Buckets(#[from] TooMany),
}

/// Takes the values of one series.
#[derive(Debug)]
pub(crate) struct Collector {
    layout: RowLayout,
    unit: Unit,
    kept: Kept,
    /// Times of the first and the last value.
    times: Option<(i64, i64)>,
}

#[derive(Debug)]
enum Kept {
    /// Numbers.
    Values(Values),
    /// Buckets of histograms, all merged.
    Counts(Counts),
}

impl Collector {
    /// Returns one without values.
    pub(crate) fn new(event_type: &str, layout: RowLayout) -> Self {
        let kept = match layout {
            RowLayout::Histogram => Kept::Counts(Counts::default()),
            _ => Kept::Values(Values::new()),
        };
        Self {
            layout,
            unit: Unit::of(event_type),
            kept,
            times: None,
        }
    }

    /// Takes a value as an archive answers it. What is no number in it does not
    /// count.
    pub(crate) fn add(&mut self, ts: i64, value: &Value) -> Result<(), StatisticsError> {
        let factor = self.unit.factor();
        let mut is_empty = true;
        match &mut self.kept {
            Kept::Values(values) => {
                let mut result = Ok(());
                each_number(self.layout, value, &mut |number| {
                    is_empty = false;
                    if result.is_ok() {
                        result = values.add(number * factor);
                    }
                });
                result?;
            }
            Kept::Counts(counts) => {
                for (bucket, count) in esmond_ps_plot::counts(value) {
                    is_empty = false;
                    counts.add(bucket * factor, count)?;
                }
            }
        }
        if !is_empty {
            let (first, last) = self.times.unwrap_or((ts, ts));
            self.times = Some((first.min(ts), last.max(ts)));
        }
        Ok(())
    }

    /// Returns the row of the statistics; `None` when there was no number.
    pub(crate) fn row(
        self,
        context: &RowContext,
        style: Style,
    ) -> Result<Option<Row>, StatisticsError> {
        let statistics = match self.kept {
            Kept::Values(values) => values.statistics()?,
            Kept::Counts(counts) => counts.statistics(),
        };
        let (Some(statistics), Some((first, last))) = (statistics, self.times) else {
            return Ok(None);
        };
        let scale = match style {
            Style::Exact => None,
            Style::Readable => Some(
                self.unit
                    .scale(statistics.min.abs().max(statistics.max.abs())),
            ),
        };
        let unit = scale
            .as_ref()
            .map_or(self.unit.name(), |scale| scale.unit.as_str());
        let unit = if unit.is_empty() {
            Value::Null
        } else {
            unit.into()
        };
        let number = |value| match &scale {
            None => number(value),
            Some(scale) => rounded(scale, value),
        };
        let row = Row::new()
            .with("source", context.source.clone())
            .with("destination", context.destination.clone())
            .with("event_type", context.event_type.as_str())
            .with("tool", context.tool.clone())
            .with("summary_type", context.summary_type.as_str())
            .with("summary_window", context.summary_window)
            .with("unit", unit)
            .with("count", statistics.count)
            .with("min", number(statistics.min))
            .with("mean", number(statistics.mean))
            .with("median", number(statistics.median))
            .with("percentile_95", number(statistics.percentile_95))
            .with("max", number(statistics.max))
            .with("standard_deviation", number(statistics.standard_deviation))
            .with("first", timestamp(first))
            .with("last", timestamp(last));
        Ok(Some(row))
    }
}

/// Writes a number for reading; one that cannot be written so stays exact.
fn rounded(scale: &Scale, value: f64) -> Value {
    match scale.number(value, DIGITS).parse() {
        Ok(rounded) if value.is_finite() => Value::Number(rounded),
        _ => number(value),
    }
}

/// Sums of numbers near the limits of double precision can be no number.
fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context(event_type: &str) -> RowContext {
        RowContext {
            source: "10.0.0.1".into(),
            destination: "10.0.0.2".into(),
            event_type: event_type.to_owned(),
            tool: "powstream".into(),
            summary_type: "base".to_owned(),
            summary_window: 0,
            bucket_width: Value::Null,
            measurement_agent: Value::Null,
            metadata_key: String::new(),
        }
    }

    fn row(event_type: &str, layout: RowLayout, values: &[Value]) -> Option<Row> {
        let mut collector = Collector::new(event_type, layout);
        for (ts, value) in values.iter().enumerate() {
            collector.add(1_398_965_989 + ts as i64, value).unwrap();
        }
        collector.row(&context(event_type), Style::Exact).unwrap()
    }

    /// The cases of `tests/data/numpy.py`, which says how they were made.
    #[test]
    fn statistics_are_those_of_numpy_to_the_last_bit() {
        // DIFFERENCE: archives compute statistics by another rule.
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../tests/data/numpy.json")).unwrap();
        assert!(cases.len() > 10);
        for case in &cases {
            let values = case["values"].as_array().unwrap();
            let row = row("ntp-delay", RowLayout::Numeric, values).unwrap();
            for (name, expected) in case["numpy"].as_object().unwrap() {
                let (ours, expected) = (row.get(name).unwrap().as_f64(), expected.as_f64());
                assert_eq!(ours, expected, "{} {name}", case["name"]);
            }
        }
    }

    #[test]
    fn the_row_says_what_is_counted_in_which_unit_and_when() {
        let values = [json!(0.01), json!("n/a"), json!(0.03)];
        let row = row("packet-loss-rate", RowLayout::Numeric, &values).unwrap();
        let names: Vec<&str> = row.iter().map(|(name, _)| name).collect();
        assert_eq!(names, COLUMNS);
        for (name, expected) in [
            ("unit", json!("%")),
            ("count", json!(2)),
            ("min", json!(1.0)),
            ("max", json!(3.0)),
            ("first", json!("2014-05-01 17:39:49")),
            ("last", json!("2014-05-01 17:39:51")),
        ] {
            assert_eq!(row.get(name), Some(&expected), "{name}");
        }
    }

    #[test]
    fn numbers_for_reading_are_short() {
        let mut collector = Collector::new("throughput", RowLayout::Numeric);
        for value in [9_000_000_001_u64, 9_123_456_789] {
            collector.add(0, &json!(value)).unwrap();
        }
        let row = collector
            .row(&context("throughput"), Style::Readable)
            .unwrap()
            .unwrap();
        let told = |name| row.get(name).unwrap().to_string();
        assert_eq!(
            [told("unit"), told("min"), told("max"), told("count")],
            ["\"Gb/s\"", "9", "9.12346", "2"]
        );
    }

    #[test]
    fn histograms_are_merged_and_each_packet_counts() {
        let values = [json!({"41.0": 3, "40.5": 1}), json!({"41.00": 1, "50": 1})];
        let row = row("histogram-owdelay", RowLayout::Histogram, &values).unwrap();
        // 40.5 41 41 41 41 50
        for (name, expected) in [
            ("count", 6.0),
            ("min", 40.5),
            ("median", 41.0),
            ("percentile_95", 47.75),
            ("max", 50.0),
            ("mean", 254.5 / 6.0),
        ] {
            assert_eq!(row.get(name).unwrap().as_f64(), Some(expected), "{name}");
        }
        assert_eq!(row.get("unit"), Some(&json!("ms")));
    }

    #[test]
    fn what_holds_no_number_makes_no_row() {
        assert_eq!(
            row("throughput", RowLayout::Numeric, &[json!(null), json!("x")]),
            None
        );
        assert_eq!(
            row("histogram-rtt", RowLayout::Histogram, &[json!({})]),
            None
        );
    }

    #[test]
    fn a_sum_that_no_number_holds_is_null() {
        let row = row(
            "ntp-delay",
            RowLayout::Numeric,
            &[json!(f64::MAX), json!(f64::MAX)],
        )
        .unwrap();
        assert_eq!(row.get("mean"), Some(&Value::Null));
        assert_eq!(row.get("median").unwrap().as_f64(), Some(f64::MAX));
    }
}
