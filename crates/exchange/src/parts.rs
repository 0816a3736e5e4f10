//! Reading a file part by part: what is returned is verified.

use std::borrow::Cow;
use std::io::Read;

use esmond_ps_store::Record;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::data::{Data, Items};
use crate::error::{damaged, json_reason};
use crate::format::{
    self, BUCKETS, END, End, FORMAT, HEADER, Header, PART_BYTES, POINTS, RECORD, RECORD_END,
    RecordEnd, RecordLine, VERSION,
};
use crate::lines::Lines;
use crate::{Error, Limits, Result, Totals};

/// A record, or a part of one, whose counts and digest are right.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) record: Record,
    /// Whether it goes on where the part before ended.
    pub(crate) continued: bool,
    pub(crate) data: Vec<Data>,
}

/// The parts of a file.
pub(crate) struct Parts<R> {
    lines: Lines<R>,
    line: String,
    header: Header,
    /// Digest of all lines that were used.
    digest: Sha256,
    totals: Totals,
    /// The record of the part before.
    last: Option<Record>,
    /// Event type, window and time of the last data of that record.
    place: Option<(String, i64, i64)>,
    ended: bool,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Format<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

impl<R: Read> Parts<R> {
    /// Reads the first line.
    pub(crate) fn new(stream: R, limits: Limits) -> Result<Self> {
        let mut lines = Lines::new(stream, limits);
        let mut line = String::new();
        if !lines.read(&mut line)? {
            return Err(Error::OtherFile("it is empty"));
        }
        let header = header(&line)?;
        Ok(Self {
            lines,
            digest: Sha256::new_with_prefix(&line),
            line,
            header,
            totals: Totals::default(),
            last: None,
            place: None,
            ended: false,
        })
    }

    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns what the parts returned until now hold.
    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }

    /// Reads the next part; `None` after the last one, when the file is
    /// complete.
    pub(crate) fn next(&mut self) -> Result<Option<Part>> {
        if self.ended {
            return Ok(None);
        }
        match self.read()? {
            RECORD => self.part().map(Some),
            END => self.end().map(|()| None),
            _ => Err(self.damaged("it belongs to no record")),
        }
    }

    fn part(&mut self) -> Result<Part> {
        let line: RecordLine = self.members()?;
        let continued = line.continued;
        let record = line.record().map_err(|reason| self.damaged(reason))?;
        self.check_record(&record, continued)?;
        self.digest.update(&self.line);
        let mut digest = Sha256::new_with_prefix(&self.line);
        let mut data = Vec::new();
        let (mut points, mut buckets, mut bytes) = (0, 0, 0);
        loop {
            let line = match self.read()? {
                POINTS => Data::points(&self.line),
                BUCKETS => Data::buckets(&self.line),
                RECORD_END => break,
                _ => return Err(self.damaged("the record has not ended")),
            };
            let line = line.map_err(|reason| self.damaged(&reason))?;
            self.check_data(&record, &line)?;
            match &line.items {
                Items::Points(items) => points += items.len() as u64,
                Items::Buckets { buckets: items, .. } => buckets += items.len() as u64,
            }
            data.push(line);
            bytes += self.line.len();
            if data.len() > 1 && bytes > PART_BYTES {
                return Err(self.damaged("the part of the record is too long"));
            }
            digest.update(&self.line);
            self.digest.update(&self.line);
        }
        let end: RecordEnd = self.members()?;
        if end.metadata_key != record.key || (end.points, end.buckets) != (points, buckets) {
            return Err(self.damaged("the record does not have these counts"));
        }
        if end.sha256 != format::hex(&digest.finalize()) {
            return Err(self.damaged("the record does not have this SHA-256"));
        }
        self.digest.update(&self.line);
        self.totals.records += u64::from(!continued);
        self.totals.points += points;
        self.totals.buckets += buckets;
        self.last = Some(record.clone());
        Ok(Part {
            record,
            continued,
            data,
        })
    }

    /// Checks that records come in order, each once, and go on as they began.
    fn check_record(&mut self, record: &Record, continued: bool) -> Result<()> {
        match &self.last {
            last if continued => {
                if last.as_ref() != Some(record) {
                    return Err(self.damaged("it continues another record than the one before"));
                }
            }
            Some(last) if last.key >= record.key => {
                return Err(self.damaged("the records are not in order"));
            }
            _ => self.place = None,
        }
        Ok(())
    }

    /// Checks that data come in order, each once, and belong to the record.
    fn check_data(&mut self, record: &Record, data: &Data) -> Result<()> {
        if record.event_type(&data.event_type).is_none() {
            return Err(self.damaged("the record does not have this event type"));
        }
        let Some((window, first, last)) = data.place() else {
            return Ok(());
        };
        let at = |time| (data.event_type.clone(), window, time);
        if self.place.as_ref().is_some_and(|place| *place >= at(first)) {
            return Err(self.damaged("the data are not in order"));
        }
        self.place = Some(at(last));
        Ok(())
    }

    /// Checks the last line, and that nothing follows.
    fn end(&mut self) -> Result<()> {
        let end: End = self.members()?;
        let counted = Totals {
            records: end.records,
            points: end.points,
            buckets: end.buckets,
        };
        if counted != self.totals {
            return Err(self.damaged("the file does not have these counts"));
        }
        if end.sha256 != format::hex(&self.digest.clone().finalize()) {
            return Err(self.damaged("the file does not have this SHA-256"));
        }
        // Also makes gzip check its own digest.
        if self.lines.read(&mut self.line)? {
            return Err(self.damaged("something follows the last line"));
        }
        self.ended = true;
        Ok(())
    }

    /// Reads the next line and returns its type.
    fn read(&mut self) -> Result<&'static str> {
        if !self.lines.read(&mut self.line)? {
            let line = self.lines.number();
            return Err(Error::CutOff { line });
        }
        let typed: Typed<'_> =
            serde_json::from_str(&self.line).map_err(|error| self.damaged(&json_reason(&error)))?;
        [RECORD, POINTS, BUCKETS, RECORD_END, END]
            .into_iter()
            .find(|kind| *kind == typed.kind)
            .ok_or_else(|| self.damaged(&format!("it is of the unknown type {}", typed.kind)))
    }

    fn members<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.line).map_err(|error| self.damaged(&json_reason(&error)))
    }

    fn damaged(&self, reason: &str) -> Error {
        damaged(self.lines.number(), reason)
    }
}

/// Reads the first line. A newer version may have any other members.
fn header(line: &str) -> Result<Header> {
    let other_file = || Error::OtherFile("its first line is no header");
    let typed: Typed<'_> = serde_json::from_str(line).map_err(|_| other_file())?;
    let format: Format<'_> = serde_json::from_str(line).map_err(|_| other_file())?;
    if typed.kind != HEADER || format.format != FORMAT {
        return Err(other_file());
    }
    if format.version > VERSION {
        return Err(Error::NewerVersion {
            found: format.version,
            known: VERSION,
        });
    }
    serde_json::from_str(line).map_err(|error| damaged(1, &json_reason(&error)))
}
