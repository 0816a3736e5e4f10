//! The data directory, connections, and the schema's versions.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

use crate::{error, migrations};

const DATABASE: &str = "archive.sqlite";
const LOCK: &str = "archive.lock";

/// How long a process waits for another one's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// More statements than this crate has, the shapes of searches included.
const CACHED_STATEMENTS: usize = 64;

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    /// The operating system refused something.
    #[error("{}", .path.display())]
    File { path: PathBuf, source: io::Error },
    /// SQLite refused something.
    #[error("{}", .path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    /// A newer version of the program changed the file.
    #[error(
        "{} was made by a newer version of esmond-ps-archive: its schema is version {found}, \
         this program knows {} and older",
        .path.display(), migrations::VERSION
    )]
    Newer { path: PathBuf, found: u32 },
    /// The schema cannot be brought up to date. The file is as it was.
    #[error(
        "schema of {}, which cannot be brought up to date and is as it was, of version {found}",
        .path.display()
    )]
    Schema {
        path: PathBuf,
        found: u32,
        source: Box<rusqlite_migration::Error>,
    },
    /// There is no room to bring the schema up to date. The file is as it was.
    #[error(
        "schema of {}, which is as it was, of version {found}: {enough} MiB of free room beside \
         it are enough to bring it up to date",
        .path.display()
    )]
    NoRoom {
        path: PathBuf,
        found: u32,
        enough: u64,
        source: Box<rusqlite_migration::Error>,
    },
    /// The file system cannot share memory between processes.
    #[error("{} is not on a local file system: no write-ahead log", .0.display())]
    NoWal(PathBuf),
    /// The operating system gave no thread.
    #[error("writer thread")]
    Thread(#[source] io::Error),
}

/// Creates what is missing in a directory, brings the schema up to date, and
/// returns the path of the database.
pub(crate) fn prepare(dir: &Path) -> Result<PathBuf, OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::File { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    // Two processes that open a new directory at once must not both create the
    // schema, and the switch to WAL does not wait for anybody.
    let lock_path = dir.join(LOCK);
    let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
    lock.lock().map_err(failed(&lock_path))?;

    let path = file(dir);
    let sqlite = |source| OpenError::Sqlite {
        path: path.clone(),
        source,
    };
    let mut connection = open_writer(&path)?;
    refuse_newer(&connection, &path)?;
    if !is_shrinkable(&connection).map_err(sqlite)? {
        // Takes effect when the file is made, or rebuilt.
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(sqlite)?;
    }
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(sqlite)?;
    if mode != "wal" {
        return Err(OpenError::NoWal(path));
    }
    bring_up_to_date(&mut connection, &path)?;
    make_shrinkable(&connection, &path);
    connection.close().map_err(|(_, cause)| sqlite(cause))?;
    sync_directories(dir).map_err(failed(dir))?;
    Ok(path)
}

/// Brings the schema up to date, or leaves the file as it is.
fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let found = version(connection).map_err(sqlite)?;
    // What belongs to nothing is damage. It stays, for a verification to find,
    // and keeps nobody from using the rest.
    connection
        .pragma_update(None, "foreign_keys", false)
        .map_err(sqlite)?;
    migrations::all().to_latest(connection).map_err(|source| {
        let (path, source) = (path.to_owned(), Box::new(source));
        if error::kind(&*source) != error::Kind::Full {
            return OpenError::Schema {
                path,
                found,
                source,
            };
        }
        // What is written anew is never larger than what is there. It is in the
        // log first, and then in the file. From version 3 on, nothing is.
        let bytes = match found {
            ..3 => path.metadata().map_or(0, |file| file.len()),
            _ => 0,
        };
        OpenError::NoRoom {
            path,
            found,
            enough: bytes * 2 / (1024 * 1024) + 1,
            source,
        }
    })
}

/// Returns the path of the database of a directory.
pub(crate) fn file(dir: &Path) -> PathBuf {
    absolute(&dir.join(DATABASE))
}

/// Returns a path that begins at the root: SQLite takes one that begins with
/// `file:` for an address with options.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Opens a connection to a database as it is, of whatever version that is known.
pub(crate) fn open_as_it_is(path: &Path) -> Result<Connection, OpenError> {
    let open = || {
        // Not read-only: whoever leaves last moves the log into the file.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        configure(&connection)?;
        Ok(connection)
    };
    let connection = open().map_err(|source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    })?;
    refuse_newer(&connection, path)?;
    Ok(connection)
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(connection).map_err(|source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    })?;
    if found > migrations::VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    Ok(())
}

/// Returns the version of the schema; 0 is an empty file.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Rebuilds a file of the first version, once, so that space can be given back
/// to the file system. This needs twice the room of the file meanwhile; without
/// it the archive works all the same, and space is used again instead. The next
/// start tries again.
fn make_shrinkable(connection: &Connection, path: &Path) {
    let rebuild = || {
        if !is_shrinkable(connection)? {
            tracing::info!(path = %path.display(), "rebuilding the database, once");
            connection.execute_batch("VACUUM")?;
        }
        Ok(())
    };
    let rebuilt: rusqlite::Result<()> = rebuild();
    if let Err(error) = rebuilt {
        tracing::warn!(
            %error, path = %path.display(),
            "the database could not be rebuilt: it does not shrink when data is removed"
        );
    }
}

/// Tells whether the file can give space back.
fn is_shrinkable(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    Ok(mode != 0)
}

/// Makes the directory's own entry durable; SQLite does that for its files.
#[cfg(unix)]
fn sync_directories(dir: &Path) -> io::Result<()> {
    let dir = dir.canonicalize()?;
    File::open(&dir)?.sync_all()?;
    match dir.parent() {
        // A parent that cannot be read was not made by us.
        Some(parent) => File::open(parent).map_or(Ok(()), |parent| parent.sync_all()),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_directories(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens the connection that writes.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        configure(&connection)?;
        // FULL: a commit is on disk before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -32 * 1024)?;
        // A long reader can make the log grow; it does not stay that big.
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        Ok(connection)
    };
    open().map_err(|source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    })
}

/// Opens a connection that reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database with the current schema.
    pub(crate) fn database() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = prepare(dir.path()).unwrap();
        let connection = open_writer(&path).unwrap();
        (dir, connection)
    }

    /// How SQLite finds the rows of a statement.
    pub(crate) fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let lines: Vec<String> = statement
            .raw_query()
            .mapped(|row| row.get("detail"))
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        lines.join("\n")
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
        let (dir, connection) = database();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let refused = prepare(dir.path()).unwrap_err();
        assert!(
            refused.to_string().ends_with(
                "archive.sqlite was made by a newer version of esmond-ps-archive: \
                 its schema is version 99, this program knows 4 and older"
            ),
            "{refused}"
        );
        let connection = open_writer(&dir.path().join(DATABASE)).unwrap();
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn commits_are_synced_and_readers_cannot_write() {
        let (dir, connection) = database();
        let pragma = |name: &str| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("foreign_keys"), 1.into());
        let reader = open_reader(&dir.path().join(DATABASE)).unwrap();
        assert!(reader.execute("DELETE FROM record", []).is_err());
    }

    #[test]
    fn opening_does_not_wait_for_a_writer() {
        let (dir, connection) = database();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        // Would fail after a while.
        prepare(dir.path()).unwrap();
        connection.execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn many_can_open_a_new_directory_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("a/b");
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| prepare(&new))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }

    #[test]
    fn without_room_an_old_file_stays_as_it_was_and_the_error_says_how_much_is_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(DATABASE);
        let mut connection = open_writer(&path).unwrap();
        migrations::all().to_version(&mut connection, 2).unwrap();
        connection
            .execute_batch(
                "INSERT INTO record (key, identity, subject_type) VALUES ('key', x'00', ''); \
                 INSERT INTO event_type (record, name) VALUES (1, 'failures'); \
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 3000) \
                 INSERT INTO point SELECT 1, n, 'd\"' || hex(randomblob(300)) || '\"' FROM n;",
            )
            .unwrap();
        let pages = |connection: &Connection| -> i64 {
            connection
                .pragma_query_value(None, "page_count", |row| row.get(0))
                .unwrap()
        };
        let before = pages(&connection);
        connection
            .pragma_update(None, "max_page_count", before + 100)
            .unwrap();
        let error = bring_up_to_date(&mut connection, &path).unwrap_err();
        let text = error.to_string();
        let bytes = path.metadata().unwrap().len();
        let enough = format!(" version 2: {} MiB of free room", bytes / 524_288 + 1);
        assert!(text.contains(&enough), "{text}");
        assert_eq!(error::kind(&error), error::Kind::Full);
        assert_eq!(version(&connection).unwrap(), 2);
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count("point"), 3000);

        connection
            .pragma_update(None, "max_page_count", before * 3)
            .unwrap();
        bring_up_to_date(&mut connection, &path).unwrap();
        assert_eq!(version(&connection).unwrap(), migrations::VERSION);
        let points: i64 = connection
            .query_row("SELECT sum(count) FROM block", [], |row| row.get(0))
            .unwrap();
        assert_eq!(points, 3000);
    }
}
