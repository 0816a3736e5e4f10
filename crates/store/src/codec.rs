//! Values and buckets as text, for files and columns.
//!
//! The text is part of what this archive's files look like: what a letter
//! means never changes; a new kind gets a new letter.
//!
//! | text | value | bucket |
//! |---|---|---|
//! | `i10` | integer | |
//! | `i10/4` | | sum and count of integers |
//! | `f1.5` | float | |
//! | `f1.5/0.0/4` | | sum, compensation and count of floats |
//! | `r1/300` | numerator and denominator | sums of numerators and denominators |
//! | `h{"41.0":2}` | histogram: counts by bucket, in order | merged histogram |
//! | `d[1]` | document: JSON | |
//! | `cgauge:1.5` | custom: name of its kind, JSON | |
//! | `cgauge:{"sum":1.5}` | | the same: name of its kind, JSON |
//! | `x{"average":1.5}` | | fixed: JSON by summary type |
//!
//! Integers are decimal, floats the shortest decimal text that reads back to
//! the same double, JSON is compact.

use std::borrow::Cow;
use std::collections::BTreeMap;

use esmond_ps_model::{Histogram, SummaryType};
use serde_json::{Map, Value as Json};

use crate::{Bucket, Value, kinds};

impl Value {
    /// Returns the value as text.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Integer(value) => format!("i{value}"),
            // {:?} is the shortest text that reads back to the same number.
            Self::Float(value) => format!("f{value:?}"),
            Self::Ratio {
                numerator,
                denominator,
            } => format!("r{numerator}/{denominator}"),
            Self::Histogram(histogram) => format!("h{}", histogram_text(histogram)),
            Self::Document(text) => format!("d{text}"),
            Self::Custom { kind, value } => format!("c{kind}:{value}"),
        }
    }

    /// Reads the text of a value; `None` when it is none. The JSON of a
    /// document is not looked at.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (kind, text) = text.split_at_checked(1)?;
        Some(match kind {
            "i" => Self::Integer(text.parse().ok()?),
            "f" => Self::Float(text.parse().ok().filter(|value: &f64| value.is_finite())?),
            "r" => {
                let (numerator, denominator) = text.split_once('/')?;
                Self::Ratio {
                    numerator: numerator.parse().ok()?,
                    denominator: denominator.parse().ok()?,
                }
            }
            "h" => Self::Histogram(serde_json::from_str(text).ok()?),
            "d" => Self::Document(text.to_owned()),
            "c" => {
                let (kind, value) = custom(text)?;
                Self::Custom { kind, value }
            }
            _ => return None,
        })
    }
}

impl Bucket {
    /// Returns the bucket as text.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Integer { sum, count } => format!("i{sum}/{count}"),
            Self::Float {
                sum,
                compensation,
                count,
            } => format!("f{sum:?}/{compensation:?}/{count}"),
            Self::Ratio {
                numerator,
                denominator,
            } => format!("r{numerator}/{denominator}"),
            Self::Histogram(histogram) => format!("h{}", histogram_text(histogram)),
            Self::Custom { kind, state } => format!("c{kind}:{state}"),
            Self::Fixed(values) => {
                let values: Map<String, Json> = values
                    .iter()
                    .map(|(summary_type, value)| (summary_type.name().to_owned(), value.clone()))
                    .collect();
                format!("x{}", Json::Object(values))
            }
        }
    }

    /// Reads the text of a bucket; `None` when it is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (kind, text) = text.split_at_checked(1)?;
        Some(match kind {
            "i" => {
                let (sum, count) = text.split_once('/')?;
                Self::Integer {
                    sum: sum.parse().ok()?,
                    count: count.parse().ok()?,
                }
            }
            "f" => {
                let mut parts = text.splitn(3, '/');
                Self::Float {
                    sum: parts.next()?.parse().ok()?,
                    compensation: parts.next()?.parse().ok()?,
                    count: parts.next()?.parse().ok()?,
                }
            }
            "r" => {
                let (numerator, denominator) = text.split_once('/')?;
                Self::Ratio {
                    numerator: numerator.parse().ok()?,
                    denominator: denominator.parse().ok()?,
                }
            }
            "h" => Self::Histogram(serde_json::from_str(text).ok()?),
            "c" => {
                let (kind, state) = custom(text)?;
                Self::Custom { kind, state }
            }
            "x" => {
                let values: Map<String, Json> = serde_json::from_str(text).ok()?;
                let values: Option<BTreeMap<SummaryType, Json>> = values
                    .into_iter()
                    .map(|(name, value)| Some((SummaryType::from_name(&name)?, value)))
                    .collect();
                Self::Fixed(values?)
            }
            _ => return None,
        })
    }
}

/// Reads what is of a kind, known here or not.
fn custom(text: &str) -> Option<(Cow<'static, str>, Json)> {
    let (kind, json) = text.split_once(':')?;
    Some((kinds::name(kind)?, serde_json::from_str(json).ok()?))
}

fn histogram_text(histogram: &Histogram) -> String {
    let buckets: Map<String, Json> = histogram
        .buckets()
        .map(|(bucket, count)| (bucket.to_owned(), count.into()))
        .collect();
    Json::Object(buckets).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: &[(&str, i64)]) -> Histogram {
        Histogram::new(buckets.iter().map(|(text, n)| ((*text).to_owned(), *n)))
    }

    #[test]
    fn values_have_these_texts_and_read_back() {
        let odd_texts = histogram(&[("41.00", 1), ("41.0", -2), ("a\"\u{0}\\/é", i64::MAX)]);
        let ratio = |numerator, denominator| Value::Ratio {
            numerator,
            denominator,
        };
        let document = |text: &str| Value::Document(text.to_owned());
        let custom = |kind: &'static str, value| Value::Custom {
            kind: kind.into(),
            value,
        };
        for (value, text) in [
            (Value::Integer(i64::MIN), "i-9223372036854775808"),
            (Value::Float(-0.0), "f-0.0"),
            (Value::Float(5e-324), "f5e-324"),
            (Value::Float(3.0), "f3.0"),
            (Value::Float(0.1), "f0.1"),
            (ratio(i64::MAX, 1), "r9223372036854775807/1"),
            (
                Value::Histogram(odd_texts),
                r#"h{"41.00":1,"41.0":-2,"a\"\u0000\\/é":9223372036854775807}"#,
            ),
            (Value::Histogram(histogram(&[])), "h{}"),
            (custom("gauge", serde_json::json!(1.5)), "cgauge:1.5"),
            (
                custom("not-ours", serde_json::json!({":": ["c"]})),
                r#"cnot-ours:{":":["c"]}"#,
            ),
            (document("null"), "dnull"),
            (document(r#""a\u0000/é""#), r#"d"a\u0000/é""#),
        ] {
            assert_eq!(value.encode(), text);
            // Debug tells -0.0 from 0.0.
            let read = Value::decode(text);
            assert_eq!(format!("{read:?}"), format!("{:?}", Some(value)));
        }
    }

    #[test]
    fn buckets_have_these_texts_and_read_back() {
        let float = |sum, compensation, count| Bucket::Float {
            sum,
            compensation,
            count,
        };
        let fixed = [
            (SummaryType::Statistics, serde_json::json!({"mode": [1.0]})),
            (
                SummaryType::Average,
                serde_json::from_str("12345678901234567890.10").unwrap(),
            ),
        ];
        for (bucket, text) in [
            (
                Bucket::Integer {
                    sum: i128::MIN,
                    count: u64::MAX,
                },
                "i-170141183460469231731687303715884105728/18446744073709551615",
            ),
            (float(0.1, -1e-300, 3), "f0.1/-1e-300/3"),
            (float(f64::INFINITY, 0.0, 2), "finf/0.0/2"),
            (
                Bucket::Ratio {
                    numerator: 0,
                    denominator: i128::MAX,
                },
                "r0/170141183460469231731687303715884105727",
            ),
            (
                Bucket::Histogram(histogram(&[("b", 1), ("a", 0)])),
                r#"h{"b":1,"a":0}"#,
            ),
            (
                Bucket::Fixed(fixed.into()),
                r#"x{"average":12345678901234567890.10,"statistics":{"mode":[1.0]}}"#,
            ),
            (
                Bucket::Custom {
                    kind: "not-ours".into(),
                    state: serde_json::json!({"n": 0.1}),
                },
                r#"cnot-ours:{"n":0.1}"#,
            ),
            (Bucket::Fixed(BTreeMap::new()), "x{}"),
        ] {
            assert_eq!(bucket.encode(), text);
            assert_eq!(Bucket::decode(text), Some(bucket));
        }
    }

    #[test]
    fn what_is_no_text_of_ours_is_not_read() {
        for text in [
            "",
            "é",
            "y1",
            "r1",
            "r1/x",
            "i",
            "i1.5",
            "h[]",
            "h{\"a\":1.5}",
            "c1.5",
            "c:1.5",
            "cGauge:1.5",
            "cgauge:",
            "cgauge:x",
        ] {
            assert_eq!(Value::decode(text), None, "{text}");
            assert_eq!(Bucket::decode(text), None, "{text}");
        }
        for text in ["fnan", "finf", "f", "x{}", "i1/2"] {
            assert_eq!(Value::decode(text), None, "{text}");
        }
        for text in [
            "i1",
            "f1.5/2",
            "f1.5",
            "d1",
            "x1",
            "x{\"mean\":1}",
            "x{\"average\":}",
        ] {
            assert_eq!(Bucket::decode(text), None, "{text}");
        }
    }
}
