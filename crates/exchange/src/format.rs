//! What a file looks like.
//!
//! Gzip of UTF-8 text, one JSON object a line, each with its kind in `type`:
//!
//! ```text
//! header                          format, version, created, program, filter
//!   record                        metadata of one record
//!     points | buckets …          data, at most 1000 a line
//!   record-end                    counts and SHA-256 of the lines since `record`
//!   record …
//! end                             counts and SHA-256 of all lines before
//! ```
//!
//! Records come in ascending order of their key. The data of a record come by
//! event type, its points in ascending order of ts before its buckets, and
//! those by window and start. A record with more data than fit in one part
//! ([`PART_BYTES`]) is several `record` … `record-end` in a row, with the same
//! metadata and `"continued": true` from the second on. So a reader that holds
//! one part can verify everything before it uses it.
//!
//! A digest is that of the bytes of whole lines, each with its newline.
//!
//! Within a version, members may be added to lines, and readers ignore those
//! that they do not know; a new kind of line or value makes a new version.
//!
//! `docs/moving.md` describes each member; [`Store`](esmond_ps_store::Store)
//! what they mean.

use std::collections::BTreeMap;

use esmond_ps_model::{Summary, SummaryType};
use esmond_ps_store::{EventTypeRecord, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Name of the format, in the first line.
pub const FORMAT: &str = "esmond-ps-export";

/// The version that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// How many points or buckets are in a line at most.
pub const LINE_ITEMS: usize = 1000;

/// Length from which a line is ended early, in bytes; it is longer by its last
/// point.
pub const LINE_BYTES: usize = 1 << 20;

/// How many bytes the data lines of one part have at most, unless it has only
/// one.
pub const PART_BYTES: usize = 4 << 20;

/// Deepest nesting of a document that is written as JSON.
pub(crate) const DEEPEST: usize = 100;

pub(crate) const HEADER: &str = "header";
pub(crate) const RECORD: &str = "record";
pub(crate) const POINTS: &str = "points";
pub(crate) const BUCKETS: &str = "buckets";
pub(crate) const RECORD_END: &str = "record-end";
pub(crate) const END: &str = "end";

/// What is read at most of a file that may be hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes, after decompression; this much is held in memory.
    /// Default 128 MiB, twice the largest request that an archive takes unless
    /// it is told otherwise.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 128 << 20 }
    }
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the format.
    pub version: u64,
    /// Unix seconds when the export began.
    pub created: i64,
    /// Name and version of the program that wrote the file.
    pub program: String,
    /// Which records were asked for; empty for all. For people: nothing is
    /// decided by it.
    #[serde(default)]
    pub filter: Map<String, Json>,
}

/// The metadata of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RecordLine {
    pub(crate) metadata_key: String,
    identity: String,
    created: Option<i64>,
    subject_type: String,
    subject: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
    event_types: Vec<EventTypeEntry>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) continued: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct EventTypeEntry {
    event_type: String,
    time_updated: Option<i64>,
    removed_until: Option<i64>,
    summaries: Vec<SummaryEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SummaryEntry {
    summary_type: String,
    summary_window: i64,
}

/// Closes a part of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RecordEnd {
    pub(crate) metadata_key: String,
    pub(crate) points: u64,
    pub(crate) buckets: u64,
    pub(crate) sha256: String,
}

/// Closes the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct End {
    pub(crate) records: u64,
    pub(crate) points: u64,
    pub(crate) buckets: u64,
    pub(crate) sha256: String,
}

/// Returns a line of a kind, with its newline.
pub(crate) fn line<T: Serialize>(kind: &str, members: &T) -> serde_json::Result<String> {
    let members = serde_json::to_string(members)?;
    let rest = members.strip_prefix('{').unwrap_or(&members);
    Ok(format!("{{\"type\":\"{kind}\",{rest}\n"))
}

/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if !is_hex(text, 64) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(digit)
}

impl RecordLine {
    pub(crate) fn new(record: &Record, continued: bool) -> Self {
        let event_types = record.event_types.iter().map(|entry| EventTypeEntry {
            event_type: entry.name.clone(),
            time_updated: entry.time_updated,
            removed_until: entry.removed_until,
            summaries: entry.summaries.iter().map(SummaryEntry::new).collect(),
        });
        Self {
            metadata_key: record.key.clone(),
            identity: hex(&record.identity),
            created: record.created,
            subject_type: record.subject_type.clone(),
            subject: record.subject.clone(),
            parameters: record.parameters.clone(),
            event_types: event_types.collect(),
            continued,
        }
    }

    /// Returns the record, or what is wrong with it.
    pub(crate) fn record(self) -> Result<Record, &'static str> {
        if !is_hex(&self.metadata_key, 32) {
            return Err("the metadata key is not 32 hexadecimal digits");
        }
        let identity = unhex(&self.identity).ok_or("the identity is not 64 hexadecimal digits")?;
        let mut event_types: Vec<EventTypeRecord> = Vec::new();
        for entry in self.event_types {
            check_name(&entry.event_type)?;
            if event_types
                .last()
                .is_some_and(|last| last.name >= entry.event_type)
            {
                return Err("the event types are not sorted");
            }
            let mut summaries = Vec::new();
            for summary in entry.summaries {
                summaries.push(summary.summary()?);
            }
            event_types.push(EventTypeRecord {
                name: entry.event_type,
                time_updated: entry.time_updated,
                removed_until: entry.removed_until,
                summaries,
            });
        }
        Ok(Record {
            key: self.metadata_key,
            identity,
            created: self.created,
            subject_type: self.subject_type,
            subject: self.subject,
            parameters: self.parameters,
            event_types,
        })
    }
}

impl SummaryEntry {
    fn new(summary: &Summary) -> Self {
        Self {
            summary_type: summary.summary_type.name().to_owned(),
            summary_window: summary.window,
        }
    }

    fn summary(&self) -> Result<Summary, &'static str> {
        match SummaryType::from_name(&self.summary_type) {
            None | Some(SummaryType::Base) => Err("a summary has an unknown type"),
            Some(_) if self.summary_window < 0 => Err("a summary has a window below 0"),
            Some(summary_type) => Ok(Summary {
                summary_type,
                window: self.summary_window,
            }),
        }
    }
}

/// Checks that a name can be part of an address.
pub(crate) fn check_name(event_type: &str) -> Result<(), &'static str> {
    let harmful = |character: char| character.is_control() || "/?#".contains(character);
    if event_type.is_empty() || event_type.contains(harmful) {
        Err("the name of an event type is none")
    } else {
        Ok(())
    }
}
