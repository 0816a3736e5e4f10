//! Stores, files, and what the tests are written with.

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use esmond_ps_exchange::{
    Export, Import, ImportError, Limits, Report, Result, Verified, export, import, verify,
};
use esmond_ps_model::{Histogram, Summary, SummaryType, TimeRange};
use esmond_ps_store::{Bucket, NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tempfile::TempDir;

pub(crate) use SummaryType::{Aggregation, Average, Statistics};

pub(crate) const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};

pub(crate) const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

/// A store that goes with its directory.
pub(crate) struct Archive {
    pub(crate) store: SqliteStore,
    _dir: TempDir,
}

impl Archive {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: SqliteStore::open(dir.path()).await.unwrap(),
            _dir: dir,
        }
    }

    /// An archive that holds what is in a file.
    pub(crate) async fn of(file: &[u8]) -> Self {
        let archive = Self::new().await;
        let report = archive.import(file).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
        archive
    }

    pub(crate) async fn create(&self, number: u32, record: &NewRecord) -> String {
        let key = key(number);
        let (created, _) = self.store.create(&key, record).await.unwrap();
        created.key
    }

    pub(crate) async fn write(&self, key: &str, event_type: &str, points: &[(i64, Value)]) {
        let points = points.iter().map(|(ts, value)| NewPoint {
            event_type: event_type.to_owned(),
            ts: *ts,
            value: value.clone(),
        });
        let written = self.store.write(key, points.collect(), 1_400_000_000).await;
        written.unwrap();
    }

    pub(crate) async fn prune(&self, key: &str, event_type: &str, until: i64) {
        let removed = self.store.remove_points(key, event_type, until, u64::MAX);
        removed.await.unwrap();
    }

    pub(crate) async fn export(&self) -> Vec<u8> {
        self.export_some(Search::default()).await
    }

    pub(crate) async fn export_some(&self, search: Search) -> Vec<u8> {
        let what = Export {
            search,
            ..Export::everything("esmond-ps-archive 0.1.0", 1_400_000_000)
        };
        let mut file = Vec::new();
        let written = export(&self.store, &what, &mut file, |_| {}, pending()).await;
        let verified = check(&file).await.unwrap();
        assert_eq!(verified.totals, written.unwrap());
        file
    }

    pub(crate) async fn import(&self, file: &[u8]) -> std::result::Result<Report, ImportError> {
        import(&self.store, file, &Import::default(), |_| {}, pending()).await
    }

    /// Everything that is stored, a line each. Debug tells -0.0 from 0.0.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let records = self.store.search(&Search::default(), None, ALL).await;
        for record in records.unwrap() {
            lines.push(format!("{record:?}"));
            for entry in &record.event_types {
                for line in self.points(&record.key, &entry.name).await {
                    lines.push(format!("{} {line:?}", entry.name));
                }
                let windows = entry.summaries.iter().map(|summary| summary.window);
                for window in windows.filter(|window| *window > 0) {
                    for line in self.buckets(&record.key, &entry.name, window).await {
                        lines.push(format!("{} {window} {line:?}", entry.name));
                    }
                }
            }
        }
        lines
    }

    pub(crate) async fn points(&self, key: &str, event_type: &str) -> Vec<(i64, Value)> {
        let points = self.store.points(key, event_type, ALWAYS, ALL).await;
        points.unwrap()
    }

    pub(crate) async fn buckets(
        &self,
        key: &str,
        event_type: &str,
        window: i64,
    ) -> Vec<(i64, Bucket)> {
        let buckets = self.store.buckets(key, event_type, window, ALWAYS, ALL);
        buckets.await.unwrap()
    }
}

pub(crate) async fn check(file: &[u8]) -> Result<Verified> {
    verify(file, Limits::default(), |_| {}, pending()).await
}

pub(crate) fn key(number: u32) -> String {
    format!("{number:032x}")
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) type Summaries<'a> = &'a [(SummaryType, i64)];

/// A record of tests from a source, with these event types.
pub(crate) fn record(source: &str, event_types: &[(&str, Summaries<'_>)]) -> NewRecord {
    let event_types = event_types.iter().map(|(name, summaries)| {
        let summaries = summaries.iter().map(|(summary_type, window)| Summary {
            summary_type: *summary_type,
            window: *window,
        });
        ((*name).to_owned(), summaries.collect())
    });
    NewRecord {
        subject_type: "point-to-point".to_owned(),
        subject: texts(&[("source", source), ("destination", "10.0.0.2")]),
        parameters: texts(&[("time-duration", "30")]),
        event_types: event_types.collect(),
    }
}

pub(crate) fn integers(points: impl IntoIterator<Item = (i64, i64)>) -> Vec<(i64, Value)> {
    points
        .into_iter()
        .map(|(ts, value)| (ts, Value::Integer(value)))
        .collect()
}

pub(crate) fn ratio(numerator: i64, denominator: i64) -> Value {
    Value::Ratio {
        numerator,
        denominator,
    }
}

pub(crate) fn counts(buckets: &[(&str, i64)]) -> Value {
    let buckets = buckets.iter();
    Value::Histogram(Histogram::new(
        buckets.map(|(text, count)| ((*text).to_owned(), *count)),
    ))
}

pub(crate) fn document(text: &str) -> Value {
    Value::Document(text.to_owned())
}

pub(crate) fn sum(sum: i128, count: u64) -> Bucket {
    Bucket::Integer { sum, count }
}

pub(crate) fn compress(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn decompress(file: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// Completes when the flag is up.
pub(crate) async fn raised(flag: &AtomicBool) {
    poll_fn(|_| {
        if flag.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// An archive with every kind of value and of bucket, also a removed one.
pub(crate) async fn varied() -> Archive {
    let archive = Archive::new().await;
    let numeric: Summaries<'_> = &[(Aggregation, 60), (Average, 0), (Average, 60)];
    let record = record(
        "10.0.0.1",
        &[
            ("failures", &[]),
            ("histogram-rtt", &[(Aggregation, 60), (Statistics, 0)]),
            ("packet-loss-rate", &[(Aggregation, 60)]),
            ("throughput", numeric),
            ("time-error-estimates", &[(Aggregation, 60)]),
        ],
    );
    let key = archive.create(1, &record).await;
    let throughput = integers([
        (10, 9_007_199_254_740_993),
        (20, -1),
        (65, i64::MAX),
        (130, 1),
    ]);
    archive.write(&key, "throughput", &throughput).await;
    archive.prune(&key, "throughput", 15).await;
    for (event_type, points) in [
        (
            "failures",
            vec![
                (1, document(r#"{"error":"no route to \"host\""}"#)),
                (2, document("cut {")),
            ],
        ),
        (
            "histogram-rtt",
            vec![(1, counts(&[("41.00", 2), ("41.0", 1)])), (61, counts(&[]))],
        ),
        (
            "packet-loss-rate",
            vec![(-1, ratio(0, 600)), (0, ratio(1, 3))],
        ),
        (
            "time-error-estimates",
            vec![
                (0, Value::Float(-0.0)),
                (1, Value::Float(0.1)),
                (90, Value::Float(5e-324)),
            ],
        ),
    ] {
        archive.write(&key, event_type, &points).await;
    }
    let number = serde_json::from_str("12345678901234567890.10").unwrap();
    let fixed = vec![(180, Bucket::Fixed([(Average, number)].into()))];
    let restored = archive.store.restore_buckets(&key, "throughput", 60, fixed);
    restored.await.unwrap();
    let empty = NewRecord {
        subject_type: "networkelement".to_owned(),
        ..NewRecord::default()
    };
    archive.create(2, &empty).await;
    archive
}
