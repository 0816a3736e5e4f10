//! The embedded store of the esmond-ps archive, on SQLite.
//!
//! Everything is in one file, `archive.sqlite`, of the data directory (SQLite
//! keeps `-wal` and `-shm` beside it while it is open). The directory must be
//! on a local file system.
//!
//! - **Writes.** One thread owns the only writing connection. Requests that
//!   wait together share one commit, and with it one sync of the disk; a
//!   request that fails is rolled back alone. `Ok` means synced.
//! - **Reads.** A few read-only connections, used outside the async threads.
//!   Readers and the writer do not block each other (WAL).
//! - **Processes.** Several processes may open one directory; their writes take
//!   turns, and one waits for another for ten seconds at most.

mod bucket;
mod encode;
mod point;
mod reader;
mod record;
mod schema;
mod search;
mod user;
mod writer;

use std::net::IpAddr;
use std::path::Path;

use async_trait::async_trait;
use esmond_ps_model::TimeRange;
use esmond_ps_store::{
    Bucket, Error, KeyHash, NewPoint, NewRecord, Page, Record, Result, Search, Store, User, Value,
    WriteOutcome,
};
use ipnet::IpNet;

use reader::Readers;
use writer::Writer;

/// A store in a directory.
///
/// Dropping it waits until every write that was accepted is committed.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the store of a directory. Creates what is missing, and brings a
    /// file of an older version up to date.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the directory cannot be used, and when a newer
    /// version wrote the file.
    pub async fn open(dir: &Path) -> Result<Self> {
        const DOING: &str = "opening the data directory";
        let dir = dir.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let file = schema::prepare(&dir)?;
            Ok(Self {
                writer: Writer::start(schema::open_writer(&file)?)?,
                readers: Readers::new(file),
            })
        });
        opened
            .await
            .map_err(backend(DOING))?
            .map_err(|cause: schema::OpenError| backend(DOING)(cause))
    }
}

/// Names what was being done when the backend failed.
fn backend<E>(doing: &'static str) -> impl Fn(E) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |cause| Error::Backend {
        doing,
        source: Box::new(cause),
    }
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
                record::create(connection, &key, &identity, &record)
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
        let search = search.clone();
        self.readers
            .read(move |connection| search::count(connection, &search))
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
            .write(point::WRITING, move |connection| {
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
            .read(move |connection| point::read(connection, &key, &event_type, range, page))
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
}
