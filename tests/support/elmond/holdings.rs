//! What the modelled archive holds: tests, and their runs.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::registry;
use crate::http::Asked;

/// One run of a test.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Start, in seconds.
    pub ts: i64,
    /// Values by event type. A run without the value asked for counts against
    /// the limit of a page, and is left out afterwards; one with `failures` has
    /// failed, and counts for these only.
    pub values: BTreeMap<String, Value>,
    /// Agent, where it is not that of the test.
    pub agent: Option<String>,
}

impl Run {
    /// Returns a run with one value.
    #[must_use]
    pub fn of(ts: i64, event_type: &str, value: Value) -> Self {
        Self::empty(ts).and(event_type, value)
    }

    /// Returns a run without any value.
    #[must_use]
    pub fn empty(ts: i64) -> Self {
        Self {
            ts,
            ..Self::default()
        }
    }

    /// Returns a run that failed.
    #[must_use]
    pub fn failed(ts: i64, text: &str) -> Self {
        Self::of(ts, "failures", json!({"error": text}))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.values.contains_key("failures")
    }

    /// Adds a value. That of `histogram-rtt` is the statistics that pScheduler
    /// gives of it.
    #[must_use]
    pub fn and(mut self, event_type: &str, value: Value) -> Self {
        self.values.insert(event_type.to_owned(), value);
        self
    }
}

/// A test, which is one key.
#[derive(Debug, Clone)]
pub struct Test {
    /// 64 hex digits.
    pub key: String,
    /// Type of the test, as of pScheduler.
    pub test_type: String,
    /// What is shown, without event types, key and addresses.
    pub fields: Map<String, Value>,
    /// What filters of free names look at: the specification of the test.
    pub spec: Map<String, Value>,
    /// Event types that are listed.
    pub event_types: Vec<String>,
    /// Runs, in any order.
    pub runs: Vec<Run>,
    /// When the newest run was put on the schedule, in seconds.
    pub added: i64,
    /// The archive counts it, and then leaves it out of the list: a document
    /// without an address of the observer, a tool or a specification.
    pub is_dropped: bool,
}

impl Test {
    /// Returns a test between two hosts, with a key of its own for each number.
    #[must_use]
    pub fn new(number: u64, test_type: &str, source: &str, destination: &str) -> Self {
        let tool = match test_type {
            "throughput" => "iperf3",
            "latencybg" => "powstream",
            "latency" => "owping",
            "rtt" => "ping",
            "trace" => "traceroute",
            _ => "tool",
        };
        let fields = json!({
            "source": source, "destination": destination, "measurement-agent": source,
            "input-source": source, "input-destination": destination,
            "pscheduler-test-type": test_type, "tool-name": format!("pscheduler/{tool}"),
            "subject-type": "point-to-point", "time-duration": 60.0,
        });
        let Value::Object(fields) = fields else {
            unreachable!("an object")
        };
        let spec = ["input-source", "input-destination"];
        let spec = spec.map(|name| (name.to_owned(), fields[name].clone()));
        Self {
            key: key(number),
            test_type: test_type.to_owned(),
            fields,
            spec: spec.into_iter().collect(),
            event_types: registry::listed(test_type)
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            runs: Vec::new(),
            added: 1,
            is_dropped: false,
        }
    }

    /// Sets the runs.
    #[must_use]
    pub fn runs(mut self, runs: impl IntoIterator<Item = Run>) -> Self {
        self.runs = runs.into_iter().collect();
        self
    }

    /// Lets the archive drop the test from its list.
    #[must_use]
    pub fn dropped(mut self) -> Self {
        self.is_dropped = true;
        self
    }

    /// Returns all values of an event type, in order of time: what a program
    /// should find.
    #[must_use]
    pub fn points(&self, event_type: &str) -> Vec<(i64, Value)> {
        let values = self.runs.iter().filter_map(|run| {
            let value = run.values.get(event_type)?;
            Some((run.ts, value.clone()))
        });
        let mut points: Vec<_> = values.collect();
        points.sort_by_key(|(ts, _)| *ts);
        points
    }
}

/// Returns 64 hex digits that look like a checksum.
fn key(number: u64) -> String {
    let mut state = number;
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", mixed ^ (mixed >> 31))
    };
    [word(), word(), word(), word()].concat()
}

type AfterList = dyn FnMut(&mut Vec<Test>) + Send;
type Refuse = dyn FnMut(&Asked) -> Option<u16> + Send;

/// All tests of an archive, and how it behaves.
#[derive(Default)]
pub struct Holdings {
    /// The tests, in any order.
    pub tests: Vec<Test>,
    /// Names that the archive's host resolves, with their addresses.
    pub names: Vec<(String, Vec<String>)>,
    after_list: Option<Box<AfterList>>,
    refuse: Option<Box<Refuse>>,
}

impl fmt::Debug for Holdings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Holdings");
        debug
            .field("tests", &self.tests.len())
            .finish_non_exhaustive()
    }
}

impl Holdings {
    /// Returns an archive with these tests.
    #[must_use]
    pub fn new(tests: impl IntoIterator<Item = Test>) -> Self {
        Self {
            tests: tests.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Lets something happen after each answer of the list, so that the list
    /// moves between its pages.
    #[must_use]
    pub fn after_each_list(mut self, happen: impl FnMut(&mut Vec<Test>) + Send + 'static) -> Self {
        self.after_list = Some(Box::new(happen));
        self
    }

    /// Answers some requests with a status of an error instead.
    #[must_use]
    pub fn refusing(mut self, refuse: impl FnMut(&Asked) -> Option<u16> + Send + 'static) -> Self {
        self.refuse = Some(Box::new(refuse));
        self
    }

    pub(crate) fn was_listed(&mut self) {
        if let Some(happen) = &mut self.after_list {
            happen(&mut self.tests);
        }
    }

    pub(crate) fn refused(&mut self, asked: &Asked) -> Option<u16> {
        self.refuse.as_mut().and_then(|refuse| refuse(asked))
    }
}
