//! Writing base points, and what that changes beside them.

use std::collections::BTreeMap;

use esmond_ps_model::Summary;
use esmond_ps_store::{Conflict, Error, NewPoint, Result, Value, WriteOutcome};
use rusqlite::{Connection, OptionalExtension};

use crate::bucket::{Buckets, Place, misfit};
use crate::series::{Blocks, WRITING};
use crate::{backend, record};

const WINDOWS: &str =
    "SELECT window_seconds FROM summary WHERE event_type = ?1 AND window_seconds > 0";
const REMOVED: &str = "SELECT removed_until FROM event_type WHERE id = ?1";
// Two indexes need not be touched when many write in one second.
const TOUCH: &str = "UPDATE event_type SET time_updated = ?2 \
     WHERE id = ?1 AND time_updated IS NOT ?2";

/// An event type that a request writes to.
struct Series {
    id: i64,
    /// Windows of its summaries, greater than 0.
    windows: Vec<i64>,
    /// Whether a point of the request was stored.
    touched: bool,
}

/// Stores the points that are new and updates their summaries.
pub(crate) fn write(
    connection: &Connection,
    key: &str,
    points: &[NewPoint],
    now: i64,
) -> Result<WriteOutcome> {
    let record = record::id(connection, key).map_err(backend(WRITING))?;
    let Some(record) = record else {
        return Err(Error::UnknownRecord(key.to_owned()));
    };

    let mut all_series: BTreeMap<&str, Series> = BTreeMap::new();
    let mut blocks = Blocks::default();
    let mut buckets = Buckets::default();
    let mut conflicts = Vec::new();
    for point in points {
        let name = point.event_type.as_str();
        if !all_series.contains_key(name) {
            let series = series(connection, record, name).map_err(backend(WRITING))?;
            all_series.insert(name, series);
        }
        let Some(series) = all_series.get_mut(name) else {
            continue;
        };
        if store(connection, series, point, &mut blocks, &mut buckets)? {
            series.touched = true;
        } else {
            conflicts.push(Conflict {
                event_type: name.to_owned(),
                ts: point.ts,
            });
        }
    }
    buckets.save(connection, &mut blocks)?;
    blocks.save(connection)?;
    for series in all_series.values().filter(|series| series.touched) {
        connection
            .prepare_cached(TOUCH)
            .and_then(|mut statement| statement.execute([series.id, now]))
            .map_err(backend(WRITING))?;
    }
    Ok(WriteOutcome { conflicts })
}

/// Returns the id of an event type of a record, which is added if need be.
pub(crate) fn event_type(
    connection: &Connection,
    record: i64,
    name: &str,
) -> rusqlite::Result<i64> {
    match record::event_type(connection, record, name)? {
        Some(id) => Ok(id),
        // DIFFERENCE: the original accepts such points and drops them.
        None => record::add_event_type(connection, record, name),
    }
}

/// Returns an event type of a record for writing.
fn series(connection: &Connection, record: i64, name: &str) -> rusqlite::Result<Series> {
    let id = event_type(connection, record, name)?;
    let mut statement = connection.prepare_cached(WINDOWS)?;
    let windows = statement.query_map([id], |row| row.get(0))?;
    let mut windows = windows.collect::<rusqlite::Result<Vec<i64>>>()?;
    // All summaries of a window are views of one bucket.
    windows.sort_unstable();
    windows.dedup();
    Ok(Series {
        id,
        windows,
        touched: false,
    })
}

/// Stores one point; false when it conflicts with one that is there.
fn store(
    connection: &Connection,
    series: &Series,
    point: &NewPoint,
    blocks: &mut Blocks,
    buckets: &mut Buckets,
) -> Result<bool> {
    let place = |window| Place {
        event_type: series.id,
        window,
        start: Summary::window_start(window, point.ts),
    };
    if blocks.insert(connection, series.id, point.ts, &point.value)? {
        for &window in &series.windows {
            buckets.add(connection, blocks, place(window), point)?;
        }
        return Ok(true);
    }
    if !point.value.replaces() {
        // DIFFERENCE: the original adds up two values of one request.
        return Ok(false);
    }

    let old = match blocks.get(connection, series.id, point.ts)? {
        Some(old) if old != point.value => old,
        _ => return Ok(true),
    };
    match (&old, &point.value) {
        (Value::Histogram(old), Value::Histogram(new)) => {
            // DIFFERENCE: the original counts a histogram again that is posted
            // again.
            for &window in &series.windows {
                buckets.replace(connection, blocks, place(window), point, old, new)?;
            }
        }
        (Value::Document(_), Value::Document(_)) => {}
        (Value::Custom { kind: old, .. }, Value::Custom { kind: new, .. }) if old == new => {
            let places = || series.windows.iter().map(|&window| place(window));
            // What was removed could not be counted again.
            if let Some(horizon) = removed_until(connection, series.id)?
                && places().any(|place| place.start <= horizon)
            {
                return Ok(false);
            }
            for place in places() {
                buckets.recount(connection, place, point)?;
            }
        }
        _ => return Err(misfit(&point.event_type, point.ts)),
    }
    blocks.replace(connection, series.id, point.ts, &point.value)?;
    Ok(true)
}

/// Returns until when points of an event type were removed.
fn removed_until(connection: &Connection, event_type: i64) -> Result<Option<i64>> {
    let horizon = connection
        .prepare_cached(REMOVED)
        .and_then(|mut statement| {
            statement
                .query_row([event_type], |row| row.get(0))
                .optional()
        })
        .map_err(backend(WRITING))?;
    Ok(horizon.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn what_a_write_needs_is_found_by_indexes() {
        let (_dir, connection) = database();
        for sql in [WINDOWS, REMOVED, TOUCH] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
        }
    }
}
