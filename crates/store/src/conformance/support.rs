//! What the checks are written with.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use esmond_ps_model::{Histogram, Summary, SummaryType, TimeRange};

use crate::{
    Bucket, Conflict, Error, NewPoint, NewRecord, Page, Record, Search, Store, Value, WriteOutcome,
};

/// Every time.
pub(super) const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};

/// No limit.
pub(super) const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

/// When the checks write, unless it matters.
pub(super) const NOW: i64 = 1_400_000_000;

/// The `number`th key.
pub(super) fn key(number: u32) -> String {
    format!("{number:032x}")
}

pub(super) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A list of event types, each with its summaries.
pub(super) type EventTypes<'a> = &'a [(&'a str, &'a [(SummaryType, i64)])];

/// A record of tests from a source, with these event types.
pub(super) fn record(source: &str, event_types: EventTypes<'_>) -> NewRecord {
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

/// Stores a record under the `number`th key and returns the key.
pub(super) async fn create(store: &impl Store, number: u32, record: &NewRecord) -> String {
    let (stored, new) = store
        .create(&key(number), record)
        .await
        .expect("the record is stored");
    assert!(new, "the record was there already: {stored:?}");
    stored.key
}

/// Stores a record with one event type and returns its key.
pub(super) async fn create_with(
    store: &impl Store,
    event_type: &str,
    summaries: &[(SummaryType, i64)],
) -> String {
    let record = record("10.0.0.1", &[(event_type, summaries)]);
    create(store, 1, &record).await
}

pub(super) fn point(event_type: &str, ts: i64, value: Value) -> NewPoint {
    NewPoint {
        event_type: event_type.to_owned(),
        ts,
        value,
    }
}

pub(super) fn integers(event_type: &str, points: &[(i64, i64)]) -> Vec<NewPoint> {
    points
        .iter()
        .map(|(ts, value)| point(event_type, *ts, Value::Integer(*value)))
        .collect()
}

pub(super) fn histogram(buckets: &[(&str, i64)]) -> Histogram {
    Histogram::new(buckets.iter().map(|(text, n)| ((*text).to_owned(), *n)))
}

/// Writes, and returns what was done.
pub(super) async fn write(store: &impl Store, key: &str, points: Vec<NewPoint>) -> WriteOutcome {
    store
        .write(key, points, NOW)
        .await
        .expect("the points are written")
}

/// Writes points that are all stored.
pub(super) async fn store_all(store: &impl Store, key: &str, points: Vec<NewPoint>) {
    assert_eq!(write(store, key, points).await.conflicts, []);
}

pub(super) fn conflict(event_type: &str, ts: i64) -> Conflict {
    Conflict {
        event_type: event_type.to_owned(),
        ts,
    }
}

/// All points of a series.
pub(super) async fn points(store: &impl Store, key: &str, event_type: &str) -> Vec<(i64, Value)> {
    store
        .points(key, event_type, ALWAYS, ALL)
        .await
        .expect("the points are read")
}

/// All buckets of a window.
pub(super) async fn buckets(
    store: &impl Store,
    key: &str,
    event_type: &str,
    window: i64,
) -> Vec<(i64, Bucket)> {
    store
        .buckets(key, event_type, window, ALWAYS, ALL)
        .await
        .expect("the buckets are read")
}

/// The record with this key, which is there.
pub(super) async fn stored(store: &impl Store, key: &str) -> Record {
    store
        .record(key)
        .await
        .expect("the record is read")
        .expect("the record is there")
}

/// Keys of the records that match; their number must be the count's.
pub(super) async fn found(store: &impl Store, search: &Search) -> Vec<String> {
    let records = store
        .search(search, None, ALL)
        .await
        .expect("records are searched");
    let count = store.count(search).await.expect("records are counted");
    assert_eq!(count, records.len() as u64, "{search:?}");
    records.into_iter().map(|record| record.key).collect()
}

/// Tells whether an operation failed because the record is unknown.
pub(super) fn is_unknown_record<T>(result: &crate::Result<T>, key: &str) -> bool {
    matches!(result, Err(Error::UnknownRecord(unknown)) if unknown == key)
}

/// Runs futures at the same time and returns their results in order.
pub(super) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<_> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in running.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *result = Some(output);
            }
        }
        if results.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
