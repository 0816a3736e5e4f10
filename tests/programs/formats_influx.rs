//! `-o influx` read back by a parser of the line protocol that is not ours, and
//! compared with `-o csv`.

use std::collections::{BTreeMap, BTreeSet};

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};
use serde_json::Value;

use crate::formats::{SUMMARIES, csv_rows, fetch};
use crate::recorded::loaded;

/// A point, as text by name; numbers are shown as doubles.
#[derive(Debug)]
struct Point {
    measurement: String,
    time: i64,
    tags: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
}

fn number(value: f64) -> String {
    format!("{value:?}")
}

fn point(line: &ParsedLine<'_>, kinds: &mut BTreeMap<(String, String), u8>) -> Point {
    let measurement = line.series.measurement.to_string();
    let tags = line.series.tag_set.iter().flatten();
    let tags: Vec<(String, String)> = tags
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    assert!(
        tags.is_sorted(),
        "the database wants tags in order: {tags:?}"
    );
    let fields = line.field_set.iter().map(|(name, value)| {
        let (kind, text) = match value {
            FieldValue::I64(value) => (1, number(*value as f64)),
            FieldValue::U64(value) => (2, number(*value as f64)),
            FieldValue::F64(value) => (3, number(*value)),
            FieldValue::String(value) => (4, value.to_string()),
            FieldValue::Boolean(value) => (5, value.to_string()),
        };
        let known = kinds.insert((measurement.clone(), name.to_string()), kind);
        assert!(
            known.is_none_or(|known| known == kind),
            "two types of {name} of {measurement}"
        );
        (name.to_string(), text)
    });
    Point {
        fields: fields.collect(),
        measurement: measurement.clone(),
        time: line.timestamp.expect("a time"),
        tags: tags.into_iter().collect(),
    }
}

/// Time of a csv row, in nanoseconds.
fn time(row: &BTreeMap<String, String>) -> i64 {
    let time = chrono::NaiveDateTime::parse_from_str(&row["timestamp"], "%Y-%m-%d %H:%M:%S");
    let seconds = time.expect("a time").and_utc().timestamp();
    let start = row.get("start").and_then(|text| text.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, reason = "some seconds")]
    let start = (start.unwrap_or_default() * 1e9).round() as i64;
    seconds * 1_000_000_000 + start
}

/// What a csv row should be as fields; those of a histogram are its count. The line
/// protocol knows no line break, which is made visible.
fn fields(row: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    if row.contains_key("bucket") {
        let counts: Value = serde_json::from_str(&row["value"]).expect("JSON");
        let counts = counts.as_object().expect("counts").values();
        let count: f64 = counts.filter_map(Value::as_f64).sum();
        return BTreeMap::from([("count".to_owned(), number(count))]);
    }
    let no_fields = [
        "source",
        "destination",
        "event_type",
        "tool",
        "summary_type",
        "summary_window",
        "timestamp",
        "start",
        "stream_num",
        "ttl",
        "query",
    ];
    let own = row
        .iter()
        .filter(|(name, text)| !no_fields.contains(&name.as_str()) && !text.is_empty());
    let field = |text: &String| text.parse().map_or(text.replace('\n', "\\n"), number);
    own.map(|(name, text)| (name.clone(), field(text)))
        .collect()
}

#[test]
fn points_hold_what_csv_holds() {
    let loaded = loaded();
    let mut kinds = BTreeMap::new();
    let mut measurements = BTreeSet::new();
    for more in SUMMARIES {
        let as_csv = fetch(&loaded, "csv", more);
        let as_lines = fetch(&loaded, "influx", more);
        assert!(as_csv.keys().eq(as_lines.keys()), "{more:?}");
        for (name, content) in &as_lines {
            let text = std::str::from_utf8(content).expect("UTF-8");
            let points: Vec<Point> = parse_lines(text)
                .map(|line| point(&line.unwrap_or_else(|e| panic!("{name}: {e}")), &mut kinds))
                .collect();
            let rows = csv_rows(&as_csv[name]);
            let rows = rows.iter().filter(|row| !fields(row).is_empty());
            let rows: Vec<&BTreeMap<String, String>> = rows.collect();
            assert_eq!(points.len(), rows.len(), "{name}\n{text}");
            for (point, row) in points.iter().zip(rows) {
                let summary = match row["summary_type"].as_str() {
                    "base" => String::new(),
                    kind => format!("_{kind}_{}", row["summary_window"]),
                };
                assert_eq!(point.measurement, row["event_type"].clone() + &summary);
                measurements.insert(point.measurement.clone());
                assert_eq!(point.time, time(row), "{name}");
                for (tag, column) in [
                    ("source", "source"),
                    ("destination", "destination"),
                    ("tool_name", "tool"),
                    ("stream_num", "stream_num"),
                    ("ttl", "ttl"),
                    ("query", "query"),
                ] {
                    let held = row.get(column).filter(|text| !text.is_empty());
                    assert_eq!(point.tags.get(tag), held, "{name}: {tag}");
                }
                assert_eq!(point.tags["metadata_key"].len(), 32, "{name}");
                let fields = fields(row);
                // Statistics come beside the count; a list of modes is no field.
                let is_histogram = row.contains_key("bucket");
                for (field, expected) in fields.iter().filter(|(field, _)| *field != "mode") {
                    let found = point.fields.get(field);
                    assert_eq!(found, Some(expected), "{name}: {field} {point:?}");
                }
                let others = point
                    .fields
                    .keys()
                    .filter(|field| !fields.contains_key(*field));
                let others: Vec<&String> = others.collect();
                assert!(others.is_empty() || is_histogram, "{name}: {others:?}");
            }
        }
    }
    assert!(measurements.contains("throughput_average_3600"));
    assert!(measurements.len() > 40, "{measurements:?}");
    let kind = |measurement: &str, field: &str| kinds[&(measurement.to_owned(), field.to_owned())];
    assert_eq!(kind("packet-count-sent", "value"), 1);
    assert_eq!(kind("throughput", "value"), 3);
    assert_eq!(kind("histogram-owdelay", "count"), 1);
    assert_eq!(kind("failures", "msg"), 4);
}

#[test]
fn the_statistics_of_a_histogram_are_those_of_the_archive() {
    let loaded = loaded();
    let mut compared = 0;
    // The statistics of window 0 are those of each base histogram.
    let own = fetch(&loaded, "influx", &["-e", "histogram-rtt"]);
    let archive = fetch(
        &loaded,
        "influx",
        &["-e", "histogram-rtt", "-T", "statistics", "-W", "0"],
    );
    for (name, content) in &archive {
        let mut kinds = BTreeMap::new();
        let mut read = |content: &[u8]| -> Vec<Point> {
            let text = std::str::from_utf8(content).expect("UTF-8");
            parse_lines(text)
                .map(|line| point(&line.expect("a line"), &mut kinds))
                .collect()
        };
        let (theirs, ours) = (read(content), read(&own[name]));
        for point in &theirs {
            let same = ours
                .iter()
                .find(|own| own.time == point.time)
                .expect("a point");
            for (field, value) in point.fields.iter().filter(|(field, _)| *field != "mode") {
                assert_eq!(same.fields.get(field), Some(value), "{field}");
                compared += 1;
            }
        }
    }
    assert!(compared > 8, "{compared}");
}
