//! `esmond-ps-get-bulk` against the real archive, compared with the files that
//! the original wrote for the same data (esmond 4.4.6, Python 3.8, with its
//! output file opened as text: as published it cannot write).
//!
//! csv is compared byte by byte, json by value with keys in the same order.
//! DIFFERENCE: the original tells its progress on stdout; ours prints nothing
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use esmond_ps_tests::{Run, command};
use serde::Deserialize;
use serde_json::Value;

use crate::recorded::{Loaded, csv_with_json, fill, loaded, options_are_all_there};

/// A run of the original.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    argv: Vec<String>,
    exit_code: i32,
    /// Names and contents.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Only where it is a message: its first line, or all of the help.
    #[serde(default)]
    stdout: String,
    /// The last line, where options were wrong.
    #[serde(default)]
    stderr: String,
}

#[derive(Deserialize)]
struct Recording {
    runs: Vec<Recorded>,
}

/// DIFFERENCE: runs that the original did not finish, or finished otherwise:
/// status of ours, what stderr must hold, and why.
const ENDINGS: &[(&str, i32, &str, &str)] = &[
    (
        "iperf3-json",
        0,
        "",
        "event types that the original does not know are written too",
    ),
    ("iperf3-csv", 0, "", "the same"),
    ("ipv6-json", 0, "", "filters split at the first colon"),
    ("ipv6-csv", 0, "", "the same"),
    ("ntp-json", 0, "", "a test needs no destination"),
    ("ntp-csv", 0, "", "the same"),
    (
        "everything-csv",
        0,
        "",
        "no event type and no missing destination ends the run",
    ),
    (
        "get-bulk-timeout-0",
        2,
        "--timeout",
        "a usage error instead of a traceback",
    ),
    (
        "get-bulk-file-as-dir",
        2,
        "output path /etc/hostname is not a directory.",
        "checked before anything is asked",
    ),
    ("get-bulk-ipv6-src", 0, "", "IPv6 addresses are accepted"),
    (
        "get-bulk-end-before-start",
        2,
        "the start time 2015-01-01",
        "a usage error instead of the archive's refusal",
    ),
    (
        "get-bulk-refused",
        1,
        "127.0.0.1:9",
        "one line instead of a traceback",
    ),
    (
        "get-bulk-no-scheme",
        2,
        "http://archive.example.org",
        "a usage error that says what to type",
    ),
    (
        "get-bulk-unresolvable",
        1,
        "nosuch.invalid",
        "one line instead of a traceback",
    ),
    (
        "get-bulk-404",
        1,
        "404",
        "the status instead of a traceback",
    ),
];

/// Runs ours in a directory; `/` is where it runs.
fn bulk(arguments: &[String]) -> Run {
    let output = command("esmond-ps-get-bulk")
        .args(arguments)
        .current_dir("/")
        .output()
        .expect("the program starts");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Names and contents of the files of a directory that are not hidden.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry"))
        .filter_map(|entry| Some((entry.file_name().to_str()?.to_owned(), entry.path())))
        .filter(|(name, _)| !name.starts_with('.'))
        .map(|(name, path)| (name, fs::read_to_string(path).expect("a text")))
        .collect()
}

/// DIFFERENCE: what no file name should hold is replaced.
fn safe_name(name: &str) -> String {
    name.replace(':', "-")
}

/// DIFFERENCE: objects in csv are JSON, no Python text.
fn content(name: &str, content: &str) -> String {
    if name.ends_with(".csv") && content.contains("{'") {
        let text = csv_with_json(&format!("{content}\n"));
        return text.trim_end_matches('\n').to_owned() + "\n";
    }
    content.to_owned()
}

fn is_same(name: &str, ours: &str, theirs: &str) -> bool {
    if name.ends_with(".json") {
        let canonical =
            |text: &str| serde_json::from_str(text).map(|value: Value| value.to_string());
        return canonical(ours).is_ok_and(|ours| canonical(theirs).is_ok_and(|t| t == ours));
    }
    ours == content(name, theirs)
}

fn check(recorded: &Recorded, loaded: &Loaded, used: &mut BTreeSet<String>) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let fill = |text: &str| {
        let text = text.replace("{{outdir}}", path).replace("{{cwd}}", "");
        fill(&text, loaded)
    };
    let arguments: Vec<String> = recorded.argv.iter().map(|word| fill(word)).collect();
    let ours = bulk(&arguments);
    let written = files(directory.path());
    let fail = |complaint: &str| {
        let names: Vec<_> = written.keys().collect();
        Err(format!(
            "{}: {:?}\n{complaint}\nours: {:?}\nstdout: {}\nstderr: {}\nfiles: {names:#?}",
            recorded.name, recorded.argv, ours.status, ours.stdout, ours.stderr
        ))
    };
    let ending = ENDINGS.iter().find(|(name, ..)| *name == recorded.name);
    let is_message =
        recorded.stdout.contains("event types") || recorded.stdout.starts_with("Usage");
    let (status, stderr) = match ending {
        Some((name, status, stderr, _)) => {
            used.insert((*name).to_owned());
            (*status, (*stderr).to_owned())
        }
        None if recorded.exit_code == 255 => (2, recorded.stdout.clone()),
        None => (recorded.exit_code, recorded.stderr.clone()),
    };
    if ours.status != Some(status) {
        return fail(&format!("should end with {status}"));
    }
    // DIFFERENCE: the list has the formats that there are for files.
    let stderr = fill(&stderr).replace(
        "['human', 'json', 'csv']",
        "['json', 'jsonl', 'csv', 'influx', 'parquet']",
    );
    if !ours.stderr.contains(&stderr) {
        return fail(&format!("stderr should hold `{stderr}`"));
    }
    if is_message && status == 0 {
        if recorded.stdout.starts_with("Usage") {
            return options_are_all_there(&recorded.stdout, &ours.stdout);
        }
        return if ours.stdout.starts_with(recorded.stdout.as_str()) {
            Ok(())
        } else {
            fail("should list the event types")
        };
    }
    if !ours.stdout.is_empty() {
        return fail("should print nothing on stdout");
    }
    for (name, theirs) in &recorded.files {
        let name = safe_name(name);
        // Where the original overwrote one series with another, ours has both.
        let (stem, extension) = name.rsplit_once('.').expect("an extension");
        let longer = written.iter().filter(|(known, _)| {
            known.starts_with(&format!("{stem}_")) && known.ends_with(extension)
        });
        let mut candidates = written.get_key_value(&name).into_iter().chain(longer);
        if !candidates.any(|(known, ours)| is_same(known, ours, theirs)) {
            return fail(&format!("{name} should hold:\n{theirs}"));
        }
    }
    let is_whole = ending.is_none();
    if is_whole && written.len() != recorded.files.len() {
        return fail("should write the recorded files and no others");
    }
    Ok(())
}

#[test]
fn recorded_runs_give_the_recorded_files() {
    let recording: Recording =
        serde_json::from_str(include_str!("data/get_bulk.json")).expect("a recording");
    let loaded = loaded();
    let mut used = BTreeSet::new();
    let failures: Vec<String> = recording
        .runs
        .iter()
        .filter_map(|recorded| check(recorded, &loaded, &mut used).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} runs differ:\n\n{}",
        failures.len(),
        recording.runs.len(),
        failures.join("\n\n")
    );
    for (name, ..) in ENDINGS {
        assert!(used.contains(*name), "no run needs the ending of {name}");
    }
}

/// Everything of the data set in a format, and how the run ended.
fn everything(format: &str, more: &[&str]) -> (BTreeMap<String, String>, Run) {
    let loaded = loaded();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let mut arguments = vec![
        "-u",
        &loaded.archive.url,
        "-S",
        "2014-05-01",
        "-E",
        "2099-01-01",
        "-o",
        format,
        "-D",
        path,
    ];
    arguments.extend(more);
    let arguments: Vec<String> = arguments.into_iter().map(ToOwned::to_owned).collect();
    let run = bulk(&arguments);
    (files(directory.path()), run)
}

#[test]
fn every_series_of_every_test_has_its_own_file() {
    // One archive for all three runs.
    let _loaded = loaded();
    let (csv, run) = everything("csv", &["-I"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let (json, _) = everything("json", &["-I"]);
    let (jsonl, _) = everything("jsonl", &["-I"]);
    let stems = |files: &BTreeMap<String, String>| -> BTreeSet<String> {
        let stem = |name: &String| name.rsplit_once('.').expect("an extension").0.to_owned();
        files.keys().map(stem).collect()
    };
    // Keys differ from load to load, names are the same in all formats.
    assert_eq!(stems(&csv), stems(&json));
    assert_eq!(stems(&csv), stems(&jsonl));
    let shared: Vec<_> = csv
        .keys()
        .filter(|name| name.starts_with("10.1.1.1_10.1.1.2_packet-count-sent_"))
        .collect();
    assert!(shared.len() > 1, "{shared:?}");
    assert!(shared.iter().any(|name| name.contains("_powstream_")));
    assert!(shared.iter().any(|name| name.contains("_bwctl-ping_")));
    for (name, text) in &json {
        let rows: Vec<Value> = serde_json::from_str(text).expect("a list");
        let lines = jsonl[&name.replace(".json", ".jsonl")].lines();
        let objects: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("an object"))
            .collect();
        assert_eq!(rows, objects, "{name}");
        assert!(!rows.is_empty(), "{name}");
    }
    for name in csv.keys() {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        assert!(name.chars().all(is_safe), "{name}");
    }
}

#[test]
fn a_dry_run_lists_what_a_run_fetches_and_asks_for_no_data() {
    let loaded = loaded();
    let (files, listed) = everything("csv", &["-I", "--dry-run", "-v"]);
    assert_eq!((listed.status, files.len()), (Some(0), 0), "{listed:?}");
    assert!(!listed.stderr.contains("/base"), "{listed:?}");
    let (files, run) = everything("csv", &["-I"]);
    let names: BTreeSet<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').nth(3))
        .collect();
    // Series without data have no file, and then nobody shares their name.
    for name in files.keys() {
        let (stem, _) = name.rsplit_once('.').expect("an extension");
        let is_listed = names.iter().any(|listed| listed.starts_with(stem));
        assert!(is_listed, "{name}: {listed:?}");
    }
    let addresses = listed
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').nth(4));
    assert!(addresses.clone().count() > 0);
    let origin = &loaded.archive.url;
    assert!(
        addresses
            .into_iter()
            .all(|address| address.starts_with(origin.as_str()))
    );
    assert!(run.stdout.is_empty());
}

#[test]
fn what_a_test_lacks_is_named() {
    // DIFFERENCE: the original crashes, or labels base data with the window asked
    // for.
    let (files, run) = everything("csv", &["-I", "-T", "average", "-W", "86400"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.stderr.contains("no average of 86400 s of "), "{run:?}");
    assert!(!files.is_empty());
    for text in files.values() {
        let rows = text.lines().skip(1);
        assert!(
            rows.into_iter().all(|row| row.contains(",average,86400,")),
            "{text}"
        );
    }
}

#[test]
fn a_filter_that_nothing_matches_gives_no_files() {
    // DIFFERENCE: a key that is no standard one selects by a free-form parameter.
    let (files, run) = everything("json", &["-F", "foo:bar"]);
    assert_eq!((run.status, files.len()), (Some(0), 0), "{run:?}");
}
