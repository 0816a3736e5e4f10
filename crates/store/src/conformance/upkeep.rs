//! Checks: how much is stored, and whether it is whole.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::SummaryType;

use super::Backend;
use super::support::{buckets, create, create_with, integers, point, points, record, store_all};
use crate::{Store, Usage, Value};

const AGGREGATION: SummaryType = SummaryType::Aggregation;

async fn usage(store: &impl Store, since: i64) -> Vec<Usage> {
    store.usage(since).await.expect("usage is told")
}

pub async fn usage_is_told_by_event_type(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(usage(&store, 0).await, []);
    let hourly: &[(SummaryType, i64)] = &[(AGGREGATION, 3600), (AGGREGATION, 86400)];
    let first = record("a", &[("throughput", hourly), ("failures", &[])]);
    let first = create(&store, 1, &first).await;
    let second = create(&store, 2, &record("b", &[("throughput", hourly)])).await;
    store_all(&store, &first, integers("throughput", &[(5, 1), (3601, 1)])).await;
    store_all(&store, &second, integers("throughput", &[(-7, 1)])).await;
    store_all(&store, &second, integers("other", &[(9, i64::MIN)])).await;

    let mut told = usage(&store, 5).await;
    for usage in &mut told {
        // An estimate: more than nothing where there is something.
        assert_eq!(usage.bytes > 0, usage.points > 0, "{usage:?}");
        usage.bytes = 0;
    }
    let expected = [
        Usage {
            event_type: "failures".to_owned(),
            series: 1,
            ..Usage::default()
        },
        Usage {
            event_type: "other".to_owned(),
            series: 1,
            points: 1,
            recent_points: 1,
            first: Some(9),
            last: Some(9),
            ..Usage::default()
        },
        Usage {
            event_type: "throughput".to_owned(),
            series: 2,
            points: 3,
            recent_points: 2,
            // Two hours and a day of one record, an hour and a day of the other.
            buckets: 5,
            first: Some(-7),
            last: Some(3601),
            ..Usage::default()
        },
    ];
    assert_eq!(told, expected);
}

pub async fn larger_values_are_told_to_take_more(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "failures", &[]).await;
    // Text that a store cannot make much shorter: of 64 letters, at random.
    let mut state = 1_u32;
    let mut document = |length: usize| {
        let letters = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'?' + (state >> 26) as u8)
        });
        Value::Document(format!(
            "\"{}\"",
            letters.collect::<String>().replace('\\', "-")
        ))
    };
    let mut before = 0;
    for (ts, length) in [(1, 10), (2, 5000), (3, 200_000)] {
        store_all(&store, &key, vec![point("failures", ts, document(length))]).await;
        let bytes = usage(&store, 0).await[0].bytes;
        assert!(
            bytes >= before + length as u64 / 2,
            "{bytes} after {before}"
        );
        before = bytes;
    }
    let size = store.size().await.expect("the size is told");
    assert!(size.bytes >= 100_000, "{size:?}");
    assert!(size.free_bytes <= size.bytes, "{size:?}");
}

pub async fn a_store_in_use_is_whole(backend: &impl Backend) {
    let store = backend.open().await;
    let verify = async || store.verify().await.expect("it is looked at");
    assert_eq!(verify().await, [""; 0]);
    let key = create_with(&store, "throughput", &[(AGGREGATION, 60)]).await;
    store_all(&store, &key, integers("throughput", &[(1, 1)])).await;
    store
        .put_user("ann", None)
        .await
        .expect("the user is stored");
    assert_eq!(verify().await, [""; 0]);
}

pub async fn giving_space_back_loses_nothing(backend: &impl Backend) {
    const REMOVED: i64 = 2000;
    let store = backend.open().await;
    let key = create_with(&store, "failures", &[]).await;
    let text = Value::Document(format!("\"{}\"", "x".repeat(2000)));
    for start in (0..REMOVED + 100).step_by(100) {
        let some = start..start + 100;
        let some = some.map(|ts| point("failures", ts, text.clone()));
        store_all(&store, &key, some.collect()).await;
    }
    let removed = store.remove_points(&key, "failures", REMOVED - 1, u64::MAX);
    assert_eq!(removed.await.expect("they are removed"), 2000);
    while store.compact().await.expect("space is given back") {}
    let left = points(&store, &key, "failures").await;
    assert_eq!(left.len(), 100);
    assert_eq!(left[0], (REMOVED, text));
    assert_eq!(buckets(&store, &key, "failures", 60).await, []);
    assert_eq!(store.verify().await.expect("it is looked at"), [""; 0]);
    // There is nothing left to do, but it may be asked for again.
    assert!(!store.compact().await.expect("space is given back"));
    assert_eq!(store.queue_depth(), 0);
}
