//! Results of pScheduler, sent to `/logstash`.

mod answers;
mod busy;
mod credentials;
mod documented;
mod mapping;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use esmond_ps_server::{Config, Resolver};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::support::{Answer, Archive, KEY, config};

/// The credentials of the user `perfsonar` as HTTP Basic.
pub(crate) fn basic() -> String {
    basic_of("perfsonar", KEY)
}

fn basic_of(user: &str, key: &str) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    format!("Basic {}", engine.encode(format!("{user}:{key}")))
}

/// Knows some hosts of the documents.
#[derive(Debug)]
struct Names;

#[async_trait]
impl Resolver for Names {
    async fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let addresses: &[&str] = match host {
            "thr-a.example.org" => &["192.0.2.100", "2001:db8:100::a"],
            "thr-b.example.org" => &["198.51.100.100", "2001:db8:100::b"],
            "lata.example.org" => &["192.0.2.200"],
            "latb.example.org" => &["198.51.100.200"],
            "only6.example.org" => &["2001:db8:6::6"],
            "toolkit.example.org" => &["192.0.2.60"],
            _ => &[],
        };
        addresses.iter().map(|text| text.parse().unwrap()).collect()
    }
}

fn settings() -> Config {
    Config {
        resolver: Arc::new(Names),
        ..config()
    }
}

async fn archive() -> Archive {
    Archive::with(settings()).await
}

/// Sends a result with more headers.
async fn send(archive: &Archive, body: &Value, headers: &[(&str, &str)]) -> Answer {
    send_text(archive, &body.to_string(), headers).await
}

async fn send_text(archive: &Archive, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::put("/logstash").header("authorization", basic());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned()));
    archive.ask(request.unwrap()).await
}

/// Sends a result that is taken, and returns the answer.
async fn stored(archive: &Archive, body: &Value, headers: &[(&str, &str)]) -> Value {
    let answer = send(archive, body, headers).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

/// Returns the value of an event type at a time; `None` when there is none.
async fn value(archive: &Archive, stored: &Value, event_type: &str) -> Option<Value> {
    let key = stored["metadata-key"].as_str().unwrap();
    let ts = &stored["ts"];
    let path = format!("{key}/{event_type}/base?time-start={ts}&time-end={ts}");
    let points = archive.get(&path).await.json();
    let points = points.as_array().unwrap();
    assert!(points.len() <= 1, "{points:?}");
    points.first().map(|point| point["val"].clone())
}

/// Returns a record.
async fn record(archive: &Archive, stored: &Value) -> Value {
    let key = stored["metadata-key"].as_str().unwrap();
    archive.get(&format!("{key}/")).await.json()
}

/// Returns all records.
async fn records(archive: &Archive) -> Vec<Value> {
    archive.get("").await.json().as_array().unwrap().clone()
}

/// The smallest document that perfSONAR 5 shows whole.
fn smallest() -> Value {
    json!({
        "test": {"type": "throughput", "spec": {
            "source": "192.0.2.10", "dest": "198.51.100.20", "duration": "PT10S"
        }},
        "tool": {"name": "iperf3"},
        "participants": ["192.0.2.10"],
        "run": {
            "start-time": "2025-03-01T12:00:00Z",
            "end-time": "2025-03-01T12:00:10Z",
            "added": "2025-03-01T12:00:00Z"
        },
        "task": {"detail": {"duration": "PT10S"}},
        "result": {
            "succeeded": true,
            "summary": {"summary": {"throughput-bits": 9_412_345_678.25, "retransmits": 12}},
            "intervals": []
        }
    })
}

/// Results as hosts of perfSONAR 5 send them, with who sent each.
fn sent() -> Vec<(String, Value)> {
    let bytes = include_bytes!("../../data/logstash/results.jsonl.gz");
    let text = std::io::read_to_string(GzDecoder::new(&bytes[..])).unwrap();
    let results = text.lines().map(|line| {
        let mut result: Value = serde_json::from_str(line).unwrap();
        let observer = result["observer"].as_str().unwrap().to_owned();
        (observer, result["body"].take())
    });
    results.collect()
}

/// Documents with what pScheduler's archiver for esmond makes of them, by name: the
/// fixtures of the mapping itself.
fn cases() -> BTreeMap<String, Value> {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../results/tests/data/pscheduler"
    );
    let entries = std::fs::read_dir(directory).unwrap();
    let cases = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        (name, serde_json::from_str(&text).unwrap())
    });
    cases.collect()
}
