//! One run of a test.

mod read;

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::policy::Policy;
use super::{Mapped, Summaries, flatten, latency, rtt, throughput, trace};
use crate::addresses::{Addresses, Family};
use crate::{Error, EventType, Measurement, Result, Subject};

/// What a run failed with when it does not say.
pub(crate) const UNSPECIFIED: &str = "The test failed for an unspecified reason. \
See the server logs of the testing host(s).";

const RAW: &str = "pscheduler-raw";
const RUN_HREF: &str = "pscheduler-run-href";

/// One run of a test, as an archiver of pScheduler gets it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The archiver's own settings; empty when there is no envelope.
    data: Map<String, Value>,
    href: Option<String>,
    id: Option<String>,
    task_href: Option<String>,
    /// The first participant, who leads.
    lead: Option<String>,
    agent: Option<String>,
    /// Who may have measured, as the document says, the best first.
    agents: Vec<String>,
    kind: String,
    spec: Map<String, Value>,
    tool: Option<String>,
    start: i64,
    duration: Option<f64>,
    reference: Option<Value>,
    /// `null` when the run gave no result.
    result: Value,
    summaries: Summaries,
    /// Whether the summaries are those of an envelope.
    own_summaries: bool,
    notes: Vec<String>,
}

/// Whom a run was about, as it says.
struct Hosts {
    source: String,
    destination: Option<String>,
}

impl Run {
    /// Sets who measured, for a document that does not say.
    #[must_use]
    pub fn measured_by(mut self, agent: impl Into<String>) -> Self {
        self.agent.get_or_insert_with(|| agent.into());
        self
    }

    /// Sets who measured, whatever the document says.
    #[must_use]
    pub fn observed_by(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Sets the summaries that are asked for; those of an envelope win.
    #[must_use]
    pub fn summarised_by(mut self, summaries: &Summaries) -> Self {
        if !self.own_summaries {
            self.summaries.clone_from(summaries);
        }
        self
    }

    /// Lists the hosts whose addresses [`measurement`](Self::measurement) needs.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let agent = self.agent.as_ref().or(self.lead.as_ref());
        let mut all: Vec<_> = agent.cloned().into_iter().chain(self.ends()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Lists the hosts that the test was about: source and destination.
    #[must_use]
    pub fn ends(&self) -> Vec<String> {
        let hosts = self.subject_hosts().ok();
        let list = hosts.map(|hosts| [Some(hosts.source), hosts.destination]);
        list.into_iter().flatten().flatten().collect()
    }

    /// Lists the hosts that may have measured as the document says, the best first: who
    /// the envelope names, or else the host of the task's address, then the lead
    /// participant.
    #[must_use]
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// Returns the address of the task, which its runs have in common.
    #[must_use]
    pub fn task_href(&self) -> Option<&str> {
        self.task_href.as_deref()
    }

    /// Returns what the run calls itself, for runs of which no task is known.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the result as it is; null when there is none.
    #[must_use]
    pub const fn result(&self) -> &Value {
        &self.result
    }

    /// Lists what is odd about the document, in words.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Maps the run.
    ///
    /// # Errors
    ///
    /// [`Error::NoAddress`] for a host without an address, [`Error::NotMapped`] when the
    /// envelope forbids to store this kind of test, [`Error::Missing`] when the test
    /// names no source or destination.
    pub fn measurement(&self, addresses: &Addresses) -> Result<Measurement> {
        let mapped = self.mapped()?;
        Ok(self.assemble(self.subject(addresses)?, mapped))
    }

    /// Maps a run whose hosts have no addresses: as a test of one host, that of whoever
    /// measured. What the hosts are called is kept.
    ///
    /// # Errors
    ///
    /// [`Error::NotMapped`] as for [`measurement`](Self::measurement).
    pub fn unaddressed(&self, measurement_agent: IpAddr) -> Result<Measurement> {
        let mapped = self.mapped()?;
        let destination = self.destination();
        let subject = Subject {
            source: measurement_agent,
            destination: None,
            measurement_agent,
            input_source: self
                .source()
                .unwrap_or_else(|| measurement_agent.to_string()),
            input_destination: destination,
        };
        Ok(self.assemble(subject, mapped))
    }

    fn mapped(&self) -> Result<Mapped> {
        let policy = Policy::of(&self.data);
        if policy == Policy::MappedOnly && !self.is_mapped() {
            return Err(Error::NotMapped(self.kind.clone()));
        }
        let empty = Map::new();
        let failure = self.failure();
        let result = self.result.as_object().filter(|_| failure.is_none());
        let mut mapped = self.map(result.unwrap_or(&empty));
        if let Some(error) = failure {
            mapped.values = vec![("failures", json!({ "error": error }))];
        }
        if !self.result.is_null() && !self.result.is_object() {
            mapped.left_out.push("the result is no object".to_owned());
        }
        mapped.declare(&[RUN_HREF]);
        mapped.put(
            RUN_HREF,
            self.href.as_ref().map(|href| json!({ "href": href })),
        );
        let with_raw = self.kind == "disk-to-disk" || policy == Policy::MappedAndRaw;
        if with_raw && self.is_mapped() {
            mapped.declare(&[RAW]);
            mapped.put(RAW, Some(self.result.clone()));
        }
        if let Some(reference) = &self.reference {
            flatten::flatten("pscheduler-reference", reference, &mut mapped.parameters);
        }
        Ok(mapped)
    }

    /// Returns why the run failed. One that does not say whether it succeeded did when
    /// there is a result without an error.
    fn failure(&self) -> Option<String> {
        let result = self.result.as_object();
        let error = match result.and_then(|result| result.get("error")) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let succeeded = match result.and_then(|result| result.get("succeeded")) {
            Some(Value::Bool(succeeded)) => *succeeded,
            _ => error.is_none() && result.is_some_and(|result| !result.is_empty()),
        };
        (!succeeded).then(|| error.unwrap_or_else(|| UNSPECIFIED.to_owned()))
    }

    fn assemble(&self, subject: Subject, mapped: Mapped) -> Measurement {
        let declared = &mapped.event_types;
        let further = mapped.values.iter().map(|(name, _)| name);
        let further = further.filter(|name| !declared.contains(name));
        let event_types = declared.iter().chain(further).map(|name| EventType {
            name: (*name).to_owned(),
            summaries: self.summaries.of(name),
            of_every_run: declared.contains(name),
        });
        let event_types = event_types.collect();
        let standard = [
            ("pscheduler-test-type", Some(Value::from(self.kind.clone()))),
            (
                "time-duration",
                self.duration
                    .filter(|seconds| *seconds != 0.0)
                    .map(Value::from),
            ),
        ];
        let standard = standard
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let values = mapped.values.into_iter();
        Measurement {
            subject,
            tool_name: match &self.tool {
                Some(tool) => format!("pscheduler/{tool}"),
                None => "pscheduler".to_owned(),
            },
            event_types,
            parameters: standard.chain(mapped.parameters).collect(),
            ts: self.start,
            values: values
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            left_out: mapped.left_out,
        }
    }

    /// Tells whether this kind of test has a mapping that may be used.
    fn is_mapped(&self) -> bool {
        let known = [
            "throughput",
            "latency",
            "latencybg",
            "rtt",
            "trace",
            "disk-to-disk",
        ];
        Policy::of(&self.data) != Policy::RawOnly && known.contains(&self.kind.as_str())
    }

    fn map(&self, result: &Map<String, Value>) -> Mapped {
        let spec = &self.spec;
        if !self.is_mapped() {
            return self.raw(result);
        }
        match self.kind.as_str() {
            "throughput" => throughput::map(spec, result),
            "rtt" => rtt::map(spec, result),
            "trace" => trace::map(spec, result),
            "disk-to-disk" => self.disk_to_disk(result),
            _ => latency::map(spec, result),
        }
    }

    fn disk_to_disk(&self, result: &Map<String, Value>) -> Mapped {
        let mut mapped = Mapped::default();
        mapped.declare(&["failures", "throughput"]);
        mapped.rename(&self.spec, &[("parallel", "bw-parallel-streams")]);
        self.whole_spec(&mut mapped);
        let rate = mapped.number(result, "throughput");
        mapped.put("throughput", rate);
        mapped
    }

    fn raw(&self, result: &Map<String, Value>) -> Mapped {
        let mut mapped = Mapped::default();
        mapped.declare(&[RAW]);
        self.whole_spec(&mut mapped);
        mapped.put(RAW, Some(Value::Object(result.clone())));
        mapped
    }

    fn whole_spec(&self, mapped: &mut Mapped) {
        for (field, value) in self
            .spec
            .iter()
            .filter(|(field, _)| !field.starts_with('_'))
        {
            let name = format!("pscheduler-{}-{field}", self.kind);
            flatten::flatten(&name, value, &mut mapped.parameters);
        }
    }

    /// Returns the source as the run calls it.
    fn source(&self) -> Option<String> {
        let lead = || self.lead.clone().or_else(|| self.agent.clone());
        let named = text(&self.spec, "source").filter(|name| !name.is_empty());
        match self.kind.as_str() {
            _ if !self.is_mapped() => lead(),
            // A file without a host is one of whoever ran the test.
            "disk-to-disk" => named.as_deref().and_then(url_host).or_else(lead),
            _ => named.or_else(lead),
        }
    }

    /// Returns the destination as the run calls it; a test without a mapping has none.
    fn destination(&self) -> Option<String> {
        let named = text(&self.spec, "dest").filter(|name| !name.is_empty());
        match self.kind.as_str() {
            _ if !self.is_mapped() => None,
            "disk-to-disk" => named
                .as_deref()
                .and_then(url_host)
                .or_else(|| self.lead.clone())
                .or_else(|| self.agent.clone()),
            _ => named,
        }
    }

    fn subject_hosts(&self) -> Result<Hosts> {
        let destination = self.destination();
        if self.is_mapped() && destination.is_none() {
            return Err(Error::Missing("destination"));
        }
        Ok(Hosts {
            source: self.source().ok_or(Error::Missing("source"))?,
            destination,
        })
    }

    fn subject(&self, addresses: &Addresses) -> Result<Subject> {
        let Hosts {
            source: input_source,
            destination: input_destination,
        } = self.subject_hosts()?;
        let version = self.spec.get("ip-version").and_then(Value::as_i64);
        let other = input_destination.as_deref().unwrap_or(&input_source);
        let (source, destination) = addresses.pair(&input_source, other, version)?;
        let agent = self.agent.as_deref().or(self.lead.as_deref());
        let agent = agent.unwrap_or(&input_source);
        let measurement_agent = addresses
            .of(agent, Family::of(source))
            .or_else(|_| addresses.of(agent, Family::Any))?;
        Ok(Subject {
            source,
            destination: input_destination.is_some().then_some(destination),
            measurement_agent,
            input_source,
            input_destination,
        })
    }
}

fn text(of: &Map<String, Value>, name: &str) -> Option<String> {
    of.get(name)?.as_str().map(ToOwned::to_owned)
}

/// Returns the host of a URL; `None` when it has none.
fn url_host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::url_host;

    #[test]
    fn hosts_of_urls() {
        let p = |url| url_host(url).unwrap_or_default();
        assert_eq!(
            p("ftp://user:pw@dtn1.example.org:2811/data/1G"),
            "dtn1.example.org"
        );
        assert_eq!(p("gsiftp://[2001:db8::1]:2811/x"), "2001:db8::1");
        assert_eq!(p("file:///dev/null"), "");
        assert_eq!(p("/dev/null"), "");
    }
}
