//! The peer of the archive: a plain SQLite table with the same rows, as durable.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::{Connection, params};

use crate::data::{throughput, ts};

/// A table of points in a file of its own.
pub(crate) struct Peer {
    connection: Connection,
    path: PathBuf,
}

impl Peer {
    pub(crate) fn create(path: &Path) -> Self {
        let connection = Connection::open(path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 CREATE TABLE point (
                     series INTEGER NOT NULL, ts INTEGER NOT NULL, value ANY NOT NULL,
                     PRIMARY KEY (series, ts)
                 ) STRICT, WITHOUT ROWID;",
            )
            .expect("a table");
        Self {
            connection,
            path: path.to_owned(),
        }
    }

    /// Stores points, so many in a transaction.
    pub(crate) fn insert(&self, series: i64, numbers: std::ops::Range<usize>, at_once: usize) {
        let end = numbers.end;
        let insert = "INSERT INTO point (series, ts, value) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare(insert).expect("a statement");
        for first in numbers.step_by(at_once) {
            self.connection.execute_batch("BEGIN").expect("begun");
            for n in first..end.min(first + at_once) {
                let value = i64::try_from(throughput(n)).unwrap_or_default();
                let ts = i64::try_from(ts(n)).unwrap_or_default();
                let row = params![series, ts, value];
                insert.execute(row).expect("a new row");
            }
            self.connection.execute_batch("COMMIT").expect("committed");
        }
    }

    /// Returns the command by which the program `sqlite3` prints the series as JSON.
    pub(crate) fn print(&self) -> Command {
        let mut command = Command::new("sqlite3");
        command
            .arg("-json")
            .arg(&self.path)
            .arg("SELECT ts, value AS val FROM point WHERE series = 1 ORDER BY ts")
            .stdout(Stdio::null());
        command
    }
}
