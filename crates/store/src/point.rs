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

use esmond_ps_model::Histogram;

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
}

impl Value {
    /// Tells whether a second point at the same ts replaces the first; else it
    /// is a conflict.
    #[must_use]
    pub const fn replaces(&self) -> bool {
        matches!(self, Self::Histogram(_) | Self::Document(_))
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
}

impl Bucket {
    /// Starts a bucket with its first value; `None` for documents, which have
    /// no summaries.
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
            Value::Document(_) => return None,
        })
    }

    /// Adds a value. Returns false, and changes nothing, when it is of another
    /// kind.
    #[must_use]
    pub fn add(&mut self, value: &Value) -> bool {
        match (&mut *self, value) {
            // The common case that would have to copy the value.
            (Self::Histogram(histogram), Value::Histogram(more)) => {
                histogram.merge(more);
                true
            }
            _ => Self::start(value).is_some_and(|one| self.merge(&one)),
        }
    }

    /// Adds what another bucket holds. Returns false, and changes nothing,
    /// when the two are of different kinds.
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
                let total = *sum + *more;
                let lost = if sum.abs() >= more.abs() {
                    (*sum - total) + *more
                } else {
                    (*more - total) + *sum
                };
                // Beyond the largest number there is no rounding error either.
                if total.is_finite() {
                    *compensation += lost + *other_compensation;
                }
                *sum = total;
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
            _ => return false,
        }
        true
    }
}
