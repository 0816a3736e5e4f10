//! What the columns of rows hold: types and units, for formats that have such.
//!
//! A column has one type in all files and lines of an event type, whatever archive
//! they come from. So a number is an integer only where it counts something: rates and
//! times are whole on classic archives and have fractions on perfSONAR 5 ones.

use esmond_ps_model::{DataType, Registry, RowLayout};

use crate::layout::Layout;

/// As what the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// Text; lists and objects as in csv.
    Text,
    /// Whole numbers of 64 bits with sign.
    Integer,
    /// Numbers in double precision.
    Float,
    /// A moment; rows hold it as Unix seconds.
    Time,
}

/// A column of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name, as in csv.
    pub name: &'static str,
    /// Type of its values.
    pub kind: ColumnType,
    /// Unit of its values, such as `ms`; `1` for fractions.
    pub unit: Option<&'static str>,
}

/// Columns that rows of [typed](crate::output::Format::is_typed) formats have beside
/// those of csv: they name the test.
pub const TEST_COLUMNS: [&str; 2] = ["measurement_agent", "metadata_key"];

/// Returns the columns of the rows of an event type in a typed format: those of csv,
/// with [`TEST_COLUMNS`] after the timestamp. `summary_type` is `base` for base data.
#[must_use]
pub fn typed(layout: Layout, event_type: &str, summary_type: &str) -> Vec<Column> {
    let (base, own) = layout.columns().split_at(crate::layout::BASE);
    let names = base.iter().chain(&TEST_COLUMNS).chain(own);
    let column = |name: &&'static str| Column {
        name,
        kind: kind(name, layout, event_type, summary_type),
        unit: unit(name, layout, event_type),
    };
    names.map(column).collect()
}

fn kind(name: &str, layout: Layout, event_type: &str, summary_type: &str) -> ColumnType {
    match name {
        "timestamp" => ColumnType::Time,
        "summary_window" | "ttl" | "query" | "success" | "mtu" | "stream_num" => {
            ColumnType::Integer
        }
        "value" => match layout {
            Layout::Histogram | Layout::Value => ColumnType::Text,
            Layout::Numeric if is_count(event_type, summary_type) => ColumnType::Integer,
            _ => ColumnType::Float,
        },
        "bucket" | "start" | "duration" | "rtt" => ColumnType::Float,
        "min" | "median" | "max" | "mean" | "standard_deviation" | "variance" => ColumnType::Float,
        "percentile_25" | "percentile_75" | "percentile_95" => ColumnType::Float,
        _ => ColumnType::Text,
    }
}

/// Tells whether the values of an event type, or of its summaries, count something.
#[must_use]
pub fn is_count(event_type: &str, summary_type: &str) -> bool {
    // Rates and times.
    let is_measured = matches!(event_type, "throughput" | "packet-rtt");
    let known = Registry::standard();
    let known = known.event_type(event_type);
    known.is_some_and(|known| known.data_type == DataType::Integer)
        && !is_measured
        && summary_type != "average"
}

/// Tells whether every `value` of an event type is a number: neither a document nor of
/// a type that somebody has added.
pub(crate) fn has_numbers(event_type: &str) -> bool {
    let known = Registry::standard();
    let known = known.event_type(event_type);
    known.is_some_and(|known| known.layout != RowLayout::Value)
}

/// Returns the unit of the values of an event type, where it is known: `bit/s`, `ms`,
/// `byte`, `packet`, `hop`, or `1` for a fraction.
#[must_use]
pub fn event_unit(event_type: &str) -> Option<&'static str> {
    let base = event_type.strip_prefix("streams-").unwrap_or(event_type);
    let base = base.strip_suffix("-subintervals").unwrap_or(base);
    let base = base.strip_suffix("-bidir").unwrap_or(base);
    match base {
        "throughput" => Some("bit/s"),
        "packet-loss-rate" => Some("1"),
        "histogram-owdelay" | "histogram-rtt" | "time-error-estimates" => Some("ms"),
        "histogram-ttl" | "histogram-ttl-reverse" => Some("hop"),
        "packet-count-lost" | "packet-count-sent" | "packet-duplicates" | "packet-reorders"
        | "packet-retransmits" => Some("packet"),
        "path-mtu" => Some("byte"),
        _ => None,
    }
}

fn unit(name: &str, layout: Layout, event_type: &str) -> Option<&'static str> {
    match name {
        "summary_window" | "start" | "duration" => Some("s"),
        "rtt" => Some("ms"),
        "mtu" => Some("byte"),
        // Counts by bucket.
        "value" if layout == Layout::Histogram => None,
        "variance" => match event_unit(event_type)? {
            "ms" => Some("ms^2"),
            "hop" => Some("hop^2"),
            _ => None,
        },
        "value" | "bucket" | "min" | "median" | "max" | "mean" | "mode" | "standard_deviation"
        | "percentile_25" | "percentile_75" | "percentile_95" => event_unit(event_type),
        _ => None,
    }
}

/// Returns a number that is whole, given its JSON text: `5`, `5.0`, `5e3`.
#[must_use]
pub fn whole(text: &str) -> Option<i64> {
    let digits = match text.split_once('.') {
        Some((digits, rest)) if !rest.is_empty() && rest.bytes().all(|b| b == b'0') => digits,
        _ => text,
    };
    if let Ok(number) = digits.parse() {
        return Some(number);
    }
    // A double holds every integer up to here.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole, and far below the limit"
    )]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_however_they_are_written() {
        for (text, number) in [
            ("5", Some(5)),
            ("-5.000", Some(-5)),
            ("5e3", Some(5000)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("5.5", None),
            ("5.", Some(5)),
            ("1e300", None),
            ("NaN", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }

    #[test]
    fn a_column_has_one_type_whatever_archive_it_comes_from() {
        let value = |event_type, summary_type| {
            let columns = typed(Layout::Numeric, event_type, summary_type);
            *columns.last().expect("a column")
        };
        let column = |kind, unit| Column {
            name: "value",
            kind,
            unit,
        };
        use ColumnType::{Float, Integer};
        assert_eq!(value("throughput", "base"), column(Float, Some("bit/s")));
        assert_eq!(
            value("packet-count-sent", "aggregation"),
            column(Integer, Some("packet"))
        );
        assert_eq!(
            value("packet-count-sent", "average"),
            column(Float, Some("packet"))
        );
        assert_eq!(value("packet-loss-rate", "base"), column(Float, Some("1")));
        assert_eq!(value("of-somebody", "base"), column(Float, None));
    }
}
