//! Metadata records as an archive answers them.
//!
//! Reading is lenient, because two kinds of archives answer: the classic one
//! sends windows as strings and parameters as strings, perfSONAR 5 sends
//! integers, booleans and null. Fields that are not known end up in
//! [`Metadata::properties`] and never break a read.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::integer;

/// A metadata record: one test, with its parameters and event types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Absolute address of the record, if the archive sent one. On perfSONAR 5
    /// archives it can be wrong; use [`uri`](Self::uri).
    pub url: Option<String>,
    /// Key of the record.
    pub metadata_key: String,
    /// Kind of subject, such as `point-to-point`.
    pub subject_type: String,
    /// Event types, in the archive's order.
    pub event_types: Vec<EventType>,
    /// All other properties (subject and free-form), with dashes in their
    /// names, in the archive's order.
    pub properties: Map<String, Value>,
    /// Path of the record on the archive.
    pub uri: String,
    /// What the first record of a list tells about the list.
    pub paging: Option<Paging>,
}

/// What the first record of a list answer tells about the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paging {
    /// Number of records that match, on all pages (`metadata-count-total`).
    pub total: u64,
    /// Address of the next page, if there is one.
    pub next: Option<String>,
    /// Address of the previous page, if there is one.
    pub previous: Option<String>,
}

/// An event type of a metadata record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType {
    /// Path of the points as posted.
    pub base_uri: String,
    /// Name, such as `throughput`.
    pub event_type: String,
    /// Unix time of the last write (perfSONAR 5: of the last scheduling);
    /// `None` before the first.
    pub time_updated: Option<i64>,
    /// Derived series, in the archive's order.
    pub summaries: Vec<EventTypeSummary>,
    /// Name of the [data type](crate::DataType) as which the values are read;
    /// archives tell it of event types that are none of the standard ones.
    pub data_type: Option<String>,
    /// Name of the [layout](crate::RowLayout) that suits the values; told like
    /// the data type.
    pub client_layout: Option<String>,
}

const DATA_TYPE: &str = "data-type";
const CLIENT_LAYOUT: &str = "client-layout";

/// A derived series of an event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeSummary {
    /// Path of the series.
    pub uri: String,
    /// Singular name of the summary type, such as `average`.
    pub summary_type: String,
    /// Window in seconds.
    pub summary_window: i64,
    /// Unix time of the last write; `None` before the first or when the
    /// archive does not tell.
    pub time_updated: Option<i64>,
}

const COUNT_TOTAL: &str = "metadata-count-total";
const PREVIOUS_PAGE: &str = "metadata-previous-page";
const NEXT_PAGE: &str = "metadata-next-page";

/// Names that an archive gives to records itself, and therefore refuses as
/// free-form parameters.
pub const RESERVED_PROPERTIES: [&str; 6] = [
    "url",
    "uri",
    "metadata-key",
    COUNT_TOTAL,
    PREVIOUS_PAGE,
    NEXT_PAGE,
];

impl Metadata {
    /// Returns the text of a property, by its name with dashes; numbers and
    /// booleans as JSON text. `None` when it is missing or null.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        match self.properties.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Returns the event type of that name.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&EventType> {
        self.event_types
            .iter()
            .find(|entry| entry.event_type == name)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(url) = &self.url {
            map.serialize_entry("url", url)?;
        }
        map.serialize_entry("metadata-key", &self.metadata_key)?;
        map.serialize_entry("subject-type", &self.subject_type)?;
        map.serialize_entry("event-types", &self.event_types)?;
        for (name, value) in &self.properties {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("uri", &self.uri)?;
        if let Some(paging) = &self.paging {
            map.serialize_entry(COUNT_TOTAL, &paging.total)?;
            map.serialize_entry(PREVIOUS_PAGE, &paging.previous)?;
            map.serialize_entry(NEXT_PAGE, &paging.next)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let metadata_key = take_text(&mut map, "metadata-key")
            .ok_or_else(|| D::Error::missing_field("metadata-key"))?;
        let paging = take_paging(&mut map);
        let event_types = match map.shift_remove("event-types") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => serde_json::from_value(list).map_err(D::Error::custom)?,
        };
        Ok(Self {
            url: take_text(&mut map, "url"),
            metadata_key,
            subject_type: take_text(&mut map, "subject-type").unwrap_or_default(),
            event_types,
            uri: take_text(&mut map, "uri").unwrap_or_default(),
            properties: map,
            paging,
        })
    }
}

fn take_paging(map: &mut Map<String, Value>) -> Option<Paging> {
    let total = map.shift_remove(COUNT_TOTAL);
    let previous = take_text(map, PREVIOUS_PAGE);
    let next = take_text(map, NEXT_PAGE);
    let total = total.as_ref().and_then(lenient_integer)?;
    Some(Paging {
        total: u64::try_from(total).unwrap_or(0),
        next,
        previous,
    })
}

fn take_text(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    match map.shift_remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Reads an integer that an archive may send as number or as text.
pub(crate) fn lenient_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            // A clock that sends fractions: whole seconds count.
            #[expect(clippy::cast_possible_truncation, reason = "range is checked")]
            number
                .as_f64()
                .filter(|float| float.abs() < 9e18)
                .map(|float| float as i64)
        }),
        Value::String(text) => integer::parse(text),
        _ => None,
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("base-uri", &self.base_uri)?;
        map.serialize_entry("event-type", &self.event_type)?;
        map.serialize_entry("time-updated", &self.time_updated)?;
        map.serialize_entry("summaries", &self.summaries)?;
        if let Some(data_type) = &self.data_type {
            map.serialize_entry(DATA_TYPE, data_type)?;
        }
        if let Some(layout) = &self.client_layout {
            map.serialize_entry(CLIENT_LAYOUT, layout)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let summaries = match map.shift_remove("summaries") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => serde_json::from_value(list).map_err(D::Error::custom)?,
        };
        Ok(Self {
            base_uri: take_text(&mut map, "base-uri").unwrap_or_default(),
            event_type: take_text(&mut map, "event-type")
                .ok_or_else(|| D::Error::missing_field("event-type"))?,
            time_updated: map.get("time-updated").and_then(lenient_integer),
            summaries,
            data_type: take_text(&mut map, DATA_TYPE),
            client_layout: take_text(&mut map, CLIENT_LAYOUT),
        })
    }
}

impl Serialize for EventTypeSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("uri", &self.uri)?;
        map.serialize_entry("summary-type", &self.summary_type)?;
        map.serialize_entry("summary-window", &self.summary_window.to_string())?;
        map.serialize_entry("time-updated", &self.time_updated)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for EventTypeSummary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        Ok(Self {
            uri: take_text(&mut map, "uri").unwrap_or_default(),
            summary_type: take_text(&mut map, "summary-type")
                .ok_or_else(|| D::Error::missing_field("summary-type"))?,
            summary_window: map
                .get("summary-window")
                .and_then(lenient_integer)
                .ok_or_else(|| D::Error::custom("summary-window is no integer"))?,
            time_updated: map.get("time-updated").and_then(lenient_integer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_classic_record_survives_a_round_trip_unchanged() {
        let record = json!({
            "url": "http://h/esmond/perfsonar/archive/0a/",
            "metadata-key": "0a",
            "subject-type": "point-to-point",
            "event-types": [{
                "base-uri": "/esmond/perfsonar/archive/0a/throughput/base",
                "event-type": "throughput",
                "time-updated": null,
                "summaries": [{
                    "uri": "/esmond/perfsonar/archive/0a/throughput/averages/86400",
                    "summary-type": "average",
                    "summary-window": "86400",
                    "time-updated": 1_397_482_735
                }]
            }, {
                "base-uri": "/esmond/perfsonar/archive/0a/process-count/base",
                "event-type": "process-count",
                "time-updated": null,
                "summaries": [],
                "data-type": "integer",
                "client-layout": "numeric"
            }],
            "source": "10.1.1.1",
            "time-duration": "30",
            "uri": "/esmond/perfsonar/archive/0a/",
            "metadata-count-total": 2,
            "metadata-previous-page": null,
            "metadata-next-page": "http://h/x?offset=1"
        });
        let parsed: Metadata = serde_json::from_value(record.clone()).unwrap();
        assert_eq!(parsed.paging.as_ref().unwrap().total, 2);
        assert_eq!(serde_json::to_value(&parsed).unwrap(), record);
    }

    #[test]
    fn perfsonar_5_spellings_are_read() {
        let parsed: Metadata = serde_json::from_value(json!({
            "metadata-key": "ff",
            "event-types": [{
                "base-uri": "/a/ff/packet-count-sent/base/0",
                "event-type": "packet-count-sent",
                "time-updated": 1_397_482_735.9,
                "summaries": [{"summary-window": 300, "summary-type": "aggregation", "event-type": "x", "uri": "/u"}]
            }],
            "sample-size": 600, "mode-flip": true, "time-duration": null, "future": {"a": 1}
        }))
        .unwrap();
        let event_type = parsed.event_type("packet-count-sent").unwrap();
        assert_eq!(event_type.time_updated, Some(1_397_482_735));
        assert_eq!(event_type.summaries[0].summary_window, 300);
        assert_eq!(parsed.property("sample-size").as_deref(), Some("600"));
        assert_eq!(parsed.property("mode-flip").as_deref(), Some("true"));
        assert_eq!(parsed.property("time-duration"), None);
        assert_eq!(parsed.property("future").as_deref(), Some("{\"a\":1}"));
    }

    #[test]
    fn a_record_without_a_key_is_refused() {
        let error = serde_json::from_value::<Metadata>(json!({"subject-type": "x"})).unwrap_err();
        assert!(error.to_string().contains("metadata-key"), "{error}");
    }
}
