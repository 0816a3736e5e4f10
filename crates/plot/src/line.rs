//! A series of numbers, reduced to what a picture can show.

use std::collections::BTreeMap;

use crate::steps::Steps;

/// Most columns that are held. Pictures are rarely wider, in pixels.
const MOST: usize = 4096;

/// A number at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Unix time in seconds, UTC.
    pub ts: i64,
    /// The number.
    pub value: f64,
}

/// The points of a stretch of time: the four that decide how it looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// The earliest.
    pub first: Sample,
    /// The latest.
    pub last: Sample,
    /// The (first) smallest.
    pub low: Sample,
    /// The (first) largest.
    pub high: Sample,
}

impl Column {
    fn of(sample: Sample) -> Self {
        Self {
            first: sample,
            last: sample,
            low: sample,
            high: sample,
        }
    }

    fn merge(&mut self, other: Self) {
        if other.first.ts < self.first.ts {
            self.first = other.first;
        }
        if other.last.ts >= self.last.ts {
            self.last = other.last;
        }
        if other.low.value < self.low.value {
            self.low = other.low;
        }
        if other.high.value > self.high.value {
            self.high = other.high;
        }
    }

    /// Returns its points in the order of time, each once.
    pub fn samples(&self) -> impl Iterator<Item = Sample> {
        let mut samples = vec![self.first, self.low, self.high, self.last];
        // Stable: the first and the last stay so among those of one second.
        samples.sort_by_key(|sample| sample.ts);
        samples.dedup();
        samples.into_iter()
    }
}

/// A series of numbers over time.
///
/// Points are put into columns as they come, and of a column the first, the
/// last, the smallest and the largest point are kept: what a line through all
/// of them would touch in a picture whose pixels are the columns. There are at most
/// 4096 columns, so that memory does not grow with the points: they begin with
/// a width of one second, and are made twice as wide when there would be more.
#[derive(Debug, Clone)]
pub struct Line {
    columns: BTreeMap<i64, Column>,
    /// Width of a column in seconds.
    width: i64,
    steps: Steps,
    latest: Option<i64>,
    count: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            width: 1,
            steps: Steps::default(),
            latest: None,
            count: 0,
        }
    }
}

impl Line {
    /// Returns a series without points.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a point; what is no finite number is left out.
    pub fn add(&mut self, ts: i64, value: f64) {
        if !value.is_finite() {
            return;
        }
        if let Some(latest) = self.latest {
            self.steps.add(ts.saturating_sub(latest));
        }
        self.latest = self.latest.max(Some(ts));
        self.count += 1;
        let column = Column::of(Sample { ts, value });
        put(&mut self.columns, self.width, column);
        while self.columns.len() > MOST {
            self.width = self.width.saturating_mul(2);
            for (_, column) in std::mem::take(&mut self.columns) {
                put(&mut self.columns, self.width, column);
            }
        }
    }

    /// Returns how many points were taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the times of the first and the last point.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        let first = self.columns.values().next()?.first.ts;
        Some((first, self.columns.values().next_back()?.last.ts))
    }

    /// Returns the smallest and the largest number.
    #[must_use]
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let columns = self.columns.values();
        columns.fold(None, |extremes, column| {
            let (low, high) = (column.low.value, column.high.value);
            Some(extremes.map_or((low, high), |(least, most): (f64, f64)| {
                (least.min(low), most.max(high))
            }))
        })
    }

    /// Returns the columns, in stretches without gaps. A gap is longer than 2.5
    /// times the usual (median) distance of points.
    #[must_use]
    pub fn runs(&self) -> Vec<Vec<Column>> {
        let longest = self.steps.longest();
        let mut runs: Vec<Vec<Column>> = Vec::new();
        for column in self.columns.values() {
            let follows = runs.last_mut().filter(|run| {
                let last = run.last();
                last.is_some_and(|last| distance(last, column) <= longest)
            });
            match follows {
                Some(run) => run.push(*column),
                None => runs.push(vec![*column]),
            }
        }
        runs
    }

    /// Returns the longest distance that is no gap, in seconds; `None` before the
    /// second point.
    pub(crate) fn longest_step(&self) -> Option<f64> {
        self.steps.usual().map(|_| self.steps.longest())
    }

    /// Returns the series reduced further: to columns that begin at `from` and
    /// are as wide as a `count`th of the time up to `to`.
    pub(crate) fn fitted(&self, from: i64, to: i64, count: usize) -> Vec<Vec<Column>> {
        let span = (to.saturating_sub(from)).max(1) as f64;
        let place = |ts: i64| (ts.saturating_sub(from) as f64 / span * count as f64).floor() as i64;
        let runs = self.runs().into_iter();
        runs.map(|run| {
            let mut columns: Vec<Column> = Vec::new();
            for column in run {
                let joined = columns
                    .last_mut()
                    .filter(|last| place(last.first.ts) == place(column.first.ts));
                match joined {
                    Some(last) => last.merge(column),
                    None => columns.push(column),
                }
            }
            columns
        })
        .collect()
    }
}

fn put(columns: &mut BTreeMap<i64, Column>, width: i64, column: Column) {
    columns
        .entry(column.first.ts.div_euclid(width))
        .and_modify(|held| held.merge(column))
        .or_insert(column);
}

fn distance(before: &Column, after: &Column) -> f64 {
    after.first.ts.saturating_sub(before.last.ts) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: impl IntoIterator<Item = (i64, f64)>) -> Line {
        let mut line = Line::new();
        points
            .into_iter()
            .for_each(|(ts, value)| line.add(ts, value));
        line
    }

    #[test]
    fn a_distance_of_more_than_two_and_a_half_usual_steps_is_a_gap() {
        let runs = line([(0, 1.0), (60, 2.0), (120, 3.0), (270, 4.0), (421, 5.0)]).runs();
        let lengths: Vec<usize> = runs.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 1]);
    }

    #[test]
    fn two_points_are_joined_however_far_they_lie_apart() {
        assert_eq!(line([(0, 1.0), (1_000_000, 2.0)]).runs().len(), 1);
    }

    #[test]
    fn a_million_points_take_the_room_of_some_thousand_and_keep_their_extremes() {
        let spike = |ts: i64| if ts == 777_777 { 1e9 } else { (ts % 7) as f64 };
        let line = line((0..1_000_000).map(|ts| (ts, spike(ts))));
        assert!(line.columns.len() <= MOST && line.columns.len() > MOST / 4);
        assert_eq!(line.extremes(), Some((0.0, 1e9)));
        assert_eq!(line.count(), 1_000_000);
        assert_eq!(line.runs().len(), 1);
    }

    #[test]
    fn a_gap_is_seen_after_reducing() {
        let points = (0..100_000).chain(200_000..300_000);
        let line = line(points.map(|ts| (ts, 1.0)));
        assert_eq!(line.runs().len(), 2);
        assert_eq!(line.fitted(0, 300_000, 100).len(), 2);
    }

    #[test]
    fn a_column_keeps_the_four_points_that_decide_its_look() {
        let line = line([(10, 5.0), (11, 9.0), (12, 1.0), (13, 4.0), (14, 5.0)]);
        let runs = line.fitted(0, 100, 1);
        let samples: Vec<(i64, f64)> = runs[0][0].samples().map(|s| (s.ts, s.value)).collect();
        assert_eq!(samples, [(10, 5.0), (11, 9.0), (12, 1.0), (14, 5.0)]);
    }

    #[test]
    fn what_is_no_number_and_odd_times_are_no_trouble() {
        let line = line([
            (i64::MIN, 1.0),
            (i64::MAX, f64::NAN),
            (i64::MAX, 2.0),
            (5, 1.0),
        ]);
        assert_eq!(line.count(), 3);
        assert_eq!(line.fitted(0, 1, 10).iter().flatten().count(), 3);
    }
}
