//! Files meet an archive that holds something already.

use esmond_ps_store::{Bucket, Store as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::*;

const SUMMARIES: Summaries<'_> = &[(Aggregation, 60), (Average, 300)];

/// An archive with one record and these points.
async fn archive(points: &[(i64, i64)]) -> Archive {
    let archive = Archive::new().await;
    let record = record(
        "a",
        &[("packet-loss-rate", SUMMARIES), ("throughput", SUMMARIES)],
    );
    let key = archive.create(1, &record).await;
    add(&archive, &key, points).await;
    archive
}

async fn add(archive: &Archive, key: &str, points: &[(i64, i64)]) {
    let ratios: Vec<_> = points
        .iter()
        .map(|(ts, value)| (*ts, ratio(value.abs(), 600)))
        .collect();
    archive.write(key, "packet-loss-rate", &ratios).await;
    archive
        .write(key, "throughput", &integers(points.iter().copied()))
        .await;
}

/// Points and buckets, without the times of the record.
async fn data(archive: &Archive) -> Vec<String> {
    archive.dump().await.split_off(1)
}

#[test]
fn overlapping_archives_become_their_union_in_any_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    // In the first archive, in the second, or in both.
    let points = vec((-200..700_i64, -9..9_i64, 0..3_u8), 0..60);
    let outcome = runner.run(&points, |mut points| {
        points.sort_unstable();
        points.dedup_by_key(|(ts, ..)| *ts);
        let with = |without: u8| -> Vec<(i64, i64)> {
            let some = points.iter().filter(|(.., place)| *place != without);
            some.map(|(ts, value, _)| (*ts, *value)).collect()
        };
        runtime.block_on(async {
            let (first, second) = (archive(&with(0)).await, archive(&with(1)).await);
            let files = [first.export().await, second.export().await];
            let whole = archive(&with(9)).await;
            for order in [[0, 1], [1, 0]] {
                let copy = Archive::of(&files[order[0]]).await;
                let report = copy.import(&files[order[1]]).await.unwrap();
                assert!(report.is_clean(), "{report:?}");
                assert_eq!(data(&copy).await, data(&whole).await);
                copy.import(&files[order[0]]).await.unwrap();
                assert_eq!(data(&copy).await, data(&whole).await);
            }
        });
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn copies_of_one_archive_at_two_times_become_all_it_ever_had() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    let before = vec((0..400_i64, -9..9_i64), 0..40);
    let after = vec((400..700_i64, -9..9_i64), 0..40);
    let pruned = (0..500_i64, 0..700_i64);
    let outcome = runner.run(&(before, after, pruned), |(before, after, pruned)| {
        runtime.block_on(async {
            let source = archive(&before).await;
            prune(&source, pruned.0).await;
            let first = source.export().await;
            add(&source, &key(1), &after).await;
            let unpruned = source.points(&key(1), "throughput").await;
            prune(&source, pruned.1).await;
            let second = source.export().await;
            for files in [[&first, &second], [&second, &first]] {
                let copy = Archive::of(files[0]).await;
                copy.import(files[1]).await.unwrap();
                // The points that were removed between come back; summaries
                // have counted them all along.
                for event_type in ["packet-loss-rate", "throughput"] {
                    for window in [60, 300] {
                        assert_eq!(
                            copy.buckets(&key(1), event_type, window).await,
                            source.buckets(&key(1), event_type, window).await
                        );
                    }
                }
                let points = copy.points(&key(1), "throughput").await;
                let kept = unpruned
                    .iter()
                    .filter(|(ts, _)| *ts < 400 || *ts > pruned.1);
                assert_eq!(points, kept.cloned().collect::<Vec<_>>());
            }
        });
        Ok(())
    });
    outcome.unwrap();
}

async fn prune(archive: &Archive, until: i64) {
    for event_type in ["packet-loss-rate", "throughput"] {
        archive.prune(&key(1), event_type, until).await;
    }
}

#[tokio::test]
async fn an_archive_in_use_takes_the_past_in() {
    let old = archive(&[(10, 1), (70, 2), (130, 4)]).await;
    prune(&old, 65).await;
    let new = archive(&[(140, 8), (200, 16)]).await;
    let report = new.import(&old.export().await).await.unwrap();
    assert!(report.is_clean());
    assert_eq!(report.points_new, 4);
    assert_eq!(
        new.buckets(&key(1), "throughput", 60).await,
        [
            (0, sum(1, 1)),
            (60, sum(2, 1)),
            (120, sum(12, 2)),
            (180, sum(16, 1))
        ]
    );
    // Both windows that the archives share.
    assert!(report.buckets_rebuilt >= 2, "{report:?}");
}

#[tokio::test]
async fn an_interrupted_import_leaves_nothing_uncounted() {
    let old = archive(&[(10, 1), (20, 2)]).await;
    let file = old.export().await;
    let new = archive(&[(30, 4)]).await;
    // It ended between the points and their summaries.
    let points = integers([(10, 1), (20, 2)]);
    let stored = new
        .store
        .restore_points(&key(1), "throughput", points)
        .await;
    stored.unwrap();
    let report = new.import(&file).await.unwrap();
    assert_eq!(
        new.buckets(&key(1), "throughput", 60).await,
        [(0, sum(7, 3))]
    );
    assert!(report.is_clean());
}

#[tokio::test]
async fn a_different_point_stays_and_is_reported() {
    let old = archive(&[(10, 1), (20, 2)]).await;
    let new = archive(&[(10, 5)]).await;
    let report = new.import(&old.export().await).await.unwrap();
    assert!(report.complete && !report.is_clean());
    assert_eq!((report.points_new, report.points_there), (2, 0));
    assert_eq!(report.points_conflicting, 2);
    let conflicts: Vec<_> = report.conflicts.iter().map(ToString::to_string).collect();
    let key = key(1);
    assert_eq!(
        conflicts,
        [
            format!("{key} packet-loss-rate 10"),
            format!("{key} throughput 10")
        ]
    );
    assert_eq!(
        new.points(&key, "throughput").await,
        integers([(10, 5), (20, 2)])
    );
    assert_eq!(new.buckets(&key, "throughput", 60).await, [(0, sum(7, 2))]);
}

#[tokio::test]
async fn of_two_summaries_the_one_that_counts_more_stays() {
    let fixed = |number: i64| Bucket::Fixed([(Average, serde_json::json!(number))].into());
    for (here, there, expected, counted) in [
        (sum(5, 2), sum(9, 3), sum(9, 3), "replaced"),
        (sum(9, 3), sum(5, 2), sum(9, 3), "kept"),
        (sum(9, 3), sum(9, 3), sum(9, 3), "there"),
        (sum(9, 3), sum(8, 3), sum(9, 3), "kept"),
        (fixed(1), sum(9, 3), sum(9, 3), "replaced"),
        (sum(9, 3), fixed(1), sum(9, 3), "kept"),
        (fixed(1), fixed(2), fixed(1), "kept"),
    ] {
        let first = key(1);
        let (old, new) = (archive(&[]).await, archive(&[]).await);
        for (archive, bucket) in [(&old, &there), (&new, &here)] {
            let restored =
                archive
                    .store
                    .restore_buckets(&first, "throughput", 60, vec![(0, bucket.clone())]);
            restored.await.unwrap();
        }
        let report = new.import(&old.export().await).await.unwrap();
        let found = match (
            report.buckets_replaced,
            report.buckets_kept,
            report.buckets_there,
        ) {
            (1, 0, 0) => "replaced",
            (0, 1, 0) => "kept",
            (0, 0, 1) => "there",
            other => panic!("{other:?}"),
        };
        let stored = new.buckets(&key(1), "throughput", 60).await;
        assert_eq!((stored, found), (vec![(0, expected)], counted));
    }
}

#[tokio::test]
async fn a_histogram_is_merged_from_both() {
    let new_record = record("a", &[("histogram-rtt", &[(Aggregation, 60)])]);
    let (old, new) = (Archive::new().await, Archive::new().await);
    for (archive, ts, text) in [(&old, 1, "41.0"), (&new, 2, "42.0")] {
        let key = archive.create(1, &new_record).await;
        archive
            .write(&key, "histogram-rtt", &[(ts, counts(&[(text, 2)]))])
            .await;
    }
    new.import(&old.export().await).await.unwrap();
    let merged = match counts(&[("41.0", 2), ("42.0", 2)]) {
        esmond_ps_store::Value::Histogram(histogram) => Bucket::Histogram(histogram),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        new.buckets(&key(1), "histogram-rtt", 60).await,
        [(0, merged)]
    );
}

#[tokio::test]
async fn a_data_type_that_is_code_is_merged_from_both() {
    let new_record = record("a", &[("gauge-reading", &[(Average, 60)])]);
    let kind = esmond_ps_store::kinds::find("gauge").unwrap();
    let value = |number: f64| {
        let posted = serde_json::json!(number);
        esmond_ps_store::kinds::value(kind, &posted).unwrap()
    };
    let (old, new, whole) = (
        Archive::new().await,
        Archive::new().await,
        Archive::new().await,
    );
    for (archive, points) in [
        (&old, vec![(1, 1.5), (61, 2.0)]),
        (&new, vec![(2, 2.5)]),
        (&whole, vec![(1, 1.5), (2, 2.5), (61, 2.0)]),
    ] {
        let key = archive.create(1, &new_record).await;
        let points: Vec<_> = points
            .iter()
            .map(|(ts, number)| (*ts, value(*number)))
            .collect();
        archive.write(&key, "gauge-reading", &points).await;
    }
    let file = old.export().await;
    assert!(decompress(&file).contains("\"kind\":\"custom:gauge\""));
    new.import(&file).await.unwrap();
    assert_eq!(data(&new).await, data(&whole).await);
}

#[tokio::test]
async fn a_record_is_found_under_another_key() {
    let old = archive(&[(10, 1)]).await;
    let file = old.export().await;
    let new = Archive::new().await;
    let same = record(
        "a",
        &[("packet-loss-rate", SUMMARIES), ("throughput", SUMMARIES)],
    );
    let other = new.create(7, &same).await;
    let report = new.import(&file).await.unwrap();
    assert_eq!((report.records_new, report.points_new), (0, 2));
    assert_eq!(new.points(&other, "throughput").await, integers([(10, 1)]));
}

#[tokio::test]
async fn a_record_whose_key_is_taken_is_refused_and_the_others_are_stored() {
    let old = archive(&[(10, 1)]).await;
    let key = old.create(2, &record("b", &[("throughput", &[])])).await;
    old.write(&key, "throughput", &integers([(5, 5)])).await;
    let new = Archive::new().await;
    new.create(1, &record("other", &[])).await;
    let report = new.import(&old.export().await).await.unwrap();
    assert!(report.complete && !report.is_clean());
    assert_eq!(
        (report.refused, report.records_new, report.points_new),
        (1, 1, 1)
    );
    assert_eq!(report.refusals[0].metadata_key, crate::support::key(1));
    assert_eq!(new.points(&crate::support::key(1), "throughput").await, []);
    assert_eq!(new.points(&key, "throughput").await, integers([(5, 5)]));
}

#[tokio::test]
async fn values_of_another_data_type_are_refused_and_the_others_are_stored() {
    let old = Archive::new().await;
    let new_record = record(
        "a",
        &[("failures", &[]), ("house-made", &[]), ("throughput", &[])],
    );
    let key = old.create(1, &new_record).await;
    for event_type in ["failures", "house-made", "throughput"] {
        let points = integers([(1, 1), (2, 2)]);
        let restored = old.store.restore_points(&key, event_type, points).await;
        restored.unwrap();
    }
    let new = Archive::new().await;
    let report = new.import(&old.export().await).await.unwrap();
    assert_eq!((report.refused, report.points_new), (1, 4));
    assert_eq!(
        report.refusals[0].to_string(),
        format!(
            "{key} failures: its values are stored as `document` here, and are `integer` in the file"
        )
    );
    assert_eq!(new.points(&key, "failures").await, []);
    assert_eq!(new.points(&key, "house-made").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_arrive_during_an_import_are_counted_once() {
    let old = archive(&(0..3000).map(|n| (n * 2, 1)).collect::<Vec<_>>()).await;
    let file = old.export().await;
    let new = archive(&[]).await;
    let arriving = async {
        for n in 0..150 {
            add(&new, &key(1), &[(n * 40 + 1, 1)]).await;
        }
    };
    let (report, ()) = tokio::join!(new.import(&file), arriving);
    assert!(report.unwrap().is_clean());
    let points = new.points(&key(1), "throughput").await;
    assert_eq!(points.len(), 3150);
    for window in [60, 300] {
        for (start, bucket) in new.buckets(&key(1), "throughput", window).await {
            let inside = points
                .iter()
                .filter(|(ts, _)| (start..start + window).contains(ts));
            let count = inside.count() as u64;
            assert_eq!(bucket, sum(count.into(), count), "{window} {start}");
        }
    }
}
