//! What the original program posted for the same logs.

use esmond_ps_load_gridftp::measurement::Attributes;
use serde_json::{Value, json};

use crate::support::{Place, Table, data};

/// Metadata and points of a record.
type Record = (Value, Vec<(String, i64, Value)>);

fn cases() -> Vec<Value> {
    serde_json::from_slice(&data("recorded/load_gridftp.json.gz")).expect("JSON")
}

fn runs(name: &str) -> Vec<Value> {
    let all = cases();
    let found = all.iter().find(|case| case["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no case {name}"));
    found["runs"].as_array().expect("a list").clone()
}

/// The records that requests come to, as ours posts them.
fn recorded(run: &Value) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for request in run["requests"].as_array().expect("a list") {
        let body = &request["body"];
        let path = request["path"].as_str().expect("text");
        if let Some(points) = body["data"].as_array() {
            let (_, values) = records.last_mut().expect("metadata comes first");
            for point in points {
                let ts = point["ts"].as_i64().expect("a time");
                for value in point["val"].as_array().expect("a list") {
                    let event_type = value["event-type"].as_str().expect("text");
                    values.push((event_type.to_owned(), ts, value["val"].clone()));
                }
            }
        } else if path.ends_with("/failures/base") {
            // DIFFERENCE: this too is sent in bulk by ours.
            let (_, values) = records.last_mut().expect("metadata comes first");
            let ts = body["ts"].as_i64().expect("a time");
            values.push(("failures".to_owned(), ts, body["val"].clone()));
        } else {
            records.push((body.clone(), Vec::new()));
        }
    }
    for (_, values) in &mut records {
        // DIFFERENCE: no retransmits are not retransmits of no streams.
        values.retain(|(_, _, value)| *value != json!([]));
        for (_, _, value) in values {
            // DIFFERENCE: a code that has no text stands alone.
            if let Some(code) = value["error"]
                .as_str()
                .and_then(|text| text.strip_suffix(" None"))
            {
                *value = json!({"error": code});
            }
        }
    }
    records
}

fn place(run: &Value) -> Place {
    let arguments: Vec<&str> = run["argv"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let file = arguments[1].trim_start_matches("{{inputs}}/");
    let log = if file == "x.log" {
        Vec::new()
    } else {
        data(&format!("recorded/{file}.gz"))
    };
    let mut place = Place::new(&log);
    let hosts = data("recorded/hosts.txt");
    place.table = Table::of_hosts(std::str::from_utf8(&hosts).expect("UTF-8"));
    let has =
        |long: &str, short: &str| arguments.iter().any(|word| *word == long || *word == short);
    place.job.settings.single = has("--single", "-S");
    place.job.settings.attributes = Attributes {
        file: has("--file_attr", "-F"),
        user: has("--name_attr", "-N"),
        volume: has("--volume_attr", "-V"),
    };
    place
}

/// The records that ours posts.
fn posted(place: &Place) -> Vec<Record> {
    let posted = place.notes.posted.take();
    let record = |(_, measurement): (u64, esmond_ps_load_gridftp::measurement::Measurement)| {
        (
            measurement.metadata().to_json().expect("it can be sent"),
            measurement.values,
        )
    };
    posted.into_iter().map(record).collect()
}

#[test]
fn the_same_is_posted_for_the_same_log() {
    for name in [
        "netlogger",
        "netlogger-all-attributes",
        "netlogger-single",
        "netlogger-dont-write",
        "netlogger-long-options",
        "netlogger-script-alias",
        "netlogger-log-dir",
        "netlogger-only-listing",
        "netlogger-empty",
    ] {
        let run = &runs(name)[0];
        let place = place(run);
        place.load();
        assert_eq!(posted(&place), recorded(run), "{name}");
    }
}

#[test]
fn all_of_a_longer_log_is_posted() {
    let run = &runs("netlogger-205")[0];
    let place = place(run);
    assert_eq!(place.load().loaded, 205);
    let posted = posted(&place);
    let recorded = recorded(run);
    assert_eq!([&posted[0], &posted[204]], [&recorded[0], &recorded[1]]);
}

#[test]
fn what_made_the_original_crash_is_loaded() {
    // DIFFERENCE: the originals die at these lines.
    for name in [
        "netlogger-transfer-stats",
        "netlogger-space-in-file",
        "netlogger-equals-in-file",
        "netlogger-bad-date",
    ] {
        let place = place(&runs(name)[0]);
        let report = place.load();
        assert!(report.loaded > 0, "{name}");
        assert_eq!(report.skipped, 0, "{name}");
    }
}

#[test]
fn a_record_without_code_is_skipped() {
    // DIFFERENCE: the original posts the failure `None None`.
    let place = place(&runs("netlogger-no-code")[0]);
    let report = place.load();
    assert_eq!((report.loaded, report.skipped), (0, 1));
}

#[test]
fn without_a_name_server_nothing_is_posted_and_every_line_counted() {
    let run = &runs("netlogger-unresolvable-hosts")[0];
    let mut place = place(run);
    place.table = Table::default();
    let report = place.load();
    assert_eq!((posted(&place), recorded(run)), (vec![], vec![]));
    assert_eq!(report.skipped, 13);
}

#[test]
fn the_state_leads_through_the_same_sequences() {
    for (name, known) in [
        ("state-sequence", &[][..]),
        ("state-single-steps", &[]),
        // DIFFERENCE: the original loses what comes behind a listing.
        ("state-listing-last", &[1]),
    ] {
        let runs = runs(name);
        let place = place(&runs[0]);
        for (number, run) in runs.iter().enumerate() {
            if let Some(before) = run["before"].as_str() {
                let file = before.split_whitespace().nth(1).expect("a file");
                let file = file.trim_start_matches("inputs/");
                place.write("g.log", &data(&format!("recorded/{file}.gz")));
            }
            let mut place_now = Place {
                job: place_of(run, &place),
                ..Place::new(b"")
            };
            place_now.table = place.table.clone();
            place_now.load();
            let (posted, recorded) = (posted(&place_now), recorded(run));
            if known.contains(&number) {
                assert!(posted.len() > recorded.len(), "{name} {number}");
            } else {
                assert_eq!(posted, recorded, "{name} {number}");
            }
        }
    }
}

/// The job of a run, in the directory of the first one.
fn place_of(run: &Value, first: &Place) -> esmond_ps_load_gridftp::run::Job {
    let mut job = place(run).job;
    job.log = first.job.log.clone();
    job.state = first.job.state.clone();
    job.delete_state = run["argv"].to_string().contains("\"-D\"");
    job
}
