//! Tests of type `rtt`.

use serde_json::{Map, Value};

use super::{Mapped, objects, time};

pub(super) fn map(spec: &Map<String, Value>, result: &Map<String, Value>) -> Mapped {
    let mut mapped = Mapped::default();
    mapped.declare(&[
        "failures",
        "packet-count-sent",
        "histogram-rtt",
        "histogram-ttl-reverse",
        "packet-duplicates-bidir",
        "packet-loss-rate-bidir",
        "packet-count-lost-bidir",
        "packet-reorders-bidir",
    ]);
    mapped.rename(
        spec,
        &[
            ("count", "sample-size"),
            ("flowlabel", "ip-packet-flowlabel"),
            ("tos", "ip-tos"),
            ("length", "ip-packet-size"),
            ("ttl", "ip-ttl"),
        ],
    );
    mapped.seconds(
        spec,
        &[
            ("interval", "time-probe-interval"),
            ("timeout", "time-test-timeout"),
            ("deadline", "time-probe-timeout"),
        ],
    );
    mapped.take(
        result,
        &[
            ("sent", "packet-count-sent"),
            ("lost", "packet-count-lost-bidir"),
            ("duplicates", "packet-duplicates-bidir"),
            ("reorders", "packet-reorders-bidir"),
        ],
    );
    // In milliseconds, with two decimals.
    let times = objects(result, "roundtrips").filter_map(|trip| {
        let seconds = time::seconds(trip.get("rtt")?.as_str()?)?;
        Some(format!("{:.2}", seconds * 1000.0))
    });
    mapped.put("histogram-rtt", Some(histogram(times)));
    let hops = objects(result, "roundtrips")
        .filter_map(|trip| Some(trip.get("ttl")?.as_number()?.to_string()));
    mapped.put("histogram-ttl-reverse", Some(histogram(hops)));
    mapped.fraction("packet-loss-rate-bidir", result, "lost", "sent");
    mapped
}

fn histogram(buckets: impl Iterator<Item = String>) -> Value {
    let mut counts = Map::new();
    for bucket in buckets {
        let count = counts.get(&bucket).and_then(Value::as_u64).unwrap_or(0);
        counts.insert(bucket, (count + 1).into());
    }
    Value::Object(counts)
}
