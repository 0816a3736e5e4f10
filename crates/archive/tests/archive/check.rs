//! Looking for damage.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use esmond_ps_store::{NewPoint, Store, Value as Stored};
use esmond_ps_store_sqlite::SqliteStore;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::data::{START, Writer, change_points, fill};
use crate::process::{Server, run};

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn check(data: &Path) -> Output {
    run(data, &["check"])
}

/// What is changed behind the back of an archive.
#[derive(Debug)]
enum Damage {
    Sql(String),
    /// Points of the first record.
    Points(&'static str, fn(&mut Vec<(i64, Stored)>)),
}

fn damage(data: &Path, sql: &str) {
    let database = Connection::open(data.join("archive.sqlite")).unwrap();
    database.pragma_update(None, "foreign_keys", false).unwrap();
    assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
}

/// The event type of the first record, as SQL.
fn event_type(name: &str) -> String {
    format!("(SELECT min(id) FROM event_type WHERE name = '{name}')")
}

#[tokio::test]
async fn a_whole_archive_has_no_problems() {
    // DIFFERENCE: the original has no such command.
    let data = tempfile::tempdir().unwrap();
    fill(data.path(), 100).await;
    let output = check(data.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty());
    // 600 s apart: 17 hours, and one day, of throughput; 17 hours of the others.
    let expected = "2 records, 600 points, 104 windows of summaries: no problems";
    assert_eq!(lines(&output.stderr), [expected]);
}

#[tokio::test]
async fn planted_damage_is_found_and_nothing_is_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    let keys = fill(&whole, 12).await;
    let of = |name| format!("event_type = {}", event_type(name));
    let throughput = of("throughput");
    let at = format!("window_seconds = 3600 AND ts = {START}");
    let second = START + 3600;
    for (planted, expected) in [
        (
            Damage::Sql(format!(
                "UPDATE bucket SET state = 'i5/6' WHERE {throughput} AND {at}"
            )),
            format!(
                "throughput window 3600 at {START}: the summary is aggregation 5.0, average \
                 0.8333333333333334, its points add up to aggregation 4200"
            ),
        ),
        (
            Damage::Sql(format!(
                "DELETE FROM bucket WHERE {throughput} AND window_seconds = 3600 AND ts = {second}"
            )),
            format!("throughput window 3600 at {second}: the summary is missing"),
        ),
        (
            Damage::Sql(format!(
                "INSERT INTO bucket SELECT event_type, window_seconds, ts - 86400, state \
                 FROM bucket WHERE {throughput} AND {at}"
            )),
            format!(
                "throughput window 3600 at {}: the summary has no points",
                START - 86_400
            ),
        ),
        (
            Damage::Points("packet-loss-rate", |points| drop(points.remove(0))),
            format!("packet-loss-rate window 3600 at {START}: the summary is aggregation"),
        ),
        (
            Damage::Points("throughput", |points| points[0].1 = Stored::Float(3.5)),
            format!("throughput window 3600 at {START}: its points are of several data types"),
        ),
        (
            Damage::Sql(format!(
                "UPDATE bucket SET state = 'h{{\"1.51\":1}}' WHERE {} AND {at}",
                of("histogram-rtt")
            )),
            format!("histogram-rtt window 3600 at {START}: the summary is"),
        ),
        (
            Damage::Sql(
                "INSERT INTO block SELECT NULL, 999999, first, last, count, data \
                 FROM block LIMIT 1"
                    .to_owned(),
            ),
            "a row of block belongs to no event_type".to_owned(),
        ),
        (
            Damage::Sql(format!(
                "UPDATE block SET data = x'04003f00000000' WHERE {}",
                of("failures")
            )),
            "are damaged".to_owned(),
        ),
    ] {
        let data = directory.path().join("damaged");
        std::fs::create_dir(&data).unwrap();
        let file = data.join("archive.sqlite");
        std::fs::copy(whole.join("archive.sqlite"), &file).unwrap();
        match &planted {
            Damage::Sql(sql) => damage(&data, sql),
            Damage::Points(name, change) => {
                change_points(&data, &keys[0], name, change).await;
            }
        }
        for _ in 0..2 {
            let output = check(&data);
            assert_eq!(output.status.code(), Some(1), "{planted:?}");
            let problems = lines(&output.stdout);
            assert!(
                problems.iter().any(|line| line.contains(&expected)),
                "{planted:?}: {problems:?}"
            );
            let summary = lines(&output.stderr).pop().unwrap();
            let count = format!(": {} problem", problems.len());
            assert!(summary.contains(&count), "{summary}");
        }
        let answer = run(&data, &["check", "--json"]);
        assert_eq!(answer.status.code(), Some(1));
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let listed = answer["first-problems"].as_array().unwrap().len();
        assert_eq!(answer["problems"], listed, "{answer}");
        std::fs::remove_dir_all(&data).unwrap();
    }
    assert!(check(&whole).status.success());
}

#[tokio::test]
async fn an_archive_is_checked_while_hosts_write_to_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let writer = Writer::new(data.path(), &server);
    let key = writer.record("10.1.1.1").await;
    writer.write(&key, (0..50).map(|n| START + n * 600)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Into the same windows, again and again.
    let writing = tokio::spawn(async move {
        let mut second = 0;
        while !told.load(Ordering::Relaxed) {
            second += 1;
            let times = (0..50).map(|n| START + n * 600 + second % 600);
            if second < 600 {
                writer.write(&key, times).await;
            }
            tokio::task::yield_now().await;
        }
    });
    let path = data.path().to_owned();
    let checks =
        tokio::task::spawn_blocking(move || (0..5).map(|_| check(&path)).collect::<Vec<Output>>());
    let checks = checks.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    for output in checks {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[tokio::test]
async fn equal_problems_are_told_together_and_hide_no_other() {
    let data = tempfile::tempdir().unwrap();
    let keys = fill(data.path(), 60).await;
    let database = Connection::open(data.path().join("archive.sqlite")).unwrap();
    let throughput = format!("event_type = {}", event_type("throughput"));
    // Of ten hours only the first has a summary.
    let removed = format!("DELETE FROM bucket WHERE {throughput} AND ts > {START}");
    assert_eq!(database.execute(&removed, []).unwrap(), 9);
    let changed = format!(
        "UPDATE bucket SET state = 'i5/6' WHERE {throughput} AND window_seconds = 3600 \
         AND ts = {START}"
    );
    assert_eq!(database.execute(&changed, []).unwrap(), 1);
    drop(database);

    let key = keys.iter().min().unwrap();
    let output = check(data.path());
    assert_eq!(output.status.code(), Some(1));
    let problems = lines(&output.stdout);
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!(problems[0].contains("the summary is aggregation 5.0"));
    for (line, hour) in problems[1..4].iter().zip(1..) {
        let start = START + hour * 3600;
        let expected = format!("{key} throughput window 3600 at {start}: the summary is missing");
        assert_eq!(*line, expected);
    }
    let last = START + 9 * 3600;
    let expected =
        format!("{key} throughput window 3600, 6 more until {last}: the summary is missing");
    assert_eq!(problems[4], expected);
    let summary = lines(&output.stderr).pop().unwrap();
    assert!(
        summary.ends_with(": 10 problems (9 missing, 1 different)"),
        "{summary}"
    );

    let answer = run(data.path(), &["check", "--json"]);
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["problems"], 10);
    let kinds = json!({
        "damage": 0, "missing": 9, "without-points": 0, "different": 1, "mixed": 0,
    });
    assert_eq!(answer["kinds"], kinds);
    assert_eq!(answer["first-problems"], json!(problems));
}

#[tokio::test]
async fn summaries_that_the_policies_let_go_before_their_points_are_not_missed() {
    let data = tempfile::tempdir().unwrap();
    let keys = fill(data.path(), 60).await;
    let policy = |summary_type: &str, window: &str, expire: &str| {
        json!({"event_type": "*", "summary_type": summary_type, "summary_window": window,
               "expire": expire})
    };
    let policies = data.path().join("policies.json");
    let all = json!({"policies": [
        policy("*", "3600", "30"), policy("*", "*", "never"),
    ]});
    std::fs::write(&policies, all.to_string()).unwrap();
    let policies = policies.to_str().unwrap();
    let pruned = run(data.path(), &["prune", "--retention", policies]);
    assert!(pruned.status.success(), "{pruned:?}");
    assert!(check(data.path()).status.success());

    // A point that comes late brings its own summary back, and no other.
    let late = NewPoint {
        event_type: "throughput".to_owned(),
        ts: START + 1,
        value: Stored::Integer(1),
    };
    let store = SqliteStore::open(data.path()).await.unwrap();
    store.write(&keys[0], vec![late], START).await.unwrap();
    drop(store);
    let output = check(data.path());
    assert_eq!(output.status.code(), Some(1));
    let summary = lines(&output.stderr).pop().unwrap();
    assert!(summary.contains("(9 missing)"), "{summary}");
    let output = run(data.path(), &["check", "--retention", policies]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Policies that keep them do not excuse anything.
    std::fs::write(
        policies,
        json!({"policies": [policy("*", "*", "never")]}).to_string(),
    )
    .unwrap();
    let output = run(data.path(), &["check", "--retention", policies]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn there_must_be_an_archive_to_look_at() {
    let data = tempfile::tempdir().unwrap();
    for arguments in [
        &["check"][..],
        &["stats"],
        &["backup", "x"],
        &["export", "x"],
    ] {
        let output = run(data.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(notes.contains("there is no archive in"), "{notes}");
    }
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}
