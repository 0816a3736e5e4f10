//! Which problems are told: a file in which everything is wrong must not bury
//! what is wrong with it.
//!
//! Of each kind, the first few of a window of a series are told one by one and
//! the others together, when the series is done. Of each kind there are
//! [`LINES`] at most; what is behind them is counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Problems of a kind, in a window of a series, that have a line each.
const EACH: u64 = 3;

/// Lines of a kind.
const LINES: u64 = 150;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The file is damaged, or something cannot be read.
    Damage,
    /// There is no summary of points.
    Missing,
    /// There is a summary of no points.
    WithoutPoints,
    /// A summary is not what its points add up to.
    Different,
    /// Points of several data types cannot be added up.
    Mixed,
}

impl Kind {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Damage => "it is damaged",
            Self::Missing => "the summary is missing",
            Self::WithoutPoints => "the summary has no points",
            Self::Different => "the summary is not what its points add up to",
            Self::Mixed => "its points are of several data types",
        }
    }
}

/// How many problems of each kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Kinds {
    pub(crate) damage: u64,
    pub(crate) missing: u64,
    pub(crate) without_points: u64,
    pub(crate) different: u64,
    pub(crate) mixed: u64,
}

impl Kinds {
    pub(super) const fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Damage => &mut self.damage,
            Kind::Missing => &mut self.missing,
            Kind::WithoutPoints => &mut self.without_points,
            Kind::Different => &mut self.different,
            Kind::Mixed => &mut self.mixed,
        };
        *count += 1;
    }
}

/// Those that there are.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (count, what) in [
            (self.damage, "of damage"),
            (self.missing, "missing"),
            (self.without_points, "without points"),
            (self.different, "different"),
            (self.mixed, "of mixed points"),
        ] {
            if count > 0 {
                write!(f, "{separator}{count} {what}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// Decides what is told.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Of the series that is looked at, by window.
    groups: BTreeMap<(i64, Kind), Group>,
    lines: BTreeMap<Kind, u64>,
    /// Problems without a line.
    untold: BTreeMap<Kind, u64>,
}

#[derive(Debug, Default)]
struct Group {
    count: u64,
    /// Start of the last one.
    last: i64,
}

impl Listing {
    /// Takes a problem; tells whether it has a line.
    pub(super) fn tells(&mut self, kind: Kind) -> bool {
        self.has_line(kind, 1)
    }

    /// Takes a problem of a window of the series that is looked at; tells
    /// whether it has a line.
    pub(super) fn tells_of_window(&mut self, kind: Kind, window: i64, start: i64) -> bool {
        let group = self.groups.entry((window, kind)).or_default();
        group.count += 1;
        group.last = start;
        group.count <= EACH && self.has_line(kind, 1)
    }

    /// Ends a series, and returns what is told of its other problems.
    pub(super) fn end_series(&mut self) -> Vec<(Kind, String)> {
        let mut lines = Vec::new();
        for ((window, kind), group) in std::mem::take(&mut self.groups) {
            let more = group.count.saturating_sub(EACH);
            if more > 0 && self.has_line(kind, more) {
                let last = group.last;
                let line = format!("window {window}, {more} more until {last}");
                lines.push((kind, line));
            }
        }
        lines
    }

    /// Ends everything, and returns what is told of problems without a line.
    pub(super) fn end(&mut self) -> Vec<String> {
        let untold = std::mem::take(&mut self.untold);
        let line = |(kind, count): (Kind, u64)| {
            format!("{count} more that are not listed: {}", kind.text())
        };
        untold.into_iter().map(line).collect()
    }

    /// Takes a line for so many problems, if there is one left.
    fn has_line(&mut self, kind: Kind, problems: u64) -> bool {
        let lines = self.lines.entry(kind).or_default();
        let has = *lines < LINES;
        if has {
            *lines += 1;
        } else {
            *self.untold.entry(kind).or_default() += problems;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_or_counted_and_a_frequent_kind_hides_no_other() {
        let mut listing = Listing::default();
        let mut lines = 0;
        let mut told = 0;
        for series in 0..1000 {
            for start in 0..100 {
                let tells = listing.tells_of_window(Kind::Missing, 60, start * 60);
                lines += u64::from(tells);
                told += u64::from(tells);
            }
            for (kind, line) in listing.end_series() {
                assert_eq!(kind, Kind::Missing);
                assert_eq!(line, "window 60, 97 more until 5940");
                lines += 1;
                told += 97;
            }
            assert!(listing.groups.is_empty(), "{series}");
        }
        assert_eq!(lines, LINES);
        assert!(listing.tells_of_window(Kind::Different, 60, 0));
        assert!(listing.end_series().is_empty());
        let untold = 100_000 - told;
        assert_eq!(
            listing.end(),
            [format!(
                "{untold} more that are not listed: the summary is missing"
            )]
        );
        assert!(listing.end().is_empty());
    }
}
