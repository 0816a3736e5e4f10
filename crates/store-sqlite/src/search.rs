//! Metadata searches.
//!
//! Each condition is a set of record ids that an index gives. Where one of them
//! gives few, the others are looked at for these records alone. Where all give
//! many, records are looked at in the order of their keys until the page is full,
//! as long as that promises to end early; else the sets are found whole. So a
//! search costs what it finds, in an archive of whatever size, unless it asks for
//! what many records have each, and hardly any together.
//!
//! The first search of its kind after records were added or removed counts what
//! matches; the [totals](crate::totals) are remembered then. Times of the last
//! write change all the time: what asks for them is counted each time.

use esmond_ps_store::{Page, Record, Result, Search};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};

use crate::backend;
use crate::conditions::{Conditions, FEW, PROBE};
use crate::record::{self, Head, READING};
use crate::totals::{self, Totals};

const BY_ID: &str = "SELECT id, key, identity, created, subject_type FROM record WHERE id = ?1";
/// How many records there are, at most and about.
const RECORDS: &str = "SELECT coalesce(max(id), 0) FROM record";

/// Records that are walked past before it is estimated whether that is worth it.
const LOOK: u64 = 256;

/// Returns how many records match.
pub(crate) fn count(connection: &Connection, search: &Search, totals: &Totals) -> Result<u64> {
    total(connection, search, totals).map_err(backend(READING))
}

fn total(connection: &Connection, search: &Search, totals: &Totals) -> rusqlite::Result<u64> {
    let conditions = Conditions::of(search);
    let narrowest = conditions.narrowest(connection)?;
    if narrowest.is_some() || Conditions::change_with_writes(search) {
        return counted(connection, &conditions, narrowest);
    }
    let (generation, text) = (totals::generation(connection)?, conditions.text());
    if let Some(total) = totals.get(generation, &text) {
        return Ok(total);
    }
    let total = counted(connection, &conditions, None)?;
    totals.put(generation, text, total);
    Ok(total)
}

fn counted(
    connection: &Connection,
    conditions: &Conditions,
    narrowest: Option<usize>,
) -> rusqlite::Result<u64> {
    let first = match narrowest {
        Some(first) => Some(first),
        None => conditions.narrower(connection)?,
    };
    let (sql, columns) = conditions.count(first);
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(columns), |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Returns the records that match, in ascending order of their key.
pub(crate) fn search(
    connection: &Connection,
    search: &Search,
    after: Option<String>,
    page: Page,
) -> Result<Vec<Record>> {
    let mut conditions = Conditions::of(search);
    if let Some(after) = after {
        conditions.add_after(after);
    }
    heads(connection, &conditions, page)
        .map_err(backend(READING))?
        .into_iter()
        .map(|head| record::complete(connection, head))
        .collect()
}

fn heads(
    connection: &Connection,
    conditions: &Conditions,
    page: Page,
) -> rusqlite::Result<Vec<Head>> {
    if conditions.are_own() {
        return found(connection, conditions, None, page);
    }
    if let Some(first) = conditions.narrowest(connection)? {
        return found(connection, conditions, Some(first), page);
    }
    if let Some(ids) = walked(connection, conditions, page)? {
        let mut statement = connection.prepare_cached(BY_ID)?;
        let heads = ids
            .into_iter()
            .map(|id| statement.query_row([id], Head::read));
        return heads.collect();
    }
    let first = conditions.narrower(connection)?;
    found(connection, conditions, first, page)
}

/// Finds the records that meet the conditions, or the `first` of them.
fn found(
    connection: &Connection,
    conditions: &Conditions,
    first: Option<usize>,
    page: Page,
) -> rusqlite::Result<Vec<Head>> {
    let slice = [page.limit, page.offset].map(|number| Column::Integer(saturated(number)));
    let columns = conditions.columns().chain(&slice);
    let mut statement = connection.prepare_cached(&conditions.select(first))?;
    let rows = statement.query_map(params_from_iter(columns), Head::read)?;
    rows.collect()
}

/// Looks at one record after the other, in the order of their keys, and returns
/// the ids of the page; `None` when it promises to cost more than to
/// [find](found) the records.
fn walked(
    connection: &Connection,
    conditions: &Conditions,
    page: Page,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let records: i64 = connection
        .prepare_cached(RECORDS)?
        .query_row([], |row| row.get(0))?;
    let wanted = page.offset.saturating_add(page.limit);
    let mut ids = Vec::new();
    if page.limit == 0 {
        return Ok(Some(ids));
    }
    let (sql, columns) = conditions.walk();
    let mut statement = connection.prepare_cached(&sql)?;
    // How many of the records met each condition.
    let mut meet = vec![0; statement.column_count() - 1];
    let mut seen = Seen::default();
    let mut rows = statement.query(params_from_iter(columns))?;
    while let Some(row) = rows.next()? {
        let mut matches = true;
        for (at, meet) in meet.iter_mut().enumerate() {
            if row.get(at + 1)? {
                *meet += 1;
            } else {
                matches = false;
            }
        }
        seen.records += 1;
        if matches {
            seen.matches += 1;
            if seen.matches > page.offset {
                ids.push(row.get(0)?);
            }
            if seen.matches == wanted {
                break;
            }
        }
        seen.narrowest = meet.iter().copied().min().unwrap_or_default();
        if seen.records >= LOOK && !seen.is_promising(wanted, records.unsigned_abs()) {
            return Ok(None);
        }
    }
    Ok(Some(ids))
}

/// What was seen of the records so far.
#[derive(Default)]
struct Seen {
    records: u64,
    /// Those that match.
    matches: u64,
    /// Those that meet the condition that fewest meet.
    narrowest: u64,
}

impl Seen {
    /// Tells whether so many matches will be seen before the records of the
    /// narrowest condition would be found, of so many records, if the rest is
    /// like what was seen.
    fn is_promising(&self, wanted: u64, records: u64) -> bool {
        let [seen, matches, narrowest, wanted, records] =
            [self.records, self.matches, self.narrowest, wanted, records].map(u128::from);
        let few = u128::from(FEW.unsigned_abs());
        // Both sides times the matches and the records seen.
        let walk = u128::from(PROBE.unsigned_abs()) * wanted * seen * seen;
        walk <= (few * seen).max(records * narrowest) * matches
    }
}

/// Returns a limit or offset as SQLite takes it.
pub(crate) fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::tests::full;
    use crate::schema::tests::{database, plan};

    #[test]
    fn the_order_of_the_conditions_does_not_show() {
        let (_dir, connection) = database();
        let mut sql = String::new();
        // Every third has the source, every second the duration, every fifth the sum.
        for id in 1..=60 {
            let source = if id % 3 == 0 { "a" } else { "b" };
            let duration = if id % 2 == 0 { 30 } else { 10 };
            let window = if id % 5 == 0 { 3600 } else { 60 };
            sql += &format!(
                "INSERT INTO record VALUES ({id}, 'k{id:03}', x'{id:064}', 'point-to-point', 1); \
                 INSERT INTO property VALUES ({id}, 0, 'source', '{source}'), \
                 ({id}, 1, 'time_duration', '{duration}'); \
                 INSERT INTO event_type VALUES ({id}, {id}, 'throughput', {id}, NULL); \
                 INSERT INTO summary VALUES ({id}, 'average', {window});"
            );
        }
        connection.execute_batch(&sql).unwrap();
        let conditions = Conditions::of(&full());
        let all = Page {
            offset: 0,
            limit: 9,
        };
        for first in [None, Some(1), Some(2), Some(3)] {
            let found = found(&connection, &conditions, first, all).unwrap();
            let keys: Vec<_> = found.into_iter().map(|head| head.key).collect();
            assert_eq!(keys, ["k030", "k060"], "{first:?}");
        }
        let walked = walked(&connection, &conditions, all).unwrap();
        assert_eq!(walked, Some(vec![30, 60]));
        assert_eq!(conditions.narrowest(&connection).unwrap(), Some(1));
        assert_eq!(count(&connection, &full(), &Totals::default()).unwrap(), 2);
        let found = search(&connection, &full(), Some("k030".to_owned()), all).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn walking_goes_by_the_keys_and_sorts_nothing() {
        let (_dir, connection) = database();
        for (subject_type, after) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut asked = full();
            asked.subject_type = asked.subject_type.filter(|_| subject_type);
            let mut conditions = Conditions::of(&asked);
            if after {
                conditions.add_after("k".to_owned());
            }
            let (sql, _) = conditions.walk();
            let plan = plan(&connection, &sql);
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
            let first = plan.lines().next().unwrap();
            assert!(first.contains("USING COVERING INDEX"), "{sql}\n{plan}");
        }
        assert!(BY_ID.contains(Head::COLUMNS));
        for sql in [BY_ID, RECORDS] {
            let plan = plan(&connection, sql);
            assert!(plan.starts_with("SEARCH record"), "{sql}\n{plan}");
        }
    }

    /// Records of which all have `all`, and some have `some`, by their number.
    fn many(records: i64, some: impl Fn(i64) -> bool) -> (tempfile::TempDir, Connection) {
        let (dir, connection) = database();
        let mut sql = "BEGIN;".to_owned();
        for id in 1..=records {
            sql += &format!(
                "INSERT INTO record VALUES ({id}, 'k{id:06}', x'{id:064}', 'point-to-point', 1); \
                 INSERT INTO property VALUES ({id}, 1, 'all', 'x');"
            );
            if some(id) {
                sql += &format!("INSERT INTO property VALUES ({id}, 1, 'some', 'x');");
            }
        }
        connection.execute_batch(&(sql + "COMMIT")).unwrap();
        (dir, connection)
    }

    fn with(parameters: &[&str]) -> Conditions {
        let text = str::to_owned;
        Conditions::of(&Search {
            parameters: parameters
                .iter()
                .map(|name| (text(name), text("x")))
                .collect(),
            ..Search::default()
        })
    }

    #[test]
    fn many_matches_are_met_on_the_way_and_scattered_ones_are_found() {
        // Three in four, one in a hundred, the last third.
        let kinds: [fn(i64) -> bool; 3] = [|id| id % 4 != 0, |id| id % 100 == 0, |id| id > 4000];
        for (kind, (some, walks)) in kinds.into_iter().zip([true, false, false]).enumerate() {
            let (_dir, connection) = many(6000, some);
            for conditions in [with(&["some"]), with(&["all", "some"])] {
                for (offset, limit) in [(0, 1), (0, 50), (20, 30), (1900, 200), (5900, 9)] {
                    let page = Page { offset, limit };
                    let expected: Vec<i64> = (1..=6000)
                        .filter(|id| some(*id))
                        .skip(usize::try_from(offset).unwrap())
                        .take(usize::try_from(limit).unwrap())
                        .collect();
                    let ids = |heads: Vec<Head>| heads.into_iter().map(|head| head.id);
                    let walked = walked(&connection, &conditions, page).unwrap();
                    if (offset, limit) == (0, 50) {
                        assert_eq!(walked.is_some(), walks, "{kind}");
                    }
                    assert_eq!(walked.unwrap_or(expected.clone()), expected, "{kind}");
                    for first in [None, Some(0)] {
                        let found = found(&connection, &conditions, first, page).unwrap();
                        assert!(ids(found).eq(expected.clone()), "{kind}");
                    }
                    let heads = heads(&connection, &conditions, page).unwrap();
                    assert!(ids(heads).eq(expected), "{kind}");
                }
            }
        }
    }

    #[test]
    fn the_condition_that_fewest_meet_comes_first_where_that_is_worth_it() {
        let (_dir, connection) = many(6000, |id| id % 4 == 0);
        let narrower = |names: &[&str]| with(names).narrower(&connection).unwrap();
        assert_eq!(narrower(&["some"]), None);
        assert_eq!(narrower(&["all", "some"]), Some(1));
        assert_eq!(narrower(&["all", "all"]), None);
        for names in [&["some"][..], &["all", "some"], &["some", "some"]] {
            let conditions = with(names);
            for first in [None, Some(0)] {
                let (sql, columns) = conditions.count(first);
                let mut statement = connection.prepare(&sql).unwrap();
                let count = statement.query_row(params_from_iter(columns), |row| row.get(0));
                assert_eq!(count, Ok(1500), "{sql}");
            }
        }
    }

    #[test]
    fn a_total_that_took_long_to_count_is_counted_again_only_when_records_changed() {
        let (_dir, connection) = many(1200, |_| false);
        let totals = Totals::default();
        let asked = Search {
            parameters: vec![("all".to_owned(), "x".to_owned())],
            ..Search::default()
        };
        let count = || count(&connection, &asked, &totals).unwrap();
        assert_eq!(count(), 1200);
        // What a search does not look at is no reason to count again: with the
        // number kept, not even a change is noticed.
        let generation = totals::generation(&connection).unwrap();
        connection
            .execute_batch("DELETE FROM record WHERE id = 1")
            .unwrap();
        let keep = "UPDATE generation SET metadata = ?1";
        connection.execute(keep, [generation]).unwrap();
        assert_eq!(count(), 1200);
        connection
            .execute_batch("DELETE FROM record WHERE id = 2")
            .unwrap();
        assert_eq!(count(), 1198);
    }
}
