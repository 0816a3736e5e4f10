//! Copying another archive.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::data::{START, answers, fill};
use crate::process::{Server, command, run};

fn notes(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn mirror(data: &Path, from: &str, options: &[&str]) -> Output {
    let mut mirror = command(data, &["mirror", "--from", from]);
    mirror.env("NO_PROXY", "*").args(options).output().unwrap()
}

#[tokio::test]
async fn an_archive_is_copied_while_both_are_served_and_a_later_run_adds_what_is_new() {
    // DIFFERENCE: the original has no such command.
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    let keys = fill(&one, 50).await;
    let (remote, copy) = (Server::start(&one), Server::start(&other));
    let first = mirror(&other, &remote.url, &["--jobs", "2"]);
    assert_eq!(first.status.code(), Some(0), "{}", notes(&first));
    assert!(first.stdout.is_empty());
    assert!(
        notes(&first).contains("2 of 2 tests: 400 points stored"),
        "{}",
        notes(&first)
    );
    let data = |all: Vec<String>| -> Vec<String> {
        // Records were updated at another time here.
        all.into_iter()
            .filter(|answer| answer.contains("/base "))
            .collect()
    };
    let expected = data(answers(&remote, &keys).await);
    assert!(expected.len() >= 8);
    assert_eq!(data(answers(&copy, &keys).await), expected);
    assert!(run(&other, &["check"]).status.success());

    let second = mirror(&other, &remote.url, &["--json"]);
    assert_eq!(second.status.code(), Some(0), "{}", notes(&second));
    let report: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(report["points-stored"], 0, "{report}");
    assert_eq!(report["complete"], true);
}

#[tokio::test]
async fn only_what_was_asked_for_is_copied() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    fill(&one, 50).await;
    let remote = Server::start(&one);
    let since = (START + 600 * 40).to_string();
    let options = [
        "--filter",
        "source:10.1.1.1",
        "--since",
        &since,
        "--rate-limit",
        "1000",
    ];
    let output = mirror(&other, &remote.url, &options);
    assert_eq!(output.status.code(), Some(0), "{}", notes(&output));
    assert!(
        notes(&output).contains("1 of 1 test: 40 points stored"),
        "{}",
        notes(&output)
    );
}

#[test]
fn what_cannot_be_asked_is_a_usage_error_and_what_does_not_answer_a_failure() {
    let data = tempfile::tempdir().unwrap();
    for (from, options, expected) in [
        ("ps.example.org", &[][..], "--from"),
        (
            "http://127.0.0.1:1",
            &["--since", "someday"],
            "--since someday",
        ),
        ("http://127.0.0.1:1", &["--filter", "x"], "--filter"),
        ("http://127.0.0.1:1", &["--rate-limit", "0"], "--rate-limit"),
        ("http://127.0.0.1:1", &["--jobs", "0"], "--jobs"),
    ] {
        let output = mirror(data.path(), from, options);
        assert_eq!(output.status.code(), Some(2), "{}", notes(&output));
        assert!(notes(&output).contains(expected), "{}", notes(&output));
    }
    // Nothing listens there.
    let output = mirror(data.path(), "http://127.0.0.1:1", &["--retries", "0"]);
    assert_eq!(output.status.code(), Some(1), "{}", notes(&output));
    assert!(
        notes(&output).contains("the list of tests cannot be read"),
        "{}",
        notes(&output)
    );
}

#[test]
fn a_signal_ends_a_copy_with_its_number_and_a_summary() {
    let data = tempfile::tempdir().unwrap();
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let from = format!("http://{}", listener.local_addr().unwrap());
        let mut mirror = command(data.path(), &["mirror", "--from", &from]);
        mirror.env("NO_PROXY", "*").stderr(Stdio::piped());
        let running = mirror.spawn().unwrap();
        // It has asked, and waits for an answer that never comes.
        let (mut connection, _) = listener.accept().unwrap();
        assert!(connection.read(&mut [0; 10]).unwrap() > 0);
        let pid = running.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let output = running.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(128 + number),
            "{}",
            notes(&output)
        );
        assert!(
            notes(&output).contains("(stopped before the end)"),
            "{}",
            notes(&output)
        );
    }
}
