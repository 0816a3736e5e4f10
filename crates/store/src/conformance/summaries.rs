//! Checks: summaries of numbers.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{SummaryType, TimeRange};
use serde_json::json;

use super::Backend;
use super::support::{
    ALL, buckets, create, create_with, integers, point, record, store_all, write,
};
use crate::view::{self, Source};
use crate::{Bucket, Page, Store, Value};

const AGGREGATION: SummaryType = SummaryType::Aggregation;
const AVERAGE: SummaryType = SummaryType::Average;

/// The widest window there is.
const WIDEST: i64 = i64::MAX;

const fn integer(sum: i128, count: u64) -> Bucket {
    Bucket::Integer { sum, count }
}

/// What readers see of all buckets of a window.
async fn views(
    store: &impl Store,
    key: &str,
    event_type: &str,
    summary_type: SummaryType,
    window: i64,
) -> Vec<(i64, serde_json::Value)> {
    buckets(store, key, event_type, window)
        .await
        .iter()
        .map(|(ts, bucket)| (*ts, view::summary(summary_type, Source::Bucket(bucket))))
        .collect()
}

pub async fn integers_are_summed_and_counted_by_window(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 300), (AVERAGE, 3600), (AGGREGATION, 0)];
    let key = create_with(&store, "throughput", &summaries).await;
    let points = integers(
        "throughput",
        &[(599, 1), (600, 2), (899, 4), (900, 8), (3600, -100)],
    );
    store_all(&store, &key, points).await;
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [
            (300, integer(1, 1)),
            (600, integer(6, 2)),
            (900, integer(8, 1)),
            (3600, integer(-100, 1)),
        ]
    );
    assert_eq!(
        buckets(&store, &key, "throughput", 3600).await,
        [(0, integer(15, 4)), (3600, integer(-100, 1))]
    );
    assert_eq!(
        views(&store, &key, "throughput", AVERAGE, 3600).await,
        [(0, json!(3.75)), (3600, json!(-100.0))]
    );
}

pub async fn all_summaries_of_a_window_share_a_bucket(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 300), (AVERAGE, 300)];
    let key = create_with(&store, "throughput", &summaries).await;
    store_all(&store, &key, integers("throughput", &[(1, 10), (2, 20)])).await;
    // Counted once, although two summaries are made of it.
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [(0, integer(30, 2))]
    );
}

pub async fn windows_are_aligned_to_the_epoch(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 300)]).await;
    let points = integers("throughput", &[(-301, 1), (-300, 2), (-1, 4), (0, 8)]);
    store_all(&store, &key, points).await;
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [
            (-600, integer(1, 1)),
            (-300, integer(6, 2)),
            (0, integer(8, 1)),
        ]
    );
}

pub async fn windows_at_the_edges_of_time_keep_their_points(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 300), (AGGREGATION, WIDEST)];
    let key = create_with(&store, "throughput", &summaries).await;
    let points = integers("throughput", &[(i64::MIN, 1), (i64::MAX, 2)]);
    store_all(&store, &key, points).await;
    let start = i64::MAX - i64::MAX.rem_euclid(300);
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [(i64::MIN, integer(1, 1)), (start, integer(2, 1))]
    );
    let widest = buckets(&store, &key, "throughput", WIDEST).await;
    assert_eq!(widest.len(), 2, "{widest:?}");
}

pub async fn sums_exceed_sixty_four_bits(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 3600), (AVERAGE, 3600)];
    let key = create_with(&store, "throughput", &summaries).await;
    let points: Vec<_> = (0..10).map(|ts| (ts, i64::MAX)).collect();
    store_all(&store, &key, integers("throughput", &points)).await;
    let low: Vec<_> = (3600..3603).map(|ts| (ts, i64::MIN)).collect();
    store_all(&store, &key, integers("throughput", &low)).await;
    assert_eq!(
        buckets(&store, &key, "throughput", 3600).await,
        [
            (0, integer(i128::from(i64::MAX) * 10, 10)),
            (3600, integer(i128::from(i64::MIN) * 3, 3)),
        ]
    );
    let sums = views(&store, &key, "throughput", AGGREGATION, 3600).await;
    assert_eq!(sums[0].1.to_string(), "92233720368547758070.0");
}

// DIFFERENCE: the original keeps four decimals.
pub async fn floats_are_summed_without_loss(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 3600), (AVERAGE, 3600)];
    let key = create_with(&store, "ntp-offset", &summaries).await;
    // Ten tenths are one, and a small number survives a large one.
    let tenths = (0..10).map(|ts| point("ntp-offset", ts, Value::Float(0.1)));
    let large = [1e16, 1.0, -1e16];
    let large = (3600..)
        .zip(large)
        .map(|(ts, value)| point("ntp-offset", ts, Value::Float(value)));
    for one in tenths.chain(large) {
        store_all(&store, &key, vec![one]).await;
    }
    assert_eq!(
        views(&store, &key, "ntp-offset", AGGREGATION, 3600).await,
        [(0, json!(1.0)), (3600, json!(1.0))]
    );
    assert_eq!(
        views(&store, &key, "ntp-offset", AVERAGE, 3600).await,
        [(0, json!(0.1)), (3600, json!(1.0 / 3.0))]
    );
}

pub async fn float_sums_do_not_depend_on_the_order(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "ntp-offset", &[(AGGREGATION, 1000)]).await;
    let value = |n: i64| (n as f64).sin() * 10_f64.powi(i32::try_from(n % 7).unwrap_or(0));
    let window = |start: i64, order: Vec<i64>| {
        let points = order.into_iter().map(move |n| (start + n, value(n)));
        points.map(|(ts, value)| point("ntp-offset", ts, Value::Float(value)))
    };
    // The same values in three windows: at once, reversed, and one by one.
    store_all(&store, &key, window(0, (0..100).collect()).collect()).await;
    store_all(
        &store,
        &key,
        window(1000, (0..100).rev().collect()).collect(),
    )
    .await;
    let shuffled = (0..100).map(|n| n * 37 % 100).collect();
    for one in window(2000, shuffled) {
        store_all(&store, &key, vec![one]).await;
    }
    let sums = views(&store, &key, "ntp-offset", AGGREGATION, 1000).await;
    assert_eq!(sums.len(), 3);
    assert!(sums.iter().all(|(_, sum)| *sum == sums[0].1), "{sums:?}");
}

pub async fn ratios_add_numerators_and_denominators(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "packet-loss-rate", &[(AGGREGATION, 300)]).await;
    let ratio = |ts, numerator, denominator| {
        let value = Value::Ratio {
            numerator,
            denominator,
        };
        point("packet-loss-rate", ts, value)
    };
    let points = vec![ratio(1, 1, 600), ratio(2, 5, 600), ratio(300, 1, 2)];
    store_all(&store, &key, points).await;
    store_all(&store, &key, vec![ratio(3, i64::MAX, i64::MAX)]).await;
    let largest = i128::from(i64::MAX);
    assert_eq!(
        buckets(&store, &key, "packet-loss-rate", 300).await,
        [
            (
                0,
                Bucket::Ratio {
                    numerator: largest + 6,
                    denominator: largest + 1200,
                }
            ),
            (
                300,
                Bucket::Ratio {
                    numerator: 1,
                    denominator: 2,
                }
            ),
        ]
    );
}

// DIFFERENCE: the original adds up two values of one request.
pub async fn conflicts_are_not_counted(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 300)]).await;
    let twice = integers("throughput", &[(1, 10), (1, 20)]);
    assert_eq!(write(&store, &key, twice).await.conflicts.len(), 1);
    let again = integers("throughput", &[(1, 40), (2, 80), (400, 1)]);
    assert_eq!(write(&store, &key, again).await.conflicts.len(), 1);
    let repeated = integers("throughput", &[(1, 40), (2, 80), (400, 1)]);
    assert_eq!(write(&store, &key, repeated).await.conflicts.len(), 3);
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [(0, integer(90, 2)), (300, integer(1, 1))]
    );
}

pub async fn later_requests_add_to_the_bucket(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AVERAGE, 86400)]).await;
    for ts in 0..20 {
        store_all(&store, &key, integers("throughput", &[(ts * 60, ts)])).await;
    }
    assert_eq!(
        buckets(&store, &key, "throughput", 86400).await,
        [(0, integer(190, 20))]
    );
}

pub async fn records_do_not_share_buckets(backend: &impl Backend) {
    let store = backend.open().await;
    let types: &[(SummaryType, i64)] = &[(AGGREGATION, 300)];
    let list = [("throughput", types), ("packet-count-sent", types)];
    let first = create(&store, 1, &record("a", &list)).await;
    let second = create(&store, 2, &record("b", &list)).await;
    store_all(&store, &first, integers("throughput", &[(1, 1)])).await;
    store_all(&store, &first, integers("packet-count-sent", &[(1, 2)])).await;
    store_all(&store, &second, integers("throughput", &[(1, 4)])).await;
    for (key, event_type, sum) in [
        (&first, "throughput", 1),
        (&first, "packet-count-sent", 2),
        (&second, "throughput", 4),
    ] {
        assert_eq!(
            buckets(&store, key, event_type, 300).await,
            [(0, integer(sum, 1))]
        );
    }
    let none = buckets(&store, &second, "packet-count-sent", 300).await;
    assert_eq!(none, []);
}

pub async fn only_listed_windows_have_buckets(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 300), (AGGREGATION, 0)];
    let key = create_with(&store, "throughput", &summaries).await;
    store_all(&store, &key, integers("throughput", &[(1, 1)])).await;
    for window in [60, 3600, -300] {
        let none = buckets(&store, &key, "throughput", window).await;
        assert_eq!(none, [], "{window}");
    }
}

pub async fn buckets_are_selected_by_their_start(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 10)]).await;
    let points: Vec<(i64, i64)> = (0..60).map(|ts| (ts, 1)).collect();
    store_all(&store, &key, integers("throughput", &points)).await;
    let starts = async |begin, end, offset, limit| {
        let range = TimeRange { begin, end };
        let page = Page { offset, limit };
        let read = store.buckets(&key, "throughput", 10, range, page).await;
        let read = read.expect("it is read");
        read.into_iter().map(|(ts, _)| ts).collect::<Vec<_>>()
    };
    assert_eq!(starts(10, Some(30), 0, 99).await, [10, 20, 30]);
    assert_eq!(starts(11, Some(29), 0, 99).await, [20]);
    assert_eq!(starts(31, None, 0, 99).await, [40, 50]);
    assert_eq!(starts(0, None, 1, 2).await, [10, 20]);
    assert_eq!(starts(0, None, 5, 2).await, [50]);
    assert_eq!(starts(0, None, 9, ALL.limit).await, [0; 0]);
}
