//! How a distribution changes over time.

use std::iter::zip;

use crate::line::Line;

/// Lines that lie one above the other: the smallest value, one in the middle,
/// perhaps one above it, and the largest.
#[derive(Debug, Clone)]
pub struct Bands {
    lines: Vec<(&'static str, Line)>,
}

impl Bands {
    /// Of the values of a distribution.
    pub const PERCENTILES: [&'static str; 4] = ["minimum", "median", "95th percentile", "maximum"];
    /// Of a few values.
    pub const MEAN: [&'static str; 3] = ["minimum", "mean", "maximum"];

    /// Returns bands with these lines, from below to above, without points.
    #[must_use]
    pub fn new(names: &[&'static str]) -> Self {
        let lines = names.iter().map(|name| (*name, Line::new())).collect();
        Self { lines }
    }

    /// Takes a value for each line. When one is no finite number, all are left out.
    pub fn add(&mut self, ts: i64, values: &[f64]) {
        if values.len() == self.lines.len() && values.iter().all(|value| value.is_finite()) {
            for ((_, line), value) in zip(&mut self.lines, values) {
                line.add(ts, *value);
            }
        }
    }

    /// Returns names and lines, from below to above. Their points lie at the
    /// same times, and so do their columns.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (&'static str, &Line)> {
        self.lines.iter().map(|(name, line)| (*name, line))
    }

    /// Returns the lowest line.
    pub(crate) fn lowest(&self) -> Option<&Line> {
        self.lines.first().map(|(_, line)| line)
    }

    /// Returns the highest line.
    pub(crate) fn highest(&self) -> Option<&Line> {
        self.lines.last().map(|(_, line)| line)
    }
}
