//! Checks: base points.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{SummaryType, TimeRange};

use super::Backend;
use super::support::{
    ALL, ALWAYS, NOW, buckets, conflict, create, create_with, histogram, integers,
    is_unknown_record, key, point, points, record, store_all, stored, write,
};
use crate::{EventTypeRecord, Page, Store, Value};

fn document(text: &str) -> Value {
    Value::Document(text.to_owned())
}

async fn update_time(store: &impl Store, key: &str, event_type: &str) -> Option<i64> {
    let record = stored(store, key).await;
    let entry = record.event_type(event_type);
    entry.expect("the event type is listed").time_updated
}

pub async fn every_kind_of_value_reads_back(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create(&store, 1, &record("a", &[])).await;
    let ratio = |numerator, denominator| Value::Ratio {
        numerator,
        denominator,
    };
    let values = [
        ("throughput", Value::Integer(0)),
        ("throughput", Value::Integer(i64::MIN)),
        ("throughput", Value::Integer(i64::MAX)),
        ("throughput", Value::Integer((1 << 53) + 1)),
        ("ntp-offset", Value::Float(0.0)),
        ("ntp-offset", Value::Float(3.0)),
        ("ntp-offset", Value::Float(-0.000_123_456_789)),
        ("ntp-offset", Value::Float(f64::MAX)),
        ("ntp-offset", Value::Float(f64::MIN_POSITIVE)),
        ("ntp-offset", Value::Float(5e-324)),
        ("packet-loss-rate", ratio(0, 1)),
        ("packet-loss-rate", ratio(i64::MAX, i64::MAX)),
        ("packet-loss-rate", ratio(2, 4)),
        (
            "histogram-rtt",
            Value::Histogram(histogram(&[
                ("2", 1),
                ("10", i64::MAX),
                ("1.50", 0),
                ("", -1),
            ])),
        ),
        ("histogram-rtt", Value::Histogram(histogram(&[]))),
        (
            "failures",
            document(r#"{"error":"it's \"broken\" \u0000 ünd 😀"}"#),
        ),
        ("failures", document("null")),
        ("failures", document("5")),
        ("failures", document("5.0")),
        ("failures", document("[]")),
        ("failures", document("\"\"")),
    ];
    for (ts, (event_type, value)) in (0_i64..).zip(values) {
        store_all(&store, &key, vec![point(event_type, ts, value.clone())]).await;
        let range = TimeRange {
            begin: ts,
            end: Some(ts),
        };
        let read = store.points(&key, event_type, range, ALL).await;
        assert_eq!(read.expect("it is read"), [(ts, value)]);
    }
}

pub async fn the_edges_of_time_are_times(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let all = [(i64::MIN, 1), (-1, 2), (0, 3), (i64::MAX, 4)];
    store_all(&store, &key, integers("throughput", &all)).await;
    let expected = all.map(|(ts, value)| (ts, Value::Integer(value)));
    assert_eq!(points(&store, &key, "throughput").await, expected);
    for ts in [i64::MIN, i64::MAX] {
        let range = TimeRange {
            begin: ts,
            end: Some(ts),
        };
        let read = store.points(&key, "throughput", range, ALL).await;
        assert_eq!(read.expect("it is read").len(), 1, "{ts}");
    }
}

pub async fn points_come_in_order_of_time(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    store_all(&store, &key, integers("throughput", &[(300, 3), (-9, 0)])).await;
    store_all(&store, &key, integers("throughput", &[(20, 2), (100, 1)])).await;
    let times: Vec<i64> = points(&store, &key, "throughput")
        .await
        .into_iter()
        .map(|(ts, _)| ts)
        .collect();
    assert_eq!(times, [-9, 20, 100, 300]);
}

pub async fn both_ends_of_a_range_belong_to_it(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    store_all(
        &store,
        &key,
        integers("throughput", &[(10, 1), (20, 2), (30, 3)]),
    )
    .await;
    for (begin, end, expected) in [
        (10, Some(20), &[10, 20][..]),
        (11, Some(29), &[20]),
        (20, Some(20), &[20]),
        (21, Some(29), &[]),
        (20, None, &[20, 30]),
        (31, None, &[]),
        (i64::MIN, Some(10), &[10]),
        (30, Some(10), &[]),
    ] {
        let range = TimeRange { begin, end };
        let read = store.points(&key, "throughput", range, ALL).await;
        let times: Vec<i64> = read
            .expect("it is read")
            .into_iter()
            .map(|(ts, _)| ts)
            .collect();
        assert_eq!(times, expected, "{range:?}");
    }
}

pub async fn pages_are_slices_of_the_range(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let all: Vec<(i64, i64)> = (0..10).map(|n| (n, n)).collect();
    store_all(&store, &key, integers("throughput", &all)).await;
    let range = TimeRange {
        begin: 2,
        end: None,
    };
    for (offset, limit, expected) in [
        (0, 3, &[2, 3, 4][..]),
        (3, 3, &[5, 6, 7]),
        (6, 3, &[8, 9]),
        (8, 3, &[]),
        (0, 0, &[]),
        (7, u64::MAX, &[9]),
        (u64::MAX, 1, &[]),
    ] {
        let page = Page { offset, limit };
        let read = store.points(&key, "throughput", range, page).await;
        let times: Vec<i64> = read
            .expect("it is read")
            .into_iter()
            .map(|(ts, _)| ts)
            .collect();
        assert_eq!(times, expected, "{page:?}");
    }
}

pub async fn what_is_not_there_has_no_points(backend: &impl Backend) {
    let store = backend.open().await;
    let own = create_with(&store, "throughput", &[(SummaryType::Average, 300)]).await;
    store_all(&store, &own, integers("throughput", &[(1, 1)])).await;
    assert_eq!(points(&store, &key(9), "throughput").await, []);
    assert_eq!(points(&store, &own, "failures").await, []);
    assert_eq!(buckets(&store, &key(9), "throughput", 300).await, []);
    assert_eq!(buckets(&store, &own, "failures", 300).await, []);
}

pub async fn an_unknown_record_takes_no_points(backend: &impl Backend) {
    let store = backend.open().await;
    let unknown = key(9);
    for points in [integers("throughput", &[(1, 1)]), Vec::new()] {
        let refused = store.write(&unknown, points, NOW).await;
        assert!(is_unknown_record(&refused, &unknown), "{refused:?}");
    }
    assert_eq!(points(&store, &unknown, "throughput").await, []);
    // Nothing was left that a later record of this key would show.
    create(&store, 9, &record("a", &[])).await;
    assert_eq!(points(&store, &unknown, "throughput").await, []);
    assert_eq!(stored(&store, &unknown).await.event_types, []);
}

pub async fn an_empty_write_changes_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let before = stored(&store, &key).await;
    store_all(&store, &key, Vec::new()).await;
    assert_eq!(stored(&store, &key).await, before);
}

// DIFFERENCE: the original accepts the point and drops it.
pub async fn an_event_type_that_is_not_listed_is_added(backend: &impl Backend) {
    let store = backend.open().await;
    let new = record("a", &[("throughput", &[(SummaryType::Average, 300)])]);
    let key = create(&store, 1, &new).await;
    store_all(&store, &key, integers("packet-count-sent", &[(1, 600)])).await;
    let added = EventTypeRecord {
        removed_until: None,
        name: "packet-count-sent".to_owned(),
        time_updated: Some(NOW),
        summaries: Vec::new(),
    };
    let stored = stored(&store, &key).await;
    assert_eq!(stored.event_types.len(), 2);
    assert_eq!(stored.event_types[0], added);
    assert_eq!(
        points(&store, &key, "packet-count-sent").await,
        [(1, Value::Integer(600))]
    );
    assert_eq!(buckets(&store, &key, "packet-count-sent", 300).await, []);
    // The record is still found by what it was created with.
    let (again, is_new) = store.create("other", &new).await.expect("it is read");
    assert!(!is_new);
    assert_eq!(again, stored);
}

// DIFFERENCE: the original stores what came before the conflict, later.
pub async fn a_second_point_is_a_conflict_and_the_rest_is_stored(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create(&store, 1, &record("a", &[])).await;
    let ratio = |numerator| Value::Ratio {
        numerator,
        denominator: 10,
    };
    let first = vec![
        point("throughput", 5, Value::Integer(1)),
        point("ntp-offset", 5, Value::Float(1.5)),
        point("packet-loss-rate", 5, ratio(1)),
    ];
    store_all(&store, &key, first.clone()).await;
    let mut second = vec![
        // Equal or not does not matter.
        point("throughput", 5, Value::Integer(1)),
        point("ntp-offset", 5, Value::Float(2.5)),
        point("packet-loss-rate", 5, ratio(2)),
    ];
    second.push(point("throughput", 6, Value::Integer(6)));
    let outcome = write(&store, &key, second).await;
    assert_eq!(
        outcome.conflicts,
        [
            conflict("throughput", 5),
            conflict("ntp-offset", 5),
            conflict("packet-loss-rate", 5)
        ]
    );
    assert_eq!(
        points(&store, &key, "throughput").await,
        [(5, Value::Integer(1)), (6, Value::Integer(6))]
    );
    for stored in &first[1..] {
        assert_eq!(
            points(&store, &key, &stored.event_type).await,
            [(5, stored.value.clone())]
        );
    }
}

pub async fn the_first_of_two_points_in_a_request_wins(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[]).await;
    let twice = integers("throughput", &[(5, 1), (6, 6), (5, 2), (5, 1)]);
    let outcome = write(&store, &key, twice).await;
    assert_eq!(
        outcome.conflicts,
        [conflict("throughput", 5), conflict("throughput", 5)]
    );
    assert_eq!(
        points(&store, &key, "throughput").await,
        [(5, Value::Integer(1)), (6, Value::Integer(6))]
    );
}

pub async fn conflicts_come_in_the_order_of_the_request(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create(&store, 1, &record("a", &[])).await;
    let request = || {
        let mut points = integers("throughput", &[(9, 1), (3, 1)]);
        points.extend(integers("packet-count-sent", &[(6, 1)]));
        points.extend(integers("throughput", &[(4, 1)]));
        points
    };
    store_all(&store, &key, request()).await;
    let outcome = write(&store, &key, request()).await;
    let times: Vec<i64> = outcome.conflicts.iter().map(|point| point.ts).collect();
    assert_eq!(times, [9, 3, 6, 4]);
}

pub async fn documents_are_replaced(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "failures", &[]).await;
    let write = async |texts: &[&str]| {
        let points = texts
            .iter()
            .map(|text| point("failures", 5, document(text)))
            .collect();
        store_all(&store, &key, points).await;
    };
    write(&["1"]).await;
    write(&["2"]).await;
    assert_eq!(points(&store, &key, "failures").await, [(5, document("2"))]);
    // Of two in a request the last wins, also if the first is the stored one.
    write(&["2", "3", "4"]).await;
    assert_eq!(points(&store, &key, "failures").await, [(5, document("4"))]);
}

pub async fn one_time_holds_a_point_of_each_event_type(backend: &impl Backend) {
    let store = backend.open().await;
    let first = create(&store, 1, &record("a", &[])).await;
    let second = create(&store, 2, &record("b", &[])).await;
    for (key, value) in [(&first, 1), (&second, 3)] {
        let mut points = integers("throughput", &[(5, value)]);
        points.extend(integers("packet-count-sent", &[(5, value + 1)]));
        store_all(&store, key, points).await;
    }
    for (key, event_type, value) in [
        (&first, "throughput", 1),
        (&first, "packet-count-sent", 2),
        (&second, "throughput", 3),
        (&second, "packet-count-sent", 4),
    ] {
        assert_eq!(
            points(&store, key, event_type).await,
            [(5, Value::Integer(value))]
        );
    }
}

pub async fn the_update_time_is_that_of_event_types_that_got_a_point(backend: &impl Backend) {
    let store = backend.open().await;
    let new = record(
        "a",
        &[
            ("throughput", &[]),
            ("packet-count-sent", &[]),
            ("failures", &[]),
            ("histogram-rtt", &[]),
        ],
    );
    let key = create(&store, 1, &new).await;
    let request = || {
        let mut points = integers("throughput", &[(5, 1)]);
        points.push(point("failures", 5, document("1")));
        points
    };
    let mut later = request();
    later.extend(integers("packet-count-sent", &[(5, 1)]));
    for (points, now) in [(request(), 1000), (later, 2000)] {
        store.write(&key, points, now).await.expect("it is written");
    }
    for (event_type, expected) in [
        // Nothing but a conflict the second time.
        ("throughput", Some(1000)),
        ("packet-count-sent", Some(2000)),
        // An equal document counts as replaced.
        ("failures", Some(2000)),
        ("histogram-rtt", None),
    ] {
        let updated = update_time(&store, &key, event_type).await;
        assert_eq!(updated, expected, "{event_type}");
    }
    let all = store.points(&key, "throughput", ALWAYS, ALL).await;
    assert_eq!(all.expect("it is read").len(), 1);
}
