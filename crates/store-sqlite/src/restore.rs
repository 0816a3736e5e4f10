//! Copies of records and data of other archives.

use esmond_ps_store::{Bucket, Conflict, Error, Record, Result, Value, WriteOutcome};
use rusqlite::{Connection, params};

use crate::series::Blocks;
use crate::{backend, bucket, point, record};

pub(crate) const RESTORING: &str = "storing a copy";

// Times that are not known do not count.
const MERGE_RECORD: &str = "UPDATE record \
     SET created = min(coalesce(created, ?2), coalesce(?2, created)) WHERE key = ?1";
const MERGE_EVENT_TYPE: &str = "UPDATE event_type \
     SET time_updated = max(coalesce(time_updated, ?2), coalesce(?2, time_updated)), \
         removed_until = max(coalesce(removed_until, ?3), coalesce(?3, removed_until)) \
     WHERE id = ?1";

/// Stores a copy of a record, or adds what it says to the one that is there.
pub(crate) fn restore(connection: &Connection, copy: &Record) -> Result<(Record, bool)> {
    let existing = record::by_identity(connection, &copy.identity)?;
    let new = existing.is_none();
    let key = match existing {
        Some(existing) => existing.key,
        None => {
            record::insert(
                connection,
                record::Own {
                    key: &copy.key,
                    identity: &copy.identity,
                    created: copy.created,
                    subject_type: &copy.subject_type,
                },
                &copy.subject,
                &copy.parameters,
            )?;
            copy.key.clone()
        }
    };
    merge(connection, &key, copy).map_err(backend(RESTORING))?;
    match record::by_key(connection, &key)? {
        Some(stored) => Ok((stored, new)),
        None => Err(Error::UnknownRecord(key)),
    }
}

fn merge(connection: &Connection, key: &str, copy: &Record) -> rusqlite::Result<()> {
    connection
        .prepare_cached(MERGE_RECORD)?
        .execute(params![key, copy.created])?;
    let Some(record) = record::id(connection, key)? else {
        return Ok(());
    };
    for entry in &copy.event_types {
        let id = match record::event_type(connection, record, &entry.name)? {
            Some(id) => id,
            None => {
                let id = record::add_event_type(connection, record, &entry.name)?;
                record::add_summaries(connection, id, &entry.summaries)?;
                id
            }
        };
        connection
            .prepare_cached(MERGE_EVENT_TYPE)?
            .execute(params![id, entry.time_updated, entry.removed_until])?;
    }
    Ok(())
}

/// Stores copies of points.
pub(crate) fn points(
    connection: &Connection,
    key: &str,
    event_type: &str,
    points: &[(i64, Value)],
) -> Result<WriteOutcome> {
    let series = series(connection, key, event_type)?;
    let mut blocks = Blocks::default();
    let mut conflicts = Vec::new();
    for (ts, value) in points {
        if !blocks.insert(connection, series, *ts, value)?
            && blocks.get(connection, series, *ts)?.as_ref() != Some(value)
        {
            conflicts.push(Conflict {
                event_type: event_type.to_owned(),
                ts: *ts,
            });
        }
    }
    blocks.save(connection)?;
    Ok(WriteOutcome { conflicts })
}

/// Stores copies of buckets of a window.
pub(crate) fn buckets(
    connection: &Connection,
    key: &str,
    event_type: &str,
    window: i64,
    buckets: &[(i64, Bucket)],
) -> Result<()> {
    let event_type = series(connection, key, event_type)?;
    for (start, value) in buckets {
        let place = bucket::Place {
            event_type,
            window,
            start: *start,
        };
        bucket::save(connection, place, value).map_err(backend(RESTORING))?;
    }
    Ok(())
}

/// Makes buckets of a window anew from its points.
pub(crate) fn rebuild(
    connection: &Connection,
    key: &str,
    event_type: &str,
    window: i64,
    starts: &[i64],
) -> Result<()> {
    let Some(record) = record::id(connection, key).map_err(backend(RESTORING))? else {
        return Ok(());
    };
    let found = record::event_type(connection, record, event_type);
    let Some(id) = found.map_err(backend(RESTORING))? else {
        return Ok(());
    };
    let mut blocks = Blocks::default();
    for &start in starts {
        let place = bucket::Place {
            event_type: id,
            window,
            start,
        };
        bucket::rebuild(connection, &mut blocks, place, event_type)?;
    }
    Ok(())
}

/// Returns the id of an event type of a record, which is added if need be.
fn series(connection: &Connection, key: &str, event_type: &str) -> Result<i64> {
    let record = record::id(connection, key).map_err(backend(RESTORING))?;
    let Some(record) = record else {
        return Err(Error::UnknownRecord(key.to_owned()));
    };
    point::event_type(connection, record, event_type).map_err(backend(RESTORING))
}
