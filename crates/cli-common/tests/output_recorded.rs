//! The recorded output of the original programs, byte for byte.
//!
//! `data/output/get.json` and `get_bulk.json` hold points as the archive answers them
//! and what the original `get` printed, or `get-bulk` wrote, for them; `records.json`
//! the same for `get-endpoints` and `get-metadata`. They were recorded where
//! `127.0.0.1` had a name and no other address did.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::net::IpAddr;

use esmond_ps_cli_common::layout::{Layout, RowContext};
use esmond_ps_cli_common::names::{Lookup, Resolver};
use esmond_ps_cli_common::output::{Format, file_writer, writer};
use esmond_ps_cli_common::records::{
    ENDPOINT_COLUMNS, METADATA_COLUMNS, endpoint_row, extended_metadata_row, metadata_row,
};
use esmond_ps_cli_common::rows::Row;
use serde_json::Value;

fn layout(name: &str) -> Layout {
    match name {
        "numeric" => Layout::Numeric,
        "failures" => Layout::Failures,
        "packet_trace" => Layout::PacketTrace,
        "histogram" => Layout::Histogram,
        "histogram_statistics" => Layout::HistogramStatistics,
        "subintervals" => Layout::Subintervals,
        "number_list" => Layout::NumberList,
        "subinterval_list" => Layout::SubintervalList,
        _ => panic!("no layout {name}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn case_rows(case: &Value, format: Format) -> Vec<Row> {
    let context = &case["context"];
    let context = RowContext {
        source: context["source"].clone(),
        destination: context["destination"].clone(),
        event_type: text(&context["event_type"]).to_owned(),
        tool: context["tool"].clone(),
        summary_type: text(&context["summary_type"]).to_owned(),
        summary_window: context["summary_window"].as_i64().unwrap(),
        bucket_width: context["bucket_width"].clone(),
        measurement_agent: Value::Null,
        metadata_key: String::new(),
    };
    let points = case["points"].as_array().unwrap();
    let rows = points.iter().flat_map(|point| {
        let ts = point[0].as_i64().unwrap();
        layout(text(&case["layout"])).rows(&context, ts, &point[1], format)
    });
    rows.collect()
}

fn print(format: Format, columns: &[&'static str], rows: &[Row]) -> String {
    let mut out = Vec::new();
    let mut writer = writer(format, columns, &mut out);
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

/// Compares text, so that key order and spelling of numbers count.
#[track_caller]
fn assert_same_json(name: &str, ours: &str, recorded: &Value) {
    assert_eq!(ours, text(recorded), "{name}, json");
}

/// DIFFERENCE: an object is compact JSON, not a Python dict.
fn dicts_as_json(text: &str, format: Format) -> String {
    let key_quote = if format == Format::Csv { "\"\"" } else { "\"" };
    let mut result = String::new();
    for (position, piece) in text.split(['{', '}']).enumerate() {
        if position % 2 == 0 {
            result.push_str(piece);
        } else {
            let object = piece.replace(": ", ":").replace(", ", ",");
            result.push_str(&format!("{{{}}}", object.replace('\'', key_quote)));
        }
    }
    result
}

#[test]
fn every_layout_prints_what_the_original_printed() {
    let cases: Value = serde_json::from_str(include_str!("data/output/get.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let name = text(&case["name"]);
        let columns = layout(text(&case["layout"])).columns();
        let print = |format| print(format, columns, &case_rows(case, format));
        for format in [Format::Human, Format::Csv] {
            let mut recorded = text(&case[format.name()]).to_owned();
            if case["layout"] == "histogram" {
                recorded = dicts_as_json(&recorded, format);
            }
            assert_eq!(print(format), recorded, "{name}, {format}");
        }
        assert_same_json(name, &print(Format::Json), &case["json"]);
    }
}

#[test]
fn jsonl_has_the_objects_of_json_one_a_line() {
    // DIFFERENCE: the originals have no such format.
    let cases: Value = serde_json::from_str(include_str!("data/output/get.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let ours = print(Format::Jsonl, &[], &case_rows(case, Format::Jsonl));
        assert!(ours.ends_with("}\n"));
        let list = format!("[{}]\n", ours.trim_end().replace('\n', ", "));
        assert_same_json(text(&case["name"]), &list, &case["json"]);
    }
}

#[test]
fn files_end_without_the_newline_of_print() {
    let cases: Value = serde_json::from_str(include_str!("data/output/get_bulk.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let columns = layout(text(&case["layout"])).columns();
        for format in [Format::Json, Format::Csv] {
            let mut out = Vec::new();
            let mut writer = file_writer(format, columns, &mut out);
            for row in case_rows(case, format) {
                writer.row(&row).unwrap();
            }
            writer.finish().unwrap();
            let ours = String::from_utf8(out).unwrap();
            assert_eq!(ours, text(&case[format.name()]), "{}", case["name"]);
        }
    }
}

struct OnlyLocalhost;

impl Lookup for OnlyLocalhost {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        address.is_loopback().then(|| String::from("localhost"))
    }
}

/// Prints the rows of all recorded metadata, names instead of addresses.
fn print_records(
    recorded: &Value,
    format: Format,
    columns: &[&'static str],
    row: impl Fn(&Value) -> Row,
) -> String {
    let records = recorded["records"].as_array().unwrap();
    let mut rows: Vec<Row> = records.iter().map(row).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(Resolver::new(OnlyLocalhost).resolve_rows(&mut rows));
    print(format, columns, &rows)
}

fn records() -> Value {
    serde_json::from_str(include_str!("data/output/records.json")).unwrap()
}

#[test]
fn endpoints_and_metadata_print_what_the_originals_printed() {
    let recorded = records();
    for format in [Format::Human, Format::Json, Format::Csv] {
        let endpoints = print_records(&recorded, format, ENDPOINT_COLUMNS, |record| {
            let names: Vec<_> = record["event_types"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect();
            endpoint_row(record["metadata"].as_object().unwrap(), &names)
        });
        assert_eq!(endpoints, text(&recorded["endpoints"][format.name()]));
        let metadata = print_records(&recorded, format, METADATA_COLUMNS, |record| {
            metadata_row(record["metadata"].as_object().unwrap())
        });
        assert_eq!(metadata, text(&recorded["metadata"][format.name()]));
    }
}

/// DIFFERENCE: paging keys and `url` are not shown.
#[test]
fn extended_metadata_prints_what_the_original_printed_but_for_paging() {
    let recorded = records();
    let is_dropped = |name: &str| {
        let paging = ["count_total", "next_page", "previous_page"];
        name == "url" || paging.iter().any(|end| name == format!("metadata_{end}"))
    };
    let print = |format| {
        print_records(&recorded, format, METADATA_COLUMNS, |record| {
            let metadata = record["metadata"].as_object().unwrap();
            extended_metadata_row(metadata, format == Format::Human)
        })
    };

    let human = text(&recorded["extended"]["human"]);
    let kept: String = human
        .split_inclusive('\n')
        .filter(|line| !line.split(':').next().is_some_and(is_dropped))
        .collect();
    assert_eq!(print(Format::Human), kept);

    let json = text(&recorded["extended"]["json"]);
    let mut objects: Vec<serde_json::Map<String, Value>> = serde_json::from_str(json).unwrap();
    for object in &mut objects {
        object.retain(|name, _| !is_dropped(name));
    }
    let ours: Vec<serde_json::Map<String, Value>> =
        serde_json::from_str(&print(Format::Json)).unwrap();
    for (ours, recorded) in ours.iter().zip(&objects) {
        assert_eq!(ours, recorded);
        assert!(ours.keys().eq(recorded.keys()), "{ours:?}");
    }
    assert_eq!(ours.len(), objects.len());
}
