//! Counting and removing what is old, step by step.

use esmond_ps_model::TimeRange;
use esmond_ps_store::{Error, Result};
use rusqlite::{Connection, params};

use crate::search::saturated;
use crate::{backend, record, series};

pub(crate) const COUNTING: &str = "counting data";
pub(crate) const REMOVING: &str = "removing data";

const COUNT_BUCKETS: &str = "SELECT count(*) FROM bucket WHERE event_type = \
     (SELECT event_type.id FROM record JOIN event_type ON event_type.record = record.id \
      WHERE record.key = ?1 AND event_type.name = ?2) \
     AND window_seconds = ?3 AND ts BETWEEN ?4 AND ?5";
// The last of the oldest rows, of as many as go at once.
const LAST_BUCKET: &str = "SELECT max(ts) FROM (SELECT ts FROM bucket \
     WHERE event_type = ?1 AND window_seconds = ?2 AND ts <= ?3 ORDER BY ts LIMIT ?4)";
const REMOVE_BUCKETS: &str =
    "DELETE FROM bucket WHERE event_type = ?1 AND window_seconds = ?2 AND ts <= ?3";
const MOVE_HORIZON: &str = "UPDATE event_type \
     SET removed_until = max(coalesce(removed_until, ?2), ?2) WHERE id = ?1";
const HOLDS_DATA: &str = "SELECT EXISTS (SELECT 1 FROM event_type WHERE record = ?1 \
     AND (EXISTS (SELECT 1 FROM block WHERE block.event_type = event_type.id) \
       OR EXISTS (SELECT 1 FROM bucket WHERE bucket.event_type = event_type.id)))";
const REMOVE_RECORD: &str = "DELETE FROM record WHERE id = ?1";

/// Returns how many buckets of a window start in a range.
pub(crate) fn count_buckets(
    connection: &Connection,
    key: &str,
    event_type: &str,
    window: i64,
    range: TimeRange,
) -> Result<u64> {
    let end = range.end.unwrap_or(i64::MAX);
    let parameters = params![key, event_type, window, range.begin, end];
    let count: i64 = connection
        .prepare_cached(COUNT_BUCKETS)
        .and_then(|mut statement| statement.query_row(parameters, |row| row.get(0)))
        .map_err(backend(COUNTING))?;
    Ok(count.unsigned_abs())
}

/// Removes the oldest points of a series, as many at most.
pub(crate) fn remove_points(
    connection: &Connection,
    key: &str,
    event_type: &str,
    until: i64,
    limit: u64,
) -> Result<u64> {
    let found = series::id(connection, key, event_type).map_err(backend(REMOVING))?;
    let Some(id) = found else {
        return Ok(0);
    };
    let removed = series::remove(connection, id, until, limit)?;
    if removed > 0 {
        connection
            .prepare_cached(MOVE_HORIZON)
            .and_then(|mut statement| statement.execute([id, until]))
            .map_err(backend(REMOVING))?;
    }
    Ok(removed)
}

/// Removes the oldest buckets of a window, as many at most.
pub(crate) fn remove_buckets(
    connection: &Connection,
    key: &str,
    event_type: &str,
    window: i64,
    until: i64,
    limit: u64,
) -> rusqlite::Result<u64> {
    let Some(series) = series::id(connection, key, event_type)? else {
        return Ok(0);
    };
    let last: Option<i64> = connection
        .prepare_cached(LAST_BUCKET)?
        .query_row([series, window, until, saturated(limit)], |row| row.get(0))?;
    let Some(last) = last else {
        return Ok(0);
    };
    let removed = connection
        .prepare_cached(REMOVE_BUCKETS)?
        .execute([series, window, last])?;
    Ok(removed as u64)
}

/// Removes a record without data; false when there is none.
pub(crate) fn remove_record(connection: &Connection, key: &str) -> Result<bool> {
    match look_at(connection, key).map_err(backend(REMOVING))? {
        None => Ok(false),
        Some((_, true)) => Err(Error::HoldsData(key.to_owned())),
        Some((id, false)) => {
            connection
                .prepare_cached(REMOVE_RECORD)
                .and_then(|mut statement| statement.execute([id]))
                .map_err(backend(REMOVING))?;
            Ok(true)
        }
    }
}

/// Returns the id of a record, and whether it holds data.
fn look_at(connection: &Connection, key: &str) -> rusqlite::Result<Option<(i64, bool)>> {
    let Some(id) = record::id(connection, key)? else {
        return Ok(None);
    };
    let holds_data = connection
        .prepare_cached(HOLDS_DATA)?
        .query_row([id], |row| row.get(0))?;
    Ok(Some((id, holds_data)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn only_what_is_counted_or_removed_is_looked_at() {
        let (_dir, connection) = database();
        for sql in [
            COUNT_BUCKETS,
            REMOVE_BUCKETS,
            MOVE_HORIZON,
            HOLDS_DATA,
            REMOVE_RECORD,
        ] {
            let plan = plan(&connection, sql);
            let scans = plan.lines().filter(|line| *line != "SCAN CONSTANT ROW");
            assert!(
                scans.clone().all(|line| !line.contains("SCAN")),
                "{sql}\n{plan}"
            );
        }
        let plan = plan(&connection, LAST_BUCKET);
        assert!(plan.contains("USING PRIMARY KEY"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
