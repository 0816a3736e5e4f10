//! The event types, data types and subject types that an archive knows.
//!
//! Source of the tables: the registry of esmond 4.4.6, which has 49 event
//! types. An archive can be extended by its operator, so everything is looked
//! up in a [`Registry`] value rather than in constants.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::SummaryType;

/// How the values of an event type are checked, stored and summarised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Whole numbers of 64 bits with sign.
    Integer,
    /// Numbers in double precision.
    Float,
    /// A fraction, posted as numerator and denominator.
    Percentage,
    /// Counts per bucket.
    Histogram,
    /// A list of intervals inside a test, each with a value.
    Subinterval,
    /// Any JSON value.
    Json,
}

impl DataType {
    /// Returns the name used in configuration and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Percentage => "percentage",
            Self::Histogram => "histogram",
            Self::Subinterval => "subinterval",
            Self::Json => "json",
        }
    }

    /// Tells whether series of this type can have summaries of that type.
    #[must_use]
    pub const fn allows(self, summary_type: SummaryType) -> bool {
        matches!(
            (self, summary_type),
            (_, SummaryType::Base)
                | (
                    Self::Integer | Self::Float,
                    SummaryType::Aggregation | SummaryType::Average
                )
                | (Self::Percentage, SummaryType::Aggregation)
                | (
                    Self::Histogram,
                    SummaryType::Aggregation | SummaryType::Statistics
                )
        )
    }
}

/// How the query programs lay out the rows of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowLayout {
    /// One number per point.
    Numeric,
    /// One error message per point.
    Failures,
    /// One row per hop entry.
    PacketTrace,
    /// One histogram per point.
    Histogram,
    /// One row per interval.
    Subintervals,
    /// One row per stream.
    NumberList,
    /// One row per stream and interval.
    SubintervalList,
    /// One JSON value per point.
    Value,
}

/// One event type of a [`Registry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeDefinition {
    /// Name, such as `throughput`.
    pub name: Cow<'static, str>,
    /// Type of its values.
    pub data_type: DataType,
    /// Layout of its rows in the query programs.
    pub layout: RowLayout,
}

/// How a field of a subject is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// An IPv4 or IPv6 address; names in filters are resolved to addresses.
    Address,
    /// Text of at most 128 characters.
    Text,
}

/// A field of a subject type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectField {
    /// Name in JSON and in filters, such as `input-source`.
    pub name: Cow<'static, str>,
    /// How its values are checked.
    pub kind: FieldKind,
}

/// A kind of test subject. All its fields are required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectType {
    /// Name, such as `point-to-point`.
    pub name: Cow<'static, str>,
    /// Fields in the order in which records show them.
    pub fields: Vec<SubjectField>,
}

/// Everything that can be named in metadata.
#[derive(Debug, Clone)]
pub struct Registry {
    event_types: BTreeMap<Cow<'static, str>, EventTypeDefinition>,
    subject_types: Vec<SubjectType>,
}

impl Registry {
    /// Returns the event types and subject types of esmond 4.4.6.
    #[must_use]
    pub fn standard() -> Self {
        let event_types = STANDARD_EVENT_TYPES
            .iter()
            .map(|&(name, data_type, layout)| {
                let name = Cow::Borrowed(name);
                let definition = EventTypeDefinition {
                    name: name.clone(),
                    data_type,
                    layout,
                };
                (name, definition)
            })
            .collect();
        let subject_types = STANDARD_SUBJECT_TYPES
            .iter()
            .map(|&(name, fields)| SubjectType {
                name: Cow::Borrowed(name),
                fields: fields
                    .iter()
                    .map(|&(name, kind)| SubjectField {
                        name: Cow::Borrowed(name),
                        kind,
                    })
                    .collect(),
            })
            .collect();
        Self {
            event_types,
            subject_types,
        }
    }

    /// Looks up an event type by its exact name.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&EventTypeDefinition> {
        self.event_types.get(name)
    }

    /// Returns all event types, sorted by name.
    pub fn event_types(&self) -> impl Iterator<Item = &EventTypeDefinition> {
        self.event_types.values()
    }

    /// Looks up a subject type by its exact name.
    #[must_use]
    pub fn subject_type(&self, name: &str) -> Option<&SubjectType> {
        self.subject_types.iter().find(|kind| kind.name == name)
    }

    /// Returns the kind of a subject field of any subject type, or `None` when
    /// the name is a free-form parameter.
    #[must_use]
    pub fn subject_field(&self, name: &str) -> Option<FieldKind> {
        self.subject_types
            .iter()
            .flat_map(|kind| &kind.fields)
            .find(|field| field.name == name)
            .map(|field| field.kind)
    }
}

/// Names of the event types that the original query programs know, in the
/// order of their `--list-events`, followed by the other standard ones.
pub fn listed_event_types() -> impl Iterator<Item = &'static str> {
    STANDARD_EVENT_TYPES.iter().map(|&(name, _, _)| name)
}

/// Point-to-point subject type: a test between two hosts.
pub const POINT_TO_POINT: &str = "point-to-point";
/// Network-element subject type: a test of one host.
pub const NETWORK_ELEMENT: &str = "network-element";

type SubjectRow = (&'static str, &'static [(&'static str, FieldKind)]);

const STANDARD_SUBJECT_TYPES: &[SubjectRow] = &[
    (
        POINT_TO_POINT,
        &[
            ("source", FieldKind::Address),
            ("destination", FieldKind::Address),
            ("measurement-agent", FieldKind::Address),
            ("tool-name", FieldKind::Text),
            ("input-source", FieldKind::Text),
            ("input-destination", FieldKind::Text),
        ],
    ),
    (
        NETWORK_ELEMENT,
        &[
            ("source", FieldKind::Address),
            ("measurement-agent", FieldKind::Address),
            ("tool-name", FieldKind::Text),
            ("input-source", FieldKind::Text),
        ],
    ),
];

use DataType as D;
use RowLayout as L;

/// The first 33 in the order of the original `--list-events`.
const STANDARD_EVENT_TYPES: &[(&str, DataType, RowLayout)] = &[
    ("failures", D::Json, L::Failures),
    ("histogram-owdelay", D::Histogram, L::Histogram),
    ("histogram-rtt", D::Histogram, L::Histogram),
    ("histogram-ttl", D::Histogram, L::Histogram),
    ("histogram-ttl-reverse", D::Histogram, L::Histogram),
    ("ntp-delay", D::Float, L::Numeric),
    ("ntp-dispersion", D::Float, L::Numeric),
    ("ntp-jitter", D::Float, L::Numeric),
    ("ntp-offset", D::Float, L::Numeric),
    ("ntp-polling-interval", D::Float, L::Numeric),
    ("ntp-reach", D::Integer, L::Numeric),
    ("ntp-stratum", D::Integer, L::Numeric),
    ("ntp-wander", D::Float, L::Numeric),
    ("packet-duplicates", D::Integer, L::Numeric),
    ("packet-duplicates-bidir", D::Integer, L::Numeric),
    ("packet-loss-rate", D::Percentage, L::Numeric),
    ("packet-loss-rate-bidir", D::Percentage, L::Numeric),
    ("packet-trace", D::Json, L::PacketTrace),
    ("packet-count-lost", D::Integer, L::Numeric),
    ("packet-count-lost-bidir", D::Integer, L::Numeric),
    ("packet-count-sent", D::Integer, L::Numeric),
    ("packet-reorders", D::Integer, L::Numeric),
    ("packet-reorders-bidir", D::Integer, L::Numeric),
    ("packet-retransmits", D::Integer, L::Numeric),
    (
        "packet-retransmits-subintervals",
        D::Subinterval,
        L::Subintervals,
    ),
    ("path-mtu", D::Integer, L::Numeric),
    ("streams-packet-retransmits", D::Json, L::NumberList),
    (
        "streams-packet-retransmits-subintervals",
        D::Json,
        L::SubintervalList,
    ),
    ("streams-throughput", D::Json, L::NumberList),
    (
        "streams-throughput-subintervals",
        D::Json,
        L::SubintervalList,
    ),
    ("throughput", D::Integer, L::Numeric),
    ("throughput-subintervals", D::Subinterval, L::Subintervals),
    ("time-error-estimates", D::Float, L::Numeric),
    // The original programs do not know the following ones.
    ("iostat", D::Json, L::Value),
    ("mpstat", D::Json, L::Value),
    ("packet-rtt", D::Integer, L::Numeric),
    ("packet-rtt-subintervals", D::Subinterval, L::Subintervals),
    ("packet-trace-multi", D::Json, L::Value),
    ("pscheduler-raw", D::Json, L::Value),
    ("pscheduler-run-href", D::Json, L::Value),
    ("rusage", D::Json, L::Value),
    ("streams-packet-rtt", D::Json, L::Value),
    ("streams-packet-rtt-subintervals", D::Json, L::Value),
    ("streams-tcp-windowsize", D::Json, L::Value),
    ("streams-tcp-windowsize-subintervals", D::Json, L::Value),
    ("streams-tcpinfo", D::Json, L::Value),
    ("tcp-windowsize", D::Integer, L::Numeric),
    (
        "tcp-windowsize-subintervals",
        D::Subinterval,
        L::Subintervals,
    ),
    ("tcpinfo", D::Json, L::Value),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_49_event_types_are_known_once() {
        let registry = Registry::standard();
        assert_eq!(registry.event_types().count(), 49);
        assert_eq!(STANDARD_EVENT_TYPES.len(), 49);
    }

    #[test]
    fn only_the_tabled_summaries_are_allowed() {
        use SummaryType::{Aggregation, Average, Base, Statistics};
        for (data_type, allowed) in [
            (D::Integer, &[Aggregation, Average][..]),
            (D::Float, &[Aggregation, Average]),
            (D::Percentage, &[Aggregation]),
            (D::Histogram, &[Aggregation, Statistics]),
            (D::Subinterval, &[]),
            (D::Json, &[]),
        ] {
            assert!(data_type.allows(Base));
            for kind in SummaryType::DERIVED {
                assert_eq!(
                    data_type.allows(kind),
                    allowed.contains(&kind),
                    "{data_type:?} {kind}"
                );
            }
        }
    }

    #[test]
    fn a_field_of_a_subject_is_no_free_form_parameter() {
        let registry = Registry::standard();
        assert_eq!(
            registry.subject_field("destination"),
            Some(FieldKind::Address)
        );
        assert_eq!(registry.subject_field("tool-name"), Some(FieldKind::Text));
        assert_eq!(registry.subject_field("ip-tos"), None);
    }
}
