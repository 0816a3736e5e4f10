//! Checks: metadata records.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use esmond_ps_model::{Summary, SummaryType};

use super::Backend;
use super::support::{create, found, key, record, stored, texts, together};
use crate::{Error, EventTypeRecord, NewRecord, Record, Search, Store};

pub async fn a_record_is_read_back_as_it_was_stored(backend: &impl Backend) {
    let store = backend.open().await;
    let new = NewRecord {
        parameters: texts(&[
            ("bw_x", "1"),
            ("bw-y", ""),
            ("it's", "\"; DROP TABLE record; --"),
            ("ünïcode", "\u{1f600}\n\u{0}"),
        ]),
        ..record(
            "2001:db8::1",
            &[
                ("throughput", &[]),
                (
                    "packet-loss-rate",
                    &[
                        (SummaryType::Aggregation, 86400),
                        (SummaryType::Aggregation, 0),
                        (SummaryType::Aggregation, 900),
                    ],
                ),
                (
                    "histogram-rtt",
                    &[
                        (SummaryType::Statistics, 300),
                        (SummaryType::Aggregation, 3600),
                    ],
                ),
            ],
        )
    };
    let event_type = |name: &str, summaries: &[(SummaryType, i64)]| EventTypeRecord {
        name: name.to_owned(),
        time_updated: None,
        removed_until: None,
        summaries: summaries
            .iter()
            .map(|(summary_type, window)| Summary {
                summary_type: *summary_type,
                window: *window,
            })
            .collect(),
    };
    let (created, is_new) = store.create(&key(7), &new).await.expect("it is stored");
    assert!(is_new && created.created.is_some());
    let expected = Record {
        key: key(7),
        identity: new.identity(),
        created: created.created,
        subject_type: new.subject_type.clone(),
        subject: new.subject.clone(),
        parameters: new.parameters.clone(),
        event_types: vec![
            event_type(
                "histogram-rtt",
                &[
                    (SummaryType::Aggregation, 3600),
                    (SummaryType::Statistics, 300),
                ],
            ),
            event_type(
                "packet-loss-rate",
                &[
                    (SummaryType::Aggregation, 0),
                    (SummaryType::Aggregation, 900),
                    (SummaryType::Aggregation, 86400),
                ],
            ),
            event_type("throughput", &[]),
        ],
    };
    assert_eq!(created, expected);
    assert_eq!(stored(&store, &key(7)).await, expected);
}

pub async fn a_record_may_be_bare(backend: &impl Backend) {
    let store = backend.open().await;
    let bare = NewRecord {
        subject_type: "point-to-point".to_owned(),
        ..NewRecord::default()
    };
    let key = create(&store, 1, &bare).await;
    let stored = stored(&store, &key).await;
    assert_eq!(stored.event_types, []);
    assert!(stored.subject.is_empty() && stored.parameters.is_empty());
}

pub async fn an_equal_record_is_not_stored_again(backend: &impl Backend) {
    let store = backend.open().await;
    let new = NewRecord {
        parameters: texts(&[("tool", "IPERF3")]),
        ..record("10.0.0.1", &[("throughput", &[])])
    };
    create(&store, 1, &new).await;
    let other_case = NewRecord {
        parameters: texts(&[("tool", "iperf3")]),
        ..new.clone()
    };
    for again in [new, other_case] {
        let (returned, is_new) = store.create(&key(2), &again).await.expect("it is read");
        assert!(!is_new);
        assert_eq!(returned.key, key(1));
        assert_eq!(returned.parameters, texts(&[("tool", "IPERF3")]));
    }
    assert_eq!(found(&store, &Search::default()).await, [key(1)]);
}

pub async fn another_set_of_summaries_makes_another_record(backend: &impl Backend) {
    let store = backend.open().await;
    let hourly = (SummaryType::Average, 3600);
    create(&store, 1, &record("a", &[("throughput", &[])])).await;
    create(&store, 2, &record("a", &[("throughput", &[hourly])])).await;
    create(&store, 3, &record("a", &[])).await;
    create(&store, 4, &record("b", &[])).await;
    assert_eq!(found(&store, &Search::default()).await.len(), 4);
}

pub async fn an_unknown_key_has_no_record(backend: &impl Backend) {
    let store = backend.open().await;
    create(&store, 1, &record("a", &[])).await;
    for unknown in [key(2).as_str(), "", "'"] {
        assert_eq!(store.record(unknown).await.expect("it is looked up"), None);
    }
}

pub async fn a_key_that_is_taken_is_not_given_away(backend: &impl Backend) {
    let store = backend.open().await;
    create(&store, 1, &record("a", &[])).await;
    let before = stored(&store, &key(1)).await;
    let refused = store.create(&key(1), &record("b", &[])).await;
    assert!(
        matches!(&refused, Err(Error::KeyTaken(taken)) if *taken == key(1)),
        "{refused:?}"
    );
    assert_eq!(stored(&store, &key(1)).await, before);
    // The refused record can be stored under a key of its own.
    create(&store, 2, &record("b", &[])).await;
}

pub async fn many_creations_at_once_make_one_record(backend: &impl Backend) {
    let store = backend.open().await;
    let new = record("a", &[("throughput", &[(SummaryType::Average, 3600)])]);
    let keys: Vec<String> = (1..=40).map(key).collect();
    let results = together(keys.iter().map(|key| store.create(key, &new))).await;
    let results: Vec<(Record, bool)> = results
        .into_iter()
        .map(|result| result.expect("it is stored or read"))
        .collect();
    assert_eq!(results.iter().filter(|(_, new)| *new).count(), 1);
    let first = &results[0].0;
    assert!(results.iter().all(|(record, _)| record == first));
    let all = found(&store, &Search::default()).await;
    assert_eq!(all, std::slice::from_ref(&first.key));
}
