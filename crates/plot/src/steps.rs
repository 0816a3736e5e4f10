//! The usual distance of the points of a series.

use std::collections::BTreeMap;

/// Distances that are counted exactly, in seconds; larger ones with their ten
/// leading bits.
const EXACT: u64 = 1024;

/// A gap is longer than this many usual steps.
const LONGEST: f64 = 2.5;

/// Counts distances. Held is a count for each of at most some ten thousand
/// different ones, however many points there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Steps {
    /// Takes a distance in seconds. Points of one second, and points that come
    /// late, are no step.
    pub(crate) fn add(&mut self, seconds: i64) {
        let Ok(seconds) = u64::try_from(seconds) else {
            return;
        };
        if seconds == 0 {
            return;
        }
        let bits = u64::BITS - seconds.leading_zeros();
        let lost = bits.saturating_sub(EXACT.ilog2());
        *self.counts.entry(seconds >> lost << lost).or_default() += 1;
        self.total += 1;
    }

    /// Returns the median, in seconds; `None` before the second point.
    pub(crate) fn usual(&self) -> Option<u64> {
        let mut left = self.total.div_ceil(2);
        self.counts.iter().find_map(|(&step, &count)| {
            if count >= left {
                return Some(step);
            }
            left -= count;
            None
        })
    }

    /// Returns the longest distance that is no gap, in seconds.
    pub(crate) fn longest(&self) -> f64 {
        self.usual()
            .map_or(f64::INFINITY, |usual| usual as f64 * LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    fn usual(steps: impl IntoIterator<Item = i64>) -> Option<u64> {
        let mut counted = Steps::default();
        steps.into_iter().for_each(|step| counted.add(step));
        counted.usual()
    }

    #[test]
    fn the_usual_step_is_the_median() {
        assert_eq!(usual([]), None);
        assert_eq!(usual([0, -5]), None);
        assert_eq!(usual([60, 60, 86_400, 61]), Some(60));
        assert_eq!(usual([3600]), Some(3600));
    }

    #[test]
    fn long_steps_are_counted_with_a_thousandth_of_themselves_lost() {
        let step = usual([2_592_001]).unwrap();
        assert!((2_592_001 - step as i64) * 500 < 2_592_001, "{step}");
        let mut counted = Steps::default();
        (1..2_000_000).for_each(|step| counted.add(step));
        assert!(counted.counts.len() < 10_000);
    }
}
