//! Changes to recorded answers.

use serde_json::{Value, json};

use crate::replay::Expected;

use super::{answer, set};

const ARCHIVE: &str = "/esmond/perfsonar/archive/";

/// Replaces texts in body and headers.
pub(super) fn replace(expected: &mut Expected, pairs: &[(&str, &str)]) {
    let mut text = json!([expected.headers, expected.body]).to_string();
    for (from, to) in pairs {
        text = text.replace(from, to);
    }
    let Ok(Value::Array(parts)) = serde_json::from_str(&text) else {
        panic!("no longer JSON: {text}");
    };
    let [headers, body] = parts.try_into().unwrap();
    expected.headers = headers.as_object().unwrap().clone();
    expected.body = body;
}

/// Puts one key in the place of another.
pub(super) fn rekey(expected: &mut Expected, from: usize, to: usize) {
    let placeholder = |number| format!("{{{{metadata_key:{number}}}}}");
    replace(expected, &[(&placeholder(from), &placeholder(to))]);
}

/// A new record as it is listed: point-to-point, with the event type
/// throughput.
pub(super) fn record(key: usize, parameters: &[(&str, &str)]) -> Value {
    let uri = format!("{ARCHIVE}{{{{metadata_key:{key}}}}}/");
    let mut record = json!({
        "url": format!("http://archive.example.org{uri}"),
        "metadata-key": format!("{{{{metadata_key:{key}}}}}"),
        "subject-type": "point-to-point",
        "event-types": [{
            "base-uri": format!("{uri}throughput/base"), "event-type": "throughput",
            "time-updated": null, "summaries": []
        }],
        "source": "10.1.1.1", "destination": "10.1.1.2", "measurement-agent": "10.1.1.1",
        "tool-name": "bwctl/iperf3", "input-source": "host1.example.net",
        "input-destination": "host2.example.net",
        "uri": uri
    });
    for (name, value) in parameters {
        record[name] = json!(value);
    }
    record
}

/// The creation of a record succeeds.
pub(super) fn created(expected: &mut Expected, record: Value) {
    let location = record["url"].as_str().unwrap().to_owned();
    answer(expected, 201, record, Some("GET, POST, HEAD, OPTIONS"));
    set(expected, "location", &location);
}

/// Keeps only these records of a list that is one page.
pub(super) fn keep(expected: &mut Expected, keys: &[usize]) {
    let wanted: Vec<Value> = keys
        .iter()
        .map(|key| json!(format!("{{{{metadata_key:{key}}}}}")))
        .collect();
    let kept = records(expected)
        .into_iter()
        .filter(|record| wanted.contains(&record["metadata-key"]))
        .collect();
    list(expected, kept);
}

/// Inserts a record into a list that is one page.
pub(super) fn insert(expected: &mut Expected, at: usize, mut record: Value) {
    let mut records = records(expected);
    // A format that was asked for stays in the addresses.
    let format = records
        .first()
        .and_then(|first| first["url"].as_str()?.split_once('?'));
    if let Some((_, format)) = format {
        let url = record["url"].as_str().unwrap();
        record["url"] = json!(format!("{url}?{format}"));
    }
    records.insert(at, record);
    list(expected, records);
}

fn records(expected: &Expected) -> Vec<Value> {
    let mut records = expected.body.as_array().unwrap().clone();
    if let Some(first) = records.first_mut() {
        for name in [
            "metadata-count-total",
            "metadata-previous-page",
            "metadata-next-page",
        ] {
            first.as_object_mut().unwrap().shift_remove(name);
        }
    }
    records
}

fn list(expected: &mut Expected, mut records: Vec<Value>) {
    let total = records.len();
    if let Some(first) = records.first_mut() {
        first["metadata-count-total"] = json!(total);
        first["metadata-previous-page"] = Value::Null;
        first["metadata-next-page"] = Value::Null;
    }
    expected.body = Value::Array(records);
}

/// Takes points out of a list.
pub(super) fn without(expected: &mut Expected, times: &[i64]) {
    let points = expected.body.as_array_mut().unwrap();
    points.retain(|point| !times.iter().any(|ts| point["ts"] == *ts));
}

/// Gives the points of a list other values.
pub(super) fn revalue(expected: &mut Expected, values: &[(i64, Value)]) {
    for point in expected.body.as_array_mut().unwrap() {
        if let Some((_, value)) = values.iter().find(|(ts, _)| point["ts"] == *ts) {
            point["val"] = value.clone();
        }
    }
}
