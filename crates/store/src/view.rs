//! What a reader sees of a stored value.
//!
//! Numbers are always floats in JSON, also where integers are stored: that is
//! how archives answer. An integer keeps all its digits (`7016320000.0`), a
//! float is the shortest text that reads back to the same double.
//!
//! `null` stands for what has no value: a kind of summary that the data type
//! does not have, and a number beyond the range of doubles.

use std::borrow::Cow;

use esmond_ps_model::{Histogram, SummaryType};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value as Json};

use crate::{Bucket, Value, kinds};

/// What a summary is computed from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A base point: summaries of window 0.
    Point(&'a Value),
    /// What the points of a window add up to.
    Bucket(&'a Bucket),
}

/// Returns a base point as readers see it.
#[must_use]
pub fn base(value: &Value) -> Json {
    match value {
        Value::Integer(value) => whole((*value).into()),
        Value::Float(value) => Json::from(*value),
        Value::Ratio {
            numerator,
            denominator,
        } => Json::from(*numerator as f64 / *denominator as f64),
        Value::Histogram(histogram) => counts(histogram),
        // Only parsed JSON gets here; text that is none is still delivered.
        Value::Document(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
        }
        Value::Custom { kind, value } => {
            kinds::find(kind).map_or_else(|| value.clone(), |kind| kind.base(value))
        }
    }
}

/// Appends to a text what [`base`] returns, as compact JSON; a document is
/// appended as it is stored. This is how a long series is answered, and takes
/// no memory for each value.
///
/// # Errors
///
/// A value that cannot be JSON; the text then ends anywhere.
pub fn write_base(json: &mut Vec<u8>, value: &Value) -> serde_json::Result<()> {
    match value {
        Value::Integer(value) => {
            write(json, value)?;
            json.extend_from_slice(b".0");
            Ok(())
        }
        Value::Float(value) => write(json, value),
        Value::Histogram(histogram) => write(json, histogram),
        Value::Document(text) => match serde_json::from_str::<&RawValue>(text) {
            Ok(value) => write(json, value),
            Err(_) => write(json, text),
        },
        Value::Ratio { .. } | Value::Custom { .. } => write(json, &base(value)),
    }
}

/// Appends to a text what [`summary`] returns, as compact JSON.
///
/// # Errors
///
/// As [`write_base`].
pub fn write_summary(
    json: &mut Vec<u8>,
    summary_type: SummaryType,
    of: Source<'_>,
) -> serde_json::Result<()> {
    write(json, &summary(summary_type, of))
}

fn write(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    serde_json::to_writer(json, value)
}

/// Returns a summary as readers see it.
#[must_use]
pub fn summary(summary_type: SummaryType, of: Source<'_>) -> Json {
    let bucket = match of {
        Source::Bucket(bucket) => Some(Cow::Borrowed(bucket)),
        Source::Point(value) => Bucket::start(value).map(Cow::Owned),
    };
    match (summary_type, bucket.as_deref()) {
        (_, Some(Bucket::Fixed(values))) => values.get(&summary_type).cloned().unwrap_or_default(),
        (_, Some(Bucket::Custom { kind, state })) => custom(kind, summary_type, state),
        (SummaryType::Aggregation, Some(bucket)) => aggregation(bucket),
        (SummaryType::Average, Some(bucket)) => average(bucket),
        (SummaryType::Statistics, Some(Bucket::Histogram(histogram))) => statistics(histogram),
        _ => Json::Null,
    }
}

fn aggregation(bucket: &Bucket) -> Json {
    match bucket {
        Bucket::Integer { sum, .. } => whole(*sum),
        Bucket::Float {
            sum, compensation, ..
        } => Json::from(sum + compensation),
        Bucket::Ratio {
            numerator,
            denominator,
        } => Json::from(*numerator as f64 / *denominator as f64),
        Bucket::Histogram(histogram) => counts(histogram),
        Bucket::Custom { .. } | Bucket::Fixed(_) => Json::Null,
    }
}

fn custom(kind: &str, summary_type: SummaryType, state: &Json) -> Json {
    kinds::find(kind)
        .filter(|kind| kind.summaries().contains(&summary_type))
        .and_then(|kind| kind.summary(summary_type, state))
        .unwrap_or_default()
}

fn average(bucket: &Bucket) -> Json {
    match bucket {
        Bucket::Integer { sum, count } => Json::from(*sum as f64 / *count as f64),
        Bucket::Float {
            sum,
            compensation,
            count,
        } => Json::from((sum + compensation) / *count as f64),
        Bucket::Ratio { .. } | Bucket::Histogram(_) | Bucket::Custom { .. } | Bucket::Fixed(_) => {
            Json::Null
        }
    }
}

fn statistics(histogram: &Histogram) -> Json {
    histogram
        .statistics()
        .and_then(|statistics| serde_json::to_value(statistics).ok())
        .unwrap_or_else(|| Json::Object(Map::new()))
}

fn counts(histogram: &Histogram) -> Json {
    histogram
        .buckets()
        .map(|(bucket, count)| (bucket.to_owned(), Json::from(count)))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns an integer as a float with all its digits.
///
/// DIFFERENCE: the original rounds it to a double.
fn whole(value: i128) -> Json {
    format!("{value}.0")
        .parse::<Number>()
        .map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SummaryType::{Aggregation, Average, Base, Statistics};

    fn histogram(buckets: &[(&str, i64)]) -> Histogram {
        Histogram::new(buckets.iter().map(|(text, n)| ((*text).to_owned(), *n)))
    }

    #[test]
    fn base_points_are_answered_as_archives_do() {
        let ratio = |numerator, denominator| Value::Ratio {
            numerator,
            denominator,
        };
        for (value, expected) in [
            (Value::Integer(7_016_320_000), "7016320000.0"),
            (Value::Integer(0), "0.0"),
            (Value::Integer(-5), "-5.0"),
            // DIFFERENCE: beyond 2^53 the original rounds.
            (Value::Integer(9_007_199_254_740_993), "9007199254740993.0"),
            (Value::Integer(i64::MIN), "-9223372036854775808.0"),
            (Value::Float(5.0), "5.0"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(-0.000_019), "-0.000019"),
            (Value::Float(1.0 / 3.0), "0.3333333333333333"),
            (ratio(0, 600), "0.0"),
            (ratio(1, 3), "0.3333333333333333"),
            (ratio(10, 5), "2.0"),
            (
                Value::Histogram(histogram(&[("41.10", 2), ("41.1", 0)])),
                r#"{"41.10":2,"41.1":0}"#,
            ),
            (
                Value::Document(r#"[{"val":12345678901234567890.10},null]"#.to_owned()),
                r#"[{"val":12345678901234567890.10},null]"#,
            ),
            (Value::Document("null".to_owned()), "null"),
        ] {
            assert_eq!(base(&value).to_string(), expected, "{value:?}");
        }
    }

    #[test]
    fn large_floats_have_an_exponent_or_a_fraction() {
        for value in [1e15, 1e16, 123_456_789_012_345_680.0, 1e300, 5e-324] {
            let text = base(&Value::Float(value)).to_string();
            assert!(text.contains(['.', 'e']), "{text}");
            assert_eq!(text.parse::<f64>(), Ok(value));
        }
    }

    #[test]
    fn summaries_of_windows_are_answered_as_archives_do() {
        let integer = Bucket::Integer {
            sum: 170_141_183_460_469_231,
            count: 4,
        };
        let float = Bucket::Float {
            sum: 1.0,
            compensation: 0.5,
            count: 3,
        };
        let ratio = Bucket::Ratio {
            numerator: 1,
            denominator: 8,
        };
        let counts = Bucket::Histogram(histogram(&[("10", 4), ("20", 6)]));
        let nothing = Bucket::Histogram(histogram(&[("5", 0)]));
        let words = Bucket::Histogram(histogram(&[("fast", 4)]));
        let statistics = concat!(
            r#"{"minimum":10.0,"maximum":20.0,"mean":16.0,"median":20.0,"mode":[20.0],"#,
            r#""standard-deviation":4.898979485566356,"variance":24.0,"percentile-25":10.0,"#,
            r#""percentile-75":20.0,"percentile-95":20.0}"#
        );
        for (summary_type, bucket, expected) in [
            (Aggregation, &integer, "170141183460469231.0"),
            (Average, &integer, "4.2535295865117304e+16"),
            (Aggregation, &float, "1.5"),
            (Average, &float, "0.5"),
            (Aggregation, &ratio, "0.125"),
            (Aggregation, &counts, r#"{"10":4,"20":6}"#),
            (Statistics, &counts, statistics),
            (Statistics, &words, "{}"),
            // DIFFERENCE: the original fails on these.
            (Statistics, &nothing, "{}"),
            // What a data type does not have.
            (Average, &ratio, "null"),
            (Average, &counts, "null"),
            (Statistics, &integer, "null"),
            (Base, &integer, "null"),
        ] {
            let seen = summary(summary_type, Source::Bucket(bucket)).to_string();
            assert_eq!(seen, expected, "{summary_type} of {bucket:?}");
        }
    }

    #[test]
    fn fixed_summaries_are_answered_as_they_were_taken_over() {
        let mut bucket = Bucket::Fixed(
            [
                (Average, serde_json::from_str("7016320000.50").unwrap()),
                (Statistics, serde_json::json!({"minimum": 1.0})),
            ]
            .into(),
        );
        assert!(bucket.add(&Value::Integer(5)));
        let seen = |summary_type| summary(summary_type, Source::Bucket(&bucket)).to_string();
        assert_eq!(seen(Average), "7016320000.50");
        assert_eq!(seen(Statistics), r#"{"minimum":1.0}"#);
        assert_eq!(seen(Aggregation), "null");
    }

    #[test]
    fn summaries_of_window_zero_are_views_of_the_point() {
        let point =
            |summary_type, value: Value| summary(summary_type, Source::Point(&value)).to_string();
        assert_eq!(point(Aggregation, Value::Integer(7)), "7.0");
        assert_eq!(point(Average, Value::Integer(7)), "7.0");
        assert_eq!(point(Average, Value::Float(0.25)), "0.25");
        let one = Value::Histogram(histogram(&[("5", 1)]));
        assert_eq!(point(Aggregation, one.clone()), r#"{"5":1}"#);
        assert!(point(Statistics, one).starts_with(r#"{"minimum":5.0,"#));
        assert_eq!(point(Aggregation, Value::Document("1".to_owned())), "null");
    }

    #[test]
    fn a_kind_decides_what_is_seen_of_its_values() {
        let custom = |kind: &'static str| Value::Custom {
            kind: kind.into(),
            value: serde_json::json!(2.5),
        };
        assert_eq!(base(&custom("gauge")).to_string(), "2.5");
        let seen =
            |summary_type, kind| summary(summary_type, Source::Point(&custom(kind))).to_string();
        assert_eq!(seen(Aggregation, "gauge"), "2.5");
        assert_eq!(
            seen(Statistics, "gauge"),
            r#"{"minimum":2.5,"maximum":2.5,"mean":2.5,"count":1}"#
        );
        assert_eq!(seen(Base, "gauge"), "null");
        // What another build stored.
        assert_eq!(base(&custom("other")).to_string(), "2.5");
        let bucket = Bucket::Custom {
            kind: "other".into(),
            state: serde_json::json!({"sum": 1}),
        };
        for summary_type in SummaryType::DERIVED {
            assert_eq!(summary(summary_type, Source::Bucket(&bucket)), Json::Null);
        }
    }

    #[test]
    fn what_is_written_is_what_is_returned() {
        for value in [
            Value::Integer(i64::MIN),
            Value::Integer(9_007_199_254_740_993),
            Value::Float(-0.0),
            Value::Float(1e300),
            Value::Float(5e-324),
            Value::Ratio {
                numerator: 1,
                denominator: 3,
            },
            Value::Histogram(histogram(&[("41.0", 2), ("a\"\u{0}", -1)])),
            Value::Histogram(histogram(&[])),
            Value::Document(r#"{"b":[1.50,"é\n"],"a":12345678901234567890}"#.to_owned()),
            Value::Document("no JSON\n".to_owned()),
            Value::Document("1 2".to_owned()),
            Value::Document(String::new()),
            Value::Custom {
                kind: "gauge".into(),
                value: serde_json::json!(2.5),
            },
        ] {
            let mut written = b"before".to_vec();
            write_base(&mut written, &value).unwrap();
            let expected = format!("before{}", base(&value));
            assert_eq!(String::from_utf8(written).unwrap(), expected);
            for summary_type in SummaryType::DERIVED {
                let mut written = Vec::new();
                write_summary(&mut written, summary_type, Source::Point(&value)).unwrap();
                let expected = summary(summary_type, Source::Point(&value)).to_string();
                assert_eq!(String::from_utf8(written).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_document_is_written_as_it_is_stored() {
        // Deeper than a parser of values goes.
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [deep.as_str(), r#"{"a": 1, "a": 2}"#] {
            let mut written = Vec::new();
            write_base(&mut written, &Value::Document(text.to_owned())).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn a_sum_beyond_double_precision_has_no_number() {
        let mut bucket = Bucket::start(&Value::Float(f64::MAX)).unwrap();
        assert!(bucket.add(&Value::Float(f64::MAX)));
        assert!(bucket.add(&Value::Float(1.0)));
        let seen = summary(Aggregation, Source::Bucket(&bucket));
        assert_eq!(seen, Json::Null);
    }
}
