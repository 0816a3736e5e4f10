//! Totals of searches, remembered while the records stay the same.
//!
//! Every page of a list tells how many records match in all, and to count them
//! takes longer the more there are. The table `generation` holds a number that
//! grows whenever a process commits a change of records (see migration 4), so a
//! total is right as long as that number is the one with which it was counted:
//! both are read in one transaction.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Totals that are remembered; of further ones, the least recently used goes.
const TOTALS: usize = 1000;

/// Bytes of a search that is remembered, at most.
const LONGEST: usize = 4096;

const GENERATION: &str = "SELECT metadata FROM generation";

/// Returns the number that changes with the records.
pub(crate) fn generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(GENERATION)?
        .query_row([], |row| row.get(0))
}

/// The totals of one generation.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    generation: i64,
    /// By the text of the search.
    totals: HashMap<String, Total>,
    /// How often totals were used.
    uses: u64,
}

#[derive(Debug)]
struct Total {
    total: u64,
    /// Which use was the last.
    used: u64,
}

impl Totals {
    /// Returns the total of a search in a generation, if it is remembered.
    pub(crate) fn get(&self, generation: i64, search: &str) -> Option<u64> {
        let mut inner = self.inner();
        if inner.generation != generation {
            return None;
        }
        inner.uses += 1;
        let used = inner.uses;
        let total = inner.totals.get_mut(search)?;
        total.used = used;
        Some(total.total)
    }

    /// Remembers the total of a search in a generation.
    pub(crate) fn put(&self, generation: i64, search: String, total: u64) {
        let mut inner = self.inner();
        // Somebody may count for a while, on what was there when he began.
        if generation < inner.generation || search.len() > LONGEST {
            return;
        }
        if generation > inner.generation {
            inner.generation = generation;
            inner.totals.clear();
        }
        if inner.totals.len() >= TOTALS {
            let oldest = inner.totals.iter().min_by_key(|(_, total)| total.used);
            if let Some(oldest) = oldest.map(|(search, _)| search.clone()) {
                inner.totals.remove(&oldest);
            }
        }
        inner.uses += 1;
        let used = inner.uses;
        inner.totals.insert(search, Total { total, used });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;

    #[test]
    fn a_total_is_remembered_for_its_generation_alone() {
        let totals = Totals::default();
        totals.put(3, "a".to_owned(), 7);
        assert_eq!(totals.get(3, "a"), Some(7));
        assert_eq!(totals.get(3, "b"), None);
        assert_eq!(totals.get(2, "a"), None);
        assert_eq!(totals.get(4, "a"), None);
        // A count that began earlier ends later.
        totals.put(2, "a".to_owned(), 6);
        assert_eq!(totals.get(2, "a"), None);
        assert_eq!(totals.get(3, "a"), Some(7));
        totals.put(4, "b".to_owned(), 1);
        assert_eq!(totals.get(4, "a"), None);
        assert_eq!(totals.get(4, "b"), Some(1));
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten() {
        let totals = Totals::default();
        for n in 0..TOTALS {
            totals.put(1, n.to_string(), n as u64);
        }
        assert_eq!(totals.get(1, "0"), Some(0));
        totals.put(1, "new".to_owned(), 9);
        assert_eq!(totals.get(1, "0"), Some(0));
        assert_eq!(totals.get(1, "1"), None);
        assert_eq!(totals.get(1, "new"), Some(9));
        assert_eq!(totals.inner().totals.len(), TOTALS);
        totals.put(1, "x".repeat(LONGEST + 1), 9);
        assert_eq!(totals.get(1, "2"), Some(2));
    }

    #[test]
    fn the_generation_grows_with_every_change_of_what_searches_look_at() {
        let (_dir, connection) = database();
        let mut last = generation(&connection).unwrap();
        for (change, grows) in [
            ("INSERT INTO record VALUES (1, 'k', x'00', 'p', 1)", true),
            ("INSERT INTO property VALUES (1, 0, 'source', 'a')", true),
            (
                "INSERT INTO event_type VALUES (1, 1, 'failures', 1, NULL)",
                true,
            ),
            ("INSERT INTO summary VALUES (1, 'average', 60)", true),
            ("UPDATE event_type SET time_updated = 2", false),
            ("UPDATE event_type SET removed_until = 2", false),
            ("UPDATE record SET created = 2", false),
            ("INSERT INTO user (name) VALUES ('ann')", false),
            ("DELETE FROM summary", true),
            ("INSERT INTO summary VALUES (1, 'average', 60)", true),
            ("DELETE FROM property", true),
            ("DELETE FROM event_type", true),
            ("DELETE FROM record", true),
            ("DELETE FROM record", false),
        ] {
            connection.execute_batch(change).unwrap();
            let now = generation(&connection).unwrap();
            assert_eq!(now > last, grows, "{change}");
            assert_eq!(now != last, grows, "{change}");
            last = now;
        }
    }
}
