//! Histograms and their statistics.
//!
//! A histogram counts values per bucket. Buckets are texts: they are kept
//! exactly as posted (`41`, `41.0` and `41.00` are three buckets) and in the
//! order in which they came.

use std::collections::{BTreeSet, HashMap};

use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::float;

/// Counts per bucket, in stored order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    buckets: Vec<(String, i64)>,
}

/// Statistics of a histogram with at least one count and only numeric buckets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Statistics {
    /// Smallest bucket.
    pub minimum: f64,
    /// Largest bucket.
    pub maximum: f64,
    /// Mean of all values.
    pub mean: f64,
    /// 50th percentile.
    pub median: f64,
    /// Buckets with the largest count, in stored order.
    pub mode: Vec<f64>,
    /// Square root of the variance.
    pub standard_deviation: f64,
    /// Population variance.
    pub variance: f64,
    /// 25th percentile.
    #[serde(rename = "percentile-25")]
    pub percentile_25: f64,
    /// 75th percentile.
    #[serde(rename = "percentile-75")]
    pub percentile_75: f64,
    /// 95th percentile.
    #[serde(rename = "percentile-95")]
    pub percentile_95: f64,
}

impl Histogram {
    /// Makes a histogram of buckets and counts. A bucket that comes twice
    /// counts once, with the last count.
    #[must_use]
    pub fn new(buckets: impl IntoIterator<Item = (String, i64)>) -> Self {
        let mut histogram = Self::default();
        let mut position: HashMap<String, usize> = HashMap::new();
        for (bucket, count) in buckets {
            match position.get(&bucket) {
                Some(&at) => histogram.buckets[at].1 = count,
                None => {
                    position.insert(bucket.clone(), histogram.buckets.len());
                    histogram.buckets.push((bucket, count));
                }
            }
        }
        histogram
    }

    /// Returns buckets and counts in stored order.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = (&str, i64)> {
        self.buckets
            .iter()
            .map(|(bucket, count)| (bucket.as_str(), *count))
    }

    /// Tells whether there is no bucket at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Adds the counts of another histogram. Buckets that exist keep their
    /// place, new ones follow. Counts saturate at 64 bits.
    pub fn merge(&mut self, other: &Self) {
        let places = self.places(other);
        for ((bucket, count), place) in other.buckets.iter().zip(places) {
            match place {
                Some(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(*count),
                None => self.buckets.push((bucket.clone(), *count)),
            }
        }
    }

    /// Takes away the counts of a histogram that was merged in before, and
    /// returns the buckets that are left with no count. They are kept: whether
    /// they go depends on whether another merged histogram listed them.
    pub fn unmerge(&mut self, other: &Self) -> Vec<String> {
        let places = self.places(other);
        let mut emptied = Vec::new();
        for ((bucket, count), place) in other.buckets.iter().zip(places) {
            if let Some(at) = place {
                let left = self.buckets[at].1.saturating_sub(*count);
                self.buckets[at].1 = left;
                if left == 0 {
                    emptied.push(bucket.clone());
                }
            }
        }
        emptied
    }

    /// Removes buckets, with their counts. Those that stay keep their order.
    pub fn remove(&mut self, buckets: &BTreeSet<String>) {
        self.buckets.retain(|(name, _)| !buckets.contains(name));
    }

    /// Computes the statistics; `None` when a bucket is no finite number or
    /// when nothing was counted.
    ///
    /// Percentiles follow the NIST rule on the sorted buckets, where the value
    /// after the one found is the *next bucket*, also an empty one.
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for (bucket, count) in &self.buckets {
            buckets.push((float::parse(bucket)?, *count));
        }
        let total: i128 = buckets.iter().map(|(_, count)| i128::from(*count)).sum();
        if total <= 0 {
            return None;
        }
        let n = total as f64;
        let mean = buckets
            .iter()
            .map(|(value, count)| value * *count as f64)
            .sum::<f64>()
            / n;
        let largest = buckets.iter().map(|(_, count)| *count).max()?;
        let mode = buckets
            .iter()
            .filter(|(_, count)| *count == largest)
            .map(|(value, _)| *value)
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let variance = buckets
            .iter()
            .map(|(value, count)| *count as f64 * (value - mean).powi(2))
            .sum::<f64>()
            / n;
        let [percentile_25, median, percentile_75, percentile_95] = percentiles(&buckets, total)?;
        let statistics = Statistics {
            minimum: buckets.first()?.0,
            maximum: buckets.last()?.0,
            mean,
            median,
            mode,
            standard_deviation: variance.sqrt(),
            variance,
            percentile_25,
            percentile_75,
            percentile_95,
        };
        // Buckets near the limits of double precision overflow the sums, and
        // negative counts can make a variance negative: no number, no answer.
        let finite = [
            statistics.mean,
            statistics.variance,
            statistics.standard_deviation,
        ]
        .iter()
        .all(|value| value.is_finite());
        finite.then_some(statistics)
    }

    /// Returns where each bucket of another histogram is in this one.
    fn places(&self, other: &Self) -> Vec<Option<usize>> {
        let names = self.buckets.iter().map(|(bucket, _)| bucket.as_str());
        let position: HashMap<&str, usize> = names.zip(0..).collect();
        let wanted = other.buckets.iter();
        wanted
            .map(|(bucket, _)| position.get(bucket.as_str()).copied())
            .collect()
    }
}

/// Percentiles 25, 50, 75 and 95 of sorted buckets with `total` counts.
fn percentiles(buckets: &[(f64, i64)], total: i128) -> Option<[f64; 4]> {
    let mut results = Vec::with_capacity(4);
    let mut wanted = [25.0, 50.0, 75.0, 95.0].into_iter();
    let mut percent: f64 = wanted.next()?;
    let mut held: Option<f64> = None;
    let mut running: i128 = 0;
    for &(value, count) in buckets {
        running += i128::from(count);
        loop {
            let position = (percent / 100.0) * (total as f64 + 1.0);
            let rank = position.floor();
            if (running as f64) < rank {
                break;
            }
            let result = if let Some(held) = held {
                held + (position - rank) * (value - held)
            } else if rank == 0.0
                || (running >= total && rank >= total as f64)
                || position < running as f64
            {
                value
            } else {
                held = Some(value);
                break;
            };
            held = None;
            results.push(result);
            match wanted.next() {
                Some(next) => percent = next,
                None => return results.try_into().ok(),
            }
        }
    }
    // A percentile whose next bucket never came lies on the last one.
    while results.len() < 4 {
        results.push(held.or_else(|| buckets.last().map(|(value, _)| *value))?);
    }
    results.try_into().ok()
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.buckets.len()))?;
        for (bucket, count) in &self.buckets {
            map.serialize_entry(bucket, count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::deserialize(deserializer)?;
        let mut buckets = Vec::with_capacity(map.len());
        for (bucket, count) in map {
            let count = match &count {
                Value::Number(number) => number.as_i64(),
                _ => None,
            }
            .ok_or_else(|| {
                D::Error::custom(format_args!("count of bucket {bucket:?} is no integer"))
            })?;
            buckets.push((bucket, count));
        }
        Ok(Self { buckets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: &[(&str, i64)]) -> Histogram {
        Histogram::new(
            buckets
                .iter()
                .map(|&(bucket, count)| (bucket.to_owned(), count)),
        )
    }

    /// The table of the archive's contract.
    #[test]
    fn statistics_equal_those_of_the_original_archive() {
        let one_to_nineteen: Vec<(String, i64)> = (1..=19).map(|v| (v.to_string(), 1)).collect();
        let all: Vec<f64> = (1..=19).map(f64::from).collect();
        let cases = [
            (
                histogram(&[("5", 1)]),
                [5.0, 5.0, 5.0, 5.0, 5.0, 0.0],
                vec![5.0],
            ),
            (
                histogram(&[("1", 2), ("2", 2), ("3", 1)]),
                [1.8, 2.0, 1.0, 2.5, 3.0, 0.56],
                vec![1.0, 2.0],
            ),
            (
                histogram(&[("10", 4), ("20", 6)]),
                [16.0, 20.0, 10.0, 20.0, 20.0, 24.0],
                vec![20.0],
            ),
            (
                histogram(&[("41.00", 98), ("41.10", 98), ("50.0", 1), ("41.20", 3)]),
                [41.097, 41.1, 41.0, 41.1, 41.1, 0.401_091_000_000_000_03],
                vec![41.0, 41.1],
            ),
            (
                histogram(&[("-0.5", 1), ("0", 1), ("7", 1), ("30", 1)]),
                [9.125, 3.5, -0.375, 24.25, 30.0, 154.046_875],
                vec![-0.5, 0.0, 7.0, 30.0],
            ),
            (
                Histogram::new(one_to_nineteen),
                [10.0, 10.0, 5.0, 15.0, 19.0, 30.0],
                all,
            ),
        ];
        for (histogram, [mean, median, p25, p75, p95, variance], mode) in cases {
            let s = histogram.statistics().unwrap();
            assert_eq!(
                [
                    s.mean,
                    s.median,
                    s.percentile_25,
                    s.percentile_75,
                    s.percentile_95,
                    s.variance
                ],
                [mean, median, p25, p75, p95, variance],
                "{histogram:?}"
            );
            assert_eq!(s.mode, mode);
            assert_eq!(s.standard_deviation, variance.sqrt());
        }
    }

    #[test]
    fn text_buckets_and_empty_histograms_have_no_statistics() {
        assert_eq!(histogram(&[("fast", 1), ("1", 2)]).statistics(), None);
        assert_eq!(histogram(&[("nan", 1)]).statistics(), None);
        assert_eq!(histogram(&[("inf", 1)]).statistics(), None);
        assert_eq!(histogram(&[("1", 0)]).statistics(), None);
        assert_eq!(histogram(&[]).statistics(), None);
    }

    #[test]
    fn counts_beyond_64_bits_stay_at_the_limit() {
        let mut sum = histogram(&[("1", i64::MAX)]);
        sum.merge(&histogram(&[("1", 1)]));
        assert_eq!(sum, histogram(&[("1", i64::MAX)]));
    }

    #[test]
    fn unmerging_undoes_merging_but_for_emptied_buckets() {
        let first = histogram(&[("1", 2), ("2", 0)]);
        let second = histogram(&[("2", 3), ("1", 1), ("9", 4)]);
        let mut sum = first.clone();
        sum.merge(&second);
        assert_eq!(sum, histogram(&[("1", 3), ("2", 3), ("9", 4)]));
        let emptied = sum.unmerge(&second);
        assert_eq!(emptied, ["2", "9"]);
        sum.remove(&["9".to_owned()].into());
        assert_eq!(sum, first);
    }
}
