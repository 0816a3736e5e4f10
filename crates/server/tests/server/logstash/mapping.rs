//! What is stored of a result, read back.

use esmond_ps_model::Registry;
use serde_json::{Map, Value, json};

use super::{archive, cases, record, records, sent, settings, smallest, stored, value};
use crate::support::Archive;

/// DIFFERENCE: what the original archiver does wrong, by document.
fn correct_metadata(name: &str, metadata: &mut Value) {
    let differs = match name {
        "throughput-tcp" => json!({"ip-tos": 128, "bw-ignore-first-seconds": 1}),
        "rtt" => json!({"ip-tos": 8, "ip-packet-flowlabel": 7}),
        _ => json!({}),
    };
    for (name, value) in differs.as_object().unwrap() {
        metadata[name] = value.clone();
    }
}

/// The text of a value of metadata, numbers in one spelling.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse::<f64>()
        .map_or(text, |number| number.to_string())
}

fn texts(metadata: &Value) -> Map<String, Value> {
    let ours = ["url", "uri", "metadata-key", "event-types"];
    let fields = metadata.as_object().unwrap().iter();
    let mut fields: Vec<_> = fields
        .filter(|(name, _)| !ours.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), json!(text(value))))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields.into_iter().collect()
}

fn event_types(metadata: &Value) -> Vec<String> {
    let list = metadata["event-types"].as_array().unwrap().iter();
    let mut all: Vec<String> = list
        .flat_map(|entry| {
            let name = entry["event-type"].as_str().unwrap();
            let summaries = entry["summaries"].as_array().into_iter().flatten();
            let summaries = summaries.map(move |one| {
                let window = text(&one["summary-window"]);
                format!("{name} {} {window}", one["summary-type"].as_str().unwrap())
            });
            std::iter::once(name.to_owned()).chain(summaries)
        })
        .collect();
    all.sort();
    all
}

/// A value as it is read back.
fn as_read(event_type: &str, value: &Value) -> Value {
    let registry = Registry::standard();
    let kind = registry.event_type(event_type).unwrap().data_type.name();
    match kind {
        "integer" => json!(value.as_f64().unwrap().trunc()),
        "percentage" => {
            let part = |name: &str| value[name].as_f64().unwrap();
            json!(part("numerator") / part("denominator"))
        }
        _ => floats(value),
    }
}

fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(floats).collect(),
        Value::Object(map) => {
            let fields = map.iter();
            fields
                .map(|(name, value)| (name.clone(), floats(value)))
                .collect()
        }
        other => other.clone(),
    }
}

async fn check(archive: &Archive, name: &str, case: &Value, document: &Value) {
    let answer = stored(archive, document, &[]).await;
    assert_eq!(answer["conflicts"], json!([]), "{name}");
    let mut expected = case["metadata"].clone();
    correct_metadata(name, &mut expected);
    let metadata = record(archive, &answer).await;
    assert_eq!(texts(&metadata), texts(&expected), "{name}");

    let point = &case["data"][0];
    assert_eq!(answer["ts"], point["ts"], "{name}");
    let mut names = event_types(&expected);
    let mut said: Vec<&str> = Vec::new();
    for one in point["val"].as_array().unwrap() {
        let event_type = one["event-type"].as_str().unwrap();
        let corrected = &case["correct_differs"][event_type];
        let mut expected = if corrected.is_null() {
            one["val"].clone()
        } else {
            corrected.clone()
        };
        if name == "trace-tracepath" && event_type == "packet-trace" {
            expected[2]["success"] = json!(0);
        }
        let read = value(archive, &answer, event_type).await;
        let expected = as_read(event_type, &expected);
        assert_eq!(
            read.as_ref().map(floats),
            Some(expected),
            "{name} {event_type}"
        );
        said.push(event_type);
        names.push(event_type.to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(event_types(&metadata), names, "{name}");
    let stored = answer["event-types"].as_array().unwrap();
    assert_eq!(stored.len(), said.len(), "{name}");
    assert!(said.iter().all(|name| stored.contains(&json!(name))));
}

#[tokio::test]
async fn every_document_is_read_back_as_the_mapping_says_with_its_envelope_and_without() {
    let cases = cases();
    assert!(cases.len() >= 10);
    for (name, case) in &cases {
        let document = &case["document"];
        let enveloped = archive().await;
        check(&enveloped, name, case, document).await;
        let bare = archive().await;
        check(&bare, name, case, &document["result"]).await;
        // The same result is the same, in whatever form it comes.
        let before = records(&bare).await;
        let again = stored(&bare, document, &[]).await;
        assert_eq!(again["conflicts"], json!([]), "{name}");
        assert_eq!(records(&bare).await, before, "{name}");
    }
}

#[tokio::test]
async fn all_that_hosts_of_perfsonar_5_send_is_stored() {
    let archive = archive().await;
    let all = sent();
    assert_eq!(all.len(), 30);
    let mut points = 0;
    for (observer, body) in &all {
        let answer = stored(&archive, body, &[("x-ps-observer", observer)]).await;
        let href = value(&archive, &answer, "pscheduler-run-href").await;
        assert_eq!(href, Some(json!({"href": body["run"]["href"]})));
        let succeeded = body["result"]["succeeded"] == true;
        let failures = value(&archive, &answer, "failures").await;
        assert_eq!(failures.is_none(), succeeded, "{body}");
        let record = record(&archive, &answer).await;
        assert_eq!(record["measurement-agent"], json!(observer));
        assert_eq!(record["pscheduler-test-type"], body["test"]["type"]);
        points += answer["event-types"].as_array().unwrap().len();
    }
    // Failed and good runs of a test share its record, whatever they measured.
    let types = records(&archive).await.into_iter().fold(
        std::collections::BTreeMap::<String, usize>::new(),
        |mut counts, record| {
            let kind = record["pscheduler-test-type"].as_str().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
            counts
        },
    );
    let kind = |name: &str| types.get(name).copied().unwrap_or_default();
    assert_eq!((kind("latencybg"), kind("latency")), (1, 1), "{types:?}");
    assert_eq!((kind("trace"), kind("dns")), (2, 1), "{types:?}");
    assert!(points > 150, "{points}");
}

#[tokio::test]
async fn the_smallest_document_is_enough() {
    let archive = archive().await;
    let answer = stored(&archive, &smallest(), &[("x-ps-observer", "192.0.2.50")]).await;
    assert_eq!(answer["ts"], json!(1_740_830_400));
    assert_eq!(
        answer["event-types"],
        json!(["throughput", "packet-retransmits"])
    );
    assert_eq!(answer["notes"], json!([]));
    let record = record(&archive, &answer).await;
    assert_eq!(record["measurement-agent"], "192.0.2.50");
    assert_eq!(record["time-duration"], "10.0");
    assert_eq!(record["tool-name"], "pscheduler/iperf3");
    let read = value(&archive, &answer, "throughput").await;
    assert_eq!(read, Some(json!(9_412_345_678.0)));
    let key = answer["metadata-key"].as_str().unwrap();
    let path = format!("{key}/throughput/averages/86400");
    let day = archive.get(&path).await.json();
    assert_eq!(day[0]["val"], json!(9_412_345_678.0));
}

#[tokio::test]
async fn a_duration_may_stand_in_several_places() {
    for (place, seconds) in [
        (json!({"schedule": {"duration": "PT14S"}}), "14.0"),
        (json!({"task": {"detail": {"duration": "PT11S"}}}), "11.0"),
        (json!({"task": null}), "10.0"),
    ] {
        let archive = archive().await;
        let mut body = smallest();
        for (name, value) in place.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = stored(&archive, &body, &[]).await;
        let record = record(&archive, &answer).await;
        assert_eq!(record["time-duration"], seconds, "{place}");
    }
}

#[tokio::test]
async fn several_paths_are_all_stored_and_hops_counted_from_the_first_ttl() {
    let archive = archive().await;
    let mut body = smallest();
    body["test"] = json!({"type": "trace", "spec": {
        "source": "192.0.2.10", "dest": "198.51.100.20", "first-ttl": 3
    }});
    body["result"] = json!({"succeeded": true, "paths": [
        [{"ip": "192.0.2.1", "rtt": "PT0.001S"}, {}],
        [{"error": "requestTimedOut"}]
    ]});
    let answer = stored(&archive, &body, &[]).await;
    // DIFFERENCE: the original stores the first path alone, counts from 1 and takes
    // silence for success.
    let first = json!([
        {"ttl": 3, "query": 1, "success": 1, "ip": "192.0.2.1", "rtt": 1.0},
        {"ttl": 4, "query": 1, "success": 0}
    ]);
    let second = json!([
        {"ttl": 3, "query": 1, "success": 0, "error-message": "requestTimedOut"}
    ]);
    let read = |name: &'static str| value(&archive, &answer, name);
    assert_eq!(read("packet-trace").await, Some(first.clone()));
    let multi = read("packet-trace-multi").await;
    assert_eq!(multi, Some(json!([first, second])));
}

#[tokio::test]
async fn configured_summaries_replace_the_defaults_and_an_envelope_wins() {
    let mut config = settings();
    let own = r#"{"throughput": [{"summary-type": "average", "summary-window": 3600}]}"#;
    config.summaries = serde_json::from_str(own).unwrap();
    let archive = Archive::with(config).await;
    let summaries = |record: &Value| {
        let mut all = event_types(record);
        all.retain(|name| name.contains(' '));
        all
    };
    let answer = stored(&archive, &smallest(), &[]).await;
    let hourly = record(&archive, &answer).await;
    assert_eq!(summaries(&hourly), ["throughput average 3600"]);
    let envelope = json!({
        "data": {"summaries": [
            {"event-type": "throughput", "summary-type": "average", "summary-window": 60},
            {"event-type": "throughput", "summary-type": "statistics", "summary-window": 60},
            {"event-type": "throughput", "summary-type": "median", "summary-window": 60}
        ]},
        "result": smallest()
    });
    let answer = stored(&archive, &envelope, &[]).await;
    let minutes = record(&archive, &answer).await;
    assert_eq!(summaries(&minutes), ["throughput average 60"]);
    let notes = answer["notes"].to_string();
    assert!(
        notes.contains("median") && notes.contains("statistics"),
        "{notes}"
    );
}

#[tokio::test]
async fn what_a_record_or_series_cannot_hold_is_named_and_the_rest_is_stored() {
    let archive = archive().await;
    let mut body = smallest();
    let long = "k".repeat(200);
    body["reference"] =
        json!({"a-b": 1, "a_b": 2, long.clone(): 3, "n": "x\u{0}y", "_s": "secret"});
    body["result"]["summary"]["summary"]["retransmits"] = json!(1e300);
    let answer = stored(&archive, &body, &[]).await;
    let notes: Vec<&str> = answer["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note.as_str().unwrap())
        .collect();
    for said in [
        "packet-retransmits is not stored: Value must be an integer",
        "the whole result is stored as pscheduler-raw",
        &long,
        "pscheduler-reference-a_b",
        "pscheduler-reference-n",
    ] {
        assert!(
            notes.iter().any(|note| note.contains(said)),
            "{said}: {notes:?}"
        );
    }
    let raw = value(&archive, &answer, "pscheduler-raw").await;
    assert_eq!(raw.as_ref().map(floats), Some(floats(&body["result"])));
    let record = record(&archive, &answer).await;
    assert_eq!(record["pscheduler-reference-a-b"], "1");
    assert!(!record.to_string().contains("secret"));
    assert!(value(&archive, &answer, "throughput").await.is_some());
}

#[tokio::test]
async fn a_result_without_values_of_its_type_is_stored_raw() {
    let archive = archive().await;
    let mut body = smallest();
    body["test"]["type"] = json!("latency");
    body["result"] = json!({"succeeded": true, "packets-sent": 100});
    let answer = stored(&archive, &body, &[]).await;
    assert_eq!(answer["event-types"], json!(["packet-count-sent"]));
    body["run"]["start-time"] = json!("2025-03-01T13:00:00Z");
    body["result"] = json!({"succeeded": true, "odd": [1.5]});
    let answer = stored(&archive, &body, &[]).await;
    assert_eq!(answer["event-types"], json!(["pscheduler-raw"]));
    let raw = value(&archive, &answer, "pscheduler-raw").await;
    assert_eq!(raw, Some(body["result"].clone()));
    assert_eq!(records(&archive).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_noted_and_the_whole_result_is_stored() {
    // DIFFERENCE: Logstash answers `ok` to what it drops.
    let archive = archive().await;
    let mut body = smallest();
    body["result"]["summary"]["summary"]["throughput-bits"] = json!("fast");
    let answer = stored(&archive, &body, &[]).await;
    let names = json!(["packet-retransmits", "pscheduler-raw"]);
    assert_eq!(answer["event-types"], names);
    let notes = answer["notes"].to_string();
    assert!(notes.contains("throughput-bits is no number"), "{notes}");
    let raw = value(&archive, &answer, "pscheduler-raw").await;
    assert_eq!(raw.as_ref().map(floats), Some(floats(&body["result"])));
    // A result of any shape.
    body["run"]["start-time"] = json!("2025-03-01T13:00:00Z");
    body["result"] = json!([1.5]);
    let answer = stored(&archive, &body, &[]).await;
    let names = json!(["failures", "pscheduler-raw"]);
    assert_eq!(answer["event-types"], names);
    let raw = value(&archive, &answer, "pscheduler-raw").await;
    assert_eq!(raw, Some(json!([1.5])));
}
