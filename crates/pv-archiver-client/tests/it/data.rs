//! The recordings, and how JSON is compared with them.

use serde::Serialize;
use serde_json::Value;

/// Two servers of the recorded cluster.
pub(crate) const SERVER: &str = "7cf8f393-cd00-46ae-9343-53e9cb5793fd";
pub(crate) const OTHER: &str = "6fc4efe0-ea4a-438e-9b0a-b5e5654cbed9";

/// Requests and answers of the server.
pub(crate) fn pairs() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/pairs.json")).unwrap()
}

pub(crate) fn pair(name: &str) -> Value {
    let named = |pair: &Value| pair["name"] == name;
    pairs().into_iter().find(named).unwrap()
}

/// What the original client sends for a call.
pub(crate) fn requests() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/requests.json")).unwrap()
}

/// Targets and the status that they get.
pub(crate) fn targets() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/archive_access_status.json")).unwrap()
}

/// JSON with floating-point numbers in one notation, without members that are null.
pub(crate) fn comparable(value: impl Serialize) -> Value {
    match serde_json::to_value(value).unwrap() {
        Value::Number(number) => {
            let text = number.to_string();
            if text.contains(['.', 'e', 'E']) {
                serde_json::to_value(text.parse::<f64>().unwrap()).unwrap()
            } else {
                Value::Number(number)
            }
        }
        Value::Array(values) => values.into_iter().map(comparable).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, comparable(value)))
            .collect(),
        other => other,
    }
}

pub(crate) fn comparable_text(json: &str) -> Value {
    comparable(serde_json::from_str::<Value>(json).unwrap())
}
