//! Checks of a metadata record that somebody wants to create.
//!
//! The order of the checks and the texts are those of the original archive.
//! DIFFERENCE: what makes the original fail (500) half-way and leave a
//! half-made record is refused before anything is stored; addresses are made
//! canonical and windows integers before the record is compared with others;
//! an event type or summary listed twice counts once; a missing subject field
//! is an error, and so is a parameter that would hide a field of the record.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use esmond_ps_model::metadata::RESERVED_PROPERTIES;
use esmond_ps_model::registry::{FieldKind, SubjectType};
use esmond_ps_model::{EventTypeDefinition, Registry, Summary, SummaryType};
use esmond_ps_store::NewRecord;
use esmond_ps_store::text::stored;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::number::to_integer;

/// Longest text field and longest parameter name, in characters.
const LONGEST: usize = 128;

/// Reads a record from the body of a request.
pub(crate) fn parse(body: &Value, registry: &Registry) -> Result<NewRecord, Error> {
    if body.is_null() {
        return Err(Error::no_data());
    }
    let empty = Map::new();
    let fields = body.as_object().unwrap_or(&empty);
    let required = |name| {
        let missing = || Error::bad_request(format!("Missing {name} field in request"));
        fields.get(name).ok_or_else(missing)
    };
    let subject_type = required("subject-type")?;
    let event_types = required("event-types")?;
    let subject_type = subject_type
        .as_str()
        .and_then(|name| registry.subject_type(name))
        .ok_or_else(|| {
            let given = stored(subject_type);
            Error::bad_request(format!("Invalid subject type {given}"))
        })?;
    if fields.contains_key("metadata-key") {
        let detail = "metadata-key is not allowed to be specified";
        return Err(Error::bad_request(detail));
    }
    let event_types = self::event_types(event_types, registry)?;
    Ok(NewRecord {
        subject_type: subject_type.name.clone().into_owned(),
        subject: subject(fields, subject_type)?,
        parameters: parameters(fields, subject_type, registry)?,
        event_types,
    })
}

fn event_types(
    list: &Value,
    registry: &Registry,
) -> Result<BTreeMap<String, BTreeSet<Summary>>, Error> {
    let list = match list {
        Value::Null => &Vec::new(),
        Value::Array(list) => list,
        _ => return Err(Error::bad_request("event_types must be a list")),
    };
    let mut event_types: BTreeMap<String, BTreeSet<Summary>> = BTreeMap::new();
    for entry in list {
        let name = entry
            .get("event-type")
            .ok_or_else(|| Error::bad_request("No event-type defined"))?;
        let definition = name
            .as_str()
            .and_then(|name| registry.event_type(name))
            .ok_or_else(|| Error::bad_request(format!("Invalid event-type {}", stored(name))))?;
        let summaries = summaries(entry.get("summaries"), definition)?;
        event_types
            .entry(definition.name.clone().into_owned())
            .or_default()
            .extend(summaries);
    }
    Ok(event_types)
}

fn summaries(
    list: Option<&Value>,
    definition: &EventTypeDefinition,
) -> Result<Vec<Summary>, Error> {
    const NO_TYPE: &str = "Summary must contain summary-type";
    let list = match list {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Error::bad_request(NO_TYPE)),
    };
    let mut summaries = Vec::with_capacity(list.len());
    for entry in list {
        let name = entry
            .get("summary-type")
            .ok_or_else(|| Error::bad_request(NO_TYPE))?;
        let summary_type = name
            .as_str()
            .and_then(SummaryType::from_name)
            .ok_or_else(|| {
                Error::bad_request(format!("Invalid summary type '{}'", stored(name)))
            })?;
        if summary_type == SummaryType::Base {
            continue;
        }
        if !definition.rules.allows(summary_type) {
            let event_type = &definition.name;
            return Err(Error::bad_request(format!(
                "Summary type {summary_type} not allowed for event-type {event_type}"
            )));
        }
        let window = entry
            .get("summary-window")
            .ok_or_else(|| Error::bad_request("Summary must contain summary-window"))?;
        summaries.push(Summary {
            summary_type,
            window: self::window(window)?,
        });
    }
    Ok(summaries)
}

fn window(value: &Value) -> Result<i64, Error> {
    let whole = match value {
        Value::Number(number) => {
            number.is_i64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        other => other.is_string(),
    };
    let window = to_integer(value).filter(|_| whole);
    match window {
        None => Err(Error::bad_request("Summary window must be an integer")),
        Some(window) if window < 0 => {
            Err(Error::bad_request("Summary window must not be negative"))
        }
        Some(window) => Ok(window),
    }
}

fn subject(
    fields: &Map<String, Value>,
    subject_type: &SubjectType,
) -> Result<BTreeMap<String, String>, Error> {
    let mut subject = BTreeMap::new();
    for field in &subject_type.fields {
        let name = field.name.as_ref();
        let value = match fields.get(name) {
            None | Some(Value::Null) => {
                return Err(Error::bad_request(format!(
                    "Missing {name} field in request"
                )));
            }
            Some(value) => checked(name, value)?,
        };
        let value = match field.kind {
            FieldKind::Address => {
                let address: IpAddr = value
                    .parse()
                    .map_err(|_| Error::bad_request(format!("{name} must be an IP address")))?;
                address.to_canonical().to_string()
            }
            FieldKind::Text => {
                subject_text(name, &value)?;
                value
            }
        };
        subject.insert(name.to_owned(), value);
    }
    Ok(subject)
}

fn parameters(
    fields: &Map<String, Value>,
    subject_type: &SubjectType,
    registry: &Registry,
) -> Result<BTreeMap<String, String>, Error> {
    let mut shown_names = BTreeSet::new();
    let mut parameters = BTreeMap::new();
    for (name, value) in fields {
        let ours = |name: &str| matches!(name, "subject-type" | "event-types");
        let is_subject = subject_type.fields.iter().any(|field| field.name == *name);
        if ours(name) || is_subject {
            continue;
        }
        // A record shows its parameters with dashes, beside its own fields.
        let shown = name.replace('_', "-");
        if registry.names_subject(name) {
            let kind = &subject_type.name;
            let detail = format!("{name} is not a field of subject type {kind}");
            return Err(Error::bad_request(detail));
        }
        if RESERVED_PROPERTIES.contains(&shown.as_str())
            || ours(&shown)
            || registry.names_subject(&shown)
        {
            let detail = format!("{name} is not allowed to be specified");
            return Err(Error::bad_request(detail));
        }
        parameters.insert(name.clone(), parameter(name, value)?);
        if !shown_names.insert(shown) {
            let detail = format!("{name} is given twice, with dashes and with underscores");
            return Err(Error::bad_request(detail));
        }
    }
    Ok(parameters)
}

/// Checks a parameter by itself, and returns the text under which it is stored.
pub(crate) fn parameter(name: &str, value: &Value) -> Result<String, Error> {
    if name.chars().count() > LONGEST || name.contains('\0') {
        let detail = format!("Names must have at most {LONGEST} characters and no NUL character");
        return Err(Error::bad_request(detail));
    }
    if value.is_null() {
        return Err(Error::bad_request(format!("{name} must not be null")));
    }
    checked(name, value)
}

/// Checks the text of a subject field.
pub(crate) fn subject_text(name: &str, text: &str) -> Result<(), Error> {
    if text.chars().count() > LONGEST {
        let detail = format!("{name} must not have more than {LONGEST} characters");
        return Err(Error::bad_request(detail));
    }
    checked(name, &Value::from(text)).map(|_| ())
}

fn checked(name: &str, value: &Value) -> Result<String, Error> {
    let text = stored(value);
    if text.contains('\0') {
        let detail = format!("{name} must not contain a NUL character");
        return Err(Error::bad_request(detail));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(extra: &Value) -> Value {
        let mut body = json!({
            "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "2001:DB8:0::1",
            "measurement-agent": "::ffff:10.1.1.1", "tool-name": "t", "input-source": "a",
            "input-destination": "b", "event-types": []
        });
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn detail(extra: &Value) -> String {
        let error = parse(&body(extra), &Registry::standard()).unwrap_err();
        assert_eq!(error.status(), 400);
        error.to_string()
    }

    #[test]
    fn addresses_are_canonical_and_duplicates_count_once() {
        let summary = json!({"summary-type": "average", "summary-window": 60});
        let event_types = json!({"event-types": [
            {"event-type": "throughput", "summaries": [summary, summary]},
            {"event-type": "throughput", "summaries": [{"summary-type": "average", "summary-window": " 60 "}]},
            {"event-type": "throughput", "summaries": null},
        ]});
        let record = parse(&body(&event_types), &Registry::standard()).unwrap();
        assert_eq!(record.subject["destination"], "2001:db8::1");
        assert_eq!(record.subject["measurement-agent"], "10.1.1.1");
        let summaries: Vec<i64> = record.event_types["throughput"]
            .iter()
            .map(|summary| summary.window)
            .collect();
        assert_eq!(summaries, [60]);
    }

    #[test]
    fn what_would_hide_a_field_of_the_record_is_refused() {
        for name in [
            "url",
            "uri",
            "metadata_key",
            "metadata-count-total",
            "tool_name",
            "event_types",
            "subject_type",
        ] {
            let text = detail(&json!({ name: "x" }));
            assert!(
                text.contains(name) && text.contains("not allowed"),
                "{text}"
            );
        }
        let text = detail(&json!({"bw-x": 1, "bw_x": 2}));
        assert!(text.contains("bw_x is given twice"), "{text}");
    }

    #[test]
    fn windows_are_whole_numbers_of_seconds() {
        for (window, expected) in [
            (json!(60.5), "must be an integer"),
            (json!("60.5"), "must be an integer"),
            (json!(null), "must be an integer"),
            (json!([60]), "must be an integer"),
            (json!(9_223_372_036_854_775_808_u64), "must be an integer"),
            (json!(-60), "must not be negative"),
        ] {
            let summaries = json!([{"summary-type": "average", "summary-window": window}]);
            let text = detail(
                &json!({"event-types": [{"event-type": "throughput", "summaries": summaries}]}),
            );
            assert!(text.contains(expected), "{window}: {text}");
        }
    }

    #[test]
    fn values_that_the_store_cannot_hold_are_refused_by_name() {
        let long = "x".repeat(129);
        for extra in [
            json!({"tool-name": null}),
            json!({"tool-name": long}),
            json!({"source": "10.1.1.0/24"}),
            json!({"source": 5}),
            json!({"destination": "not-an-ip"}),
            json!({"m": null}),
            json!({"m": "a\u{0}b"}),
        ] {
            let name = extra.as_object().unwrap().keys().next().unwrap();
            assert!(detail(&extra).contains(name.as_str()), "{extra}");
        }
        assert!(detail(&json!({ long: 1 })).contains("128"));
        let element = json!({"subject-type": "network-element"});
        assert!(detail(&element).contains("destination is not a field"));
    }
}
