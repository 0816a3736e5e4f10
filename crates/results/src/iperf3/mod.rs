//! Results of iperf3, from 3.0 on.
//!
//! A [`Report`] is the document that `iperf3 --json` prints; a [`Context`] is what is
//! known around it. [`measurement`] makes one thing of both, also when there is no
//! report: a test that failed is a measurement too.
//!
//! - A document counts with what it has. Versions differ in what they write, and a run
//!   that was cut writes less.
//! - TCP and SCTP count what the receiver got; UDP the sums, whose rate is the sender's.
//!   iperf3 from 3.11 on also says what the sender of UDP lost: always 0, so not read.
//! - Of a bidirectional test the forward direction counts, its intervals being summed up
//!   from its streams.
//! - Intervals that iperf3 left out of the sums (`omitted`) are kept.

mod values;

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::object::Object;
use crate::{Error, EventType, Measurement, Result, Subject, address};

/// What a test failed with when nobody says more.
const NO_RESULT: &str = "iperf3 printed no result";

/// The document that `iperf3 --json` prints.
#[derive(Debug, Default)]
pub struct Report {
    start: Object,
    intervals: Vec<Object>,
    end: Object,
    error: Option<String>,
}

/// What is known about a test apart from its report, which wins where both tell.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Name of the tool, such as `bwctl/iperf3`.
    pub tool_name: String,
    /// Address of the sender.
    pub source: Option<IpAddr>,
    /// Address of the receiver.
    pub destination: Option<IpAddr>,
    /// Who measured; otherwise the host where iperf3 ran.
    pub measurement_agent: Option<IpAddr>,
    /// The sender as it was called; otherwise what the report says.
    pub input_source: Option<String>,
    /// The receiver as it was called; otherwise what the report says.
    pub input_destination: Option<String>,
    /// How the test was asked for.
    pub settings: Settings,
    /// When the test began: Unix time in seconds.
    pub ts: Option<i64>,
    /// What went wrong; this matters when the report holds no result.
    pub error: Option<String>,
}

/// How a test was asked for; `None` where that is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `tcp`, `udp` or `sctp`.
    pub protocol: Option<String>,
    /// Number of parallel streams.
    pub streams: Option<i64>,
    /// Seconds at the start that do not count.
    pub omit: Option<i64>,
    /// Seconds that count.
    pub duration: Option<i64>,
}

impl Report {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] when it is not one JSON object.
    pub fn parse(document: &str) -> Result<Self> {
        let whole = Object::parse(document)?;
        Ok(Self {
            start: whole.object("start"),
            intervals: whole.objects("intervals"),
            end: whole.object("end"),
            error: whole.get("error").and_then(|error| match error {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            }),
        })
    }

    /// Tells whether the server's side wrote it.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.start.has("accepted_connection") && !self.start.has("connecting_to")
    }

    /// Tells whether there is neither a result nor an error in it: iperf3 3.9 writes
    /// such a document when it fails, and says why after it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.error.is_none() && self.end.is_empty()
    }

    /// Returns the addresses of both sides, the one where iperf3 ran first.
    fn ends(&self) -> Option<(IpAddr, IpAddr)> {
        let connected = self.start.objects("connected");
        let first = connected.first()?;
        let host = |name| address(&first.text(name)?);
        Some((host("local_host")?, host("remote_host")?))
    }

    /// Tells whether the side where iperf3 ran sends.
    fn sends(&self) -> bool {
        self.start.object("test_start").is_set("reverse") == self.is_server()
    }

    /// Returns what the client called the server.
    fn server_name(&self) -> Option<String> {
        self.start.object("connecting_to").text("host")
    }

    fn settings(&self, known: &Settings) -> Settings {
        let test = self.start.object("test_start");
        let protocol = test.text("protocol").map(|name| name.to_lowercase());
        Settings {
            protocol: protocol.or_else(|| known.protocol.clone()),
            streams: test.integer("num_streams").or(known.streams),
            omit: test.integer("omit").or(known.omit),
            duration: test.integer("duration").or(known.duration),
        }
    }
}

/// Puts together what is known about a test. Without a report, or without a result in
/// it, the test failed.
///
/// DIFFERENCE: the original stores no failures, crashes at SCTP and at UDP with
/// several streams, and does not swap the ends with `--reverse`.
///
/// # Errors
///
/// [`Error::Missing`] when nobody tells the time or the hosts.
pub fn measurement(report: Option<&Report>, context: &Context) -> Result<Measurement> {
    let none = Report::default();
    let report = report.unwrap_or(&none);
    let settings = report.settings(&context.settings);
    let timestamp = report.start.object("timestamp").integer("timesecs");
    let values = match &report.error {
        Some(error) => values::failure(error),
        None => {
            let values = values::of(report, &settings);
            if values.is_empty() {
                values::failure(context.error.as_deref().unwrap_or(NO_RESULT))
            } else {
                values
            }
        }
    };
    Ok(Measurement {
        subject: subject(report, context)?,
        tool_name: context.tool_name.clone(),
        event_types: event_types(&settings),
        parameters: parameters(&settings),
        ts: timestamp.or(context.ts).ok_or(Error::Missing("time"))?,
        values,
        left_out: Vec::new(),
    })
}

fn subject(report: &Report, context: &Context) -> Result<Subject> {
    let ends = report.ends();
    let (sender, receiver) = match ends {
        Some((local, remote)) if report.sends() => (Some(local), Some(remote)),
        Some((local, remote)) => (Some(remote), Some(local)),
        None => (context.source, context.destination),
    };
    let source = sender.ok_or(Error::Missing("source"))?;
    let destination = receiver.ok_or(Error::Missing("destination"))?;
    let (mut input_source, mut input_destination) = (source.to_string(), destination.to_string());
    if let Some(name) = report.server_name() {
        if report.sends() {
            input_destination = name;
        } else {
            input_source = name;
        }
    }
    Ok(Subject {
        source,
        destination: Some(destination),
        measurement_agent: context
            .measurement_agent
            .or(ends.map(|(local, _)| local))
            .unwrap_or(source),
        input_source: context.input_source.clone().unwrap_or(input_source),
        input_destination: Some(
            context
                .input_destination
                .clone()
                .unwrap_or(input_destination),
        ),
    })
}

/// Lists the event types of a test, `failures` always among them, so that the good and
/// the failed runs of a test share one metadata record.
fn event_types(settings: &Settings) -> Vec<EventType> {
    let several = settings.streams.is_some_and(|streams| streams > 1);
    let mut names = vec!["failures", "throughput", "throughput-subintervals"];
    if several {
        names.extend(["streams-throughput", "streams-throughput-subintervals"]);
    }
    match settings.protocol.as_deref() {
        Some("tcp") => {
            names.extend(["packet-retransmits", "packet-retransmits-subintervals"]);
            if several {
                names.extend([
                    "streams-packet-retransmits",
                    "streams-packet-retransmits-subintervals",
                ]);
            }
        }
        Some("udp") => {
            names.extend(["packet-loss-rate", "packet-count-lost", "packet-count-sent"]);
        }
        _ => {}
    }
    names.into_iter().map(EventType::new).collect()
}

// DIFFERENCE: protocols are in lower case, and `bw-ignore-first-seconds` has
// dashes, as documented; in the original neither is so.
fn parameters(settings: &Settings) -> Map<String, Value> {
    let known = [
        (
            "time-duration",
            settings
                .duration
                .filter(|seconds| *seconds != 0)
                .map(Value::from),
        ),
        (
            "ip-transport-protocol",
            settings.protocol.clone().map(Value::from),
        ),
        (
            "bw-parallel-streams",
            settings.streams.map(|streams| json!(streams)),
        ),
        (
            "bw-ignore-first-seconds",
            settings.omit.map(|omit| json!(omit)),
        ),
    ];
    known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
