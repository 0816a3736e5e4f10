//! The tests that the recorded archive held, as far as its answers show them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ROOT;
use super::holdings::{Holdings, Run, Test};
use super::recordings::Recordings;

/// Runs whose data were not recorded: the beginning of the key, start and agent.
/// The starts are such that the recorded searches by time find them.
const RUNS_WITHOUT_DATA: &[(&str, i64, Option<&str>)] = &[
    ("93f8", 1_740_833_000, None),
    ("7c61", 1_740_830_650, Some("192.0.2.50")),
    ("7c61", 1_740_830_990, Some("192.0.2.50")),
    ("7c61", 1_740_831_500, Some("192.0.2.51")),
    ("7f0b", 1_740_830_900, None),
];

/// What the archive's host resolved.
const NAMES: &[(&str, &[&str])] = &[
    ("thr-a.example.org", &["192.0.2.10", "2001:db8:a::10"]),
    ("lata.example.org", &["192.0.2.11"]),
];

/// Returns the archive that gave the recorded answers.
///
/// # Panics
///
/// When the recordings are not as they should be.
#[must_use]
pub fn rebuilt(recordings: &Recordings) -> Holdings {
    let list = recordings
        .iter()
        .find(|recorded| recorded.name == "list-unfiltered")
        .expect("the whole list");
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(&list.reply().body).expect("a list of tests");
    let mut holdings = Holdings::new(list.into_iter().map(|shown| {
        let mut test = test(shown);
        test.runs = runs(recordings, &test.key);
        test
    }));
    holdings.names = NAMES
        .iter()
        .map(|(name, addresses)| {
            let addresses = addresses.iter().map(|address| (*address).to_owned());
            ((*name).to_owned(), addresses.collect())
        })
        .collect();
    holdings
}

fn test(mut shown: Map<String, Value>) -> Test {
    let take = |shown: &mut Map<String, Value>, name: &str| shown.shift_remove(name);
    for name in [
        "uri",
        "url",
        "metadata-count-total",
        "metadata-next-page",
        "metadata-previous-page",
    ] {
        take(&mut shown, name);
    }
    let key = take(&mut shown, "metadata-key").expect("a key");
    let event_types = take(&mut shown, "event-types").expect("event types");
    let event_types = event_types.as_array().expect("a list");
    let name = |entry: &Value| entry["event-type"].as_str().expect("a name").to_owned();
    let test_type = shown["pscheduler-test-type"].as_str().expect("a type");
    let mut spec = shown.clone();
    // It is no part of the specification, and other names are not either.
    spec.retain(|name, _| name != "time-duration");
    if spec["input-source"] == spec["measurement-agent"] {
        // A test without a source in its specification shows the observer's.
        spec.shift_remove("input-source");
    }
    if shown.get("ip-transport-protocol") == Some(&json!("udp")) && test_type == "throughput" {
        spec.insert("udp".to_owned(), json!(true));
    }
    Test {
        key: key.as_str().expect("a text").to_owned(),
        test_type: test_type.to_owned(),
        spec,
        event_types: event_types.iter().map(name).collect(),
        runs: Vec::new(),
        added: event_types[0]["time-updated"].as_i64().expect("a time"),
        is_dropped: false,
        fields: shown,
    }
}

/// Returns the runs that the recorded data of a key show.
fn runs(recordings: &Recordings, key: &str) -> Vec<Run> {
    let mut runs: BTreeMap<i64, Run> = BTreeMap::new();
    for recorded in recordings.iter() {
        let asked = recorded.asked();
        let series = asked.path.strip_prefix(&format!("{ROOT}{key}/"));
        let event_type = series.and_then(|series| series.strip_suffix("/base/0"));
        let (Some(event_type), "GET", "") = (event_type, asked.method.as_str(), &*asked.query)
        else {
            continue;
        };
        if !recorded.is_plain() || recorded.reply().status != 200 {
            continue;
        }
        let points: Vec<Value> =
            serde_json::from_str(&recorded.reply().body).expect("a list of points");
        for point in points {
            let ts = point["ts"].as_i64().expect("a time");
            let run = runs.entry(ts).or_insert_with(|| Run::empty(ts));
            run.values
                .insert(event_type.to_owned(), point["val"].clone());
        }
    }
    let without = RUNS_WITHOUT_DATA.iter();
    let without = without.filter(|(start, ..)| key.starts_with(start));
    let without = without.map(|(_, ts, agent)| Run {
        agent: agent.map(ToOwned::to_owned),
        ..Run::empty(*ts)
    });
    runs.into_values().chain(without).collect()
}
