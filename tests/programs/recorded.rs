//! Runs recorded from the original programs (esmond 4.4.6, Python 3.8), with
//! the same data set loaded. Output is compared byte for byte for human and csv
//! and by value, with keys in the same order, for json.
//!
//! Where ours departs on purpose, the departure is a named [`Difference`]: a
//! rule that rewrites what was recorded into what ours prints, or an entry of
//! [`ENDINGS`] for runs that ended otherwise. Each must be needed by some run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use esmond_ps_model::{DataType, Registry};
use esmond_ps_tests::{Run, TestArchive, run};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A run of an original program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    program: String,
    argv: Vec<String>,
    exit_code: i32,
    stdout: String,
    /// Only where it is no traceback.
    #[serde(default)]
    stderr: String,
}

#[derive(Deserialize)]
struct Recording {
    runs: Vec<Recorded>,
}

/// The data set of the recordings in an archive, shared by the tests that run
/// at the same time.
pub(crate) struct Loaded {
    pub(crate) archive: TestArchive,
    keys: Vec<String>,
}

pub(crate) fn loaded() -> Arc<Loaded> {
    static SHARED: Mutex<Weak<Loaded>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = shared.upgrade() {
        return loaded;
    }
    let archive = TestArchive::start();
    let mut dataset = serde_json::from_str(include_str!("data/dataset.json")).expect("a data set");
    cut_floats(&mut dataset);
    let keys = archive.load(&dataset);
    let loaded = Arc::new(Loaded { archive, keys });
    *shared = Arc::downgrade(&loaded);
    loaded
}

/// Gives float points the value that the original archive answered: it cut
/// them to four decimals, toward zero.
///
/// DIFFERENCE: our archive keeps them exactly, so the programs would print what
/// was posted rather than what was recorded.
fn cut_floats(dataset: &mut Value) {
    let registry = Registry::standard();
    let is_float = |name: &str| {
        registry
            .event_type(name)
            .is_some_and(|known| known.data_type == DataType::Float)
    };
    let entries = dataset["metadata"].as_array_mut().into_iter().flatten();
    for point in entries.flat_map(|entry| entry["points"].as_array_mut().into_iter().flatten()) {
        for value in point["val"].as_array_mut().into_iter().flatten() {
            let name = value["event-type"].as_str().unwrap_or_default();
            if is_float(name)
                && let Some(float) = value["val"].as_f64()
            {
                value["val"] = ((float * 10_000.0).trunc() / 10_000.0).into();
            }
        }
    }
}

/// How ours ends a run that ended otherwise in the recording.
struct Ending {
    /// Name of the run, after the program's short name (`get-`, ...).
    run: &'static str,
    status: i32,
    /// What stderr must hold.
    stderr: &'static str,
    reason: &'static str,
}

const fn ending(
    run: &'static str,
    status: i32,
    stderr: &'static str,
    reason: &'static str,
) -> Ending {
    Ending {
        run,
        status,
        stderr,
        reason,
    }
}

/// DIFFERENCE: runs of the originals that crashed, failed or succeeded where
/// ours does otherwise. With status 0, stdout is checked by its shape alone.
const ENDINGS: &[Ending] = &[
    ending(
        "two-colons",
        1,
        "Unable to find address for host a:b",
        "filters split at the first colon",
    ),
    ending(
        "empty-value",
        1,
        "Unable to find address for host",
        "the archive's words instead of a traceback",
    ),
    ending(
        "summary-window-text",
        1,
        "Summary window parameter must be an integer",
        "the archive's words instead of a traceback",
    ),
    ending(
        "method",
        0,
        "",
        "any key is a free-form filter, which no test matches",
    ),
    ending("verbose-filter", 0, "", "any key is a free-form filter"),
    ending("ssl-verify", 0, "", "any key is a free-form filter"),
    ending("timeout", 0, "", "any key is a free-form filter"),
    ending("private", 0, "", "any key is a free-form filter"),
    ending(
        "end-before-start",
        2,
        "the start time 2015-01-01",
        "a usage error instead of the archive's refusal",
    ),
    ending(
        "start-far",
        2,
        "the start time 9999-12-31",
        "a usage error instead of the archive's refusal",
    ),
    ending(
        "refused",
        1,
        "127.0.0.1:9",
        "one line instead of a traceback",
    ),
    ending(
        "unresolvable",
        1,
        "nosuch.invalid",
        "one line instead of a traceback",
    ),
    ending(
        "no-scheme",
        2,
        "http://archive.example.org",
        "a usage error that says what to type",
    ),
    ending("404", 1, "404", "the status instead of a traceback"),
    ending(
        "timeout-0",
        2,
        "--timeout",
        "a usage error instead of a traceback",
    ),
    ending("ipv6-src", 0, "", "IPv6 addresses are accepted"),
    ending(
        "start-epoch",
        0,
        "time-start=1398939630",
        "Unix times are dates",
    ),
    ending("start-now", 0, "time-start=", "words are dates"),
    ending(
        "tz-env-named-local-zone",
        0,
        "the time zone EDT",
        "names of local zones are not known, and said so",
    ),
    ending("start-yesterday", 0, "time-start=", "words are dates"),
];

/// Runs whose dates depend on the day of the recording. What such dates mean is
/// tested with the date parser; here they must be understood.
const DEPEND_ON_THE_DAY: [&str; 8] = [
    "start-month-year",
    "start-year",
    "start-year-month",
    "start-time-only",
    "start-weekday",
    "start-month-only",
    "start-day-only",
    "start-empty",
];

/// Departures that hold for many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// DIFFERENCE: no data is `[]` in json.
    EmptyJson,
    /// DIFFERENCE: no data is the header line alone in csv.
    EmptyCsv,
    /// DIFFERENCE: histograms are JSON in human and csv, no Python text.
    ObjectsAreJson,
    /// DIFFERENCE: complaints about options go to stderr, with status 2.
    UsageOnStderr,
    /// DIFFERENCE: ours knows one format more.
    OneFormatMore,
    /// DIFFERENCE: ours lists all 49 event types, the recorded 33 first.
    AllEventTypes,
    /// DIFFERENCE: requests are logged on stderr, and the search has no end.
    VerboseOnStderr,
    /// DIFFERENCE: notes go to stderr.
    NotesOnStderr,
    /// DIFFERENCE: a pasted archive address needs no remark.
    NoTrimmingRemark,
    /// DIFFERENCE: paging keys and `url` are no metadata.
    NoPagingKeys,
    /// DIFFERENCE: help texts are our own; every option of the originals is
    /// in them.
    OwnHelp,
}

const ALL_DIFFERENCES: [Difference; 11] = [
    Difference::EmptyJson,
    Difference::EmptyCsv,
    Difference::ObjectsAreJson,
    Difference::UsageOnStderr,
    Difference::OneFormatMore,
    Difference::AllEventTypes,
    Difference::VerboseOnStderr,
    Difference::NotesOnStderr,
    Difference::NoTrimmingRemark,
    Difference::NoPagingKeys,
    Difference::OwnHelp,
];

/// What a recording comes to for ours.
struct Expected {
    status: i32,
    stdout: String,
    /// Texts that stderr must hold.
    stderr: Vec<String>,
    used: BTreeSet<Difference>,
}

const TRIMMING: &str =
    "\n not necessary to add /esmond/perfsonar/archive to --url arg - trimming\n";

fn expected(recorded: &Recorded) -> Expected {
    use Difference as D;
    let mut used = BTreeSet::new();
    let mut stdout = recorded.stdout.clone();
    let mut stderr = Vec::new();
    let mut status = recorded.exit_code;
    if let Some(rest) = stdout.strip_prefix(TRIMMING) {
        used.insert(D::NoTrimmingRemark);
        stdout = rest.to_owned();
    }
    while let Some((note, rest)) = stdout.split_once('\n')
        && note.starts_with("--filter arg ")
    {
        used.insert(D::NotesOnStderr);
        stderr.push(note.to_owned());
        stdout = rest.to_owned();
    }
    if stdout.starts_with("[url: ") {
        used.insert(D::VerboseOnStderr);
        let (log, rest) = split_log(&stdout);
        let urls = log.lines().filter(|line| line.starts_with("[url: "));
        // The first request is the search, which has no end in ours; the data
        // requests resume at the last second instead of after it.
        stderr.extend(urls.take(1).map(|line| {
            let end = line.find("&time-end=").unwrap_or(line.len() - 1);
            line[..end].to_owned()
        }));
        stdout = rest;
    }
    if status == 255 {
        used.insert(D::UsageOnStderr);
        status = 2;
        let first = stdout.lines().next().unwrap_or_default();
        let formats = match recorded.program.as_str() {
            "esmond-ps-get" => "'json', 'jsonl', 'csv', 'table', 'influx']",
            _ => "'json', 'jsonl', 'csv', 'table']",
        };
        let first = first.replace("'json', 'csv']", formats);
        if !stdout.contains(&first) {
            used.insert(D::OneFormatMore);
        }
        stderr.push(first);
        stdout = String::new();
    }
    if status == 2 && !recorded.stderr.is_empty() {
        stderr.extend(recorded.stderr.lines().last().map(ToOwned::to_owned));
    }
    if stdout == "[{\"msg\": \"No data found.\"}]\n" {
        used.insert(D::EmptyJson);
        stdout = "[]\n".to_owned();
    }
    if let Some((header, row)) = stdout.split_once("\r\n")
        && row.split(',').all(|field| field.trim_end() == "No data")
    {
        used.insert(D::EmptyCsv);
        stdout = format!("{header}\r\n\n");
    }
    if stdout.contains("localhost") {
        stdout = with_addresses(&stdout);
    }
    if stdout.contains("{'") {
        used.insert(D::ObjectsAreJson);
        stdout = if stdout.contains("\r\n") {
            csv_with_json(&stdout)
        } else {
            human_with_json(&stdout)
        };
    }
    if stdout.contains("metadata_count_total") {
        used.insert(D::NoPagingKeys);
        stdout = without_paging_keys(&stdout);
    }
    if stdout.starts_with("\nValid event types:") {
        used.insert(D::AllEventTypes);
    }
    if stdout.starts_with("Usage: ") {
        used.insert(D::OwnHelp);
    }
    Expected {
        status,
        stdout,
        stderr,
        used,
    }
}

/// Splits the request log from the results that follow it.
fn split_log(stdout: &str) -> (String, String) {
    let is_log = |line: &str| {
        line.trim().is_empty()
            || [
                "[url: ",
                "final result count",
                " * looping",
                "  ** got",
                "  *** finished",
            ]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let (log, rest): (Vec<_>, Vec<_>) = {
        let lines: Vec<&str> = stdout.split_inclusive('\n').collect();
        let results = lines
            .iter()
            .position(|line| !is_log(line))
            .unwrap_or(lines.len());
        (lines[..results].to_vec(), lines[results..].to_vec())
    };
    (log.concat(), rest.concat())
}

/// Undoes the one name that the recording machine had, `localhost`: ours runs
/// with `-I`, so that the names that a machine knows do not matter.
fn with_addresses(stdout: &str) -> String {
    const HOSTS: [&str; 3] = ["source", "destination", "measurement_agent"];
    const ADDRESS: &str = "127.0.0.1";
    if is_json(stdout) {
        let mut list: Vec<Map<String, Value>> = serde_json::from_str(stdout).expect("json");
        for (name, value) in list.iter_mut().flatten() {
            if HOSTS.contains(&name.as_str()) && value == "localhost" {
                *value = ADDRESS.into();
            }
        }
        return serde_json::to_string(&list).expect("json");
    }
    let (header, _) = stdout.split_once('\n').unwrap_or_default();
    let columns: Vec<&str> = header.trim_end().split(',').collect();
    let lines = stdout.split_inclusive('\n').map(|line| {
        if HOSTS
            .iter()
            .any(|name| line == format!("{name}: localhost\n"))
        {
            return line.replace("localhost", ADDRESS);
        }
        if columns.len() == 1 {
            return line.to_owned();
        }
        // Hosts are the first columns, and never quoted.
        let mut fields: Vec<&str> = line.split(',').collect();
        for (field, column) in fields.iter_mut().zip(&columns) {
            if HOSTS.contains(column) && *field == "localhost" {
                *field = ADDRESS;
            }
        }
        fields.join(",")
    });
    lines.collect()
}

fn human_with_json(stdout: &str) -> String {
    let lines = stdout
        .split('\n')
        .map(|line| match line.strip_prefix("value: {") {
            Some(object) => format!("value: {}", json_of_python(&format!("{{{object}"))),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn csv_with_json(stdout: &str) -> String {
    let text = stdout.strip_suffix('\n').expect("a further newline");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in reader.records() {
        let record = record.expect("recorded csv");
        let fields = record.iter().map(|field| {
            if field.starts_with("{'") {
                json_of_python(field)
            } else {
                field.to_owned()
            }
        });
        writer.write_record(fields).expect("a record");
    }
    let bytes = writer.into_inner().expect("all records");
    String::from_utf8(bytes).expect("UTF-8") + "\n"
}

fn json_of_python(text: &str) -> String {
    text.replace('\'', "\"")
        .replace(": ", ":")
        .replace(", ", ",")
}

const PAGING_KEYS: [&str; 4] = [
    "metadata_count_total",
    "metadata_next_page",
    "metadata_previous_page",
    "url",
];

fn without_paging_keys(stdout: &str) -> String {
    if stdout.starts_with('[') {
        let mut list: Vec<Map<String, Value>> = serde_json::from_str(stdout).expect("json");
        for record in &mut list {
            record.retain(|key, _| !PAGING_KEYS.contains(&key.as_str()));
        }
        return serde_json::to_string(&list).expect("json");
    }
    let lines = stdout.split_inclusive('\n').filter(|line| {
        !PAGING_KEYS
            .iter()
            .any(|key| line.starts_with(&format!("{key}: ")))
    });
    lines.collect()
}

fn replay(recorded: &Recorded, loaded: &Loaded) -> Run {
    let recorded_words = recorded.argv.iter().map(|word| fill(word, loaded));
    let arguments: Vec<String> = std::iter::once("-I".to_owned())
        .chain(recorded_words)
        .collect();
    run(&recorded.program, &arguments)
}

/// Puts this run's address and keys in the place of the recording's marks.
pub(crate) fn fill(text: &str, loaded: &Loaded) -> String {
    let mut text = text.replace("{{base_url}}", &loaded.archive.url);
    for (number, key) in loaded.keys.iter().enumerate() {
        text = text.replace(&format!("{{{{metadata_key:{}}}}}", number + 1), key);
    }
    text
}

fn ending_of(recorded: &Recorded) -> Option<&'static Ending> {
    let short = recorded
        .name
        .strip_prefix("get-endpoints-")
        .or_else(|| recorded.name.strip_prefix("get-metadata-"))
        .or_else(|| recorded.name.strip_prefix("get-"))
        .unwrap_or(&recorded.name);
    let is_filter = recorded.argv.iter().any(|word| word == "-F");
    // Two groups have a run called `verbose` and `timeout`; only filters depart.
    let short = if short == "verbose" && is_filter {
        "verbose-filter"
    } else {
        short
    };
    let applies = |ending: &&Ending| {
        ending.run == short
            && (is_filter || !["timeout", "method", "private", "ssl-verify"].contains(&short))
    };
    ENDINGS.iter().find(applies)
}

fn is_json(text: &str) -> bool {
    text.starts_with('[') && serde_json::from_str::<Value>(text).is_ok()
}

/// Compares ours with what the recording comes to; complains in words.
fn compare(
    recorded: &Recorded,
    ours: &Run,
    loaded: &Loaded,
    used: &mut Used,
) -> Result<(), String> {
    if let Some(ending) = ending_of(recorded) {
        used.endings.insert(ending.run);
        // Status 1 was a traceback each time, which ours never prints.
        let as_recorded = recorded.exit_code != 1
            && ours.status == Some(recorded.exit_code)
            && ours.stdout == recorded.stdout;
        if as_recorded {
            return Err(format!(
                "does as recorded, so it is no difference ({})",
                ending.reason
            ));
        }
        if ours.status != Some(ending.status) || !ours.stderr.contains(ending.stderr) {
            return Err(format!(
                "should end with {} and `{}`",
                ending.status, ending.stderr
            ));
        }
        if ending.status != 0 && !ours.stdout.is_empty() {
            return Err("should print nothing on stdout".to_owned());
        }
        return Ok(());
    }
    if DEPEND_ON_THE_DAY.contains(&recorded.name.as_str()) {
        let header = "source,destination,measurement_agent,tool_name,event_type\r\n";
        let understood = ours.status == Some(0) && ours.stdout.starts_with(header);
        return understood
            .then_some(())
            .ok_or_else(|| "should be understood".to_owned());
    }
    let expected = expected(recorded);
    used.differences.extend(&expected.used);
    if ours.status != Some(expected.status) {
        return Err(format!("should end with {}", expected.status));
    }
    for text in &expected.stderr {
        let text = fill(text, loaded);
        if !ours.stderr.contains(&text) {
            return Err(format!("stderr should hold `{text}`"));
        }
    }
    let stdout = fill(&expected.stdout, loaded);
    let same = if expected.used.contains(&Difference::AllEventTypes) {
        ours.stdout.starts_with(&stdout) && ours.stdout.lines().count() == 2 + 49
    } else if expected.used.contains(&Difference::OwnHelp) {
        return options_are_all_there(&stdout, &ours.stdout);
    } else if is_json(&stdout) {
        let canonical =
            |text: &str| serde_json::from_str(text).map(|value: Value| value.to_string());
        ours.stdout.ends_with("]\n") && canonical(&ours.stdout).ok() == canonical(&stdout).ok()
    } else {
        ours.stdout == stdout
    };
    if same {
        Ok(())
    } else {
        Err(format!("stdout should be:\n{stdout}"))
    }
}

/// Checks that each option in the recorded help is in ours, with its short
/// form.
pub(crate) fn options_are_all_there(recorded: &str, ours: &str) -> Result<(), String> {
    let words = recorded
        .lines()
        .filter(|line| line.starts_with("  -"))
        .flat_map(|line| {
            line.split(|c: char| c.is_whitespace() || c == ',')
                .filter(|word| word.starts_with('-'))
        });
    let missing: BTreeSet<&str> = words
        .map(|word| word.split('=').next().unwrap_or(word))
        .filter(|option| {
            !ours.lines().any(|line| {
                line.split(|c: char| c.is_whitespace() || c == ',' || c == '=')
                    .any(|word| word == *option)
            })
        })
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("the help lacks {missing:?}"))
    }
}

#[derive(Default)]
struct Used {
    differences: BTreeSet<Difference>,
    endings: BTreeSet<&'static str>,
}

/// Replays all runs of a recording and returns the differences they needed.
fn check(group: &str, recording: &str) -> Used {
    let recording: Recording = serde_json::from_str(recording).expect("a recording");
    assert!(!recording.runs.is_empty());
    let loaded = loaded();
    let mut used = Used::default();
    let mut failures = Vec::new();
    for recorded in &recording.runs {
        let ours = replay(recorded, &loaded);
        if let Err(complaint) = compare(recorded, &ours, &loaded, &mut used) {
            failures.push(format!(
                "{group}/{}: {:?}\n{complaint}\nours: status {:?}\n--- stdout\n{}\n--- stderr\n{}",
                recorded.name, recorded.argv, ours.status, ours.stdout, ours.stderr
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} runs differ:\n\n{}",
        failures.len(),
        recording.runs.len(),
        failures.join("\n\n")
    );
    used
}

/// All groups in one test, so that every difference is known to be needed.
#[test]
fn recorded_runs_give_the_recorded_output() {
    let groups = [
        ("get", include_str!("data/get.json")),
        ("get_endpoints", include_str!("data/get_endpoints.json")),
        ("get_metadata", include_str!("data/get_metadata.json")),
        ("filters", include_str!("data/filters.json")),
        ("errors", include_str!("data/errors.json")),
        (
            "errors_extended_csv",
            include_str!("data/errors_extended_csv.json"),
        ),
        ("http_errors", include_str!("data/http_errors.json")),
        ("help", include_str!("data/help.json")),
        ("dates", include_str!("data/dates.json")),
    ];
    let mut used = Used::default();
    for (group, recording) in groups {
        let more = check(group, recording);
        used.differences.extend(more.differences);
        used.endings.extend(more.endings);
    }
    for difference in ALL_DIFFERENCES {
        assert!(
            used.differences.contains(&difference),
            "no run needs {difference:?}"
        );
    }
    for ending in ENDINGS {
        assert!(
            used.endings.contains(ending.run),
            "no run needs the ending of {}",
            ending.run
        );
    }
}
