//! Results of pScheduler that are sent to our archive as to one of perfSONAR 5,
//! read back by the programs.

use std::collections::BTreeMap;
use std::path::Path;

use esmond_ps_tests::elmond::{ROOT, Recordings, sent_results};
use esmond_ps_tests::pscheduler::{put, results};
use esmond_ps_tests::values::is_like;
use esmond_ps_tests::{TestArchive, http_client, run};
use serde_json::{Map, Value, json};

use crate::elmond::{lines, rows, seconds, start_of};
use crate::layout::columns;

fn archive_with_results() -> TestArchive {
    let archive = TestArchive::start();
    for sent in results() {
        assert_eq!(sent.put(&archive), 200, "{}", sent.name);
    }
    archive
}

const ALWAYS: [&str; 5] = ["-I", "-S", "2024-03-01", "-E", "2024-04-01"];

#[test]
fn values_of_results_are_read_back() {
    let archive = archive_with_results();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let arguments = ["-u", &archive.url, "-o", "jsonl", "-D", path];
    let run = run("esmond-ps-get-bulk", &[&arguments[..], &ALWAYS].concat());
    assert_eq!(run.status, Some(0), "{run:?}");
    let mut found: BTreeMap<(i64, String), Vec<Map<String, Value>>> = BTreeMap::new();
    for content in crate::bulk::files(Path::new(path)).values() {
        for row in lines(content) {
            let event_type = row["event_type"].as_str().expect("a text").to_owned();
            found
                .entry((seconds(&row), event_type))
                .or_default()
                .push(row);
        }
    }
    let mut wrong = Vec::new();
    for sent in results() {
        for (event_type, value) in &sent.values {
            let ours = found
                .remove(&(sent.ts, event_type.clone()))
                .unwrap_or_default();
            let wanted = columns(event_type, "base", value);
            let is_right = ours.len() == wanted.len()
                && ours.iter().zip(&wanted).all(|(row, wanted)| {
                    let wanted = wanted.as_object().expect("columns");
                    wanted
                        .iter()
                        .all(|(name, value)| is_like(value, &row[name]))
                });
            if !is_right {
                wrong.push(format!(
                    "{} {event_type}: {ours:?} for {wanted:?}",
                    sent.name
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} values:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(found.is_empty(), "nobody sent {:?}", found.keys());
}

#[test]
fn metadata_of_results_are_read_back() {
    let archive = archive_with_results();
    let arguments = ["-u", &archive.url, "-M", "-o", "jsonl"];
    let run = run(
        "esmond-ps-get-metadata",
        &[&arguments[..], &ALWAYS].concat(),
    );
    let rows = rows(&run);
    for sent in results() {
        let has = |row: &Map<String, Value>, name: &str, value: &Value| {
            let held = row.get(name).or_else(|| row.get(&name.replace('-', "_")));
            held.is_some_and(|held| is_like(value, held))
        };
        let mut lacking: Vec<Vec<&String>> = rows
            .iter()
            .map(|row| {
                let lacks = |(name, value): &(&String, &Value)| !has(row, name, value);
                sent.metadata
                    .iter()
                    .filter(lacks)
                    .map(|(name, _)| name)
                    .collect()
            })
            .collect();
        lacking.sort_by_key(Vec::len);
        let nearest = lacking.first().expect("a test");
        assert!(
            nearest.is_empty(),
            "{} lacks {nearest:?} in\n{}",
            sent.name,
            start_of(&run)
        );
    }
}

#[test]
fn the_same_results_twice_change_nothing() {
    let archive = archive_with_results();
    let arguments = ["-u", &archive.url, "-M", "-o", "jsonl"];
    let list = || {
        run(
            "esmond-ps-get-metadata",
            &[&arguments[..], &ALWAYS].concat(),
        )
    };
    let before = rows(&list()).len();
    for sent in results() {
        assert_eq!(sent.put(&archive), 200, "{}", sent.name);
    }
    assert_eq!(rows(&list()).len(), before);
}

/// All points of an archive, by event type and time.
fn all_points(archive: &TestArchive) -> BTreeMap<(String, i64), Vec<Value>> {
    let get = |path: &str| -> Vec<Value> {
        let url = format!("{}{path}", archive.url);
        let answer = http_client().get(url).send().expect("an answer");
        answer.json().expect("a list")
    };
    let mut points: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for test in get(ROOT) {
        for entry in test["event-types"].as_array().expect("a list") {
            let event_type = entry["event-type"].as_str().expect("a name");
            for point in get(entry["base-uri"].as_str().expect("an address")) {
                let id = (event_type.to_owned(), point["ts"].as_i64().expect("a time"));
                points.entry(id).or_default().push(point["val"].clone());
            }
        }
    }
    points
}

/// A value of Elmond as a classic archive answers it.
fn classic(event_type: &str, value: &Value) -> Value {
    match event_type {
        "throughput" => json!(value.as_f64().map(f64::trunc)),
        "pscheduler-run-href" => json!({"href": value}),
        "histogram-ttl" | "histogram-owdelay" => with_numbers_for_names(value),
        _ => value.clone(),
    }
}

/// A histogram whose buckets are spelt in one way.
fn with_numbers_for_names(histogram: &Value) -> Value {
    let buckets = histogram.as_object().expect("a histogram");
    let spelt = buckets.iter().map(|(bucket, count)| {
        let bucket: f64 = bucket.parse().expect("a number");
        (bucket.to_string(), count.clone())
    });
    Value::Object(spelt.collect())
}

#[test]
fn our_archive_answers_what_elmond_answered_for_the_same_results() {
    let archive = TestArchive::start();
    for sent in sent_results() {
        assert_eq!(
            put(&archive, &sent.observer, &sent.document),
            200,
            "{sent:?}"
        );
    }
    let ours = all_points(&archive);
    let mut compared = 0;
    let mut missing = Vec::new();
    for recorded in Recordings::load()
        .iter()
        .filter(|recorded| recorded.is_plain())
    {
        let (asked, reply) = (recorded.asked(), recorded.reply());
        let series = asked
            .path
            .strip_prefix(ROOT)
            .and_then(|rest| rest.split_once('/'));
        let event_type = series.and_then(|(_, series)| series.strip_suffix("/base/0"));
        let Some(event_type) = event_type.filter(|_| asked.method == "GET" && reply.status == 200)
        else {
            continue;
        };
        // Of these, Elmond has less than it was sent, or (dns) other units.
        let is_lost = ["throughput-subintervals", "streams-throughput"].contains(&event_type)
            || event_type == "streams-throughput-subintervals"
            || recorded.name.starts_with("not listed")
            || recorded.file == "data-dns";
        let points: Vec<Value> = serde_json::from_str(&reply.body).expect("points");
        for point in points.iter().filter(|_| !is_lost) {
            compared += 1;
            let wanted = classic(event_type, &point["val"]);
            let ts = point["ts"].as_i64().expect("a time");
            let held = ours.get(&(event_type.to_owned(), ts));
            let has = |held: &Value| match event_type {
                "histogram-ttl" | "histogram-owdelay" => {
                    is_like(&wanted, &with_numbers_for_names(held))
                }
                _ => is_like(&wanted, held),
            };
            if !held.is_some_and(|held| held.iter().any(has)) {
                missing.push(format!("{event_type} at {ts}: {wanted} is not in {held:?}"));
            }
        }
    }
    assert!(compared > 150, "{compared} values were compared");
    assert!(
        missing.is_empty(),
        "{} of {compared}:\n{}",
        missing.len(),
        missing.join("\n")
    );
}
