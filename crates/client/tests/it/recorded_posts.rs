//! What the original library sent (esmond 4.4.6, Python 3.8), against what ours
//! sends for the same calls. Departures are tagged DIFFERENCE.

use std::collections::BTreeSet;

use esmond_ps_client::model::SummaryType;
use esmond_ps_client::{Archive, Credentials, NewMetadata, Posted};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::{Reply, Server};

const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
const METADATA_KEY: &str = "{{metadata_key:12}}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    requests: Vec<Exchange>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    method: String,
    path: String,
    headers: Headers,
    body: Value,
    status: u16,
    answer: Value,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Headers {
    content_type: String,
    authorization: String,
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("data/recorded_posts.json")).unwrap()
}

fn exchanges(name: &str) -> Vec<Exchange> {
    let mut recorded = recorded().into_iter();
    recorded.find(|case| case.name == name).unwrap().requests
}

fn test() -> NewMetadata {
    NewMetadata::point_to_point("10.9.0.1", "10.9.0.2", "10.9.0.1", "t", "a", "b")
}

#[test]
fn metadata_is_described_as_recorded() {
    let same = |_: &mut Value| ();
    type Departure = fn(&mut Value);
    let cases: Vec<(&str, NewMetadata, Departure)> = vec![
        ("mp-payload-empty", test(), same),
        (
            "mp-payload-optional",
            test().time_duration(20).ip_transport_protocol("tcp"),
            same,
        ),
        ("mp-payload-pretty", test().event_type("throughput"), same),
        ("mp-payload-zero-duration", test().time_duration(0), same),
        (
            // DIFFERENCE: an event type is sent once.
            "mp-add-event-type-twice",
            test().event_type("throughput").event_type("throughput"),
            |payload| {
                payload["event-types"].as_array_mut().unwrap().pop();
            },
        ),
        (
            "mp-add-event-type-unknown",
            test().event_type("bogus"),
            same,
        ),
        (
            // DIFFERENCE: summaries stand in the order in which they were added,
            // and windows are numbers however they were given.
            "mp-add-summary",
            test()
                .event_type("throughput")
                .summary("throughput", SummaryType::Average, 3600)
                .summary("throughput", SummaryType::Average, 86_400)
                .summary("throughput", SummaryType::Aggregation, 60)
                .summary("throughput", SummaryType::Average, 3600),
            |payload| {
                let summaries = payload["event-types"][0]["summaries"]
                    .as_array_mut()
                    .unwrap();
                summaries.rotate_left(1);
                summaries[2]["summary-window"] = json!(60);
            },
        ),
        (
            // DIFFERENCE: a further window is added; it does not replace the others.
            "mp-add-summary-replaces-same-type",
            test()
                .summary("throughput", SummaryType::Average, 3600)
                .summary("throughput", SummaryType::Average, 60)
                .summary("throughput", SummaryType::Average, 7200),
            |payload| {
                let summaries = payload["event-types"][0]["summaries"]
                    .as_array_mut()
                    .unwrap();
                summaries.insert(
                    0,
                    json!({"summary-type": "average", "summary-window": 3600}),
                );
            },
        ),
        ("mp-add-summary-no-windows", test(), same),
        (
            // DIFFERENCE: the last value counts.
            "mp-freeform",
            test()
                .parameter("ip-tos", 0)
                .parameter("ip-tos", 32)
                .parameter("ip-tos", 64),
            |payload| payload["ip-tos"] = json!(64),
        ),
        (
            // DIFFERENCE: null is not sent; archives fail at it.
            "mp-freeform-none",
            test().parameter("x", Value::Null),
            |payload| {
                payload.as_object_mut().unwrap().shift_remove("x");
            },
        ),
        (
            // DIFFERENCE: the original loses it.
            "mp-freeform-optional",
            test().parameter("time-duration", 30),
            |payload| payload["time-duration"] = json!(30),
        ),
    ];
    let mut open: BTreeSet<String> = recorded()
        .into_iter()
        .filter(|case| !case.payload.is_null() && case.name.starts_with("mp-"))
        .map(|case| case.name)
        .collect();
    for (name, ours, departure) in cases {
        let case = recorded()
            .into_iter()
            .find(|case| case.name == name)
            .unwrap();
        let mut expected = case.payload;
        departure(&mut expected);
        assert_eq!(ours.to_json().unwrap(), expected, "{name}");
        open.remove(name);
    }
    assert!(open.is_empty(), "not compared: {open:?}");
}

/// An archive that answers as recorded, and after that that all is well.
async fn replay(exchanges: &[Exchange]) -> (Server, Archive) {
    let answers: Vec<_> = exchanges
        .iter()
        .map(|exchange| {
            let body = exchange.answer.to_string();
            Reply::new(exchange.status, "application/json", body)
        })
        .collect();
    let server = Server::start(move |_, number| {
        let done = || Reply::new(201, "application/json", r#""""#);
        answers.get(number).cloned().unwrap_or_else(done)
    })
    .await;
    let archive = Archive::builder(server.url())
        .script_alias("/")
        .credentials(Credentials::token("perfsonar", KEY))
        .build()
        .unwrap();
    (server, archive)
}

/// Compares what was sent with what was recorded, and with what ours sends in
/// addition: method, path and body.
fn assert_sent(name: &str, server: &Server, recorded: &[Exchange], more: &[(&str, &str, Value)]) {
    let path = |path: &str| path.replace("{{", "%7B%7B").replace("}}", "%7D%7D");
    let asked = server.asked();
    let expected: Vec<_> = recorded
        .iter()
        .map(|exchange| {
            (
                exchange.method.as_str(),
                path(&exchange.path),
                &exchange.body,
            )
        })
        .chain(
            more.iter()
                .map(|(method, to, body)| (*method, path(to), body)),
        )
        .collect();
    let sent: Vec<_> = asked
        .iter()
        .map(|asked| (asked.method.as_str(), asked.path.clone(), &asked.body))
        .collect();
    assert_eq!(sent, expected, "{name}");
    for (asked, exchange) in asked.iter().zip(recorded) {
        let Headers {
            content_type,
            authorization,
        } = &exchange.headers;
        assert_eq!(asked.header("content-type"), Some(content_type.as_str()));
        assert_eq!(asked.header("authorization"), Some(authorization.as_str()));
    }
}

#[tokio::test]
async fn metadata_is_posted_as_recorded() {
    let recorded = exchanges("mp-post");
    let (server, archive) = replay(&recorded).await;
    let metadata = test().event_type("throughput").event_type("failures");
    let created = archive.post_metadata(&metadata).await.unwrap();
    assert_sent("mp-post", &server, &recorded, &[]);
    let event_types: Vec<_> = created.event_types().collect();
    assert_eq!(created.metadata_key(), METADATA_KEY);
    assert_eq!(event_types, ["failures", "throughput"]);
    assert_eq!(created.source().as_deref(), Some("10.9.0.1"));

    let recorded = exchanges("mp-post-error");
    let (server, archive) = replay(&recorded).await;
    let refused = archive.post_metadata(&test().event_type("bogus")).await;
    assert_sent("mp-post-error", &server, &recorded, &[]);
    let text = refused.unwrap_err().to_string();
    assert!(
        text.ends_with("answers 400 Bad Request: Invalid event-type bogus"),
        "{text}"
    );
}

#[tokio::test]
async fn single_points_are_posted_as_recorded() {
    for (name, points) in [
        ("et-post", &[(1_398_965_989, 5), (1_398_966_049, 6)][..]),
        ("et-post-conflict", &[(1_398_965_989, 5)]),
        (
            "et-post-stops-at-first-error",
            &[(1_398_966_100, 5), (1_398_965_989, 5), (1_398_966_200, 5)],
        ),
    ] {
        let recorded = exchanges(name);
        let (server, archive) = replay(&recorded).await;
        let mut posted = Posted::default();
        for (ts, value) in points {
            let value = json!(value);
            posted += archive
                .post_point(METADATA_KEY, "throughput", *ts, &value)
                .await
                .unwrap();
        }
        // DIFFERENCE: a point that is there already does not end the others.
        let more = [(
            "POST",
            "/perfsonar/archive/{{metadata_key:12}}/throughput/base",
            json!({"ts": 1_398_966_200, "val": 5}),
        )];
        let more = if points.len() == 3 { &more[..] } else { &[] };
        assert_sent(name, &server, &recorded, more);
        let conflicts = recorded.iter().filter(|exchange| exchange.status == 409);
        assert_eq!(posted.already_there, conflicts.count(), "{name}");
        assert_eq!(posted.stored + posted.already_there, points.len(), "{name}");
    }
}

#[tokio::test]
async fn bulk_requests_are_sent_as_recorded() {
    for (name, stored, already_there) in [("bulk-post", 3, 0), ("bulk-post-conflict", 2, 1)] {
        let recorded = exchanges(name);
        let (server, archive) = replay(&recorded).await;
        let mut writer = archive.writer(METADATA_KEY);
        writer.add("throughput", 90, 1).unwrap();
        writer.add("throughput", 120, 2).unwrap();
        writer.add("failures", 90, json!({"error": "x"})).unwrap();
        let posted = writer.flush().await.unwrap();
        // DIFFERENCE: what stands behind the conflict is not lost.
        let more = [
            (
                "POST",
                "/perfsonar/archive/{{metadata_key:12}}/failures/base",
                json!({"ts": 90, "val": {"error": "x"}}),
            ),
            (
                "POST",
                "/perfsonar/archive/{{metadata_key:12}}/throughput/base",
                json!({"ts": 120, "val": 2}),
            ),
        ];
        let more = if already_there == 0 { &[] } else { &more[..] };
        assert_sent(name, &server, &recorded, more);
        assert_eq!(
            (posted.stored, posted.already_there),
            (stored, already_there)
        );
        assert!(writer.is_empty());
    }
}

#[tokio::test]
async fn an_empty_bulk_is_not_sent() {
    // DIFFERENCE: the original sends a request without points.
    let (server, archive) = replay(&exchanges("bulk-post-empty")).await;
    let posted = archive.writer(METADATA_KEY).flush().await.unwrap();
    assert_eq!(posted, Posted::default());
    assert!(server.asked().is_empty());
}
