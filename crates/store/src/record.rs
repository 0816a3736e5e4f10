//! Metadata records, and what identifies them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use esmond_ps_model::Summary;
use sha2::{Digest, Sha256};

/// A metadata record as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Key: 32 lower-case hexadecimal digits.
    pub key: String,
    /// What makes it the same as another; event types that were added later
    /// are not part of it.
    pub identity: Identity,
    /// Unix seconds when it was stored first, by the archive's clock; `None`
    /// when that is unknown.
    pub created: Option<i64>,
    /// Kind of subject.
    pub subject_type: String,
    /// Fields of the subject by their name with dashes.
    pub subject: BTreeMap<String, String>,
    /// Free-form parameters by the name under which they were posted.
    pub parameters: BTreeMap<String, String>,
    /// Event types, sorted by name.
    pub event_types: Vec<EventTypeRecord>,
}

/// An event type of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeRecord {
    /// Name.
    pub name: String,
    /// Unix seconds of the last write, by the archive's clock; `None` before
    /// the first. It holds for the base series and all summaries together.
    pub time_updated: Option<i64>,
    /// Unix seconds until which base points were removed: summaries of windows
    /// that start until then cannot be computed from base points any more.
    /// `None` when none was removed.
    pub removed_until: Option<i64>,
    /// Summaries, sorted by type and window.
    pub summaries: Vec<Summary>,
}

impl Record {
    /// Returns the event type of that name.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&EventTypeRecord> {
        self.event_types.iter().find(|entry| entry.name == name)
    }
}

/// A record to be stored: checked, with canonical addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    /// Kind of subject.
    pub subject_type: String,
    /// Fields of the subject by their name with dashes.
    pub subject: BTreeMap<String, String>,
    /// Free-form parameters by the name under which they were posted.
    pub parameters: BTreeMap<String, String>,
    /// Event types with their summaries.
    pub event_types: BTreeMap<String, BTreeSet<Summary>>,
}

/// What makes two records the same: a SHA-256 digest.
pub type Identity = [u8; 32];

impl NewRecord {
    /// Returns the identity of the record. Letter case, the order of fields
    /// and event types, and number against text do not matter; another set of
    /// event types or summaries makes another record.
    ///
    /// The digest is that of the original archive, so that records keep their
    /// identity when an archive is moved.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Sha256::digest(self.identity_text().as_bytes()).into()
    }

    /// Returns the record under a key, as if it was stored at an unknown time
    /// and never written to.
    #[must_use]
    pub fn under(self, key: &str) -> Record {
        Record {
            key: key.to_owned(),
            identity: self.identity(),
            created: None,
            subject_type: self.subject_type,
            subject: self.subject,
            parameters: self.parameters,
            event_types: self
                .event_types
                .into_iter()
                .map(|(name, summaries)| EventTypeRecord {
                    name,
                    time_updated: None,
                    removed_until: None,
                    summaries: summaries.into_iter().collect(),
                })
                .collect(),
        }
    }

    fn identity_text(&self) -> String {
        let mut text = format!("subject-type::{}", self.subject_type.to_lowercase());
        // Subject fields are sorted by their spelling with underscores, which
        // differs from the order of the dashed names.
        let subject: BTreeMap<String, &String> = self
            .subject
            .iter()
            .map(|(name, value)| (name.replace('-', "_"), value))
            .collect();
        for (name, value) in subject {
            append(&mut text, &name, &value.to_lowercase());
        }
        for (name, value) in &self.parameters {
            append(&mut text, name, &value.to_lowercase());
        }
        for (name, summaries) in &self.event_types {
            let mut rows: Vec<(&str, i64)> = vec![("base", 0)];
            rows.extend(
                summaries
                    .iter()
                    .map(|summary| (summary.summary_type.name(), summary.window)),
            );
            rows.sort_unstable();
            for (summary_type, window) in rows {
                append(&mut text, name, &format!("{summary_type}::{window}"));
            }
        }
        text
    }
}

fn append(text: &mut String, name: &str, value: &str) {
    write!(text, ",{name}::{value}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use esmond_ps_model::SummaryType;

    #[test]
    fn the_identity_is_that_of_the_original_archive() {
        let texts = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let record = NewRecord {
            subject_type: "point-to-point".to_owned(),
            subject: texts(&[
                ("source", "10.1.1.1"),
                ("destination", "10.1.1.2"),
                ("measurement-agent", "10.1.1.1"),
                ("tool-name", "bwctl/iperf3"),
                ("input-source", "h1"),
                ("input-destination", "H2"),
            ]),
            parameters: texts(&[("time-duration", "30")]),
            event_types: BTreeMap::from([(
                "throughput".to_owned(),
                BTreeSet::from([Summary {
                    summary_type: SummaryType::Aggregation,
                    window: 3600,
                }]),
            )]),
        };
        assert!(
            record.identity_text().ends_with(
                ",tool_name::bwctl/iperf3,time-duration::30,throughput::aggregation::3600,throughput::base::0"
            ),
            "{}",
            record.identity_text()
        );
        let hex: String = record
            .identity()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "df0d7fb987ab8f97a429b361a3723dfda8e77e9f3c6fd3349d65bff04984315b"
        );
    }
}
