//! Data types that are code: their own values and their own summaries.
//!
//! A data type that cannot be composed of what there is (see
//! [`Rules`](esmond_ps_model::registry::Rules)) is a file of its own beside this
//! one, in which a type implements [`DataKind`], and an entry in [`KINDS`].
//! `docs/extending.md` walks through it. Configuration then names it as a
//! validator.
//!
//! A kind's values and windows are JSON, and are stored with the kind's name.
//! What a build without the kind finds stored stays as it is: base values are
//! still delivered, their summaries are `null`, and nothing can be added.
//!
//! DIFFERENCE: the original has the data types of its tables, and no others.

mod gauge;

use std::borrow::Cow;
use std::fmt;

use esmond_ps_model::registry::{CustomKind, Validator};
use esmond_ps_model::{RowLayout, SummaryType};
use serde_json::Value as Json;

use crate::Value;

/// All kinds. A new one is registered here, and nowhere else.
pub static KINDS: &[&dyn DataKind] = &[&gauge::Gauge];

/// A data type that is code.
///
/// What is stored was written by some build of the kind, perhaps an older one,
/// or comes from a file: `None` says that the kind cannot read it.
pub trait DataKind: fmt::Debug + Send + Sync {
    /// Returns the name, in configuration and in the store. It has lower-case
    /// letters, digits and dashes, and is that of no other validator. What is
    /// stored has it: it never changes.
    fn name(&self) -> &'static str;

    /// Returns the derived series that values can have.
    fn summaries(&self) -> &'static [SummaryType];

    /// Returns the layouts that can show base values; the first one is the
    /// default.
    fn layouts(&self) -> &'static [RowLayout] {
        &[RowLayout::Value]
    }

    /// Tells whether a second value for the same time replaces the first; else
    /// it is a conflict. When it does, the windows are made anew from their
    /// values.
    fn replaces(&self) -> bool {
        false
    }

    /// Checks a posted value, and returns it as it is stored: equal values must
    /// be equal JSON.
    ///
    /// # Errors
    ///
    /// What values must be, for the client: `Value must be ...`.
    fn check(&self, posted: &Json) -> Result<Json, String>;

    /// Returns the state of a window that has one value.
    fn start(&self, value: &Json) -> Option<Json>;

    /// Returns the state of a window that has the values of both. The order
    /// must not show: `merge` is associative and commutative in all that
    /// readers see.
    fn merge(&self, one: &Json, other: &Json) -> Option<Json>;

    /// Returns a value as readers see it. Archives copy one another: `check`
    /// takes this for the same value.
    fn base(&self, value: &Json) -> Json {
        value.clone()
    }

    /// Returns one of the [summaries](Self::summaries) of a window as readers
    /// see it.
    fn summary(&self, summary_type: SummaryType, state: &Json) -> Option<Json>;
}

/// Looks up a kind by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn DataKind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}

/// Returns all kinds as configuration names them.
pub fn validators() -> impl Iterator<Item = Validator> {
    KINDS.iter().map(|kind| {
        Validator::Custom(CustomKind {
            name: kind.name(),
            summaries: kind.summaries(),
            layouts: kind.layouts(),
        })
    })
}

/// Checks a value of a kind, and returns it as it is stored.
///
/// # Errors
///
/// What values must be, for the client.
pub fn value(kind: &dyn DataKind, posted: &Json) -> Result<Value, String> {
    Ok(Value::Custom {
        kind: Cow::Borrowed(kind.name()),
        value: kind.check(posted)?,
    })
}

/// Returns the name of a kind, which need not be known here; `None` when it can
/// be none.
#[must_use]
pub fn name(text: &str) -> Option<Cow<'static, str>> {
    match find(text) {
        Some(kind) => Some(Cow::Borrowed(kind.name())),
        None => is_name(text).then(|| Cow::Owned(text.to_owned())),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for (index, kind) in KINDS.iter().enumerate() {
            let name = kind.name();
            assert!(is_name(name), "{name}");
            assert_eq!(Validator::from_name(name), None, "{name}");
            assert!(KINDS[..index].iter().all(|other| other.name() != name));
            assert!(!kind.layouts().is_empty(), "{name}");
            assert!(!kind.summaries().contains(&SummaryType::Base), "{name}");
        }
    }

    #[test]
    fn what_a_kind_cannot_read_is_not_read() {
        for kind in KINDS {
            for json in [Json::Null, serde_json::json!({"a": []})] {
                let name = kind.name();
                if kind.check(&json).is_err() {
                    assert_eq!(kind.start(&json), None, "{name}");
                }
                assert_eq!(kind.merge(&json, &json), None, "{name}");
                for summary_type in SummaryType::DERIVED {
                    assert_eq!(kind.summary(summary_type, &json), None, "{name}");
                }
            }
        }
    }
}
