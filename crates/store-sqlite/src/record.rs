//! Metadata records.

use std::collections::{BTreeMap, HashMap};

use esmond_ps_model::{Summary, SummaryType};
use esmond_ps_store::{Error, EventTypeRecord, Identity, NewRecord, Record, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backend;

pub(crate) const CREATING: &str = "storing a metadata record";
pub(crate) const READING: &str = "reading metadata records";

const ID: &str = "SELECT id FROM record WHERE key = ?1";
const EVENT_TYPE: &str = "SELECT id FROM event_type WHERE record = ?1 AND name = ?2";
const BY_KEY: &str = "SELECT id, key, identity, created, subject_type FROM record WHERE key = ?1";
const BY_IDENTITY: &str =
    "SELECT id, key, identity, created, subject_type FROM record WHERE identity = ?1";
const PROPERTIES: &str = "SELECT kind, name, value FROM property WHERE record = ?1";
const EVENT_TYPES: &str =
    "SELECT id, name, time_updated, removed_until FROM event_type WHERE record = ?1 ORDER BY name";
const SUMMARIES: &str = "SELECT event_type, summary_type, window_seconds FROM summary \
     WHERE event_type IN (SELECT id FROM event_type WHERE record = ?1)";

/// What `property.kind` says.
pub(crate) const SUBJECT: i64 = 0;
pub(crate) const PARAMETER: i64 = 1;

/// The columns of a record that are in its own row.
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) identity: Identity,
    pub(crate) created: Option<i64>,
    pub(crate) subject_type: String,
}

impl Head {
    /// The columns that [`Head::read`] takes, in their order.
    pub(crate) const COLUMNS: &'static str = "id, key, identity, created, subject_type";

    /// Reads the columns of a row.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            identity: row.get(2)?,
            created: row.get(3)?,
            subject_type: row.get(4)?,
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
    now: i64,
) -> Result<(Record, bool)> {
    if let Some(existing) = by_identity(connection, identity)? {
        return Ok((existing, false));
    }
    let own = Own {
        key,
        identity,
        created: Some(now),
        subject_type: &record.subject_type,
    };
    let id = insert(connection, own, &record.subject, &record.parameters)?;
    for (name, summaries) in &record.event_types {
        add_event_type(connection, id, name)
            .and_then(|event_type| add_summaries(connection, event_type, summaries))
            .map_err(backend(CREATING))?;
    }
    match by_key(connection, key)? {
        Some(stored) => Ok((stored, true)),
        None => Err(Error::UnknownRecord(key.to_owned())),
    }
}

/// What is in the own row of a record that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) key: &'a str,
    pub(crate) identity: &'a Identity,
    pub(crate) created: Option<i64>,
    pub(crate) subject_type: &'a str,
}

/// Stores a record without its event types and returns its id.
pub(crate) fn insert(
    connection: &Connection,
    own: Own<'_>,
    subject: &Texts,
    parameters: &Texts,
) -> Result<i64> {
    if id(connection, own.key)
        .map_err(backend(CREATING))?
        .is_some()
    {
        return Err(Error::KeyTaken(own.key.to_owned()));
    }
    insert_rows(connection, own, subject, parameters).map_err(backend(CREATING))
}

fn insert_rows(
    connection: &Connection,
    own: Own<'_>,
    subject: &Texts,
    parameters: &Texts,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            // Not the id of something that is gone and left what belonged to it.
            "INSERT INTO record (id, key, identity, created, subject_type) SELECT 1 + max( \
                (SELECT coalesce(max(id), 0) FROM record), \
                (SELECT coalesce(max(record), 0) FROM property), \
                (SELECT coalesce(max(record), 0) FROM event_type)), ?1, ?2, ?3, ?4",
        )?
        .execute(params![
            own.key,
            own.identity,
            own.created,
            own.subject_type
        ])?;
    let id = connection.last_insert_rowid();
    let mut property = connection.prepare_cached(
        "INSERT INTO property (record, kind, name, value) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (kind, entries) in [(SUBJECT, subject), (PARAMETER, parameters)] {
        for (name, value) in entries {
            property.execute(params![id, kind, name, value])?;
        }
    }
    Ok(id)
}

/// Returns the id of the record with this key.
pub(crate) fn id(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(ID)?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Returns the id of an event type of a record.
pub(crate) fn event_type(
    connection: &Connection,
    record: i64,
    name: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(EVENT_TYPE)?
        .query_row(params![record, name], |row| row.get(0))
        .optional()
}

/// Adds an event type to a record and returns its id.
pub(crate) fn add_event_type(
    connection: &Connection,
    record: i64,
    name: &str,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            // As with records.
            "INSERT INTO event_type (id, record, name) SELECT 1 + max( \
                (SELECT coalesce(max(id), 0) FROM event_type), \
                (SELECT coalesce(max(event_type), 0) FROM summary), \
                (SELECT coalesce(max(event_type), 0) FROM block), \
                (SELECT coalesce(max(event_type), 0) FROM bucket)), ?1, ?2",
        )?
        .execute(params![record, name])?;
    Ok(connection.last_insert_rowid())
}

/// Adds summaries to an event type.
pub(crate) fn add_summaries<'a>(
    connection: &Connection,
    event_type: i64,
    summaries: impl IntoIterator<Item = &'a Summary>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO summary (event_type, summary_type, window_seconds) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO NOTHING",
    )?;
    for entry in summaries {
        statement.execute(params![event_type, entry.summary_type.name(), entry.window])?;
    }
    Ok(())
}

/// Reads what belongs to a record beside its own row.
pub(crate) fn complete(connection: &Connection, head: Head) -> Result<Record> {
    let (subject, parameters) = properties(connection, head.id).map_err(backend(READING))?;
    let summaries = summaries(connection, head.id)?;
    let event_types = event_types(connection, head.id, summaries).map_err(backend(READING))?;
    Ok(Record {
        key: head.key,
        identity: head.identity,
        created: head.created,
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
            removed_until: row.get(3)?,
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
        for sql in [BY_KEY, BY_IDENTITY] {
            assert!(sql.contains(Head::COLUMNS), "{sql}");
        }
        for sql in [
            ID,
            EVENT_TYPE,
            BY_KEY,
            BY_IDENTITY,
            PROPERTIES,
            EVENT_TYPES,
            SUMMARIES,
        ] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
