//! Results of pScheduler.
//!
//! A [`Run`] is read from the document that an archiver gets: the result, or the
//! envelope around it (`data`, `task-href`, `run-href`, `result`). A result without a
//! schedule is enough when it says when it ran. It names hosts; with their
//! [`Addresses`](crate::Addresses) it becomes a [`Measurement`](crate::Measurement).
//!
//! What is stored is what pScheduler's own archiver for esmond stores, with its default
//! [`Summaries`], without that archiver's defects:
//!
//! - DIFFERENCE: a stream with zero retransmits keeps its place in the lists of streams.
//! - DIFFERENCE: what is posted is declared, `packet-rtt` and its like too.
//! - DIFFERENCE: `ip-tos` and `flow-label` of a specification are kept.
//! - DIFFERENCE: `bw-ignore-first-seconds` is a number of seconds.
//! - DIFFERENCE: hops are counted from the first TTL, a hop without an answer is no
//!   success, and several paths are all stored.
//! - DIFFERENCE: keys that start with `_` are private: they are never sent, wherever
//!   they stand in a test's specification.
//! - DIFFERENCE: a host without an address is an error, and not a null;
//!   [`Run::unaddressed`] maps such a run all the same.
//! - DIFFERENCE: a summary that is no summary is named ([`Run::notes`]), and so is what
//!   cannot be read of a result ([`Measurement::left_out`](crate::Measurement::left_out)).
//!   A number may be a text.

mod flatten;
mod latency;
mod policy;
mod rtt;
mod run;
mod summaries;
pub(crate) mod throughput;
pub(crate) mod time;
mod trace;

pub use run::Run;
pub(crate) use run::UNSPECIFIED;
pub use summaries::{Summaries, SummariesError};

use serde_json::{Map, Value};

use crate::object::number;

/// What a kind of test contributes to a measurement.
#[derive(Debug, Default)]
struct Mapped {
    event_types: Vec<&'static str>,
    parameters: Vec<(String, Value)>,
    values: Vec<(&'static str, Value)>,
    /// What could not be read, in words.
    left_out: Vec<String>,
}

impl Mapped {
    fn declare(&mut self, event_types: &[&'static str]) {
        self.event_types.extend(event_types);
    }

    /// Takes over parameters under other names.
    fn rename(&mut self, spec: &Map<String, Value>, names: &[(&str, &str)]) {
        for (from, to) in names {
            if let Some(value) = spec.get(*from) {
                flatten::flatten(to, value, &mut self.parameters);
            }
        }
    }

    /// Takes over durations as seconds; what is no duration is taken as it is.
    fn seconds(&mut self, spec: &Map<String, Value>, names: &[(&str, &str)]) {
        for (from, to) in names {
            let Some(value) = spec.get(*from) else {
                continue;
            };
            match value.as_str().and_then(time::seconds) {
                Some(seconds) => self.parameters.push(((*to).to_owned(), seconds.into())),
                None => flatten::flatten(to, value, &mut self.parameters),
            }
        }
    }

    /// Adds a value unless there is none; archives take neither null nor empty
    /// histograms and lists.
    fn put(&mut self, event_type: &'static str, value: Option<Value>) {
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if let Some(value) = value.filter(|value| !empty(value)) {
            self.values.push((event_type, value));
        }
    }

    /// Adds values that stand in the result under other names.
    fn take(&mut self, result: &Map<String, Value>, names: &[(&str, &'static str)]) {
        for (from, to) in names {
            self.put(to, result.get(*from).cloned());
        }
    }

    /// Reads a part that is a number; one that is something else is noted.
    fn number(&mut self, of: &Map<String, Value>, name: &str) -> Option<Value> {
        let value = of.get(name).filter(|value| !value.is_null())?;
        let number = number(value).map(Value::Number);
        if number.is_none() {
            self.left_out.push(format!("{name} is no number"));
        }
        number
    }

    /// Notes that parts of a list could not be read.
    fn lost(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.left_out.push(format!("{count} {what}"));
        }
    }

    /// Adds a fraction, unless a part is missing or nothing was sent.
    fn fraction(
        &mut self,
        event_type: &'static str,
        result: &Map<String, Value>,
        numerator: &str,
        denominator: &str,
    ) {
        let part = |name: &str| result.get(name).and_then(number);
        let parts = part(numerator).zip(part(denominator));
        if let Some((above, below)) = parts.filter(|(_, below)| below.as_f64() != Some(0.0)) {
            let value = serde_json::json!({"numerator": above, "denominator": below});
            self.put(event_type, Some(value));
        }
    }
}

/// Returns an object's part that is an object.
fn object<'a>(of: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    of.get(name)?.as_object()
}

/// Returns the objects in an object's list.
fn objects<'a>(
    of: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> + Clone {
    let list = of.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}
