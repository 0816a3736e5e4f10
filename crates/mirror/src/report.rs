//! What a run did.

use std::collections::BTreeMap;
use std::fmt;

use esmond_ps_client::Dialect;
use serde::{Serialize, Serializer};

use crate::text;

/// How many failures, conflicts and values that do not fit are named; more are
/// only counted.
const NAMED: usize = 100;

/// What a run did. Its text is one line, without a full stop; as JSON it has
/// all fields, with dashes in their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Address of the remote archive.
    pub remote: String,
    /// Kind of the remote archive, as soon as it is known.
    #[serde(serialize_with = "dialect")]
    pub dialect: Option<Dialect>,
    /// Whether the run got to the end; false when it was told to stop, or could
    /// not go on.
    pub complete: bool,
    /// Tests that were found.
    pub tests: u64,
    /// Tests that were looked at, whether or not all their series could be read.
    pub tests_done: u64,
    /// Metadata records that are new here.
    pub records_new: u64,
    /// Points that were stored.
    pub points_stored: u64,
    /// Points that were there already.
    pub points_there: u64,
    /// Points that were not stored because another value is there.
    pub conflicts: u64,
    /// Values of integer event types that had a fraction, and were rounded.
    pub rounded: u64,
    /// Ratios of which only the quotient is known: stored as the simplest
    /// fraction with that quotient.
    pub guessed_ratios: u64,
    /// Values that say nothing, of what perfSONAR 5 archives list and do not
    /// hold, and nulls; not stored.
    pub blank: u64,
    /// Values that their event type cannot hold; not stored.
    pub unfit: u64,
    /// Summaries that were taken over, by windows.
    pub windows_taken: u64,
    /// Series and tests that could not be read; the next run tries again.
    pub failures: u64,
    /// The first of the conflicts.
    pub first_conflicts: Vec<Place>,
    /// The first of the values that their event type cannot hold.
    pub first_unfit: Vec<Place>,
    /// The first of the failures.
    pub first_failures: Vec<Failure>,
    /// What else is to be known, and how often it was met.
    pub notes: BTreeMap<String, u64>,
}

/// Where a point is. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// Key of the metadata record on the remote archive.
    pub metadata_key: String,
    /// Name of the event type.
    pub event_type: String,
    /// Unix seconds.
    pub ts: i64,
}

/// What could not be read. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// Key of the metadata record on the remote archive.
    pub metadata_key: String,
    /// Name of the event type; `None` when it was the record itself.
    pub event_type: Option<String>,
    /// Why, with all causes.
    pub reason: String,
}

impl Report {
    /// Tells whether everything that the remote archive answered is here now:
    /// the run was complete, nothing failed, nothing was left out because it did
    /// not fit or differs from what is here.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.complete && self.failures == 0 && self.unfit == 0 && self.conflicts == 0
    }

    pub(crate) fn add_failure(&mut self, key: &str, event_type: Option<&str>, reason: String) {
        self.failures += 1;
        if self.first_failures.len() < NAMED {
            self.first_failures.push(Failure {
                metadata_key: text::shown(key),
                event_type: event_type.map(text::shown),
                reason,
            });
        }
    }

    pub(crate) fn add_conflict(&mut self, place: Place) {
        self.conflicts += 1;
        if self.first_conflicts.len() < NAMED {
            self.first_conflicts.push(place);
        }
    }

    pub(crate) fn add_unfit(&mut self, place: Place) {
        self.unfit += 1;
        if self.first_unfit.len() < NAMED {
            self.first_unfit.push(place);
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        *self.notes.entry(text).or_default() += 1;
    }
}

/// One line: `2 of 2 tests: 10 points stored, 3 were there, 1 window taken over`,
/// and what there was besides.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {}: {} stored, {} were there, {} taken over",
            self.tests_done,
            plural(self.tests, "test"),
            plural(self.points_stored, "point"),
            self.points_there,
            plural(self.windows_taken, "window"),
        )?;
        for (count, what) in [
            (self.failures, "could not be read"),
            (self.conflicts, "in conflict"),
            (self.unfit, "unfit"),
            (self.blank, "blank"),
            (self.rounded, "rounded"),
            (self.guessed_ratios, "ratios known by quotient only"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if !self.complete {
            f.write_str(" (stopped before the end)")?;
        }
        Ok(())
    }
}

/// `KEY EVENT-TYPE at 1400000000`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            metadata_key,
            event_type,
            ts,
        } = self;
        write!(f, "{metadata_key} {event_type} at {ts}")
    }
}

/// `KEY EVENT-TYPE: reason`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metadata_key)?;
        if let Some(event_type) = &self.event_type {
            write!(f, " {event_type}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

fn plural(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn dialect<S: Serializer>(dialect: &Option<Dialect>, serializer: S) -> Result<S::Ok, S::Error> {
    match dialect {
        Some(dialect) => serializer.collect_str(dialect),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line() {
        let mut report = Report {
            tests: 2,
            tests_done: 1,
            points_stored: 10,
            points_there: 3,
            windows_taken: 1,
            rounded: 4,
            ..Report::default()
        };
        for ts in 0..150 {
            report.add_conflict(Place {
                metadata_key: "k".to_owned(),
                event_type: "throughput".to_owned(),
                ts,
            });
        }
        report.add_failure("k\n", Some("x"), "it broke".to_owned());
        assert_eq!(
            report.to_string(),
            "1 of 2 tests: 10 points stored, 3 were there, 1 window taken over, \
             1 could not be read, 150 in conflict, 4 rounded (stopped before the end)"
        );
        assert_eq!(report.first_conflicts.len(), 100);
        assert_eq!(report.first_conflicts[7].to_string(), "k throughput at 7");
        assert_eq!(
            report.first_failures[0].to_string(),
            "k\u{fffd} x: it broke"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["points-stored"], 10);
        assert_eq!(json["dialect"], serde_json::Value::Null);
        assert_eq!(json["first-failures"][0]["reason"], "it broke");
        assert!(!report.is_clean());
    }
}
