//! Removing what is old: by hand, and every day.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::data::Writer;
use crate::process::{Server, client, command, run};

const DAY: i64 = 86_400;

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// Policies that keep everything for so many days, but failures for ever.
fn policies(directory: &Path, days: i64) -> PathBuf {
    let policy = |event_type: &str, expire: String| {
        json!({"event_type": event_type, "summary_type": "*", "summary_window": "*",
               "expire": expire})
    };
    let file = directory.join("policies.json");
    let all = json!({"policies": [
        policy("*", days.to_string()), policy("failures", "never".to_owned())
    ]});
    std::fs::write(&file, all.to_string()).unwrap();
    file
}

/// An archive with points of today and of 400 and 2000 days ago.
async fn filled(data: &Path) -> String {
    let server = Server::start(data);
    let writer = Writer::new(data, &server);
    let key = writer.record("10.1.1.1").await;
    for days in [2000, 400, 0] {
        let start = now() - days * DAY - 7200;
        writer.write(&key, [start, start + 1, start + 2]).await;
    }
    assert!(server.signal("-TERM").0.success());
    key
}

fn shown(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_str(&shown(output)).unwrap()
}

async fn points(server: &Server, key: &str, event_type: &str) -> usize {
    let url = format!("{}{key}/{event_type}/base", server.url);
    let answer = client().get(url).send().await.unwrap();
    answer.json::<Vec<Value>>().await.unwrap().len()
}

#[tokio::test]
async fn what_a_dry_run_tells_is_what_a_run_removes() {
    // DIFFERENCE: the original has no dry runs.
    let data = tempfile::tempdir().unwrap();
    let key = filled(data.path()).await;
    let server = Server::start(data.path());
    let mut told = report(&run(data.path(), &["prune", "--dry-run", "--json"]));
    assert_eq!(points(&server, &key, "throughput").await, 9);
    let mut done = report(&run(data.path(), &["prune", "--json"]));
    assert_eq!(told["dry-run"], true);
    assert!(!done["removed"].as_array().unwrap().is_empty());
    for report in [&mut told, &mut done] {
        report["dry-run"] = Value::Null;
        report["now"] = Value::Null;
    }
    assert_eq!(told, done);
    for event_type in ["throughput", "failures", "histogram-rtt"] {
        assert_eq!(points(&server, &key, event_type).await, 3, "{event_type}");
    }
    // Daily averages are kept for five years.
    let url = format!("{}{key}/throughput/averages/86400", server.url);
    let days = client().get(url).send().await.unwrap();
    assert!(days.json::<Vec<Value>>().await.unwrap().len() >= 2);
    // Nothing is left to do, and nothing is damaged.
    let again = shown(&run(data.path(), &["prune"]));
    assert_eq!(
        again,
        "0 points, 0 summary buckets and 0 of 1 record removed\n"
    );
    assert!(run(data.path(), &["check"]).status.success());
}

#[tokio::test]
async fn policies_of_the_configuration_hold_for_prune_too() {
    let data = tempfile::tempdir().unwrap();
    let key = filled(data.path()).await;
    let file = policies(data.path(), 1000);
    let configuration = data.path().join("archive.toml");
    std::fs::write(
        &configuration,
        format!("retention = \"{}\"\n", file.display()),
    )
    .unwrap();
    let mut prune = command(data.path(), &["prune", "--config"]);
    let lines = shown(&prune.arg(&configuration).output().unwrap());
    assert!(lines.contains("throughput base: 3 points\n"), "{lines}");
    assert!(!lines.contains("failures"), "{lines}");
    assert!(lines.ends_with("0 of 1 record removed\n"), "{lines}");
    let server = Server::start(data.path());
    assert_eq!(points(&server, &key, "throughput").await, 6);
    assert_eq!(points(&server, &key, "failures").await, 9);
}

#[tokio::test]
async fn a_server_with_policies_prunes_and_stops_at_once() {
    let data = tempfile::tempdir().unwrap();
    let key = filled(data.path()).await;
    let file = policies(data.path(), 1000);
    let mut server = Server::start_with(data.path(), &["--retention", file.to_str().unwrap()]);
    let line = server.wait_for("retention: ");
    assert!(line.contains("0 of 1 record removed"), "{line}");
    assert_eq!(points(&server, &key, "throughput").await, 6);
    let (status, log) = server.signal("-TERM");
    assert!(status.success(), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn wrong_policies_are_refused_before_anything_happens() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("policies.json");
    std::fs::write(
        &file,
        "{\"policies\": [\n{\"event_type\": \"troughput\", \"summary_type\": \"*\", \
         \"summary_window\": \"*\", \"expire\": \"1\"}]}",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let data = directory.path().join("data");
    for arguments in [
        &["prune", "--retention", file][..],
        &["serve", "--listen", "127.0.0.1:0", "--retention", file],
    ] {
        let output = run(&data, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!data.exists());
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(
            notes.contains(file) && notes.contains("policy 1 (line 2)"),
            "{notes}"
        );
        assert!(notes.contains("did you mean throughput?"), "{notes}");
    }
}

#[test]
fn the_shipped_policies_can_be_printed_without_an_archive() {
    let data = tempfile::tempdir().unwrap();
    let printed = shown(&run(
        &data.path().join("none"),
        &["prune", "--print-policy"],
    ));
    let file = data.path().join("own.json");
    std::fs::write(&file, &printed).unwrap();
    assert!(printed.contains("\"365\""));
    // There is no archive to prune, and none is made.
    let output = run(
        &data.path().join("none"),
        &["prune", "--retention", file.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(1));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("there is no archive in"), "{notes}");
    assert!(!data.path().join("none").exists());
}
