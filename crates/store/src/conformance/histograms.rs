//! Checks: histograms, their summaries, and how these are corrected.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{Histogram, SummaryType};

use super::Backend;
use super::support::{NOW, buckets, create_with, histogram, point, points, store_all, stored};
use crate::{Bucket, NewPoint, Store, Value};

const RTT: &str = "histogram-rtt";
const AGGREGATION: SummaryType = SummaryType::Aggregation;
const STATISTICS: SummaryType = SummaryType::Statistics;

type Counts<'a> = &'a [(&'a str, i64)];

fn at(ts: i64, counts: Counts<'_>) -> NewPoint {
    point(RTT, ts, Value::Histogram(histogram(counts)))
}

/// The only bucket of a window.
async fn only(store: &impl Store, key: &str, window: i64) -> Histogram {
    let mut all = buckets(store, key, RTT, window).await;
    assert_eq!(all.len(), 1, "{all:?}");
    match all.remove(0) {
        (0, Bucket::Histogram(histogram)) => histogram,
        other => panic!("a histogram at 0, not {other:?}"),
    }
}

pub async fn counts_are_added_by_bucket(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300), (STATISTICS, 3600)]).await;
    let first = vec![at(0, &[("5", 1), ("3", 2)]), at(60, &[("3", 4), ("9", 1)])];
    store_all(&store, &key, first).await;
    store_all(
        &store,
        &key,
        vec![at(120, &[("4", 1)]), at(300, &[("5", 1)])],
    )
    .await;
    // Buckets keep the order in which they came.
    let five_minutes = histogram(&[("5", 1), ("3", 6), ("9", 1), ("4", 1)]);
    assert_eq!(
        buckets(&store, &key, RTT, 300).await,
        [
            (0, Bucket::Histogram(five_minutes)),
            (300, Bucket::Histogram(histogram(&[("5", 1)]))),
        ]
    );
    // DIFFERENCE: statistics cover their window also without an aggregation of it.
    let hour = histogram(&[("5", 2), ("3", 6), ("9", 1), ("4", 1)]);
    assert_eq!(only(&store, &key, 3600).await, hour);
}

// DIFFERENCE: the original counts it again.
pub async fn an_equal_histogram_changes_nothing_but_the_update_time(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let point = at(5, &[("1", 2), ("2", 0)]);
    store_all(&store, &key, vec![at(6, &[("2", 1)]), point.clone()]).await;
    let before = (
        points(&store, &key, RTT).await,
        buckets(&store, &key, RTT, 300).await,
    );
    let written = store.write(&key, vec![point.clone(), point], NOW + 9).await;
    assert_eq!(written.expect("it is written").conflicts, []);
    let after = (
        points(&store, &key, RTT).await,
        buckets(&store, &key, RTT, 300).await,
    );
    assert_eq!(after, before);
    let record = stored(&store, &key).await;
    let entry = record.event_type(RTT).expect("it is listed");
    assert_eq!(entry.time_updated, Some(NOW + 9));
}

// DIFFERENCE: the original counts both.
pub async fn a_replaced_histogram_is_corrected_in_every_window(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 300), (AGGREGATION, 86400), (STATISTICS, 60)];
    let key = create_with(&store, RTT, &summaries).await;
    let first = vec![at(0, &[("1", 1), ("2", 2)]), at(400, &[("1", 5)])];
    store_all(&store, &key, first).await;
    store_all(&store, &key, vec![at(0, &[("2", 1), ("3", 7)])]).await;
    let new = histogram(&[("2", 1), ("3", 7)]);
    assert_eq!(
        points(&store, &key, RTT).await[0],
        (0, Value::Histogram(new.clone()))
    );
    assert_eq!(
        buckets(&store, &key, RTT, 60).await[0],
        (0, Bucket::Histogram(new.clone()))
    );
    assert_eq!(
        buckets(&store, &key, RTT, 300).await[0],
        (0, Bucket::Histogram(new))
    );
    assert_eq!(
        only(&store, &key, 86400).await,
        histogram(&[("1", 5), ("2", 1), ("3", 7)])
    );
}

// DIFFERENCE: in the original the others of the window are lost.
pub async fn the_last_of_two_histograms_in_a_request_wins(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let request = vec![
        at(5, &[("1", 1)]),
        at(6, &[("1", 10)]),
        at(5, &[("2", 3), ("1", 1)]),
        at(5, &[("2", 2)]),
    ];
    store_all(&store, &key, request).await;
    let last = Value::Histogram(histogram(&[("2", 2)]));
    assert_eq!(points(&store, &key, RTT).await[0], (5, last));
    assert_eq!(
        only(&store, &key, 300).await,
        histogram(&[("1", 10), ("2", 2)])
    );
}

pub async fn a_bucket_without_counts_goes_with_its_histogram(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let first = vec![at(5, &[("1", 1), ("2", 3), ("3", 0)]), at(6, &[("1", 1)])];
    store_all(&store, &key, first).await;
    store_all(&store, &key, vec![at(5, &[("1", 1)])]).await;
    assert_eq!(only(&store, &key, 300).await, histogram(&[("1", 2)]));
}

pub async fn a_bucket_stays_while_another_histogram_lists_it(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let first = vec![at(5, &[("1", 1), ("2", 3)]), at(299, &[("2", 0)])];
    store_all(&store, &key, first).await;
    store_all(&store, &key, vec![at(5, &[("1", 1)])]).await;
    let listed = histogram(&[("1", 1), ("2", 0)]);
    assert_eq!(only(&store, &key, 300).await, listed);
    // It goes with the last that lists it; here both are in one request.
    let last = vec![
        at(5, &[("1", 2), ("2", 1)]),
        at(299, &[]),
        at(5, &[("1", 1)]),
    ];
    store_all(&store, &key, last).await;
    assert_eq!(only(&store, &key, 300).await, histogram(&[("1", 1)]));
}

pub async fn a_bucket_stays_while_the_new_histogram_lists_it(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    store_all(&store, &key, vec![at(5, &[("1", 1), ("2", 3)])]).await;
    store_all(&store, &key, vec![at(5, &[("2", 0), ("1", 1)])]).await;
    // The place is that of the first post.
    let sum = histogram(&[("1", 1), ("2", 0)]);
    assert_eq!(only(&store, &key, 300).await, sum);
}

pub async fn histograms_of_other_windows_keep_no_bucket(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let first = vec![
        at(-1, &[("2", 0)]),
        at(0, &[("1", 1), ("2", 3)]),
        at(300, &[("2", 0)]),
    ];
    store_all(&store, &key, first).await;
    store_all(&store, &key, vec![at(0, &[("1", 1)])]).await;
    let expected = [
        (-300, Bucket::Histogram(histogram(&[("2", 0)]))),
        (0, Bucket::Histogram(histogram(&[("1", 1)]))),
        (300, Bucket::Histogram(histogram(&[("2", 0)]))),
    ];
    assert_eq!(buckets(&store, &key, RTT, 300).await, expected);
}

pub async fn a_histogram_can_become_empty(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(STATISTICS, 300)]).await;
    store_all(&store, &key, vec![at(5, &[("1", 1)])]).await;
    store_all(&store, &key, vec![at(5, &[])]).await;
    assert_eq!(only(&store, &key, 300).await, histogram(&[]));
    store_all(&store, &key, vec![at(5, &[("7", 1)])]).await;
    assert_eq!(only(&store, &key, 300).await, histogram(&[("7", 1)]));
}

pub async fn bucket_texts_are_kept_as_sent(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, RTT, &[(AGGREGATION, 300)]).await;
    let odd: Counts<'_> = &[
        ("41", 1),
        ("41.0", 2),
        ("41.00", 3),
        ("", 4),
        ("a\"\\\u{0}ü", 5),
        (" 41", i64::MAX),
    ];
    store_all(&store, &key, vec![at(5, odd)]).await;
    assert_eq!(only(&store, &key, 300).await, histogram(odd));
    store_all(&store, &key, vec![at(6, &[("41.0", 1)])]).await;
    let mut sum = histogram(odd);
    sum.merge(&histogram(&[("41.0", 1)]));
    assert_eq!(only(&store, &key, 300).await, sum);
}
