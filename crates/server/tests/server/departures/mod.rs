//! Where ours deliberately answers otherwise than the original archive: every
//! row of the [`table`] is a DIFFERENCE.
//!
//! The rows that apply to an exchange change its recorded answer, in order,
//! into the one that ours must give. A row that changes nothing, or that no
//! exchange needs, fails the replay.

mod edit;
mod table;

use std::fmt;

use serde_json::{Map, Value, json};

use crate::replay::{Exchange, Expected, Scenario};

pub(crate) use table::all;

/// One deliberate departure.
pub(crate) struct Departure {
    /// Start of the scenario's name; empty for all.
    scenario: &'static str,
    exchanges: Which,
    ours: Ours,
    /// Why.
    reason: &'static str,
}

/// Which exchanges depart.
pub(crate) enum Which {
    /// Those with these names.
    Named(&'static [&'static str]),
    /// Those for which this holds, after the rows before.
    Where(fn(&Exchange, &Expected) -> bool),
}

/// What ours answers.
pub(crate) enum Ours {
    /// A refusal.
    Refused(u16, &'static str),
    /// That there is no such path.
    NoSuchPath,
    /// That the body is no JSON object, with the body.
    Undecodable,
    /// 200 with this JSON.
    Shows(&'static str),
    /// What the original answers in another exchange of the scenario.
    Like(&'static str),
    /// What the original answers in these exchanges, as one list.
    Joined(&'static [&'static str]),
    /// The recorded answer with changes.
    Changed(fn(&mut Expected)),
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: &[&str] = match self.exchanges {
            Which::Named(names) => names,
            Which::Where(_) => &["some"],
        };
        write!(f, "{}/{names:?}: {}", self.scenario, self.reason)
    }
}

impl Departure {
    /// Tells whether an exchange departs in this way.
    pub(crate) fn applies(
        &self,
        scenario: &Scenario,
        exchange: &Exchange,
        expected: &Expected,
    ) -> bool {
        scenario.scenario.starts_with(self.scenario)
            && match self.exchanges {
                Which::Named(names) => names.contains(&exchange.name.as_str()),
                Which::Where(departs) => departs(exchange, expected),
            }
    }

    /// Makes what ours answers out of what was expected before.
    pub(crate) fn apply(&self, scenario: &Scenario, exchange: &Exchange, expected: &mut Expected) {
        let allow = allow(&exchange.request.path);
        match self.ours {
            Ours::Refused(status, detail) => {
                answer(expected, status, json!({ "detail": detail }), allow);
                if status == 401 {
                    set(expected, "www-authenticate", "Token");
                }
            }
            Ours::NoSuchPath => answer(expected, 404, json!({ "detail": "Not found." }), None),
            Ours::Undecodable => {
                let given = exchange.request.sent();
                let given = String::from_utf8_lossy(&given);
                let detail = format!(
                    "POST data payload could not be decoded to a JSON object - given: {given}"
                );
                answer(expected, 400, json!({ "detail": detail }), allow);
            }
            Ours::Shows(body) => {
                answer(expected, 200, serde_json::from_str(body).unwrap(), allow);
            }
            Ours::Like(name) => *expected = scenario.response(name),
            Ours::Joined(names) => {
                let items: Vec<Value> = names
                    .iter()
                    .flat_map(|name| scenario.response(name).body.as_array().unwrap().clone())
                    .collect();
                answer(expected, 200, Value::Array(items), allow);
            }
            Ours::Changed(change) => change(expected),
        }
    }
}

/// The methods of what a path names, as ours lists them.
fn allow(path: &str) -> Option<&'static str> {
    let (_, below) = path.split_once("/perfsonar/archive")?;
    let below = below.trim_matches('/');
    Some(match below.split('/').count() {
        1 if below.is_empty() => "GET, POST, HEAD, OPTIONS",
        1 => "GET, PUT, HEAD, OPTIONS",
        2 => "GET, HEAD, OPTIONS",
        _ => "GET, POST, HEAD, OPTIONS",
    })
}

fn answer(expected: &mut Expected, status: u16, body: Value, allow: Option<&str>) {
    expected.status = status;
    expected.body = body;
    expected.headers = Map::new();
    set(expected, "content-type", "application/json");
    if let Some(allow) = allow {
        set(expected, "allow", allow);
    }
}

fn set(expected: &mut Expected, header: &str, value: &str) {
    expected.headers.insert(header.to_owned(), json!(value));
}

fn has(expected: &Expected, header: &str, value: &str) -> bool {
    expected.headers.get(header) == Some(&json!(value))
}
