//! Answers of archives, for tests that script them.

use serde_json::{Value, json};

pub(crate) use esmond_ps_tests::http::{Asked, Reply, Served};

/// Path of the list of tests.
pub(crate) const ROOT: &str = "/esmond/perfsonar/archive/";

/// Returns how many requests there were for data.
pub(crate) fn data_requests(served: &Served) -> usize {
    let asked = served.asked();
    asked.iter().filter(|asked| asked.path != ROOT).count()
}

/// A test with one event type, of either kind of archive.
pub(crate) fn test(key: &str, destination: &str, event_type: &str, base: &str) -> Value {
    json!({
        "metadata-key": key, "subject-type": "point-to-point", "source": "10.0.0.1",
        "destination": destination, "tool-name": "bwctl/iperf3", "uri": format!("{ROOT}{key}/"),
        "event-types": [{
            "event-type": event_type, "base-uri": format!("{ROOT}{key}/{event_type}/{base}"),
            "time-updated": 1, "summaries": [],
        }],
    })
}

/// Answers a page out of runs as a perfSONAR 5 archive does: those without a
/// value count against the limit, and are left out afterwards.
pub(crate) fn page(runs: &[(i64, Value)], asked: &Asked) -> Value {
    let start = asked.number("time-start").unwrap_or(i64::MIN);
    let end = asked.number("time-end").unwrap_or(i64::MAX);
    let limit = usize::try_from(asked.number("limit").unwrap_or(1000)).expect("a limit");
    runs.iter()
        .filter(|(ts, _)| (start..=end).contains(ts))
        .take(limit)
        .filter(|(_, value)| !value.is_null())
        .map(|(ts, value)| json!({"ts": ts, "val": value}))
        .collect()
}
