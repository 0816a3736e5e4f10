//! The values that the real Elmond answered, printed by the programs in all
//! formats.

use std::collections::BTreeMap;

use esmond_ps_tests::elmond::{Holdings, MockElmond, ROOT, Recordings, Run, Test};
use serde_json::{Map, Value, json};

use crate::elmond::{ONE, START, ask, one_latency_test, points, rows, start_of};
use crate::layout::{columns, shown};

/// A recorded series.
#[derive(Debug)]
struct Series {
    key: String,
    source: String,
    destination: String,
    event_type: String,
    /// As in addresses.
    summary: String,
    window: String,
    points: Vec<(i64, Value)>,
}

/// All recorded series between two hosts.
fn series() -> Vec<Series> {
    let recordings = Recordings::load();
    let list = recordings
        .iter()
        .find(|recorded| recorded.name == "list-unfiltered");
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(&list.expect("the list").reply().body).expect("a list");
    let mut found: BTreeMap<String, Series> = BTreeMap::new();
    for recorded in recordings.iter().filter(|recorded| recorded.is_plain()) {
        let (asked, reply) = (recorded.asked(), recorded.reply());
        let rest = asked.path.strip_prefix(ROOT).unwrap_or_default();
        let parts: Vec<&str> = rest.split('/').collect();
        let [key, event_type, summary, window] = parts[..] else {
            continue;
        };
        let test = list.iter().find(|test| test["metadata-key"] == key);
        let Some(test) = test.filter(|test| test.contains_key("destination")) else {
            continue;
        };
        let is_listed = test["event-types"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|entry| {
                let is_summary = |given: &Value| given["uri"] == asked.path;
                entry["base-uri"] == asked.path
                    || entry["summaries"]
                        .as_array()
                        .expect("a list")
                        .iter()
                        .any(is_summary)
            });
        if !is_listed || asked.method != "GET" || !asked.query.is_empty() {
            continue;
        }
        let points: Vec<Value> = serde_json::from_str(&reply.body).expect("points");
        let points = points
            .iter()
            .map(|point| (point["ts"].as_i64().expect("a time"), point["val"].clone()));
        let text = |name: &str| test[name].as_str().expect("a text").to_owned();
        found.insert(
            asked.path.clone(),
            Series {
                key: key.to_owned(),
                source: text("source"),
                destination: text("destination"),
                event_type: event_type.to_owned(),
                summary: summary.to_owned(),
                window: window.to_owned(),
                points: points.collect(),
            },
        );
    }
    found.into_values().collect()
}

impl Series {
    /// Asks `esmond-ps-get` for it.
    fn get(&self, mock: &MockElmond, format: &str) -> esmond_ps_tests::Run {
        let key = format!("metadata-key:{}", self.key);
        let mut arguments = vec!["-s", &self.source, "-d", &self.destination, "-F", &key];
        arguments.extend(["-e", &self.event_type, "-o", format]);
        if self.summary != "base" {
            let singular = if self.summary == "statistics" {
                "statistics"
            } else {
                self.summary.trim_end_matches('s')
            };
            arguments.extend(["-T", singular, "-W", &self.window]);
        }
        ask("esmond-ps-get", mock, &arguments)
    }

    /// Losses of UDP throughput: the archive does not have them, though it lists
    /// them and answers 0 for their sums.
    fn is_not_held(&self) -> bool {
        self.key.starts_with("af34") && self.event_type.starts_with("packet-")
    }

    /// Time, and the columns that a value makes.
    fn rows(&self) -> Vec<(i64, Value)> {
        if self.is_not_held() {
            return Vec::new();
        }
        let rows = self.points.iter().flat_map(|(ts, value)| {
            let rows = columns(&self.event_type, &self.summary, value);
            rows.into_iter().map(|row| (*ts, row))
        });
        rows.collect()
    }
}

#[test]
fn recorded_values_are_printed_as_json() {
    let mock = MockElmond::recorded();
    let series = series();
    assert!(series.len() > 60, "{} series", series.len());
    for series in series {
        let name = format!("{} {} {}", series.event_type, series.summary, series.window);
        let run = series.get(&mock, "json");
        assert_eq!(run.status, Some(0), "{name} {}", start_of(&run));
        let rows: Vec<Map<String, Value>> =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{name} {run:?}"));
        let wanted = series.rows();
        assert_eq!(rows.len(), wanted.len(), "{name} {}", start_of(&run));
        for (row, (ts, columns)) in rows.iter().zip(wanted) {
            assert_eq!(crate::elmond::seconds(row), ts, "{name}");
            assert_eq!(row["source"], series.source);
            assert_eq!(row["summary_window"].to_string(), series.window, "{name}");
            for (column, value) in columns.as_object().expect("columns") {
                // Numbers and texts of one number are told apart nowhere.
                assert_eq!(shown(&row[column]), shown(value), "{name} {column} at {ts}");
            }
        }
    }
}

#[test]
fn recorded_values_are_printed_as_csv() {
    let mock = MockElmond::recorded();
    for series in series().iter().filter(|series| !series.rows().is_empty()) {
        let name = format!("{} {} {}", series.event_type, series.summary, series.window);
        let run = series.get(&mock, "csv");
        assert_eq!(run.status, Some(0), "{name} {}", start_of(&run));
        let mut reader = csv::Reader::from_reader(run.stdout.trim_start().as_bytes());
        let rows: Vec<BTreeMap<String, String>> =
            reader.deserialize().collect::<Result<_, _>>().expect("csv");
        let wanted = series.rows();
        assert_eq!(rows.len(), wanted.len(), "{name} {}", start_of(&run));
        for (row, (_, columns)) in rows.iter().zip(wanted) {
            for (column, value) in columns.as_object().expect("columns") {
                let value = if value.is_null() {
                    String::new()
                } else {
                    shown(value)
                };
                assert_eq!(row[column], value, "{name} {column}");
            }
        }
    }
}

#[test]
fn recorded_values_are_printed_for_people() {
    let mock = MockElmond::recorded();
    for series in series().iter().filter(|series| !series.rows().is_empty()) {
        let name = format!("{} {} {}", series.event_type, series.summary, series.window);
        let run = series.get(&mock, "human");
        assert_eq!(run.status, Some(0), "{name} {}", start_of(&run));
        let mut lines = run.stdout.lines();
        // In order, with other lines in between.
        for (_, columns) in series.rows() {
            for column in ["ttl", "ip", "msg", "min", "stream_num", "value"] {
                let Some(value) = columns.get(column) else {
                    continue;
                };
                let value = if value.is_null() {
                    "None".to_owned()
                } else {
                    shown(value)
                };
                let wanted = format!("{column}: {value}");
                let is_there = lines.any(|line| line.trim() == wanted);
                assert!(is_there, "{name}: {wanted} in {}", start_of(&run));
            }
        }
    }
}

#[test]
fn what_the_archive_lists_and_does_not_hold_is_said_and_not_printed() {
    let mock = MockElmond::recorded();
    let series = series();
    let empty = [
        "throughput-subintervals",
        "streams-throughput",
        "streams-throughput-subintervals",
    ];
    for event_type in empty {
        let of_type = series.iter().find(|series| series.event_type == event_type);
        let of_type = of_type.expect("it was recorded");
        for (format, nothing) in [("json", "[]"), ("jsonl", ""), ("human", "No data found.")] {
            let run = of_type.get(&mock, format);
            assert_eq!(run.status, Some(0), "{event_type} {run:?}");
            assert_eq!(run.stdout.trim(), nothing, "{event_type} {format}");
            assert!(run.stderr.contains(event_type), "{event_type} {run:?}");
            assert!(run.stderr.contains("perfSONAR 5"), "{event_type} {run:?}");
        }
    }
    let losses = series.iter().filter(|series| series.is_not_held());
    for losses in losses.clone() {
        let run = losses.get(&mock, "jsonl");
        assert_eq!((run.status, &*run.stdout), (Some(0), ""), "{run:?}");
        assert!(run.stderr.contains("does not hold"), "{run:?}");
    }
    assert!(losses.count() > 5);
}

#[test]
fn what_is_not_held_is_said_once_for_many_tests() {
    let runs = |number: i64| Run::of(START + number, "throughput-subintervals", json!([]));
    let tests = (0..30).map(|number| {
        let destination = format!("10.0.1.{number}");
        Test::new(number, "throughput", "10.0.0.1", &destination).runs((0..5).map(runs))
    });
    let mock = MockElmond::model(Holdings::new(tests));
    let (run, files) = crate::elmond::bulk(&mock, &["-e", "throughput-subintervals", "-o", "csv"]);
    assert_eq!((run.status, files.len()), (Some(0), 0), "{run:?}");
    let said = run
        .stderr
        .lines()
        .filter(|line| line.contains("does not hold"));
    assert_eq!(said.count(), 1, "{run:?}");
}

#[test]
fn round_trips_have_statistics_only() {
    let runs = (0..10).map(|number| {
        let given =
            json!({"minimum": 1.5, "maximum": 9.25, "mean": 3.5, "standard-deviation": 0.5});
        Run::of(START + 60 * number, "histogram-rtt", given)
    });
    let test = Test::new(1, "rtt", "10.0.0.1", "10.0.0.2").runs(runs);
    let mock = MockElmond::model(Holdings::new([test]));
    let base = ask(
        "esmond-ps-get",
        &mock,
        &[&ONE[..], &["-e", "histogram-rtt"]].concat(),
    );
    assert_eq!((base.status, &*base.stdout), (Some(0), ""), "{base:?}");
    assert!(base.stderr.contains("histogram-rtt"), "{base:?}");
    for (window, count) in [("0", 10), ("300", 2)] {
        let summary = ["-e", "histogram-rtt", "-T", "statistics", "-W", window];
        let run = ask("esmond-ps-get", &mock, &[&ONE[..], &summary].concat());
        let rows = rows(&run);
        assert_eq!(rows.len(), count, "{}", start_of(&run));
        for row in rows {
            assert_eq!((&row["min"], &row["max"]), (&json!(1.5), &json!(9.25)));
            assert_eq!(
                (&row["median"], &row["percentile_95"]),
                (&json!(null), &json!(null))
            );
        }
    }
}

#[test]
fn statistics_that_are_all_null_are_not_printed_blank() {
    // An hour in which no run had a histogram, between two that had.
    let runs = (0..36).map(|number| {
        let ts = START + 300 * number;
        if (10..30).contains(&number) {
            Run::empty(ts)
        } else {
            Run::of(ts, "histogram-owdelay", json!({"7.1": 10}))
        }
    });
    let (mock, _) = one_latency_test(runs.collect());
    let summary = ["-e", "histogram-owdelay", "-T", "statistics", "-W", "3600"];
    let run = ask("esmond-ps-get", &mock, &[&ONE[..], &summary].concat());
    let rows = rows(&run);
    assert!(rows.len() >= 2, "{}", start_of(&run));
    assert!(
        rows.iter().all(|row| row["min"].is_number()),
        "{}",
        start_of(&run)
    );
}

#[test]
fn summaries_that_perfsonar_5_gave_up_are_said_to_be_missing() {
    let runs = (0..10).map(|n| Run::of(START + 60 * n, "histogram-owdelay", json!({"7.1": 10})));
    let (mock, _) = one_latency_test(runs.collect());
    let summary = ["-e", "histogram-owdelay", "-T", "aggregation", "-W", "300"];
    let run = ask("esmond-ps-get", &mock, &[&ONE[..], &summary].concat());
    assert_eq!((run.status, &*run.stdout), (Some(0), ""), "{run:?}");
    assert!(run.stderr.contains("aggregation"), "{run:?}");
    assert!(run.stderr.contains("histogram-owdelay"), "{run:?}");
}

/// Metadata with one value of each kind.
fn all_kinds() -> MockElmond {
    let mut test = Test::new(1, "latencybg", "10.0.0.1", "10.0.0.2").runs([Run::empty(START)]);
    for (name, value) in [
        ("time-duration", json!(null)),
        ("sample-size", json!(600)),
        ("sample-bucket-width", json!(0.001)),
        ("mode-flip", json!(true)),
        ("mode-single-participant", json!(false)),
        ("ip-tos", json!(0)),
        ("bw-target-bandwidth", json!(18_446_744_073_709_551_615_u64)),
    ] {
        test.fields.insert(name.to_owned(), value);
    }
    MockElmond::model(Holdings::new([test]))
}

#[test]
fn metadata_keep_their_kinds_in_json() {
    let run = ask(
        "esmond-ps-get-metadata",
        &all_kinds(),
        &["-M", "-o", "jsonl"],
    );
    let row = rows(&run).remove(0);
    let get = |name: &str| {
        let value = row.get(name).or_else(|| row.get(&name.replace('-', "_")));
        value.unwrap_or_else(|| panic!("{name} in {row:?}")).clone()
    };
    assert_eq!(get("time-duration"), json!(null));
    assert_eq!(get("sample-size"), json!(600));
    assert_eq!(get("sample-bucket-width"), json!(0.001));
    assert_eq!(get("mode-flip"), json!(true));
    assert_eq!(get("mode-single-participant"), json!(false));
    assert_eq!(
        get("bw-target-bandwidth"),
        json!(18_446_744_073_709_551_615_u64)
    );
}

#[test]
fn metadata_are_readable_for_people() {
    let run = ask("esmond-ps-get-metadata", &all_kinds(), &["-M"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let has = |name: &str, value: &str| {
        let lines = [
            format!("{name}: {value}"),
            format!("{}: {value}", name.replace('-', "_")),
        ];
        run.stdout
            .lines()
            .any(|line| lines.iter().any(|wanted| line == wanted))
    };
    for (name, value) in [
        ("time-duration", "None"),
        ("sample-size", "600"),
        ("sample-bucket-width", "0.001"),
        ("mode-flip", "True"),
        ("mode-single-participant", "False"),
        ("ip-tos", "0"),
    ] {
        assert!(has(name, value), "{name}: {value} in {}", run.stdout);
    }
}

#[test]
fn recorded_metadata_are_printed() {
    let mock = MockElmond::recorded();
    let run = ask("esmond-ps-get-metadata", &mock, &["-o", "jsonl"]);
    let rows = rows(&run);
    let disks = rows
        .iter()
        .find(|row| row["tool_name"] == "pscheduler/curl-d2d");
    let disks = disks.expect("the transfer between disks");
    assert_eq!(disks["input_source"], "https://192.0.2.10/data/10M.dat");
    assert_eq!(disks["destination"], "198.51.100.20");
    let gone = rows
        .iter()
        .find(|row| row["input_destination"] == "gone.example.org");
    let gone = gone.expect("the test of a host that has gone");
    assert_eq!(
        (&gone["source"], &gone["destination"]),
        (&json!("192.0.2.50"), &json!(null))
    );
}

#[test]
fn a_value_of_each_number_is_exact() {
    let values = [
        json!(9_412_345_678.25),
        json!(0),
        json!(-1),
        json!(1e-7),
        json!(4_503_599_627_370_497_i64),
    ];
    let runs = values.iter().enumerate().map(|(index, value)| {
        let ts = START + i64::try_from(index).expect("small");
        Run::of(ts, "time-error-estimates", value.clone())
    });
    let (mock, _) = one_latency_test(runs.collect());
    let run = ask(
        "esmond-ps-get",
        &mock,
        &[&ONE[..], &["-e", "time-error-estimates"]].concat(),
    );
    for ((_, ours), value) in points(&rows(&run)).iter().zip(&values) {
        assert_eq!(ours.as_f64(), value.as_f64());
    }
    assert_eq!(rows(&run).len(), values.len());
}
