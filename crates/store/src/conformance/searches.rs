//! Checks: metadata searches.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{SummaryType, TimeRange};

use super::Backend;
use super::support::{create, found, integers, key, record, texts};
use crate::search::{SeriesSearch, SubjectSearch};
use crate::{NewRecord, Page, Search, Store};

const AGGREGATION: SummaryType = SummaryType::Aggregation;
const AVERAGE: SummaryType = SummaryType::Average;

fn by_subject(name: &str, values: &[&str]) -> Search {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Search {
        subject: vec![SubjectSearch {
            fields: vec![name.to_owned()],
            values,
        }],
        ..Search::default()
    }
}

fn by_parameter(name: &str, value: &str) -> Search {
    Search {
        parameters: vec![(name.to_owned(), value.to_owned())],
        ..Search::default()
    }
}

fn by_series(
    event_type: Option<&str>,
    summary_type: Option<SummaryType>,
    window: Option<i64>,
) -> Search {
    Search {
        series: SeriesSearch {
            event_type: event_type.map(str::to_owned),
            summary_type,
            window,
            updated: None,
        },
        ..Search::default()
    }
}

fn by_update(event_type: Option<&str>, begin: i64, end: Option<i64>) -> Search {
    Search {
        series: SeriesSearch {
            event_type: event_type.map(str::to_owned),
            updated: Some(TimeRange { begin, end }),
            ..SeriesSearch::default()
        },
        ..Search::default()
    }
}

/// Asserts which of the records 1, 2, 3... a search finds.
async fn assert_found(store: &impl Store, search: &Search, expected: &[u32]) {
    let expected: Vec<String> = expected.iter().copied().map(key).collect();
    assert_eq!(found(store, search).await, expected, "{search:?}");
}

pub async fn no_condition_matches_every_record(backend: &impl Backend) {
    let store = backend.open().await;
    assert_found(&store, &Search::default(), &[]).await;
    create(&store, 2, &record("a", &[("throughput", &[])])).await;
    create(&store, 1, &record("b", &[])).await;
    assert_found(&store, &Search::default(), &[1, 2]).await;
}

pub async fn a_key_selects_its_record(backend: &impl Backend) {
    let store = backend.open().await;
    create(&store, 1, &record("a", &[])).await;
    create(&store, 2, &record("b", &[])).await;
    let by_key = |key: String| Search {
        key: Some(key),
        ..Search::default()
    };
    assert_found(&store, &by_key(key(2)), &[2]).await;
    assert_found(&store, &by_key(key(3)), &[]).await;
}

pub async fn subject_types_are_compared_exactly(backend: &impl Backend) {
    let store = backend.open().await;
    let element = NewRecord {
        subject_type: "network-element".to_owned(),
        ..record("a", &[])
    };
    create(&store, 1, &record("a", &[])).await;
    create(&store, 2, &element).await;
    let by_type = |subject_type: &str| Search {
        subject_type: Some(subject_type.to_owned()),
        ..Search::default()
    };
    assert_found(&store, &by_type("network-element"), &[2]).await;
    assert_found(&store, &by_type("Network-Element"), &[]).await;
}

pub async fn subject_values_are_alternatives(backend: &impl Backend) {
    let store = backend.open().await;
    for (number, source) in [(1, "10.0.0.1"), (2, "2001:db8::1"), (3, "10.0.0.11")] {
        create(&store, number, &record(source, &[])).await;
    }
    let sources = |values: &[&str]| by_subject("source", values);
    assert_found(&store, &sources(&["10.0.0.1"]), &[1]).await;
    assert_found(&store, &sources(&["2001:db8::1", "10.0.0.1"]), &[1, 2]).await;
    assert_found(&store, &sources(&["10.0.0.1", "10.0.0.1"]), &[1]).await;
    assert_found(&store, &sources(&["10.0.0"]), &[]).await;
    assert_found(&store, &sources(&["2001:DB8::1"]), &[]).await;
    assert_found(&store, &sources(&[]), &[]).await;
    assert_found(&store, &by_subject("agent", &["10.0.0.1"]), &[]).await;
    // One of several fields is enough.
    let either = |values: &[&str]| {
        let mut search = by_subject("source", values);
        search.subject[0].fields.push("destination".to_owned());
        search
    };
    assert_found(&store, &either(&["10.0.0.1"]), &[1]).await;
    assert_found(&store, &either(&["10.0.0.2"]), &[1, 2, 3]).await;
    assert_found(&store, &either(&["10.0.0.2", "10.0.0.1"]), &[1, 2, 3]).await;
    assert_found(&store, &either(&["30"]), &[]).await;
}

pub async fn all_conditions_must_hold(backend: &impl Backend) {
    let store = backend.open().await;
    create(&store, 1, &record("a", &[("throughput", &[])])).await;
    create(&store, 2, &record("b", &[("throughput", &[])])).await;
    create(&store, 3, &record("a", &[("failures", &[])])).await;
    let mut search = by_subject("source", &["a"]);
    assert_found(&store, &search, &[1, 3]).await;
    search.series.event_type = Some("throughput".to_owned());
    assert_found(&store, &search, &[1]).await;
    search.subject_type = Some("point-to-point".to_owned());
    search.parameters = vec![("time-duration".to_owned(), "30".to_owned())];
    search.subject.push(SubjectSearch {
        fields: vec!["destination".to_owned()],
        values: vec!["10.0.0.2".to_owned(), "10.0.0.3".to_owned()],
    });
    search.key = Some(key(1));
    assert_found(&store, &search, &[1]).await;
    search.key = Some(key(2));
    assert_found(&store, &search, &[]).await;
    search.key = None;
    search
        .parameters
        .push(("time-duration".to_owned(), "31".to_owned()));
    assert_found(&store, &search, &[]).await;
}

pub async fn parameters_are_compared_exactly(backend: &impl Backend) {
    let store = backend.open().await;
    for (number, value) in [(1, "032"), (2, "32"), (3, "TCP"), (4, "")] {
        let new = NewRecord {
            parameters: texts(&[("ip-tos", value)]),
            ..record("a", &[])
        };
        create(&store, number, &new).await;
    }
    assert_found(&store, &by_parameter("ip-tos", "032"), &[1]).await;
    assert_found(&store, &by_parameter("ip-tos", "tcp"), &[]).await;
    assert_found(&store, &by_parameter("ip-tos", ""), &[4]).await;
    assert_found(&store, &by_parameter("ip-tos", "%"), &[]).await;
    assert_found(&store, &by_parameter("IP-TOS", "32"), &[]).await;
}

// DIFFERENCE: the original finds the posted spelling only.
pub async fn dashes_and_underscores_in_names_are_the_same(backend: &impl Backend) {
    let store = backend.open().await;
    for (number, name) in [(1, "bw_a-b"), (2, "bw-a-b"), (3, "bw-a-b-")] {
        let new = NewRecord {
            parameters: texts(&[(name, "1_0")]),
            ..record("a", &[])
        };
        create(&store, number, &new).await;
    }
    for spelling in ["bw_a-b", "bw-a-b", "bw_a_b", "bw-a_b"] {
        assert_found(&store, &by_parameter(spelling, "1_0"), &[1, 2]).await;
    }
    // In values they are not.
    assert_found(&store, &by_parameter("bw-a-b", "1-0"), &[]).await;
}

pub async fn subjects_and_parameters_are_not_mixed_up(backend: &impl Backend) {
    let store = backend.open().await;
    let with_parameter = NewRecord {
        parameters: texts(&[("source", "b")]),
        ..record("a", &[])
    };
    create(&store, 1, &with_parameter).await;
    assert_found(&store, &by_parameter("source", "a"), &[]).await;
    assert_found(&store, &by_parameter("source", "b"), &[1]).await;
    assert_found(&store, &by_subject("source", &["b"]), &[]).await;
}

/// Records with summaries for the checks of series.
async fn summaries(store: &impl Store) {
    let both = record(
        "a",
        &[
            ("throughput", &[(AVERAGE, 3600), (AGGREGATION, 86400)]),
            ("packet-count-sent", &[(AGGREGATION, 300)]),
        ],
    );
    create(store, 1, &both).await;
    let zero = record("a", &[("packet-count-sent", &[(AGGREGATION, 0)])]);
    create(store, 2, &zero).await;
    create(store, 3, &record("a", &[("throughput", &[])])).await;
    create(store, 4, &record("a", &[])).await;
}

pub async fn series_conditions_hold_for_one_series(backend: &impl Backend) {
    let store = backend.open().await;
    summaries(&store).await;
    let (throughput, sent) = (Some("throughput"), Some("packet-count-sent"));
    for (search, expected) in [
        (by_series(throughput, None, None), &[1, 3][..]),
        (by_series(sent, None, None), &[1, 2]),
        (by_series(None, Some(AGGREGATION), None), &[1, 2]),
        (by_series(None, Some(AVERAGE), None), &[1]),
        (by_series(None, Some(SummaryType::Statistics), None), &[]),
        (by_series(None, None, Some(3600)), &[1]),
        (by_series(None, None, Some(300)), &[1]),
        (by_series(None, None, Some(60)), &[]),
        (by_series(throughput, Some(AVERAGE), Some(3600)), &[1]),
        // Each of these holds for some series of the first record, but no two
        // of them for the same.
        (by_series(throughput, Some(AVERAGE), Some(86400)), &[]),
        (by_series(throughput, None, Some(300)), &[]),
        (by_series(sent, Some(AVERAGE), None), &[]),
        (by_series(None, Some(AVERAGE), Some(300)), &[]),
    ] {
        assert_found(&store, &search, expected).await;
    }
}

pub async fn base_series_have_window_zero(backend: &impl Backend) {
    let store = backend.open().await;
    summaries(&store).await;
    let base = Some(SummaryType::Base);
    for (search, expected) in [
        (by_series(None, base, None), &[1, 2, 3][..]),
        (by_series(None, base, Some(0)), &[1, 2, 3]),
        (by_series(None, base, Some(3600)), &[]),
        (by_series(Some("throughput"), base, Some(0)), &[1, 3]),
        (by_series(Some("failures"), base, None), &[]),
    ] {
        assert_found(&store, &search, expected).await;
    }
}

pub async fn zero_windows_are_found_with_their_type(backend: &impl Backend) {
    let store = backend.open().await;
    summaries(&store).await;
    for (search, expected) in [
        (by_series(None, None, Some(0)), &[1, 2, 3][..]),
        (by_series(None, Some(AGGREGATION), Some(0)), &[2]),
        (by_series(None, Some(AVERAGE), Some(0)), &[]),
        (
            by_series(Some("throughput"), Some(AGGREGATION), Some(0)),
            &[],
        ),
    ] {
        assert_found(&store, &search, expected).await;
    }
}

pub async fn event_types_are_compared_exactly(backend: &impl Backend) {
    let store = backend.open().await;
    summaries(&store).await;
    for name in ["Throughput", "throughput ", "through", "packet_count_sent"] {
        assert_found(&store, &by_series(Some(name), None, None), &[]).await;
    }
}

// DIFFERENCE: the original misses the last second of a range.
pub async fn updates_are_found_by_both_ends_of_the_range(backend: &impl Backend) {
    let store = backend.open().await;
    for (number, now) in [(1, 100), (2, 200), (3, -5)] {
        let new = record(&number.to_string(), &[("throughput", &[(AVERAGE, 300)])]);
        let key = create(&store, number, &new).await;
        let written = store.write(&key, integers("throughput", &[(7, 1)]), now);
        written.await.expect("it is written");
    }
    create(&store, 4, &record("4", &[("throughput", &[])])).await;
    for (begin, end, expected) in [
        (100, Some(100), &[1][..]),
        (100, Some(200), &[1, 2]),
        (101, Some(199), &[]),
        (101, None, &[2]),
        (0, None, &[1, 2]),
        (201, None, &[]),
        (i64::MIN, Some(0), &[3]),
        (i64::MIN, Some(i64::MAX), &[1, 2, 3]),
    ] {
        assert_found(&store, &by_update(None, begin, end), expected).await;
    }
    // The update time is that of the summaries too.
    let mut search = by_update(Some("throughput"), 100, Some(100));
    search.series.summary_type = Some(AVERAGE);
    search.series.window = Some(300);
    assert_found(&store, &search, &[1]).await;
}

pub async fn updates_and_event_types_hold_for_one_series(backend: &impl Backend) {
    let store = backend.open().await;
    let new = record("a", &[("throughput", &[]), ("packet-count-sent", &[])]);
    let key = create(&store, 1, &new).await;
    let written = store.write(&key, integers("throughput", &[(7, 1)]), 100);
    written.await.expect("it is written");
    assert_found(&store, &by_update(Some("throughput"), 1, None), &[1]).await;
    assert_found(&store, &by_update(Some("packet-count-sent"), 1, None), &[]).await;
}

pub async fn pages_follow_the_order_of_keys(backend: &impl Backend) {
    let store = backend.open().await;
    // Stored in another order than that of the keys.
    for number in [5, 3, 1, 4, 2, 16] {
        create(&store, number, &record(&number.to_string(), &[])).await;
    }
    let last = key(16);
    for (after, offset, limit, expected) in [
        (None, 0, 2, &[1, 2][..]),
        (None, 2, 2, &[3, 4]),
        (None, 4, 9, &[5, 16]),
        (None, 6, 9, &[]),
        (None, u64::MAX, u64::MAX, &[]),
        (None, 0, 0, &[]),
        (Some(key(2)), 0, 2, &[3, 4]),
        (Some(key(2)), 3, 2, &[16]),
        (Some(String::new()), 0, 1, &[1]),
        (Some(last), 0, 9, &[]),
    ] {
        let page = Page { offset, limit };
        let records = store
            .search(&Search::default(), after.as_deref(), page)
            .await
            .expect("records are searched");
        let keys: Vec<String> = records.into_iter().map(|record| record.key).collect();
        let expected: Vec<String> = expected.iter().copied().map(key).collect();
        assert_eq!(keys, expected, "after {after:?}, {page:?}");
    }
    let one = by_subject("source", &["1", "4", "5"]);
    let page = Page {
        offset: 1,
        limit: 1,
    };
    let second = store.search(&one, Some(&key(1)), page).await;
    let second = second.expect("records are searched");
    assert_eq!(second[0].key, key(5));
}
