//! Which tests and runs a query selects.
//!
//! Texts of a test's specification are analysed words in OpenSearch, and a
//! query is one word: it finds only what is a single lower-case word there.
//! Here words are those of plain ASCII text.

use std::net::IpAddr;

use serde_json::Value;

use super::holdings::{Run, Test};
use super::range::Range;
use super::{error, registry};
use crate::http::{Asked, Reply};

/// A query of the list, understood.
#[derive(Debug)]
pub(crate) struct Filter {
    range: Range,
    /// Field, and the addresses that fit.
    addresses: Vec<(&'static str, Vec<String>)>,
    event_type: Option<String>,
    summary_type: Option<String>,
    summary_window: Option<i64>,
    others: Vec<(String, String)>,
}

/// Parameters that select by an address.
const ADDRESSES: [&str; 3] = ["source", "destination", "measurement-agent"];

/// Parameters that do not look at the specification of a test.
const STANDARD: &[&str] = &[
    "limit",
    "offset",
    "format",
    "dns-match-rule",
    "time",
    "time-start",
    "time-end",
    "time-range",
    "event-type",
    "summary-type",
    "summary-window",
];

impl Filter {
    /// Understands a query, or fails as Elmond does.
    pub(crate) fn of(asked: &Asked, names: &[(String, Vec<String>)]) -> Result<Self, Reply> {
        let given = |name| asked.parameter(name).filter(|value| !value.is_empty());
        let range = Range::of(asked)?;
        let mut addresses = Vec::new();
        for name in ADDRESSES {
            if let Some(host) = asked.parameter(name) {
                let rule = given("dns-match-rule");
                addresses.push((name, resolve(&host, rule.as_deref(), names)?));
            }
        }
        let event_type = given("event-type");
        if event_type
            .as_deref()
            .is_some_and(|name| !registry::can_be_searched(name))
        {
            return Err(error(500, ""));
        }
        let summary_type = given("summary-type");
        let window = given("summary-window").map(|text| text.parse::<i64>());
        let summary_window = window.transpose().map_err(|_| error(500, ""))?;
        let asks_for_summaries = summary_type.is_some() || summary_window.is_some();
        let (event, summary) = (event_type.as_deref(), summary_type.as_deref());
        if asks_for_summaries && !registry::has_summary(event, summary, summary_window) {
            return Err(error(500, ""));
        }
        let mut others: Vec<(String, String)> = Vec::new();
        for (name, value) in asked.parameters() {
            let is_other = !STANDARD.contains(&&*name) && !ADDRESSES.contains(&&*name);
            // Of a parameter that comes twice, the first value counts.
            if is_other && !value.is_empty() && others.iter().all(|(known, _)| *known != name) {
                others.push((name, value));
            }
        }
        if let Some((_, value)) = others.iter().find(|(name, _)| name == "subject-type")
            && !["point-to-point", "network-element"].contains(&value.as_str())
        {
            return Err(error(400, &format!("Invalid subject-type {value}.")));
        }
        Ok(Self {
            range,
            addresses,
            event_type,
            summary_type,
            summary_window,
            others,
        })
    }

    /// Tells whether a test is selected, apart from its runs.
    pub(crate) fn takes(&self, test: &Test) -> bool {
        self.takes_addresses(test)
            && self.takes_event_types(test)
            && self
                .others
                .iter()
                .all(|(name, value)| other(test, name, value))
    }

    /// Tells whether a run of a test that is selected is, too.
    pub(crate) fn takes_run(&self, test: &Test, run: &Run) -> bool {
        let agent = run.agent.as_deref();
        let agent = agent.or_else(|| test.fields.get("measurement-agent")?.as_str());
        self.range.contains(run.ts)
            && self.addresses.iter().all(|(name, wanted)| {
                *name != "measurement-agent"
                    || agent.is_some_and(|agent| wanted.iter().any(|known| known == agent))
            })
    }

    fn takes_addresses(&self, test: &Test) -> bool {
        // What is shown as a network element has no resolved addresses.
        let is_resolved = test.fields.contains_key("destination");
        self.addresses.iter().all(|(name, wanted)| {
            let held = test.fields.get(*name).and_then(Value::as_str);
            *name == "measurement-agent"
                || is_resolved && held.is_some_and(|held| wanted.iter().any(|known| known == held))
        })
    }

    /// Event types and summaries select types of tests, whose names are words.
    fn takes_event_types(&self, test: &Test) -> bool {
        let (event_type, summary) = (self.event_type.as_deref(), self.summary_type.as_deref());
        let window = self.summary_window;
        let wants_summary = summary.is_some() || window.is_some();
        let Some(wanted) = event_type else {
            return !wants_summary
                || is_word(&test.test_type)
                    && registry::type_fits(&test.test_type, summary, window);
        };
        is_word(&test.test_type)
            && test.event_types.iter().any(|listed| listed == wanted)
            && (!wants_summary || registry::fits(wanted, summary, window))
    }
}

fn other(test: &Test, name: &str, value: &str) -> bool {
    let text = |name: &str| test.fields.get(name).and_then(Value::as_str);
    match name {
        "metadata-key" => test.key == value,
        "tool-name" => {
            let short = |name: &str| name.trim_start_matches("pscheduler/").to_owned();
            text(name).is_some_and(|tool| has_word(&short(tool), &short(value)))
        }
        "subject-type" => {
            let point_to_point = ["throughput", "latency", "latencybg", "rtt", "trace"];
            let is_one = point_to_point.contains(&test.test_type.as_str());
            is_one == (value == "point-to-point")
        }
        "pscheduler-test-type" => has_word(&test.test_type, value),
        "ip-transport-protocol" => {
            text(name).is_some_and(|held| has_word(held, &value.to_lowercase()))
        }
        name if name.starts_with("pscheduler-reference-") => {
            text(name).is_some_and(|held| has_word(held, value))
        }
        name => match test.spec.get(name) {
            Some(Value::String(held)) => has_word(held, value),
            Some(Value::Bool(held)) => held.to_string() == value,
            Some(Value::Number(held)) => value
                .parse()
                .is_ok_and(|value| held.as_f64() == Some(value)),
            _ => false,
        },
    }
}

/// Returns the addresses of a host that a rule leaves.
fn resolve(
    host: &str,
    rule: Option<&str>,
    names: &[(String, Vec<String>)],
) -> Result<Vec<String>, Reply> {
    let rule = rule.unwrap_or("v4v6");
    let rules = ["v4v6", "only-v4", "only-v6", "prefer-v4", "prefer-v6"];
    if !rules.contains(&rule) {
        let text = format!("Invalid dns-match-rule parameter {rule}");
        return Err(error(400, &text));
    }
    let all = match names.iter().find(|(name, _)| name == host) {
        Some((_, addresses)) => addresses.clone(),
        None if host.parse::<IpAddr>().is_ok() => return Ok(vec![host.to_owned()]),
        None => Vec::new(),
    };
    let (v4, v6): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|address| address.contains('.'));
    let left = match rule {
        "only-v4" => v4,
        "only-v6" => v6,
        "prefer-v4" if !v4.is_empty() => v4,
        "prefer-v6" if !v6.is_empty() => v6,
        _ => [v4, v6].concat(),
    };
    if left.is_empty() {
        let text = format!("Unable to find address for host {host}");
        return Err(error(400, &text));
    }
    Ok(left)
}

/// Tells whether a text is analysed into words of which one is asked for.
fn has_word(text: &str, word: &str) -> bool {
    words(text).iter().any(|known| known == word)
}

fn is_word(text: &str) -> bool {
    has_word(text, text)
}

/// Splits as the standard analyzer does: at everything but letters, digits and
/// underscores, except for a dot between two letters or two digits.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (index, letter) in letters.iter().enumerate() {
        let around = |is_kind: fn(&char) -> bool| {
            index > 0 && is_kind(&letters[index - 1]) && letters.get(index + 1).is_some_and(is_kind)
        };
        let joins =
            *letter == '.' && (around(char::is_ascii_alphabetic) || around(char::is_ascii_digit));
        if letter.is_ascii_alphanumeric() || *letter == '_' || joins {
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        } else {
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
