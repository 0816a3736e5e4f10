//! Classic archives: what is copied, once and again.

use esmond_ps_client::model::SummaryType::{Aggregation, Average};
use esmond_ps_mirror::Options;
use esmond_ps_model::registry::{Rules, StorageClass, Validator};
use esmond_ps_model::{DataType, Registry};
use esmond_ps_store::{Bucket, Page, Store, Value};

use crate::support::{
    ALWAYS, DAY, Faults, NOW, Place, answers, archive, assert_same, counts, fill, integers, key,
    options, record,
};

/// Two archives: one with data, and an empty one.
async fn pair() -> (Place, String, Place) {
    let remote = Place::new().await;
    fill(&remote).await;
    let url = remote.serve(Faults::none()).await;
    (remote, url, Place::new().await)
}

#[tokio::test]
async fn a_copy_answers_as_its_original() {
    let (remote, url, here) = pair().await;
    let report = here.copy(&url).await;
    assert!(report.is_clean(), "{report} {report:?}");
    assert_eq!(
        (report.tests, report.tests_done, report.records_new),
        (2, 2, 2)
    );
    assert_eq!(report.points_stored, 7 * 216 + 1);
    assert_eq!(report.windows_taken, 0);
    assert_eq!(report.notes, [].into());
    let copied = here.serve(Faults::none()).await;
    assert_same(&answers(&copied).await, &answers(&url).await);
    assert_same(&here.seen().await, &remote.seen().await);
    // It is the record that its host registers, and goes on under its key.
    let mut theirs = remote.store.record(&key(1)).await.unwrap();
    // Archives do not tell this.
    theirs.as_mut().unwrap().created = None;
    assert_eq!(here.store.record(&key(1)).await.unwrap(), theirs);
}

#[tokio::test]
async fn a_second_run_takes_what_is_new_and_what_came_late() {
    let (remote, url, here) = pair().await;
    here.copy(&url).await;
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!((report.points_stored, report.records_new), (0, 0));
    // Only the overlap is read again.
    assert!((1..100).contains(&report.points_there), "{report}");
    let last = DAY + 70 + 215 * 600;
    let new = [(last + 600, 1), (last - 30, 2), (last - 3599, 3)];
    remote.add(&key(1), "throughput", &integers(new)).await;
    let histogram = [(last + 600, counts(&[("6", 1)]))];
    remote.add(&key(2), "histogram-owdelay", &histogram).await;
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!(report.points_stored, 4);
    assert_same(&here.seen().await, &remote.seen().await);
    // What came later than that needs a larger overlap.
    remote
        .add(&key(1), "throughput", &integers([(DAY + 1, 4)]))
        .await;
    assert_eq!(here.copy(&url).await.points_stored, 0);
    let wide = Options {
        overlap: i64::MAX,
        ..options()
    };
    let report = here.run(&archive(&url), &wide).await.unwrap();
    assert_eq!(report.points_stored, 1);
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn summaries_survive_their_points() {
    let (remote, url, here) = pair().await;
    let whole = remote.seen().await;
    // In the middle of an hour, and of a day.
    let gone = DAY + 20 * 3600 + 1000;
    for (number, name) in [
        (1, "throughput"),
        (1, "time-error-estimates"),
        (2, "packet-loss-rate"),
        (2, "packet-count-sent"),
        (2, "packet-count-lost"),
        (2, "histogram-owdelay"),
    ] {
        let removed = remote.remove(number, name, gone).await;
        assert!(removed > 100);
    }
    let report = here.copy(&url).await;
    assert!(report.is_clean(), "{report:?}");
    assert!(report.windows_taken > 100, "{report}");
    let copied = here.serve(Faults::none()).await;
    assert_same(&answers(&copied).await, &answers(&url).await);
    assert_same(&here.seen().await, &remote.seen().await);
    let summaries = |lines: &[String]| -> Vec<String> {
        let lines = lines.iter().filter(|line| line.contains(" 3600 "));
        lines.cloned().collect()
    };
    assert_same(&summaries(&here.seen().await), &summaries(&whole));
    // Histograms are real ones, and nobody takes the windows for computable.
    let page = Page {
        offset: 0,
        limit: 1,
    };
    let bucket_key = key(2);
    let bucket = here
        .store
        .buckets(&bucket_key, "histogram-owdelay", 3600, ALWAYS, page);
    assert!(matches!(
        bucket.await.unwrap()[..],
        [(DAY, Bucket::Histogram(_))]
    ));
    let copy = here.store.record(&key(1)).await.unwrap().unwrap();
    let until = copy.event_type("throughput").unwrap().removed_until;
    assert_eq!(until, Some(DAY + 20 * 3600));
    // Again: nothing more to take.
    let report = here.copy(&url).await;
    assert_eq!(
        (report.windows_taken, report.points_stored),
        (0, 0),
        "{report}"
    );
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn points_that_went_between_two_runs_leave_their_summaries() {
    let (remote, url, here) = pair().await;
    here.copy(&url).await;
    let last = DAY + 70 + 215 * 600;
    let new = (1..300).map(|n| (last + n * 600, n));
    remote.add(&key(1), "throughput", &integers(new)).await;
    let until = last + 200 * 600;
    let removed = remote.remove(1, "throughput", until).await;
    assert_eq!(removed, 216 + 200);
    let report = here.copy(&url).await;
    assert!(report.is_clean(), "{report:?}");
    let summaries = |lines: Vec<String>| -> Vec<String> {
        let lines = lines.into_iter();
        lines.filter(|line| line.contains("throughput a")).collect()
    };
    assert_same(
        &summaries(here.seen().await),
        &summaries(remote.seen().await),
    );
}

#[tokio::test]
async fn a_window_that_still_grows_is_looked_at_again() {
    let remote = Place::new().await;
    let summaries: &[_] = &[(Average, 86_400)];
    let new = record("10.0.0.1", &[("throughput", summaries)]);
    remote.store.create(&key(1), &new).await.unwrap();
    let today = NOW - NOW % 86_400;
    remote
        .add(
            &key(1),
            "throughput",
            &integers([(today, 10), (today + 60, 20)]),
        )
        .await;
    let removed = remote.remove(1, "throughput", today).await;
    assert_eq!(removed, 1);
    let url = remote.serve(Faults::none()).await;
    let here = Place::new().await;
    assert_eq!(here.copy(&url).await.windows_taken, 1);
    assert_same(&here.seen().await, &remote.seen().await);
    remote
        .add(&key(1), "throughput", &integers([(today + 90, 60)]))
        .await;
    assert_eq!(here.copy(&url).await.windows_taken, 1);
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn what_is_here_stays_and_conflicts_are_named() {
    let (remote, url, here) = pair().await;
    // Its host has written to both.
    let new = record(
        "10.0.0.1",
        &[
            ("throughput", &[(Average, 86_400), (Aggregation, 3600)]),
            ("failures", &[]),
            ("packet-trace", &[]),
            ("time-error-estimates", &[(Average, 3600)]),
        ],
    );
    here.store.create(&key(77), &new).await.unwrap();
    let own = [
        (DAY + 1, 5),
        (DAY + 70, 9_007_199_254_740_993),
        (DAY + 670, 1),
    ];
    here.add(&key(77), "throughput", &integers(own)).await;
    let document = Value::Document("[1]".to_owned());
    here.add(&key(77), "packet-trace", &[(DAY + 70, document.clone())])
        .await;
    let report = here.copy(&url).await;
    assert!(!report.is_clean());
    assert_eq!((report.conflicts, report.records_new), (2, 1));
    let named: Vec<String> = report
        .first_conflicts
        .iter()
        .map(ToString::to_string)
        .collect();
    let of = |name, ts| format!("{} {name} at {ts}", key(1));
    for expected in [of("throughput", DAY + 670), of("packet-trace", DAY + 70)] {
        assert!(named.contains(&expected), "{named:?}");
    }
    let page = Page {
        offset: 0,
        limit: 5,
    };
    let points = here
        .store
        .points(&key(77), "throughput", ALWAYS, page)
        .await;
    assert_eq!(points.unwrap()[..3], integers(own));
    let traces = here
        .store
        .points(&key(77), "packet-trace", ALWAYS, page)
        .await;
    assert_eq!(traces.unwrap()[0], (DAY + 70, document));
    // Own and copied points are counted once each.
    let hour = here
        .store
        .buckets(&key(77), "throughput", 3600, ALWAYS, page)
        .await;
    assert!(matches!(
        hour.unwrap()[0],
        (DAY, Bucket::Integer { count: 7, .. })
    ));
    assert_eq!(remote.store.record(&key(77)).await.unwrap(), None);
}

#[tokio::test]
async fn points_that_were_removed_here_are_not_counted_twice() {
    let (_remote, url, here) = pair().await;
    here.copy(&url).await;
    let before = here.seen().await;
    let mut removed = 0;
    for (number, name) in [(1, "throughput"), (2, "histogram-owdelay")] {
        removed += here.remove(number, name, DAY + 5000).await;
    }
    assert_eq!(here.copy(&url).await.points_stored, 0);
    // It is not known any more how far the last run came.
    for entry in std::fs::read_dir(here.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!((report.points_stored, report.windows_taken), (removed, 0));
    assert_same(&here.seen().await, &before);
}

#[tokio::test]
async fn a_later_run_may_begin_earlier() {
    let (remote, url, here) = pair().await;
    let since = |since| Options { since, ..options() };
    // In the middle of an hour, and of a day.
    let half = DAY + 86_400 + 4000;
    let report = here.run(&archive(&url), &since(Some(half))).await.unwrap();
    assert!(report.is_clean());
    assert_eq!(report.points_stored, 7 * 65);
    // The summaries of what was left out are those of the remote archive.
    let averages = |lines: Vec<String>| -> Vec<String> {
        let lines = lines.into_iter();
        lines
            .filter(|line| line.contains("average 86400"))
            .collect()
    };
    assert!(averages(remote.seen().await).ends_with(&averages(here.seen().await)));
    here.copy(&url).await;
    assert_same(&here.seen().await, &remote.seen().await);
    // Now that all points are here, the windows go on with further ones.
    let page = Page {
        offset: 0,
        limit: 1000,
    };
    for (number, name, window) in [
        (1, "throughput", 3600),
        (1, "throughput", 86_400),
        (2, "histogram-owdelay", 86_400),
    ] {
        let key = key(number);
        let buckets = here.store.buckets(&key, name, window, ALWAYS, page);
        for (start, bucket) in buckets.await.unwrap() {
            assert!(
                !matches!(bucket, Bucket::Fixed(_)),
                "{name} {window} {start}"
            );
        }
    }
    // Tests that were not updated since are left alone.
    let report = here.run(&archive(&url), &since(Some(NOW))).await.unwrap();
    assert_eq!((report.tests, report.complete), (0, true));
}

#[tokio::test]
async fn ratios_without_counts_keep_their_quotients_and_their_summaries() {
    // DIFFERENCE: their counts are not those of the remote archive.
    let remote = Place::new().await;
    let hourly: &[_] = &[(Aggregation, 3600)];
    let new = record("10.0.0.1", &[("packet-loss-rate", hourly)]);
    remote.store.create(&key(1), &new).await.unwrap();
    let ratio = |numerator, denominator| Value::Ratio {
        numerator,
        denominator,
    };
    let points = [
        (DAY, ratio(1, 100)),
        (DAY + 60, ratio(3, 600)),
        (DAY + 3600, ratio(0, 600)),
        (DAY + 7200, ratio(1, 3)),
        (DAY + 10_800, ratio(1, 100)),
        (DAY + 10_860, ratio(3, 600)),
    ];
    remote.add(&key(1), "packet-loss-rate", &points).await;
    let url = remote.serve(Faults::none()).await;
    let here = Place::new().await;
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!(report.guessed_ratios, 6);
    // The others are right as they are.
    assert_eq!(report.windows_taken, 2);
    assert_same(&here.seen().await, &remote.seen().await);
    assert_eq!(here.copy(&url).await.points_stored, 0);
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn event_types_that_are_not_known_here_are_copied_all_the_same() {
    let mut registry = Registry::standard();
    let text = Rules::new(Validator::Text, Some(StorageClass::Document), None).unwrap();
    registry.add_event_type("our-text", text, None).unwrap();
    let count = DataType::Integer.rules();
    registry.add_event_type("our-count", count, None).unwrap();
    let remote = Place::new().await;
    let hourly: &[_] = &[(Aggregation, 3600)];
    let new = record("10.0.0.1", &[("our-count", hourly), ("our-text", &[])]);
    remote.store.create(&key(1), &new).await.unwrap();
    remote
        .add(&key(1), "our-count", &integers([(DAY, 5)]))
        .await;
    let document = Value::Document("\"a\"".to_owned());
    remote.add(&key(1), "our-text", &[(DAY, document)]).await;
    let url = remote.serve_with(Faults::none(), registry).await;
    let here = Place::new().await;
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
    assert_same(&here.seen().await, &remote.seen().await);
}
