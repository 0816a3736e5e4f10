//! The values in a report of iperf3.

use serde_json::{Number, Value, json};

use super::{Report, Settings};
use crate::object::Object;

type Values = Vec<(String, Value)>;

/// Makes the values of a test that failed.
pub(super) fn failure(error: &str) -> Values {
    vec![("failures".to_owned(), json!({ "error": error }))]
}

/// Lists the values of a report; none when it holds no result.
pub(super) fn of(report: &Report, settings: &Settings) -> Values {
    let mut values = Values::new();
    let mut put = |event_type: &str, value: Option<Value>| {
        values.extend(value.map(|value| (event_type.to_owned(), value)));
    };
    let protocol = settings.protocol.as_deref().unwrap_or_default();
    let sum = report.end.object("sum");
    let received = if protocol == "udp" {
        sum.number(RATE)
    } else {
        report.end.object("sum_received").number(RATE)
    };
    if received.is_none() {
        return values;
    }
    let streams = Streams::new(report, settings);
    let subintervals = |field| {
        list(report.intervals.iter().filter_map(|interval| {
            if streams.bidirectional {
                streams.sum(interval, field)
            } else {
                subinterval(&interval.object("sum"), field)
            }
        }))
    };
    put("throughput", received.map(Value::Number));
    put("throughput-subintervals", subintervals(RATE));
    if protocol == "tcp" {
        let resent = report.end.object("sum_sent").number(RESENT);
        put("packet-retransmits", resent.map(Value::Number));
        put("packet-retransmits-subintervals", subintervals(RESENT));
    }
    if protocol == "udp" {
        let (lost, sent) = (sum.number("lost_packets"), sum.number("packets"));
        put("packet-count-lost", lost.clone().map(Value::Number));
        put("packet-count-sent", sent.clone().map(Value::Number));
        let rate = lost
            .zip(sent)
            .filter(|(_, sent)| sent.as_f64() != Some(0.0));
        put(
            "packet-loss-rate",
            rate.map(|(lost, sent)| json!({"numerator": lost, "denominator": sent})),
        );
    }
    if streams.wanted > 1 {
        let side = if protocol == "udp" { "udp" } else { "receiver" };
        put("streams-throughput", streams.totals(side, RATE));
        if protocol == "tcp" {
            put(
                "streams-packet-retransmits",
                streams.totals("sender", RESENT),
            );
            put(
                "streams-packet-retransmits-subintervals",
                streams.subintervals(RESENT),
            );
        }
        put(
            "streams-throughput-subintervals",
            streams.subintervals(RATE),
        );
    }
    values
}

const RATE: &str = "bits_per_second";
const RESENT: &str = "retransmits";

/// The streams of a test, those of the forward direction alone.
struct Streams {
    /// How many there should be.
    wanted: usize,
    /// Whether there are others, of the other direction.
    bidirectional: bool,
    /// Totals of each stream.
    totals: Vec<Object>,
    /// Streams are told apart by their sockets, in the order of the totals.
    sockets: Vec<Option<Number>>,
    /// Intervals of each stream.
    intervals: Vec<Vec<Object>>,
}

impl Streams {
    fn new(report: &Report, settings: &Settings) -> Self {
        let wanted = settings
            .streams
            .and_then(|streams| usize::try_from(streams).ok());
        let wanted = wanted.unwrap_or(1).max(1);
        let mut totals = report.end.objects("streams");
        // Each direction has as many streams as were asked for.
        let bidirectional = totals.len() > wanted;
        if bidirectional {
            totals.retain(|stream| {
                SIDES
                    .iter()
                    .any(|side| stream.object(side).get("sender") == Some(report.sends()))
            });
        }
        let sockets: Vec<_> = totals.iter().map(socket).collect();
        let mut intervals: Vec<Vec<Object>> = sockets.iter().map(|_| Vec::new()).collect();
        for interval in &report.intervals {
            for stream in interval.objects("streams") {
                let id = stream.number("socket");
                if let Some(at) = sockets.iter().position(|socket| *socket == id) {
                    intervals[at].push(stream);
                }
            }
        }
        Self {
            wanted,
            bidirectional,
            totals,
            sockets,
            intervals,
        }
    }

    /// Sums up an interval: in bidirectional tests, versions differ in what their own
    /// sum is.
    fn sum(&self, interval: &Object, field: &str) -> Option<Value> {
        let mut streams = interval.objects("streams");
        streams.retain(|stream| self.sockets.contains(&stream.number("socket")));
        let first = streams.first()?;
        let all: Option<Vec<Number>> = streams.iter().map(|stream| stream.number(field)).collect();
        Some(json!({
            "start": first.number("start")?,
            "duration": first.number("seconds")?,
            "val": add(&all?),
        }))
    }

    /// Lists one number of each stream; `None` when a stream lacks it, since the place
    /// in the list tells the stream.
    fn totals(&self, side: &str, field: &str) -> Option<Value> {
        let numbers: Option<Vec<Number>> = self
            .totals
            .iter()
            .map(|stream| stream.object(side).number(field))
            .collect();
        numbers
            .filter(|list| !list.is_empty())
            .map(|list| json!(list))
    }

    /// Lists the intervals of each stream; `None` when a stream has none.
    ///
    /// DIFFERENCE: one list per stream, with `val`; the original writes one list per
    /// interval, with names that the query programs do not read.
    fn subintervals(&self, field: &str) -> Option<Value> {
        let lists: Option<Vec<Value>> = self
            .intervals
            .iter()
            .map(|stream| list(stream.iter().filter_map(|part| subinterval(part, field))))
            .collect();
        lists.filter(|lists| !lists.is_empty()).map(Value::Array)
    }
}

/// Names of a stream's totals: of TCP and SCTP, and of UDP.
const SIDES: [&str; 3] = ["sender", "receiver", "udp"];

fn add(numbers: &[Number]) -> Value {
    let whole: Option<Vec<i64>> = numbers.iter().map(Number::as_i64).collect();
    match whole {
        Some(whole) => json!(whole.into_iter().fold(0, i64::saturating_add)),
        None => json!(numbers.iter().filter_map(Number::as_f64).sum::<f64>()),
    }
}

fn socket(stream: &Object) -> Option<Number> {
    SIDES
        .iter()
        .find_map(|side| stream.object(side).number("socket"))
}

fn subinterval(sum: &Object, field: &str) -> Option<Value> {
    Some(json!({
        "start": sum.number("start")?,
        "duration": sum.number("seconds")?,
        "val": sum.number(field)?,
    }))
}

/// Archives take no empty lists of intervals.
fn list(intervals: impl Iterator<Item = Value>) -> Option<Value> {
    let list: Vec<Value> = intervals.collect();
    (!list.is_empty()).then_some(Value::Array(list))
}
