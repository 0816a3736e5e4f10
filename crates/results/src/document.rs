//! Measurements as results of pScheduler: the way back, for archives that take nothing
//! else (perfSONAR 5, through Logstash).
//!
//! [`of`] makes such a result of a throughput test, [`complete`] takes one that
//! pScheduler itself made. Both are what the archivers of pScheduler send, an archive of
//! ours reads them with [`pscheduler::Run`](crate::pscheduler::Run), and perfSONAR 5
//! shows of them what it shows of any.
//!
//! # Limits
//!
//! The event types of throughput tests have a place in a result, and `failures` has
//! one. Other values, such as `iostat`, are kept as JSON text in private fields of the
//! reference (`_iostat`): the stored document has them, no event type shows them.
//! Protocols are TCP and UDP there; that of another test (SCTP) is in the reference.
//! What hosts were called is in the reference, too: source and destination are
//! addresses, which every archive can resolve.
//!
//! DIFFERENCE: the originals have no way back.

mod complete;
mod parts;

use std::net::IpAddr;

use chrono::{DateTime, Datelike as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

pub use complete::{Complete, complete};

use crate::object::number;
use crate::{Error, Measurement, Result};

/// What a document tells beside a measurement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Details<'a> {
    /// How long the run took, in seconds; without it the `time-duration` that was asked
    /// for.
    pub seconds: Option<f64>,
    /// Parameters that describe this run and not the test, such as the size of a file.
    /// perfSONAR 5 tells tests apart by the others.
    pub of_run: &'a [&'a str],
}

/// Makes the document of a throughput test or a transfer.
///
/// The same measurement always gives the same document, its `id` among the rest.
///
/// # Errors
///
/// [`Error::Missing`] for a time that no calendar has.
pub fn of(measurement: &Measurement, details: Details<'_>) -> Result<Value> {
    let subject = &measurement.subject;
    let asked = measurement.parameters.get(DURATION).and_then(parts::float);
    let seconds = details.seconds.or(asked);
    let start = time(measurement.ts)?;
    let end = time(measurement.ts.saturating_add(whole(seconds)))?;
    let (spec, mut reference) = spec_and_reference(measurement, asked, details);
    let result = match measurement.failure() {
        Some(error) => json!({"schema": 1, "succeeded": false, "error": error}),
        None => parts::result(measurement),
    };
    for (name, value) in parts::without_place(measurement) {
        reference.insert(format!("_{name}"), value.to_string().into());
    }
    let duration = || {
        let length = seconds.map(|seconds| ("duration".to_owned(), iso(seconds).into()));
        Map::from_iter(length)
    };
    let mut participants = vec![endpoint(subject.measurement_agent)];
    for end in std::iter::once(subject.source).chain(subject.destination) {
        if end != subject.measurement_agent {
            participants.push(endpoint(end));
        }
    }
    let mut run = Map::new();
    run.insert("start-time".to_owned(), start.clone().into());
    run.insert("end-time".to_owned(), end.into());
    run.insert("added".to_owned(), start.clone().into());
    run.extend(duration());
    run.insert("participants".to_owned(), json!(participants));
    let mut schedule = Map::from_iter([("start".to_owned(), start.into())]);
    schedule.extend(duration());
    let body = json!({
        "schedule": schedule,
        "test": {"type": "throughput", "spec": spec},
        "tool": {"name": tool(measurement)},
        "run": run,
        "task": {"detail": duration()},
        "participants": participants,
        "result": result,
        "reference": reference,
    });
    Ok(with_id(body))
}

const DURATION: &str = "time-duration";
const PROTOCOL: &str = "ip-transport-protocol";

/// Parameters that pScheduler has other names for, and whether they are numbers.
const SPEC: [(&str, &str, bool); 8] = [
    ("ip-tos", "tos", true),
    ("ip-dscp", "dscp", true),
    ("bw-buffer-size", "buffer-length", true),
    ("bw-parallel-streams", "parallel", true),
    ("bw-target-bandwidth", "bandwidth", true),
    ("tcp-window-size", "window-size", true),
    ("tcp-dynamic-window-size", "dynamic-window-size", false),
    ("tcp-max-segment-size", "mss", true),
];

/// As [`SPEC`], a time in seconds that pScheduler writes as a duration.
const OMIT: (&str, &str) = ("bw-ignore-first-seconds", "omit");

fn spec_and_reference(
    measurement: &Measurement,
    asked: Option<f64>,
    details: Details<'_>,
) -> (Map<String, Value>, Map<String, Value>) {
    let subject = &measurement.subject;
    let mut spec = Map::new();
    let mut reference = Map::new();
    // No ip-version: both ends are addresses, and the observer may be of either family.
    spec.insert("source".to_owned(), endpoint(subject.source).into());
    if let Some(destination) = subject.destination {
        spec.insert("dest".to_owned(), endpoint(destination).into());
    }
    reference.insert("tool-name".to_owned(), measurement.tool_name.clone().into());
    reference.insert(
        "input-source".to_owned(),
        subject.input_source.clone().into(),
    );
    if let Some(name) = &subject.input_destination {
        reference.insert("input-destination".to_owned(), name.clone().into());
    }
    if let Some(asked) = asked {
        spec.insert("duration".to_owned(), iso(asked).into());
    }
    for (name, value) in &measurement.parameters {
        let renamed = SPEC.iter().find(|(ours, ..)| ours == name);
        match (name.as_str(), renamed) {
            (DURATION, _) if asked.is_some() => {}
            (PROTOCOL, _) if value == "udp" => {
                spec.insert("udp".to_owned(), true.into());
            }
            (PROTOCOL, _) if value == "tcp" => {}
            (_, Some((_, theirs, is_number))) => {
                let number = number(value).map(Value::Number);
                match number.or_else(|| (!is_number).then(|| value.clone())) {
                    Some(value) => spec.insert((*theirs).to_owned(), value),
                    None => reference.insert(name.clone(), value.clone()),
                };
            }
            (name, None) if name == OMIT.0 && parts::float(value).is_some() => {
                let seconds = parts::float(value).unwrap_or_default();
                spec.insert(OMIT.1.to_owned(), iso(seconds).into());
            }
            (name, None) => {
                // perfSONAR 5 shows the reference, and filters by the specification.
                reference.insert(name.to_owned(), value.clone());
                if name != PROTOCOL && name != DURATION && !details.of_run.contains(&name) {
                    spec.insert(name.to_owned(), value.clone());
                }
            }
        }
    }
    (spec, reference)
}

/// Returns the tool without who started it: `iperf3` of `bwctl/iperf3`.
fn tool(measurement: &Measurement) -> &str {
    let name = measurement.tool_name.as_str();
    name.rsplit('/').next().unwrap_or(name)
}

/// Writes an address so that it is one for Logstash's filters, too: they take what
/// begins with a letter and has a colon for a URL.
fn endpoint(address: IpAddr) -> String {
    let text = address.to_string();
    if address.is_ipv6() && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        format!("[{text}]")
    } else {
        text
    }
}

/// Writes a Unix time in ISO 8601.
fn time(ts: i64) -> Result<String> {
    DateTime::from_timestamp(ts, 0)
        .filter(|time| (0..=9999).contains(&time.year()))
        .map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .ok_or(Error::Missing("time"))
}

/// Returns the seconds of a duration, begun ones being full.
fn whole(seconds: Option<f64>) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast keeps to the range")]
    seconds.map_or(0, |seconds| seconds.ceil() as i64)
}

/// Writes a duration in ISO 8601, to the microsecond.
fn iso(seconds: f64) -> String {
    let text = format!("{:.6}", seconds.max(0.0));
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("PT{text}S")
}

/// Puts an id in front: a UUID (version 8) made of a digest of the rest.
fn with_id(body: Value) -> Value {
    let digest = Sha256::digest(body.to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        id.push_str(&format!("{byte:02x}"));
    }
    let mut whole = Map::from_iter([("id".to_owned(), id.into())]);
    if let Value::Object(body) = body {
        whole.extend(body);
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_to_the_microsecond() {
        for (seconds, text) in [
            (10.0, "PT10S"),
            (0.0, "PT0S"),
            (0.5, "PT0.5S"),
            (12.345_678_9, "PT12.345679S"),
            (100.0, "PT100S"),
            (-1.0, "PT0S"),
        ] {
            assert_eq!(iso(seconds), text);
        }
    }

    #[test]
    fn times_are_those_of_a_calendar() {
        assert_eq!(time(1_740_830_400).unwrap(), "2025-03-01T12:00:00Z");
        assert_eq!(time(-1).unwrap(), "1969-12-31T23:59:59Z");
        for ts in [i64::MAX, i64::MIN, 300_000_000_000] {
            assert!(time(ts).is_err(), "{ts}");
        }
        assert_eq!(whole(Some(1.01)), 2);
        assert_eq!(whole(Some(f64::INFINITY)), i64::MAX);
    }

    #[test]
    fn an_address_never_looks_like_a_url() {
        let p = |text: &str| endpoint(text.parse().unwrap());
        assert_eq!(p("192.0.2.1"), "192.0.2.1");
        assert_eq!(p("2001:db8::1"), "2001:db8::1");
        assert_eq!(p("fd00::1"), "[fd00::1]");
    }

    #[test]
    fn the_id_is_that_of_the_contents() {
        let id = |body: Value| with_id(body)["id"].as_str().unwrap().to_owned();
        let one = id(json!({"a": 1}));
        assert_eq!(one, id(json!({"a": 1})));
        assert_ne!(one, id(json!({"a": 2})));
        assert_eq!(one.len(), 36);
        assert_eq!((&one[14..15], one.matches('-').count()), ("8", 4));
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
