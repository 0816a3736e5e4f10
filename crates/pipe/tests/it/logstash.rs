//! Tests for an archive of perfSONAR 5.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::data::{capture, captures, same};
use crate::elmond::show;
use crate::input::{Input, Reply, check, read_only};
use crate::program::{Archive, Run, command, run};

fn run_on(url: &str, more: &[&str], input: &str) -> Run {
    let mut arguments = vec!["--to", "logstash", "-U", url, "--retries", "2"];
    arguments.extend(["-u", "perfsonar", "-k", "secret"]);
    arguments.extend(more);
    run(&arguments, input.as_bytes())
}

#[test]
fn perfsonar_5_shows_what_every_capture_measured() {
    // DIFFERENCE: the original cannot write to these archives.
    let input = Input::taking_all();
    let mut shown = 0;
    for capture in captures() {
        let name = capture["name"].as_str().unwrap();
        let before = input.sent().len();
        run_on(&input.url, &[], capture["text"].as_str().unwrap());
        let sent = input.sent().split_off(before);
        let posts = capture["correct"].as_array().unwrap();
        let posts: Vec<_> = posts.iter().filter(|one| !one["post"].is_null()).collect();
        assert_eq!(sent.len(), posts.len(), "{name}");
        for (sent, correct) in sent.iter().zip(posts) {
            check(sent);
            let seen = show(&sent.body, sent.observer());
            let metadata = &correct["post"]["metadata"];
            for field in ["source", "destination", "bw-parallel-streams"] {
                if let Some(value) = metadata.get(field) {
                    assert_eq!(seen.metadata[field], *value, "{name} {field}");
                }
            }
            for field in ["input-source", "input-destination", "tool-name"] {
                let kept = &seen.metadata[&format!("pscheduler-reference-{field}")];
                assert_eq!(*kept, metadata[field], "{name} {field}");
            }
            for value in correct["post"]["values"].as_array().unwrap() {
                let event_type = value[0].as_str().unwrap();
                if ["throughput", "packet-retransmits", "failures"].contains(&event_type) {
                    let found = same(&seen.points[event_type]);
                    assert_eq!(found, same(&value[2]), "{name} {event_type}");
                    assert!(seen.listed.contains(&event_type), "{name} {event_type}");
                    shown += 1;
                }
            }
        }
    }
    assert!(shown > 40, "{shown}");
}

#[test]
fn results_of_pscheduler_are_passed_on_whole_and_without_secrets() {
    let result = json!({
        "id": "9a8b7c6d-1111-4222-8333-000000000001",
        "schedule": {"start": "2024-03-05T14:30:00+00:00", "duration": "PT23S"},
        "test": {"type": "http", "spec": {"url": "https://www.example.org/", "schema": 1}},
        "tool": {"name": "psurl", "version": "1.0"},
        "run": {"start-time": "2024-03-05T14:30:00+00:00", "end-time": "2024-03-05T14:30:23+00:00"},
        "participants": ["198.51.100.10"],
        "result": {"succeeded": true, "time": "PT0.25S", "found": null},
        "task": {"detail": {"duration": "PT23S"}, "href": "https://ps1.example.org/t"},
    });
    let envelope = json!({
        "data": {"_auth-token": "s3cret", "measurement-agent": "203.0.113.9"},
        "task-href": "https://ps1.example.org/t", "run-href": "https://ps1.example.org/t/runs/r",
        "result": result,
    });
    let input = Input::taking_all();
    let run = run_on(&input.url, &[], &format!("{result}\n{envelope}\n"));
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(run.log.last().unwrap(), "main.exit success");
    let sent = input.sent();
    let observers: Vec<_> = sent.iter().map(|sent| sent.observer().to_owned()).collect();
    assert_eq!(observers, ["198.51.100.10", "203.0.113.9"]);
    for (sent, href) in sent
        .iter()
        .zip([None, Some("https://ps1.example.org/t/runs/r")])
    {
        check(sent);
        let mut expected = result.clone();
        expected["run"]["added"] = json!("2024-03-05T14:30:00+00:00");
        if let Some(href) = href {
            expected["run"]["href"] = json!(href);
        }
        assert_eq!(sent.body, expected);
    }
    // No type of test: perfSONAR 5 would drop it without a word.
    let run = run_on(&input.url, &[], r#"{"schedule": {}, "test": {"spec": {}}}"#);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("no usable test type"), "{run:?}");
    assert_eq!(input.sent().len(), 2);
}

#[test]
fn an_input_that_is_busy_down_or_torn_away_gets_everything_in_the_end() {
    let input = Input::answering(|number| match number {
        0 => Reply::Refuse(429, "Retry-After: 0", "busy"),
        1 => Reply::Refuse(503, "Content-Type: text/html", "<p>Service Unavailable</p>"),
        3 => Reply::Reset,
        _ => Reply::Ok,
    });
    let run = run_on(&input.url, &[], &capture("var-two-tests"));
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(input.sent().len(), 5);
    let documents = input.documents();
    assert_eq!(documents.len(), 2);
    documents.iter().for_each(check);
}

#[test]
fn what_could_not_be_sent_is_kept_and_the_way_out_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("failed");
    let file = file.to_str().unwrap();
    let input = Input::answering(|_| {
        Reply::Refuse(401, "Content-Type: text/html", "<p>could not verify</p>")
    });
    let text = capture("var-two-tests");
    let run = run_on(&input.url, &["--save-failed", file], &text);
    assert_eq!(run.status, 1);
    let lines = |start: &str| {
        run.log
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    };
    assert_eq!(lines("write.warning"), 2, "{run:?}");
    assert_eq!(lines("main.warn hint: "), 1, "{run:?}");
    assert!(
        run.stderr
            .contains("answers 401 Unauthorized: could not verify"),
        "{run:?}"
    );
    assert!(
        run.stderr
            .contains("/etc/perfsonar/logstash/proxy_auth.json"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("secret"), "{run:?}");
    let again = Input::taking_all();
    let kept = fs::read_to_string(file).unwrap();
    assert_eq!(run_on(&again.url, &[], &kept).status, 0);
    let bodies =
        |input: &Input| -> Vec<Value> { input.sent().into_iter().map(|sent| sent.body).collect() };
    assert_eq!(bodies(&again), bodies(&input));
}

#[test]
fn an_archive_without_write_api_is_told_and_what_to_do_instead() {
    let archive = read_only();
    let arguments = ["-U", &archive.url, "-s", "esmond", "-u", "u", "-k", "k"];
    let run = run(&arguments, capture("tcp-p1-3.12").as_bytes());
    assert_eq!(run.status, 1);
    for part in [
        "cannot be written to: it seems to be a perfSONAR 5 archive, which has no write API",
        "main.warn",
        "try --to logstash --url https://127.0.0.1/logstash",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(archive.sent().len(), 1);
}

#[test]
fn the_options_are_checked_before_anything_is_read() {
    for (arguments, complaint) in [
        (&["--to", "logstash"][..], "--to logstash needs --url"),
        (
            &[
                "--to",
                "logstash",
                "-U",
                "http://ma.example.org/logstash",
                "-u",
                "u",
                "-k",
                "s3cret",
            ],
            "credentials are not sent to http://ma.example.org/logstash",
        ),
        (
            &[
                "--to",
                "logstash",
                "-U",
                "https://ma.example.org/esmond/perfsonar/archive/",
            ],
            "https://ma.example.org/logstash",
        ),
        (
            &["--to", "logstash", "-U", "ma.example.org"],
            "has no scheme",
        ),
        (&["--to", "elsewhere"], "elsewhere"),
        (&[], "both --user and --key args are required."),
    ] {
        let run = run(arguments, b"");
        assert_eq!(run.status, 2, "{run:?}");
        assert!(run.stderr.contains(complaint), "{run:?}");
        assert!(!run.stderr.contains("s3cret"), "{run:?}");
    }
}

#[test]
fn where_the_host_is_let_in_by_its_address_no_credentials_go() {
    let input = Input::taking_all();
    let arguments = ["--to", "logstash", "-U", &input.url];
    let run = run(&arguments, capture("tcp-p1-3.12").as_bytes());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(input.sent()[0].header("authorization"), None);
}

/// The password is in the clear on its way to this very host: no proxy is to see it.
#[test]
fn a_proxy_is_passed_by_on_the_way_to_this_host() {
    let input = Input::taking_all();
    let arguments = [
        "--to",
        "logstash",
        "-U",
        &input.url,
        "-u",
        "perfsonar",
        "-k",
        "secret",
    ];
    let mut child = command(&arguments)
        .env_remove("NO_PROXY")
        .env("http_proxy", "http://127.0.0.1:9")
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(capture("tcp-p1-3.12").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    check(&input.sent()[0]);
}

#[test]
fn without_the_option_nothing_changes() {
    let archive = Archive::taking_all();
    let arguments = ["-U", &archive.url, "-u", "u", "-k", "k", "--to", "esmond"];
    assert_eq!(run(&arguments, capture("tcp-p1-3.12").as_bytes()).status, 0);
    let paths: Vec<_> = archive.requests().into_iter().map(|one| one.path).collect();
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with("/perfsonar/archive/")),
        "{paths:?}"
    );
}
