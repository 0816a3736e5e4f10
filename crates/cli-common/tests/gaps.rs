//! What is said about values that a perfSONAR 5 archive lists and does not hold.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use esmond_ps_cli_common::gaps::{Gaps, Read};
use esmond_ps_client::{Archive, Test};
use esmond_ps_model::{MetadataFilters, SummaryType};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

/// Has a client read these records.
fn read(records: &Value) -> Vec<Test> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = records.to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        lines
            .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
            .count();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    });
    let archive = Archive::builder(url).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tests = archive.metadata(&MetadataFilters::new()).try_collect();
    let tests = runtime.block_on(tests).unwrap();
    server.join().unwrap();
    tests
}

/// A record of a perfSONAR 5 archive, or with `classic` of another.
fn record(number: u8, classic: bool) -> Value {
    let key = format!("{number:02x}").repeat(if classic { 16 } else { 32 });
    let types = [
        "throughput-subintervals",
        "packet-count-sent",
        "histogram-rtt",
        "histogram-ttl",
    ];
    let window = if classic { "" } else { "/0" };
    let entries: Vec<Value> = types
        .iter()
        .map(|name| {
            json!({
                "event-type": name, "base-uri": format!("/a/{key}/{name}/base{window}"),
                "summaries": [{"summary-type": "statistics", "summary-window": 300, "uri": "/s"}],
            })
        })
        .collect();
    json!({
        "metadata-key": key, "pscheduler-test-type": "throughput", "event-types": entries,
        "metadata-count-total": 2,
    })
}

fn lines(gaps: &Gaps) -> Vec<String> {
    gaps.lines().collect()
}

const NOTHING: Read = Read {
    values: 0,
    blank: 0,
    refused: false,
};

#[test]
fn each_kind_is_said_once_with_the_number_of_its_tests() {
    // DIFFERENCE: the originals print blanks, or nothing.
    let tests = read(&json!([record(1, false), record(2, false)]));
    let mut gaps = Gaps::default();
    for test in &tests {
        for name in ["throughput-subintervals", "packet-count-sent"] {
            let series = test.event_type(name).unwrap().base();
            gaps.add(&series, NOTHING);
            gaps.add(
                &series,
                Read {
                    blank: 7,
                    ..NOTHING
                },
            );
        }
    }
    assert_eq!(
        lines(&gaps),
        [
            "this perfSONAR 5 archive does not hold packet counts and packet loss of UDP throughput tests, listed for 2 tests",
            "this perfSONAR 5 archive does not hold throughput-subintervals (its values are empty), listed for 2 tests",
        ]
    );
}

#[test]
fn nothing_is_said_about_what_is_there_or_was_never_measured() {
    let tests = read(&json!([record(1, false)]));
    let series = |name: &str| tests[0].event_type(name).unwrap().base();
    let mut gaps = Gaps::default();
    gaps.add(
        &series("throughput-subintervals"),
        Read {
            values: 1,
            ..NOTHING
        },
    );
    gaps.add(&series("histogram-ttl"), NOTHING);
    gaps.add(
        &series("histogram-ttl"),
        Read {
            values: 3,
            ..NOTHING
        },
    );
    gaps.add_lacking(
        &tests[0].event_type("histogram-ttl").unwrap(),
        SummaryType::Aggregation,
    );
    assert!(lines(&gaps).is_empty(), "{gaps:?}");
}

#[test]
fn what_is_refused_blank_partial_or_gone_is_said_as_such() {
    let tests = read(&json!([record(1, false)]));
    let event_type = |name: &str| tests[0].event_type(name).unwrap();
    let statistics = |name: &str| {
        event_type(name)
            .summary(SummaryType::Statistics, 300)
            .unwrap()
    };
    let said = |tell: &dyn Fn(&mut Gaps)| {
        let mut gaps = Gaps::default();
        tell(&mut gaps);
        lines(&gaps).join("\n")
    };
    let refused = Read {
        refused: true,
        ..NOTHING
    };
    assert_eq!(
        said(&|gaps| gaps.add(&event_type("histogram-ttl").base(), refused)),
        "this perfSONAR 5 archive does not hold histogram-ttl, listed for 1 test"
    );
    let some_blank = Read {
        values: 5,
        blank: 1,
        ..NOTHING
    };
    assert_eq!(
        said(&|gaps| gaps.add(&statistics("histogram-ttl"), some_blank)),
        "this perfSONAR 5 archive has empty values of statistics of 300 s of histogram-ttl, left out for 1 test"
    );
    assert_eq!(
        said(&|gaps| gaps.add(&statistics("histogram-rtt"), some_blank)),
        "this perfSONAR 5 archive does not hold median, mode, variance and percentiles in the statistics of histogram-rtt, listed for 1 test"
    );
    assert_eq!(
        said(&|gaps| gaps.add_lacking(&event_type("histogram-rtt"), SummaryType::Aggregation)),
        "this perfSONAR 5 archive does not hold aggregations of histogram-rtt, only statistics, asked for 1 test"
    );
}

#[test]
fn classic_archives_have_no_gaps_and_no_blanks() {
    let tests = read(&json!([record(1, true)]));
    let series = tests[0]
        .event_type("throughput-subintervals")
        .unwrap()
        .base();
    assert!(!series.is_blank(&json!([])));
    let mut gaps = Gaps::default();
    gaps.add(&series, NOTHING);
    assert!(lines(&gaps).is_empty());
}
