//! What a run leaves, and what it says it removed, are what a simple model of
//! the rules says, wherever runs before it were stopped.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::task::Poll;

use esmond_ps_model::{Registry, Summary, SummaryType, TimeRange};
use esmond_ps_retention::{Mode, Policies, Report, Run, prune};
use esmond_ps_store::{NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use proptest::prelude::*;
use proptest::sample::subsequence;
use tokio::runtime::Runtime;

const DAY: i64 = 86_400;
const NOW: i64 = 1_400_000_000;
const EVENT_TYPES: [&str; 3] = ["failures", "path-mtu", "throughput"];
const SUMMARIES: [(SummaryType, i64); 5] = [
    (SummaryType::Aggregation, 0),
    (SummaryType::Average, 0),
    (SummaryType::Aggregation, DAY),
    (SummaryType::Average, DAY),
    (SummaryType::Average, 300),
];

/// A policy: event type, summary type, window, and days (`None` is never).
type Policy = (&'static str, &'static str, &'static str, Option<i64>);

#[derive(Debug, Clone)]
struct Test {
    created: Option<i64>,
    series: BTreeMap<&'static str, Series>,
}

#[derive(Debug, Clone)]
struct Series {
    summaries: Vec<(SummaryType, i64)>,
    points: BTreeSet<i64>,
    /// Time of the write; there is one if there are points.
    written: i64,
}

impl Series {
    fn last_write(&self) -> Option<i64> {
        (!self.points.is_empty()).then_some(self.written)
    }
}

/// What a store holds: points and buckets of each record by event type and
/// window, those of window 0 being the points.
type Holdings = BTreeMap<String, BTreeMap<(String, i64), BTreeSet<i64>>>;

/// Counts that a report has: data by event type and window, and records.
type Counts = (BTreeMap<(String, i64), u64>, u64);

fn key(index: usize) -> String {
    format!("{index:032x}")
}

/// Days of the policy that holds; the outer `None` is no policy.
fn policy(policies: &[Policy], event_type: &str, row: (SummaryType, i64)) -> Option<Option<i64>> {
    let window = row.1.to_string();
    let row = [event_type, row.0.name(), window.as_str()];
    let mut best: Option<([bool; 3], Option<i64>)> = None;
    for (event_type, summary_type, window, days) in policies {
        let parts = [event_type, summary_type, window];
        let exact = parts.map(|part| *part != "*");
        if !parts
            .iter()
            .zip(row)
            .all(|(part, value)| **part == "*" || **part == value)
        {
            continue;
        }
        if best.is_none_or(|(before, _)| exact >= before) {
            best = Some((exact, *days));
        }
    }
    best.map(|(_, days)| days)
}

/// What a run must leave, and remove.
fn expected(tests: &[Test], policies: &[Policy]) -> (Holdings, Counts) {
    let (mut left, mut counts) = (Holdings::new(), Counts::default());
    for (index, test) in tests.iter().enumerate() {
        let mut holdings = BTreeMap::new();
        let mut may_go = !test.series.is_empty();
        let first_write = test.series.values().filter_map(Series::last_write).min();
        let unwritten_since = match first_write {
            Some(ts) => Some(test.created.map_or(ts, |created| created.min(ts))),
            None => test.created.map(|created| created + DAY),
        };
        for (name, series) in &test.series {
            let mut rows = vec![(SummaryType::Base, 0)];
            rows.extend(&series.summaries);
            for (_, window) in &rows {
                let all: BTreeSet<i64> = match window {
                    0 => series.points.clone(),
                    _ if *name == "failures" => BTreeSet::new(),
                    _ => series
                        .points
                        .iter()
                        .map(|ts| ts - ts.rem_euclid(*window))
                        .collect(),
                };
                let stays = |ts: &i64| {
                    rows.iter().filter(|row| row.1 == *window).any(|row| {
                        let days = policy(policies, name, *row).flatten();
                        days.is_none_or(|days| *ts > NOW - days * DAY)
                    })
                };
                let (kept, gone): (BTreeSet<i64>, BTreeSet<i64>) =
                    all.iter().partition(|ts| stays(ts));
                let place = ((*name).to_owned(), *window);
                if holdings.insert(place.clone(), kept).is_none() && !gone.is_empty() {
                    *counts.0.entry(place).or_default() += gone.len() as u64;
                }
            }
            let last = series.last_write().or(unwritten_since);
            may_go &= rows
                .iter()
                .all(|row| match (policy(policies, name, *row), last) {
                    (Some(Some(days)), Some(last)) => last <= NOW - days * DAY,
                    _ => false,
                });
        }
        if may_go && holdings.values().all(BTreeSet::is_empty) {
            counts.1 += 1;
        } else {
            left.insert(key(index), holdings);
        }
    }
    (left, counts)
}

async fn fill(store: &SqliteStore, tests: &[Test]) {
    for (index, test) in tests.iter().enumerate() {
        let event_types = test.series.iter().map(|(name, series)| {
            let summaries = series.summaries.iter();
            let summaries = summaries.map(|&(summary_type, window)| Summary {
                summary_type,
                window,
            });
            ((*name).to_owned(), summaries.collect())
        });
        let record = NewRecord {
            subject_type: format!("test {index}"),
            event_types: event_types.collect(),
            ..NewRecord::default()
        };
        let mut record = record.under(&key(index));
        record.created = test.created;
        store.restore(&record).await.unwrap();
        for (name, series) in &test.series {
            let points = series.points.iter().map(|ts| NewPoint {
                event_type: (*name).to_owned(),
                ts: *ts,
                value: match *name {
                    "failures" => Value::Document("{}".to_owned()),
                    _ => Value::Integer(1),
                },
            });
            let points = points.collect();
            store
                .write(&key(index), points, series.written)
                .await
                .unwrap();
        }
    }
}

/// Reads everything that the store holds.
async fn holdings(store: &SqliteStore) -> Holdings {
    let all = Page {
        offset: 0,
        limit: u64::MAX,
    };
    let always = TimeRange {
        begin: i64::MIN,
        end: None,
    };
    let mut holdings = Holdings::new();
    for record in store.search(&Search::default(), None, all).await.unwrap() {
        let mut of_record = BTreeMap::new();
        for entry in &record.event_types {
            let points = store.points(&record.key, &entry.name, always, all).await;
            let points = points.unwrap().into_iter().map(|(ts, _)| ts).collect();
            of_record.insert((entry.name.clone(), 0), points);
            for window in entry.summaries.iter().map(|summary| summary.window) {
                if window > 0 {
                    let buckets = store
                        .buckets(&record.key, &entry.name, window, always, all)
                        .await;
                    let starts = buckets.unwrap().into_iter().map(|(ts, _)| ts).collect();
                    of_record.insert((entry.name.clone(), window), starts);
                }
            }
        }
        holdings.insert(record.key, of_record);
    }
    holdings
}

fn counts(report: &Report) -> Counts {
    let removed = report.removed().map(|removed| {
        let place = (removed.event_type.clone(), removed.summary_window);
        (place, removed.count)
    });
    (removed.collect(), report.records_removed)
}

fn add(total: &mut Counts, more: &Counts) {
    for (place, count) in &more.0 {
        *total.0.entry(place.clone()).or_default() += count;
    }
    total.1 += more.1;
}

/// Completes when asked for the `count`th time after the first.
async fn asked(count: usize) {
    let mut left = count;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

fn parse(policies: &[Policy]) -> Policies {
    let list: Vec<String> = policies
        .iter()
        .map(|(event_type, summary_type, window, days)| {
            let expire = days.map_or_else(|| "Never".to_owned(), |days| days.to_string());
            format!(
                r#"{{"event_type": "{event_type}", "summary_type": "{summary_type}",
                "summary_window": "{window}", "expire": "{expire}"}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"policies": [{}]}}"#, list.join(","));
    Policies::parse(&text, &Registry::standard()).unwrap()
}

/// A time that days ago, to the hour.
fn hours_ago(days: i64) -> impl Strategy<Value = i64> {
    (-2..=days * 24).prop_map(|hours| NOW - hours * 3600)
}

fn test() -> impl Strategy<Value = Test> {
    let series = (
        subsequence(SUMMARIES.to_vec(), 0..=SUMMARIES.len()),
        prop_oneof![
            1 => Just(BTreeSet::new()),
            4 => prop::collection::btree_set(hours_ago(12), 1..12),
        ],
        hours_ago(12),
    )
        .prop_map(|(summaries, points, written)| Series {
            summaries,
            points,
            written,
        });
    let series = prop::collection::btree_map(prop::sample::select(&EVENT_TYPES[..]), series, 0..3);
    (prop::option::of(hours_ago(12)), series).prop_map(|(created, series)| Test { created, series })
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let one = (
        prop::sample::select(vec!["*", "*", "throughput", "path-mtu"]),
        prop::sample::select(vec!["*", "*", "base", "aggregation", "average"]),
        prop::sample::select(vec!["*", "*", "0", "300", "86400"]),
        prop_oneof![1 => Just(None), 6 => (0_i64..8).prop_map(Some)],
    );
    let some = prop::collection::vec(one, 0..6);
    // Mostly with one for everything, so that records go.
    (some, prop::option::weighted(0.8, 0_i64..8)).prop_map(|(mut list, days)| {
        list.extend(days.map(|days| ("*", "*", "*", Some(days))));
        list
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn runs_leave_and_report_what_the_rules_say(
        tests in prop::collection::vec(test(), 0..5),
        policies in policies(),
        stops in prop::collection::vec(0_usize..30, 0..4),
        step in 1_u64..5,
        page in 1_u64..4,
    ) {
        let (left, removed) = expected(&tests, &policies);
        let policies = parse(&policies);
        let run = |mode| Run { step, page, ..Run::new(mode, NOW) };
        Runtime::new().unwrap().block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(dir.path()).await.unwrap();
            fill(&store, &tests).await;
            let before = holdings(&store).await;

            let dry = prune(&store, &policies, run(Mode::DryRun), |_| {}, std::future::pending());
            let dry = dry.await.unwrap();
            prop_assert!(dry.complete && dry.dry_run);
            prop_assert_eq!(&counts(&dry), &removed);
            prop_assert_eq!(&holdings(&store).await, &before, "a dry run changes nothing");

            let mut total = Counts::default();
            for stop in stops {
                let report = prune(&store, &policies, run(Mode::Remove), |_| {}, asked(stop)).await;
                add(&mut total, &counts(&report.unwrap()));
            }
            let report = prune(&store, &policies, run(Mode::Remove), |_| {}, std::future::pending());
            let report = report.await.unwrap();
            prop_assert!(report.complete && !report.dry_run);
            add(&mut total, &counts(&report));
            prop_assert_eq!(&total, &removed);
            prop_assert_eq!(&holdings(&store).await, &left);

            let again = prune(&store, &policies, run(Mode::Remove), |_| {}, std::future::pending());
            prop_assert_eq!(counts(&again.await.unwrap()), Counts::default());
            Ok(())
        })?;
    }
}
