//! Tests of type `trace`.
//!
//! DIFFERENCE: the first hop has the TTL that the test began with; a hop of which nothing
//! is known is no success; and when there are several paths all of them are stored
//! (`packet-trace-multi`), whatever the algorithm.

use serde_json::{Map, Value, json};

use super::{Mapped, time};

/// The algorithm whose tests have several paths, and always all of them stored.
const MANY_PATHS: &str = "paris-traceroute";

pub(super) fn map(spec: &Map<String, Value>, result: &Map<String, Value>) -> Mapped {
    let mut mapped = Mapped::default();
    mapped.declare(&["failures", "packet-trace", "path-mtu"]);
    let many = spec.get("algorithm").and_then(Value::as_str) == Some(MANY_PATHS);
    if many {
        mapped.declare(&["packet-trace-multi"]);
    }
    mapped.rename(
        spec,
        &[
            ("algorithm", "trace-algorithm"),
            ("first-ttl", "trace-first-ttl"),
            ("fragment", "ip-fragment"),
            ("hops", "trace-max-ttl"),
            ("length", "ip-packet-size"),
            ("probe-type", "ip-transport-protocol"),
            ("queries", "trace-num-queries"),
            ("tos", "ip-tos"),
            ("ip-tos", "ip-tos"),
        ],
    );
    mapped.seconds(
        spec,
        &[
            ("sendwait", "time-probe-interval"),
            ("wait", "time-test-timeout"),
        ],
    );
    let paths = result.get("paths").and_then(Value::as_array);
    let paths: Vec<&Vec<Value>> = paths
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .collect();
    let first_ttl = spec.get("first-ttl").and_then(Value::as_u64).unwrap_or(1);
    let traces: Vec<Value> = paths.iter().map(|path| trace(path, first_ttl)).collect();
    let first = traces.iter().find(|trace| **trace != json!([]));
    mapped.put("packet-trace", first.cloned());
    let no_duration = |hop: &&Value| {
        let rtt = part(hop, "rtt");
        rtt.is_some_and(|rtt| rtt.as_str().and_then(time::seconds).is_none())
    };
    let lost = paths
        .iter()
        .flat_map(|path| path.iter())
        .filter(no_duration);
    mapped.lost(lost.count(), "hops have an rtt that is no duration");
    let mtus = paths
        .iter()
        .flat_map(|path| path.iter().filter_map(|hop| number(hop, "mtu")));
    let smallest = mtus.min_by(|one, other| as_float(one).total_cmp(&as_float(other)));
    mapped.put("path-mtu", smallest.cloned());
    if many || traces.len() > 1 {
        mapped.put("packet-trace-multi", Some(Value::Array(traces)));
    }
    mapped
}

/// Makes a trace of a path.
fn trace(path: &[Value], first_ttl: u64) -> Value {
    // The MTU holds until another one is found.
    let mut mtu = None;
    let hops = path.iter().zip(first_ttl..).map(|(hop, ttl)| {
        mtu = number(hop, "mtu").or(mtu);
        entry(ttl, hop, mtu)
    });
    hops.collect()
}

fn entry(ttl: u64, hop: &Value, mtu: Option<&Value>) -> Value {
    let error = part(hop, "error");
    let mut entry = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        entry.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("ttl", Some(json!(ttl)));
    put("query", Some(json!(1)));
    let answered = ["ip", "hostname", "rtt"]
        .iter()
        .any(|name| part(hop, name).is_some());
    put(
        "success",
        Some(json!(u8::from(answered && error.is_none()))),
    );
    put("error-message", error.cloned());
    for name in ["ip", "hostname", "as"] {
        put(name, part(hop, name).cloned());
    }
    let rtt = part(hop, "rtt")
        .and_then(Value::as_str)
        .and_then(time::seconds);
    put("rtt", rtt.map(|seconds| json!(seconds * 1000.0)));
    put("mtu", mtu.cloned());
    Value::Object(entry)
}

/// Returns what a hop says, unless that is null or nothing.
fn part<'a>(hop: &'a Value, name: &str) -> Option<&'a Value> {
    let value = hop.get(name)?;
    (!value.is_null() && value.as_str() != Some("")).then_some(value)
}

fn number<'a>(hop: &'a Value, name: &str) -> Option<&'a Value> {
    hop.get(name).filter(|value| value.is_number())
}

fn as_float(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::INFINITY)
}
