//! What is known of each pair, and how good it is. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use esmond_ps_cli_common::report::told;
use esmond_ps_plot::Panel;

use crate::judge::{Seen, Thresholds, judge};
use crate::measure::Unit;
use crate::state::State;

/// Most characters of the name of a host that are shown.
const LONGEST: usize = 100;

/// An event type of the grid.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) event_type: String,
    pub(crate) unit: Unit,
    pub(crate) thresholds: Thresholds,
}

/// All pairs.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) archive: String,
    pub(crate) now: i64,
    /// Start of the window, Unix seconds.
    pub(crate) since: i64,
    pub(crate) measures: Vec<Measure>,
    /// By source and destination, one place for each measure.
    pub(crate) pairs: BTreeMap<Pair, Vec<Option<Reading>>>,
    /// Names of hosts, by address.
    pub(crate) names: HashMap<String, String>,
    pub(crate) notes: Vec<String>,
    /// Whether the list of tests broke off.
    pub(crate) is_partial: bool,
}

/// Source and destination.
pub(crate) type Pair = (String, String);

/// What the newest point of a pair is.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) seen: Seen,
    /// Number of tests of the pair.
    pub(crate) tests: u32,
    /// Key of the test with the newest point.
    pub(crate) key: String,
    /// Why nothing could be read.
    pub(crate) error: Option<String>,
    /// All points of the window, where they are to be drawn.
    pub(crate) panel: Option<Panel>,
}

/// How good a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CellState {
    /// Nothing is measured, or nothing has come in the window.
    None,
    Ok,
    /// It could not be read, or is no number.
    Unknown,
    Warning,
    /// The newest point is too old.
    Stale,
    Critical,
}

impl CellState {
    /// All of them, as a legend names them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Ok,
        Self::Warning,
        Self::Critical,
        Self::Stale,
        Self::Unknown,
        Self::None,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Stale => "stale",
            Self::Critical => "critical",
        }
    }

    /// Returns a sign that tells it without colours.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Ok => "+",
            Self::Unknown => "?",
            Self::Warning => "!",
            Self::Stale => "~",
            Self::Critical => "X",
        }
    }
}

impl Grid {
    /// Judges a reading of a measure.
    pub(crate) fn state_of(&self, measure: &Measure, reading: Option<&Reading>) -> CellState {
        let Some(reading) = reading else {
            return CellState::None;
        };
        let Some(newest) = reading.seen.newest else {
            return match reading.error {
                Some(_) => CellState::Unknown,
                None => CellState::None,
            };
        };
        let age = self.now.saturating_sub(newest);
        if measure
            .thresholds
            .critical_age
            .is_some_and(|limit| age > limit)
        {
            return CellState::Stale;
        }
        match judge(reading.seen, &measure.thresholds, self.now).state {
            State::Ok => CellState::Ok,
            State::Warning => CellState::Warning,
            State::Critical => CellState::Critical,
            State::Unknown => CellState::Unknown,
        }
    }

    /// Says why nobody knows how good a cell is.
    pub(crate) fn reason(&self, measure: &Measure, reading: &Reading) -> Option<String> {
        if self.state_of(measure, Some(reading)) != CellState::Unknown {
            return None;
        }
        if let Some(error) = reading
            .error
            .as_ref()
            .filter(|_| reading.seen.newest.is_none())
        {
            return Some(error.clone());
        }
        let judged = judge(reading.seen, &measure.thresholds, self.now);
        Some(judged.reasons.join(", "))
    }

    /// Counts the cells by their state.
    pub(crate) fn counts(&self) -> BTreeMap<CellState, usize> {
        let mut counts = BTreeMap::new();
        for readings in self.pairs.values() {
            for (measure, reading) in self.measures.iter().zip(readings) {
                // A pair does not have to measure everything.
                if reading.is_some() {
                    let state = self.state_of(measure, reading.as_ref());
                    *counts.entry(state).or_default() += 1;
                }
            }
        }
        counts
    }

    /// Returns the worst state, as a monitoring system has it.
    pub(crate) fn state(&self) -> State {
        let states = self.counts().into_keys().map(|state| match state {
            CellState::None => State::Unknown,
            CellState::Ok => State::Ok,
            CellState::Unknown => State::Unknown,
            CellState::Warning => State::Warning,
            CellState::Stale | CellState::Critical => State::Critical,
        });
        // A cell without points says nothing, unless there are no others.
        let counts = self.counts();
        let has_points = counts.keys().any(|state| *state != CellState::None);
        let states = states.zip(counts.keys());
        let worst = states
            .filter(|(_, cell)| !has_points || **cell != CellState::None)
            .map(|(state, _)| state)
            .max()
            .unwrap_or(State::Unknown);
        match self.is_partial {
            true => worst.max(State::Unknown),
            false => worst,
        }
    }

    /// Returns the hosts of a measure: sources and destinations.
    pub(crate) fn hosts(&self, measure: usize) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let mut sources = BTreeSet::new();
        let mut destinations = BTreeSet::new();
        for ((source, destination), readings) in &self.pairs {
            if readings[measure].is_some() {
                sources.insert(source.as_str());
                destinations.insert(destination.as_str());
            }
        }
        (sources, destinations)
    }

    /// Returns what is known of a pair in a measure.
    pub(crate) fn reading(
        &self,
        source: &str,
        destination: &str,
        measure: usize,
    ) -> Option<&Reading> {
        let pair = (source.to_owned(), destination.to_owned());
        self.pairs.get(&pair)?[measure].as_ref()
    }

    /// Returns the name of a host.
    pub(crate) fn name(&self, host: &str) -> String {
        let name = self.names.get(host).map_or(host, String::as_str);
        told(name).chars().take(LONGEST).collect()
    }

    /// Returns all hosts.
    pub(crate) fn all_hosts(&self) -> BTreeSet<String> {
        let pairs = self.pairs.keys();
        pairs
            .flat_map(|(source, destination)| [source.clone(), destination.clone()])
            .collect()
    }
}

impl Reading {
    /// Takes what was read of another test of the pair: the newer counts.
    pub(crate) fn merge(&mut self, other: Self) {
        let tests = self.tests + other.tests;
        let is_newer = other.seen.newest > self.seen.newest;
        let is_known = self.seen.newest.is_some() || self.error.is_some();
        if is_newer || !is_known {
            *self = other;
        }
        self.tests = tests;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const NOW: i64 = 1_764_000_000;

    /// A reading: source, destination, measure, age, value.
    type Made<'a> = (&'a str, &'a str, usize, Option<i64>, Option<f64>);

    /// A grid of made-up readings.
    pub(crate) fn grid(cells: &[Made<'_>]) -> Grid {
        let measure = |event_type: &str, critical: &str| Measure {
            event_type: event_type.to_owned(),
            unit: Unit::of(event_type),
            thresholds: Thresholds {
                warning: None,
                critical: Some(critical.parse().unwrap()),
                critical_age: Some(86_400),
                ..Thresholds::default()
            },
        };
        let mut grid = Grid {
            archive: "https://ma.example.org/esmond/perfsonar/archive/".to_owned(),
            now: NOW,
            since: NOW - 604_800,
            measures: vec![
                measure("throughput", "1e9:"),
                measure("packet-loss-rate", "5"),
            ],
            pairs: BTreeMap::new(),
            names: HashMap::new(),
            notes: Vec::new(),
            is_partial: false,
        };
        for (source, destination, measure, age, value) in cells {
            let pair = ((*source).to_owned(), (*destination).to_owned());
            let places = grid.pairs.entry(pair).or_insert_with(|| vec![None, None]);
            places[*measure] = Some(Reading {
                seen: Seen {
                    newest: age.map(|age| NOW - age),
                    value: *value,
                },
                tests: 1,
                key: "0123".to_owned(),
                ..Reading::default()
            });
        }
        grid
    }

    #[test]
    fn each_cell_has_the_state_of_its_newest_point() {
        for (age, value, state) in [
            (Some(300), Some(9e9), CellState::Ok),
            (Some(300), Some(9e8), CellState::Critical),
            (Some(100_000), Some(9e9), CellState::Stale),
            (Some(300), None, CellState::Unknown),
            (None, None, CellState::None),
        ] {
            let grid = grid(&[("a", "b", 0, age, value)]);
            let cell = grid.state_of(&grid.measures[0], grid.reading("a", "b", 0));
            assert_eq!(cell, state);
            assert_eq!(grid.state_of(&grid.measures[1], None), CellState::None);
        }
    }

    #[test]
    fn the_worst_cell_is_the_state_of_all() {
        let ok = ("a", "b", 0, Some(1), Some(9e9));
        let none = ("b", "a", 0, None, None);
        let stale = ("b", "c", 0, Some(100_000), Some(9e9));
        assert_eq!(grid(&[ok, none]).state(), State::Ok);
        assert_eq!(grid(&[ok, none, stale]).state(), State::Critical);
        assert_eq!(grid(&[none]).state(), State::Unknown);
        assert_eq!(grid(&[]).state(), State::Unknown);
        let mut partial = grid(&[ok]);
        partial.is_partial = true;
        assert_eq!(partial.state(), State::Unknown);
    }

    #[test]
    fn of_two_tests_the_newer_point_counts() {
        let reading = |newest, key: &str| Reading {
            seen: Seen {
                newest,
                value: None,
            },
            tests: 1,
            key: key.to_owned(),
            ..Reading::default()
        };
        let mut merged = reading(Some(5), "a");
        merged.merge(reading(None, "b"));
        merged.merge(reading(Some(7), "c"));
        merged.merge(reading(Some(6), "d"));
        assert_eq!((merged.key.as_str(), merged.tests), ("c", 4));
    }
}
