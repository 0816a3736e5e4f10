//! No way to write without credentials; keys are compared by their digests.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_store::{KeyHash, Store};
use serde_json::{Value, json};

use crate::double::Double;
use crate::support::{ARCHIVE, Archive, KEY, config, point_to_point};

const METHODS: [&str; 12] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND",
    "BREW", "post",
];

/// Spellings of where the archive is.
const PLACES: [&str; 8] = [
    "/esmond/perfsonar/archive",
    "/perfsonar/archive",
    "/esmond//perfsonar/archive",
    "//esmond/perfsonar/archive",
    "/esmond/perfsonar%2Farchive",
    "/%65smond/perfson%61r/archive",
    "/esmond/perfsonar/./archive",
    "/healthz/../perfsonar/archive",
];

/// What can follow.
const RESOURCES: [&str; 14] = [
    "",
    "/",
    "//",
    "/KEY",
    "/KEY/",
    "/KEY/throughput",
    "/KEY/throughput/base",
    "/KEY/throughput/base/",
    "/KEY/throughput/base/0",
    "/KEY/throughput/base/@0",
    "/KEY%2Fthroughput%2Fbase",
    "/KEY//throughput/base",
    "/KEY/throughput/averages/300",
    "/KEY/throughput/averages",
];

const ROOT: [&str; 8] = [
    "/logstash",
    "/logstash/",
    "//logstash",
    "/esmond/logstash",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/perfsonar/",
];

/// What strangers send to be taken for somebody, or for another method.
const PRETENCES: [(&str, &str); 20] = [
    ("x-nothing", ""),
    ("x-http-method-override", "PUT"),
    ("x-http-method", "POST"),
    ("x-method-override", "POST"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-real-ip", "203.0.113.7"),
    ("forwarded", "for=203.0.113.7"),
    ("client-ip", "203.0.113.7"),
    ("remote-user", "perfsonar"),
    ("x-remote-user", "perfsonar"),
    (
        "cookie",
        "sessionid=0123456789abcdef0123456789abcdef01234567",
    ),
    ("authorization", ""),
    ("authorization", "Token"),
    (
        "authorization",
        "Token 0123456789abcdef0123456789abcdef01234568",
    ),
    (
        "authorization",
        "Token 0123456789ABCDEF0123456789ABCDEF01234567",
    ),
    (
        "authorization",
        "Bearer 0123456789abcdef0123456789abcdef01234567",
    ),
    (
        "authorization",
        "ApiKey :0123456789abcdef0123456789abcdef01234567",
    ),
    (
        "authorization",
        "ApiKey other:0123456789abcdef0123456789abcdef01234567",
    ),
    ("authorization", "Basic cGVyZnNvbmFyOg=="),
    ("authorization", "Digest username=\"perfsonar\""),
];

/// A body that every kind of write takes, but for that of pScheduler.
fn body(key: &str) -> Value {
    let mut body = point_to_point();
    body["ts"] = json!(1);
    body["val"] = json!(2);
    body["data"] = json!([{"ts": 1, "val": [{"event-type": "throughput", "val": 2}]}]);
    body["_method"] = json!("PUT");
    body["of"] = json!(key);
    body
}

async fn stage() -> (Archive, std::sync::Arc<Double>, String) {
    let archive = Archive::new().await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    let network = "203.0.113.0/24".parse().unwrap();
    archive
        .store
        .add_network("perfsonar", network)
        .await
        .unwrap();
    let store = Double::new(archive.store.clone());
    (archive.over(store.clone(), config()), store, key)
}

fn paths(key: &str) -> Vec<String> {
    let below = PLACES
        .iter()
        .flat_map(|place| RESOURCES.iter().map(move |rest| format!("{place}{rest}")));
    let root = ROOT.iter().map(|path| (*path).to_owned());
    below
        .chain(root)
        .map(|path| path.replace("KEY", key))
        .collect()
}

#[tokio::test]
async fn nobody_writes_without_credentials_by_any_route_verb_or_pretence() {
    let (archive, store, key) = stage().await;
    let body = body(&key).to_string();
    let before = archive.store.usage(0).await.unwrap();
    for path in paths(&key) {
        for method in METHODS {
            for (name, value) in PRETENCES {
                let request = Request::builder()
                    .method(method)
                    .uri(&path)
                    .header(name, value)
                    .header("content-type", "application/json")
                    .body(Body::from(body.clone()))
                    .unwrap();
                let status = archive.send(request).await.status();
                let reads = ["GET", "HEAD", "OPTIONS"].contains(&method);
                let refused = [400, 401, 404, 405].contains(&status.as_u16());
                assert!(
                    refused || (reads && status == 200),
                    "{status}: {method} {path} {name}: {value}"
                );
            }
        }
    }
    for query in [
        "_method=PUT",
        "api_key=KEY",
        "username=perfsonar",
        "username=perfsonar&api_key=",
    ] {
        let path = format!("{ARCHIVE}?{}", query.replace("KEY", KEY));
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.clone()));
        assert_eq!(
            archive.send(request.unwrap()).await.status(),
            401,
            "{query}"
        );
    }
    assert_eq!(store.writes.load(Ordering::Relaxed), 0);
    assert_eq!(archive.store.usage(0).await.unwrap(), before);
}

#[tokio::test]
async fn with_a_key_the_same_requests_write_by_the_routes_that_take_them() {
    let (archive, store, key) = stage().await;
    let mut written = Vec::new();
    for path in paths(&key) {
        for method in METHODS {
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header("authorization", format!("Token {KEY}"))
                .header("content-type", "application/json")
                .body(Body::from(body(&key).to_string()))
                .unwrap();
            archive.send(request).await;
            if store.writes.swap(0, Ordering::Relaxed) > 0 {
                written.push(format!("{method} {path}"));
            }
        }
    }
    // Five spellings of the place, each with two forms of the list and the record,
    // and five of the series.
    assert_eq!(written.len(), 5 * (2 + 2 + 5), "{written:#?}");
    assert!(
        written
            .iter()
            .all(|one| one.starts_with("POST /") || one.starts_with("PUT /"))
    );
}

#[tokio::test]
async fn every_key_is_hashed_and_looked_up_once_whatever_it_has_in_common_with_a_right_one() {
    let (archive, store, _) = stage().await;
    let keys = [
        "0".to_owned(),
        "f".repeat(40),
        "f".repeat(4000),
        KEY[..39].to_owned(),
        format!("{}8", &KEY[..39]),
        format!("{KEY}0"),
        KEY.to_uppercase(),
        format!("f{}", &KEY[1..]),
    ];
    let mut answers = Vec::new();
    for key in &keys {
        for form in ["Token", "ApiKey perfsonar:", "ApiKey nobody:"] {
            let header = match form.strip_suffix(':') {
                Some(_) => format!("{form}{key}"),
                None => format!("{form} {key}"),
            };
            let request = Request::post(ARCHIVE).header("authorization", header);
            let answer = archive.ask(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401);
            let asked = std::mem::take(&mut *store.keys.lock().unwrap());
            assert_eq!(asked, [KeyHash::of(key)], "{form} {key}");
            answers.push(answer.bytes);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all are refused in the same words");
}

#[tokio::test]
async fn a_verb_that_only_looks_is_never_a_write_even_with_a_key() {
    let (archive, store, key) = stage().await;
    for path in paths(&key) {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for header in [
                "x-http-method-override",
                "x-method-override",
                "x-http-method",
            ] {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(&path)
                    .header(header, "PUT")
                    .header("authorization", format!("Token {KEY}"))
                    .header("content-type", "application/json")
                    .body(Body::from(body(&key).to_string()))
                    .unwrap();
                archive.send(request).await;
            }
        }
    }
    assert_eq!(store.writes.load(Ordering::Relaxed), 0);
}
