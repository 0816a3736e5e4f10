//! Several stores on one directory, as of several processes.

use std::sync::Arc;

use esmond_ps_model::{Summary, SummaryType, TimeRange};
use esmond_ps_store::{Bucket, KeyHash, NewPoint, NewRecord, Page, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_of_one_directory_see_each_other_and_count_once() {
    const TASKS: i64 = 20;
    const POINTS: i64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let stores = [
        Arc::new(SqliteStore::open(dir.path()).await.unwrap()),
        Arc::new(SqliteStore::open(dir.path()).await.unwrap()),
    ];
    let summary = Summary {
        summary_type: SummaryType::Average,
        window: 86400,
    };
    let record = NewRecord {
        event_types: [("throughput".to_owned(), [summary].into())].into(),
        ..NewRecord::default()
    };
    stores[0].create("key", &record).await.unwrap();
    let (existing, new) = stores[1].create("other", &record).await.unwrap();
    assert_eq!((existing.key.as_str(), new), ("key", false));

    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = Arc::clone(&stores[usize::from(task % 2 == 0)]);
            tokio::spawn(async move {
                for n in 0..POINTS {
                    let point = NewPoint {
                        event_type: "throughput".to_owned(),
                        ts: n * TASKS + task,
                        value: Value::Integer(1),
                    };
                    let outcome = store.write("key", vec![point], 1).await.unwrap();
                    assert_eq!(outcome.conflicts, []);
                }
            })
        })
        .collect();
    let key = KeyHash::of("secret");
    stores[1].put_user("ann", Some(&key)).await.unwrap();
    assert!(stores[0].user_by_key(&key).await.unwrap().is_some());
    for task in tasks {
        task.await.unwrap();
    }

    let always = TimeRange {
        begin: i64::MIN,
        end: None,
    };
    let all = Page {
        offset: 0,
        limit: u64::MAX,
    };
    let total = TASKS * POINTS;
    for store in stores {
        let bucket = store.buckets("key", "throughput", 86400, always, all);
        assert_eq!(
            bucket.await.unwrap(),
            [(
                0,
                Bucket::Integer {
                    sum: total.into(),
                    count: total.unsigned_abs(),
                }
            )]
        );
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file.join("data")).await.unwrap_err();
    assert_eq!(error.to_string(), "opening the data directory");
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().ends_with("file/data"), "{cause}");
    assert!(cause.source().is_some());
}
