//! Recognising the last record that the original program loaded.

use serde_json::{Map, Value};

use crate::transfer::Style;

/// Tells whether a line is the record whose fields the original saved.
#[must_use]
pub fn is_record(line: &str, fields: &Map<String, Value>, style: Style) -> bool {
    match style {
        Style::Netlogger => is_netlogger(line, fields),
        Style::Json => is_json(line, fields),
    }
}

/// The original saved each `KEY=value`, the key in lower case with `_` for `.`.
fn is_netlogger(line: &str, fields: &Map<String, Value>) -> bool {
    let mut count = 0;
    for word in line.split_whitespace() {
        let Some((key, value)) = word.split_once('=') else {
            return false;
        };
        let key = key.to_lowercase().replace('.', "_");
        let same = match fields.get(&key) {
            Some(Value::String(saved)) => saved == value,
            Some(Value::Number(saved)) => saved.to_string() == value,
            _ => false,
        };
        if !same {
            return false;
        }
        count += 1;
    }
    count > 0 && count == fields.len()
}

/// The original saved the object, perhaps with other keys inside its groups; the
/// fields beside them tell enough.
fn is_json(line: &str, fields: &Map<String, Value>) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_str(line) else {
        return false;
    };
    let mut simple = fields
        .iter()
        .filter(|(_, value)| matches!(value, Value::String(_) | Value::Number(_)))
        .peekable();
    simple.peek().is_some()
        && simple.all(|(key, saved)| match (object.get(key), saved) {
            (Some(Value::Number(number)), Value::Number(saved)) => {
                number == saved || number.as_f64() == saved.as_f64()
            }
            (value, saved) => value == Some(saved),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn same(line: &str, fields: &Value, style: Style) -> bool {
        is_record(line, fields.as_object().unwrap(), style)
    }

    #[test]
    fn all_fields_must_be_equal() {
        let fields = json!({"date": "1", "nl_evnt": "FTP_INFO", "nbytes": 5});
        let p = |line| same(line, &fields, Style::Netlogger);
        assert!(p("  DATE=1 NL.EVNT=FTP_INFO NBYTES=5 "));
        assert!(!p("DATE=1 NL.EVNT=FTP_INFO NBYTES=6"));
        assert!(!p("DATE=1 NL.EVNT=FTP_INFO"));
        assert!(!p("DATE=1 NL.EVNT=FTP_INFO NBYTES=5 CODE=1"));
        assert!(!p("text DATE=1 NL.EVNT=FTP_INFO NBYTES=5"));
        assert!(!same("", &json!({}), Style::Netlogger));
    }

    #[test]
    fn of_an_object_the_simple_fields_must_be_equal() {
        let fields = json!({"transferID": "a", "nbytes": 5.0, "iostat": {"r_s": 1}});
        let p = |line| same(line, &fields, Style::Json);
        assert!(p(
            r#"{"transferID": "a", "nbytes": 5, "iostat": {"r/s": 1}}"#
        ));
        assert!(!p(r#"{"transferID": "b", "nbytes": 5}"#));
        assert!(!p(r#"{"transferID": "a"}"#));
        assert!(!p("5"));
        assert!(!same("{}", &json!({"iostat": {}}), Style::Json));
    }
}
