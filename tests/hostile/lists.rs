//! Pages that follow on pages without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use esmond_ps_tests::http::{Reply, Served};
use serde_json::{Value, json};

use crate::runs::{ASKERS, CHECK, DATA_READERS, READERS, ROOT, attack, each, test};

/// Answers every page of the list with tests that were not there before.
fn ever_new() -> Served {
    let next = Arc::new(AtomicU64::new(0));
    Served::start(move |_, _| {
        let first = next.fetch_add(100_000, Ordering::Relaxed);
        let keys = first..first + 100_000;
        let mut page = String::from("[{\"metadata-key\":\"first of all\"}");
        for key in keys {
            page.push_str(&format!(",{{\"metadata-key\":\"{key}\"}}"));
        }
        page.push(']');
        Reply::new(200, "application/json", page)
    })
}

#[test]
fn a_list_of_ever_new_tests_ends() {
    // What was found until then is printed, and the rest is said to be missing.
    each([READERS[0], READERS[2], READERS[3], CHECK], |program| {
        let served = ever_new();
        let more: &[&str] = match program {
            CHECK => &[],
            _ => &["-o", "csv"],
        };
        let attacked = attack(program, &served.url, more);
        let status = if program == READERS[0] { 3 } else { 1 };
        attacked.assert_clear(status, &["have no end", "more than 1000000 tests"]);
        assert_eq!(served.asked().len(), 10);
    });
}

#[test]
fn a_list_that_promises_more_for_ever_ends() {
    let classic = test("0a");
    // Their keys are longer.
    let perfsonar_5 = test(&"0a".repeat(32));
    for mut first in [classic, perfsonar_5] {
        first["metadata-count-total"] = json!(1_000_000_000_000_u64);
        each([READERS[0], READERS[1]], |program| {
            let page = Reply::json(&json!([first]));
            let served = Served::start(move |_, _| page.clone());
            let attacked = attack(program, &served.url, &["-o", "json"]);
            attacked.assert_clear(3, &["have no end", "more than 1000 of them"]);
            let rows: Value = serde_json::from_str(&attacked.run.stdout).expect("JSON");
            assert_eq!(rows.as_array().map(Vec::len), Some(1));
        });
    }
}

#[test]
fn data_that_never_gets_anywhere_ends() {
    each(ASKERS, |program| {
        // As many as were asked for, and all of them in one second.
        let served = Served::start(|asked, _| {
            if asked.path != ROOT {
                let limit = usize::try_from(asked.number("limit").expect("a limit"));
                let points = "{\"ts\":1500000000},".repeat(limit.expect("a number") - 1);
                let page = format!("[{points}{{\"ts\":1500000000}}]");
                return Reply::new(200, "application/json", page);
            }
            let is_first = asked.number("offset").is_none();
            Reply::json(&if is_first {
                json!([test("0a")])
            } else {
                json!([])
            })
        });
        let attacked = attack(program, &served.url, &[]);
        attacked.assert_clear(1, &["0a", "holds more than 1000000 points"]);
        assert!(served.asked().len() < 20);
    });
}

#[test]
fn the_same_page_again_and_again_is_read_once() {
    each(DATA_READERS, |program| {
        let served = Served::start(|asked, _| {
            if asked.path != ROOT {
                let points = (0..1000).map(|n| json!({"ts": 1_500_000_000 + n, "val": n}));
                return Reply::json(&points.collect());
            }
            let is_first = asked.number("offset").is_none();
            Reply::json(&if is_first {
                json!([test("0a")])
            } else {
                json!([])
            })
        });
        let attacked = attack(program, &served.url, &["-o", "jsonl"]);
        assert_eq!(attacked.run.status, Some(0), "{program}");
        if program == DATA_READERS[0] {
            assert_eq!(attacked.run.stdout.lines().count(), 1000);
        }
        assert!(served.asked().len() < 10);
    });
}

#[test]
fn pages_that_are_too_large_are_asked_for_in_parts() {
    // DIFFERENCE: the original library takes whatever comes.
    // Values of 300 kB: a page of all is too large, one of a hundred is not.
    let point = format!(",\"val\":{{\"error\":\"{}\"}}}}", "x".repeat(300_000));
    let served = Served::start(move |asked, _| {
        if asked.path != ROOT {
            let start = asked.number("time-start").unwrap_or(0);
            let limit = asked.number("limit").expect("a limit");
            let points = (1_500_000_000..1_500_000_300)
                .filter(|ts| *ts >= start)
                .take(usize::try_from(limit).expect("a number"))
                .map(|ts| format!("{{\"ts\":{ts}{point}"));
            let page = format!("[{}]", points.collect::<Vec<_>>().join(","));
            return Reply::new(200, "application/json", page);
        }
        let mut test = test("0a");
        test["event-types"][0]["event-type"] = json!("failures");
        Reply::json(&if asked.number("offset").is_none() {
            json!([test])
        } else {
            json!([])
        })
    });
    let attacked = attack(DATA_READERS[1], &served.url, &["-e", "failures"]);
    assert_eq!(attacked.run.status, Some(0), "{}", attacked.run.stderr);
    let out = attacked.directory.path().join("out");
    let files = crate::runs::names(&out);
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(out.join(&files[0])).expect("a file");
    assert_eq!(text.lines().count(), 300);
}
