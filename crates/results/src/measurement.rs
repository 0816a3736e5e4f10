//! What an archive is told about one run of a test.

use std::net::IpAddr;

use esmond_ps_model::Summary;
use esmond_ps_model::registry::{NETWORK_ELEMENT, POINT_TO_POINT};
use serde_json::{Map, Value, json};

/// The metadata of a test and its values at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Whom the test was about.
    pub subject: Subject,
    /// Tool that measured, such as `bwctl/iperf3`.
    pub tool_name: String,
    /// Event types to declare, those of [`values`](Self::values) among them.
    pub event_types: Vec<EventType>,
    /// Further parameters by name, `time-duration` and `ip-transport-protocol` among
    /// them; never null, never a list or an object.
    pub parameters: Map<String, Value>,
    /// Time of the values: Unix time in seconds.
    pub ts: i64,
    /// Values by event type, each event type once; never null.
    pub values: Vec<(String, Value)>,
    /// What the document says in a form that could not be read, and no value holds, in
    /// words.
    pub left_out: Vec<String>,
}

/// Whom a test was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Where the packets came from.
    pub source: IpAddr,
    /// Where they went; `None` for a test of one host (`network-element`).
    pub destination: Option<IpAddr>,
    /// Who measured.
    pub measurement_agent: IpAddr,
    /// The source as whoever asked for the test called it.
    pub input_source: String,
    /// The destination as whoever asked for the test called it.
    pub input_destination: Option<String>,
}

/// An event type to declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType {
    /// Name, such as `throughput`.
    pub name: String,
    /// Series that the archive is asked to derive.
    pub summaries: Vec<Summary>,
    /// Whether all runs of the test have it. One that is declared for the values of
    /// this run alone has `false`, and other runs of the same test may lack it.
    pub of_every_run: bool,
}

impl EventType {
    /// Makes an event type of every run, without summaries.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            summaries: Vec::new(),
            of_every_run: true,
        }
    }
}

impl Measurement {
    /// Returns why the test failed, when it did.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        let (_, value) = self.values.iter().find(|(name, _)| name == "failures")?;
        value.get("error")?.as_str()
    }

    /// Returns the metadata in the form in which it is posted to an archive, with all
    /// event types: an archive may drop values that are not declared.
    #[must_use]
    pub fn metadata(&self) -> Value {
        self.metadata_with(|_| true)
    }

    /// Returns the metadata with the event types of every run alone, so that a test has
    /// one identity whatever its runs measured. For an archive that takes values that
    /// are not declared.
    #[must_use]
    pub fn lasting_metadata(&self) -> Value {
        self.metadata_with(|event_type| event_type.of_every_run)
    }

    fn metadata_with(&self, declare: impl Fn(&EventType) -> bool) -> Value {
        let subject = &self.subject;
        let kind = match subject.destination {
            Some(_) => POINT_TO_POINT,
            None => NETWORK_ELEMENT,
        };
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
        put("subject-type", kind.into());
        put("source", subject.source.to_string().into());
        if let Some(destination) = subject.destination {
            put("destination", destination.to_string().into());
        }
        put("tool-name", self.tool_name.clone().into());
        put(
            "measurement-agent",
            subject.measurement_agent.to_string().into(),
        );
        put("input-source", subject.input_source.clone().into());
        if let Some(name) = &subject.input_destination {
            put("input-destination", name.clone().into());
        }
        let declared = self.event_types.iter().filter(|one| declare(one));
        let event_types = declared.map(|event_type| {
            let summaries = event_type.summaries.iter().map(|summary| {
                json!({
                    "summary-type": summary.summary_type.name(),
                    "summary-window": summary.window,
                })
            });
            json!({"event-type": event_type.name, "summaries": summaries.collect::<Vec<_>>()})
        });
        put("event-types", event_types.collect());
        for (name, value) in &self.parameters {
            put(name, value.clone());
        }
        Value::Object(all)
    }
}

/// Reads an address: IPv4, or IPv6 with or without brackets and zone. An IPv4 address
/// in IPv6 clothes (`::ffff:192.0.2.1`) is an IPv4 address.
#[must_use]
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let (bare, _zone) = bare.split_once('%').unwrap_or((bare, ""));
    let address: IpAddr = bare.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_read_in_all_their_spellings() {
        let p = |text| address(text).map(|address| address.to_string());
        assert_eq!(p("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(p("::FFFF:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(p("[2001:DB8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(p("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(p("ps1.example.org"), None);
        assert_eq!(p("192.0.2.1:5201"), None);
    }
}
