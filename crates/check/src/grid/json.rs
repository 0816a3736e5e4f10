//! The grid as JSON: one object on one line.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::grid::model::Grid;
use crate::grid::text;
use crate::print;

/// Writes the grid.
pub(crate) fn write(grid: &Grid, out: &mut dyn Write) -> io::Result<()> {
    let mut cells = Vec::new();
    for ((source, destination), readings) in &grid.pairs {
        for (measure, reading) in grid.measures.iter().zip(readings) {
            let Some(reading) = reading else { continue };
            let newest = reading.seen.newest;
            cells.push(json!({
                "source": source,
                "destination": destination,
                "event_type": measure.event_type,
                "state": grid.state_of(measure, Some(reading)).name(),
                "value": reading.seen.value,
                "unit": measure.unit.text,
                "newest": newest.and_then(print::time),
                "age": newest.map(|newest| grid.now.saturating_sub(newest)),
                "tests": reading.tests,
                "metadata_key": reading.key,
                "error": reading.error.clone().or_else(|| grid.reason(measure, reading)),
            }));
        }
    }
    let measures: Vec<Value> = grid
        .measures
        .iter()
        .map(|measure| {
            let thresholds = &measure.thresholds;
            json!({
                "event_type": measure.event_type,
                "unit": measure.unit.text,
                "warning": thresholds.warning.as_ref().map(ToString::to_string),
                "critical": thresholds.critical.as_ref().map(ToString::to_string),
                "warning_age": thresholds.warning_age,
                "critical_age": thresholds.critical_age,
            })
        })
        .collect();
    let names: serde_json::Map<String, Value> = grid
        .all_hosts()
        .into_iter()
        .map(|host| {
            let name = grid
                .names
                .get(&host)
                .cloned()
                .unwrap_or_else(|| host.clone());
            (host, Value::from(name))
        })
        .collect();
    let document = json!({
        "state": grid.state().name(),
        "message": text::summary(grid),
        "archive": grid.archive,
        "time": print::time(grid.now),
        "since": print::time(grid.since),
        "measures": measures,
        "hosts": names,
        "cells": cells,
        "notes": grid.notes,
    });
    print::line_of(&document, out)
}
