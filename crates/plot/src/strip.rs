//! The paths that packets took, and when they changed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::steps::Steps;

/// Most paths that are told apart; all others are [`Strip::OTHERS`].
const MOST_PATHS: usize = 200;

/// Most hops that are looked at; a packet lives for 255 at most.
const MOST_HOPS: usize = 255;

/// Most stretches that are held.
const MOST_CELLS: usize = 4096;

/// A path, as it was first seen. A hop that did not answer then is filled in once
/// it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Addresses of the hops; `None` for one that never answered.
    pub hops: Vec<Option<String>>,
    /// Number of traces.
    pub traces: u64,
}

impl Path {
    /// Reads a trace: of each hop the first answer. `None` when the value is no trace.
    #[must_use]
    pub fn of(trace: &Value) -> Option<Self> {
        let answers = trace.as_array()?;
        let mut hops: BTreeMap<u64, Option<String>> = BTreeMap::new();
        for (position, answer) in answers.iter().enumerate() {
            let ttl = answer.get("ttl").and_then(whole);
            let ttl = ttl.unwrap_or(position as u64 + 1);
            if ttl as usize > MOST_HOPS {
                continue;
            }
            let address = answer.get("ip").and_then(Value::as_str);
            let hop = hops.entry(ttl).or_default();
            if hop.is_none() {
                *hop = address.map(|address| address.chars().take(64).collect());
            }
        }
        let last = *hops.keys().next_back()?;
        let hops = (1..=last).map(|ttl| hops.remove(&ttl).flatten()).collect();
        Some(Self { hops, traces: 1 })
    }

    /// Tells whether it can be the same path: where both answered, they are the same.
    fn fits(&self, other: &Self) -> bool {
        let hops = self.hops.iter().zip(&other.hops);
        self.hops.len() == other.hops.len()
            && hops.into_iter().all(|(one, two)| match (one, two) {
                (Some(one), Some(two)) => one == two,
                _ => true,
            })
    }

    fn take(&mut self, other: Self) {
        self.traces += 1;
        for (hop, seen) in self.hops.iter_mut().zip(other.hops) {
            *hop = hop.take().or(seen);
        }
    }
}

fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A stretch of time and what was seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Time of the first trace.
    pub from: i64,
    /// Time of the last trace.
    pub to: i64,
    /// Path of the first trace, as an index.
    pub first: usize,
    /// Path of the last trace.
    pub last: usize,
    /// How many of its traces took another path than the one before.
    pub changes: u64,
}

/// The paths of a series of traces.
///
/// Memory does not grow with the traces: at most 200 paths are told apart, and
/// there are at most 4096 stretches of time. They begin with a length of one second,
/// and are made twice as long when there would be more.
#[derive(Debug, Clone)]
pub struct Strip {
    paths: Vec<Path>,
    others: u64,
    cells: Vec<Cell>,
    /// Length of a stretch in seconds.
    width: i64,
    steps: Steps,
    traces: u64,
    changes: u64,
}

impl Default for Strip {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            others: 0,
            cells: Vec::new(),
            width: 1,
            steps: Steps::default(),
            traces: 0,
            changes: 0,
        }
    }
}

impl Strip {
    /// Index of the paths that came after the first 200.
    pub const OTHERS: usize = MOST_PATHS;

    /// Takes a trace; traces come in the order of time.
    pub fn add(&mut self, ts: i64, path: Path) {
        let index = self.index_of(path);
        self.traces += 1;
        let new = Cell {
            from: ts,
            to: ts,
            first: index,
            last: index,
            changes: 0,
        };
        if let Some(last) = self.cells.last() {
            self.steps.add(ts.saturating_sub(last.to));
            self.changes += u64::from(last.last != index);
        }
        put(&mut self.cells, self.width, new);
        while self.cells.len() > MOST_CELLS {
            self.width = self.width.saturating_mul(2);
            for cell in std::mem::take(&mut self.cells) {
                put(&mut self.cells, self.width, cell);
            }
        }
    }

    /// Returns the stretches in the order of time, parted where there is a gap:
    /// longer than 2.5 times the usual (median) distance of traces.
    #[must_use]
    pub fn runs(&self) -> Vec<&[Cell]> {
        let longest = self.steps.longest();
        let follows = |one: &Cell, two: &Cell| two.from.saturating_sub(one.to) as f64 <= longest;
        self.cells.chunk_by(follows).collect()
    }

    /// Returns how far the path of a trace is taken to reach: to the usual time of the
    /// next one, in seconds.
    pub(crate) fn reach(&self) -> i64 {
        self.steps.usual().map_or(0, |usual| usual as i64)
    }

    fn index_of(&mut self, path: Path) -> usize {
        match self.paths.iter().position(|known| known.fits(&path)) {
            Some(index) => {
                self.paths[index].take(path);
                index
            }
            None if self.paths.len() < MOST_PATHS => {
                self.paths.push(path);
                self.paths.len() - 1
            }
            None => {
                self.others += 1;
                Self::OTHERS
            }
        }
    }

    /// Returns the paths in the order in which they were first seen.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Returns the times of the first and the last trace.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        Some((self.cells.first()?.from, self.cells.last()?.to))
    }

    /// Returns how many traces were taken.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// Returns how often the path changed.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the letter of a path: A to Z, a to z, then `?`.
    #[must_use]
    pub fn letter(index: usize) -> char {
        let letters = ('A'..='Z').chain('a'..='z');
        letters.into_iter().nth(index).unwrap_or('?')
    }

    /// Returns the paths that were taken most, with their indices, most taken first.
    pub(crate) fn by_use(&self) -> Vec<(usize, &Path)> {
        let mut paths: Vec<_> = self.paths.iter().enumerate().collect();
        paths.sort_by_key(|(index, path)| (std::cmp::Reverse(path.traces), *index));
        paths
    }

    /// Describes a path in words: the first by its hops, others by what differs.
    pub(crate) fn describe(&self, index: usize, main: usize) -> String {
        let (Some(path), Some(main_path)) = (self.paths.get(index), self.paths.get(main)) else {
            return String::new();
        };
        let name = |hop: &Option<String>| hop.clone().unwrap_or_else(|| "*".to_owned());
        let head = format!(
            "{}  {} of {} traces, {} {}",
            Self::letter(index),
            path.traces,
            self.traces,
            path.hops.len(),
            if path.hops.len() == 1 { "hop" } else { "hops" }
        );
        if index == main {
            let hops: Vec<String> = path.hops.iter().map(name).collect();
            return format!("{head}: {}", hops.join(" "));
        }
        let mut differing = path.hops.iter().enumerate().filter(|(at, hop)| {
            let there = main_path.hops.get(*at).unwrap_or(&None);
            hop.is_some() && *hop != there
        });
        let shown: Vec<String> = differing
            .by_ref()
            .take(12)
            .map(|(at, hop)| format!("hop {}: {}", at + 1, name(hop)))
            .collect();
        if shown.is_empty() {
            return format!("{head}: as {}, shorter", Self::letter(main));
        }
        format!(
            "{head}; differs from {} at {}",
            Self::letter(main),
            shown.join(", ")
        )
    }
}

/// Adds a stretch, as a part of the last one where that is not yet `width` long.
fn put(cells: &mut Vec<Cell>, width: i64, next: Cell) {
    match cells.last_mut() {
        Some(last) if next.to.saturating_sub(last.from) < width => {
            last.changes += next.changes + u64::from(last.last != next.first);
            last.to = next.to;
            last.last = next.last;
        }
        _ => cells.push(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(hops: &[&str]) -> Path {
        let answers = hops.iter().enumerate().map(|(at, hop)| {
            let ip = if *hop == "*" { Value::Null } else { json!(hop) };
            json!({"ttl": at + 1, "query": 1, "success": 1, "ip": ip})
        });
        Path::of(&answers.collect()).unwrap()
    }

    #[test]
    fn a_hop_that_does_not_answer_is_no_other_path() {
        let mut strip = Strip::default();
        strip.add(0, path(&["a", "*", "c"]));
        strip.add(60, path(&["a", "b", "*"]));
        strip.add(120, path(&["a", "x", "c"]));
        assert_eq!(strip.paths().len(), 2);
        assert_eq!(strip.changes(), 1);
        assert_eq!(strip.paths()[0].hops[1].as_deref(), Some("b"));
        let letters: Vec<char> = strip
            .cells
            .iter()
            .map(|cell| Strip::letter(cell.first))
            .collect();
        assert_eq!(letters, ['A', 'A', 'B']);
        assert_eq!(
            strip.describe(1, 0),
            "B  1 of 3 traces, 3 hops; differs from A at hop 2: x"
        );
    }

    #[test]
    fn the_first_answer_of_a_hop_counts() {
        let trace = json!([
            {"ttl": 1, "query": 1, "ip": null},
            {"ttl": "1", "query": 2, "ip": "a"},
            {"ttl": 1, "query": 3, "ip": "b"},
            {"ttl": 3, "query": 1, "ip": "c"},
        ]);
        let hops = Path::of(&trace).unwrap().hops;
        assert_eq!(hops, [Some("a".to_owned()), None, Some("c".to_owned())]);
        assert_eq!(Path::of(&json!({"ttl": 1})), None);
        assert_eq!(Path::of(&json!([])), None);
    }

    #[test]
    fn a_path_that_changes_all_the_time_takes_no_more_room() {
        let mut strip = Strip::default();
        for ts in 0..100_000 {
            strip.add(ts, path(&[if ts % 2 == 0 { "a" } else { "b" }]));
        }
        assert!(strip.cells.len() <= MOST_CELLS);
        assert_eq!((strip.changes(), strip.traces()), (99_999, 100_000));
        let inside: u64 = strip.cells.iter().map(|cell| cell.changes).sum();
        let between = strip
            .cells
            .windows(2)
            .filter(|two| two[0].last != two[1].first);
        assert_eq!(inside + between.count() as u64, 99_999);
    }

    #[test]
    fn a_pause_of_the_traces_is_seen() {
        let mut strip = Strip::default();
        for ts in [0, 60, 120, 1000, 1060] {
            strip.add(ts, path(&["a"]));
        }
        let lengths: Vec<usize> = strip.runs().iter().map(|run| run.len()).collect();
        assert_eq!(lengths, [3, 2]);
    }

    #[test]
    fn only_so_many_paths_are_told_apart() {
        let mut strip = Strip::default();
        for ts in 0..1000 {
            strip.add(ts, path(&[&ts.to_string()]));
        }
        assert_eq!(strip.paths().len(), MOST_PATHS);
        assert_eq!(strip.cells.last().unwrap().last, Strip::OTHERS);
    }
}
