//! Archives of perfSONAR 5.

use esmond_ps_client::model::{DataType, MetadataFilters, TimeArguments};
use esmond_ps_client::{Dialect, EventType};
use esmond_ps_store::{Bucket, Page, Search, Store, Value};
use esmond_ps_tests::elmond::{Holdings, MockElmond, Run, Test};
use futures_util::TryStreamExt as _;
use serde_json::{Value as Json, json};

use crate::support::{ALWAYS, DAY, Place, archive, options};

const PAGE: Page = Page {
    offset: 0,
    limit: 100_000,
};

async fn keys(here: &Place) -> Vec<String> {
    let records = here.store.search(&Search::default(), None, PAGE).await;
    let records = records.unwrap();
    records.into_iter().map(|record| record.key).collect()
}

async fn points(here: &Place, key: &str, event_type: &str) -> Vec<(i64, Value)> {
    here.store
        .points(key, event_type, ALWAYS, PAGE)
        .await
        .unwrap()
}

#[tokio::test]
async fn tests_of_perfsonar_5_become_records_of_ours() {
    // DIFFERENCE: the time of the last write is that of the last point, not of the
    // schedule.
    let mut lonely = Test::new(2, "rtt", "10.0.0.1", "10.0.0.2");
    lonely.fields.shift_remove("destination");
    lonely.fields["subject-type"] = json!("network-element");
    let statistics =
        json!({"minimum": 1.0, "maximum": 2.0, "mean": 1.5, "standard-deviation": 0.1});
    let lonely = lonely.runs((0..10).map(|n| {
        Run::of(DAY + n * 60, "packet-count-sent", json!(5))
            .and("packet-count-lost-bidir", json!(1))
            .and("packet-loss-rate-bidir", json!(0.2))
            .and("histogram-rtt", statistics.clone())
    }));
    let mut throughput = Test::new(1, "throughput", "10.0.0.1", "10.0.0.2").runs([
        Run::of(DAY + 100, "throughput", json!(9_412_345_678.25))
            .and("streams-throughput", json!([null, null]))
            .and("throughput-subintervals", json!([])),
        Run::of(DAY + 90_000, "throughput", json!(9e9)),
        Run::failed(DAY + 90_100, "it broke"),
    ]);
    throughput
        .fields
        .insert("sample-size".to_owned(), json!(600));
    throughput
        .fields
        .insert("mode-flip".to_owned(), json!(true));
    throughput.fields.insert("nothing".to_owned(), Json::Null);
    let (one, two) = (throughput.key[..32].to_owned(), lonely.key[..32].to_owned());
    let mock = MockElmond::model(Holdings::new([throughput, lonely]));
    let here = Place::new().await;
    let report = here.copy(&mock.url).await;
    assert!(report.is_clean(), "{report} {:?}", report.first_failures);
    assert_eq!(report.dialect, Some(Dialect::PerfSonar5));
    assert_eq!(report.rounded, 1);
    assert!(report.blank >= 1, "{report}");
    assert_eq!(report.guessed_ratios, 0);

    let record = here.store.record(&one).await.unwrap().unwrap();
    assert_eq!(record.parameters["sample-size"], "600");
    assert_eq!(record.parameters["mode-flip"], "True");
    assert_eq!(record.parameters["time-duration"], "60.0");
    assert!(!record.parameters.contains_key("nothing"));
    assert_eq!(
        points(&here, &one, "throughput").await,
        [
            (DAY + 100, Value::Integer(9_412_345_678)),
            (DAY + 90_000, Value::Integer(9_000_000_000))
        ]
    );
    let updated = |name: &str| record.event_type(name).unwrap().time_updated;
    assert_eq!(updated("throughput"), Some(DAY + 90_000));
    assert_eq!(updated("failures"), Some(DAY + 90_100));
    assert_eq!(updated("throughput-subintervals"), None);
    assert_eq!(points(&here, &one, "streams-throughput").await, []);
    let days = here.store.buckets(&one, "throughput", 86_400, ALWAYS, PAGE);
    let days = days.await.unwrap();
    let expected = Bucket::Integer {
        sum: 9_412_345_678,
        count: 1,
    };
    assert_eq!(days[0], (DAY, expected));

    let record = here.store.record(&two).await.unwrap().unwrap();
    assert_eq!(record.subject_type, "network-element");
    let ratio = Value::Ratio {
        numerator: 1,
        denominator: 5,
    };
    assert_eq!(
        points(&here, &two, "packet-loss-rate-bidir").await[0],
        (DAY, ratio)
    );
    // Of histogram-rtt there are statistics only: those are kept as they are.
    assert_eq!(points(&here, &two, "histogram-rtt").await, []);
    let windows = here.store.buckets(&two, "histogram-rtt", 300, ALWAYS, PAGE);
    let windows = windows.await.unwrap();
    assert_eq!(windows.len(), 2);
    assert!(matches!(&windows[0].1, Bucket::Fixed(values) if values.len() == 1));
    assert!(
        report
            .notes
            .keys()
            .any(|note| note.contains("histogram-rtt")),
        "{:?}",
        report.notes
    );

    let seen = here.seen().await;
    let again = here.copy(&mock.url).await;
    assert_eq!(
        (again.points_stored, again.windows_taken, again.records_new),
        (0, 0, 0)
    );
    assert_eq!(here.seen().await, seen);
}

#[tokio::test]
async fn another_newest_run_makes_no_second_record() {
    let run = |n: i64, agent: &str| Run {
        agent: Some(agent.to_owned()),
        ..Run::of(DAY + n * 600, "throughput", json!(n))
    };
    let test = Test::new(1, "throughput", "10.0.0.1", "10.0.0.2");
    let test = test.runs((0..5).map(|n| run(n, "10.0.0.1")));
    let key = test.key[..32].to_owned();
    let here = Place::new().await;
    let mut later = test.clone();
    later.runs.push(run(6, "10.0.0.2"));
    let before = MockElmond::model(Holdings::new([test]));
    here.copy(&before.url).await;
    let seen = points(&here, &key, "throughput").await;
    assert_eq!(seen.len(), 5);
    // Another address is another state: nothing is known but what is here.
    let after = MockElmond::model(Holdings::new([later]));
    let report = here.copy(&after.url).await;
    assert!(report.is_clean(), "{report} {:?}", report.first_failures);
    assert_eq!((report.points_stored, report.points_there), (1, 5));
    assert_eq!(keys(&here).await, [key]);
}

#[tokio::test]
async fn tests_that_show_the_same_metadata_stay_two() {
    let test = |number, value: i64| {
        let test = Test::new(number, "throughput", "10.0.0.1", "10.0.0.2");
        test.runs([Run::of(DAY, "throughput", json!(value))])
    };
    let tests = [test(1, 5), test(2, 6)];
    let own = tests.clone().map(|test| test.key[..32].to_owned());
    let mock = MockElmond::model(Holdings::new(tests));
    let here = Place::new().await;
    for _ in 0..2 {
        let report = here.copy(&mock.url).await;
        assert!(report.is_clean(), "{report} {:?}", report.first_conflicts);
        let mut expected = own.clone();
        expected.sort();
        assert_eq!(keys(&here).await, expected);
        assert_eq!(
            points(&here, &own[0], "throughput").await,
            [(DAY, Value::Integer(5))]
        );
        assert_eq!(
            points(&here, &own[1], "throughput").await,
            [(DAY, Value::Integer(6))]
        );
    }
}

#[tokio::test]
async fn a_test_that_moves_while_the_list_is_read_is_copied() {
    let tests: Vec<Test> = (0..40)
        .map(|n| {
            let test = Test::new(n, "throughput", "10.0.0.1", "10.0.0.2");
            let value = i64::try_from(n).unwrap();
            let mut test = test.runs([Run::of(DAY + value, "throughput", json!(value))]);
            test.fields.insert("number".to_owned(), json!(n));
            test
        })
        .collect();
    let mut next = 0;
    // After each page the oldest test runs, and comes to the front.
    let holdings = Holdings::new(tests).after_each_list(move |tests| {
        next += 1;
        if next <= 4 {
            tests[next - 1]
                .runs
                .push(Run::empty(DAY + 1000 + next as i64));
        }
    });
    let mock = MockElmond::model(holdings);
    let here = Place::new().await;
    let small = crate::support::builder(&mock.url)
        .page_size(10)
        .build()
        .unwrap();
    let report = here.run(&small, &options()).await.unwrap();
    assert_eq!((report.tests, report.records_new), (40, 40), "{report}");
}

#[tokio::test]
async fn values_that_share_a_second_are_named() {
    // DIFFERENCE: the remote archive has both.
    let test = Test::new(1, "throughput", "10.0.0.1", "10.0.0.2").runs([
        Run::of(DAY, "throughput", json!(5)),
        Run::of(DAY, "throughput", json!(5)),
        Run::of(DAY + 9, "throughput", json!(6)),
        Run::of(DAY + 9, "throughput", json!(7)),
    ]);
    let key = test.key[..32].to_owned();
    let mock = MockElmond::model(Holdings::new([test]));
    let here = Place::new().await;
    let report = here.copy(&mock.url).await;
    assert_eq!((report.points_stored, report.conflicts), (2, 1), "{report}");
    assert_eq!(report.first_conflicts[0].ts, DAY + 9);
    assert_eq!(points(&here, &key, "throughput").await.len(), 2);
}

#[tokio::test]
async fn faults_of_elmond_lose_nothing() {
    let runs = (0..300).map(|n| match n % 3 {
        0 => Run::of(DAY + n * 60, "packet-count-sent", json!(600)),
        _ => Run::empty(DAY + n * 60),
    });
    let test = Test::new(1, "latencybg", "10.0.0.1", "10.0.0.2").runs(runs);
    let key = test.key[..32].to_owned();
    let mut asked = 0;
    let holdings = Holdings::new([test]).refusing(move |_| {
        asked += 1;
        (asked % 2 == 0).then_some(503)
    });
    let mock = MockElmond::model(holdings);
    let here = Place::new().await;
    let small = crate::support::builder(&mock.url)
        .page_size(20)
        .build()
        .unwrap();
    let report = here.run(&small, &options()).await.unwrap();
    assert!(report.is_clean(), "{report} {:?}", report.first_failures);
    assert_eq!(points(&here, &key, "packet-count-sent").await.len(), 100);
}

/// Values of an event type as the archive answers them, without those that say
/// nothing.
async fn answered(event_type: &EventType) -> Vec<(i64, Json)> {
    let base = event_type.base();
    let answer: Result<Vec<_>, _> = base.points(&TimeArguments::default()).try_collect().await;
    let points = match answer {
        Err(error) if error.is_not_held() => Vec::new(),
        answer => answer.unwrap(),
    };
    let mut seen = Vec::new();
    for point in points {
        let is_new = seen.last().is_none_or(|(ts, _)| *ts != point.ts_epoch);
        if is_new && !base.is_blank(&point.val) {
            seen.push((point.ts_epoch, point.val));
        }
    }
    seen
}

#[tokio::test]
async fn everything_that_the_real_elmond_answered_is_here() {
    let mock = MockElmond::recorded();
    let here = Place::new().await;
    let report = here.copy(&mock.url).await;
    assert!(
        report.complete && report.failures == 0,
        "{report} {:?}",
        report.first_failures
    );
    assert_eq!(report.unfit, 0, "{:?}", report.first_unfit);
    let remote = archive(&mock.url);
    let mut tests = remote.metadata(&MetadataFilters::new());
    let mut compared = 0;
    while let Some(test) = tests.try_next().await.unwrap() {
        let key = &test.metadata_key()[..32];
        for event_type in test.all_event_types() {
            let theirs = answered(&event_type).await;
            let ours = points(&here, key, event_type.name()).await;
            let times = |list: &[(i64, Value)]| list.iter().map(|(ts, _)| *ts).collect::<Vec<_>>();
            let expected: Vec<i64> = theirs.iter().map(|(ts, _)| *ts).collect();
            assert_eq!(times(&ours), expected, "{key} {}", event_type.name());
            for ((_, ours), (ts, theirs)) in ours.iter().zip(&theirs) {
                let seen = esmond_ps_store::view::base(ours);
                let place = format!("{key} {} {ts}", event_type.name());
                match event_type.data_type() {
                    DataType::Integer => {
                        let rounded = theirs.as_f64().unwrap().round();
                        assert_eq!(seen.as_f64(), Some(rounded), "{place}");
                    }
                    DataType::Float | DataType::Percentage => {
                        assert_eq!(seen.as_f64(), theirs.as_f64(), "{place}");
                    }
                    _ => assert_eq!(&seen, theirs, "{place}"),
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared} values were compared");
}
