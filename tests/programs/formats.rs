//! The formats beside those of the originals, against the real archive: every row of
//! json and jsonl is as its schema below `docs/schema` says, tables fit, and
//! `--json-errors` leaves nothing else on stderr.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use esmond_ps_model::{Registry, RowLayout};
use esmond_ps_tests::{Run, command, run};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::recorded::{Loaded, loaded};
use crate::served::{Reply, Served};

/// What a fetch of everything is asked for besides.
pub(crate) const SUMMARIES: [&[&str]; 4] = [
    &[],
    &["-T", "aggregation", "-W", "86400"],
    &["-T", "average", "-W", "3600"],
    &["-T", "statistics", "-W", "86400"],
];

/// Fetches everything in a format. Returns contents by name, without the extension.
pub(crate) fn fetch(loaded: &Loaded, format: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().expect("a directory");
    fetch_into(loaded, format, more, directory.path())
}

/// As [`fetch`], into a directory that stays.
pub(crate) fn fetch_into(
    loaded: &Loaded,
    format: &str,
    more: &[&str],
    directory: &Path,
) -> BTreeMap<String, Vec<u8>> {
    let path = directory.to_str().expect("a UTF-8 path");
    let mut words = vec![
        "-u",
        &loaded.archive.url,
        "-S",
        "2014-05-01",
        "-E",
        "2099-01-01",
    ];
    words.extend(["-I", "-o", format, "-D", path, "--quiet"]);
    words.extend(more);
    let ended = run("esmond-ps-get-bulk", &words);
    assert_eq!(ended.status, Some(0), "{format} {more:?}: {}", ended.stderr);
    let entries = fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let stem = name.strip_suffix(&format!(".{format}"))?.to_owned();
            Some((stem, fs::read(&path).expect("a file")))
        })
        .filter(|(stem, _)| !stem.starts_with('.'))
        .collect()
}

/// Returns the rows of a csv file, each by column.
pub(crate) fn csv_rows(content: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(content);
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| row.expect("a row")).collect()
}

fn schema(name: &str) -> Value {
    let path = format!("{}/../docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

fn validator(name: &str) -> Validator {
    let schema = schema(name);
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::draft202012::new(&schema).expect("a schema")
}

#[track_caller]
fn check(validator: &Validator, what: &str, value: &Value) {
    if let Some(error) = validator.iter_errors(value).next() {
        panic!("{what}: {value}: at {}: {error}", error.instance_path());
    }
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// Returns the name of the schema of a row.
fn schema_of(row: &Value) -> &'static str {
    let registry = Registry::standard();
    let event_type = row["event_type"].as_str().expect("an event type");
    let layout = registry.event_type(event_type).map(|known| known.layout);
    match layout.unwrap_or(RowLayout::Value) {
        RowLayout::Histogram if row["summary_type"] == "statistics" => "histogram-statistics",
        layout => layout.name(),
    }
}

#[test]
fn every_row_of_data_is_as_its_schema_says() {
    let loaded = loaded();
    let mut validators: BTreeMap<&str, Validator> = BTreeMap::new();
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for more in SUMMARIES {
        let as_lines = fetch(&loaded, "jsonl", more);
        let as_list = fetch(&loaded, "json", more);
        assert!(as_lines.keys().eq(as_list.keys()));
        for (name, content) in &as_lines {
            let values = lines(std::str::from_utf8(content).expect("UTF-8"));
            let list: Value = serde_json::from_slice(&as_list[name]).expect("JSON");
            assert_eq!(list, json!(values), "{name}");
            for value in &values {
                let kind = schema_of(value);
                let validator = validators.entry(kind).or_insert_with(|| validator(kind));
                check(validator, name, value);
                *rows.entry(kind).or_default() += 1;
            }
        }
    }
    let seen: Vec<&str> = rows.keys().copied().collect();
    let mut all: Vec<&str> = RowLayout::ALL.iter().map(|layout| layout.name()).collect();
    all.push("histogram-statistics");
    all.sort_unstable();
    assert_eq!(seen, all, "{rows:?}");
}

#[test]
fn a_schema_takes_no_row_of_another_layout() {
    let loaded = loaded();
    let files = fetch(&loaded, "jsonl", &[]);
    let mut first: BTreeMap<&str, Value> = BTreeMap::new();
    for content in files.values() {
        for row in lines(std::str::from_utf8(content).expect("UTF-8")) {
            first.entry(schema_of(&row)).or_insert(row);
        }
    }
    let documents = "a document may be a number";
    for (kind, row) in &first {
        for other in first
            .keys()
            .filter(|other| *other != kind && **other != "value")
        {
            let takes = validator(other).is_valid(row);
            assert!(
                !takes || *kind == "value",
                "{other} takes {row}; {documents}"
            );
        }
    }
}

#[test]
fn rows_about_tests_are_as_their_schemas_say() {
    let loaded = loaded();
    let url = loaded.archive.url.as_str();
    for (program, more, name) in [
        ("esmond-ps-get-endpoints", &[][..], "endpoints"),
        ("esmond-ps-get-metadata", &[], "metadata"),
        ("esmond-ps-get-metadata", &["-M"], "metadata-extended"),
    ] {
        let validator = validator(name);
        let mut words = vec!["-u", url, "-S", "2014-05-01", "-I", "-o", "jsonl"];
        words.extend(more);
        let rows = lines(&run(program, &words).stdout);
        assert!(rows.len() > 8, "{name}");
        rows.iter().for_each(|row| check(&validator, name, row));
        let mut odd = rows[0].clone();
        odd["measurement_agent"] = json!(5);
        assert!(!validator.is_valid(&odd), "{name}");
    }
}

#[test]
fn the_report_of_get_bulk_is_as_its_schema_says() {
    let loaded = loaded();
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report");
    let report = report.to_str().expect("a UTF-8 path");
    fetch_into(&loaded, "csv", &["--report", report], directory.path());
    let value = serde_json::from_str(&fs::read_to_string(report).expect("a report"));
    let value: Value = value.expect("JSON");
    assert!(value["totals"]["files"].as_u64() > Some(20));
    check(&validator("bulk-report"), "report", &value);
}

/// Runs a program with a width and returns what it prints.
fn table(program: &str, url: &str, columns: Option<&str>, more: &[&str]) -> String {
    let mut command = command(program);
    command.args([
        "-u",
        url,
        "-S",
        "2014-05-01",
        "-E",
        "2099-01-01",
        "-I",
        "-o",
        "table",
    ]);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    let output = command.args(more).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn tables_fit_the_screen_and_hold_what_csv_holds() {
    let loaded = loaded();
    let url = loaded.archive.url.as_str();
    let of = |event_type| vec!["-s", "10.1.1.1", "-d", "10.1.1.2", "-e", event_type];
    for (program, more) in [
        ("esmond-ps-get", of("throughput")),
        ("esmond-ps-get", of("packet-trace")),
        ("esmond-ps-get", of("histogram-owdelay")),
        ("esmond-ps-get", of("streams-throughput-subintervals")),
        ("esmond-ps-get-endpoints", vec![]),
        ("esmond-ps-get-metadata", vec![]),
    ] {
        for columns in ["40", "60", "80", "200"] {
            let text = table(program, url, Some(columns), &more);
            let most: usize = columns.parse().expect("a number");
            let widths: BTreeSet<usize> = text.lines().map(|l| l.chars().count()).collect();
            assert_eq!(widths.len(), 1, "{program} {more:?}\n{text}");
            assert!(widths.first() <= Some(&most), "{program} {more:?}\n{text}");
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
    let wide = table("esmond-ps-get", url, None, &of("throughput"));
    let mut words = vec![
        "-u",
        url,
        "-S",
        "2014-05-01",
        "-E",
        "2099-01-01",
        "-I",
        "-o",
        "csv",
    ];
    words.extend(of("throughput"));
    let csv = run("esmond-ps-get", &words).stdout;
    let words = |line: &str| line.split_whitespace().map(ToOwned::to_owned).collect();
    let of_table: Vec<Vec<String>> = wide.lines().map(words).collect();
    let of_csv = csv.lines().filter(|line| !line.is_empty());
    let of_csv: Vec<Vec<String>> = of_csv.map(|line| words(&line.replace(',', " "))).collect();
    assert_eq!(of_table[0], of_csv[0]);
    assert_eq!(of_table[2..], of_csv[1..], "{wide}");
    let none = table(
        "esmond-ps-get",
        url,
        None,
        &["-s", "10.9.9.9", "-d", "10.1.1.2", "-e", "throughput"],
    );
    assert_eq!(none, "No data found.\n");
}

#[test]
fn a_format_that_a_program_has_not_is_named_with_those_that_have_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let get = &["-s", "10.1.1.1", "-d", "10.1.1.2", "-e", "throughput"][..];
    for (program, format, more, expected) in [
        (
            "esmond-ps-get-endpoints",
            "influx",
            &[][..],
            "hint: esmond-ps-get and esmond-ps-get-bulk",
        ),
        (
            "esmond-ps-get-metadata",
            "influx",
            &[],
            "hint: esmond-ps-get and esmond-ps-get-bulk",
        ),
        (
            "esmond-ps-get-metadata",
            "parquet",
            &[],
            "hint: esmond-ps-get-bulk has it",
        ),
        (
            "esmond-ps-get",
            "parquet",
            get,
            "hint: esmond-ps-get-bulk has it",
        ),
        (
            "esmond-ps-get-bulk",
            "table",
            &["-D", path],
            "hint: esmond-ps-get, esmond-ps-get-m",
        ),
    ] {
        let mut words = vec!["-u", "http://127.0.0.1:9", "-o", format];
        words.extend(more);
        let ended = run(program, &words);
        assert_eq!(ended.status, Some(2), "{program} {format}");
        assert!(
            ended.stderr.contains(expected),
            "{program}: {}",
            ended.stderr
        );
    }
}

/// Checks that stderr is JSON as the schema says, with the exit status on the last
/// line alone, and returns the objects.
#[track_caller]
fn told(what: &str, ended: &Run) -> Vec<Value> {
    let validator = validator("error");
    let objects = lines(&ended.stderr);
    objects
        .iter()
        .for_each(|object| check(&validator, what, object));
    let exits: Vec<usize> = (0..objects.len())
        .filter(|place| objects[*place].get("exit").is_some())
        .collect();
    if ended.status == Some(0) {
        assert!(exits.is_empty(), "{what}: {objects:?}");
    } else {
        assert_eq!(exits, [objects.len() - 1], "{what}: {objects:?}");
        let last = &objects[objects.len() - 1];
        assert_eq!(last["exit"].as_i64(), ended.status.map(i64::from), "{what}");
    }
    objects
}

/// A line of the log of a GridFTP server.
const TRANSFER: &str = "DATE=20180501120010.000000 HOST=198.51.100.10 PROG=globus-gridftp-server \
    NL.EVNT=FTP_INFO START=20180501120000.000000 USER=u FILE=/f BUFFER=131072 BLOCK=262144 NBYTES=1000 \
    VOLUME=/ STREAMS=1 STRIPES=1 DEST=[203.0.113.81] TYPE=STOR CODE=226 TASKID=none retrans=1\n";

#[test]
fn with_json_errors_everything_on_stderr_is_json() {
    // DIFFERENCE: the originals have nothing of the kind.
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let log = directory.path().join("transfer.log");
    fs::write(&log, TRANSFER).expect("it is written");
    let log = log.to_str().expect("a UTF-8 path");
    let loaded = loaded();
    let url = loaded.archive.url.as_str();
    let pair = &["-s", "10.1.1.1", "-d", "10.1.1.2", "-e", "throughput"][..];
    let refused = "http://127.0.0.1:9";
    type Case<'a> = (&'a str, Vec<&'a str>, i32, &'a str);
    let with = |words: &[&'static str], more: &[&'static str]| [words, more].concat();
    let cases: Vec<Case<'_>> = vec![
        ("esmond-ps-get", vec![], 2, "--url is a required arg"),
        (
            "esmond-ps-get",
            vec!["--bogus"],
            2,
            "no such option: --bogus",
        ),
        (
            "esmond-ps-get",
            with(&["-u", "http://h", "-o", "xml"], pair),
            2,
            "xml is not a valid",
        ),
        (
            "esmond-ps-get-endpoints",
            vec!["-u", refused, "--retries", "0"],
            1,
            "",
        ),
        (
            "esmond-ps-get-metadata",
            vec!["-u", url, "-F", "x", "-v"],
            0,
            "--filter arg x",
        ),
        (
            "esmond-ps-get-bulk",
            vec!["-u", url, "-o", "csv", "-D", path],
            0,
            "",
        ),
        (
            "esmond-ps-get-bulk",
            vec!["-u", url, "-o", "csv", "-D", "/nosuch"],
            2,
            "output path",
        ),
        ("esmond-ps-load-gridftp", vec![], 2, ""),
        (
            "esmond-ps-load-gridftp",
            vec!["-f", "/nosuch", "-U", refused, "-d"],
            2,
            "/nosuch does not exist",
        ),
        (
            "esmond-ps-load-gridftp",
            vec!["-f", log, "-U", refused, "-d", "--retries", "0"],
            1,
            "not everything could be stored",
        ),
        (
            "esmond-ps-pipe",
            vec!["--bogus"],
            2,
            "no such option: --bogus",
        ),
    ];
    for (program, mut words, status, message) in cases {
        words.push("--json-errors");
        let ended = run(program, &words);
        let what = format!("{program} {words:?}");
        assert_eq!(ended.status, Some(status), "{what}: {}", ended.stderr);
        let objects = told(&what, &ended);
        assert!(!objects.is_empty(), "{what}");
        assert!(
            objects.iter().all(|object| object["program"] == program),
            "{what}"
        );
        let is_there = objects.iter().any(|object| {
            object["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(message))
        });
        assert!(is_there, "{what}: {objects:?}");
    }
}

#[test]
fn a_failure_names_archive_causes_test_and_event_type() {
    let words = [
        "-u",
        "http://127.0.0.1:9",
        "--retries",
        "0",
        "--json-errors",
    ];
    let ended = run("esmond-ps-get-endpoints", &words);
    let objects = told("refused", &ended);
    let last = objects.last().expect("an object");
    assert_eq!(last["level"], "error");
    assert!(
        last["archive"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://127.0.0.1:9/"))
    );
    assert!(
        last["detail"]
            .as_array()
            .is_some_and(|causes| !causes.is_empty()),
        "{last}"
    );

    // A test whose data cannot be read, beside one that can.
    let test = |key: &str| crate::served::test(key, "10.0.0.2", "throughput", "base");
    let tests = json!([test("good"), test("bad")]);
    let served = Served::start(move |asked, _| {
        if asked.path.contains("/bad/") {
            return Reply::status(400);
        }
        if asked.path.contains("/good/") {
            return Reply::json(&json!([{"ts": 1_398_902_400, "val": 5}]));
        }
        Reply::json(&tests)
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let window = [
        "-u",
        &served.url,
        "-S",
        "2014-05-01",
        "-E",
        "2014-05-02",
        "-I",
        "--json-errors",
    ];
    let pair = ["-s", "10.0.0.1", "-d", "10.0.0.2", "-e", "throughput"];
    for (program, more) in [
        ("esmond-ps-get", &[][..]),
        ("esmond-ps-get-bulk", &["-o", "csv", "-D", path]),
    ] {
        let words = [&window[..], &pair, more].concat();
        let ended = run(program, &words);
        assert_eq!(ended.status, Some(3), "{program}: {}", ended.stderr);
        let objects = told(program, &ended);
        let named = objects
            .iter()
            .find(|object| object["metadata-key"] == "bad");
        let named = named.unwrap_or_else(|| panic!("{program}: {objects:?}"));
        assert_eq!(named["level"], "error", "{program}");
        assert_eq!(named["event-type"], "throughput", "{program}");
    }
}
