//! Totals are remembered, and never wrong: whoever changes the records, and
//! whatever becomes of the change.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use esmond_ps_model::{Summary, SummaryType, TimeRange};
use esmond_ps_store::search::SeriesSearch;
use esmond_ps_store::{NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use rusqlite::Connection;
use tokio::task::JoinSet;

/// More than a search looks at one by one, so that its total is remembered.
const MANY: u32 = 1100;

fn key(number: u32) -> String {
    format!("{number:032x}")
}

fn record(number: u32) -> NewRecord {
    let text = str::to_owned;
    let average = Summary {
        summary_type: SummaryType::Average,
        window: 3600,
    };
    NewRecord {
        subject_type: text("point-to-point"),
        subject: [(text("source"), number.to_string())].into(),
        parameters: [(text("tool-name"), text("iperf3"))].into(),
        event_types: [(text("throughput"), [average].into())].into(),
    }
}

async fn open(dir: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(dir).await.unwrap())
}

/// Adds records, all at once, so that they share commits.
async fn add(store: &Arc<SqliteStore>, numbers: Range<u32>) {
    let mut tasks = JoinSet::new();
    for number in numbers {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.create(&key(number), &record(number)).await });
    }
    for added in tasks.join_all().await {
        assert!(added.unwrap().1);
    }
}

/// Searches that every record meets.
fn searches() -> Vec<Search> {
    let text = str::to_owned;
    let series = |series| Search {
        series,
        ..Search::default()
    };
    let parameters = vec![(text("tool-name"), text("iperf3"))];
    vec![
        Search::default(),
        Search {
            subject_type: Some(text("point-to-point")),
            ..Search::default()
        },
        Search {
            parameters: parameters.clone(),
            ..Search::default()
        },
        series(SeriesSearch {
            event_type: Some(text("throughput")),
            ..SeriesSearch::default()
        }),
        series(SeriesSearch {
            window: Some(3600),
            ..SeriesSearch::default()
        }),
        Search {
            parameters,
            series: SeriesSearch {
                event_type: Some(text("throughput")),
                summary_type: Some(SummaryType::Average),
                ..SeriesSearch::default()
            },
            ..Search::default()
        },
    ]
}

/// Every search finds so many, and the last of them is the one with this number.
async fn assert_all(store: &SqliteStore, total: u32, last: u32) {
    for search in searches() {
        for _ in 0..2 {
            let found = store.count(&search).await.unwrap();
            assert_eq!(found, u64::from(total), "{search:?}");
        }
        let page = Page {
            offset: u64::from(total) - 1,
            limit: 2,
        };
        let found = store.search(&search, None, page).await.unwrap();
        let keys: Vec<_> = found.into_iter().map(|record| record.key).collect();
        assert_eq!(keys, [key(last)], "{search:?}");
    }
}

fn raw(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("archive.sqlite")).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection
}

#[tokio::test]
async fn what_another_process_adds_or_removes_is_counted_by_the_next_search() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let other = open(dir.path()).await;
    add(&store, 0..MANY).await;
    assert_all(&store, MANY, MANY - 1).await;
    assert_all(&other, MANY, MANY - 1).await;

    add(&other, MANY..MANY + 1).await;
    assert_all(&store, MANY + 1, MANY).await;
    assert!(other.remove_record(&key(3)).await.unwrap());
    assert_all(&store, MANY, MANY).await;
    // As many as before, and not the same.
    assert!(other.remove_record(&key(MANY)).await.unwrap());
    let (_, new) = store.create(&key(4000), &record(4000)).await.unwrap();
    assert!(new);
    for store in [&store, &other] {
        assert_all(store, MANY, 4000).await;
    }
    // The copy of a record, as of an import or a mirror.
    let copied = store.record(&key(5)).await.unwrap().unwrap();
    assert!(other.remove_record(&key(5)).await.unwrap());
    assert_all(&store, MANY - 1, 4000).await;
    let (_, new) = other.restore(&copied).await.unwrap();
    assert!(new);
    assert_all(&store, MANY, 4000).await;
}

#[tokio::test]
async fn what_is_rolled_back_is_not_counted_then_or_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    add(&store, 0..MANY).await;
    assert_all(&store, MANY, MANY - 1).await;
    let connection = raw(dir.path());
    connection
        .execute_batch(
            "BEGIN IMMEDIATE; \
             INSERT INTO record SELECT 9999, 'z', x'00', subject_type, 1 FROM record LIMIT 1; \
             INSERT INTO property VALUES (9999, 1, 'tool-name', 'iperf3'); \
             INSERT INTO event_type VALUES (9999, 9999, 'throughput', NULL, NULL); \
             INSERT INTO summary VALUES (9999, 'average', 3600);",
        )
        .unwrap();
    assert_all(&store, MANY, MANY - 1).await;
    connection.execute_batch("ROLLBACK").unwrap();
    assert_all(&store, MANY, MANY - 1).await;
    // A write that is refused changes nothing; the next one uses its number again.
    assert!(store.create(&key(1), &record(MANY)).await.is_err());
    assert_all(&store, MANY, MANY - 1).await;
    add(&store, MANY..MANY + 1).await;
    assert_all(&store, MANY + 1, MANY).await;
    connection
        .execute_batch("BEGIN; DELETE FROM record; ROLLBACK")
        .unwrap();
    assert_all(&store, MANY + 1, MANY).await;
}

#[tokio::test]
async fn an_event_type_that_a_point_brings_along_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let point = |ts| NewPoint {
        event_type: "failures".to_owned(),
        ts,
        value: Value::Document("{}".to_owned()),
    };
    add(&store, 0..MANY + 1).await;
    let failures = |updated| Search {
        series: SeriesSearch {
            event_type: Some("failures".to_owned()),
            updated,
            ..SeriesSearch::default()
        },
        ..Search::default()
    };
    let mut tasks = JoinSet::new();
    for number in 0..MANY {
        let (store, point) = (Arc::clone(&store), point(1));
        tasks.spawn(async move { store.write(&key(number), vec![point], 10).await });
    }
    for written in tasks.join_all().await {
        assert_eq!(written.unwrap().conflicts, []);
    }
    let total = async |updated| store.count(&failures(updated)).await.unwrap();
    let since = |begin| Some(TimeRange { begin, end: None });
    assert_eq!(total(None).await, u64::from(MANY));
    assert_eq!(total(since(10)).await, u64::from(MANY));
    store.write(&key(MANY), vec![point(1)], 10).await.unwrap();
    assert_eq!(total(None).await, u64::from(MANY) + 1);
    assert_eq!(total(since(10)).await, u64::from(MANY) + 1);
    // Times of the last write are not remembered.
    let until = Some(TimeRange {
        begin: 0,
        end: Some(10),
    });
    assert_eq!(total(until).await, u64::from(MANY) + 1);
    store.write(&key(0), vec![point(2)], 11).await.unwrap();
    assert_eq!(total(until).await, u64::from(MANY));
}
