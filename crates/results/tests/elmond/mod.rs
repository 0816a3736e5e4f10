//! What an archive of perfSONAR 5 shows of a document: the rules of its pipeline and of
//! Elmond for throughput tests, with their faults. Tests of several crates share it.

#![allow(dead_code, reason = "each crate uses a part")]

use serde_json::{Map, Value, json};

/// A test with one run.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The record, without addresses of series.
    pub(crate) metadata: Map<String, Value>,
    /// Event types that are listed.
    pub(crate) listed: Vec<&'static str>,
    /// What tells this test from others.
    pub(crate) identity: Value,
    /// Time of the point, as written.
    pub(crate) start: String,
    /// The point of each event type that has one, the daily average among them as
    /// `throughput/averages/86400`.
    pub(crate) points: Map<String, Value>,
}

/// Shows a document that came with an observer. Panics where such an archive drops the
/// document, hides the test, or fails.
pub(crate) fn show(document: &Value, observer: &str) -> Shown {
    let (test, run) = (&document["test"], &document["run"]);
    assert_eq!(test["type"], "throughput", "the name of the data stream");
    for name in ["start-time", "end-time", "added"] {
        assert_eq!(
            text(&run[name]).len(),
            "2025-03-01T12:00:00Z".len(),
            "{run}"
        );
    }
    let spec = &test["spec"];
    let mut metadata = Map::new();
    let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    let address = |host: &Value| {
        let bare = text(host).trim_matches(['[', ']']);
        let address: std::net::IpAddr = bare.parse().expect("an address needs no lookup");
        // Logstash takes `fd00::1` for a URL and loses the whole event.
        assert!(
            !text(host).starts_with(|letter: char| letter.is_alphabetic()),
            "{host}"
        );
        address
    };
    let (source, destination) = (address(&spec["source"]), address(&spec["dest"]));
    assert_eq!(source.is_ipv4(), destination.is_ipv4());
    assert!(
        spec.get("ip-version").is_none(),
        "it would hide other observers"
    );
    put("subject-type", json!("point-to-point"));
    put("source", json!(source));
    put("destination", json!(destination));
    put("measurement-agent", json!(observer));
    put("input-source", spec["source"].clone());
    put("input-destination", spec["dest"].clone());
    put(
        "tool-name",
        json!(format!("pscheduler/{}", text(&document["tool"]["name"]))),
    );
    let duration = &document["task"]["detail"]["duration"];
    put("time-duration", seconds(duration));
    let mut identity = spec.clone();
    for name in ["duration", "omit", "interval"] {
        if let Some(value) = spec.get(name) {
            identity[name] = seconds(value);
        }
    }
    for (theirs, ours) in [
        ("tos", "ip-tos"),
        ("dscp", "ip-dscp"),
        ("buffer-length", "bw-buffer-size"),
        ("parallel", "bw-parallel-streams"),
        ("bandwidth", "bw-target-bandwidth"),
        ("window-size", "tcp-window-size"),
        ("dynamic-window-size", "tcp-dynamic-window-size"),
        ("mss", "tcp-max-segment-size"),
        ("omit", "bw-ignore-first-seconds"),
    ] {
        if let Some(value) = identity.get(theirs) {
            put(ours, value.clone());
        }
    }
    let udp = spec["udp"] == true;
    put(
        "ip-transport-protocol",
        json!(if udp { "udp" } else { "tcp" }),
    );
    for (name, value) in document["reference"].as_object().into_iter().flatten() {
        assert!(!value.is_object() && !value.is_array(), "{name}");
        if !name.starts_with('_') {
            put(&format!("pscheduler-reference-{name}"), value.clone());
        }
    }
    let parallel = spec.get("parallel").is_some_and(|parallel| {
        // On a text the pipeline fails.
        parallel.as_f64().expect("a number of streams") > 1.0
    });
    Shown {
        metadata,
        listed: listed(udp, parallel),
        identity: json!([identity, test["type"], document["tool"]["name"]]),
        start: text(&run["start-time"]).to_owned(),
        points: points(&document["result"], parallel),
    }
}

fn listed(udp: bool, parallel: bool) -> Vec<&'static str> {
    let mut listed = vec!["failures", "throughput", "throughput-subintervals"];
    if parallel {
        listed.extend(["streams-throughput", "streams-throughput-subintervals"]);
    }
    if udp {
        listed.extend(["packet-loss-rate", "packet-count-lost", "packet-count-sent"]);
    } else {
        listed.extend(["packet-retransmits", "packet-retransmits-subintervals"]);
        if parallel {
            listed.extend([
                "streams-packet-retransmits",
                "streams-packet-retransmits-subintervals",
            ]);
        }
    }
    listed
}

fn points(result: &Value, parallel: bool) -> Map<String, Value> {
    let mut points = Map::new();
    if result["succeeded"] != true {
        let error = text(&result["error"]);
        points.insert("failures".to_owned(), json!({ "error": error }));
        return points;
    }
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            points.insert(name.to_owned(), value);
        }
    };
    let sum = &result["summary"]["summary"];
    put("throughput", sum["throughput-bits"].clone());
    put("throughput/averages/86400", sum["throughput-bits"].clone());
    put("packet-retransmits", sum["retransmits"].clone());
    let intervals = result["intervals"].as_array().expect("a list of intervals");
    // Elmond looks for `throughput` where results have `throughput-bits`.
    put("throughput-subintervals", json!([]));
    if parallel {
        put("streams-throughput-subintervals", json!([]));
    }
    let resent = intervals.iter().filter_map(|one| part(&one["summary"]));
    put("packet-retransmits-subintervals", resent.collect());
    if parallel && let Some(streams) = result["summary"]["streams"].as_array() {
        let column = |name: &str| streams.iter().map(|one| one[name].clone()).collect();
        put("streams-throughput", column("throughput"));
        put("streams-packet-retransmits", column("retransmits"));
    }
    let mut streams: std::collections::BTreeMap<i64, Vec<Value>> = Default::default();
    for stream in intervals.iter().flat_map(|one| one["streams"].as_array()) {
        for stream in stream {
            let id = stream["stream-id"]
                .as_i64()
                .expect("without it Elmond fails");
            assert_ne!(id, 0, "Elmond leaves it out");
            streams.entry(id).or_default().extend(part(stream));
        }
    }
    if parallel {
        let lists: Vec<_> = streams
            .into_values()
            .filter(|list| !list.is_empty())
            .collect();
        put("streams-packet-retransmits-subintervals", json!(lists));
    }
    points
}

fn part(of: &Value) -> Option<Value> {
    let duration = of["end"].as_f64()? - of["start"].as_f64()?;
    let val = of.get("retransmits")?;
    Some(json!({"start": of["start"], "duration": duration, "val": val}))
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// Reads a duration of seconds alone, as we write them.
fn seconds(duration: &Value) -> Value {
    if duration.is_null() {
        return Value::Null;
    }
    let number = text(duration)
        .strip_prefix("PT")
        .and_then(|rest| rest.strip_suffix('S'));
    let number: f64 = number.expect("ISO 8601").parse().expect("a number");
    json!(number)
}
