//! Samples as rows.
//!
//! `json` and `jsonl` have them as the API does. The other formats have one cell for
//! each thing that a sample may say; a value that is alone stands for itself, others are
//! a list in JSON.

use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::pytext::compact_json;
use esmond_ps_cli_common::rows::Row;
use pv_archiver_client::{MetaData, Sample, Values};
use serde_json::{Map, Value};

use crate::print;
use crate::times::date;

/// Columns of `csv`. Time is in nanoseconds since 1970, date is the same; labels are
/// the names of enumerated values.
pub(crate) const COLUMNS: [&str; 20] = [
    "time",
    "date",
    "type",
    "value",
    "label",
    "minimum",
    "maximum",
    "severity",
    "hasValue",
    "status",
    "quality",
    "units",
    "precision",
    "displayLow",
    "displayHigh",
    "warnLow",
    "warnHigh",
    "alarmLow",
    "alarmHigh",
    "states",
];

/// Columns that say the same of every sample, or twice, which people do not need.
const NOT_FOR_PEOPLE: [&str; 10] = [
    "time",
    "hasValue",
    "precision",
    "displayLow",
    "displayHigh",
    "warnLow",
    "warnHigh",
    "alarmLow",
    "alarmHigh",
    "states",
];

/// Returns a sample as a row.
pub(crate) fn row(sample: &Sample, format: Format) -> serde_json::Result<Row> {
    if format.keeps_structure() {
        return print::row(sample, format);
    }
    let mut members = match serde_json::to_value(sample)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if let Some(Value::Object(severity)) = members.remove("severity") {
        members.extend(severity);
        let level = members.remove("level").unwrap_or_default();
        members.insert("severity".to_owned(), level);
    }
    if let Some(Value::Object(mut meta_data)) = members.remove("metaData") {
        // That of the values has the name.
        meta_data.remove("type");
        if let Some(states) = meta_data.get_mut("states") {
            *states = compact_json(states).into();
        }
        members.extend(meta_data);
    }
    let value = alone(members.remove("value").unwrap_or_default());
    members.insert("value".to_owned(), value);
    members.insert("date".to_owned(), date(sample.time).into());
    if let Some(label) = label(sample) {
        members.insert("label".to_owned(), label);
    }
    let mut row = Row::new();
    for column in COLUMNS {
        let value = members.remove(column).unwrap_or_default();
        if format != Format::Human || !(value.is_null() || NOT_FOR_PEOPLE.contains(&column)) {
            row.push(column, value);
        }
    }
    Ok(row)
}

/// Makes one cell of several values.
fn alone(value: Value) -> Value {
    match value {
        Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
        // Texts may hold what stands between the elements of other lists.
        values => compact_json(&values).into(),
    }
}

/// Returns the names of enumerated values; one outside of the states has none.
fn label(sample: &Sample) -> Option<Value> {
    let (Values::Enum(values), Some(MetaData::Enum(names))) = (&sample.values, &sample.meta_data)
    else {
        return None;
    };
    let labels = values.iter().map(|value| names.state(*value));
    Some(alone(labels.map(Value::from).collect()))
}
