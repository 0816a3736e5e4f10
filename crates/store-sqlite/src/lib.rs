//! The embedded store of the esmond-ps archive, on SQLite.
//!
//! Everything is in one file, `archive.sqlite`, of the data directory (SQLite
//! keeps `-wal` and `-shm` beside it while it is open). The directory must be
//! on a local file system.
//!
//! ```
//! use esmond_ps_store::Store;
//! use esmond_ps_store_sqlite::SqliteStore;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let store = SqliteStore::open(directory.path()).await?;
//! assert_eq!(store.count(&Default::default()).await?, 0);
//! # Ok(())
//! # }
//! ```
//!
//! - **Writes.** One thread owns the only writing connection. Requests that
//!   wait together share one commit, and with it one sync of the disk; a
//!   request that fails is rolled back alone. `Ok` means synced.
//! - **Reads.** A few read-only connections, used outside the async threads.
//!   Readers and the writer do not block each other (WAL).
//! - **Overload.** Some thousands of writes may wait; further ones are refused
//!   at once. A full disk fails the writes that do not fit; nothing has to be
//!   started again when there is room. Removing needs a little room too.
//! - **Points** of a series lie in blocks of a page, some hundreds to a block;
//!   a reader reads the blocks that it needs, a writer those that it touches.
//! - **Versions.** A file of an older version is brought up to date in one
//!   transaction when it is opened, and cannot be opened by the older version
//!   any more. A newer one is refused. [`SqliteStore::backup`] is the way back.
//! - **Processes.** Several processes may open one directory; their writes take
//!   turns, and one waits for another for ten seconds at most.

mod backup;
mod block;
mod bucket;
mod conditions;
mod counts;
mod error;
mod migrations;
mod packed;
mod point;
mod reader;
mod record;
mod restore;
mod retention;
mod schema;
mod search;
mod series;
mod totals;
mod upkeep;
mod user;
mod writer;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use esmond_ps_model::TimeRange;
use esmond_ps_store::{
    Bucket, KeyHash, NewPoint, NewRecord, Page, Record, Result, Search, Store, StoreSize, Usage,
    User, Value, WriteOutcome,
};
use ipnet::IpNet;

use error::backend;
use reader::Readers;
use totals::Totals;
use writer::Writer;

/// A store in a directory.
///
/// Dropping it waits until every write that was accepted is committed.
#[derive(Debug)]
pub struct SqliteStore {
    // Dropped first: the last connection moves the write-ahead log into the
    // file, which one that only reads cannot.
    readers: Readers,
    writer: Writer,
    totals: Arc<Totals>,
    file: PathBuf,
}

impl SqliteStore {
    /// Opens the store of a directory. Creates what is missing, and brings a
    /// file of an older version up to date, in one step.
    ///
    /// A file of version 1 is also rebuilt, once, so that it can shrink; when
    /// there is no room for that, it stays as large as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`](esmond_ps_store::Error::Backend) when the directory
    /// cannot be used, and when a newer version wrote the file.
    pub async fn open(dir: &Path) -> Result<Self> {
        const DOING: &str = "opening the data directory";
        let dir = dir.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let file = schema::prepare(&dir)?;
            Ok(Self {
                writer: Writer::start(schema::open_writer(&file)?)?,
                readers: Readers::new(file.clone()),
                totals: Arc::default(),
                file,
            })
        });
        opened
            .await
            .map_err(backend(DOING))?
            .map_err(|cause: schema::OpenError| backend(DOING)(cause))
    }

    /// Returns the version of the schema.
    pub async fn version(&self) -> Result<u32> {
        self.readers
            .read(|connection| schema::version(connection).map_err(backend(upkeep::LOOKING)))
            .await
    }

    /// Writes a copy of everything in the store of a directory, users included,
    /// to a new file, while the store is in use or not. A store of an older
    /// version is copied as it is; the copy can be used by that version. The copy is one state of the store, and complete when
    /// the file is there: it is written under another name (`.part` at its end)
    /// first. Only its owner can read it.
    ///
    /// The copy takes the place of `archive.sqlite` in an empty directory.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`](esmond_ps_store::Error::Backend) when there is such a
    /// file already, or one that is being written or was left by a copy that was
    /// interrupted, and when there is no store or a newer version wrote it;
    /// [`Error::Full`](esmond_ps_store::Error::Full) when there is
    /// no room.
    pub async fn backup(dir: &Path, to: &Path) -> Result<()> {
        let (from, to) = (schema::file(dir), to.to_owned());
        tokio::task::spawn_blocking(move || backup::copy(&from, &to))
            .await
            .map_err(backend(backup::COPYING))?
            .map_err(backend(backup::COPYING))
    }
}

/// Unix seconds now.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, key: &str, record: &NewRecord) -> Result<(Record, bool)> {
        // Hosts register their tests again and again: mostly there is nothing
        // to write, and no reason to wait for the disk.
        let identity = record.identity();
        let existing = self
            .readers
            .read(move |connection| record::by_identity(connection, &identity));
        if let Some(existing) = existing.await? {
            return Ok((existing, false));
        }
        let (key, record) = (key.to_owned(), record.clone());
        self.writer
            .write(record::CREATING, move |connection| {
                record::create(connection, &key, &identity, &record, now())
            })
            .await
    }

    async fn record(&self, key: &str) -> Result<Option<Record>> {
        let key = key.to_owned();
        self.readers
            .read(move |connection| record::by_key(connection, &key))
            .await
    }

    async fn count(&self, search: &Search) -> Result<u64> {
        let (search, totals) = (search.clone(), Arc::clone(&self.totals));
        self.readers
            .read(move |connection| search::count(connection, &search, &totals))
            .await
    }

    async fn search(
        &self,
        search: &Search,
        after: Option<&str>,
        page: Page,
    ) -> Result<Vec<Record>> {
        let (search, after) = (search.clone(), after.map(str::to_owned));
        self.readers
            .read(move |connection| search::search(connection, &search, after, page))
            .await
    }

    async fn write(&self, key: &str, points: Vec<NewPoint>, now: i64) -> Result<WriteOutcome> {
        let key = key.to_owned();
        self.writer
            .write(series::WRITING, move |connection| {
                point::write(connection, &key, &points, now)
            })
            .await
    }

    async fn points(
        &self,
        key: &str,
        event_type: &str,
        range: TimeRange,
        page: Page,
    ) -> Result<Vec<(i64, Value)>> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.readers
            .read(move |connection| series::read(connection, &key, &event_type, range, page))
            .await
    }

    async fn buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        range: TimeRange,
        page: Page,
    ) -> Result<Vec<(i64, Bucket)>> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.readers
            .read(move |connection| {
                bucket::read(connection, &key, &event_type, window, range, page)
            })
            .await
    }

    async fn put_user(&self, name: &str, key: Option<&KeyHash>) -> Result<()> {
        let (name, key) = (name.to_owned(), key.cloned());
        self.writer
            .write(user::CHANGING, move |connection| {
                user::put(connection, &name, key.as_ref())
            })
            .await
    }

    async fn set_user_active(&self, name: &str, active: bool) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .write(user::CHANGING, move |connection| {
                user::set_active(connection, &name, active)
            })
            .await
    }

    async fn user(&self, name: &str) -> Result<Option<User>> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| user::by_name(connection, &name))
            .await
    }

    async fn user_by_key(&self, key: &KeyHash) -> Result<Option<User>> {
        let key = key.clone();
        self.readers
            .read(move |connection| user::by_key(connection, &key))
            .await
    }

    async fn add_network(&self, user: &str, network: IpNet) -> Result<()> {
        let user = user.to_owned();
        self.writer
            .write(user::CHANGING, move |connection| {
                user::add_network(connection, &user, network)
            })
            .await
    }

    async fn user_by_address(&self, address: IpAddr) -> Result<Option<User>> {
        self.readers
            .read(move |connection| user::by_address(connection, address))
            .await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.readers.read(user::all).await
    }

    async fn delete_user(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .write(user::CHANGING, move |connection| {
                user::delete(connection, &name)
            })
            .await
    }

    async fn networks(&self, user: Option<&str>) -> Result<Vec<(String, IpNet)>> {
        let user = user.map(str::to_owned);
        self.readers
            .read(move |connection| user::networks(connection, user.as_deref()))
            .await
    }

    async fn remove_network(&self, user: &str, network: IpNet) -> Result<bool> {
        let user = user.to_owned();
        self.writer
            .write(user::CHANGING, move |connection| {
                user::remove_network(connection, &user, network)
            })
            .await
    }

    async fn count_points(&self, key: &str, event_type: &str, range: TimeRange) -> Result<u64> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.readers
            .read(move |connection| series::count(connection, &key, &event_type, range))
            .await
    }

    async fn count_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        range: TimeRange,
    ) -> Result<u64> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.readers
            .read(move |connection| {
                retention::count_buckets(connection, &key, &event_type, window, range)
            })
            .await
    }

    async fn remove_points(
        &self,
        key: &str,
        event_type: &str,
        until: i64,
        limit: u64,
    ) -> Result<u64> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.writer
            .write(retention::REMOVING, move |connection| {
                retention::remove_points(connection, &key, &event_type, until, limit)
            })
            .await
    }

    async fn remove_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        until: i64,
        limit: u64,
    ) -> Result<u64> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.writer
            .write(retention::REMOVING, move |connection| {
                retention::remove_buckets(connection, &key, &event_type, window, until, limit)
                    .map_err(backend(retention::REMOVING))
            })
            .await
    }

    async fn remove_record(&self, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.writer
            .write(retention::REMOVING, move |connection| {
                retention::remove_record(connection, &key)
            })
            .await
    }

    async fn compact(&self) -> Result<bool> {
        let more = self
            .writer
            .write(upkeep::COMPACTING, |connection| {
                upkeep::compact(connection).map_err(backend(upkeep::COMPACTING))
            })
            .await?;
        if !more {
            // The file shrinks when the log is moved into it.
            let file = self.file.clone();
            tokio::task::spawn_blocking(move || upkeep::move_log(&file))
                .await
                .map_err(backend(upkeep::COMPACTING))?
                .map_err(backend(upkeep::COMPACTING))?;
        }
        Ok(more)
    }

    async fn restore(&self, record: &Record) -> Result<(Record, bool)> {
        let record = record.clone();
        self.writer
            .write(restore::RESTORING, move |connection| {
                restore::restore(connection, &record)
            })
            .await
    }

    async fn restore_points(
        &self,
        key: &str,
        event_type: &str,
        points: Vec<(i64, Value)>,
    ) -> Result<WriteOutcome> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.writer
            .write(restore::RESTORING, move |connection| {
                restore::points(connection, &key, &event_type, &points)
            })
            .await
    }

    async fn restore_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        buckets: Vec<(i64, Bucket)>,
    ) -> Result<()> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.writer
            .write(restore::RESTORING, move |connection| {
                restore::buckets(connection, &key, &event_type, window, &buckets)
            })
            .await
    }

    async fn rebuild_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        starts: Vec<i64>,
    ) -> Result<()> {
        let (key, event_type) = (key.to_owned(), event_type.to_owned());
        self.writer
            .write(restore::RESTORING, move |connection| {
                restore::rebuild(connection, &key, &event_type, window, &starts)
            })
            .await
    }

    async fn usage(&self, since: i64) -> Result<Vec<Usage>> {
        self.readers
            .read(move |connection| {
                upkeep::usage(connection, since).map_err(backend(upkeep::LOOKING))
            })
            .await
    }

    async fn size(&self) -> Result<StoreSize> {
        let file = self.file.clone();
        self.readers
            .read(move |connection| upkeep::size(connection, &file))
            .await
    }

    async fn verify(&self) -> Result<Vec<String>> {
        self.readers
            .read(|connection| upkeep::verify(connection).map_err(backend(upkeep::LOOKING)))
            .await
    }

    fn queue_depth(&self) -> u64 {
        self.writer.waiting()
    }
}
