//! The description of a new test.

use esmond_ps_model::metadata::RESERVED_PROPERTIES;
use esmond_ps_model::registry::{NETWORK_ELEMENT, POINT_TO_POINT};
use esmond_ps_model::{Summary, SummaryType};
use serde_json::{Map, Value, json};

use crate::{Error, Result};

const SUBJECT_TYPE: &str = "subject-type";
const EVENT_TYPES: &str = "event-types";
const DURATION: &str = "time-duration";
const PROTOCOL: &str = "ip-transport-protocol";

/// A test to be created: its subject, the event types that it will have, and
/// free-form parameters. In the original library this is `MetadataPost`.
///
/// ```
/// use esmond_ps_client::NewMetadata;
/// use esmond_ps_client::model::SummaryType;
///
/// let test = NewMetadata::point_to_point(
///     "10.10.0.1",   // source
///     "10.10.0.2",   // destination
///     "10.10.0.2",   // measurement agent
///     "bwctl/iperf3",
///     "host1",       // source as it was given
///     "host2",       // destination as it was given
/// )
/// .time_duration(30)
/// .ip_transport_protocol("tcp")
/// .event_type("throughput")
/// .summary("throughput", SummaryType::Average, 86_400)
/// .parameter("bw-parallel-streams", 4);
/// ```
///
/// DIFFERENCE: event types and summaries stand in the order in which they were
/// added, and each of them once; the original library sends repeated ones, and
/// its archive then counts every point twice. A parameter that is given again
/// replaces the first, where the original keeps one of the two by its truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMetadata {
    /// Subject type and subject, then the two parameters with methods of their
    /// own, as the original sends them.
    subject: Map<String, Value>,
    standard: Map<String, Value>,
    event_types: Vec<NewEventType>,
    parameters: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NewEventType {
    name: String,
    summaries: Vec<Summary>,
}

impl NewMetadata {
    /// Describes a test between two hosts. Source, destination and measurement
    /// agent (the host that ran the test) are IP addresses; the inputs are what
    /// source and destination were called by whoever asked for the test.
    #[must_use]
    pub fn point_to_point(
        source: impl Into<String>,
        destination: impl Into<String>,
        measurement_agent: impl Into<String>,
        tool_name: impl Into<String>,
        input_source: impl Into<String>,
        input_destination: impl Into<String>,
    ) -> Self {
        Self::new([
            (SUBJECT_TYPE, POINT_TO_POINT.into()),
            ("source", source.into()),
            ("destination", destination.into()),
            ("tool-name", tool_name.into()),
            ("measurement-agent", measurement_agent.into()),
            ("input-source", input_source.into()),
            ("input-destination", input_destination.into()),
        ])
    }

    /// Describes a test of one host. Source and measurement agent are IP
    /// addresses.
    ///
    /// DIFFERENCE: the original library cannot; it demands a destination,
    /// which archives refuse here.
    #[must_use]
    pub fn network_element(
        source: impl Into<String>,
        measurement_agent: impl Into<String>,
        tool_name: impl Into<String>,
        input_source: impl Into<String>,
    ) -> Self {
        Self::new([
            (SUBJECT_TYPE, NETWORK_ELEMENT.into()),
            ("source", source.into()),
            ("tool-name", tool_name.into()),
            ("measurement-agent", measurement_agent.into()),
            ("input-source", input_source.into()),
        ])
    }

    fn new<const N: usize>(subject: [(&str, String); N]) -> Self {
        Self {
            subject: subject
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text.into()))
                .collect(),
            standard: Map::new(),
            event_types: Vec::new(),
            parameters: Map::new(),
        }
    }

    /// Duration of the test in seconds; left out when it is none, 0 or empty.
    #[must_use]
    pub fn time_duration(self, seconds: impl Into<Value>) -> Self {
        self.unless_empty(DURATION, seconds.into())
    }

    /// Transport protocol, such as `tcp`; left out when it is none or empty.
    #[must_use]
    pub fn ip_transport_protocol(self, protocol: impl Into<Value>) -> Self {
        self.unless_empty(PROTOCOL, protocol.into())
    }

    fn unless_empty(self, name: &str, value: Value) -> Self {
        let empty = match &value {
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Bool(value) => !value,
            _ => false,
        };
        self.parameter(name, if empty { Value::Null } else { value })
    }

    /// A kind of result that the test will have.
    #[must_use]
    pub fn event_type(mut self, name: impl Into<String>) -> Self {
        self.add_event_type(name.into());
        self
    }

    /// A series that the archive is to derive from an event type, in windows of
    /// so many seconds. The event type is added when it is not there yet.
    #[must_use]
    pub fn summary(
        mut self,
        event_type: impl Into<String>,
        summary_type: SummaryType,
        window: i64,
    ) -> Self {
        let entry = self.add_event_type(event_type.into());
        let summary = Summary {
            summary_type,
            window,
        };
        if !entry.summaries.contains(&summary) {
            entry.summaries.push(summary);
        }
        self
    }

    fn add_event_type(&mut self, name: String) -> &mut NewEventType {
        let known = self.event_types.iter().position(|known| known.name == name);
        let index = known.unwrap_or_else(|| {
            self.event_types.push(NewEventType {
                name,
                summaries: Vec::new(),
            });
            self.event_types.len() - 1
        });
        &mut self.event_types[index]
    }

    /// A free-form parameter. Null, also as `None`, takes it away again: archives
    /// do not take nulls.
    ///
    /// DIFFERENCE: the original library lets a parameter replace a standard field.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let (name, value) = (name.into(), value.into());
        let place = match name.as_str() {
            DURATION | PROTOCOL => &mut self.standard,
            _ => &mut self.parameters,
        };
        if value.is_null() {
            place.shift_remove(&name);
        } else {
            place.insert(name, value);
        }
        self
    }

    /// Returns the names of the event types, in order.
    pub fn event_types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.event_types.iter().map(|entry| entry.name.as_str())
    }

    /// Returns what is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`] for a free-form parameter whose name an archive
    /// gives to something else.
    pub fn to_json(&self) -> Result<Value> {
        let mut object = self.subject.clone();
        object.extend(self.standard.clone());
        let event_types = self.event_types.iter().map(NewEventType::to_json);
        object.insert(EVENT_TYPES.to_owned(), event_types.collect());
        for (name, value) in &self.parameters {
            // Archives take underscores for dashes here and there.
            let dashed = name.replace('_', "-");
            let reason = if RESERVED_PROPERTIES.contains(&dashed.as_str()) {
                "archives give that name to something of their own"
            } else if object.contains_key(&dashed) || object.contains_key(name) {
                "it has another place in the metadata"
            } else {
                object.insert(name.clone(), value.clone());
                continue;
            };
            return Err(Error::Unsendable {
                what: format!("the parameter `{}`", name.escape_debug()),
                reason,
            });
        }
        Ok(Value::Object(object))
    }
}

impl NewEventType {
    fn to_json(&self) -> Value {
        let summaries: Vec<_> = self
            .summaries
            .iter()
            .map(|summary| {
                json!({
                    "summary-type": summary.summary_type.name(),
                    "summary-window": summary.window,
                })
            })
            .collect();
        json!({ "event-type": self.name, "summaries": summaries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test() -> NewMetadata {
        NewMetadata::point_to_point("10.9.0.1", "10.9.0.2", "10.9.0.3", "t", "a", "b")
    }

    fn text(metadata: &NewMetadata) -> String {
        metadata.to_json().unwrap().to_string()
    }

    #[test]
    fn the_fields_stand_in_the_order_of_the_original() {
        let metadata = test()
            .parameter("x", 1)
            .ip_transport_protocol("tcp")
            .event_type("throughput");
        assert_eq!(
            text(&metadata),
            r#"{"subject-type":"point-to-point","source":"10.9.0.1","destination":"10.9.0.2","tool-name":"t","measurement-agent":"10.9.0.3","input-source":"a","input-destination":"b","ip-transport-protocol":"tcp","event-types":[{"event-type":"throughput","summaries":[]}],"x":1}"#
        );
    }

    #[test]
    fn a_test_of_one_host_has_no_destination() {
        // DIFFERENCE: the original library demands one.
        let metadata = NewMetadata::network_element("10.9.0.1", "10.9.0.3", "ntp", "a");
        assert_eq!(
            text(&metadata),
            r#"{"subject-type":"network-element","source":"10.9.0.1","tool-name":"ntp","measurement-agent":"10.9.0.3","input-source":"a","event-types":[]}"#
        );
    }

    #[test]
    fn what_is_none_is_not_sent() {
        let metadata = test()
            .time_duration(None::<i64>)
            .ip_transport_protocol("")
            .parameter("x", Value::Null)
            .parameter("y", 1)
            .parameter("y", None::<i64>);
        assert_eq!(metadata, test());
        assert_eq!(test().time_duration(0.0), test());
        // But a parameter of 0 says something.
        assert!(text(&test().parameter("ip-tos", 0)).ends_with(r#""ip-tos":0}"#));
    }

    #[test]
    fn a_parameter_cannot_pass_for_something_else() {
        // DIFFERENCE: in the original library it replaces a standard field.
        for name in [
            "source",
            "input_source",
            "event-types",
            "url",
            "metadata_key",
        ] {
            let error = test().parameter(name, "x").to_json().unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
        // Tests of one host have no destination, so nothing is in its place.
        let one = NewMetadata::network_element("10.9.0.1", "10.9.0.1", "t", "a");
        assert!(one.parameter("destination", "x").to_json().is_ok());
    }
}
