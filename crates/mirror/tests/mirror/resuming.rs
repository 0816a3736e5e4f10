//! Runs that are stopped or killed, and started again.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use esmond_ps_client::model::MetadataFilters;
use esmond_ps_mirror::{Options, State, mirror};
use futures_util::future::select;
use proptest::prelude::*;

use crate::support::{DAY, Faults, Place, assert_same, builder, fill, options};

/// How a run ends before its end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It is told to stop.
    Stop,
    /// It is gone, with nothing said.
    Kill,
}

/// Mirrors an archive until so many requests were answered.
async fn interrupted(
    here: &Place,
    url: &str,
    faults: &Faults,
    requests: u64,
    end: End,
    every: u64,
) {
    let archive = builder(url).page_size(50).build().unwrap();
    let state = State::open(here.state(), &archive).unwrap();
    let options = Options {
        save_every: Duration::from_millis(every),
        ..options()
    };
    let begin = faults.count.load(Ordering::SeqCst);
    let enough = || {
        std::future::poll_fn(|context| {
            if faults.count.load(Ordering::SeqCst) >= begin + requests {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
    };
    let all = MetadataFilters::new();
    match end {
        End::Stop => {
            let run = mirror(
                &archive,
                &*here.store,
                &all,
                &options,
                state,
                |_| {},
                enough(),
            );
            run.await.unwrap();
        }
        End::Kill => {
            let never = std::future::pending();
            let run = mirror(&archive, &*here.store, &all, &options, state, |_| {}, never);
            select(pin!(run), pin!(enough())).await;
        }
    }
}

fn ends() -> impl Strategy<Value = Vec<(u64, End, u64)>> {
    let end = prop_oneof![Just(End::Stop), Just(End::Kill)];
    prop::collection::vec(
        (1_u64..60, end, prop_oneof![Just(0_u64), Just(3_600_000)]),
        1..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_ends_anywhere_and_is_started_again_gives_the_same(
        ends in ends(),
        is_pruned in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let remote = Place::new().await;
            fill(&remote).await;
            if is_pruned {
                for (number, name) in [(1, "throughput"), (2, "packet-loss-rate"), (2, "histogram-owdelay")] {
                    remote.remove(number, name, DAY + 30_000).await;
                }
            }
            let faults = Faults::none();
            let url = remote.serve(faults.clone()).await;
            let here = Place::new().await;
            for (requests, end, every) in ends {
                interrupted(&here, &url, &faults, requests, end, every).await;
            }
            let report = here.copy(&url).await;
            assert!(report.is_clean(), "{report} {report:?}");
            assert_same(&here.seen().await, &remote.seen().await);
        });
    }
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_at_once_does_nothing() {
    let remote = Place::new().await;
    fill(&remote).await;
    let faults = Faults::none();
    let url = remote.serve(faults.clone()).await;
    let here = Place::new().await;
    let archive = builder(&url).build().unwrap();
    let state = State::open(here.state(), &archive).unwrap();
    let all = MetadataFilters::new();
    let stop = std::future::ready(());
    let report = mirror(
        &archive,
        &*here.store,
        &all,
        &options(),
        state,
        |_| {},
        stop,
    )
    .await;
    assert!(!report.unwrap().complete);
    assert_eq!(faults.count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn progress_is_told_from_the_beginning_to_the_end() {
    let remote = Place::new().await;
    fill(&remote).await;
    let url = remote.serve(Faults::none()).await;
    let here = Place::new().await;
    let archive = builder(&url).build().unwrap();
    let state = State::open(here.state(), &archive).unwrap();
    let all = MetadataFilters::new();
    let never = std::future::pending();
    let mut seen = Vec::new();
    let told = |report: &esmond_ps_mirror::Report| {
        seen.push((report.tests_done, report.tests, report.points_stored));
    };
    let options = options();
    let run = mirror(&archive, &*here.store, &all, &options, state, told, never);
    let report = run.await.unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.first().unwrap().0, 0);
    assert_eq!(*seen.last().unwrap(), (2, 2, report.points_stored));
}
