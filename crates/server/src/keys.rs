//! Keys of new metadata records: 32 lower-case hexadecimal digits.
//!
//! DIFFERENCE: those of the original are random.
//!
//! The first 8 digits count on from the time of creation, one more for each
//! record; the other 24 are random. So lists, which are ordered by key, come in
//! order of creation and a new record never shifts a page that a client is
//! about to ask for; and the first 8 digits, by which programs tell records
//! apart in file names, differ.

use std::sync::atomic::{AtomicU32, Ordering};

/// Makes keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// First digits of the newest record.
    newest: AtomicU32,
}

/// A key that may be given to a record.
#[derive(Debug)]
pub(crate) struct Key {
    first: u32,
    /// All digits.
    pub(crate) text: String,
}

impl Keys {
    /// Returns a key for a record that may turn out to exist. `now` is Unix
    /// time in seconds.
    pub(crate) fn propose(&self, now: i64) -> Key {
        let newest = self.newest.load(Ordering::Relaxed);
        let time = u32::try_from(now.max(0)).unwrap_or(u32::MAX);
        let first = newest.saturating_add(1).max(time);
        let rest: [u8; 12] = rand::random();
        let mut text = format!("{first:08x}");
        text.extend(rest.iter().map(|byte| format!("{byte:02x}")));
        Key { first, text }
    }

    /// Notes that a key belongs to a new record.
    pub(crate) fn take(&self, key: &Key) {
        self.newest.fetch_max(key.first, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn keys_ascend_and_differ_in_their_first_digits_also_within_a_second() {
        // DIFFERENCE: those of the original are random.
        let keys = Keys::default();
        let mut made = Vec::new();
        for now in [
            1_750_000_000,
            1_750_000_000,
            1_750_000_000,
            1_750_000_090,
            5,
        ] {
            let key = keys.propose(now);
            keys.take(&key);
            made.push(key.text);
        }
        assert!(made.iter().all(|key| key.len() == 32), "{made:?}");
        let first: Vec<&str> = made.iter().map(|key| &key[..8]).collect();
        assert_eq!(
            first,
            ["684ee180", "684ee181", "684ee182", "684ee1da", "684ee1db"]
        );
    }

    #[test]
    fn a_key_that_was_not_needed_does_not_count() {
        let keys = Keys::default();
        let first = keys.propose(7).text;
        let second = keys.propose(7).text;
        assert_eq!(first[..8], second[..8]);
        assert_ne!(first, second);
    }
}
