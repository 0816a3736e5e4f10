//! Reading the document of a run.

use serde_json::{Map, Value};

use super::{Run, text, url_host};
use crate::pscheduler::{Summaries, object, time};
use crate::{Error, Result};

impl Run {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] when it is no JSON object, [`Error::Missing`] when it does not say
    /// of what type the test is and when it ran.
    pub fn parse(document: &str) -> Result<Self> {
        Self::from_object(serde_json::from_str(document)?)
    }

    /// Reads a document that is parsed already.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when it does not say of what type the test is and when it ran.
    pub fn from_object(mut whole: Map<String, Value>) -> Result<Self> {
        let enveloped = !whole.contains_key("test");
        let (run, data) = if enveloped {
            let run = whole.shift_remove("result").unwrap_or_default();
            let data = whole.shift_remove("data").unwrap_or_default();
            let Value::Object(run) = run else {
                return Err(Error::Missing("result"));
            };
            (run, data)
        } else {
            (std::mem::take(&mut whole), Value::Null)
        };
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        let missing = Error::Missing;
        let test = object(&run, "test").ok_or(missing("test"))?;
        let empty = Map::new();
        let part = |of: &'_ Map<String, Value>, name| object(of, name).unwrap_or(&empty).clone();
        let (schedule, times) = (part(&run, "schedule"), part(&run, "run"));
        let task = part(&run, "task");
        let detail = part(&task, "detail");
        let spec = part(test, "spec");
        let lead = [&run, &times, &detail]
            .into_iter()
            .find_map(|of| of.get("participants")?.get(0)?.as_str())
            .map(ToOwned::to_owned)
            .or_else(|| text(&spec, "source"));
        let task_href = text(&whole, "task-href")
            .or_else(|| text(&times, "task-href"))
            .or_else(|| text(&task, "href"));
        let agent = text(&data, "measurement-agent");
        // The archiver for esmond does not look at the task.
        let task_host = task_href.as_deref().filter(|_| !enveloped);
        let agents = [agent.clone(), task_host.and_then(url_host), lead.clone()];
        let times_of = |of: &Map<String, Value>, name| time::unix(&text(of, name)?);
        let start = times_of(&schedule, "start").or_else(|| times_of(&times, "start-time"));
        let reference = [run.get("reference"), task.get("reference")];
        let tool = run.get("tool").and_then(|tool| tool.get("name"));
        let mut notes = Vec::new();
        let own_summaries = Summaries::of_envelope(&data, &mut notes);
        Ok(Self {
            href: text(&whole, "run-href").or_else(|| text(&times, "href")),
            id: text(&run, "id").filter(|id| !id.is_empty()),
            task_href,
            lead,
            agent,
            agents: agents.into_iter().flatten().collect(),
            kind: text(test, "type").ok_or(missing("test type"))?,
            spec,
            tool: tool
                .or_else(|| task.get("tool"))
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(ToOwned::to_owned),
            start: start.ok_or(missing("start time"))?,
            duration: duration(&schedule, &detail, &times),
            reference: reference
                .into_iter()
                .flatten()
                .find(|one| !one.is_null())
                .cloned(),
            result: run.get("result").cloned().unwrap_or_default(),
            own_summaries: own_summaries.is_some(),
            summaries: own_summaries.unwrap_or_default(),
            notes,
            data,
        })
    }
}

/// Returns for how long the run had the hosts for itself, in seconds.
fn duration(
    schedule: &Map<String, Value>,
    detail: &Map<String, Value>,
    times: &Map<String, Value>,
) -> Option<f64> {
    [schedule, detail, times]
        .into_iter()
        .find_map(|of| time::seconds(of.get("duration")?.as_str()?))
        .or_else(|| {
            let time = |name| time::unix(times.get(name)?.as_str()?);
            let seconds = time("end-time")?.checked_sub(time("start-time")?)?;
            i32::try_from(seconds).ok().map(f64::from)
        })
}
