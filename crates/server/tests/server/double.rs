//! A store in front of another one, that refuses writes as it is told and
//! remembers what it was asked.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use esmond_ps_model::TimeRange;
use esmond_ps_store::{
    Bucket, Error, KeyHash, NewPoint, NewRecord, Page, Record, Result, Search, Store, StoreSize,
    Usage, User, Value, WriteOutcome,
};
use esmond_ps_store_sqlite::SqliteStore;
use ipnet::IpNet;
use tokio::sync::Semaphore;

/// What answers a look-up.
pub(crate) type Lookup = fn() -> Result<Option<User>>;

/// The store. All else than refusing is done by the one behind it.
#[derive(Debug)]
pub(crate) struct Double {
    store: Arc<SqliteStore>,
    refusal: Mutex<Option<fn() -> Error>>,
    /// How many writes were asked for, refused ones included.
    pub(crate) writes: AtomicUsize,
    /// The keys that were looked up.
    pub(crate) keys: Mutex<Vec<KeyHash>>,
    /// Whoever was looked up is told when it is their turn.
    pub(crate) turns: Semaphore,
    /// Answers look-ups in place of the store.
    pub(crate) lookup: Mutex<Option<Lookup>>,
}

/// How many turns there are.
pub(crate) const TURNS: u32 = 1000;

impl Double {
    pub(crate) fn new(store: Arc<SqliteStore>) -> Arc<Self> {
        Arc::new(Self {
            store,
            refusal: Mutex::default(),
            writes: AtomicUsize::default(),
            keys: Mutex::default(),
            turns: Semaphore::new(TURNS as usize),
            lookup: Mutex::default(),
        })
    }

    /// Refuses writes from now on, or takes them again.
    pub(crate) fn refuse(&self, refusal: Option<fn() -> Error>) {
        *self.refusal.lock().unwrap() = refusal;
    }

    fn write_asked(&self) -> Result<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        match *self.refusal.lock().unwrap() {
            Some(refusal) => Err(refusal()),
            None => Ok(()),
        }
    }
}

/// Implements the trait by passing everything on that is not of interest.
macro_rules! all_but_some {
    ($(async fn $name:ident($($arg:ident: $kind:ty),*) -> $returned:ty;)*) => {
        #[async_trait]
        impl Store for Double {
            async fn create(&self, key: &str, record: &NewRecord) -> Result<(Record, bool)> {
                self.write_asked()?;
                self.store.create(key, record).await
            }

            async fn write(&self, key: &str, points: Vec<NewPoint>, now: i64) -> Result<WriteOutcome> {
                self.write_asked()?;
                self.store.write(key, points, now).await
            }

            async fn user_by_key(&self, key: &KeyHash) -> Result<Option<User>> {
                let other = *self.lookup.lock().unwrap();
                let found = match other {
                    Some(lookup) => lookup(),
                    None => self.store.user_by_key(key).await,
                };
                self.keys.lock().unwrap().push(key.clone());
                let _turn = self.turns.acquire().await.unwrap();
                found
            }

            fn queue_depth(&self) -> u64 {
                self.store.queue_depth()
            }

            $(async fn $name(&self, $($arg: $kind),*) -> Result<$returned> {
                self.store.$name($($arg),*).await
            })*
        }
    };
}

all_but_some! {
    async fn record(key: &str) -> Option<Record>;
    async fn count(search: &Search) -> u64;
    async fn search(search: &Search, after: Option<&str>, page: Page) -> Vec<Record>;
    async fn points(key: &str, name: &str, range: TimeRange, page: Page) -> Vec<(i64, Value)>;
    async fn buckets(key: &str, name: &str, window: i64, range: TimeRange, page: Page) -> Vec<(i64, Bucket)>;
    async fn put_user(name: &str, key: Option<&KeyHash>) -> ();
    async fn set_user_active(name: &str, active: bool) -> ();
    async fn user(name: &str) -> Option<User>;
    async fn add_network(user: &str, network: IpNet) -> ();
    async fn user_by_address(address: IpAddr) -> Option<User>;
    async fn users() -> Vec<User>;
    async fn delete_user(name: &str) -> ();
    async fn networks(user: Option<&str>) -> Vec<(String, IpNet)>;
    async fn remove_network(user: &str, network: IpNet) -> bool;
    async fn count_points(key: &str, name: &str, range: TimeRange) -> u64;
    async fn count_buckets(key: &str, name: &str, window: i64, range: TimeRange) -> u64;
    async fn remove_points(key: &str, name: &str, until: i64, limit: u64) -> u64;
    async fn remove_buckets(key: &str, name: &str, window: i64, until: i64, limit: u64) -> u64;
    async fn remove_record(key: &str) -> bool;
    async fn compact() -> bool;
    async fn restore(record: &Record) -> (Record, bool);
    async fn restore_points(key: &str, name: &str, points: Vec<(i64, Value)>) -> WriteOutcome;
    async fn restore_buckets(key: &str, name: &str, window: i64, buckets: Vec<(i64, Bucket)>) -> ();
    async fn rebuild_buckets(key: &str, name: &str, window: i64, starts: Vec<i64>) -> ();
    async fn usage(since: i64) -> Vec<Usage>;
    async fn size() -> StoreSize;
    async fn verify() -> Vec<String>;
}
