//! What perfSONAR 5 archives list for a test, and do not hold.
//!
//! Faults of these archives, known by event type; and values that tell by
//! themselves that there is nothing in them.
//!
//! DIFFERENCE: the original programs print blanks for these, or nothing.

use std::fmt;

use esmond_ps_model::SummaryType;
use serde_json::Value;

use crate::Dialect;

/// Something that an archive lists, or that classic archives have, and that it
/// does not hold. Its text names it, such as `intervals of throughput`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Gap {
    /// What is missing.
    pub what: &'static str,
    /// How that shows.
    pub kind: GapKind,
}

/// How a [`Gap`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapKind {
    /// Asking for it is an error (400).
    Refused,
    /// There are no points.
    NoPoints,
    /// There are points, without anything in their values; sums are 0.
    EmptyValues,
    /// Values hold some of their parts only.
    SomeParts,
    /// The series is not listed at all.
    NotListed,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

/// An entry of the table.
struct Known {
    event_type: &'static str,
    summary_type: SummaryType,
    /// Of tests of this type only (`pscheduler-test-type`).
    test_type: Option<&'static str>,
    gap: Gap,
}

const fn known(
    event_type: &'static str,
    summary_type: SummaryType,
    kind: GapKind,
    what: &'static str,
) -> Known {
    Known {
        event_type,
        summary_type,
        test_type: None,
        gap: Gap { what, kind },
    }
}

/// Packet counts of UDP throughput tests.
const fn of_udp(event_type: &'static str, summary_type: SummaryType, kind: GapKind) -> Known {
    Known {
        test_type: Some("throughput"),
        ..known(
            event_type,
            summary_type,
            kind,
            "packet counts and packet loss of UDP throughput tests",
        )
    }
}

use GapKind::{EmptyValues, NoPoints, NotListed, Refused, SomeParts};
use SummaryType::{Aggregation, Base, Statistics};

/// As of Elmond 5.2.
const KNOWN: [Known; 14] = [
    known(
        "throughput-subintervals",
        Base,
        EmptyValues,
        "throughput-subintervals (its values are empty)",
    ),
    known(
        "streams-throughput-subintervals",
        Base,
        EmptyValues,
        "streams-throughput-subintervals (its values are empty)",
    ),
    known(
        "streams-throughput",
        Base,
        EmptyValues,
        "streams-throughput (its values are null)",
    ),
    of_udp("packet-loss-rate", Base, NoPoints),
    of_udp("packet-loss-rate", Aggregation, NoPoints),
    of_udp("packet-count-lost", Base, NoPoints),
    of_udp("packet-count-lost", Aggregation, EmptyValues),
    of_udp("packet-count-sent", Base, NoPoints),
    of_udp("packet-count-sent", Aggregation, EmptyValues),
    known(
        "histogram-rtt",
        Base,
        NoPoints,
        "histogram-rtt itself, only its statistics",
    ),
    known(
        "histogram-rtt",
        Statistics,
        SomeParts,
        "median, mode, variance and percentiles in the statistics of histogram-rtt",
    ),
    known(
        "histogram-rtt",
        Aggregation,
        NotListed,
        "aggregations of histogram-rtt, only statistics",
    ),
    known(
        "histogram-owdelay",
        Aggregation,
        NotListed,
        "aggregations of histogram-owdelay, only statistics",
    ),
    known(
        "histogram-ttl-reverse",
        Base,
        Refused,
        "histogram-ttl-reverse",
    ),
];

impl Dialect {
    /// Returns what is known to be missing of an event type, in tests of this
    /// type (`pscheduler-test-type`, such as `throughput`).
    ///
    /// `None` says nothing about single tests: see
    /// [`Series::is_blank`](crate::Series::is_blank).
    #[must_use]
    pub fn gap(
        self,
        event_type: &str,
        summary_type: SummaryType,
        test_type: Option<&str>,
    ) -> Option<Gap> {
        if self == Self::Classic {
            return None;
        }
        KNOWN
            .iter()
            .find(|known| {
                known.event_type == event_type
                    && known.summary_type == summary_type
                    && known.test_type.is_none_or(|only| test_type == Some(only))
            })
            .map(|known| known.gap)
    }
}

/// Tells whether nothing is in a value: a list without anything but nulls and
/// lists like it, or statistics all of which are null.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().all(is_null_or_empty_list),
        Value::Object(members) => {
            !members.is_empty() && members.values().all(is_null_or_empty_list)
        }
        _ => false,
    }
}

fn is_null_or_empty_list(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().all(is_null_or_empty_list),
        _ => false,
    }
}

pub(crate) fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_perfsonar_5_archives_have_known_gaps() {
        let gap = |dialect: Dialect| dialect.gap("throughput-subintervals", Base, None);
        assert_eq!(gap(Dialect::Classic), None);
        assert_eq!(gap(Dialect::PerfSonar5).unwrap().kind, EmptyValues);
    }

    #[test]
    fn packet_counts_are_missing_of_throughput_tests_alone() {
        let gap = |test_type| Dialect::PerfSonar5.gap("packet-count-sent", Base, test_type);
        assert!(gap(Some("throughput")).is_some());
        assert_eq!(gap(Some("latencybg")), None);
        assert_eq!(gap(None), None);
    }

    #[test]
    fn a_value_is_empty_when_nothing_is_in_it() {
        for empty in [
            json!([]),
            json!([null, null]),
            json!([[], [null]]),
            json!({"mean": null, "mode": [null]}),
        ] {
            assert!(is_empty(&empty), "{empty}");
        }
        for value in [
            json!(null),
            json!(0),
            json!(""),
            json!({}),
            json!([0]),
            json!([{}]),
            json!({"mean": null, "maximum": 0.0}),
        ] {
            assert!(!is_empty(&value), "{value}");
        }
    }
}
