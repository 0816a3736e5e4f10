//! The simplest fraction that reads as a double.

/// Returns the fraction with the smallest denominator whose quotient, in double
/// precision, is `value`; `None` for negative numbers and where 64 bits do not
/// hold it.
pub(crate) fn simplest(value: f64) -> Option<(i64, i64)> {
    if !(0.0..9.2e18).contains(&value) {
        return None;
    }
    let (mut numerator, mut denominator) = exact(value)?;
    // Convergents of the continued fraction: the one before the last, the last.
    let (mut before, mut last) = ((0_i128, 1_i128), (1_i128, 0_i128));
    let reads_back = |(n, d): (i128, i128)| n as f64 / d as f64 == value;
    let between = |steps: i128, before: (i128, i128), last: (i128, i128)| {
        let numerator = steps.checked_mul(last.0)?.checked_add(before.0)?;
        let denominator = steps.checked_mul(last.1)?.checked_add(before.1)?;
        Some((numerator, denominator))
    };
    while denominator != 0 {
        let term = numerator / denominator;
        let next = between(term, before, last)?;
        if reads_back(next) {
            // On the way to a convergent the fractions come ever nearer: the
            // first of them that reads back is the simplest.
            let (mut low, mut high) = (0, term);
            while low < high {
                let middle = (low + high) / 2;
                let candidate = between(middle, before, last)?;
                if candidate.1 > 0 && reads_back(candidate) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            let (n, d) = between(high, before, last)?;
            return Some((i64::try_from(n).ok()?, i64::try_from(d).ok()?));
        }
        (before, last) = (last, next);
        (numerator, denominator) = (denominator, numerator % denominator);
    }
    None
}

/// Returns a double as the fraction that it is; `None` where 128 bits do not
/// hold it.
fn exact(value: f64) -> Option<(i128, i128)> {
    let mut denominator = 1_i128;
    let mut numerator = value;
    while numerator.fract() != 0.0 {
        numerator *= 2.0;
        denominator = denominator.checked_mul(2)?;
    }
    // Far below the limit of 128 bits: a double has 53 digits and the value is
    // below 2^63.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    Some((numerator as i128, denominator))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::simplest;

    #[test]
    fn the_simplest_fraction_is_found() {
        for (value, expected) in [
            (0.0, Some((0, 1))),
            (1.0, Some((1, 1))),
            (2.0, Some((2, 1))),
            (0.5, Some((1, 2))),
            (1.0 / 3.0, Some((1, 3))),
            (2.0 / 3.0, Some((2, 3))),
            (1.0 / 600.0, Some((1, 600))),
            (0.1, Some((1, 10))),
            (599.0 / 600.0, Some((599, 600))),
            (1e-9, Some((1, 1_000_000_000))),
            (-0.5, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (5e-324, None),
            (1e300, None),
        ] {
            assert_eq!(simplest(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_fraction_of_counts_is_found_again(lost in 0_i64..10_000_000, sent in 1_i64..10_000_000) {
            let value = lost as f64 / sent as f64;
            let (n, d) = simplest(value).unwrap();
            prop_assert_eq!(n as f64 / d as f64, value);
            // The same fraction, in lowest terms.
            prop_assert_eq!(i128::from(n) * i128::from(sent), i128::from(lost) * i128::from(d));
            prop_assert!(d <= sent);
        }

        #[test]
        fn what_is_found_reads_back(value in 0.0_f64..1.0) {
            if let Some((n, d)) = simplest(value) {
                prop_assert_eq!(n as f64 / d as f64, value);
            } else {
                prop_assert!(value < 1e-9);
            }
        }
    }
}
