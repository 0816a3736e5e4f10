//! What is stored, whether it is whole, and giving space back.

use std::collections::BTreeMap;
use std::path::Path;

use esmond_ps_store::{Result, StoreSize, Usage};
use rusqlite::{Connection, Row};

use crate::{backend, bucket, schema, series};

pub(crate) const LOOKING: &str = "looking at the database";
pub(crate) const COMPACTING: &str = "giving space back";

/// Pages that one step gives back: 8 MiB.
const STEP: u32 = 2048;

/// Lines of each kind of damage that a verification returns, beside one with
/// the number of all others: together they are a hundred at most.
const PROBLEMS: u64 = 30;

/// What a row takes beside its value: key, lengths, its share of the free room
/// that pages have.
const ROW_BYTES: u64 = 16;

/// The same of a block of points.
const BLOCK_BYTES: u64 = 48;

const SERIES: &str = "SELECT name, id FROM event_type";
// One pass in the order of the primary key, and without reading long values.
const BUCKETS: &str = "SELECT (SELECT name FROM event_type WHERE id = bucket.event_type), \
     count(*), sum(octet_length(state)) FROM bucket GROUP BY event_type";

/// Returns how much is stored of each event type.
pub(crate) fn usage(connection: &Connection, since: i64) -> rusqlite::Result<Vec<Usage>> {
    let mut usages: BTreeMap<String, Usage> = BTreeMap::new();
    // Points of no event type are damage, which is looked for elsewhere.
    let amounts = series::amounts(connection, since)?;
    let mut statement = connection.prepare(SERIES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str()?;
        let usage = match usages.get_mut(name) {
            Some(usage) => usage,
            None => usages.entry(name.to_owned()).or_insert_with(|| Usage {
                event_type: name.to_owned(),
                ..Usage::default()
            }),
        };
        usage.series += 1;
        let amount = amounts.get(&row.get(1)?).copied().unwrap_or_default();
        usage.points += amount.points;
        usage.recent_points += amount.recent;
        usage.bytes += amount.bytes + amount.blocks * BLOCK_BYTES;
        if let Some((first, last)) = amount.range {
            usage.first = Some(usage.first.map_or(first, |other| other.min(first)));
            usage.last = Some(usage.last.map_or(last, |other| other.max(last)));
        }
    }

    let mut statement = connection.prepare(BUCKETS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(usage) = named(&mut usages, row)? else {
            continue;
        };
        let count = number(row, 1)?;
        usage.buckets += count;
        usage.bytes += number(row, 2)? + count * ROW_BYTES;
    }
    Ok(usages.into_values().collect())
}

fn named<'a>(
    usages: &'a mut BTreeMap<String, Usage>,
    row: &Row<'_>,
) -> rusqlite::Result<Option<&'a mut Usage>> {
    let name: Option<String> = row.get(0)?;
    Ok(name.and_then(|name| usages.get_mut(&name)))
}

/// Reads a count.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// Returns the size of the file and its log.
pub(crate) fn size(connection: &Connection, file: &Path) -> Result<StoreSize> {
    let pragma = |name: &str| -> Result<u64> {
        connection
            .pragma_query_value(None, name, |row| number(row, 0))
            .map_err(backend(LOOKING))
    };
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let own = file.metadata().map_err(backend(LOOKING))?.len();
    // Without a log nothing was written since the start.
    let log = Path::new(&log).metadata().map_or(0, |log| log.len());
    Ok(StoreSize {
        bytes: own + log,
        free_bytes: pragma("freelist_count")? * pragma("page_size")?,
    })
}

/// Gives some pages back; tells whether there are more that can be.
pub(crate) fn compact(connection: &Connection) -> rusqlite::Result<bool> {
    let free = || -> rusqlite::Result<u64> {
        connection.pragma_query_value(None, "freelist_count", |row| number(row, 0))
    };
    let before = free()?;
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({STEP})"))?;
    let mut rows = statement.query([])?;
    // Each row is a page that was given back.
    while rows.next()?.is_some() {}
    let after = free()?;
    Ok(after > 0 && after < before)
}

/// Moves the log into the file, as far as readers allow.
pub(crate) fn move_log(file: &Path) -> std::result::Result<(), schema::OpenError> {
    let connection = schema::open_writer(file)?;
    // A connection knows of the log when it has read something.
    schema::version(&connection)
        .and_then(|_| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())))
        .map_err(|source| schema::OpenError::Sqlite {
            path: file.to_owned(),
            source,
        })
}

/// Looks for damage, and describes it.
pub(crate) fn verify(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = Vec::new();
    each(
        connection,
        &format!("PRAGMA integrity_check({})", PROBLEMS + 1),
        |row| {
            let line: String = row.get(0)?;
            if problems.len() as u64 == PROBLEMS {
                problems.push("more of the file itself".to_owned());
            } else if line != "ok" {
                problems.push(line);
            }
            Ok(())
        },
    )?;

    let mut lost: BTreeMap<(String, String), u64> = BTreeMap::new();
    each(connection, "PRAGMA foreign_key_check", |row| {
        *lost.entry((row.get(0)?, row.get(2)?)).or_default() += 1;
        Ok(())
    })?;
    problems.extend(lost.into_iter().map(|((table, parent), rows)| match rows {
        1 => format!("a row of {table} belongs to no {parent}"),
        _ => format!("{rows} rows of {table} belong to no {parent}"),
    }));

    let mut points = First::default();
    series::verify(connection, |problem| points.add(problem))?;
    problems.extend(points.end("blocks of points"));

    let mut summaries = First::default();
    let buckets = "SELECT event_type, window_seconds, ts, state FROM bucket";
    each(connection, buckets, |row| {
        if bucket::read_column(row.get_ref(3)?).is_none() {
            let (window, ts): (i64, i64) = (row.get(1)?, row.get(2)?);
            let name = series::name(connection, row.get(0)?);
            summaries.add(format!(
                "the summary of {name}, window {window}, at {ts} is none"
            ));
        }
        Ok(())
    })?;
    problems.extend(summaries.end("summaries"));
    Ok(problems)
}

/// The first problems of a kind, and how many more there are.
#[derive(Default)]
struct First {
    lines: Vec<String>,
    more: u64,
}

impl First {
    fn add(&mut self, problem: String) {
        if (self.lines.len() as u64) < PROBLEMS {
            self.lines.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn end(mut self, what: &str) -> Vec<String> {
        if self.more > 0 {
            self.lines
                .push(format!("{} more {what} like these", self.more));
        }
        self.lines
    }
}

/// Shows each row.
fn each(
    connection: &Connection,
    sql: &str,
    mut show: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        show(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn a_file_that_cannot_shrink_keeps_nobody_waiting_for_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "PRAGMA auto_vacuum = NONE; CREATE TABLE t (x); \
                 INSERT INTO t VALUES (zeroblob(100000)); DELETE FROM t;",
            )
            .unwrap();
        let free: i64 = connection
            .pragma_query_value(None, "freelist_count", |row| row.get(0))
            .unwrap();
        assert!(free > 10, "{free}");
        assert!(!compact(&connection).unwrap());
    }

    #[test]
    fn usage_sorts_nothing() {
        let (_dir, connection) = database();
        for sql in [SERIES, BUCKETS] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
