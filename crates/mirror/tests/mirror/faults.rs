//! Archives that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use esmond_ps_mirror::{Error, Options};

use esmond_ps_store::Store as _;

use crate::support::{
    DAY, Fault, Faults, Place, archive, assert_same, fill, integers, key, options, record,
};

#[tokio::test]
async fn whatever_goes_wrong_once_loses_nothing() {
    let remote = Place::new().await;
    fill(&remote).await;
    let faults = Faults::new(|path, before| {
        if path.contains("averages") || path.contains("/statistics") {
            return Fault::None;
        }
        // A different one for each series, and then short pages.
        match (before, path.len() % 4) {
            (0, 0) => Fault::Status(503),
            (0, 1) => Fault::Cut,
            (0, 2) if path.contains("trace") => Fault::Stall,
            (0, _) => Fault::Status(502),
            (1, _) => Fault::Status(429),
            _ => Fault::Short,
        }
    });
    let url = remote.serve(faults).await;
    let here = Place::new().await;
    let report = here.copy(&url).await;
    assert!(report.is_clean(), "{report} {:?}", report.first_failures);
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn a_series_that_fails_is_named_and_read_in_the_next_run() {
    let remote = Place::new().await;
    fill(&remote).await;
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let url = remote
        .serve(Faults::new(move |path, _| {
            if path.contains("packet-trace") && !well.load(Ordering::SeqCst) {
                return Fault::Status(500);
            }
            Fault::None
        }))
        .await;
    let here = Place::new().await;
    let report = here.copy(&url).await;
    assert!(report.complete && !report.is_clean());
    let [failure] = &report.first_failures[..] else {
        panic!("{:?}", report.first_failures)
    };
    assert_eq!(failure.metadata_key, key(1));
    assert_eq!(failure.event_type.as_deref(), Some("packet-trace"));
    assert!(failure.reason.contains("500"), "{failure}");
    // All others are there.
    let mut others = remote.seen().await;
    others.retain(|line| !line.contains(" packet-trace 1"));
    assert_same(&here.seen().await, &others);
    is_well.store(true, Ordering::SeqCst);
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_eq!(report.points_stored, 216);
    assert_same(&here.seen().await, &remote.seen().await);
}

#[tokio::test]
async fn an_archive_that_is_away_ends_the_run_with_what_was_done() {
    let remote = Place::new().await;
    fill(&remote).await;
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let url = remote
        .serve(Faults::new(move |path, _| {
            if path.contains("packet-trace") {
                away.store(true, Ordering::SeqCst);
            }
            match away.load(Ordering::SeqCst) {
                true => Fault::Status(503),
                false => Fault::None,
            }
        }))
        .await;
    let here = Place::new().await;
    let one_at_once = Options {
        at_once: 1,
        ..options()
    };
    let stopped = here.run(&archive(&url), &one_at_once).await.unwrap_err();
    let stopped = match stopped.source {
        Error::List(_) | Error::Away(_) => stopped.report,
        other => panic!("{other}"),
    };
    assert!(!stopped.complete);
    assert!(
        stopped.failures > 0 && stopped.points_stored > 0,
        "{stopped}"
    );
    let text = stopped.to_string();
    assert!(text.ends_with("(stopped before the end)"), "{text}");
    let url = remote.serve(Faults::none()).await;
    let report = here.copy(&url).await;
    assert!(report.is_clean());
    assert_same(&here.seen().await, &remote.seen().await);
}

/// An archive with a test of many event types, which fail; and everything else
/// with them when it is away.
async fn failing(is_away: bool) -> (Place, String) {
    let names = [
        "failures",
        "iostat",
        "mpstat",
        "packet-trace",
        "packet-trace-multi",
        "pscheduler-raw",
        "rusage",
        "streams-tcpinfo",
        "tcpinfo",
        "throughput",
    ];
    let remote = Place::new().await;
    let new = record("10.0.0.1", &names.map(|name| (name, &[][..])));
    remote.store.create(&key(1), &new).await.unwrap();
    let other = record("10.0.0.2", &[("throughput", &[])]);
    remote.store.create(&key(2), &other).await.unwrap();
    remote
        .add(&key(2), "throughput", &integers([(DAY, 1)]))
        .await;
    let path = format!("{}/", key(1));
    let has_begun = AtomicBool::new(false);
    let faults = Faults::new(move |asked, _| {
        let is_series = asked.contains(&path) && asked.ends_with("/base");
        has_begun.fetch_or(is_series, Ordering::SeqCst);
        match is_series || (is_away && has_begun.load(Ordering::SeqCst)) {
            true => Fault::Status(504),
            false => Fault::None,
        }
    });
    let url = remote.serve(faults).await;
    (remote, url)
}

#[tokio::test]
async fn a_test_of_which_nothing_can_be_read_is_not_the_end() {
    let (_remote, url) = failing(false).await;
    let here = Place::new().await;
    let one_at_once = Options {
        at_once: 1,
        ..options()
    };
    let report = here.run(&archive(&url), &one_at_once).await.unwrap();
    assert!(report.complete);
    assert_eq!((report.failures, report.points_stored), (10, 1));
}

#[tokio::test]
async fn an_archive_that_answers_nothing_any_more_is_away() {
    let (_remote, url) = failing(true).await;
    let here = Place::new().await;
    let one_at_once = Options {
        at_once: 1,
        ..options()
    };
    let stopped = here.run(&archive(&url), &one_at_once).await.unwrap_err();
    assert!(matches!(stopped.source, Error::Away(_)), "{stopped:?}");
    assert_eq!(stopped.report.failures, 8);
}

#[tokio::test]
async fn an_archive_that_lets_nobody_in_ends_the_run_at_once() {
    let remote = Place::new().await;
    fill(&remote).await;
    let faults = Faults::new(|path, _| match path.contains(&key(1)) {
        true => Fault::Status(401),
        false => Fault::None,
    });
    let url = remote.serve(faults).await;
    let here = Place::new().await;
    let stopped = here.run(&archive(&url), &options()).await.unwrap_err();
    assert!(matches!(stopped.source, Error::Away(_)), "{stopped:?}");
    assert_eq!(stopped.report.failures, 1);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_an_error() {
    let remote = Place::new().await;
    let url = remote.serve(Faults::new(|_, _| Fault::Status(500))).await;
    let here = Place::new().await;
    let stopped = here.run(&archive(&url), &options()).await.unwrap_err();
    assert!(matches!(stopped.source, Error::List(_)), "{stopped:?}");
}
