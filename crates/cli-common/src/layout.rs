//! From points of a series to rows: which columns an event type has, and which
//! rows one value gives.
//!
//! Every value is looked at by itself. What is missing in it, or is not of the
//! expected shape, becomes none; it never ends a run and never removes a row.
//! (The originals stop with a traceback on such values.)

use std::slice;

use chrono::DateTime;
use serde_json::Value;

use crate::output::Format;
use crate::pytext::compact_json;
use crate::rows::Row;

/// The column lists of the layouts: the seven that every layout begins with, and its own.
macro_rules! columns {
    ($($own:literal),*) => {
        &["source", "destination", "event_type", "tool", "summary_type", "summary_window",
          "timestamp", $($own),*]
    };
}

/// Columns of a histogram's statistics, each with its key in the archive's answer.
const STATISTICS: [(&str, &str); 10] = [
    ("min", "minimum"),
    ("median", "median"),
    ("max", "maximum"),
    ("mean", "mean"),
    ("mode", "mode"),
    ("standard_deviation", "standard-deviation"),
    ("variance", "variance"),
    ("percentile_25", "percentile-25"),
    ("percentile_75", "percentile-75"),
    ("percentile_95", "percentile-95"),
];

static NONE: Value = Value::Null;

/// How the values of an event type become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// One `value` per point.
    Numeric,
    /// One `msg` per point: the `error` of the value.
    Failures,
    /// One row per hop; in human output preceded by a row that names the trace.
    PacketTrace,
    /// The whole histogram as `value`, with the width of its buckets.
    Histogram,
    /// The statistics of a histogram, one row per point.
    HistogramStatistics,
    /// One row per interval.
    Subintervals,
    /// One row per stream.
    NumberList,
    /// One row per stream and interval.
    SubintervalList,
    /// One `value` per point, whatever it is; compact JSON where a format has no
    /// structure of its own. For all json event types that have no layout of their own.
    Value,
}

/// What the rows of one series have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct RowContext {
    /// `source` of the metadata, or null.
    pub source: Value,
    /// `destination` of the metadata, or null.
    pub destination: Value,
    /// The event type asked for.
    pub event_type: String,
    /// `tool-name` of the metadata, or null.
    pub tool: Value,
    /// The summary type asked for, or `base`.
    pub summary_type: String,
    /// The summary window asked for, in seconds; 0 for base data.
    pub summary_window: i64,
    /// `sample-bucket-width` of the metadata, or null; only histograms show it.
    pub bucket_width: Value,
}

impl RowContext {
    fn row(&self, ts: i64) -> Row {
        Row::new()
            .with("source", self.source.clone())
            .with("destination", self.destination.clone())
            .with("event_type", self.event_type.as_str())
            .with("tool", self.tool.clone())
            .with("summary_type", self.summary_type.as_str())
            .with("summary_window", self.summary_window)
            .with("timestamp", timestamp(ts))
    }
}

impl Layout {
    /// Returns the columns of a row, in order.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Layout::Numeric | Layout::Value => columns!("value"),
            Layout::Failures => columns!("msg"),
            Layout::PacketTrace => {
                columns!(
                    "ttl",
                    "query",
                    "success",
                    "ip",
                    "rtt",
                    "mtu",
                    "error_message"
                )
            }
            Layout::Histogram => columns!("bucket", "value"),
            Layout::HistogramStatistics => columns!(
                "min",
                "median",
                "max",
                "mean",
                "mode",
                "standard_deviation",
                "variance",
                "percentile_25",
                "percentile_75",
                "percentile_95"
            ),
            Layout::Subintervals => columns!("start", "duration", "value"),
            Layout::NumberList => columns!("stream_num", "value"),
            Layout::SubintervalList => columns!("stream_num", "start", "duration", "value"),
        }
    }

    /// Returns the layout for summaries of this type (`aggregation`, `average`,
    /// `statistics`), or nothing when event types of this layout never have them.
    ///
    /// Something does not mean that a test has the summary: its metadata say that.
    pub fn summarised(self, summary_type: &str) -> Option<Layout> {
        match self {
            Layout::Numeric | Layout::Value => Some(self),
            Layout::Histogram => match summary_type {
                "aggregation" => Some(Layout::Histogram),
                "statistics" => Some(Layout::HistogramStatistics),
                _ => None,
            },
            Layout::HistogramStatistics => (summary_type == "statistics").then_some(self),
            // DIFFERENCE: the originals print base data under the summary's label.
            Layout::Failures
            | Layout::PacketTrace
            | Layout::Subintervals
            | Layout::NumberList
            | Layout::SubintervalList => None,
        }
    }

    /// Returns the rows of one point, given its time in Unix seconds.
    ///
    /// The format matters to packet traces (human output has a row that names the
    /// trace, and then only the hops' own columns) and to [`Layout::Value`].
    /// An empty list has no rows; a value that should be a list and is none has one,
    /// without parts.
    pub fn rows(self, context: &RowContext, ts: i64, value: &Value, format: Format) -> Vec<Row> {
        let row = || context.row(ts);
        match self {
            Layout::Numeric => vec![row().with("value", value.clone())],
            Layout::Failures => vec![row().with("msg", part(value, "error"))],
            Layout::PacketTrace if format == Format::Human => {
                let hops = elements(value).iter().map(|hop| with_hop(Row::new(), hop));
                std::iter::once(row()).chain(hops).collect()
            }
            Layout::PacketTrace => {
                let hops = elements(value).iter();
                hops.map(|hop| with_hop(row(), hop)).collect()
            }
            Layout::Histogram => vec![
                row()
                    .with("bucket", context.bucket_width.clone())
                    .with("value", value.clone()),
            ],
            Layout::HistogramStatistics => {
                let mut statistics = row();
                for (column, key) in STATISTICS {
                    statistics.push(column, part(value, key));
                }
                vec![statistics]
            }
            Layout::Subintervals => {
                let intervals = elements(value).iter();
                intervals.map(|i| with_interval(row(), i)).collect()
            }
            Layout::NumberList => numbered(value)
                .map(|(number, element)| {
                    row()
                        .with("stream_num", number)
                        .with("value", element.clone())
                })
                .collect(),
            Layout::SubintervalList => {
                let mut rows = Vec::new();
                for (number, intervals) in numbered(value) {
                    for interval in elements(intervals) {
                        let stream = row().with("stream_num", number.clone());
                        rows.push(with_interval(stream, interval));
                    }
                }
                rows
            }
            Layout::Value => vec![row().with("value", whole(value, format))],
        }
    }
}

/// Returns a time in Unix seconds as `YYYY-MM-DD HH:MM:SS`, UTC.
///
/// Times later than the last second of 9999-12-29 are `9999-12-29 23:59:59.999999`,
/// as in the originals (archives hold times in milliseconds by mistake).
/// DIFFERENCE: times before year 1, which end the originals, are `0001-01-01 00:00:00`.
pub fn timestamp(ts: i64) -> String {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_127_999;
    if ts > LAST {
        return String::from("9999-12-29 23:59:59.999999");
    }
    DateTime::from_timestamp(ts.max(FIRST), 0).map_or_else(
        || ts.to_string(),
        |time| time.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn with_hop(row: Row, hop: &Value) -> Row {
    // perfSONAR 5 archives spell the last key with a dash.
    let error = match part(hop, "error_message") {
        Value::Null => part(hop, "error-message"),
        error => error,
    };
    row.with("ttl", part(hop, "ttl"))
        .with("query", part(hop, "query"))
        .with("success", part(hop, "success"))
        .with("ip", part(hop, "ip"))
        .with("rtt", part(hop, "rtt"))
        .with("mtu", part(hop, "mtu"))
        .with("error_message", error)
}

fn with_interval(row: Row, interval: &Value) -> Row {
    row.with("start", part(interval, "start"))
        .with("duration", part(interval, "duration"))
        .with("value", part(interval, "val"))
}

fn part(value: &Value, key: &str) -> Value {
    value.get(key).cloned().unwrap_or_default()
}

/// Returns the elements of a list; of anything else, one that has no parts.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        _ => slice::from_ref(&NONE),
    }
}

/// As [`elements`], with positions; what is no list has none.
fn numbered(value: &Value) -> impl Iterator<Item = (Value, &Value)> {
    let is_list = value.is_array();
    elements(value)
        .iter()
        .enumerate()
        .map(move |(position, element)| {
            let number = if is_list {
                position.into()
            } else {
                Value::Null
            };
            (number, element)
        })
}

fn whole(value: &Value, format: Format) -> Value {
    let is_nested = value.is_array() || value.is_object();
    if is_nested && !format.keeps_structure() {
        return compact_json(value).into();
    }
    value.clone()
}
