//! Metadata records.

use std::collections::{BTreeMap, HashMap};

use esmond_ps_model::{Summary, SummaryType};
use esmond_ps_store::{Error, EventTypeRecord, Identity, NewRecord, Record, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backend;

pub(crate) const CREATING: &str = "storing a metadata record";
pub(crate) const READING: &str = "reading metadata records";

const BY_KEY: &str = "SELECT id, key, subject_type FROM record WHERE key = ?1";
const BY_IDENTITY: &str = "SELECT id, key, subject_type FROM record WHERE identity = ?1";
const PROPERTIES: &str = "SELECT kind, name, value FROM property WHERE record = ?1";
const EVENT_TYPES: &str =
    "SELECT id, name, time_updated FROM event_type WHERE record = ?1 ORDER BY name";
const SUMMARIES: &str = "SELECT event_type, summary_type, window_seconds FROM summary \
     WHERE event_type IN (SELECT id FROM event_type WHERE record = ?1)";

/// What `property.kind` says.
pub(crate) const SUBJECT: i64 = 0;
pub(crate) const PARAMETER: i64 = 1;

/// The columns of a record that are in its own row.
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) subject_type: String,
}

impl Head {
    /// Reads the first three columns: id, key, subject type.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            subject_type: row.get(2)?,
        })
    }
}

/// Returns the record with this key.
pub(crate) fn by_key(connection: &Connection, key: &str) -> Result<Option<Record>> {
    let head = connection
        .prepare_cached(BY_KEY)
        .and_then(|mut statement| statement.query_row([key], Head::read).optional())
        .map_err(backend(READING))?;
    head.map(|head| complete(connection, head)).transpose()
}

/// Returns the record with this identity.
pub(crate) fn by_identity(connection: &Connection, identity: &Identity) -> Result<Option<Record>> {
    let head = connection
        .prepare_cached(BY_IDENTITY)
        .and_then(|mut statement| statement.query_row([identity], Head::read).optional())
        .map_err(backend(READING))?;
    head.map(|head| complete(connection, head)).transpose()
}

/// Stores a record unless there is one with this identity; returns the one that
/// is there now, and whether it is new.
pub(crate) fn create(
    connection: &Connection,
    key: &str,
    identity: &Identity,
    record: &NewRecord,
) -> Result<(Record, bool)> {
    if let Some(existing) = by_identity(connection, identity)? {
        return Ok((existing, false));
    }
    insert(connection, key, identity, record).map_err(backend(CREATING))?;
    match by_key(connection, key)? {
        Some(stored) => Ok((stored, true)),
        None => Err(Error::UnknownRecord(key.to_owned())),
    }
}

fn insert(
    connection: &Connection,
    key: &str,
    identity: &Identity,
    record: &NewRecord,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO record (key, identity, subject_type) VALUES (?1, ?2, ?3)")?
        .execute(params![key, identity, record.subject_type])?;
    let id = connection.last_insert_rowid();

    let mut property = connection.prepare_cached(
        "INSERT INTO property (record, kind, name, value) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (kind, entries) in [(SUBJECT, &record.subject), (PARAMETER, &record.parameters)] {
        for (name, value) in entries {
            property.execute(params![id, kind, name, value])?;
        }
    }

    let mut summary = connection.prepare_cached(
        "INSERT INTO summary (event_type, summary_type, window_seconds) VALUES (?1, ?2, ?3)",
    )?;
    for (name, summaries) in &record.event_types {
        let event_type = add_event_type(connection, id, name)?;
        for entry in summaries {
            summary.execute(params![event_type, entry.summary_type.name(), entry.window])?;
        }
    }
    Ok(())
}

/// Adds an event type to a record and returns its id.
pub(crate) fn add_event_type(
    connection: &Connection,
    record: i64,
    name: &str,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO event_type (record, name) VALUES (?1, ?2)")?
        .execute(params![record, name])?;
    Ok(connection.last_insert_rowid())
}

/// Reads what belongs to a record beside its own row.
pub(crate) fn complete(connection: &Connection, head: Head) -> Result<Record> {
    let (subject, parameters) = properties(connection, head.id).map_err(backend(READING))?;
    let summaries = summaries(connection, head.id)?;
    let event_types = event_types(connection, head.id, summaries).map_err(backend(READING))?;
    Ok(Record {
        key: head.key,
        subject_type: head.subject_type,
        subject,
        parameters,
        event_types,
    })
}

type Texts = BTreeMap<String, String>;

fn properties(connection: &Connection, record: i64) -> rusqlite::Result<(Texts, Texts)> {
    let (mut subject, mut parameters) = (Texts::new(), Texts::new());
    let mut statement = connection.prepare_cached(PROPERTIES)?;
    let mut rows = statement.query([record])?;
    while let Some(row) = rows.next()? {
        let of = match row.get(0)? {
            SUBJECT => &mut subject,
            _ => &mut parameters,
        };
        of.insert(row.get(1)?, row.get(2)?);
    }
    Ok((subject, parameters))
}

fn event_types(
    connection: &Connection,
    record: i64,
    mut summaries: HashMap<i64, Vec<Summary>>,
) -> rusqlite::Result<Vec<EventTypeRecord>> {
    let mut statement = connection.prepare_cached(EVENT_TYPES)?;
    let rows = statement.query_map([record], |row| {
        Ok(EventTypeRecord {
            name: row.get(1)?,
            time_updated: row.get(2)?,
            summaries: summaries.remove(&row.get(0)?).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// Returns the summaries of a record, sorted, by the id of their event type.
fn summaries(connection: &Connection, record: i64) -> Result<HashMap<i64, Vec<Summary>>> {
    let rows = connection
        .prepare_cached(SUMMARIES)
        .and_then(|mut statement| {
            let rows = statement.query_map([record], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(backend(READING))?;
    let mut summaries: HashMap<i64, Vec<Summary>> = HashMap::new();
    for (event_type, summary_type, window) in rows {
        let Some(summary_type) = SummaryType::from_name(&summary_type) else {
            return Err(Error::Corrupt(format!("summary type {summary_type:?}")));
        };
        summaries.entry(event_type).or_default().push(Summary {
            summary_type,
            window,
        });
    }
    for list in summaries.values_mut() {
        list.sort_unstable();
    }
    Ok(summaries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn one_record_is_read_by_indexes_alone() {
        let (_dir, connection) = database();
        for sql in [BY_KEY, BY_IDENTITY, PROPERTIES, EVENT_TYPES, SUMMARIES] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
