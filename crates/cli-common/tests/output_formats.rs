//! Tables and the line protocol: what their writers make of rows.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use esmond_ps_cli_common::layout::{Layout, RowContext, RowMaker};
use esmond_ps_cli_common::output::{Format, Screen, table_writer, writer};
use esmond_ps_cli_common::rows::Row;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthChar as _;

fn table(width: Option<usize>, columns: &[&'static str], rows: &[Row]) -> String {
    let mut out = Vec::new();
    let screen = Screen {
        width,
        colour: false,
    };
    let mut writer = table_writer(columns, screen, &mut out);
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn context(event_type: &str, summary_type: &str, summary_window: i64) -> RowContext {
    RowContext {
        source: json!("10.1.1.1"),
        destination: json!("ps lat.example.net"),
        event_type: event_type.to_owned(),
        tool: json!("bwctl/iperf3"),
        summary_type: summary_type.to_owned(),
        summary_window,
        bucket_width: json!(0.1),
        measurement_agent: json!("10.1.1.1"),
        metadata_key: "k1".to_owned(),
    }
}

fn rows(layout: Layout, context: &RowContext, format: Format, value: &Value) -> Vec<Row> {
    layout.rows(context, 1_398_902_400, value, format)
}

fn influx(layout: Layout, context: &RowContext, values: &[Value]) -> String {
    let mut out = Vec::new();
    let mut writer = writer(Format::Influx, layout.columns(), &mut out);
    let mut maker = RowMaker::new(layout, context, Format::Influx);
    for value in values {
        maker
            .each(1_398_902_400, value.clone(), |row| writer.row(row))
            .unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn width(line: &str) -> usize {
    line.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[test]
fn every_line_of_a_table_is_equally_wide() {
    // DIFFERENCE: the originals have no such format.
    let columns = &["source", "value"];
    let rows: Vec<Row> = [
        "a",
        "日本語のホスト",
        "e\u{301}te\u{301}.example",
        "x\u{1b}[2J\ny",
        "",
    ]
    .into_iter()
    .map(|host| Row::new().with("source", host).with("value", 5))
    .chain([Row::new()])
    .collect();
    for limit in [None, Some(80), Some(24), Some(15), Some(7), Some(1)] {
        let text = table(limit, columns, &rows);
        let widths: Vec<usize> = text.lines().map(width).collect();
        assert_eq!(widths.len(), 8, "{text}");
        assert!(widths.iter().all(|w| *w == widths[0]), "{limit:?}\n{text}");
        assert!(
            limit.is_none_or(|limit| widths[0] <= limit),
            "{limit:?}\n{text}"
        );
    }
    let wide = table(None, columns, &rows);
    let line = |source: &str, value: &str| {
        let gap = " ".repeat(28 - width(source) - width(value));
        format!("{source}{gap}{value}\n")
    };
    assert!(wide.starts_with(&line("source", "value")), "{wide}");
    assert!(wide.contains(&line("x\\x1b[2J\\ny", "5")), "{wide}");
    assert!(wide.contains(&line("日本語のホスト", "5")), "{wide}");
    assert!(wide.ends_with(&line("-", "-")), "{wide}");
}

#[test]
fn what_does_not_fit_ends_in_an_ellipsis() {
    let row = Row::new()
        .with("source", "a-very-long-name.example.net")
        .with("timestamp", "2014-05-01 00:00:00")
        .with("value", 7_016_320_000_i64);
    let columns = &["source", "summary_window", "timestamp", "value"];
    let text = table(Some(48), columns, &[row]);
    assert_eq!(
        text,
        "source      timestamp                   value  …\n\
         ──────────  ───────────────────  ────────────  …\n\
         a-very-lo…  2014-05-01 00:00:00    7016320000  …\n"
    );
}

#[test]
fn later_rows_are_cut_to_the_columns_of_the_first() {
    let row = |text: &str| Row::new().with("source", text);
    let mut rows = vec![row("short"); 200];
    rows.push(row("longer than the others"));
    let text = table(None, &["source"], &rows);
    assert_eq!(text.lines().count(), 203);
    assert!(text.ends_with("\nshort \nlonge…\n"), "{text}");
}

#[test]
fn a_table_without_rows_says_so() {
    assert_eq!(table(None, &["value"], &[]), "No data found.\n");
}

#[test]
fn bold_headers_are_not_counted_as_text() {
    let mut out = Vec::new();
    let screen = Screen {
        width: Some(80),
        colour: true,
    };
    let mut writer = table_writer(&["source"], screen, &mut out);
    writer.row(&Row::new().with("source", "a")).unwrap();
    writer.finish().unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\u{1b}[1msource\u{1b}[0m\n──────\na     \n"
    );
}

const TAGS: &str = r"destination=ps\ lat.example.net,measurement_agent=10.1.1.1,metadata_key=k1,";

#[test]
fn a_number_is_a_point_with_a_typed_value() {
    // DIFFERENCE: the originals have no such format.
    let base = context("packet-count-sent", "base", 0);
    let values = [json!(600), json!(600.0), Value::Null, json!(0.5)];
    let head = format!("packet-count-sent,{TAGS}source=10.1.1.1,tool_name=bwctl/iperf3 value=");
    assert_eq!(
        influx(Layout::Numeric, &base, &values),
        format!(
            "{head}600i 1398902400000000000\n{head}600i 1398902400000000000\n\
             {head}0.5 1398902400000000000\n"
        )
    );
    let average = context("throughput", "average", 86_400);
    let text = influx(Layout::Numeric, &average, &[json!(7_016_320_000_i64)]);
    assert!(text.starts_with("throughput_average_86400,dest"), "{text}");
    assert!(
        text.ends_with(" value=7016320000 1398902400000000000\n"),
        "{text}"
    );
}

#[test]
fn integers_stay_integers_also_beyond_the_database() {
    let base = context("packet-count-sent", "base", 0);
    for (value, written) in [
        ("9223372036854775807", "9223372036854775807i"),
        ("9007199254740993", "9007199254740993i"),
        ("9223372036854775808", "9223372036854775807i"),
        ("-1e30", "-9223372036854775808i"),
        ("1e999", "9223372036854775807i"),
    ] {
        let value = serde_json::from_str(value).unwrap();
        let text = influx(Layout::Numeric, &base, &[value]);
        let end = format!(" value={written} 1398902400000000000\n");
        assert!(text.ends_with(&end), "{text}");
    }
}

#[test]
fn a_message_of_several_lines_is_one_point_on_one_line() {
    let context = context("failures", "base", 0);
    let error = json!({"error": "first \"line\"\nsecond \u{1b}[31m"});
    let text = influx(Layout::Failures, &context, &[error]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains(r#" msg="first \"line\"\\nsecond \\x1b[31m" 13"#),
        "{text}"
    );
}

#[test]
fn a_histogram_is_its_statistics() {
    let context = context("histogram-owdelay", "base", 0);
    let text = influx(
        Layout::Histogram,
        &context,
        &[json!({"34": 1, "36.5": 3}), json!({})],
    );
    let fields = text.split_once(" count=").unwrap().1;
    let expected = "4i,min=34.0,median=36.5,max=36.5,mean=35.875,";
    assert!(fields.starts_with(expected), "{text}");
    let empty = text.lines().nth(1).unwrap();
    assert!(empty.ends_with(" count=0i 1398902400000000000"), "{text}");
}

#[test]
fn hops_streams_and_intervals_are_points_of_their_own() {
    let trace = context("packet-trace", "base", 0);
    let hops = json!([
        {"ttl": 1, "query": 1, "success": 1, "ip": "10.1.1.254", "rtt": "0.5", "mtu": "9000"},
        {"ttl": 2, "query": 1, "success": false, "error_message": "no \"answer\" \\"},
    ]);
    let text = influx(Layout::PacketTrace, &trace, &[hops]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].ends_with(
            ",query=1,source=10.1.1.1,tool_name=bwctl/iperf3,ttl=1 \
             success=1i,ip=\"10.1.1.254\",rtt=0.5,mtu=9000i 1398902400000000000"
        ),
        "{text}"
    );
    assert!(
        lines[1].contains(",ttl=2 success=0i,error_message=\"no \\\"answer\\\" \\\\\" 139"),
        "{text}"
    );

    let streams = context("streams-throughput-subintervals", "base", 0);
    let value = json!([[{"start": 0.0, "duration": 1.0, "val": 5}, {"start": "1.5", "duration": "1.0", "val": "6"}]]);
    let text = influx(Layout::SubintervalList, &streams, &[value]);
    assert!(text.contains(",stream_num=0,"), "{text}");
    assert!(
        text.ends_with(" duration=1.0,value=6 1398902401500000000\n"),
        "an interval has the time of its start: {text}"
    );
}

#[test]
fn texts_cannot_leave_their_place_in_the_line() {
    let mut evil = context("a,b c#\n", "base", 0);
    evil.source = json!("x,y=z w\\");
    evil.destination = json!("");
    evil.tool = json!("a\\,b\\c\u{1b}");
    evil.measurement_agent = Value::Null;
    let text = influx(
        Layout::Value,
        &evil,
        &[json!({"a": "b\n\"c"}), json!("plain"), json!(true)],
    );
    let head = "a\\,b\\ c#\\n,metadata_key=k1,source=x\\,y\\=z\\ w\\x5c,\
                tool_name=a\\x5c\\,b\\c\\x1b value=";
    assert_eq!(
        text,
        format!(
            "{head}\"{{\\\"a\\\":\\\"b\\\\n\\\\\\\"c\\\"}}\" 1398902400000000000\n\
             {head}\"plain\" 1398902400000000000\n{head}true 1398902400000000000\n"
        )
    );
}

#[test]
fn times_beyond_the_database_are_its_last() {
    let context = context("ntp-delay", "base", 0);
    let mut out = Vec::new();
    let mut lines = writer(Format::Influx, &[], &mut out);
    let rows = Layout::Numeric.rows(&context, 1_398_902_400_000, &json!(1e308), Format::Influx);
    rows.iter().for_each(|row| lines.row(row).unwrap());
    lines.finish().unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.ends_with(" value=1e+308 9223372036854775806\n"),
        "{text}"
    );
}

#[test]
fn typed_rows_name_their_test_and_hold_seconds() {
    let context = context("throughput", "base", 0);
    let row = &rows(Layout::Numeric, &context, Format::Parquet, &json!(5))[0];
    assert_eq!(row.get("timestamp"), Some(&json!(1_398_902_400)));
    assert_eq!(row.get("metadata_key"), Some(&json!("k1")));
    let row = &rows(Layout::Numeric, &context, Format::Csv, &json!(5))[0];
    assert_eq!(row.get("metadata_key"), None);
}
