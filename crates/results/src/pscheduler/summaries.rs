//! The summaries that are asked for.

use esmond_ps_model::{Summary, SummaryType};
use serde_json::{Map, Value};

use super::objects;

use SummaryType::{Aggregation, Average, Statistics};

/// Returns the summaries of an event type: those of the envelope's `data` when it has
/// any, else the defaults.
pub(super) fn of(event_type: &str, data: &Map<String, Value>) -> Vec<Summary> {
    if objects(data, "summaries").next().is_none() {
        return defaults(event_type);
    }
    let own = objects(data, "summaries")
        .filter(|entry| entry.get("event-type").and_then(Value::as_str) == Some(event_type));
    own.filter_map(|entry| {
        Some(Summary {
            summary_type: SummaryType::from_name(entry.get("summary-type")?.as_str()?)?,
            window: window(entry.get("summary-window")?)?,
        })
    })
    .collect()
}

fn window(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn defaults(event_type: &str) -> Vec<Summary> {
    const HOURLY: i64 = 3600;
    const DAILY: i64 = 86_400;
    let all: &[(SummaryType, i64)] = match event_type {
        "packet-loss-rate"
        | "packet-count-sent"
        | "packet-count-lost"
        | "packet-count-lost-bidir" => &[
            (Aggregation, 300),
            (Aggregation, HOURLY),
            (Aggregation, DAILY),
        ],
        "packet-loss-rate-bidir" => &[(Aggregation, HOURLY), (Aggregation, DAILY)],
        "histogram-owdelay" => &[
            (Aggregation, 300),
            (Aggregation, HOURLY),
            (Aggregation, DAILY),
            (Statistics, 0),
            (Statistics, 300),
            (Statistics, HOURLY),
            (Statistics, DAILY),
        ],
        "histogram-rtt" => &[
            (Aggregation, HOURLY),
            (Aggregation, DAILY),
            (Statistics, 0),
            (Statistics, HOURLY),
            (Statistics, DAILY),
        ],
        "throughput" => &[(Average, DAILY)],
        _ => &[],
    };
    all.iter()
        .map(|(summary_type, window)| Summary {
            summary_type: *summary_type,
            window: *window,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;

    #[test]
    fn own_summaries_replace_all_defaults() {
        let data = json!({"summaries": [
            {"event-type": "throughput", "summary-type": "average", "summary-window": 3600},
            {"event-type": "throughput", "summary-type": "average", "summary-window": "60"},
            {"event-type": "throughput", "summary-type": "median", "summary-window": 1},
        ]});
        let data = data.as_object().unwrap();
        let windows: Vec<_> = of("throughput", data)
            .iter()
            .map(|one| one.window)
            .collect();
        assert_eq!(windows, [3600, 60]);
        assert!(of("packet-loss-rate", data).is_empty());
        let none = json!({});
        assert_eq!(of("packet-loss-rate", none.as_object().unwrap()).len(), 3);
    }
}
