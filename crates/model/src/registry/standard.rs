//! What esmond 4.4.6 knows: 49 event types and two subject types.

use super::{DataType, FieldKind, RowLayout};

/// Names of the event types that the original query programs know, in the
/// order of their `--list-events`, followed by the other standard ones.
pub fn listed_event_types() -> impl Iterator<Item = &'static str> {
    STANDARD_EVENT_TYPES.iter().map(|&(name, _, _)| name)
}

/// Point-to-point subject type: a test between two hosts.
pub const POINT_TO_POINT: &str = "point-to-point";
/// Network-element subject type: a test of one host.
pub const NETWORK_ELEMENT: &str = "network-element";

pub(super) type SubjectRow = (&'static str, &'static [(&'static str, FieldKind)]);

pub(super) const STANDARD_SUBJECT_TYPES: &[SubjectRow] = &[
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
pub(super) const STANDARD_EVENT_TYPES: &[(&str, DataType, RowLayout)] = &[
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
