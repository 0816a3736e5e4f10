//! Records as an archive shows them.

use esmond_ps_model::metadata::{EventType, EventTypeSummary};
use esmond_ps_model::{Metadata, SummaryType};
use esmond_ps_store::{EventTypeRecord, Record};
use serde_json::{Map, Value};

use crate::context::Context;

/// Returns a record with its addresses.
pub(crate) fn metadata(context: &Context, record: &Record) -> Metadata {
    let uri = format!("{}{}/", context.archive_path(), record.key);
    let mut url = context.absolute(&uri);
    // As in the original, a format that was asked for stays asked for.
    if let Some(format) = context.query.get("format") {
        url = format!("{url}?format={format}");
    }
    Metadata {
        url: Some(url),
        metadata_key: record.key.clone(),
        subject_type: record.subject_type.clone(),
        event_types: record
            .event_types
            .iter()
            .map(|entry| event_type(context, &record.key, entry))
            .collect(),
        properties: properties(context, record),
        uri,
        paging: None,
    }
}

/// Returns an event type of a record with its addresses.
pub(crate) fn event_type(context: &Context, key: &str, entry: &EventTypeRecord) -> EventType {
    let path = format!("{}{key}/{}", context.archive_path(), entry.name);
    let summary = |summary_type: SummaryType, window| EventTypeSummary {
        uri: format!("{path}/{}/{window}", summary_type.url_name()),
        summary_type: summary_type.name().to_owned(),
        summary_window: window,
        time_updated: entry.time_updated,
    };
    let registry = &context.app.config.registry;
    // Clients know the standard ones.
    let told = registry.event_type(&entry.name).filter(|known| known.added);
    EventType {
        base_uri: format!("{path}/base"),
        event_type: entry.name.clone(),
        time_updated: entry.time_updated,
        summaries: entry
            .summaries
            .iter()
            .map(|entry| summary(entry.summary_type, entry.window))
            .collect(),
        // DIFFERENCE: clients of the original archive know no event types that were
        // added.
        data_type: told.map(|known| known.data_type.name().to_owned()),
        client_layout: told.map(|known| known.layout.name().to_owned()),
    }
}

/// Subject fields in the order of their subject type, then parameters by name.
fn properties(context: &Context, record: &Record) -> Map<String, Value> {
    let registry = &context.app.config.registry;
    let fields = registry.subject_type(&record.subject_type);
    let known = fields
        .into_iter()
        .flat_map(|subject| &subject.fields)
        .filter_map(|field| record.subject.get_key_value(field.name.as_ref()));
    known
        .chain(&record.subject)
        .chain(&record.parameters)
        .map(|(name, value)| (name.replace('_', "-"), Value::from(value.clone())))
        .collect()
}
