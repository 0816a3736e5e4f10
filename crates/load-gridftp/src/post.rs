//! Where measurements go: to an archive, or to whoever wants to see them first.

use std::cell::{Cell, RefCell};
use std::io::Write;

use anyhow::Context as _;
use esmond_ps_cli_common::loader::{Poster, Target, log};
use serde_json::{Map, Value};
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
    target: Target,
    lanes: [Mutex<()>; LANES],
    /// Whether it was said what such an archive does not show.
    told: Cell<bool>,
}

impl<'a> ToArchive<'a> {
    /// Posts with this poster, which goes to that kind of archive.
    #[must_use]
    pub fn new(poster: &'a Poster, target: Target) -> Self {
        Self {
            poster,
            target,
            lanes: [const { Mutex::const_new(()) }; LANES],
            told: Cell::new(false),
        }
    }

    fn tell_what_is_not_shown(&self, measurement: &Measurement) {
        if self.target == Target::Logstash && measurement.has_details() && !self.told.replace(true)
        {
            log::line(
                "main.warn",
                "perfSONAR 5 archives have no iostat, mpstat, rusage and streams-tcpinfo: they \
                 keep those of a transfer within its document and show them nowhere",
            );
        }
    }
}

impl Post for ToArchive<'_> {
    async fn post(&self, _: u64, measurement: &Measurement) -> Result<Stored, Failure> {
        let lane = measurement.metadata_hash() % LANES as u64;
        let lane = &self.lanes[usize::try_from(lane).unwrap_or_default()];
        let _turn = lane.lock().await;
        self.tell_what_is_not_shown(measurement);
        match self.poster.post(measurement).await {
            Ok(record) if record.was_there() => Ok(Stored::AlreadyThere),
            Ok(_) => Ok(Stored::New),
            Err(error) if error.is_about_record() => Err(Failure::Refused(error.into())),
            Err(error) => Err(Failure::Away(error.into())),
        }
    }

    fn keeps_twins(&self) -> bool {
        self.target == Target::Logstash
    }
}

/// Writes what would be posted, one JSON object for each record: `line`, and what goes to
/// that kind of archive, see [`Target::preview`].
pub struct DryRun<'a> {
    /// The kind of archive.
    pub target: Target,
    /// Where it is written.
    pub out: RefCell<&'a mut dyn Write>,
}

impl Post for DryRun<'_> {
    async fn post(&self, line: u64, measurement: &Measurement) -> Result<Stored, Failure> {
        self.write(line, measurement).map_err(Failure::Away)?;
        Ok(Stored::New)
    }

    fn keeps_twins(&self) -> bool {
        self.target == Target::Logstash
    }
}

impl DryRun<'_> {
    fn write(&self, line: u64, measurement: &Measurement) -> anyhow::Result<()> {
        let mut object = Map::from_iter([(String::from("line"), line.into())]);
        if let Value::Object(preview) = self.target.preview(measurement)? {
            object.extend(preview);
        }
        let mut text = Value::Object(object).to_string();
        text.push('\n');
        let mut out = self.out.borrow_mut();
        let written = out.write_all(text.as_bytes());
        written.context("cannot write the records")
    }
}

impl std::fmt::Debug for DryRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DryRun")
    }
}
