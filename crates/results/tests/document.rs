//! Measurements as results of pScheduler: what perfSONAR 5 shows of them, and what comes
//! back from them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod elmond;

use std::io::Read as _;

use elmond::show;
use esmond_ps_results::document::{self, Details};
use esmond_ps_results::iperf3::{Context, Report, measurement};
use esmond_ps_results::pscheduler::Run;
use esmond_ps_results::{Addresses, Measurement, Subject};
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// All documents of iperf3, by name.
fn captures() -> Vec<(String, Measurement)> {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("data/iperf3.jsonl.gz")[..])
        .read_to_string(&mut text)
        .unwrap();
    let context = Context {
        tool_name: "bwctl/iperf3".to_owned(),
        source: Some("192.0.2.1".parse().unwrap()),
        destination: Some("192.0.2.2".parse().unwrap()),
        input_source: Some("ps1.example.org".to_owned()),
        ts: Some(1_700_000_000),
        ..Context::default()
    };
    let all = text.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let report = Report::parse(entry["document"].as_str().unwrap()).unwrap();
        let name = entry["name"].as_str().unwrap().to_owned();
        (name, measurement(Some(&report), &context).unwrap())
    });
    all.collect()
}

fn document(measurement: &Measurement) -> Value {
    document::of(measurement, Details::default()).unwrap()
}

fn value<'a>(measurement: &'a Measurement, name: &str) -> Option<&'a Value> {
    let mut values = measurement.values.iter();
    values
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// Tells whether two values are the same; floats may lose their last digits where a
/// duration becomes an end and back.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        (one, other) => one == other,
    }
}

/// What is shown here of a document is what Elmond answered, as far as that goes.
#[test]
fn the_rules_of_perfsonar_5_are_those_that_were_recorded() {
    let recorded: Value = serde_json::from_str(include_str!("data/elmond.json")).unwrap();
    for recorded in recorded.as_array().unwrap() {
        let shown = show(
            &recorded["document"],
            recorded["observer"].as_str().unwrap(),
        );
        let metadata = recorded["metadata"].as_object().unwrap();
        assert_eq!(shown.metadata.len(), metadata.len());
        for (name, value) in metadata {
            assert!(same(value, &shown.metadata[name]), "{name} {value}");
        }
        let mut listed = shown.listed;
        listed.push("pscheduler-run-href");
        listed.sort_unstable();
        assert_eq!(json!(listed), recorded["listed"]);
        for (name, value) in recorded["points"].as_object().unwrap() {
            let found = shown.points.get(name);
            match name.as_str() {
                "pscheduler-run-href" => {}
                "throughput/averages/86400" => {
                    // Averages go through floats of 32 bits there.
                    let (one, other) = (value.as_f64().unwrap(), found.unwrap().as_f64().unwrap());
                    assert!((one - other).abs() <= 1e-7 * one, "{one} {other}");
                }
                name => assert!(same(value, found.unwrap()), "{name} {value}"),
            }
        }
    }
}

#[test]
fn perfsonar_5_shows_what_iperf3_measured() {
    // DIFFERENCE: the originals cannot write to these archives.
    let captures = captures();
    assert!(captures.len() > 50, "{}", captures.len());
    let mut seen = std::collections::BTreeSet::new();
    for (name, measured) in captures {
        let shown = show(&document(&measured), "192.0.2.9");
        let agent = measured.subject.measurement_agent;
        assert_eq!(
            shown.metadata["source"],
            json!(measured.subject.source),
            "{name}"
        );
        assert_eq!(shown.metadata["tool-name"], "pscheduler/iperf3");
        assert_eq!(
            shown.metadata["pscheduler-reference-input-source"],
            "ps1.example.org"
        );
        assert_eq!(
            shown.metadata["pscheduler-reference-tool-name"],
            "bwctl/iperf3"
        );
        assert!(
            shown
                .metadata
                .get("pscheduler-reference-time-duration")
                .is_none()
        );
        assert_ne!(agent.to_string(), "", "{name}");
        for parameter in [
            "bw-parallel-streams",
            "bw-ignore-first-seconds",
            "time-duration",
        ] {
            if let Some(value) = measured.parameters.get(parameter) {
                assert!(
                    same(value, &shown.metadata[parameter]),
                    "{name} {parameter}"
                );
            }
        }
        if let Some(failure) = value(&measured, "failures") {
            assert_eq!(
                shown.points,
                Map::from_iter([("failures".to_owned(), failure.clone())])
            );
            continue;
        }
        let throughput = value(&measured, "throughput").unwrap();
        for series in ["throughput", "throughput/averages/86400"] {
            assert_eq!(&shown.points[series], throughput, "{name}");
        }
        for series in [
            "packet-retransmits",
            "packet-retransmits-subintervals",
            "streams-packet-retransmits",
            "streams-packet-retransmits-subintervals",
        ] {
            if let Some(value) = value(&measured, series) {
                seen.insert(series);
                assert!(shown.listed.contains(&series), "{name} {series}");
                assert!(same(value, &shown.points[series]), "{name} {series}");
            }
        }
        for (series, _) in &measured.values {
            assert!(shown.listed.contains(&series.as_str()), "{name} {series}");
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn an_archive_of_ours_gets_the_same_values_back() {
    for (name, measured) in captures() {
        let document = document(&measured);
        let run = Run::parse(&document.to_string()).unwrap();
        let run = run.measured_by(measured.subject.measurement_agent.to_string());
        let back = run.measurement(&Addresses::default()).unwrap();
        assert_eq!(
            (back.ts, &*back.tool_name),
            (measured.ts, "pscheduler/iperf3"),
            "{name}"
        );
        assert_eq!(back.subject.source, measured.subject.source, "{name}");
        assert_eq!(
            back.subject.destination, measured.subject.destination,
            "{name}"
        );
        assert_eq!(
            back.subject.measurement_agent, measured.subject.measurement_agent,
            "{name}"
        );
        for (event_type, value) in &measured.values {
            let returned = self::value(&back, event_type);
            let returned = returned.unwrap_or_else(|| panic!("{name}: no {event_type}"));
            assert!(
                same(value, returned),
                "{name} {event_type}: {value} {returned}"
            );
        }
        assert_eq!(
            back.values.len(),
            measured.values.len(),
            "{name}: {:?}",
            back.values
        );
        for (parameter, value) in &measured.parameters {
            let sctp = *value == "sctp";
            let parameter = if sctp {
                "pscheduler-reference-ip-transport-protocol"
            } else {
                parameter
            };
            let returned = back.parameters.get(parameter);
            let returned = returned.unwrap_or_else(|| panic!("{name}: no {parameter}"));
            assert!(
                same(value, returned),
                "{name} {parameter}: {value} {returned}"
            );
        }
        let listed = |of: &Measurement| -> Vec<String> {
            let names = of.event_types.iter().map(|one| one.name.clone());
            let mut names: Vec<_> = names
                .filter(|name| !name.starts_with("pscheduler"))
                .collect();
            names.sort();
            names
        };
        if measured
            .parameters
            .get("ip-transport-protocol")
            .is_some_and(|name| name != "sctp")
        {
            assert_eq!(listed(&back), listed(&measured), "{name}");
        }
    }
}

fn transfer() -> Measurement {
    let streams = json!([3, 0, 7, 1]);
    Measurement {
        subject: Subject {
            source: "fd00::1".parse().unwrap(),
            destination: Some("2001:db8::2".parse().unwrap()),
            measurement_agent: "fd00::1".parse().unwrap(),
            input_source: "dtn1.example.org".to_owned(),
            input_destination: Some("2001:db8::2".to_owned()),
        },
        tool_name: "gridftp".to_owned(),
        event_types: Vec::new(),
        parameters: Map::from_iter([
            ("bw-parallel-streams".to_owned(), json!("4")),
            ("bw-stripes".to_owned(), json!(1)),
            (
                "gridftp-bytes-transferred".to_owned(),
                json!(9_007_199_254_740_993_u64),
            ),
            ("tcp-window-size".to_owned(), json!("auto")),
        ]),
        ts: 1_700_000_000,
        values: vec![
            ("throughput".to_owned(), json!(7_596_716_888.878_549)),
            ("streams-packet-retransmits".to_owned(), streams),
            ("iostat".to_owned(), json!({"dev": "sdb", "tps": 112.4})),
        ],
        left_out: Vec::new(),
    }
}

#[test]
fn a_transfer_is_told_by_how_it_was_made_and_keeps_all_that_it_says() {
    let details = Details {
        seconds: Some(1.25),
        of_run: &["gridftp-bytes-transferred"],
    };
    let document = document::of(&transfer(), details).unwrap();
    assert_eq!(
        document["test"]["spec"],
        json!({"source": "[fd00::1]", "dest": "2001:db8::2", "parallel": 4, "bw-stripes": 1})
    );
    assert_eq!(document["run"]["end-time"], "2023-11-14T22:13:22Z");
    assert_eq!(
        document["schedule"],
        json!({"start": "2023-11-14T22:13:20Z", "duration": "PT1.25S"})
    );
    let reference = &document["reference"];
    assert_eq!(
        reference["gridftp-bytes-transferred"],
        json!(9_007_199_254_740_993_u64)
    );
    assert_eq!(reference["bw-stripes"], 1);
    assert_eq!(reference["tcp-window-size"], "auto", "no number of bytes");
    assert_eq!(reference["_iostat"], r#"{"dev":"sdb","tps":112.4}"#);
    let shown = show(&document, "fd00::1");
    assert_eq!(shown.points["packet-retransmits"], 11);
    assert_eq!(
        shown.points["streams-packet-retransmits"],
        json!([3, 0, 7, 1])
    );
    assert_eq!(shown.metadata["bw-parallel-streams"], 4);
    assert_eq!(shown.metadata["time-duration"], 1.25);
    assert!(shown.metadata.keys().all(|name| !name.contains("iostat")));
    let mut other = transfer();
    other.parameters["gridftp-bytes-transferred"] = json!(5);
    let other = document::of(&other, details).unwrap();
    assert_eq!(show(&other, "fd00::1").identity, shown.identity);
    assert_ne!(other["id"], document["id"]);
    let run = Run::parse(&document.to_string()).unwrap();
    let back = run.measurement(&Addresses::default()).unwrap();
    assert_eq!(
        value(&back, "streams-packet-retransmits"),
        Some(&json!([3, 0, 7, 1]))
    );
    assert_eq!(value(&back, "packet-retransmits"), Some(&json!(11)));
    assert_eq!(back.subject.source, transfer().subject.source);
}

#[test]
fn a_transfer_that_failed_says_why_and_keeps_the_rest() {
    let mut failed = transfer();
    failed.values[0] = ("failures".to_owned(), json!({"error": "451 local error"}));
    let document = document(&failed);
    assert_eq!(
        document["result"],
        json!({"schema": 1, "succeeded": false, "error": "451 local error"})
    );
    assert_eq!(
        document["reference"]["_streams-packet-retransmits"],
        "[3,0,7,1]"
    );
    assert_eq!(
        document["task"],
        json!({"detail": {}}),
        "nobody knows how long it took"
    );
    let shown = show(&document, "fd00::1");
    assert_eq!(shown.points.len(), 1);
    assert_eq!(shown.start, "2023-11-14T22:13:20Z");
}

#[test]
fn the_same_record_gives_the_same_document_and_another_one_another_id() {
    let mut ids = std::collections::HashSet::new();
    let captures = captures();
    for (name, measured) in &captures {
        let first = document(measured);
        assert_eq!(first, document(&measured.clone()), "{name}");
        ids.insert(first["id"].as_str().unwrap().to_owned());
    }
    // Refused connections of several versions differ in nothing.
    assert!(ids.len() > captures.len() / 2, "{}", ids.len());
    let mut later = captures[0].1.clone();
    later.ts += 1;
    assert_ne!(document(&later)["id"], document(&captures[0].1)["id"]);
}

#[test]
fn every_document_is_read_as_one_of_pscheduler() {
    for (name, measured) in captures() {
        let text = document(&measured).to_string();
        let kind = esmond_ps_results::Kind::of(&text);
        assert_eq!(kind, Some(esmond_ps_results::Kind::Pscheduler), "{name}");
        let passed = document::complete(&text).unwrap();
        assert_eq!(passed.document.to_string(), text, "{name}");
    }
}

#[test]
fn results_of_pscheduler_itself_are_completed_and_not_changed() {
    // DIFFERENCE: perfSONAR 5 drops those without run times.
    for name in [
        "throughput-tcp",
        "throughput-failed",
        "disk-to-disk",
        "trace-tracepath",
    ] {
        let path = format!(
            "{}/tests/data/pscheduler/{name}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        let envelope: Value = serde_json::from_str(&text).unwrap();
        let envelope = envelope.get("document").unwrap_or(&envelope);
        let result = &envelope["result"];
        let passed = document::complete(&envelope.to_string()).unwrap();
        for (part, value) in result.as_object().unwrap() {
            let passed = &passed.document[part];
            match value {
                Value::Object(value) if part == "run" || part == "task" => {
                    for (name, value) in value {
                        assert_eq!(&passed[name], value, "{part} {name}");
                    }
                }
                Value::Null if part == "reference" => {}
                value => assert_eq!(passed, value, "{name} {part}"),
            }
        }
        let run = &passed.document["run"];
        assert!(
            run["added"].is_string() && run["end-time"].is_string(),
            "{name}: {run}"
        );
        assert!(
            !passed.document.to_string().contains("_auth-token"),
            "{name}"
        );
        let before = Run::parse(&envelope.to_string()).unwrap();
        let after = Run::parse(&passed.document.to_string()).unwrap();
        assert_eq!(before.hosts(), after.hosts(), "{name}");
    }
}

/// Intervals of 1 s, each of them with a value or without.
fn subintervals(values: Vec<Option<u32>>) -> Value {
    let parts = values.into_iter().enumerate().filter_map(|(at, value)| {
        let value = value?;
        Some(json!({"start": at, "duration": 1, "val": value}))
    });
    parts.collect()
}

proptest! {
    /// Whatever an archive of ours can be told with such a document comes back.
    #[test]
    fn every_measurement_of_throughput_comes_back(
        ts in 0..4_000_000_000_i64,
        udp in any::<bool>(),
        rate in 0.0..1e12_f64,
        counts in prop::collection::vec(any::<u32>(), 2),
        streams in prop::collection::vec((any::<u32>(), any::<u32>()), 2..5),
        lists in prop::collection::vec(
            prop::collection::vec(prop::option::of(any::<u32>()), 1..6), 10
        ),
    ) {
        let mut lists = lists.into_iter().map(subintervals).collect::<Vec<_>>().into_iter();
        let mut list = || lists.next().unwrap();
        let mut put = vec![("throughput", json!(rate)), ("throughput-subintervals", list())];
        let (rates, resent): (Vec<u32>, Vec<u32>) = streams.iter().copied().unzip();
        put.push(("streams-throughput", json!(rates)));
        let each = |list: &mut dyn FnMut() -> Value| -> Value {
            let all: Vec<Value> = streams.iter().map(|_| list()).collect();
            json!(all)
        };
        put.push(("streams-throughput-subintervals", each(&mut list)));
        if udp {
            let (lost, sent) = (counts[0] / 2, counts[0]);
            put.push(("packet-count-lost", json!(lost)));
            put.push(("packet-count-sent", json!(sent)));
            if sent > 0 {
                let rate = json!({"numerator": lost, "denominator": sent});
                put.push(("packet-loss-rate", rate));
            }
        } else {
            put.push(("packet-retransmits", json!(counts[1])));
            put.push(("packet-retransmits-subintervals", list()));
            put.push(("streams-packet-retransmits", json!(resent)));
            put.push(("streams-packet-retransmits-subintervals", each(&mut list)));
        }
        // Archives take no empty lists, and streams are told by their places.
        put.retain(|(_, value)| match value.as_array() {
            Some(list) => !list.is_empty() && list.iter().all(|one| *one != json!([])),
            None => true,
        });
        let mut measured = transfer();
        measured.ts = ts;
        measured.parameters = Map::from_iter([
            ("bw-parallel-streams".to_owned(), json!(streams.len())),
            ("ip-transport-protocol".to_owned(), json!(if udp { "udp" } else { "tcp" })),
        ]);
        measured.values = put.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let document = document(&measured);
        let run = Run::parse(&document.to_string()).unwrap();
        let back = run.measurement(&Addresses::default()).unwrap();
        prop_assert_eq!(back.ts, ts);
        for (name, sent) in &measured.values {
            let returned = value(&back, name);
            prop_assert!(returned.is_some_and(|one| same(sent, one)), "{} {:?} {}", name, returned, sent);
        }
        show(&document, "fd00::1");
    }
}
