//! Transfers that an archive cannot tell apart.
//!
//! A point in an archive is known by its metadata and its second. Two transfers of the
//! same size between the same hosts may start within one second; the archive keeps
//! one throughput for both. That is not to go unnoticed.
//!
//! DIFFERENCE: the original says nothing; where archives keep both (perfSONAR 5),
//! both are sent.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::measurement::Measurement;

/// How many transfers are remembered. Twins stand near each other in a log.
const REMEMBERED: usize = 1024;

/// The transfers of late.
#[derive(Debug, Default)]
pub struct Twins {
    /// Place to line and values.
    known: HashMap<(u64, i64), (u64, u64)>,
    order: VecDeque<(u64, i64)>,
}

impl Twins {
    /// Remembers a transfer, and returns the line of an earlier one whose place in the
    /// archive is the same and whose values are others.
    pub fn check(&mut self, line: u64, measurement: &Measurement) -> Option<u64> {
        let place = (measurement.metadata_hash(), measurement.ts);
        let mut hasher = DefaultHasher::new();
        measurement.values.hash(&mut hasher);
        let values = hasher.finish();
        if let Some((earlier, known)) = self.known.get(&place) {
            return (*known != values).then_some(*earlier);
        }
        self.known.insert(place, (line, values));
        self.order.push_back(place);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn measurement(size: u64, ts: i64, rate: f64) -> Measurement {
        let address = [192, 0, 2, 1].into();
        Measurement {
            source: address,
            destination: address,
            agent: address,
            input_source: String::from("a"),
            input_destination: String::from("b"),
            event_types: &["throughput"],
            parameters: vec![("gridftp-bytes-transferred", size.into())],
            ts,
            lasted_us: None,
            values: vec![(String::from("throughput"), ts, json!(rate))],
        }
    }

    #[test]
    fn only_other_values_in_the_same_place_are_twins() {
        let mut twins = Twins::default();
        assert_eq!(twins.check(1, &measurement(5, 100, 1.0)), None);
        assert_eq!(twins.check(2, &measurement(6, 100, 2.0)), None);
        assert_eq!(twins.check(3, &measurement(5, 101, 3.0)), None);
        // The very same again is no loss.
        assert_eq!(twins.check(4, &measurement(5, 100, 1.0)), None);
        assert_eq!(twins.check(5, &measurement(5, 100, 4.0)), Some(1));
    }

    #[test]
    fn old_transfers_are_forgotten() {
        let mut twins = Twins::default();
        for ts in 0..3000 {
            twins.check(1, &measurement(5, ts, 1.0));
        }
        assert_eq!(
            (twins.known.len(), twins.order.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
