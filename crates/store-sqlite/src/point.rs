//! Base points: writing and reading.

use std::collections::BTreeMap;

use esmond_ps_model::{Summary, TimeRange};
use esmond_ps_store::{Conflict, Error, NewPoint, Page, Result, Value, WriteOutcome};
use rusqlite::{Connection, OptionalExtension, params};

use crate::bucket::{Buckets, Place, misfit};
use crate::search::saturated;
use crate::{backend, encode, record};

pub(crate) const WRITING: &str = "writing points";
pub(crate) const READING: &str = "reading points";

const WINDOWS: &str = "SELECT DISTINCT window_seconds FROM summary \
     WHERE event_type = ?1 AND window_seconds > 0";
const POINT: &str = "SELECT value FROM point WHERE event_type = ?1 AND ts = ?2";
pub(crate) const INSERT: &str = "INSERT INTO point (event_type, ts, value) VALUES (?1, ?2, ?3) \
     ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE point SET value = ?3 WHERE event_type = ?1 AND ts = ?2";
const REMOVED: &str = "SELECT removed_until FROM event_type WHERE id = ?1";
const TOUCH: &str = "UPDATE event_type SET time_updated = ?2 WHERE id = ?1";
const RANGE: &str = "SELECT ts, value FROM point WHERE event_type = \
     (SELECT event_type.id FROM record JOIN event_type ON event_type.record = record.id \
      WHERE record.key = ?1 AND event_type.name = ?2) \
     AND ts BETWEEN ?3 AND ?4 ORDER BY ts LIMIT ?5 OFFSET ?6";

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
        if store(connection, series, point, &mut buckets)? {
            series.touched = true;
        } else {
            conflicts.push(Conflict {
                event_type: name.to_owned(),
                ts: point.ts,
            });
        }
    }
    buckets.save(connection)?;
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
    let windows = windows.collect::<rusqlite::Result<_>>()?;
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
    buckets: &mut Buckets,
) -> Result<bool> {
    let place = |window| Place {
        event_type: series.id,
        window,
        start: Summary::window_start(window, point.ts),
    };
    let inserted = connection
        .prepare_cached(INSERT)
        .and_then(|mut statement| {
            statement.execute(params![series.id, point.ts, encode::value(&point.value)])
        })
        .map_err(backend(WRITING))?;
    if inserted > 0 {
        for &window in &series.windows {
            buckets.add(connection, place(window), point)?;
        }
        return Ok(true);
    }
    if !point.value.replaces() {
        // DIFFERENCE: the original adds up two values of one request.
        return Ok(false);
    }

    let old = stored(connection, series.id, point.ts)?;
    if old == point.value {
        return Ok(true);
    }
    match (&old, &point.value) {
        (Value::Histogram(old), Value::Histogram(new)) => {
            // DIFFERENCE: the original counts a histogram again that is posted
            // again.
            for &window in &series.windows {
                buckets.replace(connection, place(window), point, old, new)?;
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
    connection
        .prepare_cached(UPDATE)
        .and_then(|mut statement| {
            statement.execute(params![series.id, point.ts, encode::value(&point.value)])
        })
        .map_err(backend(WRITING))?;
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

/// Returns the value of a point that is there.
pub(crate) fn stored(connection: &Connection, event_type: i64, ts: i64) -> Result<Value> {
    let value = connection
        .prepare_cached(POINT)
        .and_then(|mut statement| {
            statement.query_row([event_type, ts], |row| {
                Ok(encode::read_value(row.get_ref(0)?))
            })
        })
        .map_err(backend(WRITING))?;
    value.ok_or_else(|| corrupt(ts))
}

fn corrupt(ts: i64) -> Error {
    Error::Corrupt(format!("value of a point at {ts}"))
}

/// Returns points of a series in ascending order of ts.
pub(crate) fn read(
    connection: &Connection,
    key: &str,
    event_type: &str,
    range: TimeRange,
    page: Page,
) -> Result<Vec<(i64, Value)>> {
    let mut statement = connection.prepare_cached(RANGE).map_err(backend(READING))?;
    let mut rows = statement
        .query(params![
            key,
            event_type,
            range.begin,
            range.end.unwrap_or(i64::MAX),
            saturated(page.limit),
            saturated(page.offset)
        ])
        .map_err(backend(READING))?;
    let mut points = Vec::new();
    while let Some(row) = rows.next().map_err(backend(READING))? {
        let ts = row.get(0).map_err(backend(READING))?;
        let column = row.get_ref(1).map_err(backend(READING))?;
        points.push((ts, encode::read_value(column).ok_or_else(|| corrupt(ts))?));
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn points_are_found_by_their_primary_key_and_already_in_order() {
        let (_dir, connection) = database();
        for sql in [WINDOWS, POINT, UPDATE, REMOVED, TOUCH, RANGE] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE FOR ORDER"), "{sql}\n{plan}");
        }
        let plan = plan(&connection, RANGE);
        assert!(
            plan.contains("SEARCH point USING PRIMARY KEY (event_type=? AND ts>? AND ts<?)"),
            "{plan}"
        );
    }
}
