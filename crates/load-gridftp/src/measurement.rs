//! From a transfer to what an archive is told about it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use esmond_ps_cli_common::loader::{Document, Points, Record};
use esmond_ps_client::{Error, NewMetadata};
use esmond_ps_results::{Subject, document};
use serde_json::{Value, json};

use crate::reply;
use crate::transfer::{Direction, Figure, Style, Transfer};

/// Which of the parameters that may say too much are sent. Default: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// `gridftp-file`, the path.
    pub file: bool,
    /// `gridftp-user`, who transferred it.
    pub user: bool,
    /// `gridftp-volume`.
    pub volume: bool,
}

/// The metadata of a transfer and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Where the data came from.
    pub source: IpAddr,
    /// Where it went.
    pub destination: IpAddr,
    /// The server, which measured.
    pub agent: IpAddr,
    /// The source as logged.
    pub input_source: String,
    /// The destination as logged.
    pub input_destination: String,
    /// Event types to declare.
    pub event_types: &'static [&'static str],
    /// Further parameters; none of them null.
    pub parameters: Vec<(&'static str, Value)>,
    /// Time of the values, seconds since 1970.
    pub ts: i64,
    /// How long the transfer took, in microseconds; none where the log does not tell,
    /// or tells of an end before the start. Logstash alone gets it.
    pub lasted_us: Option<i64>,
    /// Event type, time and value of each point; no value is null.
    pub values: Vec<(String, i64, Value)>,
}

/// Reads the address of the other end.
///
/// An IPv4 address in IPv6 clothes (`::FFFF:203.0.113.82`) is an IPv4 address.
///
/// DIFFERENCE: to the original such an address is one of IPv6, and records of hosts
/// with IPv4 alone are lost.
///
/// # Errors
///
/// Why it is not the address of one host.
pub fn peer_address(peer: &str) -> Result<IpAddr, String> {
    if peer.contains(',') {
        return Err(format!("the peer {peer} is not one address"));
    }
    let address: IpAddr = peer
        .parse()
        .map_err(|_| format!("the peer {peer} is no address"))?;
    let address = address.to_canonical();
    if address.is_unspecified() {
        return Err(format!("the peer is unknown ({peer})"));
    }
    Ok(address)
}

impl Measurement {
    /// Puts together what is known, with the address of [`Transfer::host`] and of
    /// [`Transfer::peer`].
    #[must_use]
    pub fn new(
        transfer: &Transfer<'_>,
        host: IpAddr,
        peer: IpAddr,
        attributes: Attributes,
    ) -> Self {
        let server = (host, transfer.host.to_string());
        let other = (peer, transfer.peer.to_string());
        let ((source, input_source), (destination, input_destination)) = match transfer.direction {
            Direction::FromServer => (server, other),
            Direction::ToServer => (other, server),
        };
        Self {
            source,
            destination,
            agent: host,
            input_source,
            input_destination,
            event_types: transfer.style.event_types(),
            parameters: parameters(transfer, attributes),
            ts: transfer.ts(),
            lasted_us: transfer.lasted_us(),
            values: values(transfer),
        }
    }

    /// Returns a number that is the same for measurements of the same metadata.
    #[must_use]
    pub fn metadata_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let ends = (self.source, self.destination, self.agent);
        (ends, &self.input_source, &self.input_destination).hash(&mut hasher);
        self.parameters.hash(&mut hasher);
        hasher.finish()
    }

    /// Tells whether the log told more than is there of every transfer.
    #[must_use]
    pub fn has_details(&self) -> bool {
        let of_all = Style::Netlogger.event_types();
        let mut values = self.values.iter();
        values.any(|(event_type, ..)| !of_all.contains(&event_type.as_str()))
    }

    /// Returns the metadata as it is posted.
    #[must_use]
    pub fn metadata(&self) -> NewMetadata {
        let mut metadata = NewMetadata::point_to_point(
            self.source.to_string(),
            self.destination.to_string(),
            self.agent.to_string(),
            TOOL,
            &self.input_source,
            &self.input_destination,
        );
        for event_type in self.event_types {
            metadata = metadata.event_type(*event_type);
        }
        for (name, value) in &self.parameters {
            metadata = metadata.parameter(*name, value.clone());
        }
        metadata
    }
}

impl Record for Measurement {
    fn points(&self) -> Result<Points, Error> {
        Ok(Points {
            metadata: self.metadata(),
            values: self.values.clone(),
        })
    }

    /// A transfer is a test of type `throughput`: there alone perfSONAR 5 has averages,
    /// and filters by event type.
    fn document(&self) -> Result<Document, Error> {
        let parameters = self.parameters.iter();
        let values = self.values.iter();
        let measurement = esmond_ps_results::Measurement {
            subject: Subject {
                source: self.source,
                destination: Some(self.destination),
                measurement_agent: self.agent,
                input_source: self.input_source.clone(),
                input_destination: Some(self.input_destination.clone()),
            },
            tool_name: TOOL.to_owned(),
            event_types: Vec::new(),
            parameters: parameters
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            ts: self.ts,
            values: values
                .map(|(event_type, _, value)| (event_type.clone(), value.clone()))
                .collect(),
            left_out: Vec::new(),
        };
        #[expect(clippy::cast_precision_loss, reason = "a transfer of 285 years is not")]
        let details = document::Details {
            seconds: self.lasted_us.map(|lasted| lasted as f64 / 1e6),
            of_run: &OF_RUN,
        };
        let body = document::of(&measurement, details).map_err(|_| Error::Unsendable {
            what: format!("the transfer at {}", self.ts),
            reason: "no calendar has its time",
        })?;
        Ok(Document {
            observer: self.agent.to_string(),
            body,
        })
    }
}

/// Parameters that differ from one transfer to the next of the same kind. Esmond
/// archives have a record for each of their values all the same.
const OF_RUN: [&str; 4] = [
    "gridftp-bytes-transferred",
    "gridftp-file",
    "gridftp-user",
    "gridftp-volume",
];

/// Name of the tool in the metadata.
const TOOL: &str = "gridftp";

// DIFFERENCE: to the original a user or a file that looks like a number is one, and
// what a log lacks is null.
fn parameters(transfer: &Transfer<'_>, wanted: Attributes) -> Vec<(&'static str, Value)> {
    let number = |number: &Option<Figure>| number.as_ref().map(Figure::to_json);
    let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(Value::from);
    let optional = |wanted: bool, value| if wanted { text(value) } else { None };
    let all = [
        ("bw-parallel-streams", number(&transfer.streams)),
        ("bw-stripes", number(&transfer.stripes)),
        ("gridftp-program", text(&transfer.program)),
        ("gridftp-block-size", number(&transfer.block_size)),
        ("tcp-window-size", number(&transfer.window_size)),
        ("gridftp-bytes-transferred", number(&transfer.bytes)),
        ("gridftp-file", optional(wanted.file, &transfer.file)),
        ("gridftp-user", optional(wanted.user, &transfer.user)),
        ("gridftp-volume", optional(wanted.volume, &transfer.volume)),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn values(transfer: &Transfer<'_>) -> Vec<(String, i64, Value)> {
    let ts = transfer.ts();
    let mut values = Vec::new();
    let mut push = |event_type: &str, value| values.push((event_type.to_owned(), ts, value));
    if transfer.succeeded() {
        if let Some(rate) = transfer.throughput() {
            push("throughput", json!(rate));
        }
        // DIFFERENCE: the original posts an empty list.
        if !transfer.retransmits.is_empty() {
            let retransmits = transfer.retransmits.iter().map(Figure::to_json);
            push("streams-packet-retransmits", retransmits.collect());
        }
    } else {
        // DIFFERENCE: in bulk, like all values; the original posts failures one by
        // one.
        push("failures", json!({"error": reply::message(&transfer.code)}));
    }
    let details = transfer.details.clone().into_iter();
    values.extend(details.map(|(event_type, value)| (event_type, ts, value)));
    values
}

#[cfg(test)]
mod tests {
    use super::peer_address;

    #[test]
    fn a_peer_is_one_known_address() {
        // DIFFERENCE: to the original `::FFFF:203.0.113.82` is an address of IPv6.
        let p = |text: &str| peer_address(text).map(|address| address.to_string());
        assert_eq!(p("203.0.113.81").as_deref(), Ok("203.0.113.81"));
        assert_eq!(p("::FFFF:203.0.113.82").as_deref(), Ok("203.0.113.82"));
        assert_eq!(p("2001:DB8:20::81").as_deref(), Ok("2001:db8:20::81"));
        for text in [
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "10.0.0.1,10.0.0.2",
            "remote.example",
            "",
        ] {
            assert!(p(text).is_err(), "{text}");
        }
    }
}
