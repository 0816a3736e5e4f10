//! However points are spread over requests, the same is stored; and every
//! summary is what its points say, however often these were replaced.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use esmond_ps_model::{Histogram, Summary, SummaryType, TimeRange};
use esmond_ps_store::{Bucket, NewPoint, NewRecord, Page, Store, Value, kinds};
use esmond_ps_store_sqlite::SqliteStore;
use proptest::prelude::*;
use tokio::runtime::Runtime;

const EVENT_TYPES: [&str; 6] = [
    "throughput",
    "ntp-offset",
    "packet-loss-rate",
    "histogram-rtt",
    "failures",
    "queue",
];
const WINDOWS: [i64; 3] = [3, 10, 86400];
const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};
const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

struct Shared {
    runtime: Runtime,
    store: SqliteStore,
    records: AtomicU32,
    _dir: tempfile::TempDir,
}

/// The same for all cases of a test, and gone at its end: a static of the process is
/// never dropped, and its directory would stay.
fn shared() -> Rc<Shared> {
    thread_local! {
        static SHARED: Rc<Shared> = Rc::new(Shared::open());
    }
    SHARED.with(Rc::clone)
}

impl Shared {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(SqliteStore::open(dir.path())).unwrap();
        Self {
            runtime,
            store,
            records: AtomicU32::new(0),
            _dir: dir,
        }
    }

    /// Stores the points in requests of these sizes; returns everything that
    /// the record holds then.
    async fn stored(&self, points: &[NewPoint], sizes: &[usize]) -> Everything {
        let number = self.records.fetch_add(1, Ordering::Relaxed);
        let key = format!("{number:032x}");
        let summaries = WINDOWS.map(|window| Summary {
            summary_type: SummaryType::Aggregation,
            window,
        });
        let record = NewRecord {
            subject_type: key.clone(),
            event_types: EVENT_TYPES
                .map(|name| (name.to_owned(), summaries.into()))
                .into(),
            ..NewRecord::default()
        };
        self.store.create(&key, &record).await.unwrap();

        let mut everything = Everything::default();
        let mut rest = points;
        for size in sizes.iter().copied().chain([usize::MAX]) {
            let (request, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            let outcome = self.store.write(&key, request.to_vec(), 1).await.unwrap();
            let conflicts = outcome.conflicts.into_iter();
            everything
                .conflicts
                .extend(conflicts.map(|conflict| (conflict.event_type, conflict.ts)));
        }
        for name in EVENT_TYPES {
            let points = self.store.points(&key, name, ALWAYS, ALL).await.unwrap();
            everything.points.push(points);
            for window in WINDOWS {
                let buckets = self.store.buckets(&key, name, window, ALWAYS, ALL).await;
                let buckets = buckets.unwrap();
                let starts = buckets.iter().map(|(start, _)| *start).collect();
                everything.buckets.insert((name, window), buckets);
                let anew = self.store.rebuild_buckets(&key, name, window, starts);
                anew.await.unwrap();
                let buckets = self.store.buckets(&key, name, window, ALWAYS, ALL).await;
                everything.rebuilt.insert((name, window), buckets.unwrap());
            }
        }
        everything
    }
}

#[derive(Debug, Default, PartialEq)]
struct Everything {
    conflicts: Vec<(String, i64)>,
    points: Vec<Vec<(i64, Value)>>,
    buckets: BTreeMap<(&'static str, i64), Vec<(i64, Bucket)>>,
    /// The buckets, made anew from the points.
    rebuilt: BTreeMap<(&'static str, i64), Vec<(i64, Bucket)>>,
}

/// Counts of a histogram by bucket, without their order.
fn counts(histogram: &Histogram) -> BTreeMap<String, i64> {
    let buckets = histogram.buckets();
    buckets.map(|(text, n)| (text.to_owned(), n)).collect()
}

/// What the buckets of a window must be, from the stored points.
fn assert_summed(window: i64, points: &[(i64, Value)], buckets: &[(i64, Bucket)]) {
    let mut windows: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
    for (ts, value) in points {
        if !matches!(value, Value::Document(_)) {
            let start = ts.div_euclid(window) * window;
            windows.entry(start).or_default().push(value);
        }
    }
    let starts: Vec<i64> = buckets.iter().map(|(start, _)| *start).collect();
    assert_eq!(starts, windows.keys().copied().collect::<Vec<_>>());
    for ((_, bucket), values) in buckets.iter().zip(windows.values()) {
        match bucket {
            Bucket::Integer { sum, count } => {
                let expected: i128 = values
                    .iter()
                    .map(|value| match value {
                        Value::Integer(value) => i128::from(*value),
                        other => panic!("{other:?}"),
                    })
                    .sum();
                assert_eq!((*sum, *count), (expected, values.len() as u64));
            }
            // Eighths: every order of adding them is exact.
            Bucket::Float {
                sum,
                compensation,
                count,
            } => {
                let expected: f64 = values
                    .iter()
                    .map(|value| match value {
                        Value::Float(value) => *value,
                        other => panic!("{other:?}"),
                    })
                    .sum();
                assert_eq!(
                    (sum + compensation, *count),
                    (expected, values.len() as u64)
                );
            }
            Bucket::Ratio {
                numerator,
                denominator,
            } => {
                let (mut n, mut d) = (0, 0);
                for value in values {
                    match value {
                        Value::Ratio {
                            numerator,
                            denominator,
                        } => {
                            n += i128::from(*numerator);
                            d += i128::from(*denominator);
                        }
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!((*numerator, *denominator), (n, d));
            }
            Bucket::Histogram(histogram) => {
                let mut expected: BTreeMap<String, i64> = BTreeMap::new();
                for value in values {
                    match value {
                        Value::Histogram(one) => {
                            for (text, n) in counts(one) {
                                *expected.entry(text).or_default() += n;
                            }
                        }
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(counts(histogram), expected);
            }
            Bucket::Custom { kind, state } => {
                let readings: Vec<f64> = values
                    .iter()
                    .map(|value| match value {
                        Value::Custom { value, .. } => value.as_f64().unwrap(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                let least = readings.iter().copied().fold(f64::INFINITY, f64::min);
                let greatest = readings.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                assert_eq!(kind, "gauge");
                assert_eq!(state["minimum"].as_f64(), Some(least));
                assert_eq!(state["maximum"].as_f64(), Some(greatest));
                assert_eq!(
                    state["sum"]["rounded"].as_f64(),
                    Some(readings.iter().sum())
                );
                assert_eq!(state["count"].as_u64(), Some(readings.len() as u64));
            }
            Bucket::Fixed(_) => panic!("no point makes {bucket:?}"),
        }
    }
}

fn point() -> impl Strategy<Value = NewPoint> {
    // Few times and few buckets, so that much meets.
    let histogram = prop::collection::vec(("[abc]", -1_i64..3), 0..4);
    let gauge = (-1000_i32..1000).prop_map(|n| {
        let kind = kinds::find("gauge").unwrap();
        kinds::value(kind, &(f64::from(n) / 8.0).into()).unwrap()
    });
    let value = prop_oneof![
        1 => any::<i64>().prop_map(Value::Integer),
        1 => (-1000_i32..1000).prop_map(|n| Value::Float(f64::from(n) / 8.0)),
        1 => (0..i64::MAX, 1..i64::MAX).prop_map(|(numerator, denominator)| Value::Ratio {
            numerator,
            denominator,
        }),
        3 => histogram.prop_map(|buckets| Value::Histogram(Histogram::new(buckets))),
        1 => "[0-9]{1,3}".prop_map(Value::Document),
        2 => gauge,
    ];
    (value, -8_i64..8).prop_map(|(value, ts)| {
        let event_type = match &value {
            Value::Integer(_) => 0,
            Value::Float(_) => 1,
            Value::Ratio { .. } => 2,
            Value::Histogram(_) => 3,
            Value::Document(_) => 4,
            Value::Custom { .. } => 5,
        };
        NewPoint {
            event_type: EVENT_TYPES[event_type].to_owned(),
            ts,
            value,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn requests_can_be_split_anywhere(
        points in prop::collection::vec(point(), 0..60),
        sizes in prop::collection::vec(0_usize..12, 0..8),
    ) {
        let shared = shared();
        let (whole, split) = shared.runtime.block_on(async {
            (
                shared.stored(&points, &[]).await,
                shared.stored(&points, &sizes).await,
            )
        });
        prop_assert_eq!(&whole, &split);
        for (name, stored) in EVENT_TYPES.iter().zip(&whole.points) {
            for window in WINDOWS {
                assert_summed(window, stored, &whole.buckets[&(*name, window)]);
                assert_summed(window, stored, &whole.rebuilt[&(*name, window)]);
            }
        }
    }
}
