//! Tests of type `latency` and `latencybg`.

use serde_json::{Map, Value};

use super::Mapped;

pub(super) fn map(spec: &Map<String, Value>, result: &Map<String, Value>) -> Mapped {
    let mut mapped = Mapped::default();
    mapped.declare(&[
        "failures",
        "packet-count-sent",
        "histogram-owdelay",
        "histogram-ttl",
        "packet-duplicates",
        "packet-loss-rate",
        "packet-count-lost",
        "packet-reorders",
        "time-error-estimates",
    ]);
    mapped.rename(
        spec,
        &[
            ("packet-count", "sample-size"),
            ("bucket-width", "sample-bucket-width"),
            ("packet-interval", "time-probe-interval"),
            ("packet-timeout", "time-probe-timeout"),
            ("ip-tos", "ip-tos"),
            ("flip", "mode-flip"),
            ("packet-padding", "ip-packet-padding"),
            ("single-participant-mode", "mode-single-participant"),
        ],
    );
    mapped.take(
        result,
        &[
            ("histogram-latency", "histogram-owdelay"),
            ("histogram-ttl", "histogram-ttl"),
            ("packets-sent", "packet-count-sent"),
            ("packets-lost", "packet-count-lost"),
            ("packets-reordered", "packet-reorders"),
            ("packets-duplicated", "packet-duplicates"),
            ("max-clock-error", "time-error-estimates"),
        ],
    );
    mapped.fraction("packet-loss-rate", result, "packets-lost", "packets-sent");
    mapped
}
