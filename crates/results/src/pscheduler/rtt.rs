//! Tests of type `rtt`.

use serde_json::{Map, Value};

use super::{Mapped, objects, time};
use crate::object::number;

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
            // DIFFERENCE: the original looks for the first names of both, which no
            // specification has.
            ("flowlabel", "ip-packet-flowlabel"),
            ("flow-label", "ip-packet-flowlabel"),
            ("tos", "ip-tos"),
            ("ip-tos", "ip-tos"),
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
    let times = parts(result, "rtt").map(|rtt| {
        let seconds = time::seconds(rtt.as_str()?)?;
        Some(format!("{:.2}", seconds * 1000.0))
    });
    let lost = times.clone().filter(Option::is_none).count();
    mapped.lost(lost, "round trips have an rtt that is no duration");
    mapped.put("histogram-rtt", Some(histogram(times.flatten())));
    let hops = parts(result, "ttl").map(|ttl| Some(number(ttl)?.to_string()));
    let lost = hops.clone().filter(Option::is_none).count();
    mapped.lost(lost, "round trips have a ttl that is no number");
    mapped.put("histogram-ttl-reverse", Some(histogram(hops.flatten())));
    mapped.fraction("packet-loss-rate-bidir", result, "lost", "sent");
    mapped
}

/// Returns what the round trips say of one thing, where they say something.
fn parts<'a>(
    result: &'a Map<String, Value>,
    name: &'a str,
) -> impl Iterator<Item = &'a Value> + Clone {
    objects(result, "roundtrips")
        .filter_map(move |trip| trip.get(name).filter(|value| !value.is_null()))
}

fn histogram(buckets: impl Iterator<Item = String>) -> Value {
    let mut counts = Map::new();
    for bucket in buckets {
        let count = counts.get(&bucket).and_then(Value::as_u64).unwrap_or(0);
        counts.insert(bucket, (count + 1).into());
    }
    Value::Object(counts)
}
