//! Runs over a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use esmond_ps_model::{Registry, Summary, SummaryType, TimeRange};
use esmond_ps_retention::{Mode, Policies, Report, Run, daily, prune};
use esmond_ps_store::{Error, NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use tokio::sync::Notify;
use tokio::time::Instant;

const DAY: i64 = 86_400;
const NOW: i64 = 20_000 * DAY;
const SHIPPED: &str = include_str!("../../archive/dist/retention.json");
const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};
const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

fn policies(text: &str) -> Policies {
    Policies::parse(text, &Registry::standard()).unwrap()
}

/// One policy for everything.
fn days(days: &str) -> Policies {
    policies(&format!(
        r#"{{"policies": [{{"event_type": "*", "summary_type": "*",
        "summary_window": "*", "expire": "{days}"}}]}}"#
    ))
}

async fn open() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    (dir, store)
}

/// Stores a record, and a point of its one event type at each time, all written
/// at the last of these times.
async fn record(
    store: &SqliteStore,
    key: &str,
    event_type: &str,
    windows: &[i64],
    times: &[i64],
    value: impl Fn() -> Value,
) {
    let summaries: BTreeSet<Summary> = windows
        .iter()
        .map(|window| Summary {
            summary_type: SummaryType::Aggregation,
            window: *window,
        })
        .collect();
    let new = NewRecord {
        subject_type: key.to_owned(),
        event_types: BTreeMap::from([(event_type.to_owned(), summaries)]),
        ..NewRecord::default()
    };
    store.create(key, &new).await.unwrap();
    let points = times.iter().map(|ts| NewPoint {
        event_type: event_type.to_owned(),
        ts: *ts,
        value: value(),
    });
    let now = times.iter().copied().max().unwrap_or_default();
    store.write(key, points.collect(), now).await.unwrap();
}

async fn remove(store: &SqliteStore, policies: &Policies) -> Report {
    let run = Run::new(Mode::Remove, NOW);
    prune(store, policies, run, |_| {}, pending())
        .await
        .unwrap()
}

#[tokio::test]
async fn summaries_outlive_their_points_as_the_shipped_policies_say() {
    let (_dir, store) = open().await;
    let times: Vec<i64> = [6 * 365, 2 * 365, 366, 200, 1]
        .map(|days| NOW - days * DAY)
        .to_vec();
    record(&store, "k", "throughput", &[3600, DAY], &times, || {
        Value::Integer(7)
    })
    .await;
    let report = remove(&store, &policies(SHIPPED)).await;
    let lines: Vec<String> = report.removed().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "throughput base: 3 points",
            "throughput aggregation of 3600 s: 3 buckets",
            "throughput aggregation of 86400 s: 1 bucket",
        ]
    );
    assert_eq!(
        report.to_string(),
        "3 points, 4 summary buckets and 0 of 1 record removed"
    );
    let points = store.count_points("k", "throughput", ALWAYS).await.unwrap();
    let daily = store
        .count_buckets("k", "throughput", DAY, ALWAYS)
        .await
        .unwrap();
    assert_eq!((points, daily), (2, 4));
}

#[tokio::test]
async fn the_second_of_the_limit_goes_and_the_next_stays() {
    let (_dir, store) = open().await;
    let limit = NOW - DAY;
    record(&store, "k", "throughput", &[], &[limit, limit + 1], || {
        Value::Integer(7)
    })
    .await;
    assert_eq!(remove(&store, &days("1")).await.points_removed(), 1);
    let late = TimeRange {
        begin: limit + 1,
        end: None,
    };
    assert_eq!(
        store.count_points("k", "throughput", late).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn a_dry_run_counts_a_record_whose_last_point_is_at_the_limit() {
    let (_dir, store) = open().await;
    let limit = NOW - DAY;
    record(&store, "k", "throughput", &[], &[limit], || {
        Value::Integer(7)
    })
    .await;
    let policies = days("1");
    let run = Run::new(Mode::DryRun, NOW);
    let dry = prune(&store, &policies, run, |_| {}, pending()).await;
    assert_eq!(dry.unwrap().records_removed, 1);
    assert_eq!(remove(&store, &policies).await.records_removed, 1);
}

#[tokio::test]
async fn zero_days_remove_everything_and_never_nothing() {
    let (_dir, store) = open().await;
    for key in ["a", "b"] {
        record(&store, key, "throughput", &[DAY], &[5, NOW], || {
            Value::Integer(7)
        })
        .await;
    }
    let report = remove(&store, &days("never")).await;
    assert_eq!(report.removed().count(), 0);
    assert_eq!((report.records, report.records_removed), (2, 0));
    assert_eq!(report.without_policy().count(), 0);

    let report = remove(&store, &days("0")).await;
    assert_eq!((report.points_removed(), report.buckets_removed()), (4, 4));
    assert_eq!((report.records, report.records_removed), (2, 2));
    assert_eq!(store.count(&Search::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn series_without_policy_stay_and_are_named_once() {
    // DIFFERENCE: the original deletes such records, its points stay unreachable.
    let (_dir, store) = open().await;
    for key in ["a", "b"] {
        record(&store, key, "throughput", &[DAY], &[5], || {
            Value::Integer(7)
        })
        .await;
    }
    let base = policies(
        r#"{"policies": [{"event_type": "*", "summary_type": "base",
        "summary_window": "*", "expire": "1"}]}"#,
    );
    let report = remove(&store, &base).await;
    let rows: Vec<String> = report.without_policy().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        ["no policy matches throughput aggregation 86400 (2 records); it is kept"]
    );
    assert_eq!((report.points_removed(), report.records_removed), (2, 0));
    let kept = store
        .count_buckets("a", "throughput", DAY, ALWAYS)
        .await
        .unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn disk_space_is_given_back() {
    // DIFFERENCE: that of the original is not.
    let (dir, store) = open().await;
    // Nothing that a store could make shorter.
    let noise = Cell::new(1_u64);
    let large = || {
        let digits = (0..600).map(|_| {
            let next = noise.get().wrapping_mul(6_364_136_223_846_793_005);
            noise.set(next.wrapping_add(1_442_695_040_888_963_407));
            format!("{:016x}", noise.get())
        });
        Value::Document(format!("\"{}\"", digits.collect::<String>()))
    };
    let times: Vec<i64> = (0..500).collect();
    record(&store, "k", "failures", &[], &times, large).await;
    drop(store);
    let size = || {
        std::fs::metadata(dir.path().join("archive.sqlite"))
            .unwrap()
            .len()
    };
    let before = size();
    assert!(before > 2_000_000, "{before}");

    let store = SqliteStore::open(dir.path()).await.unwrap();
    let report = remove(&store, &days("1")).await;
    assert_eq!((report.points_removed(), report.records_removed), (500, 1));
    drop(store);
    let after = size();
    assert!(after < before / 4, "{before} {after}");
}

#[tokio::test]
async fn space_that_a_killed_run_left_is_given_back_by_the_next() {
    let (dir, store) = open().await;
    let large = || Value::Document(format!("\"{}\"", "x".repeat(4000)));
    let times: Vec<i64> = (0..500).collect();
    record(&store, "k", "failures", &[], &times, large).await;
    let removed = store.remove_points("k", "failures", NOW, u64::MAX).await;
    assert_eq!(removed.unwrap(), 500);
    let report = remove(&store, &days("never")).await;
    assert_eq!(report.removed().count(), 0);
    drop(store);
    let size = std::fs::metadata(dir.path().join("archive.sqlite"))
        .unwrap()
        .len();
    assert!(size < 500_000, "{size}");
}

#[tokio::test]
async fn writers_get_their_turn_between_steps() {
    let (_dir, store) = open().await;
    let times: Vec<i64> = (0..100).collect();
    record(&store, "k", "throughput", &[], &times, || Value::Integer(7)).await;
    let run = Run {
        step: 10,
        ..Run::new(Mode::Remove, NOW)
    };
    let mut seen = Vec::new();
    let watch = |report: &Report| seen.push(report.points_removed());
    prune(&store, &days("1"), run, watch, pending())
        .await
        .unwrap();
    seen.dedup();
    assert_eq!(seen, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
}

#[tokio::test]
async fn a_stopped_run_says_so_and_keeps_what_it_did() {
    let (_dir, store) = open().await;
    let times: Vec<i64> = (0..100).collect();
    record(&store, "k", "throughput", &[], &times, || Value::Integer(7)).await;
    let run = Run {
        step: 10,
        ..Run::new(Mode::Remove, NOW)
    };
    let enough = Notify::new();
    let watch = |report: &Report| {
        if report.points_removed() == 30 {
            enough.notify_one();
        }
    };
    let policies = days("1");
    let report = prune(&store, &policies, run, watch, enough.notified());
    let report = report.await.unwrap();
    assert_eq!(
        report.to_string(),
        "30 points, 0 summary buckets and 0 of 0 records removed (stopped before the end)"
    );
    assert_eq!(
        store.count_points("k", "throughput", ALWAYS).await.unwrap(),
        70
    );
}

#[tokio::test]
async fn two_runs_at_once_remove_everything_once() {
    let (_dir, store) = open().await;
    for number in 0..20 {
        let times: Vec<i64> = (0..50).collect();
        record(
            &store,
            &format!("{number:032x}"),
            "throughput",
            &[60],
            &times,
            || Value::Integer(7),
        )
        .await;
    }
    let run = Run {
        step: 7,
        page: 3,
        ..Run::new(Mode::Remove, NOW)
    };
    let policies = days("1");
    let (one, other) = tokio::join!(
        prune(&store, &policies, run, |_| {}, pending()),
        prune(&store, &policies, run, |_| {}, pending()),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.points_removed() + other.points_removed(), 1000);
    assert_eq!(one.buckets_removed() + other.buckets_removed(), 20);
    assert_eq!(one.records_removed + other.records_removed, 20);
    assert_eq!(store.count(&Search::default()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_that_was_acknowledged_is_lost() {
    let (_dir, store) = open().await;
    let keys: Vec<String> = (0..30).map(|number| format!("{number:032x}")).collect();
    for key in &keys {
        record(&store, key, "throughput", &[60], &[5], || Value::Integer(7)).await;
    }
    let run = Run {
        page: 2,
        ..Run::new(Mode::Remove, NOW)
    };
    let policies = days("1");
    let write = async {
        let mut refused = 0;
        // From the other end, so that both meet.
        for key in keys.iter().rev() {
            let point = NewPoint {
                event_type: "throughput".to_owned(),
                ts: NOW,
                value: Value::Integer(8),
            };
            match store.write(key, vec![point], NOW).await {
                Ok(_) => {}
                Err(Error::UnknownRecord(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        refused
    };
    let (report, refused) = tokio::join!(prune(&store, &policies, run, |_| {}, pending()), write);
    let report = report.unwrap();
    assert_eq!(
        (report.points_removed(), report.records_removed),
        (30, refused)
    );
    for record in store.search(&Search::default(), None, ALL).await.unwrap() {
        let points = store.points(&record.key, "throughput", ALWAYS, ALL).await;
        assert_eq!(points.unwrap(), [(NOW, Value::Integer(8))]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_prunes_at_its_start_and_every_24_hours() {
    let (_dir, store) = open().await;
    let day = Duration::from_secs(86_400);
    let times: Vec<i64> = (0..10).map(|days| NOW - days * DAY).collect();
    record(&store, "k", "throughput", &[], &times, || Value::Integer(7)).await;
    let started = Instant::now();
    let runs = Mutex::new(Vec::new());
    let last = Notify::new();
    let clock = || {
        let elapsed = started.elapsed();
        let mut runs = runs.lock().unwrap();
        runs.push(elapsed);
        if runs.len() == 4 {
            last.notify_one();
        }
        NOW + i64::try_from(elapsed.as_secs()).unwrap()
    };
    daily(&store, &days("8"), clock, last.notified()).await;
    // Told to stop, the fourth run ended before it did anything.
    assert_eq!(
        *runs.lock().unwrap(),
        [Duration::ZERO, day, day * 2, day * 3]
    );
    let left = store.count_points("k", "throughput", ALWAYS).await.unwrap();
    assert_eq!(left, 6);
}

#[tokio::test]
async fn a_server_can_run_it_in_a_task_and_stop_it_at_once() {
    let (_dir, store) = open().await;
    let told = std::sync::Arc::new(Notify::new());
    let stop = std::sync::Arc::clone(&told);
    let runs = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&runs);
    let (policies, stopped) = (days("1"), async move { stop.notified().await });
    let task = tokio::spawn(async move {
        let clock = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            NOW
        };
        daily(&store, &policies, clock, stopped).await;
    });
    told.notify_one();
    task.await.unwrap();
    assert!(runs.load(Ordering::SeqCst) <= 1);
}
