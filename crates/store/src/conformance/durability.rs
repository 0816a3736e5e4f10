//! Checks: what survives closing, and many who write at once.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use std::net::IpAddr;

use esmond_ps_model::SummaryType;

use super::Backend;
use super::support::{
    NOW, buckets, create, create_with, histogram, integers, is_unknown_record, key, point, points,
    record, store_all, stored, together,
};
use crate::{Bucket, KeyHash, Store, Value};

const AGGREGATION: SummaryType = SummaryType::Aggregation;

pub async fn everything_is_there_after_opening_again(backend: &impl Backend) {
    let new = record(
        "a",
        &[
            ("throughput", &[(AGGREGATION, 300)]),
            ("histogram-rtt", &[(SummaryType::Statistics, 300)]),
        ],
    );
    let address: IpAddr = "10.0.0.1".parse().expect("an address");
    let store = backend.open().await;
    let key = create(&store, 1, &new).await;
    let mut written = integers("throughput", &[(1, i64::MAX), (2, i64::MAX)]);
    written.push(point(
        "histogram-rtt",
        1,
        Value::Histogram(histogram(&[("1.0", 1)])),
    ));
    written.push(point("failures", 1, Value::Document("{}".to_owned())));
    store_all(&store, &key, written).await;
    let hash = KeyHash::of("secret");
    store
        .put_user("ann", Some(&hash))
        .await
        .expect("the user is stored");
    store
        .add_network("ann", address.into())
        .await
        .expect("the network is stored");
    let before = look(&store, address).await;
    drop(store);

    let store = backend.open().await;
    assert_eq!(look(&store, address).await, before);
    // The identity is known still, and so are the points.
    let (_, is_new) = store.create("other", &new).await.expect("it is read");
    assert!(!is_new);
    let again = store.write(&key, integers("throughput", &[(1, 0)]), NOW);
    assert_eq!(again.await.expect("it is written").conflicts.len(), 1);
}

/// Everything that there is to see, as text.
async fn look(store: &impl Store, address: IpAddr) -> String {
    let key = key(1);
    let record = stored(store, &key).await;
    let mut text = format!("{record:?}");
    for entry in &record.event_types {
        let base = points(store, &key, &entry.name).await;
        let summary = buckets(store, &key, &entry.name, 300).await;
        text += &format!("\n{}: {base:?} {summary:?}", entry.name);
    }
    let by_key = store.user_by_key(&KeyHash::of("secret")).await;
    let by_address = store.user_by_address(address).await;
    text + &format!("\n{by_key:?} {by_address:?}")
}

pub async fn every_point_of_concurrent_writers_counts_once(backend: &impl Backend) {
    const WRITERS: i64 = 50;
    const POINTS: i64 = 20;
    let store = backend.open().await;
    let summaries = [(AGGREGATION, 100), (AGGREGATION, 86400)];
    let key = create_with(&store, "throughput", &summaries).await;
    let requests = (0..WRITERS).map(|writer| {
        // The writers' points lie between each other.
        let points: Vec<(i64, i64)> = (0..POINTS).map(|n| (n * WRITERS + writer, 1)).collect();
        store.write(&key, integers("throughput", &points), NOW)
    });
    for result in together(requests).await {
        assert_eq!(result.expect("it is written").conflicts, []);
    }
    let total = WRITERS * POINTS;
    assert_eq!(
        points(&store, &key, "throughput").await.len() as u64,
        total.unsigned_abs()
    );
    assert_eq!(
        buckets(&store, &key, "throughput", 86400).await,
        [(
            0,
            Bucket::Integer {
                sum: total.into(),
                count: total.unsigned_abs(),
            }
        )]
    );
    let hundreds = buckets(&store, &key, "throughput", 100).await;
    assert_eq!(hundreds.len() as u64, total.unsigned_abs() / 100);
    let full = Bucket::Integer {
        sum: 100,
        count: 100,
    };
    assert!(hundreds.iter().all(|(_, bucket)| *bucket == full));
}

pub async fn one_of_many_equal_points_is_stored(backend: &impl Backend) {
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 300)]).await;
    let requests = (0..30).map(|value| {
        let points = integers("throughput", &[(5, value), (6, value)]);
        store.write(&key, points, NOW)
    });
    let mut winners = 0;
    for result in together(requests).await {
        match result.expect("it is written").conflicts.len() {
            0 => winners += 1,
            conflicts => assert_eq!(conflicts, 2),
        }
    }
    assert_eq!(winners, 1);
    let stored = points(&store, &key, "throughput").await;
    let Value::Integer(value) = stored[0].1 else {
        panic!("an integer, not {stored:?}");
    };
    assert_eq!(
        buckets(&store, &key, "throughput", 300).await,
        [(
            0,
            Bucket::Integer {
                sum: i128::from(value) * 2,
                count: 2,
            }
        )]
    );
}

pub async fn a_refused_request_takes_no_other_with_it(backend: &impl Backend) {
    let store = backend.open().await;
    let known = create_with(&store, "throughput", &[(AGGREGATION, 300)]).await;
    let unknown = key(9);
    let requests = (0..30).map(|n| {
        let key = if n % 3 == 1 { &unknown } else { &known };
        store.write(key, integers("throughput", &[(n, 1)]), NOW)
    });
    for (n, result) in together(requests).await.into_iter().enumerate() {
        if n % 3 == 1 {
            assert!(is_unknown_record(&result, &unknown), "{result:?}");
        } else {
            assert_eq!(result.expect("it is written").conflicts, []);
        }
    }
    assert_eq!(points(&store, &known, "throughput").await.len(), 20);
    assert_eq!(
        buckets(&store, &known, "throughput", 300).await,
        [(0, Bucket::Integer { sum: 20, count: 20 })]
    );
}

pub async fn readers_see_requests_as_a_whole(backend: &impl Backend) {
    const REQUESTS: i64 = 20;
    let store = backend.open().await;
    let key = create_with(&store, "throughput", &[(AGGREGATION, 86400)]).await;
    let writing = async {
        for n in 0..REQUESTS {
            let points: Vec<(i64, i64)> = (0..10).map(|i| (n * 10 + i, 1)).collect();
            store_all(&store, &key, integers("throughput", &points)).await;
        }
    };
    let reading = async {
        let mut seen = 0;
        while seen < REQUESTS * 10 {
            let stored = points(&store, &key, "throughput").await.len() as u64;
            let summary = buckets(&store, &key, "throughput", 86400).await;
            let count = match summary.first() {
                Some((_, Bucket::Integer { count, .. })) => *count,
                _ => 0,
            };
            // Ten by ten; and the summary, read later, is never behind.
            assert_eq!((stored % 10, count % 10), (0, 0));
            assert!(count >= stored, "{count} < {stored}");
            seen = i64::try_from(stored).expect("a small number");
        }
    };
    let both: [std::pin::Pin<Box<dyn Future<Output = ()> + Send>>; 2] =
        [Box::pin(writing), Box::pin(reading)];
    together(both).await;
}
