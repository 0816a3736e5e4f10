//! What an archive asks of its storage.
//!
//! One trait, [`Store`], in the words of the domain, and one public
//! [`conformance`] suite that any backend must pass. The trait asks for
//! nothing that a partitioned store without joins, and without transactions
//! across partitions, cannot give: writes that are idempotent by (record, event
//! type, ts), conditional inserts, range reads by series, and summaries that
//! can be merged.
//!
//! - [`record`]: metadata records, and what identifies them.
//! - [`point`]: base points and the buckets that summaries are read from.
//! - [`search`]: conditions of a metadata search.
//! - [`user`]: who may write.
//! - [`view`]: what a reader sees of a stored value.

pub mod conformance;
pub mod point;
pub mod record;
pub mod search;
pub mod user;
pub mod view;

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use esmond_ps_model::TimeRange;
use ipnet::IpNet;
use thiserror::Error;

pub use point::{Bucket, Conflict, NewPoint, Value};
pub use record::{EventTypeRecord, Identity, NewRecord, Record};
pub use search::Search;
pub use user::{KeyHash, User};

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store could not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no metadata record with this key.
    #[error("no metadata record has the key {0}")]
    UnknownRecord(String),
    /// There is no user of this name.
    #[error("user {0} does not exist")]
    UnknownUser(String),
    /// What is stored cannot be read back; the text says what and where.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The backend failed. The text says at what; the cause is its own error.
    #[error("{doing}")]
    Backend {
        /// What was being done, such as `writing points`.
        doing: &'static str,
        /// The backend's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A slice of an ordered answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u64,
}

/// What a bulk write did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOutcome {
    /// Points that were there before, and so were not stored, in the order of
    /// the request.
    pub conflicts: Vec<Conflict>,
}

/// The storage of an archive.
///
/// Promises that every backend keeps, whatever it is made of:
///
/// - **Durable.** When a write returns `Ok`, it survives kill -9 and loss of
///   power.
/// - **Whole.** A reader sees all points of one [`write`](Store::write) and
///   their effect on every summary, or none of it. (A backend without
///   transactions reaches this by making the effect repeatable and finishing
///   it after a crash before it serves readers.)
/// - **Once.** There is at most one point per (record, event type, ts), and
///   each is counted exactly once in each summary.
/// - **Ordered.** Records come in ascending order of their key, points in
///   ascending order of ts.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Stores a record under `key`, unless one with the same identity exists;
    /// returns the record that is stored now, and whether it is new.
    async fn create(&self, key: &str, record: &NewRecord) -> Result<(Record, bool)>;

    /// Returns the record with this key.
    async fn record(&self, key: &str) -> Result<Option<Record>>;

    /// Returns how many records match.
    async fn count(&self, search: &Search) -> Result<u64>;

    /// Returns the records that match and whose key is greater than `after`,
    /// in ascending order of their key.
    async fn search(&self, search: &Search, after: Option<&str>, page: Page)
    -> Result<Vec<Record>>;

    /// Stores all points that are new, in one step, and updates every summary
    /// that the record lists for their event types. `now` (Unix seconds)
    /// becomes `time_updated` of the event types that got a point.
    ///
    /// An event type that the record does not list is added to it, without
    /// summaries. A point that is there already is a conflict for [integer,
    /// float and percentage values](Value::replaces) and replaced for the
    /// others; replacing a histogram corrects its summaries. Of two points for
    /// one (event type, ts) in one call the first wins, the second is a
    /// conflict; of two replaceable ones the last wins.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRecord`]; then nothing is stored.
    async fn write(&self, key: &str, points: Vec<NewPoint>, now: i64) -> Result<WriteOutcome>;

    /// Returns base points of a series. A record, event type or range without
    /// points gives none.
    async fn points(
        &self,
        key: &str,
        event_type: &str,
        range: TimeRange,
        page: Page,
    ) -> Result<Vec<(i64, Value)>>;

    /// Returns the summary buckets of a window greater than 0, by their start.
    /// Every summary type of that window is a view of the same bucket.
    async fn buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        range: TimeRange,
        page: Page,
    ) -> Result<Vec<(i64, Bucket)>>;

    /// Adds a user, or gives an existing one this key (a user has one key at
    /// most; `None` leaves a user as they are).
    async fn put_user(&self, name: &str, key: Option<&KeyHash>) -> Result<()>;

    /// Allows or forbids a user to authenticate.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`].
    async fn set_user_active(&self, name: &str, active: bool) -> Result<()>;

    /// Returns the user of this name.
    async fn user(&self, name: &str) -> Result<Option<User>>;

    /// Returns the user with this key.
    async fn user_by_key(&self, key: &KeyHash) -> Result<Option<User>>;

    /// Lets hosts of a network authenticate as a user by their address alone.
    /// A network belongs to one user; the last one who gets it keeps it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`].
    async fn add_network(&self, user: &str, network: IpNet) -> Result<()>;

    /// Returns the user of the most specific network that holds the address.
    async fn user_by_address(&self, address: IpAddr) -> Result<Option<User>>;
}
