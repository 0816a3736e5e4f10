//! One number for all values of a window.

use crate::measure::Part;

/// Which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stat {
    /// Mean of all values
    Mean,
    /// Smallest value
    Min,
    /// Largest value
    Max,
    /// 50th percentile
    Median,
    /// 95th percentile
    P95,
    /// Value of the newest point; of a histogram its median
    Last,
    /// Number of points
    Count,
    /// Standard deviation of all values
    Stddev,
}

impl Stat {
    /// Returns the name, as it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Median => "median",
            Self::P95 => "p95",
            Self::Last => "last",
            Self::Count => "count",
            Self::Stddev => "stddev",
        }
    }

    /// Returns which part of statistics that an archive gives is looked at.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Mean | Self::Count => Part::Mean,
            Self::Min => Part::Minimum,
            Self::Max => Part::Maximum,
            Self::Median | Self::Last => Part::Median,
            Self::P95 => Part::Percentile95,
            Self::Stddev => Part::StandardDeviation,
        }
    }
}

/// Most different entries that the median and the 95th percentile remember.
pub(crate) const MOST: usize = 5_000_000;

/// The values of a window, as far as a number needs them: a few sums for most,
/// all values for the percentiles (16 bytes each, [`MOST`] at most).
#[derive(Debug, Clone)]
pub(crate) struct Values {
    stat: Stat,
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
    kept: Vec<(f64, u64)>,
    newest: i64,
    is_full: bool,
}

impl Values {
    /// Returns no values yet.
    pub(crate) fn new(stat: Stat) -> Self {
        Self {
            stat,
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            kept: Vec::new(),
            newest: i64::MIN,
            is_full: false,
        }
    }

    /// Begins with the next point.
    pub(crate) fn point(&mut self, ts: i64) {
        if self.stat == Stat::Last && ts > self.newest {
            self.kept.clear();
            self.count = 0;
        }
        self.newest = self.newest.max(ts);
    }

    /// Adds a value that occurs so often in the point of that time.
    pub(crate) fn add(&mut self, ts: i64, value: f64, times: u64) {
        if self.stat == Stat::Last && ts < self.newest {
            return;
        }
        self.count = self.count.saturating_add(times);
        let weight = times as f64;
        let distance = value - self.mean;
        self.mean += distance * weight / self.count as f64;
        self.squares += weight * distance * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if matches!(self.stat, Stat::Median | Stat::P95 | Stat::Last) {
            if self.kept.len() < MOST {
                self.kept.push((value, times));
            } else {
                self.is_full = true;
            }
        }
    }

    /// Tells whether there were more values than can be remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Returns the number; `None` without a value. [`Stat::Count`] is not one of
    /// values.
    pub(crate) fn result(mut self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let result = match self.stat {
            Stat::Mean => self.mean,
            Stat::Min => self.min,
            Stat::Max => self.max,
            Stat::Stddev => (self.squares / self.count as f64).max(0.0).sqrt(),
            Stat::Median | Stat::Last => percentile(&mut self.kept, self.count, 0.5)?,
            Stat::P95 => percentile(&mut self.kept, self.count, 0.95)?,
            Stat::Count => return None,
        };
        result.is_finite().then_some(result)
    }
}

/// Returns a percentile, between the two values next to it by their distance.
fn percentile(values: &mut [(f64, u64)], count: u64, share: f64) -> Option<f64> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let place = share * (count - 1) as f64;
    let low = at(values, place.floor())?;
    let high = at(values, place.ceil())?;
    Some(low + (high - low) * place.fract())
}

/// Returns the value at a place, counted from 0.
fn at(values: &[(f64, u64)], place: f64) -> Option<f64> {
    let mut before = 0.0;
    for (value, times) in values {
        before += *times as f64;
        if place < before {
            return Some(*value);
        }
    }
    values.last().map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stat: Stat, points: &[(i64, &[(f64, u64)])]) -> Option<f64> {
        let mut values = Values::new(stat);
        for (ts, entries) in points {
            values.point(*ts);
            for (value, times) in *entries {
                values.add(*ts, *value, *times);
            }
        }
        values.result()
    }

    #[test]
    fn each_number_is_what_it_is_called() {
        // As numpy has it of [1, 2, 2, 4, 11].
        let points: &[(i64, &[(f64, u64)])] = &[
            (10, &[(4.0, 1), (2.0, 2)]),
            (20, &[(11.0, 1)]),
            (5, &[(1.0, 1)]),
        ];
        for (stat, expected) in [
            (Stat::Mean, 4.0),
            (Stat::Min, 1.0),
            (Stat::Max, 11.0),
            (Stat::Median, 2.0),
            (Stat::P95, 9.6),
            (Stat::Last, 11.0),
            (Stat::Stddev, 13.2_f64.sqrt()),
        ] {
            let result = of(stat, points).unwrap();
            assert!((result - expected).abs() < 1e-12, "{stat:?} {result}");
        }
    }

    #[test]
    fn the_last_of_a_histogram_is_its_median() {
        let points: &[(i64, &[(f64, u64)])] = &[(10, &[(9.0, 7)]), (20, &[(1.0, 1), (3.0, 3)])];
        assert_eq!(of(Stat::Last, points), Some(3.0));
    }

    #[test]
    fn no_values_have_no_number() {
        for stat in [Stat::Mean, Stat::Last, Stat::P95, Stat::Min] {
            assert_eq!(of(stat, &[(10, &[])]), None);
        }
        assert_eq!(
            of(Stat::Mean, &[(1, &[(1e308, 1)]), (2, &[(1e308, 1)])]),
            Some(1e308)
        );
    }
}
