//! What the tests of the programs on perfSONAR 5 archives share.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use esmond_ps_tests::elmond::{Holdings, MockElmond, ROOT, Run, Test};
use esmond_ps_tests::{Run as Ran, run};
use serde_json::{Map, Value, json};

/// Start of the runs that tests make up, in the middle of a day.
pub(crate) const START: i64 = 1_740_000_000;

/// A time that holds all recorded and made-up runs.
pub(crate) const ALWAYS: (&str, &str) = ("1739900000", "1760000000");

/// Runs a program on a mock, with addresses for names.
pub(crate) fn ask(program: &str, mock: &MockElmond, more: &[&str]) -> Ran {
    ask_between(program, mock, ALWAYS, more)
}

/// As [`ask`], over a time of its own.
pub(crate) fn ask_between(
    program: &str,
    mock: &MockElmond,
    (from, to): (&str, &str),
    more: &[&str],
) -> Ran {
    let mut arguments = vec!["-u", &mock.url, "-I", "-S", from, "-E", to];
    arguments.extend(more);
    let run = run(program, &arguments);
    stays_on_the_archive(mock);
    run
}

/// The address that Elmond gives as `url` is broken, and nobody follows it.
fn stays_on_the_archive(mock: &MockElmond) {
    for asked in mock.asked() {
        let rest = asked.path.strip_prefix(ROOT);
        let rest = rest.unwrap_or_else(|| panic!("{asked:?} is not on the archive"));
        assert!(!rest.contains("esmond"), "{asked:?}");
        assert!(rest.is_empty() || !rest.ends_with('/'), "{asked:?}");
    }
}

/// The objects that were printed as jsonl.
pub(crate) fn rows(run: &Ran) -> Vec<Map<String, Value>> {
    assert_eq!(run.status, Some(0), "{}", start_of(run));
    lines(&run.stdout)
}

/// The objects of a text, one a line.
pub(crate) fn lines(text: &str) -> Vec<Map<String, Value>> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("objects")
}

/// Time and value of rows that have one.
pub(crate) fn points(rows: &[Map<String, Value>]) -> Vec<(i64, Value)> {
    let point = |row: &Map<String, Value>| (seconds(row), row["value"].clone());
    rows.iter().map(point).collect()
}

/// The time of a row.
pub(crate) fn seconds(row: &Map<String, Value>) -> i64 {
    let text = row["timestamp"].as_str().expect("a time");
    let time = DateTime::parse_from_rfc3339(&format!("{}Z", text.replace(' ', "T")));
    time.expect("a time in UTC").timestamp()
}

/// A run in few words, for failures of tests with much output.
pub(crate) fn start_of(run: &Ran) -> String {
    let start: String = run.stdout.chars().take(300).collect();
    format!("{:?}\nstdout: {start}\nstderr: {}", run.status, run.stderr)
}

/// A mock with one test that measures the delay between two hosts.
pub(crate) fn one_latency_test(runs: Vec<Run>) -> (MockElmond, Test) {
    let test = Test::new(1, "latencybg", "10.0.0.1", "10.0.0.2").runs(runs);
    let mock = MockElmond::model(Holdings::new([test.clone()]));
    (mock, test)
}

/// Options that select the test of [`one_latency_test`].
pub(crate) const ONE: [&str; 6] = ["-s", "10.0.0.1", "-d", "10.0.0.2", "-o", "jsonl"];

/// Asserts that the programs print each value of the archive exactly once, alone
/// and in bulk.
pub(crate) fn delivers_exactly(mock: &MockElmond, test: &Test, event_type: &str) {
    delivers_exactly_between(mock, test, ALWAYS, event_type);
}

/// As [`delivers_exactly`], asked for a time that holds all of the values.
pub(crate) fn delivers_exactly_between(
    mock: &MockElmond,
    test: &Test,
    between: (&str, &str),
    event_type: &str,
) {
    let truth = test.points(event_type);
    let event_type = ["-e", event_type];
    let alone = [&ONE[..], &event_type].concat();
    let run = ask_between("esmond-ps-get", mock, between, &alone);
    is_exactly(&points(&rows(&run)), &truth);
    assert_eq!(run.stderr, "");
    let (run, files) = bulk_between(mock, between, &[&["-o", "jsonl"], &event_type[..]].concat());
    assert_eq!(run.status, Some(0), "{run:?}");
    assert_eq!(files.len(), 1, "{run:?}");
    let file = files.values().next().expect("one file");
    is_exactly(&points(&lines(file)), &truth);
}

fn is_exactly(ours: &[(i64, Value)], truth: &[(i64, Value)]) {
    if let Some(at) = (0..truth.len()).find(|at| ours.get(*at) != truth.get(*at)) {
        panic!(
            "{} points for {}; at {at}: {:?} for {:?}",
            ours.len(),
            truth.len(),
            ours.get(at),
            truth[at]
        );
    }
    assert_eq!(ours.len(), truth.len());
}

/// Runs `esmond-ps-get-bulk`; returns its files by name, too.
pub(crate) fn bulk(mock: &MockElmond, more: &[&str]) -> (Ran, BTreeMap<String, String>) {
    bulk_between(mock, ALWAYS, more)
}

/// As [`bulk`], over a time of its own.
pub(crate) fn bulk_between(
    mock: &MockElmond,
    between: (&str, &str),
    more: &[&str],
) -> (Ran, BTreeMap<String, String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let arguments = [more, &["-D", path]].concat();
    let run = ask_between("esmond-ps-get-bulk", mock, between, &arguments);
    (run, crate::bulk::files(Path::new(path)))
}

/// A histogram that differs from run to run.
pub(crate) fn histogram(number: i64) -> Value {
    json!({ format!("{}.5", number % 40): 100, "60.25": number })
}
