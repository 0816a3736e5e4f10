//! A real peer: the original Python client posts to our archive and reads from
//! it, and the original program prints what ours prints. It also reads results
//! that pScheduler sent as to a perfSONAR 5 archive.
//!
//! `make peers` installs the client; where it is not installed, the tests say
//! that they skip it.

mod described;

use std::path::{Path, PathBuf};
use std::process::Command;

use esmond_ps_tests::pscheduler::results;
use esmond_ps_tests::values::is_like;
use esmond_ps_tests::{TestArchive, run, tools};
use serde_json::{Value, json};

struct Peer {
    interpreter: String,
    library: PathBuf,
}

/// Returns an installed peer, or says on stderr, uncaptured, that there is none.
fn peer(name: &str) -> Option<Peer> {
    let (interpreter, library) = tools::peer(name, &format!("esmond_client for {name} is"))?;
    Some(Peer {
        interpreter,
        library,
    })
}

impl Peer {
    fn python(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.interpreter)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", &self.library)
            .env("PYTHONIOENCODING", "utf-8")
            .env("PYTHONWARNINGS", "ignore")
            .env("NO_PROXY", "*")
            .args(arguments)
            .output()
            .expect("Python starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn talks_to_our_archive(name: &str) {
    let Some(peer) = peer(name) else { return };
    let archive = TestArchive::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/talk.py");
    let script = script.to_str().expect("a UTF-8 path");
    let seen = peer.python(&[script, &archive.url, "tester", &archive.key]);
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    let error = json!({"error": "hôte inconnu"});
    let expected = json!([{
        "created": true,
        "source": "10.10.0.1",
        "tool_name": "bwctl/iperf3",
        "destination": "10.10.0.2",
        "measurement_agent": "10.10.0.2",
        "input_source": "host1",
        "time_duration": "30",
        "subject_type": "point-to-point",
        "event_types": [
            "failures", "histogram-ttl", "packet-count-sent", "packet-loss-rate", "throughput",
            "time-error-estimates"
        ],
        "series": {
            "failures": [[1397075053, error], [1397075113, error], [1397078713, error]],
            "histogram-ttl": [
                [1397075053, {"28": 600}], [1397075113, {"28": 599}], [1397078713, {"28": 10}]
            ],
            "packet-count-sent": [[1397075053, 600.0], [1397075113, 599.0], [1397078713, 10.0]],
            // The start of the first hour lies before the time asked for.
            "packet-count-sent/aggregation/3600": [[1397077200, 10.0]],
            "packet-count-sent/aggregation/86400": [],
            "packet-loss-rate": [
                [1397075053, 0.0], [1397075113, 1.0 / 600.0], [1397078713, 590.0 / 600.0]
            ],
            "throughput": [[1397075053, 23.0], [1397075113, 55.0]],
            "time-error-estimates": [[1397075053, 0.6], [1397075113, 0.599], [1397078713, 0.01]]
        }
    }]);
    assert_eq!(seen, expected, "{seen:#}");
}

#[test]
fn the_original_client_on_python_2_posts_to_our_archive_and_reads_it_back() {
    talks_to_our_archive("python2");
}

#[test]
fn the_original_client_on_python_3_posts_to_our_archive_and_reads_it_back() {
    talks_to_our_archive("python3");
}

#[test]
fn the_original_program_prints_what_ours_prints() {
    let Some(peer) = peer("python2") else { return };
    let archive = TestArchive::start();
    let dataset = include_str!("../programs/data/dataset.json");
    archive.load(&serde_json::from_str(dataset).expect("a data set"));
    let program = peer.library.join("bin/esmond-ps-get");
    let program = program.to_str().expect("a UTF-8 path");
    for (event_type, more) in [
        ("throughput", &[][..]),
        ("packet-trace", &[]),
        ("packet-count-sent", &["-T", "aggregation", "-W", "300"]),
        ("histogram-owdelay", &["-T", "statistics", "-W", "86400"]),
        ("streams-throughput-subintervals", &[]),
    ] {
        let mut arguments = vec![
            "-u",
            &archive.url,
            "-S",
            "2014-05-01",
            "-E",
            "2099-01-01",
            "-I",
            "-s",
            "10.1.1.1",
            "-d",
            "10.1.1.2",
            "-e",
            event_type,
            "-o",
            "csv",
        ];
        arguments.extend(more);
        let ours = run("esmond-ps-get", &arguments);
        let mut line = vec![program];
        line.extend(arguments);
        let theirs = peer.python(&line);
        assert!(theirs.lines().count() > 2, "{event_type}: {theirs}");
        assert_eq!(ours.stdout, theirs, "{event_type}");
    }
}

fn reads_results_of_pscheduler(name: &str) {
    let Some(peer) = peer(name) else { return };
    let archive = TestArchive::start();
    for sent in results() {
        assert_eq!(sent.put(&archive), 200, "{}", sent.name);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/read.py");
    let script = script.to_str().expect("a UTF-8 path");
    let seen = peer.python(&[script, &archive.url, "1709600000", "4070908800"]);
    let seen: Vec<Value> = serde_json::from_str(&seen).expect("JSON");
    for sent in results() {
        for (event_type, value) in &sent.values {
            let series = seen
                .iter()
                .filter_map(|test| test["series"].get(event_type));
            let points = series.flat_map(|series| series.as_array().into_iter().flatten());
            let mut values = points
                .filter(|point| point[0] == sent.ts)
                .map(|point| &point[1]);
            let first = values.next();
            let is_right = first.is_some_and(|first| is_like(value, first));
            assert!(
                is_right,
                "{} {event_type}: {first:?} for {value}",
                sent.name
            );
            assert_eq!(values.next(), None, "{} {event_type}", sent.name);
        }
        let is_it = |test: &&Value| {
            [
                ("source", "source"),
                ("destination", "destination"),
                ("tool-name", "tool_name"),
            ]
            .iter()
            .all(|(name, attribute)| {
                let wanted = sent.metadata.get(*name).unwrap_or(&Value::Null);
                test[*attribute] == *wanted
            })
        };
        assert!(
            seen.iter().any(|test| is_it(&test)),
            "{} in {seen:#?}",
            sent.name
        );
    }
}

#[test]
fn the_original_client_on_python_2_reads_results_of_pscheduler() {
    reads_results_of_pscheduler("python2");
}

#[test]
fn the_original_client_on_python_3_reads_results_of_pscheduler() {
    reads_results_of_pscheduler("python3");
}
