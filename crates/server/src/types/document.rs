//! Walking through a TOML document: what is of the wrong kind or unknown is
//! noted with its place, and the walk goes on.

use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Problem;

/// A key of a table.
pub(super) type Key<'i> = Spanned<DeString<'i>>;
/// A value in a document.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Collects what is wrong in a text.
pub(super) struct Problems<'a> {
    text: &'a str,
    file: &'a str,
    /// Each with the place in the text, in bytes.
    list: Vec<(usize, String)>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            text,
            file,
            list: Vec::new(),
        }
    }

    /// Notes that something is wrong at a place.
    pub(super) fn add(&mut self, place: Range<usize>, reason: impl Display) {
        self.list.push((place.start, reason.to_string()));
    }

    /// Notes an error at a place; nothing is left of the result then.
    pub(super) fn check<T, E: Display>(
        &mut self,
        place: Range<usize>,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.add(place, error)).ok()
    }

    /// Returns what was noted, in the order of the text.
    pub(super) fn into_list(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|(place, _)| *place);
        let problems = self.list.iter().map(|(place, reason)| {
            let before = self.text.get(..*place).unwrap_or(self.text);
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            Problem {
                file: self.file.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                reason: reason.clone(),
            }
        });
        problems.collect()
    }
}

/// A table that has a fixed set of keys.
pub(super) struct Section<'a, 'i> {
    table: &'a DeTable<'i>,
    /// Where to say that something is missing.
    place: Range<usize>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Takes a table, and notes its keys that are not `known`.
    pub(super) fn new(
        table: &'a DeTable<'i>,
        place: Range<usize>,
        known: &[&str],
        problems: &mut Problems<'_>,
    ) -> Self {
        for key in table.keys() {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let known = listed(known.iter().copied());
                problems.add(
                    key.span(),
                    format!("unknown key `{name}`: keys are {known}"),
                );
            }
        }
        Self { table, place }
    }

    /// Returns an entry that may be missing.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value<'i>> {
        self.table.get(name)
    }

    /// Returns an entry that must be there.
    pub(super) fn require(&self, name: &str, problems: &mut Problems<'_>) -> Option<&'a Value<'i>> {
        let value = self.get(name);
        if value.is_none() {
            problems.add(self.place.clone(), format!("`{name}` is missing"));
        }
        value
    }
}

/// Returns the entries of a table in the order of the text.
pub(super) fn entries<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Key<'i>, &'a Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

pub(super) fn table<'a, 'i>(
    value: &'a Value<'i>,
    problems: &mut Problems<'_>,
) -> Option<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => wrong(value, "a table", problems),
    }
}

pub(super) fn array<'a, 'i>(
    value: &'a Value<'i>,
    problems: &mut Problems<'_>,
) -> Option<&'a [Value<'i>]> {
    match value.get_ref() {
        DeValue::Array(items) => Some(items.as_ref()),
        _ => wrong(value, "an array", problems),
    }
}

pub(super) fn text<'a>(value: &'a Value<'_>, problems: &mut Problems<'_>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => wrong(value, "a string", problems),
    }
}

pub(super) fn flag(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<bool> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(*flag),
        _ => wrong(value, "true or false", problems),
    }
}

/// Reads one of several names.
pub(super) fn choice<T: Copy>(
    value: &Value<'_>,
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let text = text(value, problems)?;
    let found = all.iter().copied().find(|&one| name(one) == text);
    if found.is_none() {
        let known = listed(all.iter().map(|&one| name(one)));
        problems.add(
            value.span(),
            format!("unknown {what} `{text}`: one of {known}"),
        );
    }
    found
}

/// Returns names for a message.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn wrong<T>(value: &Value<'_>, expected: &str, problems: &mut Problems<'_>) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    problems.add(value.span(), format!("expected {expected}, found {found}"));
    None
}
