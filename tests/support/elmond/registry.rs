//! What Elmond lists and serves for which type of test.

/// Event types of the types of tests that are mapped; the others have
/// `pscheduler-raw` and `pscheduler-run-href`.
const LISTED: &[(&str, &[&str])] = &[
    (
        "throughput",
        &[
            "failures",
            "throughput",
            "throughput-subintervals",
            "packet-retransmits",
            "packet-retransmits-subintervals",
            "pscheduler-run-href",
        ],
    ),
    ("latency", ONE_WAY),
    ("latencybg", ONE_WAY),
    (
        "rtt",
        &[
            "failures",
            "packet-count-sent",
            "histogram-rtt",
            "histogram-ttl-reverse",
            "packet-duplicates-bidir",
            "packet-loss-rate-bidir",
            "packet-count-lost-bidir",
            "packet-reorders-bidir",
            "pscheduler-run-href",
        ],
    ),
    (
        "trace",
        &[
            "failures",
            "packet-trace",
            "path-mtu",
            "pscheduler-run-href",
        ],
    ),
    (
        "disk-to-disk",
        &[
            "failures",
            "throughput",
            "pscheduler-raw",
            "pscheduler-run-href",
        ],
    ),
];

const ONE_WAY: &[&str] = &[
    "failures",
    "packet-count-sent",
    "histogram-owdelay",
    "histogram-ttl",
    "packet-duplicates",
    "packet-loss-rate",
    "packet-count-lost",
    "packet-reorders",
    "time-error-estimates",
    "pscheduler-run-href",
];

/// Listed for some throughput or trace tests only.
const SOMETIMES: &[&str] = &[
    "streams-throughput",
    "streams-throughput-subintervals",
    "streams-packet-retransmits",
    "streams-packet-retransmits-subintervals",
    "packet-trace-multi",
    "pscheduler-raw",
];

/// Returns the event types that are listed for a type of test.
pub(crate) fn listed(test_type: &str) -> &'static [&'static str] {
    LISTED
        .iter()
        .find(|(known, _)| *known == test_type)
        .map_or(&["pscheduler-raw", "pscheduler-run-href"], |(_, list)| list)
}

/// Tells whether the list can be searched for an event type: asked for another
/// one, or for one that belongs to no type of test, Elmond fails.
pub(crate) fn can_be_searched(event_type: &str) -> bool {
    let is_without_type = [
        "failures",
        "pscheduler-raw",
        "pscheduler-run-href",
        "packet-trace-multi",
    ]
    .contains(&event_type);
    !is_without_type && is_listed(event_type)
}

/// Tells whether data of an event type are served.
pub(crate) fn is_served(event_type: &str) -> bool {
    event_type != "histogram-ttl-reverse" && is_listed(event_type)
}

fn is_listed(event_type: &str) -> bool {
    let mut all = LISTED.iter().flat_map(|(_, list)| *list).chain(SOMETIMES);
    all.any(|known| *known == event_type)
}

/// Returns the summary, singular, and the windows that are listed for an event
/// type.
pub(crate) fn summaries(event_type: &str) -> Option<(&'static str, &'static [i64])> {
    match event_type {
        "throughput" => Some(("average", &[86_400])),
        "packet-count-sent"
        | "packet-count-lost"
        | "packet-count-lost-bidir"
        | "packet-loss-rate"
        | "packet-loss-rate-bidir" => Some(("aggregation", &[300, 3600, 86_400])),
        "histogram-owdelay" | "histogram-rtt" => Some(("statistics", &[0, 300, 3600, 86_400])),
        _ => None,
    }
}

/// Tells whether some event type has a summary that fits.
pub(crate) fn has_summary(
    event_type: Option<&str>,
    summary: Option<&str>,
    window: Option<i64>,
) -> bool {
    let mut all = LISTED.iter().flat_map(|(_, list)| *list);
    all.any(|known| event_type.is_none_or(|asked| asked == *known) && fits(known, summary, window))
}

/// Tells whether an event type has a summary that fits.
pub(crate) fn fits(event_type: &str, summary: Option<&str>, window: Option<i64>) -> bool {
    summaries(event_type).is_some_and(|(known, windows)| {
        summary.is_none_or(|asked| asked == known)
            && window.is_none_or(|asked| windows.contains(&asked))
    })
}

/// Tells whether tests of a type may have a summary that fits: without an event
/// type beside it, Elmond asks no further.
pub(crate) fn type_fits(test_type: &str, summary: Option<&str>, window: Option<i64>) -> bool {
    // Those with UDP have the losses.
    let more = if test_type == "throughput" {
        &["packet-loss-rate"][..]
    } else {
        &[]
    };
    let mut all = listed(test_type).iter().chain(more);
    all.any(|event_type| fits(event_type, summary, window))
}

/// Returns the name of a summary in addresses.
pub(crate) fn plural(summary: &str) -> &str {
    match summary {
        "average" => "averages",
        "aggregation" => "aggregations",
        other => other,
    }
}
