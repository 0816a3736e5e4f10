//! `get`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc;

use serde_json::Value;

use crate::server::{Reply, Server};
use crate::site::{names, program, recorded, run, signal, site, site_with};

const TIME: [&str; 4] = ["--start", "2016-07-13", "--end", "2016-07-14"];

fn get(server: &Server, words: &[&str]) -> crate::site::Run {
    run(server, &[&["get"], words, &TIME].concat())
}

#[test]
fn json_holds_the_samples_of_the_api() {
    let site = site();
    let expected: Value = serde_json::from_slice(&recorded("access_samples_types").body).unwrap();
    let made = get(&site, &["types", "-o", "json"]).json();
    let number = |value: &Value| value.as_array().unwrap().len();
    assert_eq!(number(&made), number(&expected));
    for (made, expected) in made
        .as_array()
        .unwrap()
        .iter()
        .zip(expected.as_array().unwrap())
    {
        for name in ["time", "severity", "status", "quality", "type"] {
            assert_eq!(made[name], expected[name]);
        }
        // All digits of integers, and the words of what is no number.
        if expected["type"] == "long" || expected["type"] == "string" {
            assert_eq!(made["value"], expected["value"]);
        }
        assert_eq!(number(&made["value"]), number(&expected["value"]));
    }
    let asked = site.asked();
    let start = "/archive-access/api/1.0/archive/1/samples/types?start=1468368000000000000";
    assert!(asked[0].target.starts_with(start), "{}", asked[0].target);
    // The first answer may have been cut off in silence.
    assert_eq!(asked.len(), 2);
}

#[test]
fn csv_and_human_have_a_cell_for_each_thing() {
    let site = site();
    let made = get(&site, &["types", "-o", "csv"]);
    let mut lines = made.out.split("\r\n");
    let header = "time,date,type,value,label,minimum,maximum,severity,hasValue,status,quality,\
        units,precision,displayLow,displayHigh,warnLow,warnHigh,alarmLow,alarmHigh,states";
    assert_eq!(lines.next(), Some(header));
    let first = "1468429059824011000,2016-07-13T16:57:39.824011000Z,double,7.0,,,,OK,True,\
        NO_ALARM,Original,V,2,0.0,0.0,NaN,12.0,NaN,15.0,";
    assert_eq!(lines.next(), Some(first));
    assert!(lines.any(|line| line.contains(",enum,")), "{made:?}");
    let made = get(&site, &["types"]);
    let first = "date: 2016-07-13T16:57:39.824011000Z\ntype: double\nvalue: 7.0\nseverity: OK\n\
        status: NO_ALARM\nquality: Original\nunits: V\n= + = + = + = + = + =\n";
    assert!(made.out.starts_with(first), "{made:?}");
    assert!(!made.out.contains("None\n"), "{made:?}");
}

#[test]
fn decimated_samples_come_sorted() {
    let site = site();
    let words = ["get", "stitched", "--count", "1000000", "-o", "json"];
    let times = ["--start", "1970-01-01", "--end", "1970-01-01 00:17:40"];
    let made = run(&site, &[&words[..], &times].concat()).json();
    let times: Vec<i64> = made
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| sample["time"].as_i64().unwrap())
        .collect();
    assert!(times.is_sorted() && times.len() > 10, "{times:?}");
    let asked = site.asked();
    assert_eq!(asked.len(), 1, "decimated samples are asked for once");
    assert!(
        asked[0]
            .target
            .ends_with("start=0&end=1060000000000&count=1000000")
    );
}

#[test]
fn boundaries_stay_unless_they_are_dropped() {
    let site = site();
    let inside = "1468429059824011000";
    let words = [
        "get",
        "types",
        "--start",
        "1468429059824011001",
        "--end",
        "2016-07-14",
        "-o",
        "json",
    ];
    assert_ne!(run(&site, &words).json()[0]["time"].to_string(), inside);
    let words = [
        "get",
        "types",
        "--start",
        "2017-01-01",
        "--end",
        "2017-01-02",
        "-o",
        "json",
    ];
    assert_eq!(run(&site, &words).json().as_array().unwrap().len(), 1);
    let made = run(&site, &[&words[..], &["--drop-boundaries"]].concat()).json();
    assert!(made.as_array().unwrap().is_empty());
}

#[test]
fn what_cannot_be_had_says_why() {
    let site = site();
    for (words, status, expected) in [
        (&["nope"][..], 1, "there is no channel `nope`"),
        (&["noSupport"], 1, "500"),
        (&[r"a\b"], 2, "backslash"),
        (&["a/../b"], 2, "lead to another address"),
    ] {
        let made = get(&site, words);
        assert_eq!(
            (made.status, made.out.as_str()),
            (Some(status), ""),
            "{words:?}"
        );
        assert!(made.err.contains(expected), "{made:?}");
    }
    for times in [
        ["--start", "tomorow"],
        ["--start", "2999-01-01"],
        ["--start", "gibberish"],
    ] {
        let made = run(&site, &[&["get", "types"][..], &times].concat());
        assert_eq!(made.status, Some(2), "{made:?}");
    }
    let made = get(&site, &["empty"]);
    assert_eq!(
        (made.status, made.out.as_str()),
        (Some(0), "No data found.\n")
    );
}

fn sample(time: u64) -> String {
    format!(
        r#"{{"time":{time},"severity":{{"level":"OK","hasValue":true}},"status":"a\u001b[31m",
        "quality":"Original","type":"long","value":[{time}]}}"#
    )
}

#[test]
fn samples_that_break_off_are_printed_and_told() {
    // DIFFERENCE: the Python client takes what came as whole.
    let start = format!(
        "[{},{},",
        sample(1_468_400_000_000_000_000),
        sample(1_468_400_000_000_000_001)
    );
    let cut = Server::start(move |_| Reply::cut(start.clone()));
    let made = get(&cut, &["a", "-o", "json"]);
    assert_eq!(made.status, Some(3));
    let printed: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(printed.as_array().unwrap().len(), 2);
    assert!(made.err.contains("the samples are incomplete"), "{made:?}");
    let human = get(&cut, &["a"]).out;
    assert!(human.contains("status: a\\x1b[31m\n"), "{human}");
}

/// A site of channels with odd names, of which some cannot be had.
fn odd() -> Server {
    site_with(|asked| {
        let names = r#"["../x","a/b","a:b","back\\slash","empty","gone","types"]"#;
        if asked.target.contains("channels-by-pattern") {
            return Some(Reply::json(200, names));
        }
        let body = format!("[{}]", sample(1_468_400_000_000_000_000));
        let found = ["/samples/a/b?", "/samples/a%3Ab?"];
        let is_found = found.iter().any(|path| asked.target.contains(path));
        is_found.then(|| Reply::json(200, body))
    })
}

#[test]
fn each_channel_of_a_pattern_has_a_file() {
    let site = odd();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let made = get(&site, &["--glob", "*", "-D", path, "-o", "csv"]);
    assert_eq!((made.status, made.out.as_str()), (Some(3), ""), "{made:?}");
    for expected in [
        "error: channel ../x: ",
        "error: channel back\\slash: ",
        "error: channel gone: there is no channel `gone`",
        "files: 3, samples: 15; channels without samples: 1, failed: 3\n",
    ] {
        assert!(made.err.contains(expected), "{expected} {made:?}");
    }
    let files = names(directory.path());
    assert_eq!(files.len(), 3, "{files:?}");
    let times = "2016-07-13T000000Z_2016-07-14T000000Z";
    assert_eq!(files[2], format!("types_{times}.csv"));
    assert!(files[0].starts_with(&format!("a-b_{times}_")) && files[0] != files[1]);
    let whole = get(&site, &["types", "-o", "csv"]).out;
    let file = fs::read_to_string(directory.path().join(&files[2])).unwrap();
    assert_eq!(file, whole);
    // A second run replaces them.
    get(&site, &["--glob", "*", "-D", path, "-o", "csv", "--quiet"]);
    assert_eq!(names(directory.path()), files);
}

#[test]
fn channels_of_an_expression_may_all_fail() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let made = get(
        &site,
        &["--regexp", "some.*Channel", "-D", path, "-o", "jsonl"],
    );
    // Their samples were not recorded.
    assert_eq!(made.status, Some(1), "{made:?}");
    assert!(
        made.err.contains("none of the 2 channels succeeded"),
        "{made:?}"
    );
    let made = get(&site, &["--glob", "nothing*", "-D", path]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(names(directory.path()).is_empty());
    assert_eq!(
        get(&site, &["--glob", "*", "-D", "no/such/place"]).status,
        Some(2)
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let samples: Vec<String> = (0..50_000)
        .map(|number| sample(1_468_400_000_000_000_000 + number))
        .collect();
    let body = format!("[{}]", samples.join(","));
    let site = Server::start(move |_| Reply::json(200, body.clone()));
    let mut command = program(&site);
    command.args(["get", "a", "-o", "jsonl"]).args(TIME);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .contains("\"time\": 1468400000000000000")
    );
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn a_signal_leaves_whole_files_only() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let (sender, arrived) = mpsc::channel();
        let sender = Mutex::new(sender);
        let site = site_with(move |asked| {
            if asked.target.contains("channels-by-pattern") {
                return Some(Reply::json(200, r#"["types","unfinished"]"#));
            }
            asked.target.contains("unfinished").then(|| {
                sender.lock().unwrap().send(()).unwrap();
                Reply::unfinished(format!("[{},", sample(1_468_400_000_000_000_000)))
            })
        });
        let directory = tempfile::tempdir().unwrap();
        let mut command = program(&site);
        command
            .args(["get", "--glob", "*", "-D"])
            .arg(directory.path())
            .args(TIME);
        let mut child = command.spawn().unwrap();
        arrived.recv().unwrap();
        signal(child.id(), name);
        assert_eq!(child.wait().unwrap().code(), Some(status));
        let files = names(directory.path());
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(files[0].starts_with("types_"), "{files:?}");
    }
}
