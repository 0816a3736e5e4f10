//! Rows of records as perfSONAR 5 and extended archives send them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use esmond_ps_cli_common::layout::{Layout, RowContext};
use esmond_ps_cli_common::output::{Format, file_writer};
use esmond_ps_cli_common::records::{
    ENDPOINT_COLUMNS, METADATA_COLUMNS, endpoint_row, extended_metadata_row, metadata_row,
    with_subject,
};
use esmond_ps_cli_common::rows::Row;
use esmond_ps_model::{Metadata, RowLayout, SummaryType};
use serde_json::{Value, json};

fn printed(format: Format, columns: &[&'static str], row: &Row) -> String {
    let mut out = Vec::new();
    let mut writer = file_writer(format, columns, &mut out);
    writer.row(row).unwrap();
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn metadata(record: Value) -> Metadata {
    serde_json::from_value(record).unwrap()
}

#[test]
fn numbers_booleans_and_null_are_printed_as_the_original_programs_print_them() {
    let test = metadata(json!({
        "metadata-key": "0a", "time-duration": 14.0, "sample-size": 600, "ip-packet-interval": 0.1,
        "mode-flip": true, "mode-single-participant": false, "time-probe-interval": null,
        "bw-target-bandwidth": 10_000_000_000_i64,
    }));
    let human = printed(
        Format::Human,
        &[],
        &extended_metadata_row(&test.properties, true),
    );
    for line in [
        "time_duration: 14.0",
        "sample_size: 600",
        "ip_packet_interval: 0.1",
        "mode_flip: True",
        "mode_single_participant: False",
        "time_probe_interval: None",
        "bw_target_bandwidth: 10000000000",
        "destination: None",
    ] {
        assert!(
            human.lines().any(|printed| printed == line),
            "{line}: {human}"
        );
    }
    let json = printed(
        Format::Json,
        &[],
        &extended_metadata_row(&test.properties, false),
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["mode_flip"], json!(true));
    assert_eq!(json[0]["time_probe_interval"], Value::Null);
    assert_eq!(json[0]["time_duration"].to_string(), "14.0");
}

#[test]
fn a_subject_of_another_kind_is_told_by_its_own_fields() {
    // DIFFERENCE: the originals know two kinds alone.
    let car = metadata(json!({
        "metadata-key": "0a", "subject-type": "car", "car-vin": "V1", "car-doors": 5,
        "carpet": "red", "time-duration": "5",
    }));
    let row = with_subject(endpoint_row(&car.properties, &["process-count"]), &car);
    assert_eq!(
        printed(Format::Human, ENDPOINT_COLUMNS, &row),
        "source: None\ndestination: None\nmeasurement_agent: None\ntool_name: None\n\
         event_type: process-count\nsubject_type: car\ncar_vin: V1\ncar_doors: 5\n"
    );
    let row = with_subject(metadata_row(&car.properties), &car);
    assert_eq!(row.get("car_vin"), Some(&json!("V1")));
    // csv keeps its columns.
    let csv = printed(Format::Csv, METADATA_COLUMNS, &row);
    assert_eq!(csv.lines().nth(1), Some(",,,,,"));
}

#[test]
fn a_standard_subject_has_the_documented_columns_alone() {
    let test = metadata(json!({
        "metadata-key": "0a", "subject-type": "network-element", "network-element-x": 1,
    }));
    let row = metadata_row(&test.properties);
    assert_eq!(with_subject(row.clone(), &test), row);
}

#[test]
fn a_layout_that_an_archive_tells_is_used_for_data_and_statistics() {
    // DIFFERENCE: the originals know their own event types alone.
    assert_eq!(
        Layout::of(RowLayout::Numeric, Some(SummaryType::Average)),
        Layout::Numeric
    );
    assert_eq!(Layout::of(RowLayout::Histogram, None), Layout::Histogram);
    let statistics = Some(SummaryType::Statistics);
    assert_eq!(
        Layout::of(RowLayout::Histogram, statistics),
        Layout::HistogramStatistics
    );
    assert_eq!(
        Layout::of(RowLayout::SubintervalList, None),
        Layout::SubintervalList
    );
}

#[test]
fn the_reference_of_a_run_is_text_or_an_object() {
    let context = RowContext {
        source: Value::Null,
        destination: Value::Null,
        event_type: "pscheduler-run-href".to_owned(),
        tool: Value::Null,
        summary_type: "base".to_owned(),
        summary_window: 0,
        bucket_width: Value::Null,
        measurement_agent: Value::Null,
        metadata_key: String::new(),
    };
    let value = |value: Value, format| {
        let rows = Layout::Value.rows(&context, 0, &value, format);
        rows[0].get("value").cloned().unwrap()
    };
    let text = json!("https://ps.example.org/pscheduler/tasks/1/runs/2");
    let object = json!({"href": "https://ps.example.org/x"});
    assert_eq!(value(text.clone(), Format::Csv), text);
    assert_eq!(value(object.clone(), Format::Json), object);
    assert_eq!(
        value(object, Format::Csv),
        json!(r#"{"href":"https://ps.example.org/x"}"#)
    );
}
