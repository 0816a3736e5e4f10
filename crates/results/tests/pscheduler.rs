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

/// DIFFERENCE: what the original archiver does wrong in the metadata, by document.
fn correct(name: &str, metadata: &mut Value) {
    let differs = match name {
        "throughput-tcp" => json!({"ip-tos": 128, "bw-ignore-first-seconds": 1}),
        "rtt" => json!({"ip-tos": 8, "ip-packet-flowlabel": 7}),
        _ => json!({}),
    };
    for (name, value) in differs.as_object().unwrap() {
        metadata[name] = value.clone();
    }
}

#[test]
fn every_document_gives_the_metadata_and_values_of_the_mapping() {
    let cases = cases();
    assert!(cases.len() >= 10, "{}", cases.len());
    for (name, case) in cases {
        let measured = map(&case["document"]);
        let mut expected = case["metadata"].clone();
        correct(&name, &mut expected);
        let mut metadata = measured.metadata();
        let lasting = event_types(&measured.lasting_metadata());
        let mut declared = event_types(&expected);
        let point = &case["data"][0];
        assert_eq!(json!(measured.ts), point["ts"], "{name}");
        let mut values = Map::new();
        for one in point["val"].as_array().unwrap() {
            let event_type = one["event-type"].as_str().unwrap();
            let corrected = &case["correct_differs"][event_type];
            let mut value = if corrected.is_null() {
                one["val"].clone()
            } else {
                corrected.clone()
            };
            if name == "trace-tracepath" && event_type == "packet-trace" {
                // DIFFERENCE: silence is no success.
                value[2]["success"] = json!(0);
            }
            values.insert(event_type.to_owned(), value);
            // DIFFERENCE: what is posted is declared.
            declared.entry(event_type).or_insert(json!([]));
        }
        let ours: Map<String, Value> = measured.values.into_iter().collect();
        assert_eq!(
            same(&Value::Object(ours)),
            same(&Value::Object(values)),
            "{name}"
        );
        assert_eq!(lasting, event_types(&expected), "{name}");
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
    // DIFFERENCE: the original posts what it does not declare.
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
    // DIFFERENCE: the original posts nulls.
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
    let said = measured.left_out.join("; ");
    assert!(said.contains("throughput-bits is no number"), "{said}");
    let streams = "streams-packet-retransmits: not every stream has retransmits";
    assert!(said.contains(streams), "{said}");
}

#[test]
fn what_cannot_be_read_is_named() {
    // DIFFERENCE: the original leaves it out in silence.
    let left_out = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut document = document(name);
        change(&mut document["result"]["result"]);
        map(&document).left_out
    };
    for (name, _) in cases() {
        assert_eq!(left_out(&name, &|_| ()), [""; 0], "{name}");
    }
    assert_eq!(
        left_out("rtt", &|result| {
            result["roundtrips"][0]["rtt"] = json!("fast");
            result["roundtrips"][1]["rtt"] = Value::Null;
            result["roundtrips"][1]["ttl"] = json!([]);
        }),
        [
            "1 round trips have an rtt that is no duration",
            "1 round trips have a ttl that is no number"
        ]
    );
    assert_eq!(
        left_out("trace-tracepath", &|result| result["paths"][0][0]["rtt"] =
            json!(0.3)),
        ["1 hops have an rtt that is no duration"]
    );
    assert_eq!(
        left_out("throughput-tcp", &|result| {
            result["intervals"][0]["summary"]["end"] = Value::Null;
        })[0],
        "1 intervals of throughput-subintervals cannot be read"
    );
    assert_eq!(
        left_out("mtu-raw-fallback", &|result| *result = json!([1500])),
        ["the result is no object"]
    );
}

#[test]
fn numbers_that_are_texts_are_numbers() {
    // DIFFERENCE: to the original they are texts.
    let mut throughput = document("throughput-tcp");
    let sum = &mut throughput["result"]["result"]["summary"]["summary"];
    sum["throughput-bits"] = json!("9412345678.25");
    let measured = map(&throughput);
    let rate = ("throughput".to_owned(), json!(9_412_345_678.25));
    assert!(measured.values.contains(&rate), "{:?}", measured.values);
    let mut latency = document("latency");
    latency["result"]["result"]["packets-sent"] = json!("100");
    let measured = map(&latency);
    let loss = json!({"numerator": 3, "denominator": 100});
    let loss = ("packet-loss-rate".to_owned(), loss);
    assert!(measured.values.contains(&loss), "{:?}", measured.values);
}

#[test]
fn what_is_no_run_is_refused_with_the_part_that_is_missing() {
    let p = |text: &str| Run::parse(text).unwrap_err().to_string();
    assert_eq!(p("[1]"), "the result is no JSON object");
    assert_eq!(p("{}"), "the result has no usable result");
    assert_eq!(p(r#"{"test": {}}"#), "the result has no usable test type");
    let mut document = document("rtt");
    document["result"]["schedule"]["start"] = json!("soon");
    assert_eq!(
        p(&document.to_string()),
        "the result has no usable start time"
    );
}

#[test]
fn a_result_that_says_when_it_ran_needs_no_schedule() {
    // DIFFERENCE: the original demands one.
    let text = r#"{"test": {"type": "throughput", "spec": {"source": "192.0.2.10", "dest": "198.51.100.20"}},
        "run": {"start-time": "2025-03-01T12:00:00Z", "end-time": "2025-03-01T12:00:10Z"},
        "result": {"summary": {"summary": {"throughput-bits": 1.5}}}}"#;
    assert_eq!(Kind::of(text), Some(Kind::Pscheduler));
    let run = Run::parse(text).unwrap();
    let measured = run.measurement(&Addresses::default()).unwrap();
    assert_eq!(measured.ts, 1_740_830_400);
    assert_eq!(measured.tool_name, "pscheduler");
    assert_eq!(measured.parameters["time-duration"], json!(10.0));
    // Nothing says that it failed.
    assert_eq!(measured.values[0], ("throughput".to_owned(), json!(1.5)));
    assert_eq!(measured.subject.measurement_agent.to_string(), "192.0.2.10");
}

#[test]
fn a_run_without_addresses_is_one_of_whoever_measured() {
    // DIFFERENCE: the original posts a null for them.
    let mut document = document("rtt");
    document["result"]["test"]["spec"]["dest"] = json!("gone.example.org");
    let run = Run::parse(&document.to_string()).unwrap();
    assert!(run.measurement(&Addresses::default()).is_err());
    let measured = run.unaddressed("192.0.2.50".parse().unwrap()).unwrap();
    assert_eq!(measured.subject.source.to_string(), "192.0.2.50");
    assert_eq!(measured.subject.destination, None);
    assert_eq!(measured.subject.input_source, "198.51.100.10");
    let named = measured.subject.input_destination.as_deref();
    assert_eq!(named, Some("gone.example.org"));
    assert!(measured.values.len() > 4);
}
