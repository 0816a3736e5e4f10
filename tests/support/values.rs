//! Comparing values that went through an archive.

use serde_json::Value;

/// Tells whether two values mean the same: numbers and texts of numbers by their
/// value, `true` as `True`, lists and objects by their parts.
#[must_use]
pub fn is_like(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match (one, other) {
        (Value::Bool(one), Value::String(other)) => other == if *one { "True" } else { "False" },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_like(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let held = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|held| is_like(value, held))
            };
            one.len() == other.len() && one.iter().all(held)
        }
        _ => one == other || number(one).is_some_and(|one| number(other) == Some(one)),
    }
}
