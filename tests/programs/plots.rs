//! `esmond-ps-get --plot`, `--plot-file` and `--stats` against the real archive.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use esmond_ps_model::{Registry, RowLayout};
use esmond_ps_tests::tools::{peer, skipped};
use esmond_ps_tests::{Run, TestArchive, command, run};
use serde_json::{Value, json};

use crate::recorded::loaded;
use crate::served::{ROOT, Reply, Served, test as listed};

/// 2026-11-23 02:13:20 UTC.
const FROM: i64 = 1_795_400_000;

const A: &str = "10.8.0.1";
const B: &str = "10.8.0.2";

fn test(tool: &str, event_types: &[&str]) -> Value {
    let summaries = json!([{"summary-type": "average", "summary-window": 3600}]);
    let event_types: Vec<Value> = event_types
        .iter()
        .map(|name| match *name {
            "throughput" => json!({"event-type": name, "summaries": summaries}),
            name => json!({"event-type": name}),
        })
        .collect();
    json!({
        "subject-type": "point-to-point", "source": A, "destination": B, "tool-name": tool,
        "measurement-agent": A, "input-source": "a.example", "input-destination": "b.example",
        "event-types": event_types,
    })
}

fn points(event_type: &str, values: impl IntoIterator<Item = (i64, Value)>) -> Value {
    values
        .into_iter()
        .map(|(ts, value)| json!({"ts": ts, "val": [{"event-type": event_type, "val": value}]}))
        .collect()
}

/// Throughput every half hour with hours missing, of two tools; histograms; paths.
fn archive() -> TestArchive {
    let archive = TestArchive::start();
    let iperf3 = archive.create(&test("bwctl/iperf3", &["throughput"]));
    let times = (0..48).filter(|number| !(15..25).contains(number));
    let values = times.map(|number| {
        (
            FROM + number * 1800,
            json!(9_000_000_000 + number * 7_000_001),
        )
    });
    archive.write(&iperf3, &points("throughput", values));
    let iperf = archive.create(&test("bwctl/iperf", &["throughput"]));
    let values = (0..4).map(|number| (FROM + number * 21_600, json!(400_000_000 + number)));
    archive.write(&iperf, &points("throughput", values));
    let powstream = archive.create(&test(
        "powstream",
        &["histogram-owdelay", "packet-loss-rate"],
    ));
    let values = [
        (FROM, json!({"41.0": 3, "40.5": 1})),
        (FROM + 60, json!({"41.00": 1, "50": 1})),
    ];
    archive.write(&powstream, &points("histogram-owdelay", values));
    let tracepath = archive.create(&test("tracepath", &["packet-trace"]));
    let hop = |ip: &str| json!([{"ttl": 1, "query": 1, "success": 1, "ip": ip}]);
    let values = [(FROM, hop("10.0.0.1")), (FROM + 600, hop("10.0.0.9"))];
    archive.write(&tracepath, &points("packet-trace", values));
    archive
}

/// Options that ask for that day of an event type.
fn asked<'a>(url: &'a str, event_type: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["-u", url, "-s", A, "-d", B, "-e", event_type, "-I"];
    arguments.extend(["-S", "1795400000", "-E", "1795486400"]);
    arguments.extend(more);
    arguments
}

fn get(archive: &TestArchive, event_type: &str, more: &[&str]) -> Run {
    run("esmond-ps-get", &asked(&archive.url, event_type, more))
}

#[test]
fn a_plot_fits_the_screen_and_names_what_is_measured_in_which_unit_and_when() {
    // DIFFERENCE: the original draws nothing.
    let archive = archive();
    for (locale, columns, is_ascii) in [("C", 60, true), ("de_DE.UTF-8", 100, false)] {
        let output = command("esmond-ps-get")
            .args(asked(
                &archive.url,
                "throughput",
                &["--plot", "--tool", "bwctl/iperf3"],
            ))
            .env("COLUMNS", columns.to_string())
            .env("LINES", "24")
            .env("LC_ALL", locale)
            .output()
            .expect("it starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!(text.is_ascii(), is_ascii, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= columns),
            "{text}"
        );
        assert!(
            text.lines().count() < 24 && !text.contains('\x1b'),
            "{text}"
        );
        for part in [
            "throughput from 10.8.0.1 to 10.8.0.2",
            "(Gb/s)",
            "38 values",
            "UTC",
            "2026-11-24",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}

#[test]
fn a_picture_has_a_panel_for_each_test_and_leaves_no_other_file() {
    let archive = archive();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("t.SVG");
    let name = file.to_str().expect("UTF-8");
    fs::write(&file, "old").expect("it is written");
    let run = get(&archive, "throughput", &["--plot-file", name]);
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "", "")
    );
    let svg = fs::read_to_string(&file).expect("a picture");
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    assert_eq!(svg.matches("class=\"panel\"").count(), 2);
    assert_eq!(svg.matches("class=\"gap\"").count(), 1);
    for label in [
        "bwctl/iperf3: 38 values",
        "bwctl/iperf: 4 values",
        "throughput (Gb/s)",
        "throughput (Mb/s)",
    ] {
        assert!(svg.contains(label), "{label} is not in {svg}");
    }
    let files: Vec<_> = fs::read_dir(directory.path())
        .expect("a directory")
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    match Command::new("xmllint").arg("--noout").arg(&file).status() {
        Ok(status) => assert!(status.success(), "xmllint refuses the picture"),
        Err(_) => skipped("no xmllint on this machine (apt-get install libxml2-utils)"),
    }
}

#[test]
fn a_png_picture_is_twice_as_many_pixels() {
    let archive = archive();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("t.png");
    let name = file.to_str().expect("UTF-8");
    let run = get(&archive, "packet-trace", &["--plot-file", name]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let png = fs::read(&file).expect("a picture");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(png[16..20], 2000_u32.to_be_bytes());
}

#[test]
fn a_picture_of_another_kind_is_a_usage_error_before_anything_is_asked() {
    let served = Served::start(|_, _| panic!("nothing is asked"));
    for name in ["t.pdf", "t", ".png", "svg"] {
        let run = run(
            "esmond-ps-get",
            &asked(&served.url, "throughput", &["--plot-file", name]),
        );
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.stderr.contains(".svg or .png"), "{run:?}");
    }
}

#[test]
fn options_that_contradict_each_other_are_usage_errors() {
    let archive = archive();
    for (event_type, options, part) in [
        ("throughput", &["--plot", "-o", "csv"][..], "--plot-file"),
        ("throughput", &["--stats", "-o", "influx"], "influx"),
        ("packet-trace", &["--stats"], "paths"),
        (
            "histogram-owdelay",
            &["--stats", "-T", "statistics"],
            "--summary-type statistics",
        ),
        ("pscheduler-raw", &["--plot"], "documents"),
    ] {
        let run = get(&archive, event_type, options);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains(part), "{run:?}");
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_told_before_anything_is_read() {
    let archive = archive();
    let run = get(
        &archive,
        "throughput",
        &["--plot-file", "/nowhere/at/all/t.svg"],
    );
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(run.stderr.contains("/nowhere/at/all/t.svg"), "{run:?}");
}

#[test]
fn no_data_is_said_and_an_old_picture_does_not_stay() {
    let archive = archive();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("t.svg");
    fs::write(&file, "old").expect("it is written");
    let name = file.to_str().expect("UTF-8");
    for options in [
        &["--plot"][..],
        &["--plot-file", name],
        &["--stats"],
        &["--plot", "--stats"],
    ] {
        let run = get(&archive, "packet-loss-rate", options);
        let expected = (Some(0), "No data found.\n", "");
        assert_eq!(
            (run.status, run.stdout.as_str(), run.stderr.as_str()),
            expected,
            "{options:?}"
        );
    }
    assert!(
        fs::read_to_string(&file)
            .expect("a picture")
            .contains("no data found")
    );
    let run = get(&archive, "packet-loss-rate", &["--stats", "-o", "json"]);
    assert_eq!(run.stdout.trim(), "[]");
}

#[test]
fn summaries_are_drawn_and_counted_as_such() {
    let archive = archive();
    let run = get(
        &archive,
        "throughput",
        &["-T", "average", "-W", "3600", "--plot", "--stats"],
    );
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(
        run.stdout
            .starts_with("average of 3600 s of throughput from"),
        "{run:?}"
    );
    assert!(run.stdout.contains("percentile_95"), "{run:?}");
}

#[test]
fn statistics_are_the_same_in_each_format() {
    let archive = archive();
    let options = ["--stats", "--tool", "powstream", "-o"];
    let printed = |format| {
        let run = get(
            &archive,
            "histogram-owdelay",
            &[&options[..], &[format]].concat(),
        );
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        run.stdout
    };
    let rows: Vec<Value> = serde_json::from_str(&printed("json")).expect("JSON");
    assert_eq!(
        rows,
        [json!({
            "source": A, "destination": B, "event_type": "histogram-owdelay", "tool": "powstream",
            "summary_type": "base", "summary_window": 0, "unit": "ms", "count": 6, "min": 40.5,
            "mean": 254.5 / 6.0, "median": 41.0, "percentile_95": 47.75, "max": 50.0,
            "standard_deviation": rows[0]["standard_deviation"],
            "first": "2026-11-23 02:13:20", "last": "2026-11-23 02:14:20",
        })]
    );
    let schema = serde_json::from_str(include_str!("../../docs/schema/stats.json")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    assert!(validator.is_valid(&rows[0]), "{rows:?}");
    let line: Value = serde_json::from_str(&printed("jsonl")).expect("a line of JSON");
    assert_eq!(line, rows[0]);
    let mut csv = csv::Reader::from_reader(printed("csv").as_bytes().to_vec().leak() as &[u8]);
    let names = csv.headers().expect("a header").clone();
    let record = csv.records().next().expect("a row").expect("csv");
    for (name, cell) in names.iter().zip(&record) {
        let expected = match &rows[0][name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(cell, expected, "{name}");
    }
    for (format, mean) in [("human", "42.4167 "), ("table", "42.41666666666")] {
        let table = printed(format);
        assert_eq!(table.lines().count(), 3, "{table}");
        for part in ["median", "47.75", "ms", mean] {
            assert!(table.contains(part), "{part} is not in\n{table}");
        }
    }
}

#[test]
fn each_test_has_its_statistics() {
    let archive = archive();
    let run = get(&archive, "throughput", &["--stats", "-o", "jsonl"]);
    let mut counts: Vec<(String, u64)> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|row| {
            (
                row["tool"].as_str().expect("a tool").to_owned(),
                row["count"].as_u64().expect("a count"),
            )
        })
        .collect();
    counts.sort();
    assert_eq!(
        counts,
        [
            ("bwctl/iperf".to_owned(), 4),
            ("bwctl/iperf3".to_owned(), 38)
        ]
    );
}

/// Everything that was recorded of the originals' archive.
#[test]
fn every_event_type_is_drawn_and_counted_or_refused_by_its_kind() {
    let loaded = loaded();
    let dataset: Value = serde_json::from_str(include_str!("data/dataset.json")).expect("JSON");
    let mut asked = BTreeSet::new();
    for record in dataset["metadata"].as_array().expect("a list") {
        for entry in record["post"]["event-types"].as_array().expect("a list") {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let source = text(&record["post"]["source"]).expect("a source");
            let event_type = text(&entry["event-type"]).expect("a name");
            asked.insert((source, text(&record["post"]["destination"]), event_type));
        }
    }
    assert!(asked.len() > 10);
    let mut drawn = 0;
    for (source, destination, event_type) in &asked {
        let layout = Registry::standard()
            .event_type(event_type)
            .map(|known| known.layout);
        let mut arguments = vec![
            "-u",
            &loaded.archive.url,
            "-s",
            source,
            "-e",
            event_type,
            "-I",
        ];
        arguments.extend(["-S", "2000-01-01"]);
        if let Some(destination) = destination {
            arguments.extend(["-d", destination]);
        }
        let ask = |option: &str| run("esmond-ps-get", &[&arguments[..], &[option]].concat());
        let plot = ask("--plot");
        let is_document = layout.is_none_or(|layout| layout == RowLayout::Value);
        assert_eq!(
            plot.status,
            Some(if is_document { 2 } else { 0 }),
            "{plot:?}"
        );
        drawn += u32::from(plot.stdout.contains("UTC"));
        let statistics = ask("--stats");
        let is_number =
            !is_document && !matches!(layout, Some(RowLayout::PacketTrace | RowLayout::Failures));
        assert_eq!(
            statistics.status,
            Some(if is_number { 0 } else { 2 }),
            "{statistics:?}"
        );
    }
    assert!(drawn > 5, "{drawn}");
}

#[test]
fn a_series_that_breaks_off_is_drawn_as_such_and_not_counted() {
    let served = Served::start(|asked, _| {
        let path = asked.path.as_str();
        let page: Vec<Value> = (0..1000)
            .map(|at| json!({"ts": FROM + at, "val": at}))
            .collect();
        match path {
            ROOT => Reply::json(&json!([
                listed("k1", B, "throughput", "base"),
                listed("k2", B, "throughput", "base"),
            ])),
            _ if path.contains("k1") && asked.number("time-start") > Some(FROM) => {
                Reply::status(400)
            }
            _ if path.contains("k1") => Reply::json(&page.into()),
            _ if asked.number("time-start") > Some(FROM) => {
                Reply::json(&json!([{"ts": FROM + 2, "val": 3}]))
            }
            _ => Reply::json(&json!([{"ts": FROM + 1, "val": 1}, {"ts": FROM + 2, "val": 3}])),
        }
    });
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("t.svg");
    let name = file.to_str().expect("UTF-8");
    let options = [
        "--plot-file",
        name,
        "--stats",
        "-o",
        "jsonl",
        "--retries",
        "0",
    ];
    let run = run("esmond-ps-get", &asked(&served.url, "throughput", &options));
    assert_eq!(run.status, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("k1") && !run.stderr.contains("k2"),
        "{run:?}"
    );
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    let row: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&row["count"], &row["mean"]), (&json!(2), &json!(2.0)));
    let svg = fs::read_to_string(&file).expect("a picture");
    assert!(svg.contains("bwctl/iperf3 (k1) [incomplete]: "), "{svg}");
    assert!(svg.contains("bwctl/iperf3 (k2): 2 values"), "{svg}");
}

#[test]
fn tests_that_have_no_place_in_a_plot_are_told_and_still_counted() {
    let archive = TestArchive::start();
    for number in 0..14 {
        let key = archive.create(&test(&format!("tool{number}"), &["throughput"]));
        archive.write(
            &key,
            &points("throughput", [(FROM + number, json!(number))]),
        );
    }
    let run = get(&archive, "throughput", &["--plot", "--stats"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(
        run.stderr.starts_with("2 more series are not drawn"),
        "{run:?}"
    );
    assert_eq!(run.stdout.matches("1 value,").count(), 12, "{run:?}");
    let counted = run
        .stdout
        .lines()
        .filter(|line| line.contains("2026-11-23 02:13"))
        .count();
    assert_eq!(counted, 14, "{run:?}");
}

/// numpy itself, on the values that the archive answers.
#[test]
fn statistics_are_those_that_numpy_computes_here() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Some((interpreter, library)) = peer("numpy", "numpy is") else {
        return;
    };
    let archive = TestArchive::start();
    let key = archive.create(&test("bwctl/iperf3", &["throughput"]));
    let values: Vec<u64> = (0..1500)
        .map(|_| rand::random_range(1..100_000_000_000))
        .collect();
    let times = values.iter().zip(FROM..);
    archive.write(
        &key,
        &points("throughput", times.map(|(value, ts)| (ts, json!(value)))),
    );
    let run = get(&archive, "throughput", &["--stats", "-o", "jsonl"]);
    let ours: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let mut numpy = Command::new(interpreter)
        .arg(workspace.join("crates/get/tests/data/numpy.py"))
        .arg("-")
        .env("PYTHONPATH", &library)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = numpy.stdin.take().expect("a pipe");
    input
        .write_all(json!(values).to_string().as_bytes())
        .expect("it reads");
    drop(input);
    let output = numpy.wait_with_output().expect("it ends");
    let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (name, expected) in theirs.as_object().expect("statistics") {
        assert_eq!(
            ours[name].as_f64(),
            expected.as_f64(),
            "{name} of {values:?}"
        );
    }
}
