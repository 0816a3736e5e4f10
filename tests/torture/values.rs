//! What is written: every value follows from its time, so that a reader can tell
//! whether it is the right one.

use std::collections::BTreeMap;

use esmond_ps_tests::eras::{DAY, Eras};
use serde_json::{Value, json};

/// Seconds from one point to the next, so that some hundreds share a day.
pub(crate) const STEP: i64 = 20;

/// When the points of a run are.
pub(crate) fn eras() -> Eras {
    Eras::at(chrono::Utc::now().timestamp(), 60)
}

pub(crate) fn throughput(ts: i64) -> i64 {
    1_000_000 + (ts * 7919).rem_euclid(1_000_003)
}

pub(crate) fn histogram(ts: i64) -> BTreeMap<String, i64> {
    let bucket = format!("{}.5", ts / STEP % 7);
    [(bucket, 1 + ts % 5), ("50.25".to_owned(), 2)].into()
}

/// An item of a bulk write.
pub(crate) fn item(ts: i64) -> Value {
    json!({"ts": ts, "val": [
        {"event-type": "throughput", "val": throughput(ts)},
        {"event-type": "histogram-owdelay", "val": histogram(ts)},
    ]})
}

/// The metadata of a round.
pub(crate) fn metadata(round: usize) -> Value {
    let windows = json!([
        {"summary-type": "aggregation", "summary-window": 3600},
        {"summary-type": "aggregation", "summary-window": DAY},
    ]);
    registered(
        &json!({"crash-round": round}),
        &json!([
            {"event-type": "throughput", "summaries": windows},
            {"event-type": "histogram-owdelay", "summaries": windows},
        ]),
    )
}

/// Metadata that are there to be registered, and nothing else.
pub(crate) fn numbered(number: i64) -> Value {
    let event_types = ["failures", "throughput", "packet-trace"]
        .map(|name| json!({"event-type": name, "summaries": []}));
    registered(&json!({"crash-number": number}), &json!(event_types))
}

fn registered(own: &Value, event_types: &Value) -> Value {
    let mut metadata = json!({
        "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
        "measurement-agent": "10.1.1.1", "tool-name": "bwctl/iperf3",
        "input-source": "host1.example.net", "input-destination": "host2.example.net",
        "event-types": event_types,
    });
    for (name, value) in own.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    metadata
}

/// A result of pScheduler, of a test of its own for each round.
pub(crate) fn result(round: usize, ts: i64) -> Value {
    let start = chrono::DateTime::from_timestamp(ts, 0).expect("a time");
    let test = json!({"type": "throughput", "spec": {
        "schema": 1, "source": address(round), "dest": "10.9.255.1", "duration": "PT2S",
    }});
    json!({
        "id": ts.to_string(),
        "schedule": {"start": start.to_rfc3339(), "duration": "PT23S"},
        "test": test,
        "tool": {"name": "iperf3", "version": "1.0"},
        "run": {"href": run_href(ts), "task-href": "https://ps1.example.org/pscheduler/tasks/1"},
        "task": {
            "test": test, "href": "https://ps1.example.org/pscheduler/tasks/1", "reference": null,
        },
        "participants": [address(round), "10.9.255.1"],
        "result": {
            "schema": 1, "succeeded": true, "intervals": [],
            "summary": {"streams": [], "summary": {
                "start": 0, "end": 2.0, "throughput-bits": throughput(ts),
                "throughput-bytes": throughput(ts) / 4, "retransmits": ts % 5,
            }},
        },
        "reference": null,
    })
}

/// What is stored of a result.
pub(crate) fn of_result(ts: i64) -> [(&'static str, Value); 3] {
    [
        ("throughput", json!(throughput(ts))),
        ("packet-retransmits", json!(ts % 5)),
        ("pscheduler-run-href", json!({"href": run_href(ts)})),
    ]
}

fn run_href(ts: i64) -> String {
    format!("https://ps1.example.org/pscheduler/tasks/1/runs/{ts}")
}

/// The source of the results of a round.
pub(crate) fn address(round: usize) -> String {
    format!("10.9.0.{}", round + 1)
}
