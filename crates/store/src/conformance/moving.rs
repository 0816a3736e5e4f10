//! Checks: copies of records and data of other archives.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use std::collections::BTreeMap;

use esmond_ps_model::SummaryType;
use serde_json::json;

use super::Backend;
use super::support::{
    NOW, buckets, conflict, create, create_with, found, histogram, integers, is_unknown_record,
    key, point, points, record, store_all, stored,
};
use crate::view::{self, Source};
use crate::{Bucket, Error, EventTypeRecord, Record, Search, Store, Value, WriteOutcome};

const AGGREGATION: SummaryType = SummaryType::Aggregation;
const AVERAGE: SummaryType = SummaryType::Average;

/// A copy with times, and an event type that was added later.
fn copy(number: u32) -> Record {
    let new = record(
        "10.0.0.1",
        &[
            ("failures", &[]),
            ("throughput", &[(AGGREGATION, 60), (AVERAGE, 60)]),
        ],
    );
    let mut copy = new.under(&key(number));
    copy.created = Some(1000);
    copy.event_types[1].time_updated = Some(2000);
    copy.event_types[1].removed_until = Some(1500);
    copy.event_types.push(EventTypeRecord {
        name: "unlisted".to_owned(),
        time_updated: Some(1),
        removed_until: None,
        summaries: Vec::new(),
    });
    copy
}

async fn restore(store: &impl Store, copy: &Record) -> (Record, bool) {
    store.restore(copy).await.expect("the copy is stored")
}

async fn restore_points(
    store: &impl Store,
    key: &str,
    event_type: &str,
    points: &[(i64, Value)],
) -> WriteOutcome {
    store
        .restore_points(key, event_type, points.to_vec())
        .await
        .expect("the points are stored")
}

async fn restore_buckets(store: &impl Store, key: &str, copies: &[(i64, Bucket)]) {
    store
        .restore_buckets(key, "throughput", 60, copies.to_vec())
        .await
        .expect("the buckets are stored");
}

fn values(points: &[(i64, i64)]) -> Vec<(i64, Value)> {
    points
        .iter()
        .map(|(ts, value)| (*ts, Value::Integer(*value)))
        .collect()
}

pub async fn a_copy_of_a_record_equals_it(backend: &impl Backend) {
    let store = backend.open().await;
    let copy = copy(7);
    assert_eq!(restore(&store, &copy).await, (copy.clone(), true));
    assert_eq!(stored(&store, &key(7)).await, copy);
    drop(store);
    let store = backend.open().await;
    assert_eq!(stored(&store, &key(7)).await, copy);
    // It is the record that its test registers, by the identity of the copy.
    let new = record(
        "10.0.0.1",
        &[
            ("failures", &[]),
            ("throughput", &[(AGGREGATION, 60), (AVERAGE, 60)]),
        ],
    );
    let (found_record, is_new) = store.create(&key(8), &new).await.expect("it is read");
    assert_eq!((found_record, is_new), (copy, false));
    // Its summaries grow with its points.
    store_all(&store, &key(7), integers("throughput", &[(60, 5)])).await;
    assert_eq!(buckets(&store, &key(7), "throughput", 60).await.len(), 1);
    assert_eq!(found(&store, &Search::default()).await, [key(7)]);
}

pub async fn a_second_copy_adds_what_is_new(backend: &impl Backend) {
    let store = backend.open().await;
    let mut first = copy(1);
    restore(&store, &first).await;
    // The same record under another key: the first key keeps it.
    let mut second = copy(2);
    second.created = None;
    second.event_types[0].time_updated = Some(10);
    second.event_types[1].time_updated = Some(1999);
    second.event_types[1].removed_until = Some(1600);
    second.event_types[2].time_updated = None;
    second.event_types.push(EventTypeRecord {
        name: "zeta".to_owned(),
        time_updated: None,
        removed_until: Some(3),
        summaries: Vec::new(),
    });
    let (merged, new) = restore(&store, &second).await;
    first.event_types[0].time_updated = Some(10);
    first.event_types[1].removed_until = Some(1600);
    first.event_types.push(second.event_types[3].clone());
    assert_eq!((&merged, new), (&first, false));
    // Again, and the first one again: nothing changes.
    assert_eq!(restore(&store, &second).await.0, first);
    assert_eq!(restore(&store, &copy(1)).await.0, first);
    second.created = Some(999);
    assert_eq!(restore(&store, &second).await.0.created, Some(999));
    assert_eq!(found(&store, &Search::default()).await, [key(1)]);
}

pub async fn a_copy_takes_no_key_of_another_record(backend: &impl Backend) {
    let store = backend.open().await;
    create(&store, 1, &record("other", &[])).await;
    let before = stored(&store, &key(1)).await;
    let refused = store.restore(&copy(1)).await;
    assert!(
        matches!(&refused, Err(Error::KeyTaken(taken)) if *taken == key(1)),
        "{refused:?}"
    );
    assert_eq!(stored(&store, &key(1)).await, before);
    assert_eq!(found(&store, &Search::default()).await, [key(1)]);
}

pub async fn copies_of_points_touch_nothing_else(backend: &impl Backend) {
    let store = backend.open().await;
    restore(&store, &copy(1)).await;
    let key = key(1);
    let copies = values(&[(20, 2), (10, 1)]);
    for _ in 0..2 {
        let outcome = restore_points(&store, &key, "throughput", &copies).await;
        assert_eq!(outcome.conflicts, []);
    }
    assert_eq!(
        points(&store, &key, "throughput").await,
        values(&[(10, 1), (20, 2)])
    );
    assert_eq!(buckets(&store, &key, "throughput", 60).await, []);
    assert_eq!(stored(&store, &key).await, copy(1));
    // An event type that is not listed is added.
    restore_points(&store, &key, "later", &values(&[(1, 1)])).await;
    let added = EventTypeRecord {
        name: "later".to_owned(),
        time_updated: None,
        removed_until: None,
        summaries: Vec::new(),
    };
    assert_eq!(stored(&store, &key).await.event_type("later"), Some(&added));
}

pub async fn a_different_point_stays_and_is_a_conflict(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let document = |text: &str| Value::Document(text.to_owned());
    let counts = |count| Value::Histogram(histogram(&[("a", count)]));
    let ratio = |numerator| Value::Ratio {
        numerator,
        denominator: 600,
    };
    for (event_type, here, copied) in [
        ("throughput", Value::Integer(1), Value::Integer(2)),
        ("ntp-offset", Value::Float(0.1), Value::Float(0.2)),
        ("packet-loss-rate", ratio(1), ratio(2)),
        ("histogram-rtt", counts(1), counts(2)),
        ("failures", document("1"), document("2")),
    ] {
        store_all(&store, &key, vec![point(event_type, 5, here.clone())]).await;
        let copies = [
            (4, copied.clone()),
            (5, copied.clone()),
            (6, copied.clone()),
        ];
        let outcome = restore_points(&store, &key, event_type, &copies).await;
        assert_eq!(outcome.conflicts, [conflict(event_type, 5)]);
        assert_eq!(
            points(&store, &key, event_type).await,
            [(4, copied.clone()), (5, here), (6, copied)]
        );
    }
}

pub async fn copies_of_buckets_take_the_place_of_others(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 60)]).await;
    store_all(&store, &key, integers("throughput", &[(1, 1), (61, 1)])).await;
    let copies = [
        (0, Bucket::Integer { sum: 50, count: 5 }),
        (120, Bucket::Integer { sum: 70, count: 7 }),
    ];
    for _ in 0..2 {
        restore_buckets(&store, &key, &copies).await;
    }
    let stored = buckets(&store, &key, "throughput", 60).await;
    let own = (60, Bucket::Integer { sum: 1, count: 1 });
    assert_eq!(stored, [copies[0].clone(), own, copies[1].clone()]);
    // They grow like any other.
    store_all(&store, &key, integers("throughput", &[(2, 10)])).await;
    assert_eq!(
        buckets(&store, &key, "throughput", 60).await[0],
        (0, Bucket::Integer { sum: 60, count: 6 })
    );
}

pub async fn every_kind_of_bucket_is_copied(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let fixed = [
        (AGGREGATION, json!({"41.0": 2, "41.00": 1})),
        (SummaryType::Statistics, json!({"mode": [1.5], "é": null})),
    ];
    let copies = [
        Bucket::Integer {
            sum: i128::MIN,
            count: u64::MAX,
        },
        Bucket::Float {
            sum: 0.1,
            compensation: -1e-300,
            count: 3,
        },
        Bucket::Ratio {
            numerator: i128::MAX,
            denominator: 1,
        },
        Bucket::Histogram(histogram(&[("b", 1), ("a", 0)])),
        Bucket::Fixed(fixed.into()),
        Bucket::Fixed(BTreeMap::new()),
    ];
    let copies: Vec<(i64, Bucket)> = (0..).map(|n| n * 60).zip(copies).collect();
    restore_buckets(&store, &key, &copies).await;
    drop(store);
    let store = backend.open().await;
    assert_eq!(buckets(&store, &key, "throughput", 60).await, copies);
}

pub async fn a_fixed_bucket_stays_as_it_is(backend: &impl Backend) {
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 60), (AVERAGE, 60)];
    let key = create_with(&store, "throughput", &summaries).await;
    let fixed = Bucket::Fixed([(AVERAGE, json!(2.5))].into());
    restore_buckets(&store, &key, &[(0, fixed.clone())]).await;
    store_all(&store, &key, integers("throughput", &[(1, 1), (61, 2)])).await;
    let stored = buckets(&store, &key, "throughput", 60).await;
    assert_eq!(stored[0], (0, fixed));
    assert_eq!(stored[1], (60, Bucket::Integer { sum: 2, count: 1 }));
    let seen = |summary_type| view::summary(summary_type, Source::Bucket(&stored[0].1));
    assert_eq!(seen(AVERAGE), json!(2.5));
    assert_eq!(seen(AGGREGATION), json!(null));

    // Nor does a corrected histogram change it.
    let new = record("b", &[("histogram-rtt", &[(AGGREGATION, 60)])]);
    let key = create(&store, 2, &new).await;
    let fixed = Bucket::Fixed([(AGGREGATION, json!({"a": 9}))].into());
    let restored = store.restore_buckets(&key, "histogram-rtt", 60, vec![(0, fixed.clone())]);
    restored.await.expect("it is stored");
    for count in [1, 2] {
        let value = Value::Histogram(histogram(&[("a", count)]));
        store_all(&store, &key, vec![point("histogram-rtt", 1, value)]).await;
    }
    assert_eq!(
        buckets(&store, &key, "histogram-rtt", 60).await,
        [(0, fixed)]
    );
}

pub async fn buckets_are_made_anew_from_their_points(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 60)]).await;
    let copies = values(&[(-1, 1), (0, 2), (59, 3), (60, 4), (180, 5)]);
    restore_points(&store, &key, "throughput", &copies).await;
    let wrong = Bucket::Integer { sum: 9, count: 9 };
    let others = [-60, 0, 120, 180].map(|start| (start, wrong.clone()));
    restore_buckets(&store, &key, &others).await;
    for _ in 0..2 {
        let starts = vec![-60, 0, 60, 120];
        let rebuilt = store.rebuild_buckets(&key, "throughput", 60, starts);
        rebuilt.await.expect("the buckets are stored");
        assert_eq!(
            buckets(&store, &key, "throughput", 60).await,
            [
                (-60, Bucket::Integer { sum: 1, count: 1 }),
                (0, Bucket::Integer { sum: 5, count: 2 }),
                (60, Bucket::Integer { sum: 4, count: 1 }),
                (180, wrong.clone()),
            ]
        );
    }
    let widest = i64::MAX;
    let value = Value::Histogram(histogram(&[("a", 1)]));
    let copies = [(i64::MIN, value.clone()), (-1, value)];
    restore_points(&store, &key, "histogram-rtt", &copies).await;
    let starts = vec![i64::MIN, -widest];
    let rebuilt = store.rebuild_buckets(&key, "histogram-rtt", widest, starts);
    rebuilt.await.expect("the buckets are stored");
    let one = Bucket::Histogram(histogram(&[("a", 1)]));
    assert_eq!(
        buckets(&store, &key, "histogram-rtt", widest).await,
        [(i64::MIN, one.clone()), (-widest, one)]
    );
    let unknown = super::support::key(9);
    for (key, event_type) in [(&unknown, "throughput"), (&key, "failures")] {
        let nothing = store.rebuild_buckets(key, event_type, 60, vec![0]).await;
        nothing.expect("there is nothing to do");
    }
}

pub async fn an_unknown_record_takes_no_copies(backend: &impl Backend) {
    let store = backend.open().await;
    let key = key(1);
    let refused = store.restore_points(&key, "throughput", values(&[(1, 1)]));
    let refused = refused.await;
    assert!(is_unknown_record(&refused, &key), "{refused:?}");
    let bucket = Bucket::Integer { sum: 1, count: 1 };
    let refused = store.restore_buckets(&key, "throughput", 60, vec![(0, bucket)]);
    let refused = refused.await;
    assert!(is_unknown_record(&refused, &key), "{refused:?}");
}

pub async fn an_archive_is_copied_by_pages(backend: &impl Backend) {
    let store = backend.open().await;
    let new = record("a", &[("throughput", &[(AGGREGATION, 60)])]);
    let from = create(&store, 1, &new).await;
    let all: Vec<(i64, i64)> = (-50..50).map(|n| (n * 7, n)).collect();
    store_all(&store, &from, integers("throughput", &all)).await;

    let to = record("b", &[("throughput", &[(AGGREGATION, 60)])]).under(&key(2));
    restore(&store, &to).await;
    let page = crate::Page {
        offset: 0,
        limit: 9,
    };
    let mut range = super::support::ALWAYS;
    loop {
        let some = store.points(&from, "throughput", range, page).await;
        let some = some.expect("the points are read");
        let Some((last, _)) = some.last() else { break };
        range.begin = last + 1;
        restore_points(&store, &to.key, "throughput", &some).await;
    }
    range = super::support::ALWAYS;
    loop {
        let some = store.buckets(&from, "throughput", 60, range, page).await;
        let some = some.expect("the buckets are read");
        let Some((last, _)) = some.last() else { break };
        range.begin = last + 1;
        restore_buckets(&store, &to.key, &some).await;
    }
    assert_eq!(
        points(&store, &from, "throughput").await,
        points(&store, &to.key, "throughput").await
    );
    let copied = buckets(&store, &to.key, "throughput", 60).await;
    assert_eq!(buckets(&store, &from, "throughput", 60).await, copied);
    assert!(copied.len() > 9);
    assert_eq!(
        stored(&store, &from).await.event_types[0].time_updated,
        Some(NOW)
    );
    assert_eq!(
        stored(&store, &to.key).await.event_types[0].time_updated,
        None
    );
}
