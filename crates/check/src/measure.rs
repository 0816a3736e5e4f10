//! What the values of an event type are as numbers, and in which unit.
//!
//! Loss rates, which archives hold as fractions, become percentages. Of a histogram
//! every value counts; of statistics the part that was asked for; of a path the
//! number of its hops.
//!
//! DIFFERENCE: archives and the other programs give loss rates as fractions.

use esmond_ps_client::DataPoint;
use esmond_ps_model::{PointValue, SummaryType, float};
use serde_json::Value;

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit {
    /// What values of the archive are multiplied by.
    pub(crate) factor: f64,
    /// Behind a number in a text; large numbers of `b/s` get a prefix.
    pub(crate) text: &'static str,
    /// The unit of measurement in performance data: one of those that the
    /// guidelines know, or nothing.
    pub(crate) uom: &'static str,
}

impl Unit {
    /// Returns the unit of an event type.
    pub(crate) fn of(event_type: &str) -> Self {
        let (factor, text, uom) = match event_type {
            // The guidelines know bytes, and no bits.
            "throughput" | "streams-throughput" => (1.0, "b/s", ""),
            "packet-loss-rate" | "packet-loss-rate-bidir" => (100.0, "%", "%"),
            "histogram-owdelay" | "histogram-rtt" | "time-error-estimates" => (1.0, "ms", "ms"),
            "packet-trace" | "packet-trace-multi" => (1.0, "hops", ""),
            "path-mtu" => (1.0, "B", "B"),
            _ => (1.0, "", ""),
        };
        Self { factor, text, uom }
    }

    /// Returns the unit of values multiplied once more: one that has no name.
    pub(crate) fn scaled(self, scale: f64) -> Self {
        if scale == 1.0 {
            return self;
        }
        Self {
            factor: self.factor * scale,
            text: "",
            uom: "",
        }
    }

    /// A number of things, not of what they measure.
    pub(crate) const COUNT: Self = Self {
        factor: 1.0,
        text: "points",
        uom: "",
    };

    /// Writes a value for people.
    pub(crate) fn words(self, value: f64) -> String {
        let (value, prefix) = match (self.text, value.abs()) {
            ("b/s", 1e12..) => (value / 1e12, "T"),
            ("b/s", 1e9..) => (value / 1e9, "G"),
            ("b/s", 1e6..) => (value / 1e6, "M"),
            ("b/s", 1e3..) => (value / 1e3, "k"),
            _ => (value, ""),
        };
        match self.text {
            "" => short(value),
            "%" => format!("{} %", short(value)),
            text => format!("{} {prefix}{text}", short(value)),
        }
    }
}

/// Writes a number with four digits that count, and no more zeros than needed.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..9.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -4 and 9")]
    let digits = usize::try_from(3 - magnitude as i64).unwrap_or(0);
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Which part of statistics counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Mean,
    Minimum,
    Maximum,
    Median,
    Percentile95,
    StandardDeviation,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Median => "median",
            Self::Percentile95 => "percentile-95",
            Self::StandardDeviation => "standard-deviation",
        }
    }
}

/// Calls `each` with every number in a value and how often it occurs; odd parts
/// have none.
pub(crate) fn numbers(point: &DataPoint, part: Part, factor: f64, mut each: impl FnMut(f64, u64)) {
    let mut give = |value: f64, times: u64| {
        let value = value * factor;
        if value.is_finite() && times > 0 {
            each(value, times);
        }
    };
    if point.summary_type == Some(SummaryType::Statistics) {
        // Some archives know some of the statistics only.
        let number = |name: &str| point.val.get(name).and_then(Value::as_f64);
        let value = number(part.name()).or_else(|| match part {
            Part::Median => number(Part::Mean.name()),
            _ => None,
        });
        if let Some(value) = value {
            give(value, 1);
        }
        return;
    }
    match point.typed() {
        PointValue::Number(number) => {
            if let Some(value) = number.as_f64() {
                give(value, 1);
            }
        }
        PointValue::Histogram(histogram) => {
            for (bucket, count) in histogram.buckets() {
                if let (Some(value), Ok(count)) = (float::parse(bucket), u64::try_from(count)) {
                    give(value, count);
                }
            }
        }
        PointValue::Json(Value::Array(hops)) => {
            if let Some(hops) = hop_count(&hops) {
                give(hops, 1);
            }
        }
        _ => {}
    }
}

/// Returns the largest `ttl` of a path, or of several. Old tests stored it as a text.
fn hop_count(hops: &[Value]) -> Option<f64> {
    let ttl = |hop: &Value| match hop {
        Value::Array(hops) => hop_count(hops),
        hop => match hop.get("ttl")? {
            Value::String(text) => float::parse(text),
            ttl => ttl.as_f64(),
        },
    };
    hops.iter().filter_map(ttl).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_long_as_its_largest_ttl_however_that_is_written() {
        for (hops, count) in [
            (
                serde_json::json!([{"ttl": 1}, {"ttl": 3}, {"ip": "10.0.0.1"}]),
                Some(3.0),
            ),
            (serde_json::json!([{"ttl": "2"}, {"ttl": "11"}]), Some(11.0)),
            (serde_json::json!([[{"ttl": "2"}], [{"ttl": 4}]]), Some(4.0)),
            (serde_json::json!([{"ttl": "x"}, {}]), None),
        ] {
            assert_eq!(hop_count(hops.as_array().unwrap()), count, "{hops}");
        }
    }

    #[test]
    fn numbers_are_short_and_have_their_unit() {
        // DIFFERENCE: losses are in percent, in archives they are fractions.
        let words = |event_type: &str, value| Unit::of(event_type).words(value);
        assert_eq!(words("throughput", 9_412_345_678.0), "9.412 Gb/s");
        assert_eq!(words("throughput", 0.0), "0 b/s");
        assert_eq!(words("packet-loss-rate", 0.012_34), "0.01234 %");
        assert_eq!(words("histogram-rtt", 120.0), "120 ms");
        assert_eq!(words("packet-count-sent", 12_345.0), "12345");
        assert_eq!(words("failures", 1e12), "1.000e12");
        assert_eq!(words("throughput", -1.0), "-1 b/s");
    }
}
