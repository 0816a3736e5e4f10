//! Values of points: what is taken, and with which words the rest is refused.
//!
//! The texts are those of the original archive. DIFFERENCE: what crashes the
//! original (500) is refused with the text of its type, and a histogram must
//! be an object with counts of 64 bits and a document of a bounded depth.

use esmond_ps_model::Histogram;
use esmond_ps_model::registry::{Rules, StorageClass, Validator};
use esmond_ps_store::{Value as Stored, kinds};
use serde_json::Value;
use thiserror::Error;

use crate::number::{to_float, to_integer};

/// Deepest nesting of a document. Many JSON parsers read 128 levels, and an
/// answer adds some: what is stored must be readable by all clients.
const DEEPEST: usize = 100;

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ValueError {
    #[error("Value must be an integer")]
    Integer,
    #[error("Value must be a floating point number")]
    Float,
    #[error("Missing required field '{0}'")]
    MissingPart(&'static str),
    #[error("The field '{0}' must be an integer")]
    PartInteger(&'static str),
    #[error("The field 'denominator' must be greater than 0")]
    Denominator,
    #[error("The field 'numerator' cannot be negative")]
    Numerator,
    #[error("Value of histogram must be an integer")]
    Count,
    #[error("Invalid histogram provided")]
    Histogram,
    #[error("Interval must contain '{field}' field at position {position}")]
    MissingField {
        field: &'static str,
        position: usize,
    },
    #[error("Subinterval 'start' and 'duration' must be floating point numbers")]
    Bounds,
    #[error("Invalid subintervals provided")]
    Subintervals,
    #[error("Value must be a text")]
    Text,
    #[error("Value must be true or false")]
    Boolean,
    #[error("Value must be a list of numbers")]
    NumberList,
    #[error("Value must be an object")]
    Object,
    #[error("{0}")]
    Custom(String),
    #[error("This archive does not have the data type '{0}'")]
    UnknownKind(&'static str),
    #[error("Value must not be nested deeper than {DEEPEST} levels")]
    Depth,
}

/// Checks the value of a point and returns it as it is stored.
pub(crate) fn value(rules: &Rules, value: &Value) -> Result<Stored, ValueError> {
    // A number in a document is kept as the number that was read, whether it
    // was posted as number or as text.
    let as_document = rules.storage() == StorageClass::Document;
    match rules.validator() {
        Validator::Integer => match to_integer(value).ok_or(ValueError::Integer)? {
            number if as_document => document(&Value::from(number)),
            number => Ok(Stored::Integer(number)),
        },
        Validator::Float => match to_float(value).ok_or(ValueError::Float)? {
            number if as_document => document(&Value::from(number)),
            number => Ok(Stored::Float(number)),
        },
        Validator::Boolean => match value.as_bool().ok_or(ValueError::Boolean)? {
            flag if as_document => document(&Value::from(flag)),
            flag => Ok(Stored::Integer(i64::from(flag))),
        },
        Validator::Percentage => ratio(value),
        Validator::Histogram => histogram(value),
        Validator::Subinterval => {
            check_subintervals(value)?;
            document(value)
        }
        Validator::Json => document(value),
        Validator::Text => document_if(value.is_string(), value, ValueError::Text),
        Validator::NumberList => {
            let numbers = value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_number));
            document_if(numbers, value, ValueError::NumberList)
        }
        Validator::Object => document_if(value.is_object(), value, ValueError::Object),
        Validator::Custom(kind) => {
            let kind = kinds::find(kind.name).ok_or(ValueError::UnknownKind(kind.name))?;
            check_depth(value)?;
            kinds::value(kind, value).map_err(ValueError::Custom)
        }
    }
}

/// Tells whether a field is there. As in the original, a list or text that
/// names the field has it, too; that it has no value is found out later.
/// `None` when the value cannot have fields at all.
pub(crate) fn has_field(value: &Value, name: &str) -> Option<bool> {
    match value {
        Value::Object(fields) => Some(fields.contains_key(name)),
        Value::Array(items) => Some(items.iter().any(|item| item == name)),
        Value::String(text) => Some(text.contains(name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn ratio(value: &Value) -> Result<Stored, ValueError> {
    let parts = ["numerator", "denominator"];
    for part in parts {
        if has_field(value, part) != Some(true) {
            return Err(ValueError::MissingPart(part));
        }
    }
    let part = |name| {
        value
            .get(name)
            .and_then(to_integer)
            .ok_or(ValueError::PartInteger(name))
    };
    let [numerator, denominator] = parts.map(part);
    let (numerator, denominator) = (numerator?, denominator?);
    if denominator <= 0 {
        return Err(ValueError::Denominator);
    }
    if numerator < 0 {
        return Err(ValueError::Numerator);
    }
    Ok(Stored::Ratio {
        numerator,
        denominator,
    })
}

fn histogram(value: &Value) -> Result<Stored, ValueError> {
    let Value::Object(fields) = value else {
        return Err(ValueError::Histogram);
    };
    let mut buckets = Vec::with_capacity(fields.len());
    for (bucket, count) in fields {
        if matches!(count, Value::Null | Value::Array(_) | Value::Object(_)) {
            return Err(ValueError::Histogram);
        }
        let count = to_integer(count).ok_or(ValueError::Count)?;
        buckets.push((bucket.clone(), count));
    }
    Ok(Stored::Histogram(Histogram::new(buckets)))
}

fn document_if(fits: bool, value: &Value, otherwise: ValueError) -> Result<Stored, ValueError> {
    if fits {
        document(value)
    } else {
        Err(otherwise)
    }
}

fn document(value: &Value) -> Result<Stored, ValueError> {
    check_depth(value)?;
    Ok(Stored::Document(value.to_string()))
}

/// Checks that a value is not nested deeper than one that is stored may be.
pub(crate) fn check_depth(value: &Value) -> Result<(), ValueError> {
    if depth(value) > DEEPEST {
        Err(ValueError::Depth)
    } else {
        Ok(())
    }
}

/// Returns how many lists and objects are inside one another. The parser's own
/// limit bounds the recursion.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

fn check_subintervals(value: &Value) -> Result<(), ValueError> {
    // As in the original, what is no list is walked like one.
    let intervals: Vec<Value> = match value {
        Value::Array(items) => items.clone(),
        Value::Object(fields) => fields
            .keys()
            .map(|name| Value::from(name.clone()))
            .collect(),
        Value::String(text) => text.chars().map(|c| Value::from(c.to_string())).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    if intervals.is_empty() {
        return Err(ValueError::Subintervals);
    }
    for (interval, position) in intervals.iter().zip(1..) {
        for field in ["start", "duration", "val"] {
            match has_field(interval, field) {
                Some(true) => {}
                Some(false) => return Err(ValueError::MissingField { field, position }),
                None => return Err(ValueError::Subintervals),
            }
        }
        for field in ["start", "duration"] {
            match interval.get(field) {
                Some(Value::Number(_) | Value::Bool(_)) => {}
                Some(Value::String(text)) if is_number(text) => {}
                Some(Value::String(_)) => return Err(ValueError::Bounds),
                _ => return Err(ValueError::Subintervals),
            }
        }
    }
    Ok(())
}

/// Tells whether a text names a number; infinities and NaN do, and are kept as
/// the text they are.
fn is_number(text: &str) -> bool {
    to_float(&Value::from(text)).is_some() || text.trim().parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use esmond_ps_model::DataType;
    use esmond_ps_model::registry::CustomKind;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn what_is_stored_can_be_read_by_every_client() {
        // DIFFERENCE: the original crashes at some of these values.
        let stored = value(&DataType::Json.rules(), &nested(DEEPEST)).unwrap();
        assert_eq!(stored, Stored::Document(nested(DEEPEST).to_string()));
        let refused = value(&DataType::Json.rules(), &nested(DEEPEST + 1));
        assert_eq!(refused, Err(ValueError::Depth));
    }

    #[test]
    fn composed_types_take_what_they_say_and_nothing_else() {
        use StorageClass::{Document, Integer};
        let seen = |validator, storage, json: &str| {
            let rules = Rules::new(validator, Some(storage), None).unwrap();
            match value(&rules, &serde_json::from_str(json).unwrap()) {
                Ok(Stored::Document(text)) => text,
                Ok(Stored::Integer(number)) => format!("{number} stored"),
                Ok(other) => format!("{other:?}"),
                Err(error) => error.to_string(),
            }
        };
        for (validator, storage, json, expected) in [
            (
                Validator::Text,
                Document,
                r#""a \u0000 b""#,
                r#""a \u0000 b""#,
            ),
            (Validator::Text, Document, "5", "Value must be a text"),
            (Validator::Text, Document, "null", "Value must be a text"),
            (Validator::Boolean, Document, "true", "true"),
            (Validator::Boolean, Integer, "false", "0 stored"),
            (
                Validator::Boolean,
                Integer,
                "1",
                "Value must be true or false",
            ),
            (
                Validator::Boolean,
                Document,
                r#""true""#,
                "Value must be true or false",
            ),
            (
                Validator::NumberList,
                Document,
                "[1, 2.50, -3e2]",
                "[1,2.50,-3e+2]",
            ),
            (Validator::NumberList, Document, "[]", "[]"),
            (
                Validator::NumberList,
                Document,
                "[null]",
                "Value must be a list of numbers",
            ),
            (
                Validator::NumberList,
                Document,
                r#"["1"]"#,
                "Value must be a list of numbers",
            ),
            (
                Validator::NumberList,
                Document,
                "1",
                "Value must be a list of numbers",
            ),
            (
                Validator::Object,
                Document,
                r#"{"b": 1, "a": [2]}"#,
                r#"{"b":1,"a":[2]}"#,
            ),
            (Validator::Object, Document, "[]", "Value must be an object"),
            (Validator::Integer, Document, r#"" 7 ""#, "7"),
            (
                Validator::Integer,
                Document,
                r#""7.5""#,
                "Value must be an integer",
            ),
            (Validator::Float, Document, r#""7.50""#, "7.5"),
            (Validator::Float, Document, "9", "9.0"),
            (
                Validator::Float,
                Document,
                "null",
                "Value must be a floating point number",
            ),
        ] {
            assert_eq!(seen(validator, storage, json), expected, "{json}");
        }
    }

    #[test]
    fn a_kind_that_is_code_checks_its_values() {
        let rules = |name| {
            let kind = CustomKind {
                name,
                summaries: &[],
                layouts: &[],
            };
            Rules::new(Validator::Custom(kind), None, None).unwrap()
        };
        let seen = |name, json: &str| value(&rules(name), &serde_json::from_str(json).unwrap());
        let stored = seen("gauge", "1.50").unwrap();
        assert_eq!(stored.encode(), "cgauge:1.5");
        assert_eq!(
            seen("gauge", "[]").unwrap_err().to_string(),
            "Value must be a number from -1e300 to 1e300"
        );
        assert_eq!(
            value(&rules("gauge"), &nested(DEEPEST + 1)),
            Err(ValueError::Depth)
        );
        assert_eq!(
            seen("of-another-build", "1"),
            Err(ValueError::UnknownKind("of-another-build"))
        );
    }

    #[test]
    fn lists_and_texts_have_the_fields_that_they_name() {
        for (json, expected) in [
            (r#"{"start": null}"#, Some(true)),
            (r#"["start"]"#, Some(true)),
            (r#""start val""#, Some(true)),
            (r#"["val"]"#, Some(false)),
            ("5", None),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(has_field(&value, "start"), expected, "{json}");
        }
    }
}
