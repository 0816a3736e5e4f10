//! Where measurements go: to an archive, or to whoever wants to see them first.

use std::cell::RefCell;
use std::io::Write;

use anyhow::Context as _;
use esmond_ps_cli_common::loader::Poster;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::load::{Failure, Post, Stored};
use crate::measurement::Measurement;

/// How many records of different metadata may be on their way at once, at most.
const LANES: usize = 256;

/// Posts to an archive. Records of the same metadata go one after the other, in order:
/// of two values for one second the first is to be kept, and an archive should not be
/// asked twice at once to make the same record.
#[derive(Debug)]
pub struct ToArchive<'a> {
    poster: &'a Poster,
    lanes: [Mutex<()>; LANES],
}

impl<'a> ToArchive<'a> {
    /// Posts with this poster.
    #[must_use]
    pub fn new(poster: &'a Poster) -> Self {
        let lanes = [const { Mutex::const_new(()) }; LANES];
        Self { poster, lanes }
    }
}

impl Post for ToArchive<'_> {
    async fn post(&self, _: u64, measurement: &Measurement) -> Result<Stored, Failure> {
        let lane = measurement.metadata_hash() % LANES as u64;
        let lane = &self.lanes[usize::try_from(lane).unwrap_or_default()];
        let _turn = lane.lock().await;
        let metadata = measurement.metadata();
        match self.poster.post(&metadata, &measurement.values).await {
            Ok(record) if record.was_there() => Ok(Stored::AlreadyThere),
            Ok(_) => Ok(Stored::New),
            Err(error) if error.is_about_record() => Err(Failure::Refused(error.into())),
            Err(error) => Err(Failure::Away(error.into())),
        }
    }
}

/// Writes what would be posted, one JSON object for each record: `line`, the
/// `metadata`, and the `data` as a bulk PUT has it.
pub struct DryRun<'a>(pub RefCell<&'a mut dyn Write>);

impl Post for DryRun<'_> {
    async fn post(&self, line: u64, measurement: &Measurement) -> Result<Stored, Failure> {
        self.write(line, measurement).map_err(Failure::Away)?;
        Ok(Stored::New)
    }
}

impl DryRun<'_> {
    fn write(&self, line: u64, measurement: &Measurement) -> anyhow::Result<()> {
        let points: Vec<Value> = measurement
            .values
            .iter()
            .map(|(event_type, _, value)| json!({"event-type": event_type, "val": value}))
            .collect();
        let data = if points.is_empty() {
            json!([])
        } else {
            json!([{"ts": measurement.ts, "val": points}])
        };
        let object = Map::from_iter([
            (String::from("line"), line.into()),
            (String::from("metadata"), measurement.metadata().to_json()?),
            (String::from("data"), data),
        ]);
        let mut out = self.0.borrow_mut();
        writeln!(out, "{}", Value::Object(object)).context("cannot write the records")
    }
}

impl std::fmt::Debug for DryRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DryRun")
    }
}
