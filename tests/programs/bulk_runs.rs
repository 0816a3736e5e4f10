//! `esmond-ps-get-bulk` run after run: interrupted, resumed, incremental.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use esmond_ps_tests::{Run, command};
use serde_json::{Value, json};

use crate::bulk::files;
use crate::served::{Asked, ROOT, Reply, Served, data_requests, page, test};

const START: i64 = 1_400_000_000;

/// Times and values of the points of a test.
type Points = Vec<(i64, Value)>;

/// An archive whose points can change while it serves: by the keys of tests.
#[derive(Clone, Default)]
struct Archive {
    tests: Arc<Mutex<BTreeMap<String, Points>>>,
}

impl Archive {
    fn add(&self, key: &str, points: impl IntoIterator<Item = (i64, i64)>) {
        let mut tests = self.tests.lock().expect("a lock");
        let runs = tests.entry(key.to_owned()).or_default();
        runs.extend(points.into_iter().map(|(ts, value)| (ts, json!(value))));
        runs.sort_by_key(|(ts, _)| *ts);
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let tests = self.tests.lock().expect("a lock");
        if asked.path != ROOT {
            let key = asked.path[ROOT.len()..].split('/').next();
            return Reply::json(&page(&tests[key.expect("a key")], asked));
        }
        let (offset, limit) = (asked.number("offset").unwrap_or(0), asked.number("limit"));
        // Two tests after the other have the same ends, and so share a name.
        let list: Vec<Value> = tests
            .keys()
            .enumerate()
            .map(|(at, key)| test(key, &format!("10.0.0.{}", at / 2), "throughput", "base"))
            .skip(usize::try_from(offset).expect("an offset"))
            .take(usize::try_from(limit.unwrap_or(1000)).expect("a limit"))
            .collect();
        Reply::json(&json!(list))
    }

    fn serve(&self) -> Served {
        let archive = self.clone();
        Served::start(move |asked, _| archive.answer(asked))
    }
}

/// Ten tests of 300 points each, two of them empty.
fn ten_tests() -> Archive {
    let archive = Archive::default();
    for test in 0..10 {
        let points = (0..300).map(|n| (START + n * 10, n + test * 1000));
        let points = points.take(if test % 5 == 3 { 0 } else { 300 });
        archive.add(&format!("{test}{test}{test}{test}key{test}"), points);
    }
    archive
}

fn bulk(url: &str, directory: &Path, more: &[&str]) -> Command {
    let mut command = command("esmond-ps-get-bulk");
    command
        .args([
            "-u",
            url,
            "-I",
            "-S",
            "1399999999",
            "-o",
            "csv",
            "--page-size",
            "50",
            "-D",
        ])
        .arg(directory)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("the program ends");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn run(mut command: Command) -> Run {
    finish(command.spawn().expect("the program starts"))
}

/// Runs a program until the archive has been asked this often, and kills it
/// (unless it is done before).
fn run_and_kill(mut command: Command, served: &Served, requests: usize) {
    let already = served.asked().len();
    let mut child = command.spawn().expect("the program starts");
    while served.asked().len() < already + requests {
        if child.try_wait().expect("a process").is_some() {
            return;
        }
        thread::yield_now();
    }
    child.kill().expect("a process to kill");
    child.wait().expect("it ends");
}

/// Names of the files that are not hidden; the directory may be changing.
fn names(directory: &Path) -> Vec<String> {
    let mut names = all_names(directory);
    names.retain(|name| !name.starts_with('.'));
    names
}

fn all_names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.filter_map(|name| name.into_string().ok()).collect()
}

/// Names of unfinished files.
fn left_over(directory: &Path) -> Vec<String> {
    all_names(directory)
        .into_iter()
        .filter(|name| name.ends_with(".part") || name.ends_with(".ready"))
        .collect()
}

#[test]
fn a_killed_run_that_is_resumed_leaves_what_an_undisturbed_one_does() {
    let served = ten_tests().serve();
    let window = ["-E", "1400999999"];
    let undisturbed = tempfile::tempdir().expect("a directory");
    let whole = run(bulk(&served.url, undisturbed.path(), &window));
    assert_eq!(whole.status, Some(0), "{whole:?}");
    let expected = files(undisturbed.path());
    assert_eq!(expected.len(), 8);
    let all_requests = data_requests(&served);
    assert!(all_requests > 50);
    for requests in [1, 2, 5, 9, 14, 20, 27, 35, 44, 54, 60] {
        let directory = tempfile::tempdir().expect("a directory");
        run_and_kill(
            bulk(&served.url, directory.path(), &window),
            &served,
            requests,
        );
        // What is there is whole, under one of its names.
        for text in files(directory.path()).values() {
            assert!(expected.values().any(|whole| whole == text), "{text}");
        }
        let more = ["-E", "1400999999", "--resume"];
        run_and_kill(bulk(&served.url, directory.path(), &more), &served, 12);
        let resumed = run(bulk(&served.url, directory.path(), &more));
        assert_eq!(resumed.status, Some(0), "{resumed:?}");
        assert_eq!(
            files(directory.path()),
            expected,
            "after {requests} requests"
        );
        assert!(left_over(directory.path()).is_empty());
        let before = data_requests(&served);
        let again = run(bulk(&served.url, directory.path(), &more));
        assert_eq!(again.status, Some(0), "{again:?}");
        assert_eq!(data_requests(&served), before, "nothing is fetched again");
        assert!(
            again.stderr.contains("10 were complete already"),
            "{again:?}"
        );
        assert_eq!(files(directory.path()), expected);
    }
}

#[test]
fn an_interrupted_run_up_to_now_is_resumed_with_its_own_end() {
    let served = ten_tests().serve();
    let directory = tempfile::tempdir().expect("a directory");
    run_and_kill(bulk(&served.url, directory.path(), &[]), &served, 50);
    let done = files(directory.path());
    assert!(!done.is_empty());
    let before = data_requests(&served);
    let resumed = run(bulk(&served.url, directory.path(), &["--resume"]));
    assert_eq!(resumed.status, Some(0), "{resumed:?}");
    assert!(
        resumed.stderr.contains("were complete already"),
        "{resumed:?}"
    );
    assert!(data_requests(&served) - before < 60);
    assert_eq!(files(directory.path()).len(), 8);
}

#[test]
fn what_killed_runs_of_other_queries_left_is_removed() {
    let served = ten_tests().serve();
    let directory = tempfile::tempdir().expect("a directory");
    let other = ["-E", "1400999999", "-o", "json"];
    run_and_kill(bulk(&served.url, directory.path(), &other), &served, 8);
    fs::write(directory.path().join(".esmond-ps-get-bulk-0-1-2.part"), "x").expect("a file");
    let whole = run(bulk(&served.url, directory.path(), &["-E", "1400999999"]));
    assert_eq!(whole.status, Some(0), "{whole:?}");
    assert!(left_over(directory.path()).is_empty());
}

#[test]
fn a_signal_ends_a_run_with_whole_files_only() {
    for (name, status) in [("-INT", 130), ("-TERM", 143)] {
        let archive = ten_tests();
        // The data of one test never come.
        let served = Served::start(move |asked, _| {
            while asked.path.contains("1111key1") {
                thread::park();
            }
            archive.answer(asked)
        });
        let directory = tempfile::tempdir().expect("a directory");
        let window = ["-E", "1400999999", "--report"];
        let report = directory.path().join(".report");
        let mut command = bulk(&served.url, directory.path(), &window);
        command.arg(&report);
        let child = command.spawn().expect("the program starts");
        // All others are done when nothing else is asked for.
        while names(directory.path()).len() < 7 {
            thread::yield_now();
        }
        let process = child.id().to_string();
        let kill = Command::new("kill").args([name, &process]).status();
        assert!(kill.expect("kill runs").success());
        let run = finish(child);
        assert_eq!(run.status, Some(status), "{run:?}");
        assert!(run.stderr.contains("interrupted"), "{run:?}");
        assert_eq!(files(directory.path()).len(), 7);
        assert!(left_over(directory.path()).is_empty());
        let report: Value =
            serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("JSON");
        assert_eq!(report["ending"], "interrupted");
    }
}

/// All rows of all files, the header lines left out, sorted.
fn rows(directory: &Path) -> Vec<String> {
    let mut rows: Vec<String> = files(directory)
        .values()
        .flat_map(|text| {
            text.lines()
                .skip(1)
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    rows.sort();
    rows
}

/// An incremental run that ends at a time.
fn since_last(url: &str, directory: &Path, end: i64) -> Command {
    let state = directory.join(".state");
    let state = state.to_str().expect("UTF-8");
    let end = end.to_string();
    bulk(
        url,
        directory,
        &["--since-last", "--state", state, "-E", &end],
    )
}

/// All rows that an undisturbed whole run gives.
fn all_rows(url: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let whole = run(bulk(url, directory.path(), &["-E", "1400999999"]));
    assert_eq!(whole.status, Some(0), "{whole:?}");
    rows(directory.path())
}

#[test]
fn incremental_runs_give_each_point_once_and_lose_none() {
    // DIFFERENCE: the original has no such runs.
    let archive = ten_tests();
    let served = archive.serve();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let end = START + 3_000;
    let first = run(since_last(&served.url, path, end));
    assert_eq!(first.status, Some(0), "{first:?}");
    let first_files = files(path);
    assert!(
        first_files
            .keys()
            .all(|name| name.contains("_2014-05-13T165319Z_2014-05-13T174320Z")),
        "{first_files:?}"
    );
    assert_eq!(rows(path), all_rows(&served.url));

    // New points, one that came late, one with a second of its own twice, a new test,
    // and one test that had nothing before.
    archive.add("0000key0", (0..100).map(|n| (end + n * 10, n)));
    archive.add("0000key0", [(end - 995, -1), (end - 10, -2)]);
    archive.add("3333key3", [(end - 20, 5), (end + 5, 6)]);
    archive.add("9999new", [(START, 7), (end + 7, 8)]);
    let second = run(since_last(&served.url, path, end + 500));
    assert_eq!(second.status, Some(0), "{second:?}");
    let third = run(since_last(&served.url, path, end + 1_000));
    assert_eq!(third.status, Some(0), "{third:?}");
    // Each file that was there is as it was.
    let now = files(path);
    assert!(
        first_files
            .iter()
            .all(|(name, text)| now.get(name) == Some(text))
    );
    assert_eq!(rows(path), all_rows(&served.url));
    // Nothing new: no more files.
    let fourth = run(since_last(&served.url, path, end + 1_500));
    assert_eq!(fourth.status, Some(0), "{fourth:?}");
    assert_eq!(files(path).len(), now.len());
}

#[test]
fn incremental_runs_that_are_killed_give_each_point_once_and_lose_none() {
    for requests in [1, 3, 8, 15, 24, 40, 70] {
        let archive = ten_tests();
        let served = archive.serve();
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let mut end = START + 1_000;
        run_and_kill(since_last(&served.url, path, end), &served, requests);
        for _ in 0..3 {
            end += 400;
            run_and_kill(since_last(&served.url, path, end), &served, requests);
        }
        let last = run(since_last(&served.url, path, START + 4_000));
        assert_eq!(last.status, Some(0), "{last:?}");
        assert_eq!(
            rows(path),
            all_rows(&served.url),
            "after {requests} requests"
        );
        assert!(left_over(path).is_empty());
    }
}

#[test]
fn a_series_that_failed_is_made_up_for_by_the_next_incremental_run() {
    let archive = ten_tests();
    let broken = Arc::new(Mutex::new(true));
    let (answers, is_broken) = (archive.clone(), Arc::clone(&broken));
    let served = Served::start(move |asked, _| {
        if asked.path.contains("2222key2") && *is_broken.lock().expect("a lock") {
            return Reply::status(500);
        }
        answers.answer(asked)
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let first = run(since_last(&served.url, path, START + 1_000));
    assert_eq!(first.status, Some(3), "{first:?}");
    *broken.lock().expect("a lock") = false;
    let second = run(since_last(&served.url, path, START + 3_000));
    assert_eq!(second.status, Some(0), "{second:?}");
    assert_eq!(rows(path), all_rows(&served.url));
}

#[test]
fn a_state_serves_one_query() {
    let served = ten_tests().serve();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let first = run(since_last(&served.url, path, START + 1_000));
    assert_eq!(first.status, Some(0), "{first:?}");
    let mut other = since_last(&served.url, path, START + 2_000);
    other.args(["-t", "bwctl/iperf3"]);
    let other = run(other);
    assert_eq!(other.status, Some(2), "{other:?}");
    assert!(
        other.stderr.contains("belongs to another query"),
        "{other:?}"
    );
}

#[test]
fn only_summary_windows_that_have_ended_are_delivered() {
    let served = Served::start(|asked, _| {
        if asked.path != ROOT {
            return Reply::json(&json!([{"ts": 1_400_000_400, "val": 1.5}]));
        }
        let mut one = test("aa", "10.0.0.2", "throughput", "base");
        one["event-types"][0]["summaries"] = json!([{
            "summary-type": "average", "summary-window": "3600", "time-updated": 1,
            "uri": "/a/averages/3600",
        }]);
        let is_first = asked.number("offset").is_none();
        Reply::json(&if is_first { json!([one]) } else { json!([]) })
    });
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join(".state");
    let more = ["-T", "average", "-W", "3600", "--since-last", "--state"];
    let mut command = bulk(&served.url, directory.path(), &more);
    command.arg(&state);
    let now = std::time::SystemTime::now();
    let result = run(command);
    assert_eq!(result.status, Some(0), "{result:?}");
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    let asked = served.asked();
    let data = asked
        .iter()
        .find(|asked| asked.path != ROOT)
        .expect("a request");
    let end = data.number("time-end").expect("an end");
    let ahead = end - (i64::try_from(now).expect("a time") - 3600);
    assert!((0..60).contains(&ahead), "{end} lies a window before now");
}
