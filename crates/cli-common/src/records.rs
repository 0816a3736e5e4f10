//! Rows about tests rather than data: what `get-endpoints` and `get-metadata`
//! print of a metadata record.

use std::collections::BTreeMap;

use esmond_ps_model::Metadata;
use esmond_ps_model::registry::{NETWORK_ELEMENT, POINT_TO_POINT};
use serde_json::{Map, Value};

use crate::rows::Row;

/// The columns of [`endpoint_row`].
pub const ENDPOINT_COLUMNS: &[&str] = &[
    "source",
    "destination",
    "measurement_agent",
    "tool_name",
    "event_type",
];

/// The columns of [`metadata_row`], and the first six of an extended human one.
pub const METADATA_COLUMNS: &[&str] = &[
    "source",
    "destination",
    "measurement_agent",
    "input_source",
    "input_destination",
    "tool_name",
];

/// Keys of an archive's answer that describe the answer, not the test.
///
/// DIFFERENCE: the originals print the last four of them, the paging keys on
/// whichever record happens to come first.
const NOT_SHOWN: [&str; 7] = [
    "event_types",
    "uri",
    "metadata_key",
    "url",
    "metadata_count_total",
    "metadata_next_page",
    "metadata_previous_page",
];

/// Returns the row of a test and its event types, the latter as one list.
///
/// `metadata` is the record as the archive sent it (keys with dashes); a missing key
/// is none.
pub fn endpoint_row<S: AsRef<str>>(metadata: &Map<String, Value>, event_types: &[S]) -> Row {
    let mut row = Row::new();
    for &column in &ENDPOINT_COLUMNS[..4] {
        row.push(column, field(metadata, column));
    }
    let names = event_types.iter().map(|name| Value::from(name.as_ref()));
    row.with("event_type", names.collect::<Vec<_>>())
}

/// Returns the row of a test's six main fields; a missing one is none.
pub fn metadata_row(metadata: &Map<String, Value>) -> Row {
    let mut row = Row::new();
    for &column in METADATA_COLUMNS {
        row.push(column, field(metadata, column));
    }
    row
}

/// Adds what tells the subject of a test where that is none of the standard
/// kinds, whose fields all have columns of their own: the subject type, and the
/// properties that begin with its name, such as `car_vin`.
///
/// Formats with fixed columns (csv) do not show it.
#[must_use]
pub fn with_subject(mut row: Row, test: &Metadata) -> Row {
    let subject_type = test.subject_type.as_str();
    if matches!(subject_type, "" | POINT_TO_POINT | NETWORK_ELEMENT) {
        return row;
    }
    // DIFFERENCE: the originals know tests of these two kinds alone.
    row.push("subject_type", subject_type);
    let prefix = format!("{subject_type}-");
    for (name, value) in &test.properties {
        if name.starts_with(&prefix) {
            row.push(name.replace('-', "_"), value.clone());
        }
    }
    row
}

/// Returns the row of all that is known about a test, names with underscores.
///
/// With `human` the six main fields come first (none if missing) and the others
/// follow by name; without, what there is comes by name.
pub fn extended_metadata_row(metadata: &Map<String, Value>, human: bool) -> Row {
    let mut others: BTreeMap<String, &Value> = metadata
        .iter()
        .map(|(key, value)| (key.replace('-', "_"), value))
        .filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str()))
        .collect();
    let mut row = Row::new();
    if human {
        for &column in METADATA_COLUMNS {
            row.push(column, others.remove(column).cloned().unwrap_or_default());
        }
    }
    for (name, value) in others {
        row.push(name, value.clone());
    }
    row
}

fn field(metadata: &Map<String, Value>, column: &str) -> Value {
    let key = column.replace('_', "-");
    metadata.get(&key).cloned().unwrap_or_default()
}
