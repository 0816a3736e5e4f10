use super::*;
use std::io::Write as _;

const WINDOW: TimeWindow = TimeWindow {
    start: 1_398_902_400,
    end: 1_398_988_800,
};

fn query(id: &str) -> QueryId {
    QueryId { id: id.to_owned() }
}

fn manifest(directory: &Path, window: TimeWindow, open_end: bool, resume: bool) -> Ledger {
    let mut notes = Vec::new();
    let window = (window, open_end);
    Ledger::manifest(
        directory,
        query("q"),
        Format::Csv,
        window,
        resume,
        &mut notes,
    )
    .unwrap()
}

fn fresh(directory: &Path) -> Ledger {
    manifest(directory, WINDOW, false, false)
}

fn resumed(directory: &Path) -> Ledger {
    manifest(directory, WINDOW, false, true)
}

fn entry(key: &str, stem: &str) -> Entry {
    Entry {
        key: key.to_owned(),
        event_type: "throughput".to_owned(),
        summary: "base".to_owned(),
        tool: Some("bwctl/iperf3".to_owned()),
        stem: stem.to_owned(),
        ..Entry::default()
    }
}

fn ready(ledger: &Ledger, content: &str) -> Ready {
    let part = ledger.part().unwrap();
    part.writer()
        .unwrap()
        .write_all(content.as_bytes())
        .unwrap();
    part.ready(false).unwrap()
}

fn put(ledger: &mut Ledger, key: &str, stem: &str) {
    let ready = ready(ledger, key);
    ledger.commit(entry(key, stem), Some(ready)).unwrap();
}

/// Names and contents of the files that are not hidden.
fn files(directory: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| !name.starts_with('.'))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn file(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), content.to_owned())
}

fn hidden(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().starts_with('.')
        })
        .count()
}

#[test]
fn a_name_that_is_not_shared_is_the_documented_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = fresh(directory.path());
    put(&mut ledger, "aaaaaaaaa1", "a_b");
    ledger.commit(entry("bbbbbbbbb1", "a_b"), None).unwrap();
    assert_eq!(
        files(directory.path()),
        [file("a_b.csv", "aaaaaaaaa1")],
        "a series without data has no name"
    );
}

#[test]
fn series_that_share_a_name_all_get_longer_ones() {
    // DIFFERENCE: in the original the later one replaces the other.
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = fresh(directory.path());
    for key in ["aaaaaaaaa1", "bbbbbbbbb1", "ccccccccc1"] {
        put(&mut ledger, key, "a_b");
    }
    let expected = [
        file("a_b_bwctl-iperf3_aaaaaaaa.csv", "aaaaaaaaa1"),
        file("a_b_bwctl-iperf3_bbbbbbbb.csv", "bbbbbbbbb1"),
        file("a_b_bwctl-iperf3_cccccccc.csv", "ccccccccc1"),
    ];
    assert_eq!(files(directory.path()), expected);
    let mut told = Vec::new();
    ledger
        .each(|entry| {
            told.push(entry.file.clone().unwrap());
            Ok(())
        })
        .unwrap();
    told.sort();
    assert_eq!(told, expected.map(|(name, _)| name));
}

#[test]
fn keys_that_begin_alike_are_told_apart_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = fresh(directory.path());
    for key in ["aaaaaaaa1", "aaaaaaaa2", "aaaaaaaa:", "aaaaaaaa-"] {
        put(&mut ledger, key, "a_b");
    }
    let contents: Vec<_> = files(directory.path())
        .into_iter()
        .map(|(_, content)| content)
        .collect();
    assert_eq!(contents.len(), 4, "{contents:?}");
}

#[test]
fn only_files_in_place_are_resumed() {
    // DIFFERENCE: the original begins anew.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut ledger = fresh(path);
    for key in ["aaaaaaaa", "bbbbbbbb", "cccccccc"] {
        put(&mut ledger, key, key);
    }
    ledger.commit(entry("dddddddd", "d"), None).unwrap();
    let mut failed = entry("eeeeeeee", "e");
    failed.error = Some("no".to_owned());
    ledger.fail(failed).unwrap();
    drop(ledger);
    fs::remove_file(path.join("bbbbbbbb.csv")).unwrap();
    fs::write(path.join("cccccccc.csv"), "ccccc").unwrap();

    let mut ledger = resumed(path);
    let mut is_done = |key| ledger.resume(&entry(key, key)).unwrap();
    let done = ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee"].map(&mut is_done);
    assert_eq!(done, [true, false, false, true, false]);
    put(&mut ledger, "bbbbbbbb", "bbbbbbbb");
    assert_eq!(files(path)[1], file("bbbbbbbb.csv", "bbbbbbbb"));
}

#[test]
fn a_resumed_run_knows_the_names_that_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = fresh(directory.path());
    put(&mut ledger, "aaaaaaaa", "a_b");
    drop(ledger);
    let mut ledger = resumed(directory.path());
    put(&mut ledger, "bbbbbbbb", "a_b");
    assert!(ledger.resume(&entry("aaaaaaaa", "a_b")).unwrap());
    drop(ledger);
    let mut ledger = resumed(directory.path());
    put(&mut ledger, "cccccccc", "a_b");
    assert_eq!(
        files(directory.path()),
        [
            file("a_b_bwctl-iperf3_aaaaaaaa.csv", "aaaaaaaa"),
            file("a_b_bwctl-iperf3_bbbbbbbb.csv", "bbbbbbbb"),
            file("a_b_bwctl-iperf3_cccccccc.csv", "cccccccc"),
        ]
    );
}

#[test]
fn without_resume_and_for_another_window_all_begins_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut ledger = fresh(path);
    put(&mut ledger, "aaaaaaaa", "a");
    drop(ledger);
    let later = TimeWindow {
        end: WINDOW.end + 5,
        ..WINDOW
    };
    let mut notes = Vec::new();
    let ledger = Ledger::manifest(
        path,
        query("q"),
        Format::Csv,
        (later, false),
        true,
        &mut notes,
    );
    assert!(!ledger.unwrap().resume(&entry("aaaaaaaa", "a")).unwrap());
    let [note] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert!(
        note.contains("--start-time 2014-05-01T00:00:00Z --end-time 2014-05-02T00:00:00Z"),
        "{note}"
    );
    assert!(!fresh(path).resume(&entry("aaaaaaaa", "a")).unwrap());
}

#[test]
fn an_unfinished_run_up_to_now_is_taken_up_with_its_own_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let later = TimeWindow {
        end: WINDOW.end + 5,
        ..WINDOW
    };
    let mut ledger = manifest(path, WINDOW, true, false);
    put(&mut ledger, "aaaaaaaa", "a");
    drop(ledger);
    let mut ledger = manifest(path, later, true, true);
    assert_eq!(ledger.window(), WINDOW);
    assert!(ledger.resume(&entry("aaaaaaaa", "a")).unwrap());
    ledger.finish(true).unwrap();
    // Once it is finished, up to now means up to now.
    let mut ledger = manifest(path, later, true, true);
    assert_eq!(ledger.window(), later);
    assert!(!ledger.resume(&entry("aaaaaaaa", "a")).unwrap());
}

#[test]
fn a_run_killed_before_it_gave_a_name_is_made_up_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut ledger = fresh(path);
    let left = ready(&ledger, "content");
    let mut line = entry("aaaaaaaa", "a");
    line.file = Some("a.csv".to_owned());
    line.from = Some(left.name.clone());
    line.bytes = left.bytes;
    ledger.write(&line).unwrap();
    left.leave();
    // Ready, but nothing was written down: it is fetched again.
    ready(&ledger, "unknown").leave();
    drop(ledger);
    let mut ledger = resumed(path);
    assert_eq!(files(path), [file("a.csv", "content")]);
    assert_eq!(hidden(path), 1, "the manifest alone");
    assert!(ledger.resume(&entry("aaaaaaaa", "a")).unwrap());
}

#[test]
fn a_run_killed_before_it_gave_a_longer_name_is_made_up_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut ledger = fresh(path);
    put(&mut ledger, "aaaaaaaa", "a");
    let mut line = entry("aaaaaaaa", "a");
    line.file = Some("a_long.csv".to_owned());
    line.from = Some("a.csv".to_owned());
    line.bytes = 8;
    ledger.write(&line).unwrap();
    drop(ledger);
    let mut ledger = resumed(path);
    assert_eq!(files(path), [file("a_long.csv", "aaaaaaaa")]);
    assert!(ledger.resume(&entry("aaaaaaaa", "a")).unwrap());
    put(&mut ledger, "bbbbbbbb", "a");
    assert_eq!(files(path).len(), 2);
}

#[test]
fn what_cannot_be_understood_proves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    drop(fresh(path));
    fs::write(path.join(manifest_name("q")), "nonsense\n").unwrap();
    let mut ledger = resumed(path);
    assert!(!ledger.resume(&entry("aaaaaaaa", "a")).unwrap());
    put(&mut ledger, "aaaaaaaa", "a");
}

#[test]
fn two_runs_of_a_query_exclude_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _first = fresh(path);
    let window = (WINDOW, false);
    let mut notes = Vec::new();
    let second = Ledger::manifest(path, query("q"), Format::Csv, window, false, &mut notes);
    let text = second.unwrap_err().to_string();
    assert!(text.contains("another run"), "{text}");
    let other = Ledger::manifest(path, query("p"), Format::Csv, window, false, &mut notes);
    assert!(other.is_ok());
}

fn state(path: &Path, directory: &Path, id: &str) -> anyhow::Result<Ledger> {
    Ledger::state(path, directory, query(id), Format::Csv, WINDOW)
}

#[test]
fn a_state_remembers_the_last_good_reading_of_each_series() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let out = directory.path();
    let mut ledger = state(&path, out, "q").unwrap();
    assert_eq!(ledger.search_from(600), WINDOW.start);
    for (key, end) in [("aaaaaaaa", 10), ("bbbbbbbb", 20), ("aaaaaaaa", 30)] {
        let mut entry = entry(key, "x");
        (entry.end, entry.seen) = (end, vec![(end, u64::MAX)]);
        ledger.commit(entry, None).unwrap();
    }
    let mut failed = entry("aaaaaaaa", "x");
    failed.error = Some("no".to_owned());
    ledger.fail(failed).unwrap();
    ledger.finish(true).unwrap();

    let ledger = state(&path, out, "q").unwrap();
    let known = |key| ledger.known(&entry(key, "y")).unwrap();
    assert_eq!(known("aaaaaaaa").unwrap().end, 30);
    assert_eq!(known("bbbbbbbb").unwrap().seen, [(20, u64::MAX)]);
    assert_eq!(known("cccccccc"), None);
    assert_eq!(ledger.search_from(600), WINDOW.end - 600);
    assert_eq!(ledger.run.number, 2);
    // One line for each series is left.
    let lines = fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().filter(|l| l.contains("series")).count(), 2);
}

#[test]
fn a_state_of_another_query_or_none_at_all_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    drop(state(&path, directory.path(), "q").unwrap());
    let error = state(&path, directory.path(), "p").unwrap_err();
    assert!(error.downcast_ref::<UsageError>().is_some());
    fs::write(&path, "{\"query\":{\"format\":1,\"id\":\"q\"}}\nnonsense\n").unwrap();
    assert!(state(&path, directory.path(), "q").is_err());
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept.ends_with("nonsense\n"), "it is left as it is");
}

#[test]
fn a_state_makes_up_for_a_rename_in_the_directory_of_that_run() {
    let directory = tempfile::tempdir().unwrap();
    let (path, old, new) = (
        directory.path().join("state"),
        directory.path().join("old"),
        directory.path().join("new"),
    );
    fs::create_dir(&old).unwrap();
    fs::create_dir(&new).unwrap();
    let mut ledger = state(&path, &old, "q").unwrap();
    let left = ready(&ledger, "content");
    let mut line = entry("aaaaaaaa", "a");
    line.file = Some("a.csv".to_owned());
    line.from = Some(left.name.clone());
    ledger.write(&line).unwrap();
    left.leave();
    drop(ledger);
    drop(state(&path, &new, "q").unwrap());
    assert_eq!(files(&old), [file("a.csv", "content")]);
    assert_eq!(hidden(&old), 0);
}
