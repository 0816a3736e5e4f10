//! What is stored: values that no layout gets for free, each given by its number.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Time of the first point.
pub(crate) const START: usize = 1_400_000_000;

/// Seconds between points, before jitter.
pub(crate) const STEP: usize = 10;

/// Event type of the series that are read.
pub(crate) const EVENT_TYPE: &str = "throughput";

/// Points of a bulk write that fills a store.
pub(crate) const BULK: usize = 10_000;

/// Returns a number that looks like chance and is always the same (splitmix64).
pub(crate) fn dice(n: usize) -> u64 {
    let mut mixed = (n as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Time of a point: tests begin a little late.
pub(crate) fn ts(n: usize) -> usize {
    START + n * STEP + usize::try_from(dice(n) % 4).unwrap_or_default()
}

/// A throughput of up to ten gigabits a second.
pub(crate) fn throughput(n: usize) -> u64 {
    dice(n) % 10_000_000_000
}

/// Returns metadata of a test, which differs from others by its number.
pub(crate) fn metadata(n: usize, event_types: &Value) -> Value {
    json!({
        "subject-type": "point-to-point", "source": host(n, 1), "destination": host(n, 2),
        "measurement-agent": host(n, 1), "tool-name": "pscheduler/iperf3",
        "input-source": format!("ps{n}.example.org"), "input-destination": "b.example.org",
        "time-duration": "30", "ip-transport-protocol": if n.is_multiple_of(2) { "tcp" } else { "udp" },
        "event-types": event_types,
    })
}

/// Address of a side of a test, which no other test has.
pub(crate) fn host(n: usize, side: usize) -> String {
    let part = |shift: usize| n >> shift & 255;
    format!("{}.{}.{}.{}", 9 + side, part(16), part(8), part(0))
}

/// Returns an event type without summaries.
pub(crate) fn plain(event_type: &str) -> Value {
    json!([{"event-type": event_type}])
}

/// Returns the body of a bulk write.
pub(crate) fn bulk(
    event_type: &str,
    numbers: std::ops::Range<usize>,
    value: impl Fn(usize) -> String,
) -> String {
    let mut body = String::from("{\"data\":[");
    for n in numbers {
        let (ts, value) = (ts(n), value(n));
        write!(
            body,
            "{{\"ts\":{ts},\"val\":[{{\"event-type\":\"{event_type}\",\"val\":{value}}}]}},"
        )
        .expect("a text takes everything");
    }
    body.pop();
    body.push_str("]}");
    body
}

/// Returns the bodies that write so many points, some at a time.
pub(crate) fn bulks(
    event_type: &str,
    numbers: std::ops::Range<usize>,
    at_once: usize,
    value: impl Fn(usize) -> String,
) -> impl Iterator<Item = String> {
    let end = numbers.end;
    numbers
        .step_by(at_once)
        .map(move |first| bulk(event_type, first..end.min(first + at_once), &value))
}

/// One-way delays of the 600 packets of a minute, in milliseconds: a queue that comes
/// and goes over the day, in buckets of 10 µs.
pub(crate) fn delays(minute: usize) -> Value {
    let mut buckets = std::collections::BTreeMap::<u64, u64>::new();
    let base = 3400 + dice(minute / 60) % 200;
    for packet in 0..600 {
        let chance = dice(minute * 600 + packet);
        // Most packets are near the base, some far behind.
        let late = (chance % 8) * (chance >> 8 & 7) * (1 + (chance >> 16 & 15) / 15 * 8) / 4;
        *buckets.entry(base + late).or_default() += 1;
    }
    let texts = buckets.into_iter().map(|(bucket, packets)| {
        let text = format!("{}.{:02}", bucket / 100, bucket % 100);
        (text, json!(packets))
    });
    Value::Object(texts.collect::<Map<_, _>>())
}
