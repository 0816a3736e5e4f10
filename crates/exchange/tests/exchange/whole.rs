//! An archive is the same behind a file.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use esmond_ps_exchange::{Error, Export, Import, Totals, export, import};
use esmond_ps_store::search::SubjectSearch;
use esmond_ps_store::{Bucket, Search, Store as _, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::*;

#[tokio::test]
async fn an_empty_archive_is_a_file_of_two_lines() {
    let archive = Archive::new().await;
    let file = archive.export().await;
    assert_eq!(decompress(&file).lines().count(), 2);
    let copy = Archive::of(&file).await;
    assert!(copy.dump().await.is_empty());
}

#[tokio::test]
async fn every_kind_of_value_comes_through() {
    let archive = varied().await;
    let copy = Archive::of(&archive.export().await).await;
    assert_eq!(copy.dump().await, archive.dump().await);
    // Its removed point is counted still.
    let buckets = copy.buckets(&key(1), "throughput", 60).await;
    assert_eq!(buckets[0], (0, sum(9_007_199_254_740_992, 2)));
}

#[tokio::test]
async fn users_are_not_in_the_file() {
    let archive = Archive::new().await;
    archive.store.put_user("ann", None).await.unwrap();
    assert!(!decompress(&archive.export().await).contains("ann"));
}

/// One series, by the event type and the points.
#[derive(Debug, Clone)]
struct Series {
    event_type: &'static str,
    points: Vec<(i64, Value)>,
    removed_until: Option<i64>,
    fixed: Option<i64>,
}

fn series() -> impl Strategy<Value = Series> {
    let value = prop_oneof![
        any::<i64>().prop_map(|value| ("throughput", Value::Integer(value))),
        proptest::num::f64::NORMAL.prop_map(|value| ("time-error-estimates", Value::Float(value))),
        (0..i64::MAX, 1..i64::MAX).prop_map(|(n, d)| ("packet-loss-rate", ratio(n, d))),
        vec(("[0-9]{1,2}\\.?[0-9]", 0..99_i64), 0..4).prop_map(|buckets| {
            let buckets: Vec<_> = buckets.iter().map(|(text, n)| (&**text, *n)).collect();
            ("histogram-rtt", counts(&buckets))
        }),
        "\\PC*".prop_map(|text| ("failures", document(&serde_json::json!([text]).to_string()))),
        ".*".prop_map(|text| ("failures", document(&text))),
    ];
    let time = prop_oneof![-300..900_i64, any::<i64>()];
    let removed = proptest::option::of(-100..500_i64);
    let fixed = proptest::option::of(-3..9_i64);
    (vec((time, value), 1..40), removed, fixed).prop_map(|(points, removed_until, fixed)| {
        // The first value decides; those of other event types are left out.
        let event_type = points[0].1.0;
        let points = points.into_iter();
        let points = points.filter(|(_, (name, _))| *name == event_type);
        Series {
            event_type,
            points: points.map(|(ts, (_, value))| (ts, value)).collect(),
            removed_until,
            fixed: fixed.map(|number| number * 60),
        }
    })
}

async fn archive_of(all: &[Series]) -> Archive {
    let archive = Archive::new().await;
    for (number, series) in (1..).zip(all) {
        let summaries: Summaries<'_> = match series.event_type {
            "failures" => &[],
            "histogram-rtt" => &[(Aggregation, 60), (Statistics, 300)],
            _ => &[(Aggregation, 60), (Aggregation, 300)],
        };
        let name = series.event_type;
        let record = record(&format!("host-{number}"), &[(name, summaries)]);
        let key = archive.create(number, &record).await;
        archive.write(&key, name, &series.points).await;
        if let Some(until) = series.removed_until {
            archive.prune(&key, name, until).await;
        }
        if let (Some(start), false) = (series.fixed, name == "failures") {
            let fixed = Bucket::Fixed([(Average, serde_json::json!(start))].into());
            let restored = archive
                .store
                .restore_buckets(&key, name, 60, vec![(start, fixed)]);
            restored.await.unwrap();
        }
    }
    archive
}

#[test]
fn whatever_is_stored_comes_through_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    let outcome = runner.run(&vec(series(), 0..4), |all| {
        runtime.block_on(async {
            let archive = archive_of(&all).await;
            let file = archive.export().await;
            let copy = Archive::of(&file).await;
            let stored = archive.dump().await;
            assert_eq!(copy.dump().await, stored);

            let again = copy.import(&file).await.unwrap();
            assert_eq!(copy.dump().await, stored);
            let new = again.records_new + again.points_new + again.buckets_new;
            let changed = again.buckets_replaced + again.buckets_rebuilt;
            assert_eq!((new, changed, again.points_conflicting), (0, 0, 0));
            assert_eq!(again.points_there, again.read.points);
            assert_eq!(again.buckets_there, again.read.buckets);
            assert_eq!(copy.export().await, file);
        });
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_filter_chooses_whole_records() {
    let archive = Archive::new().await;
    let summaries: Summaries<'_> = &[(Aggregation, 60)];
    for (number, source) in [(1, "a"), (2, "b")] {
        let record = record(source, &[("throughput", summaries)]);
        let key = archive.create(number, &record).await;
        archive
            .write(&key, "throughput", &integers([(1, 1), (70, 2)]))
            .await;
    }
    let search = Search {
        subject: vec![SubjectSearch {
            fields: vec!["source".to_owned()],
            values: vec!["b".to_owned()],
        }],
        ..Search::default()
    };
    let file = archive.export_some(search).await;
    let verified = check(&file).await.unwrap();
    assert_eq!(verified.header.filter["source"], serde_json::json!(["b"]));
    let copy = Archive::of(&file).await;
    let stored = archive.dump().await;
    assert_eq!(copy.dump().await, stored[stored.len() / 2..]);
}

/// Documents that need several parts: two fit in one.
async fn large() -> Archive {
    let archive = Archive::new().await;
    let key = archive
        .create(1, &record("a", &[("failures", &[]), ("throughput", &[])]))
        .await;
    let text = format!("\"{}\"", "x".repeat(1_500_000));
    for ts in 0..3 {
        archive
            .write(&key, "failures", &[(ts, document(&text))])
            .await;
    }
    archive
        .write(&key, "throughput", &integers((0..3000).map(|n| (n, n))))
        .await;
    archive
}

#[tokio::test]
async fn lines_and_parts_are_bounded() {
    let archive = large().await;
    let file = archive.export().await;
    let text = decompress(&file);
    let mut part = 0;
    let mut parts = 0;
    for line in text.lines() {
        if line.starts_with("{\"type\":\"record\"") {
            assert_eq!(line.contains("\"continued\":true"), parts > 0);
            part = 0;
            parts += 1;
        } else if line.contains("\"points\":[") {
            part += line.len() + 1;
            assert!(part <= 4 << 20, "{part}");
            assert!(line.matches('[').count() <= 1001);
        }
    }
    assert_eq!(parts, 2);
    let copy = Archive::of(&file).await;
    assert_eq!(copy.dump().await, archive.dump().await);
}

#[tokio::test]
async fn an_import_that_was_stopped_is_completed_by_the_next() {
    let archive = large().await;
    let file = archive.export().await;
    let copy = Archive::new().await;
    for _ in 0..3 {
        let flag = AtomicBool::new(false);
        let on_progress = |report: &esmond_ps_exchange::Report| {
            flag.store(report.points_new > 0, Ordering::Relaxed);
        };
        let how = Import::default();
        let run = import(&copy.store, &*file, &how, on_progress, raised(&flag));
        let report = run.await.unwrap();
        assert!(!report.complete && report.points_new > 0, "{report:?}");
    }
    assert!(copy.dump().await.len() < archive.dump().await.len());
    let report = copy.import(&file).await.unwrap();
    assert!(report.complete && report.points_there > 0 && report.points_new > 0);
    assert_eq!(copy.dump().await, archive.dump().await);
}

#[tokio::test]
async fn an_export_that_is_stopped_is_an_error_and_no_file() {
    let archive = large().await;
    let flag = AtomicBool::new(false);
    let mut file = Vec::new();
    let on_progress = |totals: &Totals| flag.store(totals.points > 3, Ordering::Relaxed);
    let what = Export::everything("test", 0);
    let run = export(&archive.store, &what, &mut file, on_progress, raised(&flag)).await;
    assert!(matches!(run, Err(Error::Stopped)), "{run:?}");
    assert!(matches!(check(&file).await, Err(Error::CutOff { .. })));
}

#[tokio::test]
async fn a_stream_that_takes_nothing_more_is_an_error() {
    let archive = large().await;
    let mut room = [0; 100];
    let what = Export::everything("test", 0);
    let run = export(&archive.store, &what, &mut room[..], |_| {}, pending()).await;
    assert!(matches!(run, Err(Error::Write(_))), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_in_use_is_exported_whole() {
    let archive = Archive::new().await;
    let record = record("a", &[("throughput", &[(Aggregation, 60)])]);
    let key = archive.create(1, &record).await;
    let before = integers((0..5000).map(|n| (n * 2, 1)));
    archive.write(&key, "throughput", &before).await;
    let arriving = async {
        for n in 0..100 {
            archive
                .write(&key, "throughput", &integers([(n * 99 + 1, 1)]))
                .await;
        }
    };
    // Exporting checks that no point comes twice.
    let (file, ()) = tokio::join!(archive.export(), arriving);
    let copy = Archive::of(&file).await;
    let points = copy.points(&key, "throughput").await;
    assert!(before.iter().all(|point| points.contains(point)));
    let all = archive.points(&key, "throughput").await;
    assert!(points.iter().all(|point| all.contains(point)));
    for (start, bucket) in copy.buckets(&key, "throughput", 60).await {
        let inside = points
            .iter()
            .filter(|(ts, _)| (start..start + 60).contains(ts));
        let Bucket::Integer { count, .. } = bucket else {
            panic!("{bucket:?}")
        };
        assert!(count >= inside.count() as u64);
    }
    // A later export brings what the summaries know already.
    copy.import(&archive.export().await).await.unwrap();
    assert_eq!(copy.dump().await, archive.dump().await);
}

#[tokio::test]
async fn the_work_can_be_given_to_a_task() {
    let archive = varied().await;
    let store = Arc::new(archive);
    let task = tokio::spawn(async move {
        let what = Export::everything("test", 0);
        let mut file = Vec::new();
        let source = &store.store;
        let written = export(source, &what, &mut file, |_| {}, pending()).await;
        let how = Import::default();
        let report = import(source, &*file, &how, |_| {}, pending())
            .await
            .unwrap();
        (written.unwrap(), report)
    });
    let (written, report) = task.await.unwrap();
    assert_eq!(report.read, written);
    assert_eq!(report.points_there, written.points);
}
