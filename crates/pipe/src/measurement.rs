//! From a test in the input to what is stored of it.

use std::net::IpAddr;

use esmond_ps_client::NewMetadata;
use esmond_ps_results::iperf3::{Context, Report};
use esmond_ps_results::{Addresses, Measurement, address, iperf3, pscheduler};
use serde_json::value::RawValue;

use crate::bwctl::{self, scanner};
use crate::lookup::{self, Lookup};
use crate::reader::{Test, error_line};

/// The tool of bwctl that prints JSON.
const IPERF3: &str = "iperf3";

/// What is known beside the input.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The sender as it was called; wins over the input.
    pub source: Option<String>,
    /// The receiver as it was called; wins over the input.
    pub destination: Option<String>,
    /// When a test was read: Unix time in seconds.
    pub now: i64,
}

/// A test that can be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// What is stored.
    pub measurement: Measurement,
    /// What is odd about the input, in the words of the log.
    pub oddities: Vec<String>,
    /// Whether a failed test is a failure of the run, too: whoever pipes a tool into
    /// this program sees no other exit status.
    pub failure_counts: bool,
}

/// Why a test cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// What is missing or wrong, in the words of the log.
    Unreadable(Vec<String>),
    /// bwctl used a tool whose output has no structure.
    NoHandler(String),
}

impl From<esmond_ps_results::Error> for Problem {
    fn from(error: esmond_ps_results::Error) -> Self {
        Self::Unreadable(vec![error.to_string()])
    }
}

/// Maps a test.
///
/// # Errors
///
/// Why it cannot be stored.
pub async fn map(test: &Test, names: &Names, lookup: &impl Lookup) -> Result<Mapped, Problem> {
    match test {
        Test::Bwctl(found) => from_bwctl(found, names, lookup).await,
        Test::Iperf3 { document, error } => {
            from_iperf3(Some(document), error.as_deref(), names, lookup).await
        }
        Test::Iperf3Cut(text) => {
            let error = Some("iperf3 printed no whole result");
            let mut mapped = from_iperf3(None, error, names, lookup).await?;
            mapped.oddities.push(json_error(text));
            Ok(mapped)
        }
        Test::Pscheduler(document) => {
            let run = pscheduler::Run::parse(document)?;
            let known = lookup::addresses(lookup, run.hosts()).await;
            let measurement = run.measurement(&known)?;
            Ok(Mapped {
                oddities: [run.notes(), &measurement.left_out].concat(),
                measurement,
                failure_counts: false,
            })
        }
        Test::Unknown(text) => Err(Problem::Unreadable(vec![json_error(text)])),
    }
}

async fn from_iperf3(
    document: Option<&str>,
    error: Option<&str>,
    names: &Names,
    lookup: &impl Lookup,
) -> Result<Mapped, Problem> {
    let report = document.map(Report::parse).transpose()?;
    let mut context = Context {
        tool_name: IPERF3.to_owned(),
        input_source: names.source.clone(),
        input_destination: names.destination.clone(),
        ts: Some(names.now),
        error: error.map(ToOwned::to_owned),
        ..Context::default()
    };
    if let (Some(source), Some(destination)) = (&names.source, &names.destination) {
        let ends = pair(lookup, source, destination).await;
        (context.source, context.destination) = ends.ok().unzip();
    }
    let measurement = iperf3::measurement(report.as_ref(), &context).map_err(|error| {
        let hint = "--input-source and --input-destination name them".to_owned();
        Problem::Unreadable(vec![error.to_string(), hint])
    })?;
    Ok(Mapped {
        measurement,
        oddities: Vec::new(),
        failure_counts: true,
    })
}

async fn from_bwctl(
    found: &bwctl::Found,
    names: &Names,
    lookup: &impl Lookup,
) -> Result<Mapped, Problem> {
    let tool = found.tool_name().unwrap_or_default();
    if !tool.is_empty() && tool != IPERF3 {
        return Err(Problem::NoHandler(tool.to_owned()));
    }
    let source = names.source.as_deref().or(found.source_name());
    let destination = names.destination.as_deref().or(found.destination_name());
    let missing = scanner::missing([Some(tool), source, destination]);
    let (Some(source), Some(destination), true) = (source, destination, missing.is_empty()) else {
        return Err(Problem::Unreadable(missing));
    };
    let json = if found.too_long {
        Json::Broken(String::new())
    } else {
        first_json(&found.output)
    };
    let said = found.output.lines().find_map(error_line);
    let (report, error, oddities) = match json {
        Json::Whole(text) => (Some(Report::parse(&text)?), said, Vec::new()),
        Json::Broken(text) => {
            let error = said.unwrap_or_else(|| "iperf3 printed no whole result".to_owned());
            (None, Some(error), vec![json_error(&text)])
        }
        Json::None => (None, said, Vec::new()),
    };
    let (sender, receiver) = ends(found, source, destination, lookup).await;
    let context = Context {
        tool_name: format!("bwctl/{IPERF3}"),
        source: sender,
        destination: receiver,
        measurement_agent: None,
        input_source: Some(source.to_owned()),
        input_destination: Some(destination.to_owned()),
        settings: found.command.settings.clone(),
        ts: found.start,
        error,
    };
    let mut measurement = iperf3::measurement(report.as_ref(), &context)?;
    // Who runs bwctl measures, whoever the ends are.
    let towards = host_address(destination).or(measurement.subject.destination);
    if let Some(agent) = towards.and_then(|towards| lookup.local_address_towards(towards)) {
        measurement.subject.measurement_agent = agent;
    }
    Ok(Mapped {
        measurement,
        oddities,
        failure_counts: true,
    })
}

/// Returns the addresses of sender and receiver, as far as bwctl says them.
async fn ends(
    found: &bwctl::Found,
    source: &str,
    destination: &str,
    lookup: &impl Lookup,
) -> (Option<IpAddr>, Option<IpAddr>) {
    let (own, other) = found.command.ends();
    let first =
        |candidates: [Option<&str>; 3]| candidates.into_iter().flatten().find_map(host_address);
    let sender = first([found.sender.as_deref(), own, Some(source)]);
    let receiver = first([found.receiver.as_deref(), other, Some(destination)]);
    if sender.is_some() && receiver.is_some() {
        return (sender, receiver);
    }
    let host = |name: &str| split_port(name).to_owned();
    let pair = pair(lookup, &host(source), &host(destination)).await;
    pair.ok().unzip()
}

async fn pair(
    lookup: &impl Lookup,
    source: &str,
    destination: &str,
) -> esmond_ps_results::Result<(IpAddr, IpAddr)> {
    let hosts = vec![source.to_owned(), destination.to_owned()];
    let known: Addresses = lookup::addresses(lookup, hosts).await;
    known.pair(source, destination, None)
}

/// Reads an address, with or without a port.
fn host_address(text: &str) -> Option<IpAddr> {
    address(text).or_else(|| address(split_port(text)))
}

/// Takes a port away: `host:port`, `[v6]:port`.
fn split_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (host.ends_with(']') || !host.contains(':')) =>
        {
            host
        }
        _ => text,
    }
}

enum Json {
    Whole(String),
    Broken(String),
    None,
}

/// Finds the first JSON object of a text, which begins with a line of its own.
fn first_json(text: &str) -> Json {
    let mut lines = text.split_inclusive('\n');
    let mut at = 0;
    let Some(start) = lines.find_map(|line| {
        let start = at;
        at += line.len();
        line.trim_start().starts_with('{').then_some(start)
    }) else {
        return Json::None;
    };
    let text = &text[start..];
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>();
    match values.next() {
        Some(Ok(value)) => Json::Whole(value.get().to_owned()),
        _ => Json::Broken(text.to_owned()),
    }
}

/// How much of a broken document the log shows, in letters.
const SHOWN: usize = 200;

fn json_error(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("could not load json_block: {shown}")
}

/// Describes a measurement to the client.
#[must_use]
pub fn metadata(measurement: &Measurement) -> NewMetadata {
    let subject = &measurement.subject;
    let (source, agent) = (
        subject.source.to_string(),
        subject.measurement_agent.to_string(),
    );
    let (tool, input) = (
        measurement.tool_name.as_str(),
        subject.input_source.as_str(),
    );
    let new = match subject.destination {
        Some(destination) => NewMetadata::point_to_point(
            source,
            destination.to_string(),
            agent,
            tool,
            input,
            subject.input_destination.clone().unwrap_or_default(),
        ),
        None => NewMetadata::network_element(source, agent, tool, input),
    };
    let declared = measurement.event_types.iter().fold(new, |new, event_type| {
        let name = event_type.name.as_str();
        event_type
            .summaries
            .iter()
            .fold(new.event_type(name), |new, summary| {
                new.summary(name, summary.summary_type, summary.window)
            })
    });
    measurement
        .parameters
        .iter()
        .fold(declared, |new, (name, value)| {
            new.parameter(name, value.clone())
        })
}

#[cfg(test)]
mod tests {
    use super::{Json, first_json, split_port};

    #[test]
    fn the_first_object_counts_and_text_around_it_does_not() {
        let p = |text| match first_json(text) {
            Json::Whole(text) => text,
            Json::Broken(text) => format!("BROKEN {text}"),
            Json::None => "NONE".to_owned(),
        };
        assert_eq!(p("warning: {x}\n{\"a\":\n1}\n{\"b\": 2}\n"), "{\"a\":\n1}");
        assert_eq!(p("\n{\"a\": \"cut\n"), "BROKEN {\"a\": \"cut\n");
        assert_eq!(p("no {}\n"), "NONE");
    }

    #[test]
    fn ports_are_taken_away() {
        for (text, host) in [
            ("ps1.example.org:4823", "ps1.example.org"),
            ("[2001:db8::1]:4823", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(split_port(text), host);
        }
    }
}
