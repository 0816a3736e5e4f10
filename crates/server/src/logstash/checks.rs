//! The checks that all writes go through, for a result of pScheduler: what does not
//! pass is left out and noted, and the rest is stored.

use esmond_ps_model::Registry;
use esmond_ps_results::Measurement;
use esmond_ps_results::pscheduler::Run;
use esmond_ps_store::{NewPoint, NewRecord};
use serde_json::Value;

use crate::create;
use crate::error::Error;
use crate::number::to_time;
use crate::validate;

const RAW: &str = "pscheduler-raw";
const RUN_HREF: &str = "pscheduler-run-href";
const INPUT_DESTINATION: &str = "input-destination";

/// Checks when a run was.
pub(super) fn time(measurement: &Measurement) -> Result<i64, Error> {
    to_time(&Value::from(measurement.ts))
        .ok_or_else(|| Error::bad_request("The start time is no time of the years 1 to 9999"))
}

/// Checks the values of a run. When one of them cannot be stored, or none could be made
/// of the result, the whole result is stored as it is (`pscheduler-raw`).
pub(super) fn points(
    measurement: &Measurement,
    run: &Run,
    registry: &Registry,
    notes: &mut Vec<String>,
) -> Vec<NewPoint> {
    let before = notes.len();
    notes.extend(measurement.left_out.iter().cloned());
    let values = measurement.values.iter();
    let mut points: Vec<NewPoint> = values
        .filter_map(|(name, value)| point(measurement.ts, name, value, registry, notes))
        .collect();
    let has = |points: &[NewPoint], name| points.iter().any(|one| one.event_type == name);
    if points.iter().all(|point| point.event_type == RUN_HREF) {
        notes.push("the result holds no value of its type of test".to_owned());
    }
    if notes.len() > before && !has(&points, RAW) && !run.result().is_null() {
        let raw = point(measurement.ts, RAW, run.result(), registry, notes);
        if raw.is_some() {
            notes.push(format!("the whole result is stored as {RAW}"));
        }
        points.extend(raw);
    }
    points
}

fn point(
    ts: i64,
    name: &str,
    value: &Value,
    registry: &Registry,
    notes: &mut Vec<String>,
) -> Option<NewPoint> {
    let checked = match registry.event_type(name) {
        None => Err("the archive has no such event type".to_owned()),
        Some(definition) => {
            validate::value(&definition.rules, value).map_err(|error| error.to_string())
        }
    };
    match checked {
        Ok(value) => Some(NewPoint {
            event_type: name.to_owned(),
            ts,
            value,
        }),
        Err(reason) => {
            notes.push(format!("{name} is not stored: {reason}"));
            None
        }
    }
}

/// Makes the record of a run: the same one for all runs of a test.
pub(super) fn record(
    mut measurement: Measurement,
    registry: &Registry,
    notes: &mut Vec<String>,
) -> Result<NewRecord, Error> {
    keep_event_types(&mut measurement, registry, notes);
    keep_parameters(&mut measurement, notes);
    let of_one_host = measurement.subject.destination.is_none();
    let destination = measurement.subject.input_destination.clone();
    let mut body = measurement.lasting_metadata();
    if of_one_host && let Some(body) = body.as_object_mut() {
        body.shift_remove(INPUT_DESTINATION);
    }
    let mut record = create::parse(&body, registry)?;
    // A test of one host has no destination, but this one was to have: so it is found
    // by the name.
    if let Some(name) = destination.filter(|_| of_one_host) {
        match create::subject_text(INPUT_DESTINATION, &name) {
            Ok(()) => {
                record.subject.insert(INPUT_DESTINATION.to_owned(), name);
            }
            Err(error) => notes.push(error.detail()),
        }
    }
    Ok(record)
}

/// Leaves out event types and summaries that the archive does not have.
fn keep_event_types(measurement: &mut Measurement, registry: &Registry, notes: &mut Vec<String>) {
    measurement.event_types.retain_mut(|event_type| {
        let name = &event_type.name;
        let Some(definition) = registry.event_type(name) else {
            return false;
        };
        event_type.summaries.retain(|summary| {
            let allowed = definition.rules.allows(summary.summary_type);
            if !allowed {
                let kind = summary.summary_type;
                notes.push(format!("{name} has no summaries of type {kind}"));
            }
            allowed
        });
        true
    });
}

/// Leaves out parameters that a record cannot hold.
fn keep_parameters(measurement: &mut Measurement, notes: &mut Vec<String>) {
    let mut shown = Vec::new();
    measurement.parameters.retain(|name, value| {
        let refused = match create::parameter(name, value) {
            Err(error) => Some(error.detail()),
            Ok(_) => {
                let name = name.replace('_', "-");
                let twice = shown.contains(&name);
                shown.push(name);
                twice.then(|| "it is given twice, with dashes and with underscores".to_owned())
            }
        };
        if let Some(reason) = &refused {
            notes.push(format!("the parameter {name:?} is not kept: {reason}"));
        }
        refused.is_none()
    });
}
