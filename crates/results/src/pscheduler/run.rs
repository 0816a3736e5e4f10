//! One run of a test.

use serde_json::{Map, Value, json};

use super::policy::Policy;
use super::{Mapped, flatten, latency, object, rtt, summaries, throughput, time, trace};
use crate::addresses::{Addresses, Family};
use crate::{Error, EventType, Measurement, Result, Subject};

/// What a run failed with when it does not say.
const UNSPECIFIED: &str = "The test failed for an unspecified reason. \
See the server logs of the testing host(s).";

const RAW: &str = "pscheduler-raw";
const RUN_HREF: &str = "pscheduler-run-href";

/// One run of a test, as an archiver of pScheduler gets it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The archiver's own settings; empty when there is no envelope.
    data: Map<String, Value>,
    href: Option<String>,
    lead: String,
    agent: Option<String>,
    kind: String,
    spec: Map<String, Value>,
    tool: String,
    start: i64,
    duration: Option<f64>,
    reference: Option<Value>,
    /// `null` when the run gave no result.
    result: Value,
}

/// Whom a run was about, as it says.
struct Hosts {
    source: String,
    destination: Option<String>,
}

impl Run {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] when it is no JSON object, [`Error::Missing`] when it lacks what
    /// every run has.
    pub fn parse(document: &str) -> Result<Self> {
        let mut whole: Map<String, Value> = serde_json::from_str(document)?;
        let enveloped = !whole.contains_key("test");
        let (run, data) = if enveloped {
            let run = whole.shift_remove("result").unwrap_or_default();
            let data = whole.shift_remove("data").unwrap_or_default();
            let Value::Object(run) = run else {
                return Err(Error::Missing("result"));
            };
            (run, data)
        } else {
            (std::mem::take(&mut whole), Value::Null)
        };
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        let missing = Error::Missing;
        let test = object(&run, "test").ok_or(missing("test"))?;
        let schedule = object(&run, "schedule").ok_or(missing("schedule"))?;
        let tool = object(&run, "tool").ok_or(missing("tool"))?;
        let text = |of: &Map<String, Value>, name| of.get(name)?.as_str().map(ToOwned::to_owned);
        let lead = run
            .get("participants")
            .and_then(|list| list.get(0)?.as_str());
        let href = text(&whole, "run-href").or_else(|| text(object(&run, "run")?, "href"));
        let spec = object(test, "spec").cloned().unwrap_or_default();
        let reference = [
            run.get("reference"),
            object(&run, "task").and_then(|task| task.get("reference")),
        ];
        Ok(Self {
            href,
            lead: lead
                .map(ToOwned::to_owned)
                .or_else(|| text(&spec, "source"))
                .ok_or(missing("participants"))?,
            agent: text(&data, "measurement-agent"),
            kind: text(test, "type").ok_or(missing("test type"))?,
            spec,
            tool: text(tool, "name").ok_or(missing("tool name"))?,
            start: text(schedule, "start")
                .and_then(|start| time::unix(&start))
                .ok_or(missing("start time"))?,
            duration: text(schedule, "duration").and_then(|duration| time::seconds(&duration)),
            reference: reference
                .into_iter()
                .flatten()
                .find(|one| !one.is_null())
                .cloned(),
            result: run.get("result").cloned().unwrap_or_default(),
            data,
        })
    }

    /// Sets who measured, for a document that does not say.
    #[must_use]
    pub fn measured_by(mut self, agent: impl Into<String>) -> Self {
        self.agent.get_or_insert_with(|| agent.into());
        self
    }

    /// Lists the hosts whose addresses [`measurement`](Self::measurement) needs.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let mut all = vec![self.agent.clone().unwrap_or_else(|| self.lead.clone())];
        if let Ok(hosts) = self.subject_hosts() {
            all.push(hosts.source);
            all.extend(hosts.destination);
        }
        all.sort();
        all.dedup();
        all
    }

    /// Maps the run.
    ///
    /// # Errors
    ///
    /// [`Error::NoAddress`] for a host without an address, [`Error::NotMapped`] when the
    /// envelope forbids to store this kind of test, [`Error::Missing`] when the test
    /// names no destination.
    pub fn measurement(&self, addresses: &Addresses) -> Result<Measurement> {
        let policy = Policy::of(&self.data);
        if policy == Policy::MappedOnly && !self.is_mapped() {
            return Err(Error::NotMapped(self.kind.clone()));
        }
        let result = self.result.as_object();
        let succeeded = result.is_some_and(|result| result.get("succeeded") == Some(&json!(true)));
        let empty = Map::new();
        let mut mapped = self.map(result.filter(|_| succeeded).unwrap_or(&empty));
        if !succeeded {
            let error = result
                .and_then(|result| result.get("error"))
                .unwrap_or(&Value::Null);
            let error = match error {
                Value::String(text) if !text.is_empty() => text.clone(),
                Value::Null | Value::String(_) => UNSPECIFIED.to_owned(),
                other => other.to_string(),
            };
            mapped.values = vec![("failures", json!({ "error": error }))];
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
        if let Some(reference @ Value::Object(_)) = &self.reference {
            flatten::flatten("pscheduler-reference", reference, &mut mapped.parameters);
        }
        Ok(self.assemble(self.subject(addresses)?, mapped))
    }

    fn assemble(&self, subject: Subject, mapped: Mapped) -> Measurement {
        let mut names = mapped.event_types;
        for (name, _) in &mapped.values {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let event_types = names.into_iter().map(|name| EventType {
            name: name.to_owned(),
            summaries: summaries::of(name, &self.data),
        });
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
            tool_name: format!("pscheduler/{}", self.tool),
            event_types: event_types.collect(),
            parameters: standard.chain(mapped.parameters).collect(),
            ts: self.start,
            values: values
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
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
        let rate = result.get("throughput").and_then(|value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        });
        mapped.put("throughput", rate.map(Value::from));
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

    fn subject_hosts(&self) -> Result<Hosts> {
        let field = |name: &str| self.spec.get(name).and_then(Value::as_str);
        if !self.is_mapped() {
            return Ok(Hosts {
                source: self.lead.clone(),
                destination: None,
            });
        }
        if self.kind == "disk-to-disk" {
            // A file without a host is one of whoever ran the test.
            let host = |name| {
                field(name)
                    .and_then(url_host)
                    .unwrap_or_else(|| self.lead.clone())
            };
            return Ok(Hosts {
                source: host("source"),
                destination: Some(host("dest")),
            });
        }
        Ok(Hosts {
            source: field("source").unwrap_or(&self.lead).to_owned(),
            destination: Some(
                field("dest")
                    .ok_or(Error::Missing("destination"))?
                    .to_owned(),
            ),
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
        let agent = self.agent.as_deref().unwrap_or(&self.lead);
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
