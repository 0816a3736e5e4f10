//! The values of a measurement in their places of a result.

use serde_json::{Map, Value, json};

use crate::Measurement;
use crate::object::number;
use crate::pscheduler::throughput;

/// What is told of a whole test, of its intervals, of its streams, and of the intervals
/// of those: a field of the result and the event types.
fn fields() -> impl Iterator<Item = (&'static str, [&'static str; 4])> {
    std::iter::once(throughput::OF_RATE).chain(throughput::TCP)
}

const SENT: &str = "packet-count-sent";
const LOST: &str = "packet-count-lost";
const LOSS: &str = "packet-loss-rate";

/// Lists the values that have no place in a result.
pub(super) fn without_place(measurement: &Measurement) -> impl Iterator<Item = (&str, &Value)> {
    let failed = measurement.failure().is_some();
    let has_place = move |name: &str| match name {
        "failures" => failed,
        SENT | LOST | LOSS => !failed,
        name => !failed && fields().any(|(_, all)| all.contains(&name)),
    };
    measurement
        .values
        .iter()
        .filter(move |(name, _)| !has_place(name))
        .map(|(name, value)| (name.as_str(), value))
}

/// Makes the result of a test that succeeded.
pub(super) fn result(measurement: &Measurement) -> Value {
    let value = |name: &str| {
        let mut values = measurement.values.iter();
        values
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let list = |name: &str| value(name).and_then(Value::as_array);
    let mut sum = Map::new();
    let mut streams: Vec<Map<String, Value>> = Vec::new();
    let mut intervals = Intervals::default();
    for (field, [total, subintervals, per_stream, streams_subintervals]) in fields() {
        if let Some(value) = value(total) {
            sum.insert(field.to_owned(), value.clone());
        }
        for (at, value) in list(per_stream).into_iter().flatten().enumerate() {
            numbered(&mut streams, at).insert(field.to_owned(), value.clone());
        }
        for subinterval in list(subintervals).into_iter().flatten() {
            intervals.sums.add(field, subinterval);
        }
        for (at, stream) in list(streams_subintervals).into_iter().flatten().enumerate() {
            for subinterval in stream.as_array().into_iter().flatten() {
                intervals.stream(at).add(field, subinterval);
            }
        }
    }
    if !sum.contains_key("retransmits")
        && let Some(all) = list("streams-packet-retransmits").and_then(|list| total(list))
    {
        // What a transfer log tells of streams alone; perfSONAR 5 shows the sum.
        sum.insert("retransmits".to_owned(), all.into());
    }
    let part = |name: &str| value(LOSS).and_then(|loss| loss.get(name));
    for (field, value) in [
        ("sent", value(SENT).or_else(|| part("denominator"))),
        ("lost", value(LOST).or_else(|| part("numerator"))),
    ] {
        sum.extend(value.map(|value| (field.to_owned(), value.clone())));
    }
    let mut summary = Map::from_iter([("summary".to_owned(), Value::Object(sum))]);
    if !streams.is_empty() {
        summary.insert("streams".to_owned(), json!(streams));
    }
    json!({
        "schema": 1,
        "succeeded": true,
        "error": null,
        "summary": summary,
        "intervals": intervals.into_value(),
    })
}

/// Returns the stream at a place; perfSONAR 5 leaves out one that is number 0.
fn numbered(streams: &mut Vec<Map<String, Value>>, at: usize) -> &mut Map<String, Value> {
    while streams.len() <= at {
        let id = ("stream-id".to_owned(), (streams.len() + 1).into());
        streams.push(Map::from_iter([id]));
    }
    &mut streams[at]
}

fn total(list: &[Value]) -> Option<i64> {
    let mut sum = 0_i64;
    for value in list {
        sum = sum.checked_add(value.as_i64()?)?;
    }
    (!list.is_empty()).then_some(sum)
}

/// The intervals of a test, in order: of all streams together, and of each.
#[derive(Default)]
struct Intervals {
    sums: Line,
    streams: Vec<Line>,
}

impl Intervals {
    fn stream(&mut self, at: usize) -> &mut Line {
        while self.streams.len() <= at {
            self.streams.push(Line::default());
        }
        &mut self.streams[at]
    }

    fn into_value(self) -> Value {
        let lines = std::iter::once(&self.sums).chain(&self.streams);
        let length = lines.map(|line| line.parts.len()).max().unwrap_or(0);
        let intervals = (0..length).map(|at| {
            let mut interval = Map::new();
            let streams: Vec<Value> = self
                .streams
                .iter()
                .enumerate()
                .filter_map(|(stream, line)| {
                    let mut part = line.parts.get(at)?.clone();
                    part.insert("stream-id".to_owned(), (stream + 1).into());
                    Some(Value::Object(part))
                })
                .collect();
            if !streams.is_empty() {
                interval.insert("streams".to_owned(), streams.into());
            }
            if let Some(sum) = self.sums.parts.get(at) {
                interval.insert("summary".to_owned(), Value::Object(sum.clone()));
            }
            Value::Object(interval)
        });
        intervals.collect()
    }
}

/// Intervals that follow each other, with all that is told of each.
#[derive(Default)]
struct Line {
    parts: Vec<Map<String, Value>>,
    /// What is being added, and behind which part it goes on.
    field: &'static str,
    next: usize,
}

impl Line {
    /// Adds what is told of the next interval: to a part that tells of the same one, or
    /// as a part of its own. The order of each field is kept.
    fn add(&mut self, field: &'static str, subinterval: &Value) {
        let (Some(start), Some(val)) = (subinterval.get("start"), subinterval.get("val")) else {
            return;
        };
        let span = float(start).zip(subinterval.get("duration").and_then(float));
        let Some((from, duration)) = span else {
            return;
        };
        if self.field != field {
            (self.field, self.next) = (field, 0);
        }
        let end = json!(from + duration);
        let same = |part: &Map<String, Value>| {
            part.get("start") == Some(start) && part.get("end") == Some(&end)
        };
        let at = match self.parts[self.next..].iter().position(same) {
            Some(behind) => self.next + behind,
            None => {
                let span = [("start", start.clone()), ("end", end)];
                let span = span.map(|(name, value)| (name.to_owned(), value));
                self.parts.insert(self.next, Map::from_iter(span));
                self.next
            }
        };
        self.parts[at].insert(field.to_owned(), val.clone());
        self.next = at + 1;
    }
}

pub(super) fn float(value: &Value) -> Option<f64> {
    number(value)?.as_f64().filter(|float| float.is_finite())
}
