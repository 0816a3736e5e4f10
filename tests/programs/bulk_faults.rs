//! `esmond-ps-get-bulk` and archives that do not make it easy: every point
//! arrives once, or the series is reported and has no file.

use std::collections::BTreeMap;
use std::path::Path;

use esmond_ps_tests::{Run, run};
use serde_json::{Value, json};

use crate::bulk::files;
use crate::served::{Asked, ROOT, Reply, Served, data_requests, page, test};

const START: i64 = 1_400_000_000;

fn bulk(url: &str, directory: &Path, more: &[&str]) -> Run {
    let directory = directory.to_str().expect("a UTF-8 path");
    let mut arguments = vec![
        "-u",
        url,
        "-I",
        "-S",
        "1399999999",
        "-E",
        "1400999999",
        "-o",
        "jsonl",
        "-D",
        directory,
    ];
    arguments.extend(more);
    run("esmond-ps-get-bulk", &arguments)
}

/// Times and values of the one file that is there.
fn points(directory: &Path) -> Vec<(String, Value)> {
    let files = files(directory);
    assert_eq!(files.len(), 1, "{:?}", files.keys());
    let rows = files.values().flat_map(|text| text.lines());
    rows.map(|row| {
        let row: BTreeMap<String, Value> = serde_json::from_str(row).expect("a row");
        (row["timestamp"].to_string(), row["value"].clone())
    })
    .collect()
}

fn values(points: &[(String, Value)]) -> Vec<i64> {
    points
        .iter()
        .map(|(_, value)| value.as_i64().expect("an integer"))
        .collect()
}

/// Serves one test, and its data by a function.
fn one_test(
    base: &'static str,
    data: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
) -> Served {
    Served::start(move |asked, before| {
        if asked.path == ROOT {
            let is_first = asked.number("offset").is_none();
            let tests = [test("aa", "10.0.0.2", "throughput", base)];
            return Reply::json(&if is_first { json!(tests) } else { json!([]) });
        }
        data(asked, before)
    })
}

#[test]
fn runs_without_a_value_hide_nothing() {
    // One run a minute; of five in a row four have no value, and a whole day has none.
    let runs: Vec<(i64, Value)> = (0..8_000)
        .map(|n| {
            let is_failed = n % 5 != 0 || (2_000..3_440).contains(&n);
            let value = if is_failed { Value::Null } else { json!(n) };
            (START + n * 60, value)
        })
        .collect();
    let expected: Vec<i64> = runs
        .iter()
        .filter_map(|(_, value)| value.as_i64())
        .collect();
    let served = one_test("base/0", move |asked, _| Reply::json(&page(&runs, asked)));
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &[]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(values(&points(directory.path())), expected);
    let requests = data_requests(&served);
    assert!(requests < 40, "{requests} requests");
}

#[test]
fn points_that_share_a_second_arrive_all_and_once() {
    // Three points a second, and pages that end between them.
    let runs: Vec<(i64, Value)> = (0..3_000).map(|n| (START + n / 3, json!(n))).collect();
    let served = one_test("base/0", move |asked, _| Reply::json(&page(&runs, asked)));
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &["--page-size", "100"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(
        values(&points(directory.path())),
        (0..3_000).collect::<Vec<_>>()
    );
}

#[test]
fn short_pages_and_points_outside_the_range_are_no_end() {
    let runs: Vec<(i64, Value)> = (0..500).map(|n| (START + n, json!(n))).collect();
    let served = one_test("base", move |asked, _| {
        // At most seven at a time, whatever is asked for, and one from before.
        let Value::Array(mut page) = page(&runs, asked) else {
            panic!("a page is a list");
        };
        page.truncate(7);
        page.push(json!({"ts": START - 500, "val": -1}));
        Reply::json(&page.into())
    });
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &["-S", "1400000000"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(
        values(&points(directory.path())),
        (0..500).collect::<Vec<_>>()
    );
}

#[test]
fn what_passes_is_tried_again_and_counted() {
    let runs: Vec<(i64, Value)> = (0..100).map(|n| (START + n, json!(n))).collect();
    let served = one_test("base", move |asked, before| {
        let reply = Reply::json(&page(&runs, asked));
        let second = asked.number("time-start") == Some(START + 9);
        match before {
            0 => Reply::status(429).retry_at_once(),
            1 if second => reply.cut(),
            2 if second => Reply::status(503).retry_at_once(),
            _ => reply,
        }
    });
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report.json");
    let run = bulk(
        &served.url,
        directory.path(),
        &[
            "--page-size",
            "10",
            "--report",
            report.to_str().expect("UTF-8"),
        ],
    );
    assert_eq!(run.status, Some(0), "{run:?}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    std::fs::remove_file(directory.path().join("report.json")).expect("it is there");
    assert_eq!(
        values(&points(directory.path())),
        (0..100).collect::<Vec<_>>()
    );
    let requests = data_requests(&served);
    let series = &report["series"][0];
    assert_eq!(series["requests"], requests);
    assert_eq!(series["points"], 100);
    assert_eq!(
        (&series["first"], &series["last"]),
        (&json!(START), &json!(START + 99))
    );
    assert_eq!(report["ending"], "done");
    // Twelve pages, the last of them without news; each twice, one four times.
    assert_eq!(requests, 12 * 2 + 2);
}

#[test]
fn a_series_that_fails_on_the_way_is_reported_and_has_no_file() {
    // DIFFERENCE: the original leaves a part of it.
    let runs: Vec<(i64, Value)> = (0..100).map(|n| (START + n, json!(n))).collect();
    let served = Served::start(move |asked, _| {
        if asked.path == ROOT {
            let is_first = asked.number("offset").is_none();
            let tests = ["2", "3", "4"].map(|n| {
                test(
                    &format!("aa{n}"),
                    &format!("10.0.0.{n}"),
                    "throughput",
                    "base",
                )
            });
            return Reply::json(&if is_first { json!(tests) } else { json!([]) });
        }
        let is_later = asked.number("time-start") > Some(START + 30);
        if asked.path.contains("aa3") && is_later {
            return Reply::status(500);
        }
        Reply::json(&page(&runs, asked))
    });
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(
        &served.url,
        directory.path(),
        &["--page-size", "10", "--quiet"],
    );
    assert_eq!(run.status, Some(3), "{run:?}");
    let written = files(directory.path());
    assert_eq!(written.len(), 2);
    assert!(written.values().all(|text| text.lines().count() == 100));
    assert!(!written.keys().any(|name| name.contains("10.0.0.3")));
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    for part in ["10.0.0.3", "(aa3)", "500", "not now"] {
        assert!(run.stderr.contains(part), "{run:?}");
    }
    assert_eq!(left_over(directory.path()), 0);
}

/// How many unfinished files there are.
fn left_over(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            let name = name.to_string_lossy();
            name.ends_with(".part") || name.ends_with(".ready")
        })
        .count()
}

#[test]
fn a_run_that_gets_nothing_fails() {
    let served = one_test("base", |_, _| Reply::status(500));
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &[]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("none of 1 series could be read"),
        "{run:?}"
    );
    assert!(files(directory.path()).is_empty());
}

#[test]
fn a_list_of_tests_that_breaks_off_is_said_so() {
    let served = Served::start(
        |asked, _| match (asked.path.as_str(), asked.number("offset")) {
            (ROOT, None) => Reply::json(&json!([test("aa", "10.0.0.2", "throughput", "base")])),
            (ROOT, Some(_)) => Reply::status(500),
            _ => Reply::json(&json!([{"ts": START, "val": 1}])),
        },
    );
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &[]);
    assert_eq!(run.status, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("the list of tests is incomplete"),
        "{run:?}"
    );
    assert_eq!(files(directory.path()).len(), 1);
}

#[test]
fn no_more_series_are_at_work_than_was_said() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    // Three at a time meet at the barrier; a fourth would show.
    let meeting = Arc::new(Barrier::new(3));
    let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let served = Served::start(move |asked, _| {
        if asked.path == ROOT {
            let is_first = asked.number("offset").is_none();
            let tests: Vec<Value> = (0..9)
                .map(|n| {
                    test(
                        &format!("aa{n}"),
                        &format!("10.0.0.{n}"),
                        "throughput",
                        "base",
                    )
                })
                .collect();
            return Reply::json(&if is_first { json!(tests) } else { json!([]) });
        }
        seen.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        meeting.wait();
        at_work.fetch_sub(1, Ordering::SeqCst);
        Reply::json(&json!([]))
    });
    let directory = tempfile::tempdir().expect("a directory");
    let run = bulk(&served.url, directory.path(), &["--jobs", "3"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert!(
        run.stderr
            .contains("9 series: 0 files, 9 without data, 0 failed"),
        "{run:?}"
    );
}

#[test]
fn hostile_names_stay_in_the_directory_and_off_the_terminal() {
    let served = Served::start(|asked, _| {
        if asked.path != ROOT {
            return Reply::json(&json!([{"ts": START, "val": 1}]));
        }
        if asked.number("offset").is_some() {
            return Reply::json(&json!([]));
        }
        let mut one = test("../../k\u{1b}[2J", "/etc/passwd", "../x", "base");
        one["event-types"][0]["base-uri"] = json!("/a/base");
        one["source"] = json!("../../../tmp/\u{1b}]0;x\u{7}");
        Reply::json(&json!([one]))
    });
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("out");
    std::fs::create_dir(&out).expect("a directory");
    let run = bulk(&served.url, &out, &[]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(files(&out).len(), 1);
    let beside = std::fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(beside.count(), 1, "nothing beside `out`");
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}
