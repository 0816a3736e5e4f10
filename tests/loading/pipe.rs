//! `esmond-ps-pipe` into the archive, read back with the query program.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

use esmond_ps_tests::{Run, TestArchive, command, run};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// Output of bwctl with what is to be stored of it: `name`, `text`, `correct`.
fn captures() -> Vec<Value> {
    let packed = include_bytes!("../../crates/pipe/tests/data/bwctl.jsonl.gz");
    let mut text = String::new();
    let read = GzDecoder::new(&packed[..]).read_to_string(&mut text);
    read.expect("gzip");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

fn start(archive: &TestArchive, more: &[&str]) -> Child {
    command("esmond-ps-pipe")
        .args(["-U", &archive.url, "-u", "tester", "-k", &archive.key])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn pipe(archive: &TestArchive, more: &[&str], input: &str) -> Run {
    let mut child = start(archive, more);
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // One that ends early is told by its status.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn read_back(archive: &TestArchive, from: &str, to: &str, event_type: &str) -> Vec<Value> {
    let mut arguments = vec![
        "-u",
        &archive.url,
        "-I",
        "-o",
        "json",
        "-S",
        "2024-01-01",
        "-E",
        "2026-12-30",
    ];
    arguments.extend(["-s", from, "-d", to, "-e", event_type]);
    let run = run("esmond-ps-get", &arguments);
    assert_eq!(run.status, Some(0), "{run:?}");
    serde_json::from_str(&run.stdout).expect("JSON")
}

/// What was measured between these two, as far as it is one number each.
fn expected(from: &str, to: &str, event_type: &str) -> BTreeSet<(i64, i64)> {
    let all = captures();
    let posts = all
        .iter()
        .flat_map(|capture| capture["correct"].as_array().expect("a list"));
    let posts = posts
        .map(|one| &one["post"])
        .filter(|post| post["metadata"]["source"] == from && post["metadata"]["destination"] == to);
    posts
        .flat_map(|post| post["values"].as_array().expect("a list"))
        .filter(|value| value[0] == event_type)
        .map(|value| (value[1].as_i64().expect("a time"), whole(&value[2])))
        .collect()
}

/// What an archive keeps of a number of an integer event type.
fn whole(number: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "rates fit")]
    let whole = number.as_f64().expect("a number") as i64;
    whole
}

fn rows(archive: &TestArchive, from: &str, to: &str, event_type: &str) -> BTreeSet<(i64, i64)> {
    let rows = read_back(archive, from, to, event_type);
    rows.iter()
        .map(|row| {
            let time = row["timestamp"].as_str().expect("a time");
            let time = chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S");
            (
                time.expect("a time").and_utc().timestamp(),
                whole(&row["value"]),
            )
        })
        .collect()
}

#[test]
fn all_captures_in_one_stream_are_read_back_and_the_same_stream_again_changes_nothing() {
    let archive = TestArchive::start();
    let texts: Vec<_> = captures()
        .iter()
        .map(|capture| capture["text"].as_str().expect("text").to_owned())
        .collect();
    let stream = texts.join("\n");
    for _ in 0..2 {
        let run = pipe(&archive, &[], &stream);
        // Some tests failed, and one was of another tool.
        assert_eq!(run.status, Some(1), "{run:?}");
        assert!(!run.stderr.contains("write.warning"), "{run:?}");
        assert!(
            run.stderr
                .contains("there is no handler for input type: nuttcp")
        );
        for (from, to) in [
            ("127.0.0.2", "127.0.0.3"),
            ("127.0.0.3", "127.0.0.2"),
            ("::1", "::1"),
        ] {
            for event_type in ["throughput", "packet-retransmits", "packet-count-lost"] {
                let expected = expected(from, to, event_type);
                assert_eq!(
                    rows(&archive, from, to, event_type),
                    expected,
                    "{from} {event_type}"
                );
            }
        }
        assert!(expected("127.0.0.2", "127.0.0.3", "throughput").len() > 10);
        let failures = read_back(&archive, "127.0.0.2", "127.0.0.3", "failures");
        let messages: Vec<_> = failures.iter().map(|row| row["msg"].to_string()).collect();
        assert!(
            messages.iter().any(|text| text.contains("interrupt")),
            "{messages:?}"
        );
        let streams = read_back(
            &archive,
            "127.0.0.2",
            "127.0.0.3",
            "streams-throughput-subintervals",
        );
        assert!(
            streams.iter().all(|row| row["value"].is_number()),
            "{streams:?}"
        );
        assert!(
            streams
                .iter()
                .any(|row| row["stream_num"].to_string().contains('3'))
        );
    }
}

#[test]
fn a_result_of_pscheduler_is_read_back_with_its_summaries() {
    let archive = TestArchive::start();
    let document = json!({
        "schedule": {"start": "2024-03-05T14:30:00Z", "duration": "PT15S"},
        "test": {"type": "latency", "spec": {
            "source": "198.51.100.10", "dest": "203.0.113.81", "packet-count": 100,
        }},
        "tool": {"name": "owping"},
        "participants": ["198.51.100.10"],
        "reference": {"description": "every day", "_key": "secret"},
        "result": {
            "succeeded": true, "packets-sent": 100, "packets-lost": 3,
            "histogram-latency": {"39.44": 40, "39.45": 57},
        },
    });
    let run = pipe(&archive, &[], &document.to_string());
    assert_eq!(run.status, Some(0), "{run:?}");
    let rows = read_back(
        &archive,
        "198.51.100.10",
        "203.0.113.81",
        "histogram-owdelay",
    );
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].to_string().contains("39.45"), "{rows:?}");
    let arguments = [
        "-u",
        &archive.url,
        "-I",
        "-S",
        "2024-01-01",
        "-E",
        "2024-12-30",
        "-s",
        "198.51.100.10",
    ];
    let mut arguments = arguments.to_vec();
    arguments.extend([
        "-d",
        "203.0.113.81",
        "-e",
        "packet-loss-rate",
        "-T",
        "aggregation",
        "-W",
        "300",
    ]);
    let get = esmond_ps_tests::run("esmond-ps-get", &arguments);
    assert!(get.stdout.contains("value: 0.03"), "{get:?}");
}

#[test]
fn an_archive_that_starts_late_gets_the_test_from_what_was_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("kept");
    let file = file.to_str().expect("UTF-8");
    let all = captures();
    let capture = all
        .iter()
        .find(|capture| capture["name"] == "tcp-p4-3.12")
        .expect("a capture");
    let text = capture["text"].as_str().expect("text");
    let away = [
        "-U",
        "http://127.0.0.1:9",
        "--retries",
        "0",
        "--save-failed",
        file,
    ];
    let archive = TestArchive::start();
    let run = pipe(&archive, &away, text);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("1 of 1 tests not stored, kept in"),
        "{run:?}"
    );
    assert!(
        !run.stderr.contains(&archive.key),
        "keys are no part of a log"
    );
    let kept = std::fs::read_to_string(file).expect("what was kept");
    assert_eq!(pipe(&archive, &[], &kept).status, Some(0));
    assert_eq!(
        read_back(&archive, "127.0.0.2", "127.0.0.3", "throughput").len(),
        1
    );
}
