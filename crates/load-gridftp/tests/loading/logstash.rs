//! Transfers for an archive of perfSONAR 5.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use esmond_ps_cli_common::loader::Record as _;
use esmond_ps_load_gridftp::measurement::Attributes;
use serde_json::{Value, json};

use crate::elmond::show;
use crate::input::{Input, Reply, check, read_only};
use crate::inputs::post;
use crate::support::{data, records};

const ALL: Attributes = Attributes {
    file: true,
    user: true,
    volume: true,
};

#[test]
fn perfsonar_5_shows_every_transfer_of_every_log() {
    // DIFFERENCE: the original cannot write to these archives.
    let (mut transfers, mut failures, mut details) = (0, 0, 0);
    for name in [
        "netlogger-clean",
        "netlogger-hostile",
        "netlogger-latin1",
        "json-clean",
        "real-gct-gridftp-log-TZ-New_York",
        "real-gct-transfer-ipv4",
        "real-gct-transfer-overlong",
    ] {
        for (line, measurement) in post(name, ALL) {
            let document = measurement.document().expect("a document");
            assert_eq!(document.observer, measurement.agent.to_string());
            let shown = show(&document.body, &document.observer);
            let place = format!("{name} line {line}");
            assert_eq!(shown.metadata["tool-name"], "pscheduler/gridftp");
            assert_eq!(
                shown.metadata["source"],
                json!(measurement.source),
                "{place}"
            );
            assert_eq!(
                shown.metadata["destination"],
                json!(measurement.destination)
            );
            assert!(shown.listed.contains(&"throughput"), "{place}");
            let reference = &document.body["reference"];
            assert_eq!(reference["input-source"], measurement.input_source);
            for (parameter, value) in &measurement.parameters {
                let seen = shown.metadata.get(*parameter);
                let seen = seen.or_else(|| reference.get(*parameter));
                assert_eq!(seen, Some(value), "{place} {parameter}");
            }
            for private in ["gridftp-file", "gridftp-user", "gridftp-bytes-transferred"] {
                let spec = &document.body["test"]["spec"];
                assert!(
                    spec.get(private).is_none(),
                    "{place}: a test for each transfer"
                );
            }
            for (event_type, _, value) in &measurement.values {
                match event_type.as_str() {
                    "throughput" => {
                        assert_eq!(&shown.points["throughput"], value, "{place}");
                        assert_eq!(&shown.points["throughput/averages/86400"], value);
                        let seconds = shown.metadata["time-duration"].as_f64();
                        assert!(seconds.expect("a duration") > 0.0, "{place}");
                    }
                    "failures" => {
                        assert_eq!(&shown.points["failures"], value, "{place}");
                        failures += 1;
                    }
                    "streams-packet-retransmits" if shown.points.contains_key("failures") => {}
                    "streams-packet-retransmits" => {
                        let each = value.as_array().expect("a list");
                        let sum: i64 = each.iter().filter_map(Value::as_i64).sum();
                        assert_eq!(shown.points["packet-retransmits"], sum, "{place}");
                        if shown.listed.contains(&"streams-packet-retransmits") {
                            assert_eq!(&shown.points["streams-packet-retransmits"], value);
                        }
                    }
                    other => {
                        let kept = reference[format!("_{other}")].as_str().expect("text");
                        let kept: Value = serde_json::from_str(kept).expect("JSON");
                        assert_eq!(&kept, value, "{place} {other}");
                        details += 1;
                    }
                }
            }
            transfers += 1;
        }
    }
    assert!(
        transfers > 30 && failures > 2 && details > 3,
        "{transfers} {failures} {details}"
    );
}

#[test]
fn what_is_private_goes_nowhere_unless_it_is_asked_for() {
    for measurement in post("netlogger-clean", Attributes::default()).values() {
        let document = measurement.document().expect("a document").body.to_string();
        for private in ["gridftp-file", "gridftp-user", "gridftp-volume", "jdoe"] {
            assert!(!document.contains(private), "{document}");
        }
    }
}

struct Run {
    status: Option<i32>,
    out: String,
    log: String,
}

/// Returns the program, about to load `g.log` of a directory.
fn loader(directory: &Path, url: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esmond-ps-load-gridftp"));
    for name in ["ESMOND_URL", "ESMOND_USER", "ESMOND_KEY", "ESMOND_KEY_FILE"] {
        command.env_remove(name);
    }
    command.env_remove("ESMOND_PS_ARCHIVE");
    command.env("ESMOND_PS_CONFIG", "/dev/null");
    command
        .args(["-P", "-f", "g.log", "-p", "state", "-U", url])
        .args(["--retries", "1", "-u", "perfsonar", "-k", "secret"])
        .args(more)
        .env("NO_PROXY", "*")
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn load(directory: &Path, url: &str, more: &[&str]) -> Run {
    let output = loader(directory, url, more).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (out, log) = (text(output.stdout), text(output.stderr));
    assert!(!log.contains("secret"), "{log}");
    Run {
        status: output.status.code(),
        out,
        log,
    }
}

/// A log of transfers of these sizes between addresses.
fn log_of(sizes: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let text = String::from_utf8(records(sizes)).expect("UTF-8");
    text.replace("HOST=dtn1.example.org", "HOST=198.51.100.10")
        .into_bytes()
}

fn place(log: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("g.log"), log).expect("a log");
    directory
}

fn sizes(input: &Input) -> Vec<u64> {
    let documents = input.documents();
    documents.iter().for_each(check);
    let size = |body: &Value| body["reference"]["gridftp-bytes-transferred"].as_u64();
    let mut sizes: Vec<_> = documents
        .iter()
        .map(|sent| size(&sent.body).expect("a size"))
        .collect();
    sizes.sort_unstable();
    sizes
}

const TO: [&str; 2] = ["--to", "logstash"];

#[test]
fn a_log_is_sent_once_and_then_what_is_new() {
    let input = Input::taking_all();
    let directory = place(&log_of(1..=40));
    let first = load(directory.path(), &input.url, &TO);
    assert_eq!(first.status, Some(0), "{}", first.log);
    assert!(
        first.log.contains("Loaded 40 records, 0 already there"),
        "{}",
        first.log
    );
    fs::write(directory.path().join("g.log"), log_of(1..=43)).expect("a log");
    let second = load(directory.path(), &input.url, &TO);
    assert!(second.log.contains("Loaded 3 records"), "{}", second.log);
    assert_eq!(input.sent().len(), 43);
    assert_eq!(sizes(&input), (1..=43).collect::<Vec<_>>());
    let sent = &input.sent()[0];
    assert_eq!(sent.observer(), "198.51.100.10");
}

#[test]
fn an_input_that_goes_away_gets_the_rest_from_the_next_run() {
    let directory = place(&log_of(1..=30));
    let down = Input::answering(|number| match number {
        0 => Reply::Refuse(429, "Retry-After: 0", "busy"),
        3 => Reply::Reset,
        1..=11 => Reply::Ok,
        _ => Reply::Refuse(503, "Retry-After: 0", "<p>Service Unavailable</p>"),
    });
    let first = load(
        directory.path(),
        &down.url,
        &["--to", "logstash", "--jobs", "1"],
    );
    assert_eq!(first.status, Some(1), "{}", first.log);
    assert!(
        first.log.contains("ResultPost failed, abort processing"),
        "{}",
        first.log
    );
    assert!(first.log.contains("Loaded 10 records"), "{}", first.log);
    let up = Input::taking_all();
    let second = load(directory.path(), &up.url, &TO);
    assert_eq!(second.status, Some(0), "{}", second.log);
    assert_eq!(sizes(&up), (11..=30).collect::<Vec<_>>());
}

#[test]
fn a_run_that_is_killed_may_send_a_transfer_again_and_forgets_none() {
    let (reached, here) = mpsc::channel();
    let (killed, wait) = mpsc::channel::<()>();
    let input = Input::answering(move |number| {
        if number == 10 {
            reached.send(()).expect("the test waits");
            // Taken, and no answer before the program is gone.
            wait.recv().ok();
        }
        Reply::Ok
    });
    let directory = place(&log_of(1..=30));
    let mut child = loader(
        directory.path(),
        &input.url,
        &["--to", "logstash", "--jobs", "1"],
    )
    .stderr(Stdio::null())
    .spawn()
    .expect("it runs");
    here.recv().expect("ten transfers come");
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    killed.send(()).expect("the input waits");
    let again = load(directory.path(), &input.url, &TO);
    assert_eq!(again.status, Some(0), "{}", again.log);
    // The same transfer is the same document, known by its id.
    assert_eq!(sizes(&input), (1..=30).collect::<Vec<_>>());
    assert!(input.sent().len() > 30, "the tenth came twice at least");
}

#[test]
fn a_transfer_that_is_refused_does_not_keep_the_others_out() {
    let directory = place(&log_of(1..=5));
    let input = Input::answering(|number| match number {
        2 => Reply::Refuse(413, "Content-Type: text/html", "<p>too large</p>"),
        _ => Reply::Ok,
    });
    let more = ["--to", "logstash", "--jobs", "1", "--rejects", "rejects"];
    let run = load(directory.path(), &input.url, &more);
    assert_eq!(run.status, Some(1), "{}", run.log);
    assert!(
        run.log
            .contains("Loaded 4 records, 0 already there, 0 skipped, 1 failed")
    );
    let rejects = fs::read(directory.path().join("rejects")).expect("rejects");
    assert_eq!(rejects, log_of([3]));
}

#[test]
fn a_wrong_password_ends_the_run_before_anything_is_lost() {
    let directory = place(&log_of(1..=5));
    let html = "<p>This server could not verify that you are authorized</p>";
    let input = Input::answering(move |_| Reply::Refuse(401, "Content-Type: text/html", html));
    let run = load(directory.path(), &input.url, &TO);
    assert_eq!(run.status, Some(1), "{}", run.log);
    for part in [
        "401 Unauthorized: This server could not verify",
        "proxy_auth.json",
    ] {
        assert!(run.log.contains(part), "{part}: {}", run.log);
    }
    let again = Input::taking_all();
    assert_eq!(load(directory.path(), &again.url, &TO).status, Some(0));
    assert_eq!(sizes(&again), [1, 2, 3, 4, 5]);
}

#[test]
fn a_dry_run_shows_the_documents_that_would_be_sent() {
    let input = Input::taking_all();
    let directory = place(&log_of(1..=3));
    let run = load(
        directory.path(),
        &input.url,
        &["--to", "logstash", "--dry-run"],
    );
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(input.sent().is_empty());
    let shown: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(load(directory.path(), &input.url, &TO).status, Some(0));
    assert_eq!(shown.len(), 3);
    for (shown, number) in shown.iter().zip(1..) {
        assert_eq!(
            (&shown["line"], &shown["observer"]),
            (&json!(number), &json!("198.51.100.10"))
        );
        let sent = input.sent();
        assert!(
            sent.iter().any(|sent| sent.body == shown["document"]),
            "{shown}"
        );
    }
}

#[test]
fn transfers_of_one_second_are_two_there_and_details_are_told_to_be_hidden() {
    // DIFFERENCE: in an esmond archive they are one point.
    let input = Input::taking_all();
    let twin = String::from_utf8(log_of([7])).expect("UTF-8");
    let twins = format!("{twin}{}", twin.replace("07.500000", "08.500000"));
    let directory = place(twins.as_bytes());
    let run = load(directory.path(), &input.url, &TO);
    assert!(!run.log.contains("cannot tell apart"), "{}", run.log);
    assert_eq!(sizes(&input), [7, 7]);
    let directory = place(&data("inputs/json-clean.log.gz"));
    let run = load(directory.path(), &input.url, &["--to", "logstash", "-J"]);
    let told = run.log.matches("archives have no iostat, mpstat").count();
    assert_eq!(told, 1, "{}", run.log);
}

#[test]
fn an_archive_without_write_api_is_told_and_what_to_do_instead() {
    let archive = read_only();
    let directory = place(&log_of(1..=5));
    let run = load(
        directory.path(),
        &archive.url,
        &["-s", "esmond", "--jobs", "1"],
    );
    assert_eq!(run.status, Some(1), "{}", run.log);
    for part in [
        "it seems to be a perfSONAR 5 archive, which has no write API",
        "hint: perfSONAR 5 archives take results through Logstash alone: try --to logstash \
         --url https://127.0.0.1/logstash",
    ] {
        assert!(run.log.contains(part), "{part}: {}", run.log);
    }
    assert_eq!(archive.sent().len(), 1);
}

#[test]
fn credentials_do_not_go_over_plain_http() {
    let directory = place(&log_of([1]));
    let run = load(directory.path(), "http://192.0.2.1/logstash", &TO);
    assert_eq!(run.status, Some(2), "{}", run.log);
    assert!(
        run.log
            .contains("without https anybody on the way could read them"),
        "{}",
        run.log
    );
}
