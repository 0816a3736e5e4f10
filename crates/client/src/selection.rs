//! Which filters of a search an archive can be trusted with, and applying the
//! others here.
//!
//! perfSONAR 5 archives answer many filters wrongly and without a word: names
//! with a hyphen, upper case and IPv6 addresses never match, parameters
//! whose place in a test they do not know never match, and a filter that they
//! have no query for is a server error.
//!
//! DIFFERENCE: the original library sends all filters to every archive, and so
//! finds nothing, or fails, where tests match.
//!
//! Pure: records in, decisions out.

use esmond_ps_model::{Metadata, MetadataFilters, SummaryType, TimeArguments, integer};
use serde_json::Value;

/// Filters that a perfSONAR 5 archive answers rightly, whatever their value.
const TRUSTED: [&str; 7] = [
    "source",
    "destination",
    "measurement-agent",
    "dns-match-rule",
    "metadata-key",
    "limit",
    "offset",
];

/// Event types that a perfSONAR 5 archive finds all tests of. Not among them:
/// `throughput`, of which it misses the disk-to-disk tests, and those that are
/// server errors there.
const TRUSTED_EVENT_TYPES: [&str; 21] = [
    "histogram-owdelay",
    "histogram-rtt",
    "histogram-ttl",
    "histogram-ttl-reverse",
    "packet-count-lost",
    "packet-count-lost-bidir",
    "packet-count-sent",
    "packet-duplicates",
    "packet-duplicates-bidir",
    "packet-loss-rate",
    "packet-loss-rate-bidir",
    "packet-reorders",
    "packet-reorders-bidir",
    "packet-retransmits",
    "packet-retransmits-subintervals",
    "packet-trace",
    "path-mtu",
    "streams-packet-retransmits",
    "streams-throughput",
    "throughput-subintervals",
    "time-error-estimates",
];

/// A search, as it is put to a perfSONAR 5 archive: some filters are sent, the
/// others are applied to what it answers.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    sent: MetadataFilters,
    series: SeriesFilter,
    properties: Vec<(String, String)>,
}

/// What one and the same series of a record must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct SeriesFilter {
    event_type: Option<String>,
    summary_type: Option<String>,
    window: Option<String>,
}

impl Selection {
    pub(crate) fn of(filters: &MetadataFilters) -> Self {
        let mut sent = MetadataFilters::new();
        let mut properties = Vec::new();
        let mut send = |name: &String, value: &String| sent.set(name.clone(), value.clone());
        for (name, value) in filters.to_query() {
            match name.as_str() {
                "event-type" if TRUSTED_EVENT_TYPES.contains(&value.as_str()) => send(name, value),
                "event-type" | "summary-type" | "summary-window" => {}
                trusted if is_trusted(trusted) => send(name, value),
                _ => properties.push((name.clone(), value.clone())),
            }
        }
        let text = |name: &str| filters.get(name).map(str::to_owned);
        let (summary_type, window) = (text("summary-type"), text("summary-window"));
        let is_sent = sent.get("event-type").is_some();
        let series = SeriesFilter {
            event_type: text("event-type")
                .filter(|_| !is_sent || summary_type.is_some() || window.is_some()),
            summary_type,
            window,
        };
        Self {
            sent,
            series,
            properties,
        }
    }

    /// Returns the filters to send.
    pub(crate) fn sent(&self) -> &MetadataFilters {
        &self.sent
    }

    /// Tells whether all filters are sent, so that any archive does the whole
    /// work.
    pub(crate) fn is_all_sent(&self) -> bool {
        self.series == SeriesFilter::default() && self.properties.is_empty()
    }

    /// Tells whether a record meets the filters that are not sent.
    pub(crate) fn matches(&self, record: &Metadata) -> bool {
        self.series.matches(record)
            && self
                .properties
                .iter()
                .all(|(name, value)| has_property(record, name, value))
    }
}

fn is_trusted(name: &str) -> bool {
    TRUSTED.contains(&name) || TimeArguments::NAMES.contains(&name)
}

impl SeriesFilter {
    fn matches(&self, record: &Metadata) -> bool {
        if *self == Self::default() {
            return true;
        }
        let event_type = self.event_type.as_deref();
        record
            .event_types
            .iter()
            .filter(|entry| event_type.is_none_or(|name| name == entry.event_type))
            .any(|entry| {
                self.is(SummaryType::Base.name(), 0)
                    || entry
                        .summaries
                        .iter()
                        .any(|summary| self.is(&summary.summary_type, summary.summary_window))
            })
    }

    fn is(&self, summary_type: &str, window: i64) -> bool {
        let asked = self.window.as_deref();
        self.summary_type
            .as_deref()
            .is_none_or(|asked| asked == summary_type)
            && asked.is_none_or(|text| integer::parse(text) == Some(window))
    }
}

/// Tells whether a record has a property of that value, by the rules of classic
/// archives: exactly that text, in its letter case. Dashes and underscores of
/// the name are the same.
fn has_property(record: &Metadata, name: &str, asked: &str) -> bool {
    if name == "subject-type" {
        return record.subject_type == asked;
    }
    let dashed = name.replace('_', "-");
    let properties = &record.properties;
    let Some(value) = properties.get(name).or_else(|| properties.get(&dashed)) else {
        return false;
    };
    let is_tool = dashed == "tool-name"
        && value
            .as_str()
            .and_then(|tool| tool.strip_prefix("pscheduler/"))
            .is_some_and(|tool| tool == asked);
    is_tool || is_same(value, asked)
}

/// Compares a value with a text, as if the value were text on this archive,
/// too: classic archives have `"14"` and `"True"` where perfSONAR 5 archives
/// have `14.0` and `true`.
fn is_same(value: &Value, asked: &str) -> bool {
    match value {
        Value::String(text) => text == asked || is_same_number(text, asked),
        Value::Bool(value) => asked.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        Value::Number(number) => number.as_str() == asked || is_same_number(number.as_str(), asked),
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(asked).is_ok_and(|asked| asked == *value)
        }
    }
}

/// Up to here, doubles tell all whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Compares two texts as the numbers that they are in JSON; `032` is none.
fn is_same_number(text: &str, other: &str) -> bool {
    let number = |text: &str| {
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        number.as_f64().filter(|value| value.abs() < EXACT)
    };
    number(text).is_some_and(|value| number(other) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selection(query: &[(&str, &str)]) -> Selection {
        let filters = query
            .iter()
            .fold(MetadataFilters::new(), |filters, (name, value)| {
                filters.parameter(*name, *value)
            });
        Selection::of(&filters)
    }

    fn sent(query: &[(&str, &str)]) -> String {
        let selection = selection(query);
        let sent = selection.sent().to_query().iter();
        let sent: Vec<_> = sent.map(|(name, _)| name.as_str()).collect();
        sent.join(" ")
    }

    fn record() -> Metadata {
        serde_json::from_value(json!({
            "metadata-key": "0a", "subject-type": "network-element",
            "tool-name": "pscheduler/paris-traceroute", "input-source": "thr-A.example.org",
            "time-duration": 14.0, "sample-size": 600, "mode-flip": true, "ip-tos": "32",
            "bw-target-bandwidth": 10_000_000_000_i64, "none": null, "list": [1, "a"],
            "event-types": [
                {"event-type": "failures", "base-uri": "/f"},
                {"event-type": "packet-count-sent", "base-uri": "/p", "summaries": [
                    {"summary-type": "aggregation", "summary-window": 300, "uri": "/s"},
                    {"summary-type": "aggregation", "summary-window": 3600, "uri": "/s"}]},
                {"event-type": "histogram-rtt", "base-uri": "/h", "summaries": [
                    {"summary-type": "statistics", "summary-window": 0, "uri": "/s"}]},
            ]
        }))
        .unwrap()
    }

    fn matches(query: &[(&str, &str)]) -> bool {
        selection(query).matches(&record())
    }

    #[test]
    fn only_what_is_answered_rightly_is_sent() {
        let all = [
            ("source", "a"),
            ("tool-name", "t"),
            ("event-type", "packet-trace"),
            ("summary-type", "average"),
            ("summary-window", "300"),
            ("ip-tos", "0"),
            ("time-start", "5"),
        ];
        assert_eq!(sent(&all), "source event-type time-start");
        for name in [
            "failures",
            "throughput",
            "packet-trace-multi",
            "pscheduler-raw",
            "pscheduler-run-href",
            "no-such-type",
        ] {
            assert_eq!(sent(&[("event-type", name)]), "", "{name}");
        }
    }

    #[test]
    fn a_search_of_trusted_filters_is_left_to_the_archive() {
        assert!(selection(&[("destination", "a"), ("time", "5")]).is_all_sent());
        assert!(selection(&[("event-type", "path-mtu"), ("limit", "5")]).is_all_sent());
        assert!(!selection(&[("event-type", "throughput")]).is_all_sent());
        assert!(!selection(&[("event-type", "path-mtu"), ("summary-window", "0")]).is_all_sent());
        assert!(!selection(&[("subject-type", "x")]).is_all_sent());
    }

    #[test]
    fn values_are_compared_as_text_whatever_their_type() {
        // DIFFERENCE: perfSONAR 5 archives do not find some of these.
        for (name, value, expected) in [
            ("time-duration", "14", true),
            ("time-duration", "14.0", true),
            ("time_duration", "14", true),
            ("time-duration", "14s", false),
            ("sample-size", "600", true),
            ("sample-size", "0600", false),
            ("mode-flip", "True", true),
            ("mode-flip", "true", true),
            ("mode-flip", "1", false),
            ("ip-tos", "32", true),
            ("ip-tos", "032", false),
            ("bw-target-bandwidth", "10000000000", true),
            ("none", "null", false),
            ("none", "", false),
            ("list", r#"[1,"a"]"#, true),
            ("missing", "", false),
            ("input-source", "thr-A.example.org", true),
            ("input-source", "thr-a.example.org", false),
            ("tool-name", "pscheduler/paris-traceroute", true),
            ("tool-name", "paris-traceroute", true),
            ("tool-name", "traceroute", false),
            ("tool-name", "Paris-traceroute", false),
            ("subject-type", "network-element", true),
            ("subject-type", "point-to-point", false),
        ] {
            assert_eq!(matches(&[(name, value)]), expected, "{name}={value}");
        }
    }

    #[test]
    fn one_and_the_same_series_meets_all_conditions() {
        let series = |event_type: &str, summary_type: &str, window: &str| {
            let all = [
                ("event-type", event_type),
                ("summary-type", summary_type),
                ("summary-window", window),
            ];
            let given: Vec<_> = all.into_iter().filter(|(_, v)| !v.is_empty()).collect();
            matches(&given)
        };
        assert!(series("packet-count-sent", "aggregation", "300"));
        assert!(series("", "aggregation", "3600"));
        assert!(series("histogram-rtt", "", "0"));
        assert!(series("histogram-rtt", "statistics", "0"));
        assert!(series("failures", "base", ""));
        assert!(!series("packet-count-sent", "aggregation", "60"));
        assert!(!series("histogram-rtt", "aggregation", ""));
        assert!(!series("failures", "", "300"));
        assert!(!series("failures", "", "soon"));
        assert!(!series("throughput", "", ""));
    }
}
