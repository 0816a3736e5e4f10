//! The filters of a metadata search, as a query string.

use crate::SummaryType;
use crate::time::TimeArguments;

/// Filters of a metadata search. All of them must hold; setting one again
/// replaces it.
///
/// ```
/// use esmond_ps_model::MetadataFilters;
/// let filters = MetadataFilters::new()
///     .source("198.129.254.30")
///     .tool_name("pscheduler/iperf3")
///     .parameter("ip-transport-protocol", "tcp");
/// assert_eq!(filters.to_query()[0], ("source".to_owned(), "198.129.254.30".to_owned()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataFilters {
    parameters: Vec<(String, String)>,
}

macro_rules! text_filters {
    ($($(#[$doc:meta])* $method:ident = $name:literal;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $method(self, value: impl Into<String>) -> Self {
            self.parameter($name, value)
        })*
    };
}

impl MetadataFilters {
    /// Starts with no filter: every record matches.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    text_filters! {
        /// Tests from this host: an address, or a name that the archive resolves.
        source = "source";
        /// Tests to this host: an address, or a name that the archive resolves.
        destination = "destination";
        /// Tests run by this host: an address, or a name that the archive resolves.
        measurement_agent = "measurement-agent";
        /// Tests whose source was given as exactly this text.
        input_source = "input-source";
        /// Tests whose destination was given as exactly this text.
        input_destination = "input-destination";
        /// Tests by exactly this tool.
        tool_name = "tool-name";
        /// Tests of this subject type.
        subject_type = "subject-type";
        /// The one record with this key.
        metadata_key = "metadata-key";
        /// Tests that have this event type.
        event_type = "event-type";
        /// How names become addresses: `v4v6` (default), `only-v4`, `only-v6`,
        /// `prefer-v4` or `prefer-v6`.
        dns_match_rule = "dns-match-rule";
    }

    /// Tests that have a summary of this type (of the event type asked for, if
    /// one is).
    #[must_use]
    pub fn summary_type(self, summary_type: SummaryType) -> Self {
        self.parameter("summary-type", summary_type.name())
    }

    /// Tests that have a summary of this window, in seconds.
    #[must_use]
    pub fn summary_window(self, window: i64) -> Self {
        self.parameter("summary-window", window.to_string())
    }

    /// Tests updated in this second, Unix time.
    #[must_use]
    pub fn time(self, time: i64) -> Self {
        self.parameter("time", time.to_string())
    }

    /// Tests updated at this second or later, Unix time.
    #[must_use]
    pub fn time_start(self, start: i64) -> Self {
        self.parameter("time-start", start.to_string())
    }

    /// Tests last updated at this second or earlier, Unix time. Beware: this
    /// hides tests that are still running.
    #[must_use]
    pub fn time_end(self, end: i64) -> Self {
        self.parameter("time-end", end.to_string())
    }

    /// Tests updated within this many seconds, before now or from the start or
    /// end given.
    #[must_use]
    pub fn time_range(self, seconds: i64) -> Self {
        self.parameter("time-range", seconds.to_string())
    }

    /// Any filter by its name on the wire; a name that is none of the standard
    /// ones selects by a free-form metadata parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name.into(), value.into());
        self
    }

    /// Sets a filter by its name on the wire, replacing an earlier value.
    pub fn set(&mut self, name: String, value: String) {
        match self.parameters.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.parameters.push((name, value)),
        }
    }

    /// Returns the value of a filter by its name on the wire.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the query parameters, in the order in which they were first set.
    #[must_use]
    pub fn to_query(&self) -> &[(String, String)] {
        &self.parameters
    }
}

/// Names that have a meaning of their own in a metadata search. Every other
/// name selects by a free-form parameter.
pub const STANDARD_FILTERS: [&str; 17] = [
    "source",
    "destination",
    "measurement-agent",
    "input-source",
    "input-destination",
    "tool-name",
    "event-type",
    "subject-type",
    "summary-type",
    "summary-window",
    "metadata-key",
    "dns-match-rule",
    "limit",
    TimeArguments::NAMES[0],
    TimeArguments::NAMES[1],
    TimeArguments::NAMES[2],
    TimeArguments::NAMES[3],
];

#[cfg(test)]
mod tests {
    use super::MetadataFilters;

    #[test]
    fn a_filter_set_twice_is_sent_once_with_the_last_value() {
        let filters = MetadataFilters::new()
            .source("a")
            .tool_name("t")
            .source("b");
        let query: Vec<_> = filters
            .to_query()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(query, ["source=b", "tool-name=t"]);
    }
}
