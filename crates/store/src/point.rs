//! Base points, and the buckets that summaries are read from.
//!
//! All summaries of an event type with one window are views of one
//! [`Bucket`]: integer aggregation is its sum, integer average its sum divided
//! by its count, histogram statistics are computed from its merged histogram.
//! Summaries of window 0 are views of the base points.
//!
//! DIFFERENCE: the original keeps four decimals of a float, its float sums are
//! now and then averages, and its statistics cover the last histogram of a
//! window only, unless there is an aggregation of the same window.

use std::borrow::Cow;
use std::collections::BTreeMap;

use esmond_ps_model::{Histogram, SummaryType};
use serde_json::Value as Json;

use crate::kinds;
use crate::sum::Sum;

/// The value of a base point, as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Integer event types.
    Integer(i64),
    /// Float event types; finite.
    Float(f64),
    /// Percentage event types.
    Ratio {
        /// Not negative; may exceed the denominator.
        numerator: i64,
        /// Greater than 0.
        denominator: i64,
    },
    /// Histogram event types.
    Histogram(Histogram),
    /// Subinterval and json event types: compact JSON text.
    Document(String),
    /// Event types of a data type that is [code](kinds).
    Custom {
        /// Name of the kind, which this build need not know.
        kind: Cow<'static, str>,
        /// As the kind [checked](kinds::DataKind::check) it.
        value: Json,
    },
}

impl Value {
    /// Tells whether a second point at the same ts replaces the first; else it
    /// is a conflict.
    #[must_use]
    pub fn replaces(&self) -> bool {
        match self {
            Self::Integer(_) | Self::Float(_) | Self::Ratio { .. } => false,
            Self::Histogram(_) | Self::Document(_) => true,
            Self::Custom { kind, .. } => kinds::find(kind).is_some_and(kinds::DataKind::replaces),
        }
    }
}

/// A point to be stored, already checked.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPoint {
    /// Name of the event type.
    pub event_type: String,
    /// Unix time in seconds, UTC.
    pub ts: i64,
    /// Value.
    pub value: Value,
}

/// A point that was not stored because another is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Name of the event type.
    pub event_type: String,
    /// Unix time in seconds, UTC.
    pub ts: i64,
}

/// What the points of one window add up to.
#[derive(Debug, Clone, PartialEq)]
pub enum Bucket {
    /// Exact sum and count of integers.
    Integer {
        /// Sum of the values.
        sum: i128,
        /// Number of the values.
        count: u64,
    },
    /// Sum and count of floats. The sum is kept with its rounding error
    /// (Neumaier), so that the order of arrival does not show.
    Float {
        /// Rounded sum of the values.
        sum: f64,
        /// What rounding lost; the sum is `sum + compensation`.
        compensation: f64,
        /// Number of the values.
        count: u64,
    },
    /// Exact sums of numerators and denominators.
    Ratio {
        /// Sum of the numerators.
        numerator: i128,
        /// Sum of the denominators.
        denominator: i128,
    },
    /// Merged histogram.
    Histogram(Histogram),
    /// What a data type that is [code](kinds) keeps of a window.
    Custom {
        /// Name of the kind, which this build need not know.
        kind: Cow<'static, str>,
        /// The kind's own.
        state: Json,
    },
    /// Summaries that were taken over from another archive as readers saw them
    /// there, by their type. They are complete: nothing is ever added.
    Fixed(BTreeMap<SummaryType, Json>),
}

impl Bucket {
    /// Starts a bucket with its first value; `None` for documents, which have
    /// no summaries, and for what its kind cannot read or this build does not
    /// know.
    #[must_use]
    pub fn start(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Integer(value) => Self::Integer {
                sum: i128::from(*value),
                count: 1,
            },
            Value::Float(value) => Self::Float {
                sum: *value,
                compensation: 0.0,
                count: 1,
            },
            Value::Ratio {
                numerator,
                denominator,
            } => Self::Ratio {
                numerator: i128::from(*numerator),
                denominator: i128::from(*denominator),
            },
            Value::Histogram(histogram) => Self::Histogram(histogram.clone()),
            Value::Custom { kind, value } => Self::Custom {
                kind: kind.clone(),
                state: kinds::find(kind)?.start(value)?,
            },
            Value::Document(_) => return None,
        })
    }

    /// Counts a value in the bucket of a window, which may have none yet.
    /// Returns false, and changes nothing, when the value does not fit. Where
    /// there is no bucket a document fits, and starts none.
    #[must_use]
    pub fn count(bucket: &mut Option<Self>, value: &Value) -> bool {
        match bucket {
            Some(bucket) => bucket.add(value),
            None => {
                *bucket = Self::start(value);
                bucket.is_some() || matches!(value, Value::Document(_))
            }
        }
    }

    /// Adds a value. Returns false, and changes nothing, when it is of another
    /// kind. A fixed bucket takes every value and stays as it is.
    #[must_use]
    pub fn add(&mut self, value: &Value) -> bool {
        match (&mut *self, value) {
            // The common case that would have to copy the value.
            (Self::Histogram(histogram), Value::Histogram(more)) => {
                histogram.merge(more);
                true
            }
            (Self::Fixed(_), _) => true,
            _ => Self::start(value).is_some_and(|one| self.merge(&one)),
        }
    }

    /// Adds what another bucket holds. Returns false, and changes nothing,
    /// when the two are of different kinds. A fixed bucket takes every other
    /// one and stays as it is.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Integer { sum, count },
                Self::Integer {
                    sum: more,
                    count: n,
                },
            ) => {
                *sum = sum.saturating_add(*more);
                *count = count.saturating_add(*n);
            }
            (
                Self::Float {
                    sum,
                    compensation,
                    count,
                },
                Self::Float {
                    sum: more,
                    compensation: other_compensation,
                    count: n,
                },
            ) => {
                let part = |rounded, lost| Sum { rounded, lost };
                let both = part(*sum, *compensation).plus(part(*more, *other_compensation));
                (*sum, *compensation) = (both.rounded, both.lost);
                *count = count.saturating_add(*n);
            }
            (
                Self::Ratio {
                    numerator,
                    denominator,
                },
                Self::Ratio {
                    numerator: n,
                    denominator: d,
                },
            ) => {
                *numerator = numerator.saturating_add(*n);
                *denominator = denominator.saturating_add(*d);
            }
            (Self::Histogram(histogram), Self::Histogram(more)) => histogram.merge(more),
            (
                Self::Custom { kind, state },
                Self::Custom {
                    kind: other_kind,
                    state: more,
                },
            ) if kind == other_kind => {
                match kinds::find(kind).and_then(|kind| kind.merge(state, more)) {
                    Some(both) => *state = both,
                    None => return false,
                }
            }
            (Self::Fixed(_), _) => {}
            _ => return false,
        }
        true
    }
}
