//! Nested values as parameters.

use serde_json::Value;

/// Adds a value under a name, the parts of lists and objects under `name-0`,
/// `name-key` and so on. Nulls are left out, and so is what lies under a key that
/// starts with `_`: pScheduler keeps those private.
pub(super) fn flatten(name: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Array(list) => {
            for (at, part) in list.iter().enumerate() {
                flatten(&format!("{name}-{at}"), part, into);
            }
        }
        Value::Object(map) => {
            for (key, part) in map.iter().filter(|(key, _)| !key.starts_with('_')) {
                flatten(&format!("{name}-{key}"), part, into);
            }
        }
        scalar => into.push((name.to_owned(), scalar.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::flatten;
    use serde_json::json;

    #[test]
    fn lists_and_objects_become_names_and_private_keys_stay_private() {
        // DIFFERENCE: the original sends private keys of nested parts.
        let mut flat = Vec::new();
        let value = json!({"a": [1, {"b": true}], "_secret": "x", "c": null, "d": {"_e": 1}});
        flatten("ref", &value, &mut flat);
        assert_eq!(
            flat,
            [
                ("ref-a-0".to_owned(), json!(1)),
                ("ref-a-1-b".to_owned(), json!(true))
            ]
        );
    }
}
