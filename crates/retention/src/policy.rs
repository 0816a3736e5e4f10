//! The file of policies, and which policy holds for a series.
//!
//! ```json
//! {"policies": [
//!   {"event_type": "*", "summary_type": "*", "summary_window": "*", "expire": "365"},
//!   {"event_type": "throughput", "summary_type": "base", "summary_window": "0", "expire": "never"}
//! ]}
//! ```
//!
//! That is the format of the original archive. Reading is strict: a field that
//! is unknown could be meant to spare something.
//!
//! DIFFERENCE: in the original a window written as a number never matches, and
//! `Never` with a capital is refused.

use std::collections::BTreeMap;
use std::fmt;

use esmond_ps_model::{Registry, SummaryType, integer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// What stands for every event type, summary type or window.
const ANY: &str = "*";

const EVENT_TYPE: &str = "event_type";
const SUMMARY_TYPE: &str = "summary_type";
const SUMMARY_WINDOW: &str = "summary_window";
const EXPIRE: &str = "expire";

/// How long data are kept. The order is that of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expire {
    /// So many days, not negative; 0 keeps nothing.
    Days(i64),
    /// For ever.
    Never,
}

impl Expire {
    /// Returns the last second (Unix time) that is old enough to go at `now`;
    /// `None` when nothing ever is.
    #[must_use]
    pub const fn until(self, now: i64) -> Option<i64> {
        match self {
            Self::Days(days) => Some(now.saturating_sub(days.saturating_mul(SECONDS_PER_DAY))),
            Self::Never => None,
        }
    }
}

/// Why a file of policies was refused. Policies and lines count from 1.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// The text is not JSON; the cause says where.
    #[error("the retention policies are not JSON")]
    Json(#[source] serde_json::Error),
    /// The text is JSON, but not `{"policies": [...]}`.
    #[error("line {line}: {problem}")]
    Document {
        /// Line of the text.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// One of the policies is wrong.
    #[error("policy {number} (line {line}): {problem}")]
    Policy {
        /// Place of the policy in the list.
        number: usize,
        /// Line of the text.
        line: usize,
        /// What is wrong there, with the name of the field.
        problem: String,
    },
}

/// What a policy is for; `None` stands for everything.
type Target = (Option<SummaryType>, Option<i64>);

/// A set of policies.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    by_event_type: BTreeMap<Option<String>, BTreeMap<Target, Entry>>,
    notes: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    expire: Expire,
    /// Place in the list, from 1.
    number: usize,
}

impl Policies {
    /// Reads the policies of a file. Event types must be in the registry.
    ///
    /// DIFFERENCE: the original passes over fields that it does not know, and does
    /// not say which policy is wrong.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] at the first thing that is wrong.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, PolicyError> {
        let whole: &RawValue = serde_json::from_str(text).map_err(PolicyError::Json)?;
        let mut policies = Self::default();
        for (index, raw) in list(text, whole)?.into_iter().enumerate() {
            let number = index + 1;
            let policy = Policy::parse(raw, registry).map_err(|wrong| PolicyError::Policy {
                number,
                line: line(text, wrong.at),
                problem: wrong.problem,
            })?;
            policies.add(number, policy);
        }
        Ok(policies)
    }

    fn add(&mut self, number: usize, policy: Policy) {
        if policy.summary_type == Some(SummaryType::Base)
            && policy.window.is_some_and(|window| window != 0)
        {
            self.notes.push(format!(
                "policy {number} has no effect: base data have window 0"
            ));
        }
        let entry = Entry {
            expire: policy.expire,
            number,
        };
        let replaced = self
            .by_event_type
            .entry(policy.event_type)
            .or_default()
            .insert((policy.summary_type, policy.window), entry);
        if let Some(replaced) = replaced {
            self.notes.push(format!(
                "policy {number} takes the place of policy {}, which is for the same series",
                replaced.number
            ));
        }
    }

    /// Returns how long a series is kept; `None` when no policy matches. Base
    /// series have window 0.
    ///
    /// The name of the event type is tried first, then `*`; within each the
    /// summary type, then `*`; within each of these the window, then `*`. The
    /// first policy that is there holds.
    #[must_use]
    pub fn expire(
        &self,
        event_type: &str,
        summary_type: SummaryType,
        window: i64,
    ) -> Option<Expire> {
        let targets = [
            (Some(summary_type), Some(window)),
            (Some(summary_type), None),
            (None, Some(window)),
            (None, None),
        ];
        [Some(event_type.to_owned()), None]
            .iter()
            .filter_map(|event_type| self.by_event_type.get(event_type))
            .flat_map(|branch| targets.iter().filter_map(|target| branch.get(target)))
            .map(|entry| entry.expire)
            .next()
    }

    /// Returns what whoever wrote the file may not have meant, one sentence
    /// each: policies that others take the place of, or that match nothing.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// One policy of the list; `None` is `*`.
struct Policy {
    event_type: Option<String>,
    summary_type: Option<SummaryType>,
    window: Option<i64>,
    expire: Expire,
}

/// What is wrong with a part of the text.
struct Wrong<'a> {
    at: &'a RawValue,
    problem: String,
}

impl Policy {
    fn parse<'a>(raw: &'a RawValue, registry: &Registry) -> Result<Self, Wrong<'a>> {
        let wrong = |at, problem| Wrong { at, problem };
        let Fields(fields) = serde_json::from_str(raw.get()).map_err(|_| {
            let problem = format!("{} is no object", shown(raw.get()));
            wrong(raw, problem)
        })?;
        for (index, (name, value)) in fields.iter().enumerate() {
            if ![EVENT_TYPE, SUMMARY_TYPE, SUMMARY_WINDOW, EXPIRE].contains(&name.as_str()) {
                let problem = format!("field {} is unknown", shown(name));
                return Err(wrong(value, problem));
            }
            if fields.iter().take(index).any(|(before, _)| before == name) {
                return Err(wrong(value, format!("field {name} comes twice")));
            }
        }
        // Reads one field: `read` takes its text and says what is wrong with it.
        let field = |name: &str| {
            fields
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| *value)
                .ok_or_else(|| wrong(raw, format!("field {name} is missing")))
        };
        let at = |name: &'static str, value: &'a RawValue| {
            move |problem: String| Wrong {
                at: value,
                problem: format!("field {name}: {problem}"),
            }
        };

        let value = field(EVENT_TYPE)?;
        let event_type = text(value)
            .and_then(|name| event_type(name, registry))
            .map_err(at(EVENT_TYPE, value))?;
        let value = field(SUMMARY_TYPE)?;
        let summary_type = text(value)
            .and_then(|name| summary_type(&name))
            .map_err(at(SUMMARY_TYPE, value))?;
        let value = field(SUMMARY_WINDOW)?;
        let window = text_or_number(value)
            .and_then(|text| window(&text))
            .map_err(at(SUMMARY_WINDOW, value))?;
        let value = field(EXPIRE)?;
        let expire = text_or_number(value)
            .and_then(|text| expire(&text))
            .map_err(at(EXPIRE, value))?;
        Ok(Self {
            event_type,
            summary_type,
            window,
            expire,
        })
    }
}

fn event_type(name: String, registry: &Registry) -> Result<Option<String>, String> {
    if name == ANY {
        return Ok(None);
    }
    if registry.event_type(&name).is_some() {
        return Ok(Some(name));
    }
    let nearest = registry
        .event_types()
        .map(|known| (strsim::damerau_levenshtein(&name, &known.name), &known.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let hint = nearest.map_or_else(String::new, |(_, known)| format!(", did you mean {known}?"));
    Err(format!("unknown event type {}{hint}", shown(&name)))
}

fn summary_type(name: &str) -> Result<Option<SummaryType>, String> {
    if name == ANY {
        return Ok(None);
    }
    SummaryType::from_name(name).map(Some).ok_or_else(|| {
        format!(
            "{} is none of base, aggregation, average, statistics and {ANY}",
            shown(name)
        )
    })
}

fn window(text: &str) -> Result<Option<i64>, String> {
    if text == ANY {
        return Ok(None);
    }
    integer::parse(text)
        .filter(|seconds| *seconds >= 0)
        .map(Some)
        .ok_or_else(|| format!("{} is neither a number of seconds nor {ANY}", shown(text)))
}

fn expire(text: &str) -> Result<Expire, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Expire::Never);
    }
    integer::parse(text)
        .filter(|days| *days >= 0)
        .map(Expire::Days)
        .ok_or_else(|| format!("{} is neither a number of days nor never", shown(text)))
}

/// Returns the text that a JSON string holds.
fn text(value: &RawValue) -> Result<String, String> {
    serde_json::from_str(value.get()).map_err(|_| format!("{} is no text", shown(value.get())))
}

/// Returns the text of a JSON string, or the digits of a number.
fn text_or_number(value: &RawValue) -> Result<String, String> {
    let digits = value.get();
    if digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Ok(digits.to_owned());
    }
    text(value)
}

/// Returns a text of the file as it can be shown: quoted, and not too long.
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Returns the elements of `policies`.
fn list<'a>(text: &str, whole: &'a RawValue) -> Result<Vec<&'a RawValue>, PolicyError> {
    let wrong = |at: &RawValue, problem: String| PolicyError::Document {
        line: line(text, at),
        problem,
    };
    let Fields(fields) = serde_json::from_str(whole.get())
        .map_err(|_| wrong(whole, r#"the file must be {"policies": [...]}"#.to_owned()))?;
    let mut found = None;
    for (name, value) in fields {
        if name != "policies" {
            let problem = format!("field {} is unknown", shown(&name));
            return Err(wrong(value, problem));
        }
        let list = serde_json::from_str(value.get())
            .map_err(|_| wrong(value, "policies must be a list".to_owned()))?;
        if found.replace(list).is_some() {
            return Err(wrong(value, "policies come twice".to_owned()));
        }
    }
    found.ok_or_else(|| wrong(whole, "policies are missing".to_owned()))
}

/// Returns the line of `text`, from 1, on which a part of it begins.
fn line(text: &str, part: &RawValue) -> usize {
    // A raw value borrows from the text, so addresses tell its place.
    let offset = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The fields of an object in their order, names that come twice included.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests;
