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
}

impl EventType {
    /// Makes an event type without summaries.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            summaries: Vec::new(),
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

    /// Returns the metadata in the form in which it is posted to an archive.
    #[must_use]
    pub fn metadata(&self) -> Value {
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
        let event_types = self.event_types.iter().map(|event_type| {
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
