//! Checks: counting and removing what is old.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{SummaryType, TimeRange};

use super::Backend;
use super::support::{
    ALWAYS, buckets, create_with, found, integers, key, point, points, store_all, stored, write,
};
use crate::search::SubjectSearch;
use crate::{Bucket, Error, Search, Store, Value};

const EVENT_TYPE: &str = "throughput";
const AGGREGATION: SummaryType = SummaryType::Aggregation;

const fn range(begin: i64, end: i64) -> TimeRange {
    TimeRange {
        begin,
        end: Some(end),
    }
}

/// A record with ten points of one second each, in summaries of 4 seconds.
async fn ten(store: &impl Store) -> String {
    let key = create_with(store, EVENT_TYPE, &[(AGGREGATION, 4)]).await;
    let ten: Vec<(i64, i64)> = (0..10).map(|ts| (ts, 1)).collect();
    store_all(store, &key, integers(EVENT_TYPE, &ten)).await;
    key
}

async fn remove_points(store: &impl Store, key: &str, until: i64, limit: u64) -> u64 {
    let removed = store.remove_points(key, EVENT_TYPE, until, limit).await;
    removed.expect("points are removed")
}

async fn times(store: &impl Store, key: &str) -> Vec<i64> {
    let points = points(store, key, EVENT_TYPE).await;
    points.into_iter().map(|(ts, _)| ts).collect()
}

async fn horizon(store: &impl Store, key: &str) -> Option<i64> {
    let record = stored(store, key).await;
    record
        .event_type(EVENT_TYPE)
        .expect("it is listed")
        .removed_until
}

pub async fn the_oldest_points_go_first_and_not_more_than_asked(backend: &impl Backend) {
    let store = backend.open().await;
    let key = ten(&store).await;
    assert_eq!(remove_points(&store, &key, 5, 4).await, 4);
    assert_eq!(times(&store, &key).await, [4, 5, 6, 7, 8, 9]);
    // Fewer than the limit: none is left.
    assert_eq!(remove_points(&store, &key, 5, 4).await, 2);
    assert_eq!(times(&store, &key).await, [6, 7, 8, 9]);
    assert_eq!(remove_points(&store, &key, 5, 4).await, 0);
    assert_eq!(remove_points(&store, &key, 9, 0).await, 0);
    assert_eq!(times(&store, &key).await, [6, 7, 8, 9]);
    assert_eq!(remove_points(&store, &key, i64::MAX, u64::MAX).await, 4);
    assert!(times(&store, &key).await.is_empty());
}

pub async fn summaries_outlive_their_points(backend: &impl Backend) {
    let store = backend.open().await;
    let key = ten(&store).await;
    let before = buckets(&store, &key, EVENT_TYPE, 4).await;
    assert_eq!(before.len(), 3);
    remove_points(&store, &key, 9, 100).await;
    assert_eq!(buckets(&store, &key, EVENT_TYPE, 4).await, before);
    // A point of a removed time is new, and counts.
    store_all(&store, &key, integers(EVENT_TYPE, &[(1, 7)])).await;
    assert_eq!(
        buckets(&store, &key, EVENT_TYPE, 4).await[0],
        (0, Bucket::Integer { sum: 11, count: 5 })
    );
}

pub async fn a_summary_that_was_removed_begins_again_with_all_points_that_are_there(
    backend: &impl Backend,
) {
    let store = backend.open().await;
    let key = ten(&store).await;
    let removed = store.remove_buckets(&key, EVENT_TYPE, 4, 11, 100).await;
    assert_eq!(removed.expect("buckets are removed"), 3);
    store_all(&store, &key, integers(EVENT_TYPE, &[(10, 7), (11, 20)])).await;
    assert_eq!(
        buckets(&store, &key, EVENT_TYPE, 4).await,
        [(8, Bucket::Integer { sum: 29, count: 4 })]
    );
}

pub async fn the_horizon_is_where_points_were_removed(backend: &impl Backend) {
    let store = backend.open().await;
    let key = ten(&store).await;
    let updated = stored(&store, &key).await.event_types[0].time_updated;
    assert_eq!(horizon(&store, &key).await, None);
    // Nothing was there to be removed.
    remove_points(&store, &key, -1, 100).await;
    assert_eq!(horizon(&store, &key).await, None);
    // A step on the way to 5 says 5 already.
    remove_points(&store, &key, 5, 1).await;
    assert_eq!(horizon(&store, &key).await, Some(5));
    remove_points(&store, &key, 3, 100).await;
    assert_eq!(horizon(&store, &key).await, Some(5));
    remove_points(&store, &key, 8, 100).await;
    drop(store);
    let store = backend.open().await;
    assert_eq!(horizon(&store, &key).await, Some(8));
    assert_eq!(
        stored(&store, &key).await.event_types[0].time_updated,
        updated
    );
}

pub async fn the_oldest_buckets_go_first_and_not_more_than_asked(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 2), (AGGREGATION, 4)];
    let key = create_with(&store, EVENT_TYPE, &summaries).await;
    let ten: Vec<(i64, i64)> = (0..10).map(|ts| (ts, 1)).collect();
    store_all(&store, &key, integers(EVENT_TYPE, &ten)).await;
    let remove = async |window, until, limit| {
        let removed = store.remove_buckets(&key, EVENT_TYPE, window, until, limit);
        removed.await.expect("buckets are removed")
    };
    let starts = async |window| -> Vec<i64> {
        let buckets = buckets(&store, &key, EVENT_TYPE, window).await;
        buckets.into_iter().map(|(start, _)| start).collect()
    };
    assert_eq!(remove(2, 6, 3).await, 3);
    assert_eq!(starts(2).await, [6, 8]);
    assert_eq!(remove(2, 6, 3).await, 1);
    assert_eq!(remove(2, 7, 3).await, 0);
    assert_eq!(remove(3, 100, 3).await, 0);
    assert_eq!(starts(2).await, [8]);
    assert_eq!(starts(4).await, [0, 4, 8]);
    assert_eq!(times(&store, &key).await.len(), 10);
    assert_eq!(horizon(&store, &key).await, None);
}

pub async fn a_removed_bucket_starts_again(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "histogram-rtt", &[(AGGREGATION, 60)]).await;
    let counts = |ts, count| {
        let histogram = super::support::histogram(&[("a", count)]);
        vec![point("histogram-rtt", ts, Value::Histogram(histogram))]
    };
    store_all(&store, &key, counts(1, 5)).await;
    let removed = store.remove_buckets(&key, "histogram-rtt", 60, 0, 9).await;
    assert_eq!(removed.expect("it is removed"), 1);
    // What corrects a point has nothing to correct in the summary.
    store_all(&store, &key, counts(1, 6)).await;
    assert_eq!(buckets(&store, &key, "histogram-rtt", 60).await, []);
    // All points that are there count, so that they can be corrected.
    for (point, sum) in [(counts(2, 7), 13), (counts(1, 1), 8)] {
        store_all(&store, &key, point).await;
        let again = Bucket::Histogram(super::support::histogram(&[("a", sum)]));
        assert_eq!(
            buckets(&store, &key, "histogram-rtt", 60).await,
            [(0, again)]
        );
    }
}

pub async fn what_is_removed_is_counted_before(backend: &impl Backend) {
    let store = backend.open().await;
    let key = ten(&store).await;
    let points = async |range| {
        let count = store.count_points(&key, EVENT_TYPE, range).await;
        count.expect("points are counted")
    };
    let buckets = async |window, range| {
        let count = store.count_buckets(&key, EVENT_TYPE, window, range).await;
        count.expect("buckets are counted")
    };
    assert_eq!(points(ALWAYS).await, 10);
    assert_eq!(points(range(i64::MIN, 5)).await, 6);
    assert_eq!(points(range(3, 3)).await, 1);
    assert_eq!(points(range(4, 3)).await, 0);
    assert_eq!(buckets(4, ALWAYS).await, 3);
    assert_eq!(buckets(4, range(i64::MIN, 7)).await, 2);
    assert_eq!(buckets(5, ALWAYS).await, 0);
    assert_eq!(remove_points(&store, &key, 5, 100).await, 6);
    assert_eq!(points(ALWAYS).await, 4);
}

pub async fn what_is_not_there_is_not_removed(backend: &impl Backend) {
    let store = backend.open().await;
    let known = ten(&store).await;
    let unknown = key(9);
    for (key, event_type) in [(&unknown, EVENT_TYPE), (&known, "failures")] {
        let removed = store.remove_points(key, event_type, 9, 9).await;
        assert_eq!(removed.expect("nothing fails"), 0);
        let removed = store.remove_buckets(key, event_type, 4, 9, 9).await;
        assert_eq!(removed.expect("nothing fails"), 0);
        let count = store.count_points(key, event_type, ALWAYS).await;
        assert_eq!(count.expect("nothing fails"), 0);
        let count = store.count_buckets(key, event_type, 4, ALWAYS).await;
        assert_eq!(count.expect("nothing fails"), 0);
    }
    assert!(!store.remove_record(&unknown).await.expect("nothing fails"));
    assert_eq!(times(&store, &known).await.len(), 10);
}

pub async fn a_record_goes_when_it_holds_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    let key = ten(&store).await;
    let refuse = async || {
        let refused = store.remove_record(&key).await;
        assert!(
            matches!(&refused, Err(Error::HoldsData(held)) if *held == key),
            "{refused:?}"
        );
    };
    refuse().await;
    remove_points(&store, &key, 9, 100).await;
    refuse().await;
    let removed = store.remove_buckets(&key, EVENT_TYPE, 4, 9, 100).await;
    assert_eq!(removed.expect("buckets are removed"), 3);
    assert!(store.remove_record(&key).await.expect("it is removed"));
    assert!(!store.remove_record(&key).await.expect("it is gone"));
    assert_eq!(store.record(&key).await.expect("it is looked up"), None);
    assert_eq!(found(&store, &Search::default()).await, [""; 0]);
    let by_subject = Search {
        subject: vec![SubjectSearch {
            fields: vec!["source".to_owned()],
            values: vec!["10.0.0.1".to_owned()],
        }],
        ..Search::default()
    };
    assert_eq!(found(&store, &by_subject).await, [""; 0]);
    let late = store.write(&key, integers(EVENT_TYPE, &[(1, 1)]), 1).await;
    assert!(super::support::is_unknown_record(&late, &key), "{late:?}");
    // Its identity is free, and nothing of it comes back.
    let key = ten(&store).await;
    assert_eq!(horizon(&store, &key).await, None);
    assert_eq!(buckets(&store, &key, EVENT_TYPE, 4).await.len(), 3);
}

pub async fn points_can_be_removed_while_others_are_written(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, EVENT_TYPE, &[(AGGREGATION, 1000)]).await;
    let removing = async {
        for _ in 0..20 {
            remove_points(&store, &key, 499, 7).await;
        }
    };
    let writing = async {
        for ts in 0..100 {
            let points = integers(EVENT_TYPE, &[(ts * 10, 1)]);
            assert_eq!(write(&store, &key, points).await.conflicts, []);
        }
    };
    let both: [std::pin::Pin<Box<dyn Future<Output = ()> + Send>>; 2] =
        [Box::pin(removing), Box::pin(writing)];
    super::support::together(both).await;
    while remove_points(&store, &key, 499, 7).await > 0 {}
    let left: Vec<i64> = (50..100).map(|n| n * 10).collect();
    assert_eq!(times(&store, &key).await, left);
    let all = Bucket::Integer {
        sum: 100,
        count: 100,
    };
    assert_eq!(buckets(&store, &key, EVENT_TYPE, 1000).await, [(0, all)]);
}
