//! From points of a series to rows: which columns an event type has, and which
//! rows one value gives.
//!
//! Every value is looked at by itself. What is missing in it, or is not of the
//! expected shape, becomes none; it never ends a run and never removes a row.
//! (The originals stop with a traceback on such values.)
//!
//! DIFFERENCE: the originals decide by the first row what the columns are, and
//! crash at a value of another shape.

use std::convert::Infallible;
use std::slice;

use chrono::{DateTime, Datelike as _, Timelike as _};
use esmond_ps_model::{RowLayout, SummaryType};
use serde_json::Value;

use crate::columns::TEST_COLUMNS;
use crate::output::{Format, influx_cells};
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
    /// `measurement-agent` of the metadata, or null; only typed formats show it.
    pub measurement_agent: Value,
    /// Key of the metadata; only typed formats show it.
    pub metadata_key: String,
}

impl RowContext {
    /// Returns the columns that all layouts begin with, the timestamp still empty.
    fn row(&self, is_typed: bool) -> Row {
        let row = Row::new()
            .with("source", self.source.clone())
            .with("destination", self.destination.clone())
            .with("event_type", self.event_type.as_str())
            .with("tool", self.tool.clone())
            .with("summary_type", self.summary_type.as_str())
            .with("summary_window", self.summary_window)
            .with("timestamp", "");
        if !is_typed {
            return row;
        }
        let [agent, key] = TEST_COLUMNS;
        row.with(agent, self.measurement_agent.clone())
            .with(key, self.metadata_key.as_str())
    }
}

impl Layout {
    /// Returns the layout of the rows of an event type, or of its summaries of
    /// a type.
    #[must_use]
    pub fn of(rows: RowLayout, summary: Option<SummaryType>) -> Self {
        match rows {
            RowLayout::Numeric => Self::Numeric,
            RowLayout::Failures => Self::Failures,
            RowLayout::PacketTrace => Self::PacketTrace,
            RowLayout::Histogram if summary == Some(SummaryType::Statistics) => {
                Self::HistogramStatistics
            }
            RowLayout::Histogram => Self::Histogram,
            RowLayout::Subintervals => Self::Subintervals,
            RowLayout::NumberList => Self::NumberList,
            RowLayout::SubintervalList => Self::SubintervalList,
            RowLayout::Value => Self::Value,
        }
    }

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

    /// Returns the rows of one point, given its time in Unix seconds: those
    /// that [`RowMaker::each`] tells of.
    pub fn rows(self, context: &RowContext, ts: i64, value: &Value, format: Format) -> Vec<Row> {
        let mut rows = Vec::new();
        let keep = |row: &Row| {
            rows.push(row.clone());
            Ok::<(), Infallible>(())
        };
        let Ok(()) = RowMaker::new(self, context, format).each(ts, value.clone(), keep);
        rows
    }
}

/// How many columns all layouts begin with.
pub(crate) const BASE: usize = 7;

/// Position of the timestamp among them.
const TIMESTAMP: usize = 6;

/// Makes the rows of a series, point after point, in one and the same row: most
/// of its cells are those of the row before.
#[derive(Debug, Clone)]
pub struct RowMaker {
    layout: Layout,
    format: Format,
    bucket_width: Value,
    row: Row,
    /// How many of its cells stay.
    base: usize,
}

impl RowMaker {
    /// Returns one for the rows of a series. The format matters to packet traces (human output has a row that names the
    /// trace, and then only the hops' own columns), to [`Layout::Value`], and to
    /// typed formats: their times are Unix seconds, and their rows name the test. A
    /// histogram becomes its statistics for Influx, which has no such value.
    pub fn new(layout: Layout, context: &RowContext, format: Format) -> Self {
        let is_typed = format.is_typed();
        Self {
            layout,
            format,
            bucket_width: context.bucket_width.clone(),
            row: context.row(is_typed),
            base: if is_typed {
                BASE + TEST_COLUMNS.len()
            } else {
                BASE
            },
        }
    }

    /// Returns how the rows are laid out.
    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns what all rows begin with, to be changed for all to come: as the only row.
    pub(crate) fn begin(&mut self) -> &mut [Row] {
        slice::from_mut(&mut self.row)
    }

    /// Tells of the rows of one point, given its time in Unix seconds, until the function
    /// fails.
    ///
    /// An empty list has no rows; a value that should be a list and is none has one,
    /// without parts.
    ///
    /// # Errors
    ///
    /// Those of the function.
    pub fn each<E>(
        &mut self,
        ts: i64,
        value: Value,
        mut tell: impl FnMut(&Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let row = &mut self.row;
        let base = self.base;
        row.truncate(base);
        match row.value_at(TIMESTAMP) {
            Some(time) if self.format.is_typed() => *time = ts.into(),
            Some(Value::String(text)) => {
                text.clear();
                push_timestamp(text, ts);
            }
            _ => {}
        }
        if self.format == Format::Influx
            && let Some(cells) = influx_cells(self.layout, &value)
        {
            cells
                .into_iter()
                .for_each(|(name, value)| row.push(name, value));
            return tell(row);
        }
        match self.layout {
            Layout::Numeric => {
                row.push("value", value);
                tell(row)
            }
            Layout::Failures => {
                row.push("msg", part(&value, "error"));
                tell(row)
            }
            Layout::PacketTrace if self.format == Format::Human => {
                tell(row)?;
                let hops = elements(&value).iter();
                hops.map(|hop| with_hop(Row::new(), hop))
                    .try_for_each(|row| tell(&row))
            }
            Layout::PacketTrace => elements(&value).iter().try_for_each(|hop| {
                row.truncate(base);
                push_hop(row, hop);
                tell(row)
            }),
            Layout::Histogram => {
                row.push("bucket", self.bucket_width.clone());
                row.push("value", value);
                tell(row)
            }
            Layout::HistogramStatistics => {
                for (column, key) in STATISTICS {
                    row.push(column, part(&value, key));
                }
                tell(row)
            }
            Layout::Subintervals => elements(&value).iter().try_for_each(|interval| {
                row.truncate(base);
                push_interval(row, interval);
                tell(row)
            }),
            Layout::NumberList => numbered(&value).try_for_each(|(number, element)| {
                row.truncate(base);
                row.push("stream_num", number);
                row.push("value", element.clone());
                tell(row)
            }),
            Layout::SubintervalList => numbered(&value).try_for_each(|(number, intervals)| {
                elements(intervals).iter().try_for_each(|interval| {
                    row.truncate(base);
                    row.push("stream_num", number.clone());
                    push_interval(row, interval);
                    tell(row)
                })
            }),
            Layout::Value => {
                row.push("value", whole(value, self.format));
                tell(row)
            }
        }
    }
}

/// Returns a time in Unix seconds as `YYYY-MM-DD HH:MM:SS`, UTC.
///
/// Times later than the last second of 9999-12-29 are `9999-12-29 23:59:59.999999`,
/// as in the originals (archives hold times in milliseconds by mistake).
/// DIFFERENCE: times before year 1, which end the originals, are `0001-01-01 00:00:00`.
pub fn timestamp(ts: i64) -> String {
    let mut text = String::with_capacity(19);
    push_timestamp(&mut text, ts);
    text
}

/// By hand: formats that are read anew each time take most of the time of a row.
fn push_timestamp(text: &mut String, ts: i64) {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_127_999;
    if ts > LAST {
        text.push_str("9999-12-29 23:59:59.999999");
        return;
    }
    let Some(time) = DateTime::from_timestamp(ts.max(FIRST), 0) else {
        text.push_str(&ts.to_string());
        return;
    };
    let year = time.year().unsigned_abs();
    push_two_digits(text, year / 100);
    let rest = [
        ('-', time.month()),
        ('-', time.day()),
        (' ', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ];
    push_two_digits(text, year % 100);
    for (separator, number) in rest {
        text.push(separator);
        push_two_digits(text, number);
    }
}

fn push_two_digits(text: &mut String, number: u32) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('?'));
    }
}

fn with_hop(mut row: Row, hop: &Value) -> Row {
    push_hop(&mut row, hop);
    row
}

fn push_hop(row: &mut Row, hop: &Value) {
    for column in ["ttl", "query", "success", "ip", "rtt", "mtu"] {
        row.push(column, part(hop, column));
    }
    // perfSONAR 5 archives spell the last key with a dash.
    let error = match part(hop, "error_message") {
        Value::Null => part(hop, "error-message"),
        error => error,
    };
    row.push("error_message", error);
}

fn push_interval(row: &mut Row, interval: &Value) {
    row.push("start", part(interval, "start"));
    row.push("duration", part(interval, "duration"));
    row.push("value", part(interval, "val"));
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

fn whole(value: Value, format: Format) -> Value {
    let is_nested = value.is_array() || value.is_object();
    if is_nested && !format.keeps_structure() {
        return compact_json(&value).into();
    }
    value
}
