//! Captures and recordings.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// Output of bwctl with what is to be stored of it: `name`, `text`, `correct`.
pub(crate) fn captures() -> Vec<Value> {
    lines(include_bytes!("../data/bwctl.jsonl.gz"))
}

/// Runs of the original program: `name`, `stdin`, `runs`.
pub(crate) fn recordings() -> Vec<Value> {
    lines(include_bytes!("../data/recorded.jsonl.gz"))
}

/// Returns the text of a capture.
pub(crate) fn capture(name: &str) -> String {
    let all = captures();
    let found = all.iter().find(|one| one["name"] == name);
    found.unwrap()["text"].as_str().unwrap().to_owned()
}

fn lines(packed: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Numbers of equal size are equal however they are written; so are objects, whatever
/// their order.
pub(crate) fn same(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(same).collect(),
        Value::Object(map) => {
            let mut map = map.clone();
            map.sort_keys();
            Value::Object(
                map.into_iter()
                    .map(|(name, value)| (name, same(&value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
