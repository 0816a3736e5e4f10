//! Summary buckets: what a request changes, and reading.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use esmond_ps_model::{Histogram, Summary, TimeRange};
use esmond_ps_store::{Bucket, Error, NewPoint, Page, Result, Value};
use rusqlite::{Connection, OptionalExtension, params};

use crate::point::{READING, WRITING};
use crate::search::saturated;
use crate::{backend, encode};

const LOAD: &str =
    "SELECT state FROM bucket WHERE event_type = ?1 AND window_seconds = ?2 AND ts = ?3";
const SAVE: &str = "INSERT INTO bucket (event_type, window_seconds, ts, state) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET state = excluded.state";
const REMOVE: &str = "DELETE FROM bucket WHERE event_type = ?1 AND window_seconds = ?2 AND ts = ?3";
const POINTS: &str = "SELECT ts, value FROM point \
     WHERE event_type = ?1 AND ts BETWEEN ?2 AND ?3 ORDER BY ts";
const OTHERS: &str = "SELECT ts, value FROM point \
     WHERE event_type = ?1 AND ts BETWEEN ?2 AND ?3 AND ts <> ?4";
const RANGE: &str = "SELECT ts, state FROM bucket WHERE event_type = \
     (SELECT event_type.id FROM record JOIN event_type ON event_type.record = record.id \
      WHERE record.key = ?1 AND event_type.name = ?2) \
     AND window_seconds = ?3 AND ts BETWEEN ?4 AND ?5 ORDER BY ts LIMIT ?6 OFFSET ?7";

/// Where a bucket is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) event_type: i64,
    pub(crate) window: i64,
    pub(crate) start: i64,
}

/// The buckets that a request changes. Each is read once and written once, how
/// many points of the request it ever holds.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    changed: BTreeMap<Place, Option<Bucket>>,
    /// Those that are made anew in the end, with the names of their event
    /// types.
    stale: BTreeMap<Place, String>,
}

impl Buckets {
    /// Counts a new point.
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        place: Place,
        point: &NewPoint,
    ) -> Result<()> {
        let bucket = self.bucket(connection, place)?;
        if bucket.is_none() {
            // Mostly none are there; but retention may have removed the bucket alone.
            *bucket = sum(connection, place, &point.event_type, Some(point.ts))?;
        }
        if Bucket::count(bucket, &point.value) {
            Ok(())
        } else {
            Err(misfit(&point.event_type, point.ts))
        }
    }

    /// Corrects a bucket for a value of a code kind that was replaced.
    pub(crate) fn recount(
        &mut self,
        connection: &Connection,
        place: Place,
        point: &NewPoint,
    ) -> Result<()> {
        match self.bucket(connection, place)? {
            // Nothing counts what was removed, or was complete elsewhere.
            None | Some(Bucket::Fixed(_)) => {}
            Some(_) => {
                self.stale.insert(place, point.event_type.clone());
            }
        }
        Ok(())
    }

    /// Takes the histogram `old` of a point away and counts `new`, which is its
    /// value now.
    pub(crate) fn replace(
        &mut self,
        connection: &Connection,
        place: Place,
        point: &NewPoint,
        old: &Histogram,
        new: &Histogram,
    ) -> Result<()> {
        let sum = match self.bucket(connection, place)? {
            Some(Bucket::Histogram(sum)) => sum,
            // Nothing counts what was removed, or was complete elsewhere.
            None | Some(Bucket::Fixed(_)) => return Ok(()),
            Some(_) => return Err(misfit(&point.event_type, point.ts)),
        };
        let mut unused: BTreeSet<String> = sum.unmerge(old).into_iter().collect();
        sum.merge(new);
        // A bucket that is left with no count goes, unless a histogram that is
        // still there lists it.
        for (bucket, _) in new.buckets() {
            unused.remove(bucket);
        }
        if !unused.is_empty() {
            keep_listed(connection, place, point.ts, &mut unused)?;
        }
        for bucket in unused {
            sum.remove(&bucket);
        }
        Ok(())
    }

    /// Stores the buckets.
    pub(crate) fn save(self, connection: &Connection) -> Result<()> {
        for (place, bucket) in self.changed {
            match (self.stale.get(&place), bucket) {
                (Some(event_type), _) => rebuild(connection, place, event_type)?,
                (None, Some(bucket)) => {
                    save(connection, place, &bucket).map_err(backend(WRITING))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn bucket(&mut self, connection: &Connection, place: Place) -> Result<&mut Option<Bucket>> {
        Ok(match self.changed.entry(place) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => entry.insert(load(connection, place)?),
        })
    }
}

/// Stores a bucket in place of the one that is there.
pub(crate) fn save(connection: &Connection, place: Place, bucket: &Bucket) -> rusqlite::Result<()> {
    connection.prepare_cached(SAVE)?.execute(params![
        place.event_type,
        place.window,
        place.start,
        bucket.encode()
    ])?;
    Ok(())
}

/// Makes a bucket anew from the points of its window. `event_type` is the name
/// of theirs.
pub(crate) fn rebuild(connection: &Connection, place: Place, event_type: &str) -> Result<()> {
    let bucket = sum(connection, place, event_type, None)?;
    let stored = match bucket {
        Some(bucket) => save(connection, place, &bucket),
        None => connection
            .prepare_cached(REMOVE)
            .and_then(|mut statement| {
                statement.execute([place.event_type, place.window, place.start])
            })
            .map(drop),
    };
    stored.map_err(backend(WRITING))
}

/// Adds up the points of a window that are stored, the one at `without` aside.
fn sum(
    connection: &Connection,
    place: Place,
    event_type: &str,
    without: Option<i64>,
) -> Result<Option<Bucket>> {
    let mut bucket: Option<Bucket> = None;
    let end = place.start.saturating_add(place.window - 1);
    let mut statement = connection
        .prepare_cached(POINTS)
        .map_err(backend(WRITING))?;
    let mut rows = statement
        .query([place.event_type, place.start, end])
        .map_err(backend(WRITING))?;
    while let Some(row) = rows.next().map_err(backend(WRITING))? {
        let ts: i64 = row.get(0).map_err(backend(WRITING))?;
        // The very first window is cut short by the range of time.
        let is_of_window = Summary::window_start(place.window, ts) == place.start;
        if !is_of_window || Some(ts) == without {
            continue;
        }
        let column = row.get_ref(1).map_err(backend(WRITING))?;
        let value = encode::read_value(column)
            .ok_or_else(|| Error::Corrupt(format!("value of a point at {ts}")))?;
        // No summary is made of documents, also not beside others.
        let counts = !matches!(value, Value::Document(_));
        if counts && !Bucket::count(&mut bucket, &value) {
            return Err(misfit(event_type, ts));
        }
    }
    Ok(bucket)
}

fn load(connection: &Connection, place: Place) -> Result<Option<Bucket>> {
    let state: Option<String> = connection
        .prepare_cached(LOAD)
        .and_then(|mut statement| {
            let key = [place.event_type, place.window, place.start];
            statement.query_row(key, |row| row.get(0)).optional()
        })
        .map_err(backend(WRITING))?;
    state
        .map(|state| Bucket::decode(&state).ok_or_else(|| corrupt(place)))
        .transpose()
}

/// Removes from `unused` the buckets that a stored histogram of the window
/// lists, the one at `ts` aside.
fn keep_listed(
    connection: &Connection,
    place: Place,
    ts: i64,
    unused: &mut BTreeSet<String>,
) -> Result<()> {
    let end = place.start.saturating_add(place.window - 1);
    let mut statement = connection
        .prepare_cached(OTHERS)
        .map_err(backend(WRITING))?;
    let mut rows = statement
        .query([place.event_type, place.start, end, ts])
        .map_err(backend(WRITING))?;
    while let Some(row) = rows.next().map_err(backend(WRITING))? {
        let other: i64 = row.get(0).map_err(backend(WRITING))?;
        // The very first window is cut short by the range of time.
        if Summary::window_start(place.window, other) != place.start {
            continue;
        }
        let column = row.get_ref(1).map_err(backend(WRITING))?;
        match encode::read_value(column) {
            Some(Value::Histogram(histogram)) => {
                for (bucket, _) in histogram.buckets() {
                    unused.remove(bucket);
                }
            }
            // Of an event type that had another data type once.
            Some(_) => {}
            None => return Err(Error::Corrupt(format!("value of a point at {other}"))),
        }
    }
    Ok(())
}

pub(crate) fn misfit(event_type: &str, ts: i64) -> Error {
    Error::Misfit {
        event_type: event_type.to_owned(),
        ts,
    }
}

fn corrupt(place: Place) -> Error {
    Error::Corrupt(format!(
        "summary of window {} at {}",
        place.window, place.start
    ))
}

/// Returns buckets of a window in ascending order of their start.
pub(crate) fn read(
    connection: &Connection,
    key: &str,
    event_type: &str,
    window: i64,
    range: TimeRange,
    page: Page,
) -> Result<Vec<(i64, Bucket)>> {
    let rows = connection
        .prepare_cached(RANGE)
        .and_then(|mut statement| {
            let parameters = params![
                key,
                event_type,
                window,
                range.begin,
                range.end.unwrap_or(i64::MAX),
                saturated(page.limit),
                saturated(page.offset)
            ];
            let rows = statement.query_map(parameters, |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(backend(READING))?;
    rows.into_iter()
        .map(|(ts, state)| match Bucket::decode(&state) {
            Some(bucket) => Ok((ts, bucket)),
            None => Err(Error::Corrupt(format!(
                "summary of window {window} at {ts}"
            ))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn buckets_are_found_by_their_primary_key_and_already_in_order() {
        let (_dir, connection) = database();
        for sql in [LOAD, REMOVE, POINTS, OTHERS, RANGE] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
        let plan = plan(&connection, RANGE);
        assert!(
            plan.contains("(event_type=? AND window_seconds=? AND ts>? AND ts<?)"),
            "{plan}"
        );
    }
}
