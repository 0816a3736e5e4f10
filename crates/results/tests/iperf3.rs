//! Documents that iperf3 3.0 to 3.21 printed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Read as _;

use esmond_ps_results::iperf3::{Context, Report, measurement};
use esmond_ps_results::{Kind, Measurement};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

struct Capture {
    name: String,
    arguments: String,
    document: String,
}

fn captures() -> Vec<Capture> {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("data/iperf3.jsonl.gz")[..])
        .read_to_string(&mut text)
        .unwrap();
    let all = text.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        Capture {
            name: text("name"),
            arguments: text("arguments"),
            document: text("document"),
        }
    });
    all.collect()
}

fn context() -> Context {
    Context {
        tool_name: "iperf3".to_owned(),
        source: Some("192.0.2.1".parse().unwrap()),
        destination: Some("192.0.2.2".parse().unwrap()),
        ts: Some(1),
        ..Context::default()
    }
}

fn map(document: &str) -> Measurement {
    let report = Report::parse(document).unwrap();
    measurement(Some(&report), &context()).unwrap()
}

fn value(measured: &Measurement, event_type: &str) -> Value {
    let mut values = measured.values.iter();
    let found = values.find(|(name, _)| name == event_type);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn every_version_gives_what_its_test_measured() {
    let captures = captures();
    assert!(captures.len() > 50, "{}", captures.len());
    for Capture {
        name,
        arguments,
        document,
    } in captures
    {
        let kind = Kind::of(&document);
        assert_eq!(kind, Some(Kind::Iperf3), "{name}");
        let measured = map(&document);
        let values = &measured.values;
        assert!(!json!(values).to_string().contains("null"), "{name}");
        for (event_type, _) in values {
            assert!(
                measured
                    .event_types
                    .iter()
                    .any(|one| one.name == *event_type),
                "{name}: {event_type}"
            );
        }
        if name.starts_with("err-") {
            assert!(measured.failure().is_some(), "{name}");
            assert_eq!(values.len(), 1, "{name}");
            continue;
        }
        assert!(
            value(&measured, "throughput").as_f64() > Some(0.0),
            "{name}"
        );
        assert!(
            value(&measured, "throughput-subintervals")
                .as_array()
                .is_some(),
            "{name}"
        );
        let server = arguments.contains(" -s ");
        let udp = arguments.contains(" -u");
        let streams = arguments
            .split_once("-P ")
            .map_or(1, |(_, rest)| rest[..1].parse().unwrap());
        let streams = if server || arguments.contains("--bidir") {
            value(&measured, "streams-throughput")
                .as_array()
                .map_or(1, Vec::len)
        } else {
            streams
        };
        assert_eq!(
            value(&measured, "packet-count-sent").is_number(),
            udp,
            "{name}"
        );
        assert_eq!(
            value(&measured, "packet-retransmits").is_number(),
            !udp && !server,
            "{name}"
        );
        for all in ["streams-throughput", "streams-throughput-subintervals"] {
            assert_eq!(
                value(&measured, all).as_array().map_or(1, Vec::len),
                streams,
                "{name}: {all}"
            );
        }
        let protocol = if udp { "udp" } else { "tcp" };
        assert_eq!(
            measured.parameters["ip-transport-protocol"], protocol,
            "{name}"
        );
        let subject = &measured.subject;
        let ends = (
            subject.source.to_string(),
            subject.destination.unwrap().to_string(),
        );
        let (client, other) = if arguments.contains("::1") {
            ("::1", "::1")
        } else {
            ("127.0.0.2", "127.0.0.3")
        };
        let forward = (client.to_owned(), other.to_owned());
        let reverse = (other.to_owned(), client.to_owned());
        assert_eq!(
            ends,
            if arguments.contains("--reverse") {
                reverse
            } else {
                forward
            },
            "{name}"
        );
        let agent = if server { "127.0.0.3" } else { client };
        assert_eq!(subject.measurement_agent.to_string(), agent, "{name}");
    }
}

#[test]
fn loss_of_udp_is_what_the_receiver_missed() {
    for Capture { name, document, .. } in captures() {
        if name.starts_with("udp-loss") {
            assert!(
                value(&map(&document), "packet-count-lost").as_f64() > Some(0.0),
                "{name}"
            );
        }
    }
}

#[test]
fn both_sides_of_a_test_agree_on_who_sent() {
    // DIFFERENCE: the original does not look at `--reverse`.
    let all = captures();
    let find = |name: &str| map(&all.iter().find(|one| one.name == name).unwrap().document);
    let (client, server) = (find("both-client-3.1.3"), find("both-server-3.1.3"));
    assert_eq!(client.subject.source, server.subject.source);
    assert_eq!(client.subject.destination, server.subject.destination);
}

/// No kernel at hand speaks SCTP; the document has the shape of a TCP one.
#[test]
fn sctp_has_throughput_and_no_retransmits() {
    // DIFFERENCE: the original does not store it.
    let all = captures();
    let tcp = &all
        .iter()
        .find(|one| one.name == "tcp-p2-3.16")
        .unwrap()
        .document;
    let sctp = tcp.replace("\"TCP\"", "\"SCTP\"");
    let measured = map(&sctp);
    let names: Vec<_> = measured
        .values
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "throughput",
            "throughput-subintervals",
            "streams-throughput",
            "streams-throughput-subintervals"
        ]
    );
    assert_eq!(measured.parameters["ip-transport-protocol"], "sctp");
    assert!(
        !measured
            .event_types
            .iter()
            .any(|one| one.name.contains("retransmits"))
    );
}

#[test]
fn without_a_report_the_test_failed_with_what_is_known() {
    // DIFFERENCE: the original stores nothing.
    let mut context = context();
    let failed = measurement(None, &context).unwrap();
    assert_eq!(failed.failure(), Some("iperf3 printed no result"));
    assert_eq!(failed.ts, 1);
    context.error = Some("killed".to_owned());
    assert_eq!(
        measurement(None, &context).unwrap().failure(),
        Some("killed")
    );
    context.ts = None;
    let error = measurement(None, &context).unwrap_err().to_string();
    assert_eq!(error, "the result has no usable time");
    context.destination = None;
    let error = measurement(None, &context).unwrap_err().to_string();
    assert_eq!(error, "the result has no usable destination");
}

#[test]
fn packets_are_no_fraction_of_nothing() {
    // DIFFERENCE: the original posts a rate of no packets, which archives refuse.
    let document = json!({
        "start": {
            "connected": [{"local_host": "::ffff:192.0.2.1", "remote_host": "192.0.2.2"}],
            "timestamp": {"time": "no matter", "timesecs": 5},
            "test_start": {"protocol": "UDP", "num_streams": 1, "duration": 0}
        },
        "intervals": [{"streams": []}],
        "end": {"sum": {"bits_per_second": 0, "packets": 0, "lost_packets": 0}}
    });
    let measured = map(&document.to_string());
    let names: Vec<_> = measured
        .values
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["throughput", "packet-count-lost", "packet-count-sent"]
    );
    assert_eq!(measured.subject.source.to_string(), "192.0.2.1");
    assert!(!measured.parameters.contains_key("time-duration"));
}
