//! Runs of pScheduler against what its archiver for esmond stored of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use esmond_ps_results::pscheduler::Run;
use esmond_ps_results::{Addresses, Error, Kind, Measurement};
use serde_json::{Map, Value, json};

fn cases() -> Vec<(String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pscheduler");
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                name,
                serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
            )
        })
        .collect();
    all.sort_by(|(one, _): &(String, Value), (other, _)| one.cmp(other));
    all
}

fn document(name: &str) -> Value {
    let mut cases = cases().into_iter();
    let (_, case) = cases.find(|(known, _)| known == name).unwrap();
    case["document"].clone()
}

fn map(document: &Value) -> Measurement {
    let run = Run::parse(&document.to_string()).unwrap();
    run.measurement(&Addresses::default()).unwrap()
}

/// Numbers of equal size are equal however they are written.
fn same(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(same).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map
                .iter()
                .map(|(name, value)| (name.clone(), same(value)))
                .collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Event types with their summaries, in an order of their own.
fn event_types(metadata: &Value) -> Map<String, Value> {
    let all = metadata["event-types"].as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|entry| {
            let summaries = entry["summaries"].as_array().into_iter().flatten();
            let mut summaries: Vec<_> = summaries
                .map(|one| format!("{} {}", one["summary-type"], one["summary-window"]))
                .collect();
            summaries.sort();
            (
                entry["event-type"].as_str().unwrap().to_owned(),
                json!(summaries),
            )
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.into_iter().collect()
}

#[test]
fn every_document_gives_the_metadata_and_values_of_the_mapping() {
    let cases = cases();
    assert!(cases.len() >= 10, "{}", cases.len());
    for (name, case) in cases {
        let measured = map(&case["document"]);
        let mut expected = case["metadata"].clone();
        let mut metadata = measured.metadata();
        let mut declared = event_types(&expected);
        let point = &case["data"][0];
        assert_eq!(json!(measured.ts), point["ts"], "{name}");
        let mut values = Map::new();
        for one in point["val"].as_array().unwrap() {
            let event_type = one["event-type"].as_str().unwrap();
            let corrected = &case["correct_differs"][event_type];
            let value = if corrected.is_null() {
                &one["val"]
            } else {
                corrected
            };
            values.insert(event_type.to_owned(), value.clone());
            // DIFFERENCE: what is posted is declared.
            declared.entry(event_type).or_insert(json!([]));
        }
        let ours: Map<String, Value> = measured.values.into_iter().collect();
        assert_eq!(
            same(&Value::Object(ours)),
            same(&Value::Object(values)),
            "{name}"
        );
        declared.sort_keys();
        assert_eq!(event_types(&metadata), declared, "{name}");
        for one in [&mut metadata, &mut expected] {
            one.as_object_mut().unwrap().shift_remove("event-types");
        }
        assert_eq!(same(&metadata), same(&expected), "{name}");
        assert_eq!(
            Kind::of(&case["document"].to_string()),
            Some(Kind::Pscheduler)
        );
    }
}

#[test]
fn a_run_without_its_envelope_gives_the_same() {
    let document = document("throughput-tcp");
    let inner = &document["result"];
    assert_eq!(Kind::of(&inner.to_string()), Some(Kind::Pscheduler));
    assert_eq!(map(inner), map(&document));
}

#[test]
fn who_measured_is_what_the_envelope_says_or_else_what_is_known() {
    let mut document = document("rtt");
    let run = Run::parse(&document.to_string())
        .unwrap()
        .measured_by("192.0.2.50");
    assert_eq!(run.hosts(), ["192.0.2.50", "198.51.100.10", "203.0.113.81"]);
    let agent = |run: &Run| {
        let measured = run.measurement(&Addresses::default()).unwrap();
        measured.subject.measurement_agent.to_string()
    };
    assert_eq!(agent(&run), "192.0.2.50");
    document["data"]["measurement-agent"] = json!("192.0.2.51");
    let run = Run::parse(&document.to_string())
        .unwrap()
        .measured_by("192.0.2.50");
    assert_eq!(agent(&run), "192.0.2.51");
}

#[test]
fn names_are_resolved_to_one_family_and_kept_as_they_were() {
    let mut document = document("rtt");
    document["result"]["test"]["spec"]["source"] = json!("ps1.example.org");
    document["result"]["test"]["spec"]["dest"] = json!("ps2.example.org");
    document["result"]["participants"] = json!(["ps1.example.org"]);
    let run = Run::parse(&document.to_string()).unwrap();
    assert_eq!(run.hosts(), ["ps1.example.org", "ps2.example.org"]);
    let error = run.measurement(&Addresses::default()).unwrap_err();
    assert!(
        matches!(&error, Error::NoAddress { host, .. } if host == "ps1.example.org"),
        "{error}"
    );
    let mut known = Addresses::default();
    let both = |at| {
        vec![
            format!("192.0.2.{at}").parse().unwrap(),
            format!("2001:db8::{at}").parse().unwrap(),
        ]
    };
    known.insert("ps1.example.org", both(1));
    known.insert("ps2.example.org", both(2));
    let subject = run.measurement(&known).unwrap().subject;
    assert_eq!(subject.source.to_string(), "2001:db8::1");
    assert_eq!(subject.destination.unwrap().to_string(), "2001:db8::2");
    assert_eq!(subject.measurement_agent.to_string(), "2001:db8::1");
    assert_eq!(subject.input_source, "ps1.example.org");
    assert_eq!(
        subject.input_destination.as_deref(),
        Some("ps2.example.org")
    );
}

#[test]
fn the_formatting_policy_decides_what_is_raw() {
    let names = |document: &Value| {
        let mut names: Vec<_> = map(document)
            .values
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.retain(|name| ["path-mtu", "pscheduler-raw", "failures"].contains(&name.as_str()));
        names
    };
    let mut trace = document("trace-tracepath");
    assert_eq!(names(&trace), ["path-mtu"]);
    trace["data"]["data-formatting-policy"] = json!("mapped-and-raw");
    assert_eq!(names(&trace), ["path-mtu", "pscheduler-raw"]);
    trace["data"]["data-formatting-policy"] = json!("raw-only");
    assert_eq!(names(&trace), ["pscheduler-raw"]);
    assert_eq!(map(&trace).subject.destination, None);
    let mut mtu = document("mtu-raw-fallback");
    mtu["data"]["data-formatting-policy"] = json!("mapped-only");
    let run = Run::parse(&mtu.to_string()).unwrap();
    let error = run.measurement(&Addresses::default()).unwrap_err();
    assert!(error.to_string().contains("type mtu"), "{error}");
}

#[test]
fn a_failed_run_of_any_kind_is_a_declared_failure() {
    for (name, case) in cases() {
        let mut document = case["document"].clone();
        document["result"]["result"] = json!({"succeeded": false, "error": "no route"});
        let measured = map(&document);
        assert_eq!(measured.failure(), Some("no route"), "{name}");
        assert!(
            measured
                .event_types
                .iter()
                .any(|one| one.name == "failures"),
            "{name}"
        );
        document["result"]["result"] = Value::Null;
        assert!(
            map(&document)
                .failure()
                .unwrap()
                .starts_with("The test failed"),
            "{name}"
        );
    }
}

#[test]
fn odd_parts_of_a_result_are_left_out_and_never_null() {
    let mut document = document("throughput-tcp-parallel2");
    let result = &mut document["result"]["result"];
    result["summary"]["streams"][0]["retransmits"] = Value::Null;
    result["summary"]["summary"]["throughput-bits"] = json!("fast");
    result["intervals"][0]["summary"] = json!(7);
    result["intervals"][1]["streams"] = Value::Null;
    let measured = map(&document);
    let names: Vec<_> = measured
        .values
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(!names.contains(&"throughput"));
    assert!(!names.contains(&"streams-packet-retransmits"));
    assert!(names.contains(&"throughput-subintervals"));
    assert!(!json!(measured.values).to_string().contains("null"));
}

#[test]
fn what_is_no_run_is_refused_with_the_part_that_is_missing() {
    let p = |text: &str| Run::parse(text).unwrap_err().to_string();
    assert_eq!(p("[1]"), "the result is no JSON object");
    assert_eq!(p("{}"), "the result has no usable result");
    assert_eq!(p(r#"{"test": {}}"#), "the result has no usable schedule");
    let mut document = document("rtt");
    document["result"]["schedule"]["start"] = json!("soon");
    assert_eq!(
        p(&document.to_string()),
        "the result has no usable start time"
    );
}
