//! Metadata records beyond the recordings.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{ARCHIVE, Archive, NOW, config, point_to_point};

#[tokio::test]
async fn a_long_list_is_whole_and_in_order_of_creation() {
    // DIFFERENCE: the keys of the original are random.
    let archive = Archive::new().await;
    let mut keys = Vec::new();
    for number in 0..450 {
        let mut body = point_to_point();
        body["number"] = json!(number);
        let answer = archive.write(Method::POST, "", &body).await;
        keys.push(answer.json()["metadata-key"].clone());
    }
    let answer = archive.get("?limit=1000").await;
    let listed = answer.json();
    let listed = listed.as_array().unwrap();
    assert!(
        listed
            .iter()
            .map(|record| &record["metadata-key"])
            .eq(&keys)
    );
    assert_eq!(listed[0]["metadata-count-total"], json!(450));
    let counted = listed
        .iter()
        .filter(|record| record.get("metadata-count-total").is_some());
    assert_eq!(counted.count(), 1);
    assert_eq!(answer.header("link"), None);

    let page = archive.get("?limit=300&offset=100").await.json();
    assert_eq!(page.as_array().unwrap().len(), 300);
    assert_eq!(page[299]["metadata-key"], keys[399]);
}

#[tokio::test]
async fn the_same_record_posted_by_many_at_once_is_one() {
    let archive = Archive::new().await;
    let body = point_to_point();
    let posts = (0..20).map(|_| archive.write(Method::POST, "", &body));
    let answers = futures_util::future::join_all(posts).await;
    let keys: BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.json()["metadata-key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 1);
    assert_eq!(archive.get("").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_filter_on_the_key_never_shows_one_record_in_the_place_of_another() {
    let archive = Archive::new().await;
    let first = archive.record(&json!([])).await;
    let second = archive.record(&json!([{"event-type": "failures"}])).await;
    let own = archive.get(&format!("{first}/?metadata-key={first}")).await;
    assert_eq!(own.json()["metadata-key"], json!(first));
    let other = archive
        .get(&format!("{first}/?metadata-key={second}"))
        .await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn nothing_is_stored_of_a_record_that_is_refused() {
    // DIFFERENCE: the original leaves half-made records.
    let archive = Archive::new().await;
    let mut body = point_to_point();
    body["destination"] = json!("not-an-address");
    for _ in 0..2 {
        let answer = archive.write(Method::POST, "", &body).await;
        assert_eq!(answer.status, 400);
    }
    assert_eq!(archive.get("").await.json(), json!([]));
}

#[tokio::test]
async fn a_row_updated_in_this_second_is_found_by_this_second() {
    let archive = Archive::new().await;
    let key = archive.record(&json!([])).await;
    let body = json!({"ts": 1, "val": 1});
    let path = format!("{key}/throughput/base");
    archive.write(Method::POST, &path, &body).await;
    for query in [
        format!("time={NOW}"),
        format!("time-end={NOW}"),
        format!("time-start={NOW}"),
        "time-range=0".to_owned(),
    ] {
        let answer = archive.get(&format!("?{query}")).await;
        // DIFFERENCE: the original misses it for its hidden microseconds.
        assert_eq!(answer.json().as_array().unwrap().len(), 1, "{query}");
    }
    let answer = archive.get(&format!("?time-end={}", NOW - 1)).await;
    assert_eq!(answer.json(), json!([]));
}

async fn asked_as(archive: &Archive, path: &str, headers: &[(&str, &str)]) -> Value {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    archive
        .ask(request.body(Body::empty()).unwrap())
        .await
        .json()
}

#[tokio::test]
async fn addresses_follow_the_way_the_request_came() {
    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let archive = Archive::with(config).await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    let forwarded = [
        ("host", "inside"),
        ("x-forwarded-host", "archive.example.org"),
        ("x-forwarded-proto", "https"),
    ];
    for (prefix, headers, origin) in [
        ("/esmond", &forwarded[..1], "http://inside"),
        ("", &forwarded[..1], "http://inside"),
        ("/esmond", &forwarded[..], "https://archive.example.org"),
        ("", &[("host", "a\"b")], "http://localhost"),
    ] {
        let path = format!("{prefix}/perfsonar/archive/");
        let list = asked_as(&archive, &path, headers).await;
        assert_eq!(list[0]["url"], json!(format!("{origin}{path}{key}/")));
        assert_eq!(list[0]["uri"], json!(format!("{path}{key}/")));
        assert_eq!(
            list[0]["event-types"][0]["base-uri"],
            json!(format!("{path}{key}/throughput/base"))
        );
    }
    let root = asked_as(&archive, "/esmond/perfsonar", &forwarded).await;
    let expected = format!("https://archive.example.org{ARCHIVE}");
    assert_eq!(root["archive"], json!(expected));
}

#[tokio::test]
async fn any_site_may_read_and_every_answer_says_so() {
    let archive = Archive::new().await;
    for path in ["", "nosuch/", "x/y/z/1/2"] {
        let answer = archive.get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}
