//! Quantiles between values, and sums, as numpy computes them: to the last bit.
//!
//! The archive's own statistics of a histogram follow another rule; see
//! [`histogram`](crate::histogram).

/// Returns where a quantile lies among `count` sorted values: the rank of the
/// value at or below it, counted from 0, and how far on it is to the next one.
///
/// This is what numpy calls `linear`. A quantile is a fraction, 0.95 for the 95th
/// percentile; a count of 0 gives rank 0.
///
/// ```
/// use esmond_ps_model::quantile::position;
/// assert_eq!(position(5, 0.5), (2, 0.0));
/// assert_eq!(position(3, 0.25), (0, 0.5));
/// ```
#[must_use]
pub fn position(count: u64, quantile: f64) -> (u64, f64) {
    let last = count.saturating_sub(1);
    let place = last as f64 * quantile;
    let rank = place.floor();
    if rank >= last as f64 {
        return (last, 0.0);
    }
    (rank.max(0.0) as u64, place - rank)
}

/// Returns the value that lies that far between two, 0 to 1.
#[must_use]
pub fn between(low: f64, high: f64, fraction: f64) -> f64 {
    let difference = high - low;
    if fraction >= 0.5 {
        high - difference * (1.0 - fraction)
    } else {
        low + difference * fraction
    }
}

/// Returns the sum of the next `count` numbers, in pairs of pairs: the order in
/// which numpy adds a list. Numbers are asked for from the first to the last,
/// and none is held.
pub fn pairwise_sum<E>(count: u64, next: &mut impl FnMut() -> Result<f64, E>) -> Result<f64, E> {
    /// Most numbers that are added without halving them first.
    const BLOCK: u64 = 128;
    if count < 8 {
        let mut sum = -0.0;
        for _ in 0..count {
            sum += next()?;
        }
        return Ok(sum);
    }
    if count <= BLOCK {
        let mut sums = [0.0; 8];
        for sum in &mut sums {
            *sum = next()?;
        }
        for _ in 1..count / 8 {
            for sum in &mut sums {
                *sum += next()?;
            }
        }
        let [a, b, c, d, e, f, g, h] = sums;
        let mut sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
        for _ in 0..count % 8 {
            sum += next()?;
        }
        return Ok(sum);
    }
    let half = count / 2;
    let first = half - half % 8;
    Ok(pairwise_sum(first, next)? + pairwise_sum(count - first, next)?)
}

/// Returns a number whose order is that of the values, and back: see
/// [`from_order`]. Not for NaN.
#[must_use]
pub fn order(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// Returns the value of an [`order`].
#[must_use]
pub fn from_order(order: u64) -> f64 {
    f64::from_bits(if order >> 63 == 1 {
        order & !(1 << 63)
    } else {
        !order
    })
}

/// Returns the quantile of values that come many times each: `counts` are values
/// and how often each comes, ascending. `None` when nothing was counted.
///
/// ```
/// use esmond_ps_model::quantile::of_counts;
/// // 1 1 1 2
/// assert_eq!(of_counts(&[(1.0, 3), (2.0, 1)], 0.9), Some(1.7000000000000002));
/// ```
#[must_use]
pub fn of_counts(counts: &[(f64, u64)], quantile: f64) -> Option<f64> {
    let total = counts
        .iter()
        .fold(0_u64, |total, (_, count)| total.saturating_add(*count));
    if total == 0 {
        return None;
    }
    let (rank, fraction) = position(total, quantile);
    let low = at_rank(counts, rank)?;
    let high = at_rank(counts, (rank + 1).min(total - 1))?;
    Some(between(low, high, fraction))
}

/// Returns the value at a rank counted from 0.
#[must_use]
pub fn at_rank(counts: &[(f64, u64)], rank: u64) -> Option<f64> {
    let mut before = 0_u64;
    counts.iter().find_map(|(value, count)| {
        before = before.saturating_add(*count);
        (before > rank).then_some(*value)
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_order_of_numbers_is_that_of_their_values() {
        let values = [f64::MIN, -1.5, -1e-300, -0.0, 0.0, 1e-300, 1.5, f64::MAX];
        for pair in values.windows(2) {
            assert!(order(pair[0]) < order(pair[1]), "{pair:?}");
        }
        for value in values {
            assert_eq!(from_order(order(value)).to_bits(), value.to_bits());
        }
    }

    /// From `python3 -c 'import numpy; print(repr(numpy.sum(numpy.arange(1, N + 1) * 0.1)))'`.
    #[test]
    fn sums_are_those_of_numpy() {
        for (count, expected) in SUMS {
            let mut at = 0.0;
            let mut next = || {
                at += 1.0;
                Ok::<_, Infallible>(at * 0.1)
            };
            let Ok(sum) = pairwise_sum(count, &mut next);
            assert_eq!(sum, expected, "{count}");
        }
    }

    const SUMS: [(u64, f64); 9] = [
        (1, 0.1),
        (7, 2.8000000000000003),
        (8, 3.6),
        (9, 4.5),
        (100, 505.0),
        (128, 825.6),
        (129, 838.5),
        (1000, 50050.0),
        (12345, 7620568.5),
    ];
}
