//! Statistics of random histograms against the same statistics of the list of
//! all values, as a textbook computes them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use esmond_ps_model::{Histogram, Statistics};
use proptest::prelude::*;

/// A bucket's number and its count.
type Buckets = Vec<(f64, i64)>;

fn histogram(buckets: &Buckets) -> Histogram {
    // Each text is unique, also where numbers are equal.
    Histogram::new(
        buckets
            .iter()
            .enumerate()
            .map(|(at, (value, count))| (format!("{}{value}", " ".repeat(at)), *count)),
    )
}

/// The percentile by the NIST rule on all values: the value of rank k = ⌊p/100
/// (N+1)⌋, moved towards the one after it by the fraction; the ends where k is
/// 0 or N. The archive's peculiarity: after the last value of a bucket comes the
/// *next bucket*, also if it is empty.
fn percentile(sorted: &Buckets, percent: f64) -> f64 {
    let values: Vec<usize> = sorted
        .iter()
        .enumerate()
        .flat_map(|(at, (_, count))| vec![at; usize::try_from(*count).unwrap()])
        .collect();
    let n = values.len();
    let position = (percent / 100.0) * (n as f64 + 1.0);
    let rank = position.floor() as usize;
    if rank == 0 {
        return sorted[0].0;
    }
    let bucket = values[rank - 1];
    let value = sorted[bucket].0;
    if rank >= n {
        return value;
    }
    let next = if values[rank] == bucket {
        bucket
    } else {
        bucket + 1
    };
    value + (position - rank as f64) * (sorted[next].0 - value)
}

fn expected(buckets: &Buckets) -> Statistics {
    let mut sorted = buckets.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let values: Vec<f64> = buckets
        .iter()
        .flat_map(|(value, count)| vec![*value; usize::try_from(*count).unwrap()])
        .collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    let largest = buckets.iter().map(|(_, count)| *count).max().unwrap();
    Statistics {
        minimum: sorted[0].0,
        maximum: sorted[sorted.len() - 1].0,
        mean,
        median: percentile(&sorted, 50.0),
        mode: buckets
            .iter()
            .filter(|(_, count)| *count == largest)
            .map(|(value, _)| *value)
            .collect(),
        standard_deviation: variance.sqrt(),
        variance,
        percentile_25: percentile(&sorted, 25.0),
        percentile_75: percentile(&sorted, 75.0),
        percentile_95: percentile(&sorted, 95.0),
    }
}

/// Buckets as delays come: positive and negative, two decimals, some equal
/// numbers, some without counts.
fn buckets(counts: std::ops::Range<i64>) -> impl Strategy<Value = Buckets> {
    let value = (-2000_i32..2000).prop_map(|n| f64::from(n) / 100.0);
    prop::collection::vec((value, counts), 1..30).prop_filter("something is counted", |all| {
        all.iter().any(|(_, count)| *count > 0)
    })
}

fn assert_close(actual: &Statistics, expected: &Statistics) {
    let close = |name: &str, a: f64, b: f64| {
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{name}: {a} {b}");
    };
    assert_eq!(actual.mode, expected.mode);
    assert_eq!(actual.minimum, expected.minimum);
    assert_eq!(actual.maximum, expected.maximum);
    close("mean", actual.mean, expected.mean);
    close("variance", actual.variance, expected.variance);
    // The root of a rounding error near 0 is larger than the error.
    let (a, b) = (actual.standard_deviation, expected.standard_deviation);
    assert!((a - b).abs() <= 1e-6 * (1.0 + b), "deviation: {a} {b}");
    close("25", actual.percentile_25, expected.percentile_25);
    close("50", actual.median, expected.median);
    close("75", actual.percentile_75, expected.percentile_75);
    close("95", actual.percentile_95, expected.percentile_95);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn statistics_are_those_of_all_values(buckets in buckets(1..40)) {
        let statistics = histogram(&buckets).statistics().unwrap();
        assert_close(&statistics, &expected(&buckets));
    }

    #[test]
    fn empty_buckets_count_as_neighbours(buckets in buckets(0..3)) {
        let statistics = histogram(&buckets).statistics().unwrap();
        assert_close(&statistics, &expected(&buckets));
    }

    #[test]
    fn statistics_lie_between_the_ends_and_in_order(buckets in buckets(0..9)) {
        let s = histogram(&buckets).statistics().unwrap();
        prop_assert!(s.minimum <= s.percentile_25);
        prop_assert!(s.percentile_25 <= s.median);
        prop_assert!(s.median <= s.percentile_75);
        prop_assert!(s.percentile_75 <= s.percentile_95);
        prop_assert!(s.percentile_95 <= s.maximum);
        prop_assert!(s.minimum <= s.mean + 1e-9 && s.mean <= s.maximum + 1e-9);
    }

    #[test]
    fn unmerging_undoes_merging(a in buckets(0..9), b in buckets(0..9)) {
        let (a, b) = (histogram(&a), histogram(&b));
        let mut sum = a.clone();
        sum.merge(&b);
        let mut gone: BTreeSet<String> = sum.unmerge(&b).into_iter().collect();
        gone.retain(|bucket| !a.buckets().any(|(text, _)| text == bucket));
        sum.remove(&gone);
        prop_assert_eq!(sum, a);
    }
}
