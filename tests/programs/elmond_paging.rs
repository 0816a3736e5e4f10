//! Whole series and whole lists of perfSONAR 5 archives, whatever the pages
//! hold: each point and each test exactly once.

use std::collections::BTreeSet;

use esmond_ps_tests::elmond::{Holdings, MockElmond, ROOT, Run, Test};
use esmond_ps_tests::http_client;
use serde_json::{Value, json};

use crate::elmond::{
    ONE, START, ask, ask_between, bulk, bulk_between, delivers_exactly, delivers_exactly_between,
    histogram, lines, one_latency_test, points, rows, start_of,
};

const OWDELAY: &str = "histogram-owdelay";

fn delays(number: i64, ts: i64) -> Run {
    Run::of(ts, OWDELAY, histogram(number))
}

/// How many elements the archive answers, asked directly.
fn length(mock: &MockElmond, path: &str) -> usize {
    let answer = http_client().get(format!("{}{path}", mock.url)).send();
    let list: Vec<Value> = answer.expect("an answer").json().expect("a list");
    list.len()
}

#[test]
fn runs_without_a_value_do_not_end_a_series() {
    // The original library got 995 of these: its first page is a short one.
    let run = |number: i64| {
        let ts = START + 60 * number;
        if number % 200 == 7 {
            Run::empty(ts)
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..2600).map(run).collect());
    assert_eq!(test.points(OWDELAY).len(), 2587);
    let first_page = format!("{ROOT}{}/{OWDELAY}/base/0?limit=1000", test.key);
    assert_eq!(length(&mock, &first_page), 995);
    delivers_exactly(&mock, &test, OWDELAY);
}

#[test]
fn an_outage_of_a_day_does_not_end_a_series() {
    let run = |number: i64| {
        let ts = START + 60 * number;
        if (1200..2700).contains(&number) {
            Run::empty(ts)
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..4000).map(run).collect());
    delivers_exactly(&mock, &test, OWDELAY);
}

#[test]
fn a_series_may_begin_with_an_outage() {
    let run = |number: i64| {
        let ts = START + 60 * number;
        if number < 3500 {
            Run::empty(ts)
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..3600).map(run).collect());
    delivers_exactly(&mock, &test, OWDELAY);
}

#[test]
fn runs_that_share_a_second_are_all_delivered() {
    // Pairs that a page of 1000 cuts in two, and a second of seven runs.
    let mut runs = vec![delays(0, START)];
    runs.extend((1..2593).map(|number| delays(number, START + 60 * ((number + 1) / 2))));
    runs.extend((0..7).map(|number| delays(number, START + 60 * 500)));
    let (mock, test) = one_latency_test(runs);
    assert_eq!(test.points(OWDELAY).len(), 2600);
    delivers_exactly(&mock, &test, OWDELAY);
}

#[test]
fn a_second_with_more_runs_than_a_page_is_delivered() {
    let mut runs: Vec<Run> = (0..1500).map(|number| delays(number, START + 60)).collect();
    runs.extend([delays(1, START), delays(2, START + 120)]);
    let (mock, test) = one_latency_test(runs);
    delivers_exactly(&mock, &test, OWDELAY);
}

/// A run every five seconds: a day holds 17280 of them. Some have no value, 12000
/// in a row among them.
fn dense() -> Vec<Run> {
    let run = |number: i64| {
        let ts = START + 5 * number;
        if number % 150 == 1 || (8000..20_000).contains(&number) {
            Run::empty(ts)
        } else {
            Run::of(ts, "packet-count-sent", json!(number))
        }
    };
    (0..26_000).map(run).collect()
}

#[test]
fn days_of_more_than_10000_runs_are_delivered() {
    let (mock, test) = one_latency_test(dense());
    let between = (
        &*(START - 86_400).to_string(),
        &*(START + 3 * 86_400).to_string(),
    );
    delivers_exactly_between(&mock, &test, between, "packet-count-sent");
}

#[test]
fn days_of_more_than_10000_runs_are_delivered_within_a_long_time() {
    let (mock, test) = one_latency_test(dense());
    delivers_exactly(&mock, &test, "packet-count-sent");
}

#[test]
fn runs_that_failed_are_delivered_as_failures_and_hide_nothing() {
    let run = |number: i64| {
        let ts = START + 60 * number;
        if number % 3 == 0 {
            Run::failed(ts, &format!("no {number}"))
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..3300).map(run).collect());
    delivers_exactly(&mock, &test, OWDELAY);
    let failures = ask(
        "esmond-ps-get",
        &mock,
        &[&ONE[..], &["-e", "failures"]].concat(),
    );
    let failures = rows(&failures);
    assert_eq!(failures.len(), 1100);
    let told = failures.iter().enumerate();
    assert!(
        told.clone()
            .all(|(index, row)| row["msg"] == format!("no {}", 3 * index))
    );
}

#[test]
fn pages_of_any_size_hold_everything() {
    // Seconds of up to nine runs, and gaps.
    let run = |number: i64| {
        let ts = START + 60 * (number - number % 9 + number % 2);
        if number % 5 < 2 {
            Run::empty(ts)
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..400).map(run).collect());
    let truth = test.points(OWDELAY);
    for size in ["1", "7", "9", "10000"] {
        let arguments = ["-e", OWDELAY, "-o", "jsonl", "--page-size", size];
        let (run, files) = bulk(&mock, &arguments);
        assert_eq!(run.status, Some(0), "{size} {run:?}");
        let file = files.values().next().expect("a file");
        assert_eq!(points(&lines(file)), truth, "{size}");
    }
}

#[test]
fn increments_hold_each_run_once() {
    let run = |number: i64| {
        let ts = START + 60 * (number / 2);
        if number % 4 == 1 || (900..1500).contains(&number) {
            Run::empty(ts)
        } else {
            delays(number, ts)
        }
    };
    let (mock, test) = one_latency_test((0..3000).map(run).collect());
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let state = state.to_str().expect("a UTF-8 path");
    let mut got: Vec<(i64, Value)> = Vec::new();
    // Ends between two runs, amid an outage, at a run, and after all of them.
    for minutes in [400, 600, 1100, 2000] {
        let between = (&*START.to_string(), &*(START + 60 * minutes).to_string());
        let arguments = [
            "-e",
            OWDELAY,
            "-o",
            "jsonl",
            "--state",
            state,
            "--since-last",
        ];
        let (run, files) = bulk_between(&mock, between, &arguments);
        assert_eq!(run.status, Some(0), "{run:?}");
        got.extend(files.values().flat_map(|file| points(&lines(file))));
    }
    assert!(got == test.points(OWDELAY), "{} points", got.len());
}

/// Sums of an hour, as the archive computes them.
fn hourly_sums(test: &Test) -> Vec<(i64, Value)> {
    let mut sums: Vec<(i64, f64)> = Vec::new();
    for (ts, value) in test.points("packet-count-sent") {
        let hour = ts - ts % 3600;
        let value = value.as_f64().expect("a number");
        match sums.last_mut() {
            Some((known, sum)) if *known == hour => *sum += value,
            _ => sums.push((hour, value)),
        }
    }
    sums.into_iter().map(|(ts, sum)| (ts, json!(sum))).collect()
}

#[test]
fn a_long_summary_has_each_window_once() {
    let run = |number: i64| {
        Run::of(
            START + 1800 * number,
            "packet-count-sent",
            json!(600 + number % 7),
        )
    };
    // START lies 20 minutes into an hour.
    let (mock, test) = one_latency_test((0..2600).map(run).collect());
    let truth = hourly_sums(&test);
    assert_eq!(truth.len(), 1300);
    let summary = ["-e", "packet-count-sent", "-T", "aggregation", "-W", "3600"];
    let run = ask("esmond-ps-get", &mock, &[&ONE[..], &summary].concat());
    assert_eq!(points(&rows(&run)), truth);
    let (run, files) = bulk(&mock, &[&summary[..], &["-o", "jsonl"]].concat());
    assert_eq!(run.status, Some(0), "{run:?}");
    let file = files.values().next().expect("a file");
    assert_eq!(points(&lines(file)), truth);
}

#[test]
fn no_window_is_summed_up_by_half() {
    let run = |number: i64| Run::of(START + 60 * number, "packet-count-sent", json!(600));
    let (mock, test) = one_latency_test((0..1440).map(run).collect());
    // From the middle of an hour to the middle of another one.
    let (from, to) = (START + 5 * 3600 + 600, START + 9 * 3600 + 600);
    let between = (&*from.to_string(), &*to.to_string());
    let summary = ["-e", "packet-count-sent", "-T", "aggregation", "-W", "3600"];
    let run = ask_between(
        "esmond-ps-get",
        &mock,
        between,
        &[&ONE[..], &summary].concat(),
    );
    let mut truth = hourly_sums(&test);
    truth.retain(|(ts, _)| (from..=to).contains(ts));
    assert_eq!(truth.len(), 4);
    assert_eq!(points(&rows(&run)), truth);
}

fn host(number: u64) -> String {
    format!("10.1.{}.{}", number / 250, number % 250 + 1)
}

/// A test with one run and one event type.
fn traced(number: u64, ts: i64) -> Test {
    let mut test = Test::new(number, "trace", &host(number), "10.0.0.2").runs([Run::empty(ts)]);
    test.event_types
        .retain(|event_type| event_type == "packet-trace");
    test
}

/// Tests that ran one after the other, the first of them last.
fn tests(count: u64, is_dropped: impl Fn(u64) -> bool) -> Vec<Test> {
    let test = |number: u64| {
        let ts = START + i64::try_from(count - number).expect("a small number");
        let test = traced(number, ts);
        if is_dropped(number) {
            test.dropped()
        } else {
            test
        }
    };
    (0..count).map(test).collect()
}

/// Asserts that each program that lists tests lists these, each of them once,
/// and others at most once.
fn lists_each_once(holdings: impl Fn() -> Holdings) {
    let wanted: BTreeSet<String> = holdings()
        .tests
        .iter()
        .filter(|test| !test.is_dropped)
        .map(|test| test.fields["source"].as_str().expect("a text").to_owned())
        .collect();
    for program in ["esmond-ps-get-endpoints", "esmond-ps-get-metadata"] {
        let mock = MockElmond::model(holdings());
        let run = ask(program, &mock, &["-o", "jsonl"]);
        let rows = rows(&run);
        let source = |row: &serde_json::Map<_, Value>| row["source"].as_str().map(str::to_owned);
        let listed: Vec<String> = rows.iter().filter_map(source).collect();
        let once: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!(once.len(), listed.len(), "{program}: each once");
        let missing: Vec<_> = wanted.difference(&once).collect();
        assert!(
            missing.is_empty(),
            "{program}: {missing:?} of {}",
            wanted.len()
        );
    }
    let mock = MockElmond::model(holdings());
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let plan = ["-e", "packet-trace", "-o", "jsonl", "--dry-run", "-D", path];
    let run = ask("esmond-ps-get-bulk", &mock, &plan);
    assert_eq!(run.status, Some(0), "{}", start_of(&run));
    for source in &wanted {
        let named = format!("{source}_10.0.0.2_packet-trace");
        let named = run.stdout.lines().filter(|line| line.contains(&named));
        assert_eq!(named.count(), 1, "{source} in the plan of a bulk run");
    }
}

#[test]
fn tests_that_the_archive_drops_do_not_end_the_list() {
    let mock = MockElmond::model(Holdings::new(tests(1117, |number| number % 340 == 4)));
    assert_eq!(length(&mock, ROOT), 997);
    lists_each_once(|| Holdings::new(tests(1117, |number| number % 340 == 4)));
}

#[test]
fn a_page_of_which_everything_was_dropped_does_not_end_the_list() {
    lists_each_once(|| Holdings::new(tests(2150, |number| (900..2100).contains(&number))));
}

#[test]
fn dropped_tests_do_not_hide_the_kind_of_the_archive() {
    // The tests of a busy host ran last, and are all dropped.
    let mock = MockElmond::model(Holdings::new(tests(150, |number| number < 120)));
    let run = ask(
        "esmond-ps-get-metadata",
        &mock,
        &["-o", "jsonl", "-F", "pscheduler-test-type:trace"],
    );
    assert_eq!(rows(&run).len(), 30, "{}", start_of(&run));
    let filter = ["-o", "jsonl", "-F", "time-duration:60"];
    let run = ask("esmond-ps-get-metadata", &mock, &filter);
    assert_eq!(rows(&run).len(), 30, "{}", start_of(&run));
}

#[test]
fn tests_that_appear_while_the_list_is_read_push_nothing_out() {
    lists_each_once(|| {
        let mut number = 5000;
        Holdings::new(tests(1117, |number| number % 340 == 4)).after_each_list(move |tests| {
            number += 1;
            let ts = START + i64::try_from(number).expect("a small number");
            tests.push(traced(number, ts));
        })
    });
}

#[test]
fn tests_that_run_again_while_the_list_is_read_are_not_missed() {
    lists_each_once(|| {
        let mut times = 0;
        Holdings::new(tests(1117, |_| false)).after_each_list(move |tests| {
            times += 1;
            let last = tests
                .iter_mut()
                .min_by_key(|test| test.runs.last().map(|run| run.ts));
            last.expect("a test")
                .runs
                .push(Run::empty(START + 9000 + times));
        })
    });
}

#[test]
fn a_list_is_read_by_what_was_asked_for() {
    let mock = MockElmond::model(Holdings::new(tests(1117, |number| number < 3)));
    let run = ask("esmond-ps-get-endpoints", &mock, &["-o", "jsonl"]);
    assert_eq!(rows(&run).len(), 1114);
    for asked in mock.asked().iter().filter(|asked| asked.path == ROOT) {
        let limit = asked.number("limit").expect("a limit");
        let offset = asked.number("offset").unwrap_or(0);
        assert!(
            (1..=10_000).contains(&limit) && offset % limit == 0,
            "{asked:?}"
        );
    }
}
