//! The line protocol of InfluxDB: one point a line, times in nanoseconds. DIFFERENCE:
//! the originals have no such format.
//!
//! The measurement is the event type, with `_<summary>_<window>` behind it for
//! summaries, so that nobody adds up data and their averages. What tells series apart
//! is a tag, everything else a field. What is none is left out, and a row without a
//! field is no point.
//!
//! The protocol cannot hold everything: control characters are made visible, and in
//! names and tags so are backslashes that would be read as escapes.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value;

use crate::columns::{has_numbers, is_count, whole};
use crate::layout::Layout;
use crate::pytext::{csv, number, one_line};
use crate::rows::Row;

/// Columns that are tags, in the order of the tags' names, which is the one that the
/// database wants.
const TAGS: [(&str, &str); 8] = [
    ("destination", "destination"),
    ("measurement_agent", "measurement_agent"),
    ("metadata_key", "metadata_key"),
    ("query", "query"),
    ("source", "source"),
    ("stream_num", "stream_num"),
    ("tool", "tool_name"),
    ("ttl", "ttl"),
];

const NANOSECONDS: f64 = 1e9;

/// From here on no number is an integer of 64 bits with sign.
const INTEGERS: f64 = 9_223_372_036_854_775_808.0;

pub(super) struct Writer<W> {
    out: W,
    line: String,
    /// What the names of the last row's series came to: mostly those of the next.
    measurement: Measurement,
}

#[derive(Default)]
struct Measurement {
    event_type: String,
    summary_type: String,
    name: String,
    is_count: bool,
    is_number: bool,
}

/// As what the values of a field are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    AsItIs,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            line: String::new(),
            measurement: Measurement::default(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        self.measurement.update(row);
        let line = &mut self.line;
        line.clear();
        line.push_str(&self.measurement.name);
        for (column, tag) in TAGS {
            match row.get(column) {
                None | Some(Value::Null) => {}
                Some(value) => push_tag(line, tag, &csv(value)),
            }
        }
        let head = line.len();
        for (column, value) in row.iter().filter(|(column, _)| is_field(column)) {
            let kind = match column {
                "count" | "mtu" | "success" => Kind::Integer,
                "value" if self.measurement.is_count => Kind::Integer,
                "value" if self.measurement.is_number => Kind::Float,
                "rtt" | "duration" => Kind::Float,
                _ => Kind::AsItIs,
            };
            push_field(line, head, column, value, kind);
        }
        if line.len() == head {
            return Ok(());
        }
        let start = row.get("start").and_then(|start| csv(start).parse().ok());
        // Writing to a String cannot fail.
        let _ = writeln!(line, " {}", nanoseconds(row.get("timestamp"), start));
        self.out.write_all(line.as_bytes())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Measurement {
    fn update(&mut self, row: &Row) {
        let text = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let (event_type, summary_type) = (text("event_type"), text("summary_type"));
        if self.event_type == event_type && self.summary_type == summary_type {
            return;
        }
        event_type.clone_into(&mut self.event_type);
        summary_type.clone_into(&mut self.summary_type);
        self.is_count = is_count(event_type, summary_type);
        self.is_number = has_numbers(event_type);
        let window = row.get("summary_window").and_then(Value::as_i64);
        let name = match window.filter(|_| !matches!(summary_type, "" | "base")) {
            Some(window) => format!("{event_type}_{summary_type}_{window}"),
            None => event_type.to_owned(),
        };
        self.name.clear();
        push_escaped(&mut self.name, &name, &[',', ' ']);
        if self.name.starts_with('#') {
            // Else the line were a comment.
            self.name.insert(0, '_');
        }
    }
}

/// Tells whether a column is a field: neither part of the measurement, nor a tag, nor
/// of the time.
fn is_field(column: &str) -> bool {
    let of_series = ["event_type", "summary_type", "summary_window"];
    let of_time = ["timestamp", "start"];
    !of_series.contains(&column)
        && !of_time.contains(&column)
        && TAGS.iter().all(|(tag, _)| *tag != column)
}

fn push_tag(line: &mut String, name: &str, value: &str) {
    // A tag without a value is none.
    if value.is_empty() {
        return;
    }
    line.push(',');
    line.push_str(name);
    line.push('=');
    push_escaped(line, value, &[',', '=', ' ']);
}

fn push_field(line: &mut String, head: usize, name: &str, value: &Value, kind: Kind) {
    let before = line.len();
    line.push(if before == head { ' ' } else { ',' });
    line.push_str(name);
    line.push('=');
    let is_integer = kind == Kind::Integer;
    match value {
        Value::Null => line.truncate(before),
        Value::Bool(value) if is_integer => line.push_str(if *value { "1i" } else { "0i" }),
        Value::Bool(value) => line.push_str(if *value { "true" } else { "false" }),
        Value::Number(n) => push_number(line, n.as_str(), is_integer),
        // Old tests stored the numbers of hops and intervals as texts.
        Value::String(text) if kind != Kind::AsItIs && is_number(text) => {
            push_number(line, text, is_integer);
        }
        // The protocol knows no line break in a text; JSON has none.
        Value::String(text) => push_string(line, &one_line(text)),
        Value::Array(_) | Value::Object(_) => push_string(line, &csv(value)),
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn push_number(line: &mut String, text: &str, is_integer: bool) {
    if let Some(number) = whole(text).filter(|_| is_integer) {
        let _ = write!(line, "{number}i");
        return;
    }
    match text.parse::<f64>() {
        // Beyond what the database can hold.
        Ok(value) if is_integer && value.abs() >= INTEGERS => {
            let most = if value > 0.0 { i64::MAX } else { i64::MIN };
            let _ = write!(line, "{most}i");
        }
        Ok(value) if value.is_infinite() => {
            let most = if value > 0.0 { f64::MAX } else { f64::MIN };
            let _ = write!(line, "{most:e}");
        }
        _ => line.push_str(&number(text)),
    }
}

fn push_string(line: &mut String, text: &str) {
    line.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            line.push('\\');
        }
        line.push(c);
    }
    line.push('"');
}

/// Appends a name or a tag value, on one line, with these characters escaped. A
/// backslash before one of them, before another and at the end cannot be written: it
/// becomes `\x5c`.
fn push_escaped(line: &mut String, text: &str, special: &[char]) {
    let visible = one_line(text);
    let mut characters = visible.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\\' {
            let next = characters.peek();
            let is_plain = next.is_some_and(|next| *next != '\\' && !special.contains(next));
            line.push_str(if is_plain { "\\" } else { "\\x5c" });
            continue;
        }
        if special.contains(&c) {
            line.push('\\');
        }
        line.push(c);
    }
}

/// Returns the time of a row; an interval's is that of its start. What the database
/// cannot hold becomes the first or the last time that it can.
fn nanoseconds(timestamp: Option<&Value>, start: Option<f64>) -> i64 {
    // The database keeps the two smallest values and the largest for itself.
    const FIRST: i64 = i64::MIN + 2;
    const LAST: i64 = i64::MAX - 1;
    let seconds = timestamp.and_then(Value::as_i64).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and is cut below"
    )]
    let start = (start.unwrap_or_default() * NANOSECONDS).round() as i64;
    let time = seconds.saturating_mul(1_000_000_000).saturating_add(start);
    time.clamp(FIRST, LAST)
}

/// Makes the cells of a point whose value Influx cannot hold as it is, or nothing:
/// count and statistics of a histogram.
pub(crate) fn own_cells(layout: Layout, value: &Value) -> Option<Vec<(&'static str, Value)>> {
    use esmond_ps_model::Histogram;
    if layout != Layout::Histogram {
        return None;
    }
    let Ok(histogram) = serde_json::from_value::<Histogram>(value.clone()) else {
        return Some(Vec::new());
    };
    let counts = histogram.buckets().map(|(_, count)| count);
    let count = counts.fold(0, i64::saturating_add);
    let mut cells: Vec<(&'static str, Value)> = vec![("count", count.into())];
    // Without counts, or with buckets that are no numbers, that is all.
    if let Some(found) = histogram.statistics() {
        cells.extend([
            ("min", found.minimum.into()),
            ("median", found.median.into()),
            ("max", found.maximum.into()),
            ("mean", found.mean.into()),
            ("standard_deviation", found.standard_deviation.into()),
            ("variance", found.variance.into()),
            ("percentile_25", found.percentile_25.into()),
            ("percentile_75", found.percentile_75.into()),
            ("percentile_95", found.percentile_95.into()),
        ]);
    }
    Some(cells)
}
