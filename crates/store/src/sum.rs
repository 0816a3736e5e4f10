//! Sums of floats in which the order of arrival does not show.

use serde::{Deserialize, Serialize};

/// A sum of floats that is kept with its rounding error (Neumaier).
///
/// Sums of parts add up to the sum of the whole. Beyond the largest double the
/// sum is infinite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Rounded sum.
    pub rounded: f64,
    /// What rounding lost.
    pub lost: f64,
}

impl Sum {
    /// Starts a sum with its first number.
    #[must_use]
    pub const fn of(number: f64) -> Self {
        Self {
            rounded: number,
            lost: 0.0,
        }
    }

    /// Returns this and another sum together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (one, more) = (self.rounded, other.rounded);
        let rounded = one + more;
        let lost = if one.abs() >= more.abs() {
            (one - rounded) + more
        } else {
            (more - rounded) + one
        };
        // Beyond the largest number there is no rounding error either.
        let lost = if rounded.is_finite() {
            self.lost + (lost + other.lost)
        } else {
            self.lost
        };
        Self { rounded, lost }
    }

    /// Returns the sum as one number.
    #[must_use]
    pub fn total(self) -> f64 {
        self.rounded + self.lost
    }
}
