//! Space on disk, copies, and damage.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use esmond_ps_model::TimeRange;
use esmond_ps_store::{Error, KeyHash, NewPoint, NewRecord, Page, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use rusqlite::Connection;

const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};
const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

async fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir).await.unwrap()
}

/// Text that cannot be made much shorter.
fn noise(ts: i64) -> String {
    let mut state = ts as u32;
    let letters = (0..4000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + (state >> 26) as u8)
    });
    letters.collect::<String>().replace('\\', "-")
}

/// A record with documents of a page each at these times.
async fn fill(store: &SqliteStore, times: std::ops::Range<i64>) {
    let record = NewRecord {
        event_types: [("failures".to_owned(), [].into())].into(),
        ..NewRecord::default()
    };
    store.create("key", &record).await.unwrap();
    let points = times.map(|ts| NewPoint {
        event_type: "failures".to_owned(),
        ts,
        value: Value::Document(format!("\"{}\"", noise(ts))),
    });
    store.write("key", points.collect(), 1).await.unwrap();
}

async fn count(store: &SqliteStore) -> u64 {
    store.count_points("key", "failures", ALWAYS).await.unwrap()
}

fn length(dir: &Path) -> u64 {
    dir.join("archive.sqlite").metadata().unwrap().len()
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

async fn assert_shrinks(store: &SqliteStore, dir: &Path) {
    let before = store.size().await.unwrap();
    let removed = store.remove_points("key", "failures", 2899, 10_000).await;
    assert_eq!(removed.unwrap(), 2900);
    let free = store.size().await.unwrap().free_bytes;
    assert!(free > 10_000_000, "{free}");
    let mut steps = 1_u32;
    while store.compact().await.unwrap() {
        steps += 1;
        // Writers have their turn between the steps.
        let ts = 20_000 + i64::from(steps);
        fill(store, ts..ts + 1).await;
    }
    assert!((2..10).contains(&steps), "{steps}");
    let after = store.size().await.unwrap();
    assert_eq!(after.free_bytes, 0);
    assert!(length(dir) < 2_000_000, "{} {before:?}", length(dir));
    assert!(after.bytes < before.bytes);
    assert_eq!(count(store).await, u64::from(100 + steps - 1));
    assert_eq!(store.verify().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_file_shrinks_while_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    fill(&store, 0..3000).await;
    assert_shrinks(&store, dir.path()).await;
}

#[tokio::test]
async fn a_file_that_could_not_shrink_is_rebuilt_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    fill(&store, 0..3000).await;
    drop(store);
    // As the first version made it.
    Connection::open(dir.path().join("archive.sqlite"))
        .unwrap()
        .execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; \
             PRAGMA journal_mode = WAL",
        )
        .unwrap();
    let store = open(dir.path()).await;
    assert_eq!(count(&store).await, 3000);
    assert_shrinks(&store, dir.path()).await;
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    fill(&store, 0..10).await;
    assert_eq!(count(&store).await, 10);
    drop(store);
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["archive.lock", "archive.sqlite"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_state_of_a_store_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(dir.path()).await);
    fill(&store, 0..10).await;
    let key = KeyHash::of("secret");
    store.put_user("ann", Some(&key)).await.unwrap();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let writing = {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move {
            let mut begun = Some(begun);
            for n in 1..50 {
                fill(&store, n * 10..n * 10 + 10).await;
                if let Some(begun) = begun.take() {
                    begun.send(()).unwrap();
                }
            }
        })
    };
    begins.await.unwrap();
    let copies = tempfile::tempdir().unwrap();
    let to = copies.path().join("archive.sqlite");
    SqliteStore::backup(dir.path(), &to).await.unwrap();
    writing.await.unwrap();
    assert_eq!(count(&store).await, 500);

    assert_eq!(fs::read_dir(copies.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = to.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let copy = open(copies.path()).await;
    let copied = count(&copy).await;
    assert!((20..=500).contains(&copied) && copied % 10 == 0, "{copied}");
    assert_eq!(copy.verify().await.unwrap(), [""; 0]);
    assert_eq!(
        copy.version().await.unwrap(),
        store.version().await.unwrap()
    );
    let ann = copy.user_by_key(&key).await.unwrap().unwrap();
    assert_eq!(ann.name, "ann");
    // It is a store like any other.
    fill(&copy, 1000..1001).await;
    assert_eq!(count(&copy).await, copied + 1);
}

#[tokio::test]
async fn a_backup_replaces_no_file() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).await);
    let to = dir.path().join("copy");
    fs::write(&to, "precious").unwrap();
    let error = SqliteStore::backup(dir.path(), &to).await.unwrap_err();
    assert_eq!(error.to_string(), "writing the backup");
    assert!(cause(&error).ends_with("copy exists already"), "{error:?}");
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    fs::remove_file(&to).unwrap();

    let part = dir.path().join("copy.part");
    fs::write(&part, "").unwrap();
    let error = SqliteStore::backup(dir.path(), &to).await.unwrap_err();
    assert!(cause(&error).contains("copy.part exists: "), "{error:?}");
    assert!(!to.exists());
    fs::remove_file(&part).unwrap();

    let error = SqliteStore::backup(dir.path(), &dir.path().join("missing/copy")).await;
    let error = error.unwrap_err();
    assert!(cause(&error).ends_with("missing/copy.part"), "{error:?}");
    SqliteStore::backup(dir.path(), &to).await.unwrap();
    assert!(!part.exists());
}

#[tokio::test]
async fn damage_is_found_and_described() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    // Each is a block.
    fill(&store, 0..8).await;
    fill(&store, 20..21).await;
    let record = NewRecord {
        subject_type: "other".to_owned(),
        ..NewRecord::default()
    };
    store.create("other", &record).await.unwrap();
    let point = |ts| NewPoint {
        event_type: "failures".to_owned(),
        ts,
        value: Value::Document("1".to_owned()),
    };
    let two = vec![point(10), point(30)];
    store.write("other", two, 1).await.unwrap();
    let other = Connection::open(dir.path().join("archive.sqlite")).unwrap();
    other
        .execute_batch(
            "PRAGMA foreign_keys = OFF; \
             UPDATE block SET data = substr(data, 1, length(data) - 1) WHERE first = 7; \
             UPDATE block SET event_type = 1 WHERE event_type = 2; \
             INSERT INTO bucket VALUES (1, 60, 120, 'i1'); \
             INSERT INTO network VALUES (4, x'00', x'00', 'nobody');",
        )
        .unwrap();
    assert_eq!(
        store.verify().await.unwrap(),
        [
            "a row of network belongs to no user",
            "the points of failures of the metadata record key from 7 to 7 are damaged",
            "the points of failures of the metadata record key from 20 to 20 overlap those before",
            "the summary of failures of the metadata record key, window 60, at 120 is none",
        ]
    );
    // What can be read is read still, what cannot is said.
    let first = TimeRange {
        begin: 0,
        end: Some(0),
    };
    let read = store.points("key", "failures", first, ALL).await;
    assert_eq!(read.unwrap().len(), 1);
    let read = store.points("key", "failures", ALWAYS, ALL).await;
    let expected = "stored data cannot be read: \
        points of failures of the metadata record key from 7 to 7";
    assert_eq!(read.unwrap_err().to_string(), expected);
    // Nobody knows what is there; but beside it there is room.
    let within = store.write("key", vec![point(7)], 1).await;
    assert_eq!(within.unwrap_err().to_string(), expected);
    store.write("key", vec![point(8)], 1).await.unwrap();
    let behind = TimeRange {
        begin: 8,
        end: Some(9),
    };
    let read = store.points("key", "failures", behind, ALL).await;
    assert_eq!(read.unwrap(), [(8, point(8).value)]);
    // However much there is of a kind, it hides no other.
    other
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 600) \
             INSERT INTO block SELECT NULL, 1, i, i, 1, x'00' FROM n",
        )
        .unwrap();
    let problems = store.verify().await.unwrap();
    assert_eq!(problems.len(), 33, "{problems:?}");
    assert_eq!(problems[0], "a row of network belongs to no user");
    assert_eq!(problems[31], "473 more blocks of points like these");
    assert!(problems[32].starts_with("the summary of failures"));
    // Damage can be removed.
    let removed = store.remove_points("key", "failures", 1000, 10_000).await;
    assert!(removed.unwrap() > 400);
    assert_eq!(count(&store).await, 0);
}
