//! Results of pScheduler, passed on.
//!
//! DIFFERENCE: the original pipe does not read them.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use crate::pscheduler::UNSPECIFIED;
use crate::pscheduler::time::{seconds, unix};
use crate::{Error, Result};

/// A result of pScheduler that can be sent to an archive of perfSONAR 5.
#[derive(Debug, Clone, PartialEq)]
pub struct Complete {
    /// The document, without the envelope of an archiver.
    pub document: Value,
    /// Who measured, by name or address: what the envelope says, else the participant
    /// that led the test.
    pub agent: Option<String>,
    /// When the run began, Unix time in seconds, where that can be read.
    pub ts: Option<i64>,
    /// Kind of test, such as `trace`.
    pub kind: String,
}

/// Takes a result as an archiver gets it, with or without the envelope.
///
/// It stays as it is; what is missing and perfSONAR 5 needs is taken from where the
/// result says the same: the times of the run from its schedule, the addresses of run
/// and task from the envelope. `run.added` above all: one result without it makes the
/// whole list of tests of such an archive unreadable. A run that gave no result failed.
///
/// # Errors
///
/// [`Error::Json`] when it is no JSON object, [`Error::Missing`] when it has no time, or
/// no kind of test, specification or tool: perfSONAR 5 drops or hides such a result
/// without a word.
pub fn complete(document: &str) -> Result<Complete> {
    let mut whole: Map<String, Value> = serde_json::from_str(document)?;
    let mut envelope = Map::new();
    if !whole.contains_key("test") {
        let Some(Value::Object(result)) = whole.shift_remove("result") else {
            return Err(Error::Missing("result"));
        };
        envelope = std::mem::replace(&mut whole, result);
    }
    let text = |of: &Map<String, Value>, path: &[&str]| {
        let (first, rest) = path.split_first()?;
        let mut value = of.get(*first)?;
        for name in rest {
            value = value.get(name)?;
        }
        value.as_str().map(ToOwned::to_owned)
    };
    let kind = text(&whole, &["test", "type"]).ok_or(Error::Missing("test type"))?;
    // Elmond hides a test without these.
    text(&whole, &["tool", "name"]).ok_or(Error::Missing("tool name"))?;
    let spec = whole.get("test").and_then(|test| test.get("spec"));
    spec.filter(|spec| spec.as_object().is_some_and(|spec| !spec.is_empty()))
        .ok_or(Error::Missing("test specification"))?;
    let agent = text(&envelope, &["data", "measurement-agent"])
        .or_else(|| {
            let lead = whole.get("participants")?.get(0)?;
            lead.as_str().map(ToOwned::to_owned)
        })
        .or_else(|| text(&whole, &["test", "spec", "source"]));
    let start = text(&whole, &["run", "start-time"])
        .or_else(|| text(&whole, &["schedule", "start"]))
        .ok_or(Error::Missing("start time"))?;
    let duration =
        text(&whole, &["schedule", "duration"]).or_else(|| text(&whole, &["run", "duration"]));
    let end = after(&start, duration.as_deref()).unwrap_or_else(|| start.clone());
    let reference = whole
        .get("task")
        .and_then(|task| task.get("reference"))
        .filter(|reference| reference.is_object())
        .cloned();
    let run_href = text(&envelope, &["run-href"]).map(Value::from);
    let task_href = text(&envelope, &["task-href"]).map(Value::from);

    edit(&mut whole, "run", |run| {
        put(run, "start-time", Some(start.clone().into()));
        put(run, "end-time", Some(end.into()));
        put(run, "added", run.get("start-time").cloned());
        put(run, "href", run_href);
    });
    edit(&mut whole, "task", |task| {
        put(task, "href", task_href);
        edit(task, "detail", |detail| {
            put(detail, "duration", duration.map(Value::from));
        });
    });
    put(&mut whole, "reference", reference);
    let failed = json!({"succeeded": false, "error": UNSPECIFIED});
    put(&mut whole, "result", Some(failed));
    Ok(Complete {
        ts: unix(&start),
        document: Value::Object(whole),
        agent,
        kind,
    })
}

/// Changes a part that is an object; what is none gives way to one.
fn edit(of: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut part = match of.get_mut(name).map(Value::take) {
        Some(Value::Object(part)) => part,
        _ => Map::new(),
    };
    change(&mut part);
    of.insert(name.to_owned(), Value::Object(part));
}

/// Adds what is missing.
fn put(to: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value
        && to.get(name).is_none_or(Value::is_null)
    {
        to.insert(name.to_owned(), value);
    }
}

/// Returns a time that much later, in full seconds.
fn after(start: &str, duration: Option<&str>) -> Option<String> {
    let length = super::whole(Some(seconds(duration?)?));
    let end = unix(start)?.checked_add(length)?;
    DateTime::from_timestamp(end, 0)?;
    super::time(end).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_result_is_passed_on_as_it_is() {
        let result = json!({
            "id": "x",
            "schedule": {"start": "2025-03-01T12:00:00Z", "duration": "PT14S"},
            "test": {"type": "dns", "spec": {"_key": 1.50, "big": 9_007_199_254_740_993_i64}},
            "tool": {"name": "dnspy"},
            "run": {
                "start-time": "2025-03-01T12:00:01Z", "end-time": "2025-03-01T12:00:02Z",
                "added": "2025-03-01T08:00:00Z", "href": "https://h/r",
            },
            "task": {"href": "https://h/t", "detail": {"duration": "PT15S"}},
            "participants": ["192.0.2.1"],
            "result": {"succeeded": true, "record": ["a"]},
            "reference": {"a": 1},
        });
        let bare = complete(&result.to_string()).unwrap();
        assert_eq!(bare.document, result);
        assert_eq!(bare.document.to_string(), result.to_string());
        assert_eq!(bare.agent.as_deref(), Some("192.0.2.1"));
        assert_eq!((bare.kind.as_str(), bare.ts), ("dns", Some(1_740_830_401)));
        let envelope = json!({
            "data": {"_auth-token": "s3cret", "measurement-agent": "192.0.2.9"},
            "task-href": "https://other/t", "run-href": "https://other/r", "result": result,
        });
        let enveloped = complete(&envelope.to_string()).unwrap();
        assert_eq!(enveloped.document, result);
        assert_eq!(enveloped.agent.as_deref(), Some("192.0.2.9"));
    }

    #[test]
    fn what_perfsonar_5_needs_is_added_from_where_it_stands() {
        let envelope = json!({
            "data": {"_auth-token": "s3cret"},
            "task-href": "https://h/t", "run-href": "https://h/r",
            "result": {
                "schedule": {"start": "2025-03-01T12:00:00Z", "duration": "PT1M0.5S"},
                "test": {"type": "trace", "spec": {"source": "ps1.example.org"}},
                "tool": {"name": "traceroute"},
                "run": null,
                "task": {"reference": {"a": 1}},
                "result": null,
            },
        });
        let Complete {
            document, agent, ..
        } = complete(&envelope.to_string()).unwrap();
        assert_eq!(agent.as_deref(), Some("ps1.example.org"));
        assert_eq!(
            document["run"],
            json!({
                "start-time": "2025-03-01T12:00:00Z", "end-time": "2025-03-01T12:01:01Z",
                "added": "2025-03-01T12:00:00Z", "href": "https://h/r",
            })
        );
        assert_eq!(
            document["task"],
            json!({"reference": {"a": 1}, "href": "https://h/t", "detail": {"duration": "PT1M0.5S"}})
        );
        assert_eq!(document["reference"], json!({"a": 1}));
        assert_eq!(document["result"]["succeeded"], false);
        assert!(!document.to_string().contains("s3cret"));
    }

    #[test]
    fn what_would_be_dropped_or_do_harm_is_refused() {
        for (text, missing) in [
            ("[]", "no JSON object"),
            ("{}", "result"),
            (r#"{"test": {"spec": {}}}"#, "test type"),
            (
                r#"{"test": {"type": "rtt", "spec": {"a": 1}}}"#,
                "tool name",
            ),
            (
                r#"{"test": {"type": "rtt", "spec": {}}, "tool": {"name": "ping"}}"#,
                "specification",
            ),
            (
                r#"{"test": {"type": "rtt", "spec": {"a": 1}}, "tool": {"name": "ping"}}"#,
                "start time",
            ),
        ] {
            let error = complete(text).unwrap_err().to_string();
            assert!(error.contains(missing), "{text}: {error}");
        }
    }
}
