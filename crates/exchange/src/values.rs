//! Values and buckets as plain JSON.
//!
//! Each line of data has one kind of values, since JSON alone does not tell a
//! float from an integer, or a histogram from a document. Numbers keep all
//! their digits: integers are decimal, floats the shortest decimal text that
//! reads back to the same double.

use std::borrow::Cow;
use std::fmt::Write as _;

use esmond_ps_model::registry::{Rules, StorageClass, Validator};
use esmond_ps_store::{Bucket, Value};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::format::DEEPEST;

/// Kind of the values of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    Ratio,
    Histogram,
    /// JSON as it is.
    Document,
    /// A document that is no JSON, or too deep for many readers, as JSON text.
    Text,
    /// What a data type that is code stores.
    Custom(Cow<'static, str>),
    /// Summaries by their type.
    Fixed,
}

const CUSTOM: &str = "custom:";

impl Kind {
    pub(crate) fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Ratio => "ratio",
            Self::Histogram => "histogram",
            Self::Document => "document",
            Self::Text => "text",
            Self::Custom(kind) => return Cow::Owned(format!("{CUSTOM}{kind}")),
            Self::Fixed => "fixed",
        })
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "integer" => Self::Integer,
            "float" => Self::Float,
            "ratio" => Self::Ratio,
            "histogram" => Self::Histogram,
            "document" => Self::Document,
            "text" => Self::Text,
            "fixed" => Self::Fixed,
            _ => Self::Custom(Cow::Owned(name.strip_prefix(CUSTOM)?.to_owned())),
        })
    }

    /// Tells whether an event type with these rules has such values. Summaries
    /// that were taken over can be those of any.
    pub(crate) fn fits(&self, rules: &Rules) -> bool {
        let storage = match self {
            Self::Integer => StorageClass::Integer,
            Self::Float => StorageClass::Float,
            Self::Ratio => StorageClass::Ratio,
            Self::Histogram => StorageClass::Histogram,
            Self::Document | Self::Text => StorageClass::Document,
            Self::Custom(name) => {
                return matches!(rules.validator(), Validator::Custom(kind) if kind.name == name);
            }
            Self::Fixed => return true,
        };
        rules.storage() == storage
    }
}

/// Something that a line holds many of.
pub(crate) trait Item: Sized {
    fn kind(&self) -> Kind;
    /// Appends the value as JSON.
    fn append(&self, text: &mut String);
    /// Reads the JSON of a value of a kind; `None` when it is none.
    fn read(kind: &Kind, json: &RawValue) -> Option<Self>;
}

impl Item for Value {
    fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Ratio { .. } => Kind::Ratio,
            Self::Histogram(_) => Kind::Histogram,
            Self::Document(text) if is_plain(text) => Kind::Document,
            Self::Document(_) => Kind::Text,
            Self::Custom { kind, .. } => Kind::Custom(kind.clone()),
        }
    }

    fn append(&self, text: &mut String) {
        match self {
            Self::Integer(value) => append(text, value),
            Self::Float(value) => append_float(text, *value),
            Self::Ratio {
                numerator,
                denominator,
            } => append_ratio(text, (*numerator).into(), (*denominator).into()),
            // After its letter the store's own text is JSON.
            Self::Histogram(_) => text.push_str(&self.encode()[1..]),
            Self::Document(document) if is_plain(document) => text.push_str(document),
            Self::Document(document) => append(text, Json::from(document.as_str())),
            Self::Custom { value, .. } => append(text, value),
        }
    }

    fn read(kind: &Kind, json: &RawValue) -> Option<Self> {
        let text = json.get();
        match kind {
            Kind::Integer => text.parse().ok().map(Self::Integer),
            Kind::Float => {
                let value = text.parse().ok().filter(|value: &f64| value.is_finite());
                value.map(Self::Float)
            }
            Kind::Ratio => {
                let ratio: Ratio<'_> = serde_json::from_str(text).ok()?;
                let numerator = ratio.numerator.get().parse().ok();
                let denominator = ratio.denominator.get().parse().ok();
                Some(Self::Ratio {
                    numerator: numerator.filter(|value| *value >= 0)?,
                    denominator: denominator.filter(|value| *value > 0)?,
                })
            }
            Kind::Histogram => Self::decode(&format!("h{text}")),
            Kind::Document => is_plain(text).then(|| Self::Document(text.to_owned())),
            Kind::Text => serde_json::from_str(text).ok().map(Self::Document),
            Kind::Custom(kind) => Self::decode(&format!("c{kind}:{text}")),
            Kind::Fixed => None,
        }
    }
}

impl Item for Bucket {
    fn kind(&self) -> Kind {
        match self {
            Self::Integer { .. } => Kind::Integer,
            Self::Float { .. } => Kind::Float,
            Self::Ratio { .. } => Kind::Ratio,
            Self::Histogram(_) => Kind::Histogram,
            Self::Custom { kind, .. } => Kind::Custom(kind.clone()),
            Self::Fixed(_) => Kind::Fixed,
        }
    }

    fn append(&self, text: &mut String) {
        match self {
            Self::Integer { sum, count } => {
                append(text, format_args!("{{\"sum\":{sum},\"count\":{count}}}"));
            }
            Self::Float {
                sum,
                compensation,
                count,
            } => {
                text.push_str("{\"sum\":");
                append_float(text, *sum);
                text.push_str(",\"compensation\":");
                append_float(text, *compensation);
                append(text, format_args!(",\"count\":{count}}}"));
            }
            Self::Ratio {
                numerator,
                denominator,
            } => append_ratio(text, *numerator, *denominator),
            Self::Custom { state, .. } => append(text, state),
            // After its letter the store's own text is JSON.
            Self::Histogram(_) | Self::Fixed(_) => text.push_str(&self.encode()[1..]),
        }
    }

    fn read(kind: &Kind, json: &RawValue) -> Option<Self> {
        let text = json.get();
        match kind {
            Kind::Integer => {
                let sum: Sum<'_> = serde_json::from_str(text).ok()?;
                Some(Self::Integer {
                    sum: sum.sum.get().parse().ok()?,
                    count: sum.count,
                })
            }
            Kind::Float => {
                let sum: Sum<'_> = serde_json::from_str(text).ok()?;
                Some(Self::Float {
                    sum: any_float(sum.sum)?,
                    compensation: any_float(sum.compensation?)?,
                    count: sum.count,
                })
            }
            Kind::Ratio => {
                let ratio: Ratio<'_> = serde_json::from_str(text).ok()?;
                Some(Self::Ratio {
                    numerator: ratio.numerator.get().parse().ok()?,
                    denominator: ratio.denominator.get().parse().ok()?,
                })
            }
            Kind::Histogram => Self::decode(&format!("h{text}")),
            Kind::Custom(kind) => Self::decode(&format!("c{kind}:{text}")),
            Kind::Fixed => Self::decode(&format!("x{text}")),
            Kind::Document | Kind::Text => None,
        }
    }
}

#[derive(Deserialize)]
struct Ratio<'a> {
    #[serde(borrow)]
    numerator: &'a RawValue,
    #[serde(borrow)]
    denominator: &'a RawValue,
}

#[derive(Deserialize)]
struct Sum<'a> {
    #[serde(borrow)]
    sum: &'a RawValue,
    #[serde(borrow)]
    compensation: Option<&'a RawValue>,
    count: u64,
}

fn append(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    write!(text, "{value}").unwrap_or_default();
}

/// Appends a number, or as text what JSON has no number for: sums beyond the
/// range of doubles.
fn append_float(text: &mut String, value: f64) {
    if value.is_finite() {
        // {:?} is the shortest text that reads back to the same number.
        append(text, format_args!("{value:?}"));
    } else {
        append(text, format_args!("\"{value:?}\""));
    }
}

fn any_float(json: &RawValue) -> Option<f64> {
    let text = json.get();
    match text.strip_prefix('"') {
        Some(text) => match text.strip_suffix('"')? {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => None,
        },
        None => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

fn append_ratio(text: &mut String, numerator: i128, denominator: i128) {
    append(
        text,
        format_args!("{{\"numerator\":{numerator},\"denominator\":{denominator}}}"),
    );
}

/// Tells whether a document can stand in a line as it is.
fn is_plain(text: &str) -> bool {
    let json = serde_json::from_str::<&RawValue>(text);
    json.is_ok_and(|json| json.get() == text) && !text.contains(['\n', '\r']) && !is_deep(text)
}

/// Tells whether JSON is nested too deep for many parsers.
fn is_deep(json: &str) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use esmond_ps_model::{Histogram, SummaryType};
    use serde_json::json;

    use super::*;

    fn written<I: Item>(item: &I) -> (Kind, String) {
        let mut text = String::new();
        item.append(&mut text);
        (item.kind(), text)
    }

    fn read<I: Item>(kind: &Kind, json: &str) -> Option<I> {
        I::read(kind, serde_json::from_str(json).ok()?)
    }

    #[test]
    fn values_are_plain_json_and_read_back() {
        let deep = format!("{}1{}", "[".repeat(101), "]".repeat(101));
        let deepest = format!("{}\"[\\\"[\"{}", "[".repeat(100), "]".repeat(100));
        let histogram = [("41.00", 1), ("41.0", -2), ("a\"\u{0}é", i64::MAX)];
        let histogram = Histogram::new(histogram.map(|(text, count)| (text.to_owned(), count)));
        let document = |text: &str| Value::Document(text.to_owned());
        for (value, kind, json) in [
            (
                Value::Integer(i64::MIN),
                Kind::Integer,
                "-9223372036854775808",
            ),
            (Value::Float(3.0), Kind::Float, "3.0"),
            (Value::Float(-0.0), Kind::Float, "-0.0"),
            (Value::Float(5e-324), Kind::Float, "5e-324"),
            (
                Value::Float(f64::MAX),
                Kind::Float,
                "1.7976931348623157e308",
            ),
            (
                Value::Ratio {
                    numerator: 0,
                    denominator: i64::MAX,
                },
                Kind::Ratio,
                r#"{"numerator":0,"denominator":9223372036854775807}"#,
            ),
            (
                Value::Histogram(histogram),
                Kind::Histogram,
                r#"{"41.00":1,"41.0":-2,"a\"\u0000é":9223372036854775807}"#,
            ),
            (
                Value::Histogram(Histogram::default()),
                Kind::Histogram,
                "{}",
            ),
            (document(r#"{"a": 1.50}"#), Kind::Document, r#"{"a": 1.50}"#),
            (document(&deepest), Kind::Document, &deepest),
            (document(" 1"), Kind::Text, r#"" 1""#),
            (document("[1,\n2]"), Kind::Text, r#""[1,\n2]""#),
            (document("no json"), Kind::Text, r#""no json""#),
            (document(""), Kind::Text, r#""""#),
            (document(&deep), Kind::Text, &format!("\"{deep}\"")),
            (
                Value::Custom {
                    kind: "not-ours".into(),
                    value: json!({"n": 1}),
                },
                Kind::Custom("not-ours".into()),
                r#"{"n":1}"#,
            ),
        ] {
            assert_eq!(written(&value), (kind.clone(), json.to_owned()));
            // Debug tells -0.0 from 0.0.
            let value_read: Option<Value> = read(&kind, json);
            assert_eq!(format!("{value_read:?}"), format!("{:?}", Some(value)));
        }
    }

    #[test]
    fn buckets_are_plain_json_and_read_back() {
        let float = |sum, compensation| Bucket::Float {
            sum,
            compensation,
            count: 3,
        };
        let fixed = [(
            SummaryType::Average,
            serde_json::from_str("12345678901234567890.10").unwrap(),
        )];
        for (bucket, kind, json) in [
            (
                Bucket::Integer {
                    sum: i128::MIN,
                    count: u64::MAX,
                },
                Kind::Integer,
                r#"{"sum":-170141183460469231731687303715884105728,"count":18446744073709551615}"#,
            ),
            (
                float(0.1, -1e-300),
                Kind::Float,
                r#"{"sum":0.1,"compensation":-1e-300,"count":3}"#,
            ),
            (
                float(f64::NEG_INFINITY, f64::NAN),
                Kind::Float,
                r#"{"sum":"-inf","compensation":"NaN","count":3}"#,
            ),
            (
                Bucket::Ratio {
                    numerator: i128::MAX,
                    denominator: 0,
                },
                Kind::Ratio,
                r#"{"numerator":170141183460469231731687303715884105727,"denominator":0}"#,
            ),
            (
                Bucket::Histogram(Histogram::new([("b".to_owned(), 0)])),
                Kind::Histogram,
                r#"{"b":0}"#,
            ),
            (
                Bucket::Fixed(fixed.into()),
                Kind::Fixed,
                r#"{"average":12345678901234567890.10}"#,
            ),
            (
                Bucket::Custom {
                    kind: "not-ours".into(),
                    state: json!([0.5]),
                },
                Kind::Custom("not-ours".into()),
                "[0.5]",
            ),
        ] {
            assert_eq!(written(&bucket), (kind.clone(), json.to_owned()));
            let bucket_read: Option<Bucket> = read(&kind, json);
            assert_eq!(format!("{bucket_read:?}"), format!("{:?}", Some(bucket)));
        }
    }

    #[test]
    fn what_is_no_value_of_its_kind_is_not_read() {
        for (kind, json) in [
            (Kind::Integer, "1.0"),
            (Kind::Integer, "1e3"),
            (Kind::Integer, "9223372036854775808"),
            (Kind::Integer, "\"1\""),
            (Kind::Float, "1e999"),
            (Kind::Float, "\"inf\""),
            (Kind::Float, "null"),
            (Kind::Ratio, r#"{"numerator":-1,"denominator":1}"#),
            (Kind::Ratio, r#"{"numerator":1,"denominator":0}"#),
            (Kind::Ratio, r#"{"numerator":1}"#),
            (Kind::Histogram, r#"{"a":1.5}"#),
            (Kind::Histogram, "[]"),
            (Kind::Text, "1"),
            (Kind::Fixed, "{}"),
            (Kind::Custom("Not ours".into()), "1"),
        ] {
            assert_eq!(read::<Value>(&kind, json), None, "{kind:?} {json}");
        }
        for (kind, json) in [
            (Kind::Integer, r#"{"sum":1}"#),
            (Kind::Integer, r#"{"sum":1.5,"count":1}"#),
            (Kind::Integer, r#"{"sum":1,"count":-1}"#),
            (Kind::Float, r#"{"sum":1.0,"count":1}"#),
            (Kind::Float, r#"{"sum":"1","compensation":0.0,"count":1}"#),
            (Kind::Fixed, r#"{"mean":1}"#),
            (Kind::Document, "1"),
        ] {
            assert_eq!(read::<Bucket>(&kind, json), None, "{kind:?} {json}");
        }
        assert_eq!(Kind::from_name("Integer"), None);
        let custom = Kind::from_name("custom:gauge").unwrap();
        assert_eq!(custom, Kind::Custom("gauge".into()));
        assert_eq!(custom.name(), "custom:gauge");
    }
}
