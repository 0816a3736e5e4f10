//! Checks: data types that are code, and values that do not fit together.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::SummaryType;
use serde_json::{Value as Json, json};

use super::Backend;
use super::support::{
    NOW, buckets, conflict, create, create_with, histogram, integers, point, points, record,
    store_all, write,
};
use crate::view::{self, Source};
use crate::{Bucket, Error, NewPoint, Store, Value, kinds};

const AGGREGATION: SummaryType = SummaryType::Aggregation;
const AVERAGE: SummaryType = SummaryType::Average;
const STATISTICS: SummaryType = SummaryType::Statistics;

/// The event type of the checks.
const QUEUE: &str = "queue";

fn reading(value: f64) -> Value {
    let gauge = kinds::find("gauge").expect("it is registered");
    kinds::value(gauge, &Json::from(value)).expect("it is a reading")
}

fn readings(values: &[(i64, f64)]) -> Vec<NewPoint> {
    let values = values.iter();
    values
        .map(|(ts, value)| point(QUEUE, *ts, reading(*value)))
        .collect()
}

/// What readers see of all buckets of a window.
async fn views(
    store: &impl Store,
    key: &str,
    summary_type: SummaryType,
    window: i64,
) -> Vec<(i64, Json)> {
    let buckets = buckets(store, key, QUEUE, window).await;
    let views = buckets
        .iter()
        .map(|(ts, bucket)| (*ts, view::summary(summary_type, Source::Bucket(bucket))));
    views.collect()
}

fn statistics(minimum: f64, maximum: f64, mean: f64, count: u64) -> Json {
    json!({"minimum": minimum, "maximum": maximum, "mean": mean, "count": count})
}

fn is_misfit<T>(result: &crate::Result<T>, name: &str, time: i64) -> bool {
    matches!(result, Err(Error::Misfit { event_type, ts }) if event_type == name && *ts == time)
}

pub async fn values_of_a_kind_are_kept_and_summarised(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AVERAGE, 60), (STATISTICS, 60), (AGGREGATION, 3600)];
    let key = create_with(&store, QUEUE, &summaries).await;
    let first = readings(&[(0, 4.0), (59, -1.0), (60, 0.1)]);
    store_all(&store, &key, first).await;
    store_all(&store, &key, readings(&[(30, 3.0)])).await;
    drop(store);
    let store = backend.open().await;
    let kept = [(0, 4.0), (30, 3.0), (59, -1.0), (60, 0.1)];
    assert_eq!(
        points(&store, &key, QUEUE).await,
        kept.map(|(ts, value)| (ts, reading(value)))
    );
    assert_eq!(
        views(&store, &key, STATISTICS, 60).await,
        [
            (0, statistics(-1.0, 4.0, 2.0, 3)),
            (60, statistics(0.1, 0.1, 0.1, 1)),
        ]
    );
    assert_eq!(
        views(&store, &key, AVERAGE, 60).await,
        [(0, json!(2.0)), (60, json!(0.1))]
    );
    assert_eq!(
        views(&store, &key, AGGREGATION, 3600).await,
        [(0, json!(6.1))]
    );
}

pub async fn neither_order_nor_requests_show(backend: &impl Backend) {
    let store = backend.open().await;
    let values = [
        (0, 0.1),
        (1, 1e9),
        (2, -0.3),
        (3, 7.0),
        (61, 1e-9),
        (62, -1e9),
        (3, 8.0),
    ];
    // Whatever comes when, the 8.0 replaces the 7.0.
    let mut turned = values;
    turned.swap(0, 5);
    turned.swap(1, 4);
    let mut seen = Vec::new();
    for (number, (values, size)) in [(values, 7), (values, 1), (turned, 7), (turned, 2)]
        .into_iter()
        .enumerate()
    {
        let source = format!("10.0.1.{number}");
        let record = record(&source, &[(QUEUE, &[(STATISTICS, 60), (AGGREGATION, 100)])]);
        let key = create(&store, 10 + number as u32, &record).await;
        for request in values.chunks(size) {
            store_all(&store, &key, readings(request)).await;
        }
        let statistics = views(&store, &key, STATISTICS, 60).await;
        seen.push((statistics, views(&store, &key, AGGREGATION, 100).await));
    }
    for other in &seen[1..] {
        assert_eq!(*other, seen[0]);
    }
    assert_eq!(seen[0].0[0].1["count"], json!(4));
}

pub async fn a_replaced_value_is_corrected_in_every_window(backend: &impl Backend) {
    // DIFFERENCE: the original has no data types with summaries of their own.
    let store = backend.open().await;
    let summaries = [(STATISTICS, 60), (STATISTICS, 3600)];
    let key = create_with(&store, QUEUE, &summaries).await;
    store_all(&store, &key, readings(&[(0, 1.0), (1, 5.0), (60, 9.0)])).await;
    // Together with a new one in the same windows.
    store_all(&store, &key, readings(&[(2, 6.0), (0, 7.0), (3, 6.0)])).await;
    let first = &views(&store, &key, STATISTICS, 60).await[0];
    assert_eq!(*first, (0, statistics(5.0, 7.0, 6.0, 4)));
    assert_eq!(
        views(&store, &key, STATISTICS, 3600).await,
        [(0, statistics(5.0, 9.0, 6.6, 5))]
    );
    assert_eq!(points(&store, &key, QUEUE).await[0], (0, reading(7.0)));
}

pub async fn the_last_of_two_values_in_a_request_wins(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(STATISTICS, 60)]).await;
    let request = readings(&[(0, 1.0), (0, 3.0), (1, 4.0), (0, 2.0)]);
    store_all(&store, &key, request).await;
    assert_eq!(
        views(&store, &key, STATISTICS, 60).await,
        [(0, statistics(2.0, 4.0, 3.0, 2))]
    );
}

pub async fn a_value_is_not_replaced_where_others_were_removed(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(STATISTICS, 60)]).await;
    let values = [(0, 1.0), (10, 5.0), (60, 3.0)];
    store_all(&store, &key, readings(&values)).await;
    let removed = store.remove_points(&key, QUEUE, 5, 10).await;
    assert_eq!(removed.expect("it is removed"), 1);
    // An equal one is as good as stored; one in a whole window is replaced.
    let request = readings(&[(10, 6.0), (60, 4.0)]);
    let written = write(&store, &key, request).await;
    assert_eq!(written.conflicts, [conflict(QUEUE, 10)]);
    store_all(&store, &key, readings(&[(10, 5.0)])).await;
    let kept = [(10, reading(5.0)), (60, reading(4.0))];
    assert_eq!(points(&store, &key, QUEUE).await, kept);
    assert_eq!(
        views(&store, &key, STATISTICS, 60).await,
        [
            (0, statistics(1.0, 5.0, 3.0, 2)),
            (60, statistics(4.0, 4.0, 4.0, 1)),
        ]
    );
}

pub async fn a_replaced_value_starts_no_bucket_and_changes_no_fixed_one(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(AVERAGE, 60)]).await;
    let fixed = Bucket::Fixed([(AVERAGE, json!(2.5))].into());
    let copy = store.restore_buckets(&key, QUEUE, 60, vec![(0, fixed.clone())]);
    copy.await.expect("the bucket is copied");
    store_all(&store, &key, readings(&[(0, 1.0), (60, 1.0)])).await;
    let removed = store.remove_buckets(&key, QUEUE, 60, 60, 10).await;
    assert_eq!(removed.expect("they are removed"), 2);
    let copy = store.restore_buckets(&key, QUEUE, 60, vec![(0, fixed.clone())]);
    copy.await.expect("the bucket is copied");
    store_all(&store, &key, readings(&[(0, 2.0), (60, 2.0)])).await;
    assert_eq!(buckets(&store, &key, QUEUE, 60).await, [(0, fixed)]);
}

pub async fn what_another_build_stored_stays_as_it_is(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(AVERAGE, 60)]).await;
    let value = Value::Custom {
        kind: "of-another-build".into(),
        value: json!({"a": [1, "b"]}),
    };
    let bucket = Bucket::Custom {
        kind: "of-another-build".into(),
        state: json!([7]),
    };
    let copies = vec![(5, value.clone())];
    let copied = store.restore_points(&key, QUEUE, copies).await;
    assert_eq!(copied.expect("the point is copied").conflicts, []);
    let copy = store.restore_buckets(&key, QUEUE, 60, vec![(0, bucket.clone())]);
    copy.await.expect("the bucket is copied");
    drop(store);
    let store = backend.open().await;
    let seen = points(&store, &key, QUEUE).await;
    assert_eq!(seen, [(5, value.clone())]);
    assert_eq!(view::base(&seen[0].1), json!({"a": [1, "b"]}));
    assert_eq!(views(&store, &key, AVERAGE, 60).await, [(0, Json::Null)]);

    let written = store.write(&key, readings(&[(6, 1.0)]), NOW).await;
    assert!(is_misfit(&written, QUEUE, 6), "{written:?}");
    let request = vec![point(QUEUE, 60, value.clone())];
    let written = store.write(&key, request, NOW).await;
    assert!(is_misfit(&written, QUEUE, 60), "{written:?}");
    let rebuilt = store.rebuild_buckets(&key, QUEUE, 60, vec![0]).await;
    assert!(is_misfit(&rebuilt, QUEUE, 5), "{rebuilt:?}");
    assert_eq!(points(&store, &key, QUEUE).await, [(5, value)]);
    assert_eq!(buckets(&store, &key, QUEUE, 60).await, [(0, bucket)]);
    let problems = store.verify().await.expect("the store is looked at");
    assert_eq!(problems, [""; 0]);
}

pub async fn a_value_of_another_data_type_is_refused(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(AGGREGATION, 60)]).await;
    store_all(&store, &key, integers(QUEUE, &[(0, 1)])).await;
    let counts = Value::Histogram(histogram(&[("1", 1)]));
    let document = Value::Document("1".to_owned());
    for (ts, value) in [
        (1, Value::Float(1.0)),
        (1, reading(1.0)),
        (1, counts.clone()),
        (1, document.clone()),
        // In the place of the other.
        (0, reading(1.0)),
        (0, counts.clone()),
        (0, document),
    ] {
        // Nothing of the request is stored.
        let request = [70, ts].map(|ts| point(QUEUE, ts, value.clone()));
        let written = store.write(&key, request.into(), NOW).await;
        assert!(is_misfit(&written, QUEUE, ts), "{value:?}: {written:?}");
    }
    assert_eq!(points(&store, &key, QUEUE).await, [(0, Value::Integer(1))]);
    // Where nothing else is, there is room.
    store_all(&store, &key, vec![point(QUEUE, 60, counts)]).await;
}

pub async fn points_of_several_data_types_make_no_bucket(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, QUEUE, &[(AGGREGATION, 60)]).await;
    store_all(&store, &key, integers(QUEUE, &[(0, 1)])).await;
    let before = buckets(&store, &key, QUEUE, 60).await;
    let copied = store
        .restore_points(&key, QUEUE, vec![(1, Value::Float(1.0))])
        .await;
    assert_eq!(copied.expect("the point is copied").conflicts, []);
    let rebuilt = store.rebuild_buckets(&key, QUEUE, 60, vec![0]).await;
    assert!(is_misfit(&rebuilt, QUEUE, 1), "{rebuilt:?}");
    assert_eq!(buckets(&store, &key, QUEUE, 60).await, before);
    // Documents are in no summary.
    let document = Value::Document("1".to_owned());
    let copies = vec![(61, document), (62, Value::Integer(5))];
    let copied = store.restore_points(&key, QUEUE, copies).await;
    assert_eq!(copied.expect("the points are copied").conflicts, []);
    let rebuilt = store.rebuild_buckets(&key, QUEUE, 60, vec![60]).await;
    rebuilt.expect("the bucket is made");
    let made = buckets(&store, &key, QUEUE, 60).await;
    assert_eq!(made[1], (60, Bucket::Integer { sum: 5, count: 1 }));
}
