//! Results of pScheduler, and what an archive should make of them.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{TestArchive, http_client};

/// A result, as the `http` archiver of pScheduler sends it to a perfSONAR 5
/// archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Short name.
    pub name: String,
    /// Start of the run, in seconds.
    pub ts: i64,
    document: Value,
    /// Metadata of the test, without event types.
    pub metadata: Map<String, Value>,
    /// Values by event type, as an archive answers them. Throughput is a whole
    /// number there: the fraction is cut off, as it always was.
    pub values: Map<String, Value>,
}

/// Returns results of all types of tests, each with a start of its own.
///
/// # Panics
///
/// When the data are not as they should be.
#[must_use]
pub fn results() -> Vec<Sent> {
    let mut results: Vec<Sent> =
        serde_json::from_str(include_str!("data/pscheduler.json")).expect("results");
    for (hours, sent) in (0..).zip(&mut results) {
        sent.ts += 3600 * hours;
        let start = DateTime::from_timestamp(sent.ts, 0)
            .expect("a time")
            .to_rfc3339();
        sent.document["schedule"]["start"] = json!(start);
    }
    results
}

impl Sent {
    /// Sends it to an archive's Logstash address, and returns the status.
    ///
    /// # Panics
    ///
    /// When the archive does not answer.
    #[must_use]
    pub fn put(&self, archive: &TestArchive) -> u16 {
        let agent = &self.metadata["measurement-agent"];
        put(archive, agent.as_str().expect("an address"), &self.document)
    }
}

/// Sends a result to an archive's Logstash address, and returns the status.
///
/// # Panics
///
/// When the archive does not answer.
#[must_use]
pub fn put(archive: &TestArchive, observer: &str, document: &Value) -> u16 {
    let request = http_client()
        .put(format!("{}/logstash", archive.url))
        .basic_auth("tester", Some(&archive.key))
        .header("x-ps-observer", observer)
        .json(document);
    let answer = request.send().expect("the archive answers");
    answer.status().as_u16()
}
