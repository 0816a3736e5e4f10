//! What was asked for, as people read it in the first line of a file.

use esmond_ps_model::{SummaryType, TimeRange};
use esmond_ps_store::Search;
use serde_json::{Map, Value as Json, json};

/// Returns the conditions of a search by name; none for everything.
pub(crate) fn describe(search: &Search) -> Map<String, Json> {
    let mut conditions = Map::new();
    let mut add = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            conditions.insert(name.to_owned(), value);
        }
    };
    add("metadata-key", search.key.as_deref().map(Json::from));
    add(
        "subject-type",
        search.subject_type.as_deref().map(Json::from),
    );
    for condition in &search.subject {
        add(&condition.fields.join("|"), Some(json!(condition.values)));
    }
    let parameters: Map<String, Json> = search
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    add(
        "parameters",
        (!parameters.is_empty()).then_some(Json::Object(parameters)),
    );
    let series = &search.series;
    add("event-type", series.event_type.as_deref().map(Json::from));
    let summary_type = series.summary_type.map(SummaryType::name);
    add("summary-type", summary_type.map(Json::from));
    add("summary-window", series.window.map(Json::from));
    add("updated", series.updated.map(times));
    conditions
}

fn times(range: TimeRange) -> Json {
    json!({"begin": range.begin, "end": range.end})
}
