//! Tests of type `throughput`.

use serde_json::{Map, Value, json};

use super::{Mapped, object, objects};

pub(super) fn map(spec: &Map<String, Value>, result: &Map<String, Value>) -> Mapped {
    let mut mapped = Mapped::default();
    let udp = spec.get("udp").and_then(Value::as_bool) == Some(true);
    let parallel = spec
        .get("parallel")
        .and_then(Value::as_f64)
        .is_some_and(|streams| streams > 1.0);
    declare(&mut mapped, udp, parallel);
    mapped.rename(
        spec,
        &[
            ("tos", "ip-tos"),
            ("dscp", "ip-dscp"),
            ("buffer-length", "bw-buffer-size"),
            ("parallel", "bw-parallel-streams"),
            ("bandwidth", "bw-target-bandwidth"),
            ("window-size", "tcp-window-size"),
            ("dynamic-window-size", "tcp-dynamic-window-size"),
            ("mss", "tcp-max-segment-size"),
            ("omit", "bw-ignore-first-seconds"),
        ],
    );
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
const TCP: [(&str, [&str; 4]); 3] = [
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

fn totals(mapped: &mut Mapped, result: &Map<String, Value>, udp: bool, parallel: bool) {
    let Some(summary) = object(result, "summary") else {
        return;
    };
    if let Some(sum) = object(summary, "summary") {
        mapped.put("throughput", number(sum, RATE));
        if udp {
            mapped.put("packet-count-sent", number(sum, "sent"));
            mapped.put("packet-count-lost", number(sum, "lost"));
            mapped.fraction("packet-loss-rate", sum, "lost", "sent");
        } else {
            for (field, [event_type, ..]) in TCP {
                mapped.put(event_type, number(sum, field));
            }
        }
    }
    if parallel {
        let mut streams: Vec<_> = objects(summary, "streams").collect();
        streams.sort_by_key(|stream| id(stream));
        mapped.put("streams-throughput", column(&streams, RATE));
        for (field, [_, _, event_type, _]) in TCP.into_iter().filter(|_| !udp) {
            mapped.put(event_type, column(&streams, field));
        }
    }
}

fn subintervals(mapped: &mut Mapped, result: &Map<String, Value>, udp: bool, parallel: bool) {
    let sums: Vec<_> = objects(result, "intervals")
        .filter_map(|interval| object(interval, "summary"))
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
    let per_stream = |field: &str| {
        let lists: Vec<Value> = streams
            .iter()
            .map(|(_, parts)| intervals(parts, field))
            .collect();
        // Places tell the streams, so all of them must say something.
        lists
            .iter()
            .all(|list| *list != json!([]))
            .then_some(Value::Array(lists))
    };
    mapped.put("throughput-subintervals", Some(intervals(&sums, RATE)));
    if parallel {
        mapped.put("streams-throughput-subintervals", per_stream(RATE));
    }
    for (field, [_, all, _, each]) in TCP.into_iter().filter(|_| !udp) {
        mapped.put(all, Some(intervals(&sums, field)));
        if parallel {
            mapped.put(each, per_stream(field));
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
    of.get(name).filter(|value| value.is_number()).cloned()
}

/// Lists a number of each stream; none when a stream lacks it.
///
/// DIFFERENCE: the original leaves out zeros, and with them the streams' places.
fn column(streams: &[&Map<String, Value>], name: &str) -> Option<Value> {
    streams.iter().map(|stream| number(stream, name)).collect()
}

fn intervals(parts: &[&Map<String, Value>], name: &str) -> Value {
    let all = parts.iter().filter_map(|part| {
        let (start, end) = (number(part, "start")?, number(part, "end")?);
        let duration = end.as_f64()? - start.as_f64()?;
        Some(json!({
            "start": start,
            "duration": duration,
            "val": number(part, name)?,
        }))
    });
    all.collect()
}
