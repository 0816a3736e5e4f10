//! Tests of type `throughput`.

use serde_json::{Map, Value, json};

use super::{Mapped, object as part, objects};
use crate::object;

pub(super) fn map(spec: &Map<String, Value>, result: &Map<String, Value>) -> Mapped {
    let mut mapped = Mapped::default();
    let udp = spec.get("udp").and_then(Value::as_bool) == Some(true);
    let parallel = spec
        .get("parallel")
        .and_then(|parallel| object::number(parallel)?.as_f64())
        .is_some_and(|streams| streams > 1.0);
    declare(&mut mapped, udp, parallel);
    mapped.rename(
        spec,
        &[
            ("tos", "ip-tos"),
            // DIFFERENCE: the original does not know the name that specifications use.
            ("ip-tos", "ip-tos"),
            ("dscp", "ip-dscp"),
            ("buffer-length", "bw-buffer-size"),
            ("parallel", "bw-parallel-streams"),
            ("bandwidth", "bw-target-bandwidth"),
            ("window-size", "tcp-window-size"),
            ("dynamic-window-size", "tcp-dynamic-window-size"),
            ("mss", "tcp-max-segment-size"),
        ],
    );
    // DIFFERENCE: seconds, as the name says; the original keeps the text `PT5S`.
    mapped.seconds(spec, &[("omit", "bw-ignore-first-seconds")]);
    let protocol = if udp { "udp" } else { "tcp" };
    mapped
        .parameters
        .push(("ip-transport-protocol".to_owned(), protocol.into()));
    totals(&mut mapped, result, udp, parallel);
    subintervals(&mut mapped, result, udp, parallel);
    mapped
}

fn declare(mapped: &mut Mapped, udp: bool, parallel: bool) {
    mapped.declare(&["failures", "throughput", "throughput-subintervals"]);
    if parallel {
        mapped.declare(&["streams-throughput", "streams-throughput-subintervals"]);
    }
    if udp {
        mapped.declare(&["packet-loss-rate", "packet-count-lost", "packet-count-sent"]);
        return;
    }
    mapped.declare(&["packet-retransmits", "packet-retransmits-subintervals"]);
    if parallel {
        mapped.declare(&[
            "streams-packet-retransmits",
            "streams-packet-retransmits-subintervals",
        ]);
    }
}

/// What TCP tells beside its throughput: a result's field, its event type, that of the
/// intervals, and both of the streams.
pub(crate) const TCP: [(&str, [&str; 4]); 3] = [
    (
        "retransmits",
        [
            "packet-retransmits",
            "packet-retransmits-subintervals",
            "streams-packet-retransmits",
            "streams-packet-retransmits-subintervals",
        ],
    ),
    (
        "rtt",
        [
            "packet-rtt",
            "packet-rtt-subintervals",
            "streams-packet-rtt",
            "streams-packet-rtt-subintervals",
        ],
    ),
    (
        "tcp-window-size",
        [
            "tcp-windowsize",
            "tcp-windowsize-subintervals",
            "streams-tcp-windowsize",
            "streams-tcp-windowsize-subintervals",
        ],
    ),
];

const RATE: &str = "throughput-bits";

/// The same of the throughput itself.
pub(crate) const OF_RATE: (&str, [&str; 4]) = (
    RATE,
    [
        "throughput",
        "throughput-subintervals",
        "streams-throughput",
        "streams-throughput-subintervals",
    ],
);

fn totals(mapped: &mut Mapped, result: &Map<String, Value>, udp: bool, parallel: bool) {
    let Some(summary) = part(result, "summary") else {
        return;
    };
    if let Some(sum) = part(summary, "summary") {
        let mut put = |event_type, field| {
            let number = mapped.number(sum, field);
            mapped.put(event_type, number);
        };
        put("throughput", RATE);
        if udp {
            put("packet-count-sent", "sent");
            put("packet-count-lost", "lost");
            mapped.fraction("packet-loss-rate", sum, "lost", "sent");
        } else {
            TCP.into_iter()
                .for_each(|(field, [event_type, ..])| put(event_type, field));
        }
    }
    if parallel {
        let mut streams: Vec<_> = objects(summary, "streams").collect();
        streams.sort_by_key(|stream| id(stream));
        column(mapped, "streams-throughput", &streams, RATE);
        for (field, [_, _, event_type, _]) in TCP.into_iter().filter(|_| !udp) {
            column(mapped, event_type, &streams, field);
        }
    }
}

fn subintervals(mapped: &mut Mapped, result: &Map<String, Value>, udp: bool, parallel: bool) {
    let sums: Vec<_> = objects(result, "intervals")
        .filter_map(|interval| part(interval, "summary"))
        .collect();
    let mut streams: Vec<(Id, Vec<&Map<String, Value>>)> = Vec::new();
    for stream in objects(result, "intervals").flat_map(|interval| objects(interval, "streams")) {
        let id = id(stream);
        match streams.iter_mut().find(|(known, _)| *known == id) {
            Some((_, parts)) => parts.push(stream),
            None => streams.push((id, vec![stream])),
        }
    }
    streams.sort_by(|(one, _), (other, _)| one.cmp(other));
    mapped.put_intervals("throughput-subintervals", &sums, RATE);
    if parallel {
        mapped.put_streams("streams-throughput-subintervals", &streams, RATE);
    }
    for (field, [_, all, _, each]) in TCP.into_iter().filter(|_| !udp) {
        mapped.put_intervals(all, &sums, field);
        if parallel {
            mapped.put_streams(each, &streams, field);
        }
    }
}

/// Streams are ordered by their numbers; some tools name them by texts.
type Id = (i64, String);

fn id(stream: &Map<String, Value>) -> Id {
    let id = stream.get("stream-id").unwrap_or(&Value::Null);
    match id {
        Value::String(text) => (text.parse().unwrap_or(i64::MAX), text.clone()),
        other => (other.as_i64().unwrap_or(i64::MAX), other.to_string()),
    }
}

fn number(of: &Map<String, Value>, name: &str) -> Option<Value> {
    of.get(name).and_then(object::number).map(Value::Number)
}

/// Adds a list with a number of each stream; when a stream lacks it there is none, and
/// that is noted if others have it.
///
/// DIFFERENCE: the original leaves out zeros, and with them the streams' places.
fn column(
    mapped: &mut Mapped,
    event_type: &'static str,
    streams: &[&Map<String, Value>],
    name: &str,
) {
    let list: Option<Value> = streams.iter().map(|stream| number(stream, name)).collect();
    if list.is_none() && streams.iter().any(|stream| says(stream, name)) {
        let note = format!("{event_type}: not every stream has {name}");
        mapped.left_out.push(note);
    }
    mapped.put(event_type, list);
}

fn says(of: &Map<String, Value>, name: &str) -> bool {
    of.get(name).is_some_and(|value| !value.is_null())
}

impl Mapped {
    fn put_intervals(
        &mut self,
        event_type: &'static str,
        parts: &[&Map<String, Value>],
        name: &str,
    ) {
        let intervals = self.intervals(event_type, parts, name);
        self.put(event_type, Some(intervals.into()));
    }

    /// Adds the intervals of each stream. Places tell the streams, so all of them must
    /// say something.
    fn put_streams(
        &mut self,
        event_type: &'static str,
        streams: &[(Id, Vec<&Map<String, Value>>)],
        name: &str,
    ) {
        let lists: Vec<Vec<Value>> = streams
            .iter()
            .map(|(_, parts)| self.intervals(event_type, parts, name))
            .collect();
        if lists.iter().all(|list| !list.is_empty()) {
            self.put(event_type, Some(lists.into()));
        } else if lists.iter().any(|list| !list.is_empty()) {
            let note = format!("{event_type}: not every stream has {name}");
            self.left_out.push(note);
        }
    }

    fn intervals(
        &mut self,
        event_type: &str,
        parts: &[&Map<String, Value>],
        name: &str,
    ) -> Vec<Value> {
        let saying = parts.iter().filter(|part| says(part, name));
        let all = saying.clone().filter_map(|part| interval(part, name));
        let all: Vec<Value> = all.collect();
        let lost = saying.count() - all.len();
        self.lost(lost, &format!("intervals of {event_type} cannot be read"));
        all
    }
}

fn interval(part: &Map<String, Value>, name: &str) -> Option<Value> {
    let (start, end) = (number(part, "start")?, number(part, "end")?);
    let duration = end.as_f64()? - start.as_f64()?;
    Some(json!({
        "start": start,
        "duration": duration,
        "val": number(part, name)?,
    }))
}
