//! What an archive asks of its storage.
//!
//! One trait, [`Store`], in the words of the domain, and one public
//! [`conformance`] suite that any backend must pass. The trait asks for
//! nothing that a partitioned store without joins, and without transactions
//! across partitions, cannot give: writes that are idempotent by (record, event
//! type, ts), conditional inserts, range reads by series, and summaries that
//! can be merged.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//!
//! use esmond_ps_model::TimeRange;
//! use esmond_ps_store::{NewPoint, NewRecord, Page, Result, Store, Value};
//!
//! /// Stores a point, and counts what there is since.
//! async fn note(store: &dyn Store, ts: i64, bits_per_second: i64) -> Result<usize> {
//!     let subject = [("source", "192.0.2.1"), ("destination", "192.0.2.2")];
//!     let record = NewRecord {
//!         subject_type: "point-to-point".to_owned(),
//!         subject: subject.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
//!         parameters: BTreeMap::new(),
//!         event_types: BTreeMap::from([("throughput".to_owned(), BTreeSet::new())]),
//!     };
//!     // A record that is there already keeps its key.
//!     let (record, _new) = store.create("6b056f8d98115191db95163233cb9569", &record).await?;
//!     let point = NewPoint {
//!         event_type: "throughput".to_owned(),
//!         ts,
//!         value: Value::Integer(bits_per_second),
//!     };
//!     let outcome = store.write(&record.key, vec![point], ts).await?;
//!     for conflict in outcome.conflicts {
//!         println!("there was a point at {} already", conflict.ts);
//!     }
//!     let since = TimeRange { begin: ts, end: None };
//!     let page = Page { offset: 0, limit: 1000 };
//!     Ok(store.points(&record.key, "throughput", since, page).await?.len())
//! }
//! # let _ = note;
//! ```
//!
//! - [`record`]: metadata records, and what identifies them.
//! - [`point`]: base points and the buckets that summaries are read from.
//! - [`search`]: conditions of a metadata search.
//! - [`user`]: who may write.
//! - [`upkeep`]: how much is stored.
//! - [`kinds`]: data types that are code.
//! - [`sum`]: sums of floats.
//! - [`text`]: metadata values as text.
//! - [`codec`]: values and buckets as text, for files and columns.
//! - [`view`]: what a reader sees of a stored value.

pub mod codec;
pub mod conformance;
pub mod kinds;
pub mod point;
pub mod record;
pub mod search;
pub mod sum;
pub mod text;
pub mod upkeep;
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
pub use upkeep::{StoreSize, Usage};
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
    /// The key belongs to a metadata record with another identity.
    #[error("the key {0} belongs to another metadata record")]
    KeyTaken(String),
    /// The metadata record has points or buckets, and cannot be removed.
    #[error("the metadata record {0} still holds data")]
    HoldsData(String),
    /// A value is of another data type than what is stored of its event type,
    /// or of one that this build does not have: it cannot be summarised with
    /// the others. Nothing is stored.
    #[error("the value of {event_type} at {ts} is of another data type than what is stored")]
    Misfit {
        /// Name of the event type.
        event_type: String,
        /// Unix time in seconds, UTC.
        ts: i64,
    },
    /// More writes wait than the store can do soon. Nothing of this one is
    /// stored; it can be sent again later.
    #[error("too many writes are waiting")]
    Busy,
    /// What is stored cannot be read back; the text says what and where.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The disk, or the space that the store may use, is full. Nothing is
    /// stored; the store goes on when there is room.
    #[error("{doing}: no space is left")]
    Full {
        /// What was being done, such as `writing points`.
        doing: &'static str,
        /// The backend's error.
        source: Cause,
    },
    /// The store can be read, but not written: it must not be, or the system
    /// refuses it. Nothing is stored.
    #[error("{doing}: the store is read-only")]
    ReadOnly {
        /// What was being done, such as `writing points`.
        doing: &'static str,
        /// The backend's error.
        source: Cause,
    },
    /// The backend failed. The text says at what; the cause is its own error.
    #[error("{doing}")]
    Backend {
        /// What was being done, such as `writing points`.
        doing: &'static str,
        /// The backend's error.
        source: Cause,
    },
}

/// Error of a backend.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

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
/// Records, points, summaries and users come first, as an archive's requests
/// need them; then what administration needs: users, retention, moving, upkeep.
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
    ///
    /// # Errors
    ///
    /// [`Error::KeyTaken`].
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
    /// Replacing a value of a [code kind](kinds) makes the buckets of its
    /// windows anew from their points; where points of a window were
    /// [removed](Store::remove_points), that cannot be done, and the value is a
    /// conflict.
    ///
    /// A point at a time whose base points were [removed](Store::remove_points)
    /// is new: it is stored and added to its summaries, also when one at that
    /// ts was counted before. A summary bucket that was
    /// [removed](Store::remove_buckets) starts again with the next point of its
    /// window, and counts all points of it that are there then.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRecord`] and [`Error::Misfit`]; then nothing is stored.
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

    /// Returns all users, sorted by name.
    async fn users(&self) -> Result<Vec<User>>;

    /// Removes a user with key and networks.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`].
    async fn delete_user(&self, name: &str) -> Result<()>;

    /// Returns networks with the names of their users, sorted by name and
    /// network: those of one user, or all.
    async fn networks(&self, user: Option<&str>) -> Result<Vec<(String, IpNet)>>;

    /// Takes a network from a user; false when it is not theirs.
    async fn remove_network(&self, user: &str, network: IpNet) -> Result<bool>;

    /// Returns how many base points of a series are in a range.
    async fn count_points(&self, key: &str, event_type: &str, range: TimeRange) -> Result<u64>;

    /// Returns how many summary buckets of a window start in a range.
    async fn count_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        range: TimeRange,
    ) -> Result<u64>;

    /// Removes the oldest base points of a series, those until `until`
    /// included, `limit` at most; returns how many. Fewer than `limit` means
    /// that none is left. Summaries stay as they are.
    ///
    /// When a point was removed, [`removed_until`] becomes `until`, unless it
    /// is later already.
    ///
    /// This is one step: a limit of some thousands does not hold up writers.
    ///
    /// [`removed_until`]: EventTypeRecord::removed_until
    async fn remove_points(
        &self,
        key: &str,
        event_type: &str,
        until: i64,
        limit: u64,
    ) -> Result<u64>;

    /// Removes the oldest summary buckets of a window, those that start until
    /// `until` included, `limit` at most; returns how many.
    async fn remove_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        until: i64,
        limit: u64,
    ) -> Result<u64>;

    /// Removes a record that holds no data any more; false when there is no
    /// record with this key.
    ///
    /// # Errors
    ///
    /// [`Error::HoldsData`] when it has points or buckets: those are removed
    /// before, step by step, of every event type and window.
    async fn remove_record(&self, key: &str) -> Result<bool>;

    /// Gives space that is not used any more back to the file system, a
    /// limited amount in one step; tells whether there is more to give back.
    /// The archive runs on meanwhile.
    async fn compact(&self) -> Result<bool>;

    /// Stores a copy of a record of this or another archive under its own key
    /// and identity, unless one with the same identity exists; returns the
    /// record that is stored now, and whether it is new.
    ///
    /// One that exists gets the event types that it lacks; the later of both
    /// holds for each `time_updated` and `removed_until`, the earlier for
    /// `created`. So a copy can be stored again, and again later.
    ///
    /// # Errors
    ///
    /// [`Error::KeyTaken`].
    async fn restore(&self, record: &Record) -> Result<(Record, bool)>;

    /// Stores copies of base points. Neither summaries nor `time_updated`
    /// change; an event type that the record does not list is added to it.
    ///
    /// An equal point that is there already is as good as stored. A different
    /// one, of whatever kind, stays and is a conflict.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRecord`]; then nothing is stored.
    async fn restore_points(
        &self,
        key: &str,
        event_type: &str,
        points: Vec<(i64, Value)>,
    ) -> Result<WriteOutcome>;

    /// Stores copies of summary buckets of a window greater than 0, by their
    /// start; each takes the place of the one that is there. An event type
    /// that the record does not list is added to it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRecord`]; then nothing is stored.
    async fn restore_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        buckets: Vec<(i64, Bucket)>,
    ) -> Result<()>;

    /// Makes summary buckets of a window greater than 0 anew, in one step with
    /// respect to writers: each becomes what the base points of its window add
    /// up to, and is removed when there are none. `starts` are the starts of
    /// aligned windows. A record or event type that is not there has none.
    ///
    /// This loses what only the bucket knew: points that were
    /// [removed](EventTypeRecord::removed_until), or never came here.
    ///
    /// # Errors
    ///
    /// [`Error::Misfit`] when the points of a window are of several data types,
    /// or of one that this build does not have; then nothing changes.
    async fn rebuild_buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
        starts: Vec<i64>,
    ) -> Result<()>;

    /// Returns how much of each event type is stored, sorted by name. `since`
    /// (Unix seconds) begins what counts as [recent](Usage::recent_points).
    /// Everything that is stored is looked at: this takes seconds for tens of
    /// millions of points.
    async fn usage(&self, since: i64) -> Result<Vec<Usage>>;

    /// Returns how much space the store takes; cheap.
    async fn size(&self) -> Result<StoreSize>;

    /// Looks for damage of what is stored, as far as the backend can tell, and
    /// describes it, a line each, a hundred lines at most; none means that all
    /// is well. Whether summaries are what their points add up to is not looked
    /// at. Reads everything.
    async fn verify(&self) -> Result<Vec<String>>;

    /// Returns how many writes wait now.
    fn queue_depth(&self) -> u64;
}
