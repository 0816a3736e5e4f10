//! The two kinds of archives that answer.

use std::fmt;

use esmond_ps_model::Metadata;

/// Which kind of archive a record comes from. They answer the same questions,
/// but not in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// An esmond archive (and its successors): answers are complete up to
    /// the limit asked for, one point a second, summaries stored.
    Classic,
    /// A perfSONAR 5 archive (Elmond): answers leave out runs without a value
    /// after applying the limit, several points can share a second, summaries
    /// are computed when asked for, nothing can be written.
    PerfSonar5,
}

impl Dialect {
    /// Tells the kind by a record: perfSONAR 5 keys are checksums of 64 hex
    /// digits, and all its series end in `/base/0`.
    #[must_use]
    pub fn of(record: &Metadata) -> Self {
        let key = &record.metadata_key;
        let is_checksum = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let has_windows = !record.event_types.is_empty()
            && record
                .event_types
                .iter()
                .all(|event_type| event_type.base_uri.ends_with("/base/0"));
        if is_checksum || has_windows {
            Self::PerfSonar5
        } else {
            Self::Classic
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic esmond",
            Self::PerfSonar5 => "perfSONAR 5 (Elmond)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dialect(key: &str, base_uri: &str) -> Dialect {
        let record = json!({
            "metadata-key": key,
            "event-types": [{"event-type": "throughput", "base-uri": base_uri}],
        });
        Dialect::of(&serde_json::from_value(record).unwrap())
    }

    #[test]
    fn the_kind_shows_in_key_and_address() {
        let checksum = "ab".repeat(32);
        assert_eq!(dialect("0a", "/a/0a/throughput/base"), Dialect::Classic);
        assert_eq!(
            dialect("0a", "/a/0a/throughput/base/0"),
            Dialect::PerfSonar5
        );
        assert_eq!(dialect(&checksum, "/x/base"), Dialect::PerfSonar5);
        assert_eq!(dialect(&"zz".repeat(32), "/x/base"), Dialect::Classic);
    }

    #[test]
    fn a_record_without_event_types_is_told_by_its_key_alone() {
        let record = serde_json::from_value(json!({"metadata-key": "0a"})).unwrap();
        assert_eq!(Dialect::of(&record), Dialect::Classic);
    }
}
