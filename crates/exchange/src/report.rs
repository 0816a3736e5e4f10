//! What was found, stored, and left as it was.
//!
//! Both serialise to objects with dashed names, for scripts.

use std::fmt;

use serde::Serialize;

/// How much is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Totals {
    /// Metadata records.
    pub records: u64,
    /// Base points.
    pub points: u64,
    /// Summary buckets of windows greater than 0.
    pub buckets: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            records,
            points,
            buckets,
        } = self;
        write!(
            f,
            "{records} metadata records, {points} points, {buckets} summary buckets"
        )
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Whether the file was read to its end; false when it was told to stop.
    pub complete: bool,
    /// What was read of the file and stored, refused, or found there.
    pub read: Totals,
    /// Metadata records that are new.
    pub records_new: u64,
    /// Points that are new. While others write to the same series these may be
    /// among those.
    pub points_new: u64,
    /// Points that were there already.
    pub points_there: u64,
    /// Points where a different value is stored; that one stayed.
    pub points_conflicting: u64,
    /// Buckets that are new.
    pub buckets_new: u64,
    /// Buckets that were there already.
    pub buckets_there: u64,
    /// Buckets that took the place of one that counted less.
    pub buckets_replaced: u64,
    /// Buckets that were not stored, since another one is there that counts as
    /// much, or more.
    pub buckets_kept: u64,
    /// Stored buckets that were made anew since all stored points together
    /// count more.
    pub buckets_rebuilt: u64,
    /// The first conflicts, [`Report::LISTED`] at most.
    pub conflicts: Vec<PointName>,
    /// How often something of the file was refused.
    pub refused: u64,
    /// The first of what was refused, [`Report::LISTED`] at most.
    pub refusals: Vec<Refused>,
}

/// Names a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PointName {
    /// Key of the record in the store.
    pub metadata_key: String,
    /// Name of the event type.
    pub event_type: String,
    /// Unix time in seconds.
    pub ts: i64,
}

/// Something of a file that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refused {
    /// Key of the record in the file.
    pub metadata_key: String,
    /// Name of the event type; `None` for the whole record.
    pub event_type: Option<String>,
    /// Why.
    pub reason: String,
}

impl Report {
    /// How many conflicts and refusals are listed; all of them are counted.
    pub const LISTED: usize = 100;

    /// Tells whether everything of the file is in the store now.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.complete && self.points_conflicting == 0 && self.refused == 0
    }

    pub(crate) fn add_conflict(&mut self, conflict: PointName) {
        self.points_conflicting += 1;
        if self.conflicts.len() < Self::LISTED {
            self.conflicts.push(conflict);
        }
    }

    pub(crate) fn add_refusal(&mut self, refused: Refused) {
        self.refused += 1;
        if self.refusals.len() < Self::LISTED {
            self.refusals.push(refused);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            records_new,
            points_new,
            points_there,
            points_conflicting,
            refused,
            ..
        } = self;
        write!(
            f,
            "{records_new} new metadata records and {points_new} new points stored; \
             {points_there} points were there, {points_conflicting} differ, {refused} refusals"
        )
    }
}

impl fmt::Display for PointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metadata_key, self.event_type, self.ts)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.event_type {
            Some(event_type) => write!(f, "{} {event_type}: {}", self.metadata_key, self.reason),
            None => write!(f, "{}: {}", self.metadata_key, self.reason),
        }
    }
}
