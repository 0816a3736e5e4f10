//! Points of a series, and summaries computed when asked for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::holdings::{Holdings, Run};
use super::range::{Page, Range};
use super::{error, found, registry, statistics};
use crate::http::{Asked, Reply};

/// Windows of summaries, in seconds.
const WINDOWS: [i64; 3] = [300, 3600, 86_400];

/// Answers `/KEY/EVENT/SUMMARY/WINDOW`; an unknown key has no points.
pub(crate) fn answer(
    holdings: &Holdings,
    asked: &Asked,
    key: &str,
    event_type: &str,
    summary: &str,
    window: &str,
) -> Reply {
    match points(holdings, asked, key, event_type, summary, window) {
        Ok(points) => found(&json!(points)),
        Err(refusal) => refusal,
    }
}

fn points(
    holdings: &Holdings,
    asked: &Asked,
    key: &str,
    event_type: &str,
    summary: &str,
    window: &str,
) -> Result<Vec<Value>, Reply> {
    let Ok(window) = window.parse::<i64>() else {
        return Err(error(400, "Summary window must be an int"));
    };
    if !registry::is_served(event_type) {
        let text = format!("Unrecognized event type {event_type}");
        return Err(error(400, &text));
    }
    let range = Range::of(asked)?;
    let test = holdings.tests.iter().find(|test| test.key == key);
    let runs = test.map_or(&[][..], |test| &test.runs);
    let mut runs: Vec<&Run> = runs.iter().filter(|run| range.contains(run.ts)).collect();
    runs.sort_by_key(|run| run.ts);
    if window <= 0 {
        let page = Page::of_data(asked)?;
        // Runs that failed count for `failures` only.
        let is_asked = |run: &&Run| run.has_failed() == (event_type == "failures");
        let runs = runs.into_iter().filter(is_asked);
        let runs = runs.skip(page.offset).take(page.limit);
        let points = runs.filter_map(|run| {
            let value = base(run, event_type, summary)?;
            Some(json!({"ts": run.ts, "val": value}))
        });
        return Ok(points.collect());
    }
    if !WINDOWS.contains(&window) {
        let text = format!("{window} is not a supported summary_window");
        return Err(error(400, &text));
    }
    // Every bin that a run lies in, also one without a value.
    let mut bins: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let start = run.ts - run.ts.rem_euclid(window);
        bins.entry(start).or_default().push(run);
    }
    let mut points = Vec::new();
    if bins.is_empty() {
        bin(event_type, summary, &[]).or_else(|refusal| {
            if refusal.status == 400 {
                Err(refusal)
            } else {
                Ok(None)
            }
        })?;
    }
    for (start, runs) in bins {
        if let Some(value) = bin(event_type, summary, &runs)? {
            points.push(json!({"ts": start, "val": value}));
        }
    }
    Ok(points)
}

/// Returns the value of a run; `None` leaves the run out.
fn base(run: &Run, event_type: &str, summary: &str) -> Option<Value> {
    let value = run.values.get(event_type);
    match (event_type, summary) {
        ("histogram-rtt", "statistics") => value.map(statistics::of_round_trips),
        // Only statistics of it exist.
        ("histogram-rtt", _) => None,
        (_, "statistics") if is_histogram(event_type) => value.map(statistics::of_histogram),
        ("packet-trace-multi", _) if value.is_none() => {
            Some(json!([run.values.get("packet-trace")?]))
        }
        _ => value.cloned(),
    }
}

fn bin(event_type: &str, summary: &str, runs: &[&Run]) -> Result<Option<Value>, Reply> {
    let numbers = |event_type: &str| -> Vec<f64> {
        let values = runs.iter().filter_map(|run| run.values.get(event_type));
        values.filter_map(stored).collect()
    };
    let sum = |event_type: &str| numbers(event_type).iter().sum::<f64>();
    match (event_type, summary, is_histogram(event_type)) {
        (_, "statistics", true) => {
            let each = runs.iter().filter_map(|run| base(run, event_type, summary));
            Ok(Some(statistics::of_bin(&each.collect::<Vec<_>>())))
        }
        (_, "aggregations", true) => Err(error(500, "")),
        ("packet-loss-rate" | "packet-loss-rate-bidir", "aggregations", _) => {
            let lost = event_type.replace("loss-rate", "count-lost");
            let sent = sum("packet-count-sent");
            Ok((sent > 0.0).then(|| json!(sum(&lost) / sent)))
        }
        (_, "aggregations", false) => Ok(Some(json!(sum(event_type)))),
        (_, "averages", false) => {
            let count = i32::try_from(numbers(event_type).len()).unwrap_or(i32::MAX);
            Ok((count > 0).then(|| json!(sum(event_type) / f64::from(count))))
        }
        _ => {
            let text = format!("Unable to build aggregation for {event_type}/{summary}");
            Err(error(400, &text))
        }
    }
}

fn is_histogram(event_type: &str) -> bool {
    event_type.starts_with("histogram-")
}

/// Returns a number as OpenSearch adds it up: fractions have 32 bits there.
fn stored(value: &Value) -> Option<f64> {
    value.as_i64().map_or_else(
        || value.as_f64().map(statistics::in_32_bits),
        |whole| whole.to_string().parse().ok(),
    )
}
