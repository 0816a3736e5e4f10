//! Histograms merged into one, and the statistics of all values counted in them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use esmond_ps_model::quantile::{at_rank, from_order, of_counts, order, pairwise_sum};

use crate::statistics::Statistics;

/// Most different buckets: those of a delay of 0 to 1000 s in steps of a
/// millisecond. They take some 50 MB.
const MOST: usize = 1_000_000;

/// Histograms with more different buckets than can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the histograms have more than {MOST} different buckets")]
pub(crate) struct TooMany;

/// How often each value was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// By the order of the values.
    counts: BTreeMap<u64, u64>,
}

impl Counts {
    /// Takes a bucket and its count; buckets that are written differently and are one
    /// number are one.
    pub(crate) fn add(&mut self, bucket: f64, count: u64) -> Result<(), TooMany> {
        let held = self.counts.entry(order(bucket + 0.0)).or_default();
        *held = held.saturating_add(count);
        if self.counts.len() > MOST {
            return Err(TooMany);
        }
        Ok(())
    }

    /// Returns the statistics of all values; `None` when nothing was counted.
    ///
    /// Quantiles are those of a list that has each value as often as it was counted; mean
    /// and deviation are computed from the counts, which a list would only round more.
    pub(crate) fn statistics(&self) -> Option<Statistics> {
        let counts: Vec<(f64, u64)> = self
            .counts
            .iter()
            .map(|(order, count)| (from_order(*order), *count))
            .collect();
        let count = counts
            .iter()
            .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let mean = sum(&counts, |value| value) / count as f64;
        let variance = sum(&counts, |value| (value - mean).powi(2)) / count as f64;
        let low = at_rank(&counts, count.saturating_sub(1) / 2)?;
        let high = at_rank(&counts, (count / 2).min(count - 1))?;
        Some(Statistics {
            count,
            min: counts.first()?.0,
            mean,
            median: if low == high { low } else { (low + high) / 2.0 },
            percentile_95: of_counts(&counts, 0.95)?,
            max: counts.last()?.0,
            standard_deviation: variance.sqrt(),
        })
    }
}

fn sum(counts: &[(f64, u64)], part: impl Fn(f64) -> f64) -> f64 {
    let mut parts = counts
        .iter()
        .map(|(value, count)| part(*value) * *count as f64);
    let mut next = || Ok::<_, Infallible>(parts.next().unwrap_or_default());
    let Ok(sum) = pairwise_sum(counts.len() as u64, &mut next);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_that_are_one_number_are_one() {
        let mut counts = Counts::default();
        for (bucket, count) in [(41.0, 2), (41.00, 1), (-0.0, 1), (0.0, 1)] {
            counts.add(bucket, count).unwrap();
        }
        let statistics = counts.statistics().unwrap();
        assert_eq!((statistics.count, counts.counts.len()), (5, 2));
        assert_eq!(
            (statistics.min, statistics.median, statistics.max),
            (0.0, 41.0, 41.0)
        );
    }

    #[test]
    fn nothing_counted_has_no_statistics() {
        assert_eq!(Counts::default().statistics(), None);
    }

    #[test]
    fn histograms_that_are_too_fine_are_refused() {
        let mut counts = Counts::default();
        let added = (0..=MOST).try_for_each(|bucket| counts.add(bucket as f64, 1));
        assert_eq!(added, Err(TooMany));
    }
}
