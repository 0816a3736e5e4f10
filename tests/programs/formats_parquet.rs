//! `-o parquet` read back by pyarrow and by DuckDB, and compared with `-o csv`.
//!
//! `make peers` installs the readers; where they are not installed, the tests that want
//! them say that they are skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use esmond_ps_tests::run;
use esmond_ps_tests::tools::peer;
use serde_json::{Value, json};

use crate::formats::{SUMMARIES, csv_rows, fetch, fetch_into};
use crate::recorded::loaded;
use crate::served::{Reply, Served, test};

/// Reads files with both readers; `None` where they are not installed, which is said
/// on stderr, uncaptured.
fn read(files: &[PathBuf]) -> Option<Vec<Value>> {
    let (interpreter, library) = peer("parquet", "pyarrow and DuckDB are")?;
    let output = Command::new(interpreter)
        .env("PYTHONPATH", library)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/read_parquet.py"))
        .args(files)
        .output()
        .expect("Python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
    )
}

/// Tells whether a csv field holds a value that was read.
fn is_same(text: &str, value: &Value) -> bool {
    match value {
        Value::Null => text.is_empty(),
        Value::String(value) => text == value,
        Value::Number(value) => {
            let text = text.parse::<f64>();
            text.is_ok() && text.ok() == value.as_f64()
        }
        _ => false,
    }
}

#[test]
fn two_readers_find_what_csv_holds() {
    // DIFFERENCE: the original has no such format.
    let loaded = loaded();
    let mut types: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    let mut compared = 0;
    for more in SUMMARIES {
        let directory = tempfile::tempdir().expect("a directory");
        let files = fetch_into(&loaded, "parquet", more, directory.path());
        let as_csv = fetch(&loaded, "csv", more);
        assert!(as_csv.keys().eq(files.keys()), "{more:?}");
        let path = |stem: &String| directory.path().join(format!("{stem}.parquet"));
        let Some(read) = read(&files.keys().map(path).collect::<Vec<_>>()) else {
            return;
        };
        for ((name, content), file) in as_csv.iter().zip(&read) {
            let rows = csv_rows(content);
            assert_eq!(file["compression"], "SNAPPY", "{name}");
            assert_eq!(file["arrow"], file["duckdb"], "{name}");
            let found = file["arrow"].as_array().expect("rows");
            assert_eq!(found.len(), rows.len(), "{name}");
            for (row, found) in rows.iter().zip(found) {
                for (column, text) in row {
                    let value = &found[column];
                    assert!(is_same(text, value), "{name}: {column}: {text} {value}");
                    compared += 1;
                }
                let key = found["metadata_key"].as_str().expect("a key");
                assert_eq!(key.len(), 32, "{name}");
            }
            let event_type = rows[0]["event_type"].clone();
            for column in file["columns"].as_array().expect("columns") {
                let text = |place: usize| column[place].as_str().expect("a text").to_owned();
                types.insert((event_type.clone(), text(0)), (text(1), text(2)));
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
    let is = |event_type: &str, column: &str, kind: &str, unit: &str| {
        let found = &types[&(event_type.to_owned(), column.to_owned())];
        assert_eq!(
            *found,
            (kind.to_owned(), unit.to_owned()),
            "{event_type} {column}"
        );
    };
    is("throughput", "timestamp", "timestamp[ms, tz=UTC]", "");
    is("throughput", "value", "double", "bit/s");
    is("throughput", "summary_window", "int64", "s");
    is("packet-reorders", "value", "int64", "packet");
    is("packet-loss-rate", "value", "double", "1");
    is("histogram-owdelay", "percentile_95", "double", "ms");
    is("packet-trace", "rtt", "double", "ms");
    is("packet-trace", "ttl", "int64", "");
    is("streams-throughput-subintervals", "start", "double", "s");
    is("failures", "msg", "string", "");
}

#[test]
fn files_of_increments_hold_each_point_once_and_resume_skips_them() {
    let served = Served::start(|asked, _| {
        if asked.path == crate::served::ROOT {
            return Reply::json(&json!([test("k", "10.0.0.2", "throughput", "base")]));
        }
        let from = asked.number("time-start").unwrap_or_default();
        let to = asked.number("time-end").unwrap_or_default();
        let points = (from.max(1000)..=to.min(5000)).filter(|ts| ts % 100 == 0);
        let points = points.map(|ts| json!({"ts": ts, "val": ts}));
        Reply::json(&points.take(1000).collect())
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let state = directory.path().join("state");
    let state = state.to_str().expect("a UTF-8 path");
    let files = || {
        let entries = fs::read_dir(path).expect("a directory");
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "parquet"));
        files.sort();
        files
    };
    for end in ["2000", "3000", "4000"] {
        let end = format!("time-end:{end}");
        let words = [
            "-u",
            &served.url,
            "-o",
            "parquet",
            "-I",
            "-D",
            path,
            "-F",
            "time-start:1000",
            "-F",
            &end,
            "--since-last",
            "--state",
            state,
            "--quiet",
        ];
        let ended = run("esmond-ps-get-bulk", &words);
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    }
    let increments = files();
    assert_eq!(increments.len(), 3, "{increments:?}");
    if let Some(read) = read(&increments) {
        let rows = read
            .iter()
            .flat_map(|file| file["arrow"].as_array().into_iter().flatten());
        let mut values: Vec<i64> = rows
            .map(|row| row["value"].as_f64().expect("a number") as i64)
            .collect();
        values.sort_unstable();
        let all: Vec<i64> = (1000..=4000).step_by(100).collect();
        assert_eq!(values, all);
    }
    // A complete file is left alone, one that was damaged is fetched again.
    let whole = [
        "-u",
        &served.url,
        "-o",
        "parquet",
        "-I",
        "-D",
        path,
        "-F",
        "time-start:1000",
        "-F",
        "time-end:4000",
        "--resume",
    ];
    assert_eq!(run("esmond-ps-get-bulk", &whole).status, Some(0));
    let again = run("esmond-ps-get-bulk", &whole);
    assert!(
        again.stderr.contains("complete already"),
        "{}",
        again.stderr
    );
    let file = files()
        .into_iter()
        .find(|file| !increments.contains(file))
        .expect("a file");
    let content = fs::read(&file).expect("a file");
    fs::write(&file, &content[..20]).expect("it is written");
    assert_eq!(run("esmond-ps-get-bulk", &whole).status, Some(0));
    assert_eq!(fs::read(&file).expect("a file"), content);
}

#[test]
fn a_value_that_does_not_fit_fails_its_series_and_leaves_no_file() {
    let served = Served::start(|asked, _| {
        if asked.path == crate::served::ROOT {
            return Reply::json(&json!([
                test("whole", "10.0.0.2", "packet-count-sent", "base"),
                test("odd", "10.0.0.3", "packet-count-sent", "base"),
            ]));
        }
        let value = if asked.path.contains("/odd/") {
            json!(0.5)
        } else {
            json!(600.0)
        };
        Reply::json(&json!([{"ts": 1_398_902_400, "val": value}]))
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    let words = [
        "-u",
        &served.url,
        "-S",
        "2014-05-01",
        "-E",
        "2014-05-02",
        "-I",
    ];
    let words = [&words[..], &["-o", "parquet", "-D", path]].concat();
    let ended = run("esmond-ps-get-bulk", &words);
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("value at 2014-05-01 00:00:00 is no whole number")
    );
    let names = fs::read_dir(path).expect("a directory").map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a text")
    });
    let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    assert_eq!(
        names,
        ["10.0.0.1_10.0.0.2_packet-count-sent_2014-05-01_2014-05-02.parquet"]
    );
}
