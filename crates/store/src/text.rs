//! JSON values of metadata as the text that is stored.

use serde_json::Value;

/// Returns the text under which a metadata value is stored: texts as they are,
/// numbers in decimal, booleans as `True` and `False`. So spelled, the values
/// identify the same record as in the original archive.
///
/// DIFFERENCE: nested values are compact JSON; the original stores Python text.
#[must_use]
pub fn stored(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        Value::Number(number) => {
            let text = number.to_string();
            let whole = !text.contains(['.', 'e', 'E']);
            let finite = number.as_f64().filter(|value| value.is_finite());
            match finite {
                Some(value) if !whole => float(value),
                _ => text,
            }
        }
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Returns the shortest decimal text of a double, in Python's spelling: a
/// point or an exponent of at least two digits is always there.
fn float(value: f64) -> String {
    let text = format!("{value:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::stored;

    #[test]
    fn values_are_spelled_as_the_original_archive_stores_them() {
        for (json, expected) in [
            ("7200", "7200"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1.5", "1.5"),
            ("2.0", "2.0"),
            ("1e3", "1000.0"),
            ("1e22", "1e+22"),
            ("1.5e-7", "1.5e-07"),
            ("1e400", "1e+400"),
            ("true", "True"),
            ("false", "False"),
            ("null", "None"),
            ("\"\"", ""),
            ("\"é\"", "é"),
            ("[1, \"b\", null]", "[1,\"b\",null]"),
            ("{\"k\": 1}", "{\"k\":1}"),
        ] {
            assert_eq!(
                stored(&serde_json::from_str(json).unwrap()),
                expected,
                "{json}"
            );
        }
    }
}
