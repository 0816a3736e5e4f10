//! Summary buckets: what a request changes, and reading.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use esmond_ps_model::{Histogram, Summary, TimeRange};
use esmond_ps_store::{Bucket, Error, NewPoint, Page, Result, Value};
use rusqlite::types::{Value as Column, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backend;
use crate::counts::Counts;
use crate::search::saturated;
use crate::series::{Blocks, READING, WRITING};

const LOAD: &str =
    "SELECT state FROM bucket WHERE event_type = ?1 AND window_seconds = ?2 AND ts = ?3";
const SAVE: &str = "INSERT INTO bucket (event_type, window_seconds, ts, state) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET state = excluded.state";
const REMOVE: &str = "DELETE FROM bucket WHERE event_type = ?1 AND window_seconds = ?2 AND ts = ?3";
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
    changed: BTreeMap<Place, Option<State>>,
    /// Those that are made anew in the end, with the names of their event
    /// types.
    stale: BTreeMap<Place, String>,
}

/// A bucket as it is changed.
#[derive(Debug)]
enum State {
    Histogram(Counts),
    Other(Bucket),
}

impl State {
    fn of(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Histogram(histogram) => Self::Histogram(Counts::of(&histogram)),
            other => Self::Other(other),
        }
    }

    /// Reads a column. Histograms are texts where an older version wrote them.
    fn read(column: ValueRef<'_>) -> Option<Self> {
        match column {
            ValueRef::Blob(bytes) => Some(Self::Histogram(Counts::decode(bytes)?)),
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).ok()?;
                Some(Self::of(Bucket::decode(text)?))
            }
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
        }
    }

    fn column(&self) -> Column {
        match self {
            Self::Histogram(counts) => Column::Blob(counts.encode()),
            Self::Other(bucket) => Column::Text(bucket.encode()),
        }
    }

    /// Counts a value; see [`Bucket::count`].
    fn count(state: &mut Option<Self>, value: &Value) -> bool {
        match (&mut *state, value) {
            (Some(Self::Histogram(counts)), Value::Histogram(more)) => {
                counts.merge(more);
                true
            }
            (Some(Self::Histogram(_)), _) => false,
            (Some(Self::Other(bucket)), value) => bucket.add(value),
            (None, value) => {
                let mut bucket = None;
                let fits = Bucket::count(&mut bucket, value);
                *state = bucket.map(Self::of);
                fits
            }
        }
    }
}

impl Buckets {
    /// Counts a new point.
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        blocks: &mut Blocks,
        place: Place,
        point: &NewPoint,
    ) -> Result<()> {
        let state = self.state(connection, place)?;
        if state.is_none() {
            // Mostly none are there; but retention may have removed the bucket alone.
            let bucket = sum(connection, blocks, place, &point.event_type, Some(point.ts))?;
            *state = bucket.map(State::of);
        }
        if State::count(state, &point.value) {
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
        match self.state(connection, place)? {
            // Nothing counts what was removed, or was complete elsewhere.
            None | Some(State::Other(Bucket::Fixed(_))) => {}
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
        blocks: &mut Blocks,
        place: Place,
        point: &NewPoint,
        old: &Histogram,
        new: &Histogram,
    ) -> Result<()> {
        let counts = match self.state(connection, place)? {
            Some(State::Histogram(counts)) => counts,
            // Nothing counts what was removed, or was complete elsewhere.
            None | Some(State::Other(Bucket::Fixed(_))) => return Ok(()),
            Some(_) => return Err(misfit(&point.event_type, point.ts)),
        };
        let mut sum = counts.histogram().ok_or_else(|| corrupt(place))?;
        let mut unused: BTreeSet<String> = sum.unmerge(old).into_iter().collect();
        sum.merge(new);
        // A bucket that is left with no count goes, unless a histogram that is
        // still there lists it.
        for (bucket, _) in new.buckets() {
            unused.remove(bucket);
        }
        if !unused.is_empty() {
            keep_listed(connection, blocks, place, point.ts, &mut unused)?;
        }
        sum.remove(&unused);
        *counts = Counts::of(&sum);
        Ok(())
    }

    /// Stores the buckets.
    pub(crate) fn save(self, connection: &Connection, blocks: &mut Blocks) -> Result<()> {
        for (place, state) in self.changed {
            match (self.stale.get(&place), state) {
                (Some(event_type), _) => rebuild(connection, blocks, place, event_type)?,
                (None, Some(state)) => {
                    store(connection, place, &state.column()).map_err(backend(WRITING))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn state(&mut self, connection: &Connection, place: Place) -> Result<&mut Option<State>> {
        Ok(match self.changed.entry(place) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => entry.insert(load(connection, place)?),
        })
    }
}

/// Stores a bucket in place of the one that is there.
pub(crate) fn save(connection: &Connection, place: Place, bucket: &Bucket) -> rusqlite::Result<()> {
    let column = match bucket {
        Bucket::Histogram(histogram) => Column::Blob(Counts::of(histogram).encode()),
        other => Column::Text(other.encode()),
    };
    store(connection, place, &column)
}

fn store(connection: &Connection, place: Place, column: &Column) -> rusqlite::Result<()> {
    connection.prepare_cached(SAVE)?.execute(params![
        place.event_type,
        place.window,
        place.start,
        column
    ])?;
    Ok(())
}

/// Makes a bucket anew from the points of its window. `event_type` is the name
/// of theirs.
pub(crate) fn rebuild(
    connection: &Connection,
    blocks: &mut Blocks,
    place: Place,
    event_type: &str,
) -> Result<()> {
    let bucket = sum(connection, blocks, place, event_type, None)?;
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
    blocks: &mut Blocks,
    place: Place,
    event_type: &str,
    without: Option<i64>,
) -> Result<Option<Bucket>> {
    let mut bucket: Option<Bucket> = None;
    each_point(connection, blocks, place, |ts, value| {
        // No summary is made of documents, also not beside others.
        if Some(ts) == without || matches!(value, Value::Document(_)) {
            return Ok(());
        }
        if Bucket::count(&mut bucket, &value) {
            Ok(())
        } else {
            Err(misfit(event_type, ts))
        }
    })?;
    Ok(bucket)
}

/// Shows the points of a window.
fn each_point(
    connection: &Connection,
    blocks: &mut Blocks,
    place: Place,
    mut show: impl FnMut(i64, Value) -> Result<()>,
) -> Result<()> {
    let (begin, end) = (place.start, place.start.saturating_add(place.window - 1));
    blocks.each(connection, place.event_type, begin, end, |ts, value| {
        // The very first window is cut short by the range of time.
        if Summary::window_start(place.window, ts) == place.start {
            show(ts, value)?;
        }
        Ok(())
    })
}

fn load(connection: &Connection, place: Place) -> Result<Option<State>> {
    let state = connection
        .prepare_cached(LOAD)
        .and_then(|mut statement| {
            let key = [place.event_type, place.window, place.start];
            let state = |row: &Row<'_>| Ok(State::read(row.get_ref(0)?));
            statement.query_row(key, state).optional()
        })
        .map_err(backend(WRITING))?;
    state
        .map(|state| state.ok_or_else(|| corrupt(place)))
        .transpose()
}

/// Reads the column of a bucket; `None` when it is none.
pub(crate) fn read_column(column: ValueRef<'_>) -> Option<Bucket> {
    match State::read(column)? {
        State::Histogram(counts) => Some(Bucket::Histogram(counts.histogram()?)),
        State::Other(bucket) => Some(bucket),
    }
}

/// Removes from `unused` the buckets that a stored histogram of the window
/// lists, the one at `ts` aside.
fn keep_listed(
    connection: &Connection,
    blocks: &mut Blocks,
    place: Place,
    ts: i64,
    unused: &mut BTreeSet<String>,
) -> Result<()> {
    each_point(connection, blocks, place, |other, value| {
        match value {
            Value::Histogram(histogram) if other != ts => {
                for (bucket, _) in histogram.buckets() {
                    unused.remove(bucket);
                }
            }
            // Itself, or of an event type that had another data type once.
            _ => {}
        }
        Ok(())
    })
}

// DIFFERENCE: in the original an event type has one data type for good.
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
                Ok((row.get(0)?, read_column(row.get_ref(1)?)))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(backend(READING))?;
    rows.into_iter()
        .map(|(ts, bucket)| match bucket {
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
        for sql in [LOAD, REMOVE, RANGE] {
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
