//! What points take on disk and how long it takes to write and read them:
//!
//! `cargo test --release -p esmond-ps-store-sqlite --test measure -- --ignored --nocapture`
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use esmond_ps_model::{Histogram, Summary, SummaryType, TimeRange};
use esmond_ps_store::{NewPoint, NewRecord, Page, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;

const START: i64 = 1_700_000_000;
const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};
const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};

/// Numbers without an end, the same ones each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end) as i64
    }
}

fn throughput(numbers: &mut Numbers) -> Value {
    Value::Integer(9_000_000_000 + numbers.below(900_000_000))
}

fn histogram(numbers: &mut Numbers) -> Value {
    let buckets = 5 + numbers.below(11);
    let base = 2000 + numbers.below(30);
    Value::Histogram(Histogram::new((0..buckets).map(|n| {
        let hundredths = base + n * (1 + numbers.below(3));
        (
            format!("{}.{:02}", hundredths / 100, hundredths % 100),
            1 + numbers.below(200),
        )
    })))
}

async fn open(
    dir: &Path,
    keys: impl IntoIterator<Item = String>,
    summaries: &[(SummaryType, i64)],
) -> SqliteStore {
    let store = SqliteStore::open(dir).await.unwrap();
    for key in keys {
        let summaries = summaries.iter().map(|&(summary_type, window)| Summary {
            summary_type,
            window,
        });
        let record = NewRecord {
            subject_type: key.clone(),
            event_types: [("series".to_owned(), summaries.collect())].into(),
            ..NewRecord::default()
        };
        store.create(&key, &record).await.unwrap();
    }
    store
}

fn point(ts: i64, value: Value) -> NewPoint {
    NewPoint {
        event_type: "series".to_owned(),
        ts,
        value,
    }
}

fn length(dir: &Path) -> u64 {
    dir.join("archive.sqlite").metadata().unwrap().len()
}

fn rate(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64()) as u64
}

async fn bulk(store: &SqliteStore, key: &str, points: Vec<NewPoint>) -> Duration {
    let batches: Vec<_> = points.chunks(2000).map(<[_]>::to_vec).collect();
    let started = Instant::now();
    for batch in batches {
        store.write(key, batch, 1).await.unwrap();
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn bulk_of_integers() {
    const COUNT: u64 = 1_000_000;
    for (name, summaries) in [
        ("no summaries", vec![]),
        (
            "an hourly and a daily average",
            vec![(SummaryType::Average, 3600), (SummaryType::Average, 86400)],
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), ["key".to_owned()], &summaries).await;
        let empty = length(dir.path());
        let mut numbers = Numbers(1);
        let points = (0..COUNT as i64).map(|n| point(START + n * 60, throughput(&mut numbers)));
        let time = bulk(&store, "key", points.collect()).await;
        println!(
            "integers in batches of 2000, {name}: {} points/s",
            rate(COUNT, time)
        );
        let started = Instant::now();
        let read = store.points("key", "series", ALWAYS, ALL).await.unwrap();
        println!(
            "  read at once: {} points/s",
            rate(read.len() as u64, started.elapsed())
        );
        for offset in [0, 500_000, 999_000] {
            let started = Instant::now();
            let page = Page {
                offset,
                limit: 1000,
            };
            store.points("key", "series", ALWAYS, page).await.unwrap();
            println!("  a page of 1000 at {offset}: {:?}", started.elapsed());
        }
        let started = Instant::now();
        store.verify().await.unwrap();
        println!("  verify: {:?}", started.elapsed());
        let started = Instant::now();
        store.usage(START + 1000).await.unwrap();
        println!("  usage: {:?}", started.elapsed());
        drop(store);
        println!(
            "  {:.2} bytes a point",
            (length(dir.path()) - empty) as f64 / COUNT as f64
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let mut connection = rusqlite::Connection::open(dir.path().join("rows.sqlite")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; \
             CREATE TABLE point (event_type INTEGER, ts INTEGER, value ANY NOT NULL, \
             PRIMARY KEY (event_type, ts)) STRICT, WITHOUT ROWID",
        )
        .unwrap();
    let mut numbers = Numbers(1);
    let rows: Vec<_> = (0..COUNT as i64)
        .map(|n| (START + n * 60, throughput(&mut numbers)))
        .collect();
    let started = Instant::now();
    for batch in rows.chunks(2000) {
        let transaction = connection.transaction().unwrap();
        {
            let mut statement = transaction
                .prepare_cached("INSERT INTO point VALUES (1, ?1, ?2)")
                .unwrap();
            for (ts, value) in batch {
                if let Value::Integer(value) = value {
                    statement.execute([ts, value]).unwrap();
                }
            }
        }
        transaction.commit().unwrap();
    }
    println!(
        "the same as rows through the library: {} rows/s",
        rate(COUNT, started.elapsed())
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn many_series_in_turns() {
    const SERIES: i64 = 1000;
    const EACH: i64 = 300;
    for (name, value) in [
        ("integers", throughput as fn(&mut Numbers) -> Value),
        ("ratios", |numbers: &mut Numbers| Value::Ratio {
            numerator: numbers.below(3),
            denominator: 600,
        }),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let keys = || (0..SERIES).map(|n| n.to_string());
        drop(open(dir.path(), keys(), &[]).await);
        let before = length(dir.path());
        let store = Arc::new(open(dir.path(), keys(), &[]).await);
        let started = Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let mut numbers = Numbers(task as u64);
                    for n in 0..EACH {
                        for series in (task..SERIES).step_by(64) {
                            let point = point(START + n * 60, value(&mut numbers));
                            store
                                .write(&series.to_string(), vec![point], 1 + n)
                                .await
                                .unwrap();
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let count = (SERIES * EACH) as u64;
        println!(
            "{name} of 1000 series in turns, one a request, 64 at a time: {} requests/s",
            rate(count, started.elapsed())
        );
        drop(store);
        println!(
            "  {:.2} bytes a point",
            (length(dir.path()) - before) as f64 / count as f64
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn single_points_of_64_writers() {
    let summaries = [(SummaryType::Average, 3600), (SummaryType::Average, 86400)];
    for (name, series) in [("one series", 1), ("64 series", 64)] {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(open(dir.path(), (0..64).map(|n| n.to_string()), &summaries).await);
        let started = Instant::now();
        let tasks: Vec<_> = (0..64_i64)
            .map(|task| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let mut numbers = Numbers(task as u64);
                    for n in 0..1000 {
                        let point = point(START + n * 64 + task, throughput(&mut numbers));
                        store
                            .write(&(task % series).to_string(), vec![point], 1 + n / 100)
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        println!(
            "single integers with two summaries, 64 writers, {name}: {} requests/s",
            rate(64_000, started.elapsed())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn histograms() {
    const COUNT: i64 = 50_000;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), ["key".to_owned()], &[]).await;
    let empty = length(dir.path());
    let mut numbers = Numbers(1);
    let points: Vec<_> = (0..COUNT)
        .map(|n| point(START + n * 60, histogram(&mut numbers)))
        .collect();
    let json: usize = points
        .iter()
        .map(|point| point.value.encode().len() - 1)
        .sum();
    let time = bulk(&store, "key", points).await;
    println!(
        "histograms in batches of 2000: {} points/s",
        rate(COUNT as u64, time)
    );
    let started = Instant::now();
    store.points("key", "series", ALWAYS, ALL).await.unwrap();
    println!(
        "  read at once: {} points/s",
        rate(COUNT as u64, started.elapsed())
    );
    drop(store);
    let bytes = length(dir.path()) - empty;
    println!(
        "  {:.1} bytes a point, {:.2} of their JSON",
        bytes as f64 / COUNT as f64,
        bytes as f64 / json as f64
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn a_day_of_histograms() {
    let summaries = [300, 3600, 86400].map(|window| (SummaryType::Statistics, window));
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), (0..20).map(|n| n.to_string()), &summaries).await;
    let mut numbers = Numbers(1);
    let day = START / 86400 * 86400;
    let mut times = HashMap::<i64, Duration>::new();
    for minute in 0..1440 {
        for key in 0..20 {
            let mut wide = Histogram::default();
            // Delays drift over the day: ever new buckets.
            if let Value::Histogram(one) = histogram(&mut numbers) {
                let drift = minute / 2;
                wide = Histogram::new(one.buckets().map(|(text, count)| {
                    let hundredths = (text.parse::<f64>().unwrap() * 100.0) as i64 + drift;
                    (
                        format!("{}.{:02}", hundredths / 100, hundredths % 100),
                        count,
                    )
                }));
            }
            let point = point(day + minute * 60, Value::Histogram(wide));
            let started = Instant::now();
            store
                .write(&key.to_string(), vec![point], minute)
                .await
                .unwrap();
            *times.entry(minute / 180).or_default() += started.elapsed();
        }
    }
    for part in 0..8 {
        println!(
            "histograms with three summaries, {:>2} h to {:>2} h of a day: {:?} each",
            part * 3,
            part * 3 + 3,
            times[&part] / 3600
        );
    }
    let buckets = store
        .buckets("0", "series", 86400, ALWAYS, ALL)
        .await
        .unwrap();
    println!(
        "  the bucket of the day: {} bytes",
        buckets[0].1.encode().len()
    );
}

/// Each post has buckets that no other has: the summary grows as fast as it can.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn posts_of_wide_disjoint_histograms() {
    const WIDE: i64 = 5000;
    let dir = tempfile::tempdir().unwrap();
    let summaries = [(SummaryType::Statistics, 86400)];
    let store = open(dir.path(), ["key".to_owned()], &summaries).await;
    let day = START / 86400 * 86400;
    let wide = |post: i64, part: i64| {
        let buckets = (0..WIDE).map(|n| (format!("{}.{part}", post * WIDE + n), 1));
        Value::Histogram(Histogram::new(buckets))
    };
    for ten in 0..10 {
        let mut times = Duration::ZERO;
        for post in ten * 10..ten * 10 + 10 {
            let point = point(day + post * 60, wide(post, 0));
            let started = Instant::now();
            store.write("key", vec![point], post).await.unwrap();
            times += started.elapsed();
        }
        let post = ten * 10;
        let started = Instant::now();
        let again = point(day + post * 60, wide(post, 1));
        store.write("key", vec![again], post).await.unwrap();
        let replaced = started.elapsed();
        let buckets = (ten + 1) * 10 * WIDE;
        println!(
            "{buckets:>6} buckets in the summary: {:?} for a post, {:?} for each thousand of these; \
             {replaced:?} to replace one",
            times / 10,
            times / 10 / (buckets / 1000) as u32,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures; see the head of this file"]
async fn moving_a_file_of_version_2() {
    const COUNT: i64 = 2_000_000;
    let dir = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v2/archive.sqlite.gz");
    let mut gz = flate2::read::GzDecoder::new(std::fs::File::open(from).unwrap());
    let mut file = std::fs::File::create(dir.path().join("archive.sqlite")).unwrap();
    std::io::copy(&mut gz, &mut file).unwrap();
    rusqlite::Connection::open(dir.path().join("archive.sqlite"))
        .unwrap()
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
             INSERT INTO point SELECT 1 + i % 4, 100 + i * 60, 9000000000 + i * 7919 % 900000 FROM n",
            [COUNT],
        )
        .unwrap();
    let before = length(dir.path());
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        peak.unwrap_or_default().to_owned()
    };
    println!(
        "a file of version 2 with {COUNT} points, {before} bytes; {}",
        memory()
    );
    let started = Instant::now();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    println!(
        "  brought up to date in {:?}; {}",
        started.elapsed(),
        memory()
    );
    let size = store.size().await.unwrap();
    println!("  {} bytes, {} of them free", size.bytes, size.free_bytes);
    while store.compact().await.unwrap() {}
    println!(
        "  {} bytes when these are given back",
        store.size().await.unwrap().bytes
    );
}
