//! A store that cannot take writes, and more requests than there are places.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use esmond_ps_store::Error;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::double::Double;
use crate::openapi::DESCRIPTION;
use crate::support::{ARCHIVE, Answer, Archive, KEY, config, point_to_point};

fn full() -> Error {
    let source = "disk I/O error of /var/lib/secret".into();
    let doing = "writing points";
    Error::Full { doing, source }
}

fn read_only() -> Error {
    let source = "attempt to write a readonly database".into();
    let doing = "writing points";
    Error::ReadOnly { doing, source }
}

fn result() -> Value {
    json!({
        "schema": 1, "id": "x",
        "test": {"type": "rtt", "spec": {"source": "10.1.1.1", "dest": "10.1.1.2"}},
        "schedule": {"start": "2025-06-15T15:06:40Z", "duration": "PT5S"},
        "participants": ["10.1.1.1"],
        "tool": {"name": "ping", "verbose-name": "ping"},
        "result": {"succeeded": true, "schema": 1, "max": "PT0.001S", "min": "PT0.001S",
            "mean": "PT0.001S", "sent": 1, "received": 1, "lost": 0, "loss": 0.0}
    })
}

/// Every way to write, with the path below the root.
async fn write_by_all_ways(archive: &Archive, key: &str) -> Vec<(Method, String, Answer)> {
    let point = json!({"ts": 7, "val": 1});
    let bulk = json!({"data": [{"ts": 8, "val": [{"event-type": "throughput", "val": 1}]}]});
    let mut record = point_to_point();
    record["of"] = json!("this test");
    let mut answers = Vec::new();
    for (method, path, body) in [
        (Method::POST, ARCHIVE.to_owned(), record),
        (
            Method::POST,
            format!("{ARCHIVE}{key}/throughput/base"),
            point,
        ),
        (Method::PUT, format!("{ARCHIVE}{key}/"), bulk),
        (Method::PUT, "/logstash".to_owned(), result()),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(&path)
            .header("authorization", format!("Token {KEY}"))
            .header("content-type", "application/json");
        let answer = archive
            .ask(request.body(Body::from(body.to_string())).unwrap())
            .await;
        answers.push((method, path, answer));
    }
    answers
}

#[tokio::test]
async fn a_store_that_takes_no_writes_says_why_and_reads_go_on_and_so_do_writes_later() {
    // DIFFERENCE: the original answers 500.
    let archive = Archive::new().await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    let store = Double::new(archive.store.clone());
    let archive = archive.over(store.clone(), config());
    type Refusal = fn() -> Error;
    let refusals: [(Refusal, u16, u16, bool, &str); 3] = [
        (|| Error::Busy, 503, 429, true, "try again soon"),
        (full, 507, 507, false, "no space left"),
        (read_only, 503, 503, false, "can only be read"),
    ];
    for (refusal, status, to_logstash, again, word) in refusals {
        store.refuse(Some(refusal));
        for (method, path, answer) in write_by_all_ways(&archive, &key).await {
            let is_logstash = path == "/logstash";
            let expected = if is_logstash { to_logstash } else { status };
            assert_eq!(answer.status, expected, "{method} {path}");
            assert_eq!(answer.header("retry-after").is_some(), again, "{path}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                detail.contains(word) && detail.contains("Nothing of"),
                "{detail}"
            );
            assert!(!detail.contains("secret"), "{detail}");
            DESCRIPTION.check(method.as_str(), &path, &answer).unwrap();
        }
        let read = archive.get(&format!("{key}/throughput/base")).await;
        assert_eq!(read.json(), json!([]));
        assert_eq!(archive.get("").await.json().as_array().unwrap().len(), 1);
    }
    store.refuse(None);
    for (method, path, answer) in write_by_all_ways(&archive, &key).await {
        assert!(
            answer.status.is_success(),
            "{method} {path} {}",
            answer.json()
        );
    }
    let read = archive.get(&format!("{key}/throughput/base")).await;
    assert_eq!(
        read.json(),
        json!([{"ts": 7, "val": 1.0}, {"ts": 8, "val": 1.0}])
    );
}

async fn read(archive: &Archive, path: &str) -> Answer {
    archive
        .ask(Request::get(path).body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn writes_past_their_places_are_put_off_while_reads_go_on() {
    // DIFFERENCE: the original has no such places.
    let mut config = config();
    config.most_writes = 1;
    let archive = Arc::new(Archive::with(config).await);
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    // A write whose body does not end holds the only place.
    let begun = Arc::new(Notify::new());
    let telling = begun.clone();
    let endless = stream::unfold(false, move |began| {
        let telling = telling.clone();
        async move {
            if began {
                telling.notify_one();
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, Infallible>(Bytes::from_static(b"[")), true))
        }
    });
    let request = Request::put(format!("{ARCHIVE}{key}/"))
        .header("authorization", format!("Token {KEY}"))
        .header("content-type", "application/json")
        .body(Body::from_stream(endless))
        .unwrap();
    let slow = archive.clone();
    let slow = tokio::spawn(async move { slow.send(request).await.status() });
    begun.notified().await;

    for (method, path, answer) in write_by_all_ways(&archive, &key).await {
        let expected = if path == "/logstash" { 429 } else { 503 };
        assert_eq!(answer.status, expected, "{method} {path}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        DESCRIPTION.check(method.as_str(), &path, &answer).unwrap();
    }
    for path in [
        ARCHIVE,
        "/metrics",
        "/healthz",
        &format!("{ARCHIVE}{key}/throughput/base"),
    ] {
        assert_eq!(read(&archive, path).await.status, 200, "{path}");
    }
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
    for (method, path, answer) in write_by_all_ways(&archive, &key).await {
        assert!(answer.status.is_success(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_refused_write_holds_no_place_while_its_answer_waits() {
    let mut config = config();
    config.most_writes = 1;
    let archive = Archive::with(config).await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    let request = Request::put(format!("{ARCHIVE}{key}/"))
        .header("authorization", "Token nobody's")
        .header("content-type", "application/json")
        .body(Body::from_stream(stream::pending::<
            Result<Bytes, Infallible>,
        >()))
        .unwrap();
    let refusal = archive.send(request).await;
    assert_eq!(refusal.status(), 401);
    for (method, path, answer) in write_by_all_ways(&archive, &key).await {
        assert!(answer.status.is_success(), "{method} {path}");
    }
    drop(refusal);
}

#[tokio::test]
async fn reads_past_their_places_are_put_off_while_writes_and_health_go_on() {
    let mut config = config();
    config.most_reads = 1;
    let archive = Archive::with(config).await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    // An answer that is not read to its end.
    let request = Request::get(ARCHIVE).body(Body::empty()).unwrap();
    let unread = archive.send(request).await;
    assert_eq!(unread.status(), 200);
    let answer = read(&archive, ARCHIVE).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(read(&archive, "/healthz").await.status, 200);
    for (method, path, answer) in write_by_all_ways(&archive, &key).await {
        assert!(answer.status.is_success(), "{method} {path}");
    }
    drop(unread);
    assert_eq!(read(&archive, ARCHIVE).await.status, 200);
}
