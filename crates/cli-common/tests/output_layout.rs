//! Rows of values that the recordings do not have: odd shapes, odd times, summaries.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use esmond_ps_cli_common::layout::{Layout, RowContext, timestamp};
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::rows::Row;
use serde_json::{Value, json};

const LAYOUTS: [Layout; 9] = [
    Layout::Numeric,
    Layout::Failures,
    Layout::PacketTrace,
    Layout::Histogram,
    Layout::HistogramStatistics,
    Layout::Subintervals,
    Layout::NumberList,
    Layout::SubintervalList,
    Layout::Value,
];

fn context() -> RowContext {
    RowContext {
        source: json!("10.1.1.1"),
        destination: Value::Null,
        event_type: String::from("some-type"),
        tool: Value::Null,
        summary_type: String::from("base"),
        summary_window: 0,
        bucket_width: json!("0.001"),
        measurement_agent: Value::Null,
        metadata_key: String::new(),
    }
}

fn rows(layout: Layout, value: &Value, format: Format) -> Vec<Row> {
    layout.rows(&context(), 1_398_909_600, value, format)
}

/// The values of some columns, row by row.
fn picked(rows: &[Row], columns: &[&str]) -> Value {
    let pick = |row: &Row| -> Value {
        columns
            .iter()
            .map(|column| row.get(column).cloned().unwrap())
            .collect()
    };
    rows.iter().map(pick).collect()
}

#[test]
fn rows_have_the_columns_of_their_layout_whatever_the_value_is() {
    // DIFFERENCE: the originals crash at some of these values.
    let values = [
        json!(null),
        json!("text"),
        json!(5),
        json!({"a": [1]}),
        json!([null]),
        json!([[7]]),
        json!([{"ttl": 1}]),
        json!([[{"start": 1}], null]),
    ];
    for layout in LAYOUTS {
        for value in &values {
            let rows = rows(layout, value, Format::Csv);
            assert!(!rows.is_empty(), "{layout:?} dropped {value}");
            for row in rows {
                let names: Vec<_> = row.iter().map(|(name, _)| name).collect();
                assert_eq!(names, layout.columns(), "{layout:?} of {value}");
            }
        }
    }
}

#[test]
fn a_value_that_is_no_list_gives_one_row_without_parts() {
    let text = json!("no list");
    let cases = [
        (Layout::Subintervals, vec!["start", "duration", "value"]),
        (Layout::NumberList, vec!["stream_num", "value"]),
        (
            Layout::SubintervalList,
            vec!["stream_num", "start", "duration", "value"],
        ),
        (
            Layout::PacketTrace,
            vec![
                "ttl",
                "query",
                "success",
                "ip",
                "rtt",
                "mtu",
                "error_message",
            ],
        ),
    ];
    for (layout, own) in cases {
        let rows = rows(layout, &text, Format::Json);
        let none: Vec<_> = own.iter().map(|_| Value::Null).collect();
        assert_eq!(picked(&rows, &own), json!([none]), "{layout:?}");
    }
}

#[test]
fn missing_parts_are_none_and_the_rows_around_them_stay() {
    // DIFFERENCE: the originals crash.
    let intervals = json!([{"start": 0, "duration": 1, "val": 16}, "odd", {"start": 2}]);
    assert_eq!(
        picked(
            &rows(Layout::Subintervals, &intervals, Format::Json),
            &["start", "duration", "value"]
        ),
        json!([[0, 1, 16], [null, null, null], [2, null, null]])
    );
    let streams = json!([null, [{"start": 0, "duration": 1, "val": 2}, 9], []]);
    assert_eq!(
        picked(
            &rows(Layout::SubintervalList, &streams, Format::Json),
            &["stream_num", "start", "value"]
        ),
        json!([[0, null, null], [1, 0, 2], [1, null, null]])
    );
    let numbers = json!([null, 5, "x"]);
    assert_eq!(
        picked(
            &rows(Layout::NumberList, &numbers, Format::Json),
            &["stream_num", "value"]
        ),
        json!([[0, null], [1, 5], [2, "x"]])
    );
    let failures = [
        json!("text"),
        json!(["list"]),
        json!({"reason": "x"}),
        json!({"error": null}),
    ];
    for failure in failures {
        let rows = rows(Layout::Failures, &failure, Format::Csv);
        assert_eq!(picked(&rows, &["msg"]), json!([[null]]), "{failure}");
    }
}

#[test]
fn both_spellings_of_a_hops_error_are_read() {
    let hops = json!([
        {"ttl": 1, "error_message": "a"},
        {"ttl": 2, "error-message": "b", "as": {"number": 64500, "owner": "x"}, "hostname": "h"},
        {"ttl": 3, "error_message": null, "error-message": "c"},
        {"ttl": 4}
    ]);
    assert_eq!(
        picked(
            &rows(Layout::PacketTrace, &hops, Format::Json),
            &["ttl", "error_message"]
        ),
        json!([[1, "a"], [2, "b"], [3, "c"], [4, null]])
    );
}

#[test]
fn a_human_trace_is_named_once_and_its_hops_follow() {
    let trace = json!([{"ttl": 1}, {"ttl": 2}]);
    let human = rows(Layout::PacketTrace, &trace, Format::Human);
    let lengths: Vec<_> = human.iter().map(|row| row.iter().count()).collect();
    assert_eq!(lengths, [7, 7, 7]);
    assert_eq!(human[0].get("event_type"), Some(&json!("some-type")));
    assert_eq!(human[2].get("ttl"), Some(&json!(2)));
    assert_eq!(
        rows(Layout::PacketTrace, &json!([]), Format::Human).len(),
        1
    );
    assert_eq!(rows(Layout::PacketTrace, &json!([]), Format::Csv).len(), 0);
}

#[test]
fn statistics_that_are_missing_are_none() {
    let columns = ["min", "mode", "percentile_95", "variance"];
    let full = json!({"minimum": 1.5, "mode": [1.0, 2.0], "percentile-95": 3, "variance": null});
    for (value, expected) in [
        (full, json!([[1.5, [1.0, 2.0], 3, null]])),
        (json!({}), json!([[null, null, null, null]])),
        (json!(null), json!([[null, null, null, null]])),
    ] {
        let rows = rows(Layout::HistogramStatistics, &value, Format::Csv);
        assert_eq!(picked(&rows, &columns), expected);
    }
}

#[test]
fn other_json_is_one_value_and_compact_text_without_structure() {
    let value = json!([{"a": 1.50, "b": ["ô", null]}, 2]);
    assert_eq!(
        picked(&rows(Layout::Value, &value, Format::Json), &["value"]),
        json!([[value]])
    );
    for format in [Format::Human, Format::Csv] {
        let rows = rows(Layout::Value, &value, format);
        assert_eq!(
            picked(&rows, &["value"]),
            json!([[r#"[{"a":1.5,"b":["ô",null]},2]"#]])
        );
    }
}

#[test]
fn summaries_are_honoured_where_event_types_have_them() {
    // DIFFERENCE: the originals print base data under the summary's label.
    for summary in ["aggregation", "average", "statistics"] {
        assert_eq!(Layout::Numeric.summarised(summary), Some(Layout::Numeric));
        assert_eq!(Layout::Failures.summarised(summary), None);
        assert_eq!(Layout::PacketTrace.summarised(summary), None);
        assert_eq!(Layout::SubintervalList.summarised(summary), None);
    }
    let histogram = |summary| Layout::Histogram.summarised(summary);
    assert_eq!(histogram("aggregation"), Some(Layout::Histogram));
    assert_eq!(histogram("statistics"), Some(Layout::HistogramStatistics));
    assert_eq!(histogram("average"), None);
}

#[test]
fn times_are_utc_and_clamped_where_the_originals_clamp() {
    assert_eq!(timestamp(1_398_909_600), "2014-05-01 02:00:00");
    assert_eq!(timestamp(-1), "1969-12-31 23:59:59");
    assert_eq!(timestamp(253_402_127_999), "9999-12-29 23:59:59");
    for beyond in [253_402_128_000, 1_398_909_600_000, i64::MAX] {
        assert_eq!(timestamp(beyond), "9999-12-29 23:59:59.999999");
    }
}

/// DIFFERENCE: the originals end with a traceback.
#[test]
fn times_before_year_one_are_clamped_too() {
    assert_eq!(timestamp(-62_135_596_800), "0001-01-01 00:00:00");
    assert_eq!(timestamp(i64::MIN), "0001-01-01 00:00:00");
}
