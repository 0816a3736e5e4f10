//! Telling new points from those that an earlier run has delivered.
//!
//! A point is its time and its value. Each run remembers digests of the points
//! that it delivered in the last stretch of its range; the next run reads that
//! stretch again, for results that came late, and leaves out what is known. A
//! point whose value has changed on the archive is new.

use std::collections::HashMap;

use esmond_ps_client::{RawPoint, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The known points of a series, and those to remember.
#[derive(Debug)]
pub(crate) struct Overlap {
    /// How often each known point has been delivered: a second may hold equal
    /// points.
    known: HashMap<(i64, u64), u32>,
    /// No known point is later.
    known_until: i64,
    keep_from: i64,
    kept: Vec<(i64, u64)>,
}

impl Overlap {
    /// Returns one that knows `seen` and remembers what comes from `keep_from`
    /// on.
    pub(crate) fn new(seen: &[(i64, u64)], keep_from: i64) -> Self {
        let mut known = HashMap::new();
        for point in seen {
            *known.entry(*point).or_default() += 1;
        }
        Self {
            known,
            known_until: seen.iter().map(|(ts, _)| *ts).max().unwrap_or(i64::MIN),
            keep_from,
            kept: Vec::new(),
        }
    }

    /// Tells whether a point is to be delivered, and remembers it.
    pub(crate) fn is_new(&mut self, point: &RawPoint) -> Result<bool> {
        let ts = point.ts_epoch();
        if ts > self.known_until && ts < self.keep_from {
            return Ok(true);
        }
        let identity = (ts, digest(&point.value()?));
        if ts >= self.keep_from {
            self.kept.push(identity);
        }
        Ok(match self.known.get_mut(&identity) {
            Some(times @ 1..) => {
                *times -= 1;
                false
            }
            _ => true,
        })
    }

    /// Returns what the next run has to know: the points of the last stretch,
    /// also those that the archive did not send again.
    pub(crate) fn into_seen(mut self) -> Vec<(i64, u64)> {
        for ((ts, digest), times) in self.known {
            if ts >= self.keep_from {
                self.kept.extend((0..times).map(|_| (ts, digest)));
            }
        }
        self.kept.sort_unstable();
        self.kept
    }
}

/// Returns a digest of a value that does not depend on the order of keys, which
/// archives do not promise.
fn digest(value: &Value) -> u64 {
    let hash = Sha256::digest(sorted(value).to_string());
    hash.iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            let members = members.into_iter();
            members
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_is_of_the_value_and_not_of_its_spelling() {
        let read = |text| digest(&serde_json::from_str(text).unwrap());
        let histogram = read(r#"{"1.5": 2, "1.6": [{"b":1,"a":2}]}"#);
        assert_eq!(histogram, read(r#"{"1.6":[{"a":2,"b":1}],"1.5":2}"#));
        assert_ne!(histogram, read(r#"{"1.6":[{"a":2,"b":1}],"1.5":3}"#));
        assert_ne!(read("1"), read("2"));
    }

    #[test]
    fn what_the_archive_did_not_send_again_is_still_known() {
        let seen = [(5, 1), (10, digest(&json!(7))), (11, 3), (11, 3)];
        let overlap = Overlap::new(&seen, 10);
        assert_eq!(overlap.into_seen(), seen[1..]);
    }
}
