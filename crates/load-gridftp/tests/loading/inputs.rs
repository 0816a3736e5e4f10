//! Every input file: what is posted is what a correct loader posts.

use std::collections::BTreeMap;

use esmond_ps_load_gridftp::measurement::{Attributes, Measurement};
use esmond_ps_load_gridftp::transfer::Style;
use serde_json::{Map, Value, json};

use crate::support::{Place, data};

/// What is sent.
fn metadata(measurement: &Measurement) -> Map<String, Value> {
    match measurement.metadata().to_json() {
        Ok(Value::Object(metadata)) => metadata,
        other => panic!("{other:?}"),
    }
}

/// Loads an input file and returns what was posted, by line.
pub(crate) fn post(name: &str, attributes: Attributes) -> BTreeMap<u64, Measurement> {
    let mut place = Place::new(&data(&format!("inputs/{name}.log.gz")));
    place.job.settings.attributes = attributes;
    if name.starts_with("json") {
        place.job.settings.style = Style::Json;
    }
    place.load();
    place.notes.posted.take().into_iter().collect()
}

fn check(name: &str) {
    let expected: Vec<Value> =
        serde_json::from_slice(&data(&format!("inputs/{name}.expected.json.gz"))).expect("JSON");
    let all = Attributes {
        file: true,
        user: true,
        volume: true,
    };
    let (plain, full) = (post(name, Attributes::default()), post(name, all));
    let mut lines = Vec::new();
    for record in &expected {
        let line = record["line"].as_u64().expect("a line number");
        let Some(wanted) = record["post"].as_object() else {
            assert!(
                !plain.contains_key(&line),
                "{name} line {line}: {}",
                record["why"]
            );
            continue;
        };
        lines.push(line);
        let found = plain
            .get(&line)
            .unwrap_or_else(|| panic!("{name} line {line} is missing"));
        let mut all = wanted["metadata"].as_object().expect("an object").clone();
        assert_eq!(metadata(found), all, "{name} line {line}");
        assert_eq!(json!(found.values), wanted["values"], "{name} line {line}");
        for (option, value) in wanted["optional"].as_object().expect("an object") {
            let parameter = option.split(' ').nth(1).expect("an option and a parameter");
            all.insert(parameter.to_owned(), value.clone());
        }
        all.retain(|_, value| !value.is_null());
        assert_eq!(metadata(&full[&line]), all, "{name} line {line}");
    }
    let posted: Vec<_> = plain.keys().copied().collect();
    assert_eq!(posted, lines, "{name}");
}

#[test]
fn netlogger_logs_give_what_a_correct_loader_posts() {
    // DIFFERENCE: the original crashes at some of these lines, and posts negative
    // throughputs.
    check("netlogger-clean");
    check("netlogger-hostile");
    check("netlogger-latin1");
}

#[test]
fn json_logs_give_what_a_correct_loader_posts() {
    // DIFFERENCE: the original takes failures for measurements, and declares a part
    // of what it posts.
    check("json-clean");
}

#[test]
fn logs_of_a_real_server_give_what_a_correct_loader_posts() {
    check("real-gct-gridftp-log-TZ-New_York");
    check("real-gct-transfer-ipv4");
    check("real-gct-transfer-overlong");
}

#[test]
fn transfers_without_a_start_time_are_named_and_not_loaded() {
    let place = Place::new(&data("inputs/real-gct-stdio_ng-transfer-events.log.gz"));
    let report = place.load();
    assert_eq!((report.loaded, report.skipped), (0, 3));
}
