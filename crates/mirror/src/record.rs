//! Metadata records as an archive answers them, and as they are stored.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use esmond_ps_model::registry::FieldKind;
use esmond_ps_model::{Metadata, Registry, Summary, SummaryType};
use esmond_ps_store::text::stored;
use esmond_ps_store::{NewRecord, Record};
use sha2::{Digest, Sha256};

use crate::text;

/// Parameter that tells apart two remote records that show the same metadata.
const REMOTE_KEY: &str = "mirrored-metadata-key";

/// A remote record, to be stored.
#[derive(Debug)]
pub(crate) struct RemoteRecord {
    /// The record.
    pub(crate) new: NewRecord,
    /// Times of the last write of its event types.
    pub(crate) updated: BTreeMap<String, i64>,
    /// What of the record is not understood, and so not stored.
    pub(crate) notes: Vec<String>,
}

/// Reads a remote record.
pub(crate) fn read(metadata: &Metadata, registry: &Registry) -> RemoteRecord {
    let mut new = NewRecord {
        subject_type: metadata.subject_type.clone(),
        ..NewRecord::default()
    };
    for (name, value) in &metadata.properties {
        // Null says nothing.
        if value.is_null() {
            continue;
        }
        let text = stored(value);
        match registry.subject_field(name) {
            Some(field) if field.kind == FieldKind::Address => {
                new.subject.insert(name.clone(), address(text));
            }
            Some(_) => {
                new.subject.insert(name.clone(), text);
            }
            None => {
                new.parameters.insert(name.clone(), text);
            }
        }
    }
    let has_destination = new.subject.contains_key("destination");
    // perfSONAR 5 archives show a test whose names have no address as one of a
    // single host; other archives are held to the same.
    if new.subject_type == "point-to-point" && !has_destination {
        "network-element".clone_into(&mut new.subject_type);
    }
    let mut notes = Vec::new();
    let mut updated = BTreeMap::new();
    for entry in &metadata.event_types {
        let summaries = new.event_types.entry(entry.event_type.clone()).or_default();
        if let Some(time) = entry.time_updated {
            updated.insert(entry.event_type.clone(), time);
        }
        for listed in &entry.summaries {
            match summary(&listed.summary_type, listed.summary_window) {
                Ok(summary) => summaries.extend(summary),
                Err(()) => notes.push(format!(
                    "summaries of type {} of {} s are not copied",
                    text::shown(&listed.summary_type),
                    listed.summary_window
                )),
            }
        }
    }
    RemoteRecord {
        new,
        updated,
        notes,
    }
}

/// Reads a summary; none for the points themselves.
fn summary(name: &str, window: i64) -> Result<Option<Summary>, ()> {
    let summary_type = SummaryType::from_name(name).ok_or(())?;
    match summary_type {
        SummaryType::Base => Ok(None),
        _ if window < 0 => Err(()),
        _ => Ok(Some(Summary {
            summary_type,
            window,
        })),
    }
}

fn address(text: String) -> String {
    match text.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => text,
    }
}

/// Returns the key under which a remote record is stored: its own, or of longer
/// ones the first 32 digits, which are still a checksum.
pub(crate) fn key(remote: &str) -> String {
    let digits = remote.bytes().take_while(u8::is_ascii_hexdigit).count();
    if digits == remote.len() && digits >= 32 {
        return remote[..32].to_ascii_lowercase();
    }
    let digest = Sha256::digest(remote.as_bytes());
    digest[..16].iter().map(|b| format!("{b:02x}")).collect()
}

impl RemoteRecord {
    /// Tells whether a record that has the key here is the same test. A
    /// `changing` record is known by its key: the rest is that of its newest
    /// run.
    pub(crate) fn is(&self, here: &Record, changing: bool) -> bool {
        if changing {
            return self.new.subject.get("tool-name") == here.subject.get("tool-name");
        }
        same(&self.new.subject, &here.subject) && same(&self.new.parameters, &here.parameters)
    }

    /// Tells whether a record says all that the copy says.
    pub(crate) fn adds_nothing(&self, here: &Record, with_times: bool) -> bool {
        self.new.event_types.keys().all(|name| {
            let updated = self.updated.get(name).copied().filter(|_| with_times);
            here.event_type(name)
                .is_some_and(|entry| updated <= entry.time_updated)
        })
    }

    /// Makes the record another one than those that show the same.
    pub(crate) fn distinguish(&mut self, remote: &str) {
        let parameters = &mut self.new.parameters;
        parameters.insert(REMOTE_KEY.to_owned(), remote.to_owned());
    }

    /// Returns the record under a key, with the identity of the one that is
    /// there.
    pub(crate) fn under(&self, key: &str, here: Option<&Record>, with_times: bool) -> Record {
        let mut record = self.new.clone().under(key);
        if let Some(here) = here {
            record.identity = here.identity;
        }
        if with_times {
            for entry in &mut record.event_types {
                entry.time_updated = self.updated.get(&entry.name).copied();
            }
        }
        record
    }
}

/// Compares texts as archives do when they look for an equal record. Parameters
/// are shown with dashes, whatever they were posted with.
fn same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let plain = |texts: &BTreeMap<String, String>| -> BTreeSet<(String, String)> {
        let texts = texts.iter().filter(|(name, _)| *name != REMOTE_KEY);
        texts
            .map(|(name, value)| (name.replace('_', "-"), value.to_lowercase()))
            .collect()
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn copy(record: &serde_json::Value) -> RemoteRecord {
        let metadata: Metadata = serde_json::from_value(record.clone()).unwrap();
        read(&metadata, &Registry::standard())
    }

    #[test]
    fn a_record_becomes_what_was_posted() {
        let copy = copy(&json!({
            "url": "http://x/", "uri": "/a/", "metadata-count-total": 5,
            "metadata-key": "0a", "subject-type": "point-to-point",
            "source": "10.1.1.1", "destination": "2001:DB8:0::1",
            "measurement-agent": "::ffff:10.1.1.1", "tool-name": "pscheduler/iperf3",
            "input-source": "A", "input-destination": "B", "time-duration": 14.0,
            "mode-flip": true, "sample-size": 600, "nothing": null, "ip-tos": "0",
            "event-types": [
                {"event-type": "throughput", "base-uri": "/b", "time-updated": 5, "summaries": [
                    {"summary-type": "average", "summary-window": "86400", "uri": "/s"},
                    {"summary-type": "median\n", "summary-window": 60, "uri": "/s"},
                    {"summary-type": "average", "summary-window": -1, "uri": "/s"}]},
                {"event-type": "failures", "base-uri": "/b", "time-updated": null},
            ],
        }));
        assert_eq!(copy.new.subject["destination"], "2001:db8::1");
        assert_eq!(copy.new.subject["measurement-agent"], "10.1.1.1");
        assert_eq!(copy.new.subject["input-source"], "A");
        let parameters: Vec<_> = copy.new.parameters.iter().collect();
        let expected = [
            ("ip-tos", "0"),
            ("mode-flip", "True"),
            ("sample-size", "600"),
            ("time-duration", "14.0"),
        ];
        assert!(
            parameters
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .eq(expected)
        );
        assert_eq!(copy.new.event_types["throughput"].len(), 1);
        assert_eq!(copy.notes.len(), 2);
        assert!(!copy.notes[0].contains('\n'));
        let record = copy.under("0a", None, true);
        assert_eq!(record.identity, copy.new.identity());
        assert_eq!(
            record.event_type("throughput").unwrap().time_updated,
            Some(5)
        );
        assert_eq!(record.event_type("failures").unwrap().time_updated, None);
    }

    #[test]
    fn a_test_without_destination_is_one_of_a_single_host() {
        let copy = copy(
            &json!({"metadata-key": "0a", "subject-type": "point-to-point",
            "source": "10.1.1.1", "destination": null, "event-types": []}),
        );
        assert_eq!(copy.new.subject_type, "network-element");
        assert!(!copy.new.subject.contains_key("destination"));
    }

    #[test]
    fn keys_have_32_digits_and_stay_the_same() {
        let classic = "0123456789abcdef0123456789abcdef";
        assert_eq!(key(classic), classic);
        assert_eq!(key(&classic.to_uppercase()), classic);
        let checksum = format!("{classic}{}", "f".repeat(32));
        assert_eq!(key(&checksum), classic);
        for odd in ["", "x", "é", "../../etc/passwd", &"z".repeat(64)] {
            let made = key(odd);
            assert_eq!(made.len(), 32, "{odd}");
            assert!(made.bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(made, key(odd));
        }
    }

    #[test]
    fn a_record_is_known_by_what_it_says() {
        let remote = json!({"metadata-key": "0a", "subject-type": "network-element",
            "tool-name": "t", "source": "10.1.1.1", "bw-x": 5, "event-types": []});
        let one = copy(&remote);
        let mut here = one.under("0a", None, false);
        assert!(one.is(&here, false));
        here.parameters = [("bw_x".to_owned(), "5".to_owned())].into();
        assert!(one.is(&here, false));
        here.parameters.insert("other".to_owned(), "x".to_owned());
        assert!(!one.is(&here, false));
        assert!(one.is(&here, true));
    }

    #[test]
    fn a_record_that_says_all_is_not_written_again() {
        let remote = |updated: i64, name: &str| {
            copy(
                &json!({"metadata-key": "0a", "subject-type": "network-element",
                "event-types": [{"event-type": name, "base-uri": "/b", "time-updated": updated}]}),
            )
        };
        let here = remote(5, "throughput").under("0a", None, true);
        assert!(remote(5, "throughput").adds_nothing(&here, true));
        assert!(remote(4, "throughput").adds_nothing(&here, true));
        assert!(!remote(6, "throughput").adds_nothing(&here, true));
        assert!(remote(6, "throughput").adds_nothing(&here, false));
        assert!(!remote(1, "failures").adds_nothing(&here, false));
    }
}
