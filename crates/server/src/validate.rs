//! Values of points: what is taken, and with which words the rest is refused.
//!
//! The texts are those of the original archive. DIFFERENCE: what crashes the
//! original (500) is refused with the text of its type, and a histogram must
//! be an object with counts of 64 bits and a document of a bounded depth.

use esmond_ps_model::{DataType, Histogram};
use esmond_ps_store::Value as Stored;
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
    #[error("Value must not be nested deeper than {DEEPEST} levels")]
    Depth,
}

/// Checks the value of a point and returns it as it is stored.
pub(crate) fn value(data_type: DataType, value: &Value) -> Result<Stored, ValueError> {
    match data_type {
        DataType::Integer => to_integer(value)
            .map(Stored::Integer)
            .ok_or(ValueError::Integer),
        DataType::Float => to_float(value).map(Stored::Float).ok_or(ValueError::Float),
        DataType::Percentage => ratio(value),
        DataType::Histogram => histogram(value),
        DataType::Subinterval => {
            check_subintervals(value)?;
            document(value)
        }
        DataType::Json => document(value),
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

fn document(value: &Value) -> Result<Stored, ValueError> {
    if depth(value) > DEEPEST {
        return Err(ValueError::Depth);
    }
    Ok(Stored::Document(value.to_string()))
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

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn what_is_stored_can_be_read_by_every_client() {
        let stored = value(DataType::Json, &nested(DEEPEST)).unwrap();
        assert_eq!(stored, Stored::Document(nested(DEEPEST).to_string()));
        let refused = value(DataType::Json, &nested(DEEPEST + 1));
        assert_eq!(refused, Err(ValueError::Depth));
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
