//! Reading points: exact, complete, in pages, compressed.

use std::io::Read;

use axum::body::Body;
use axum::http::{Method, Request};
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{ARCHIVE, Archive, NOW};

/// An archive with so many points of throughput, one a second from 0.
async fn with_points(count: i64) -> (Archive, String) {
    let archive = Archive::new().await;
    let summaries = json!([{"summary-type": "average", "summary-window": 10}]);
    let key = archive
        .record(&json!([{"event-type": "throughput", "summaries": summaries}]))
        .await;
    let all: Vec<i64> = (0..count).collect();
    for part in all.chunks(50_000) {
        let items: Vec<Value> = part
            .iter()
            .map(|ts| json!({"ts": ts, "val": [{"event-type": "throughput", "val": ts}]}))
            .collect();
        let path = format!("{key}/");
        let answer = archive
            .write(Method::PUT, &path, &json!({ "data": items }))
            .await;
        assert_eq!(answer.status, 201);
    }
    (archive, key)
}

fn times(answer: &Value) -> Vec<i64> {
    let points = answer.as_array().unwrap();
    points
        .iter()
        .map(|point| point["ts"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_hundred_thousand_points_come_in_many_pieces_and_whole() {
    let (archive, key) = with_points(100_000).await;
    let path = format!("{ARCHIVE}{key}/throughput/base?limit=1000000");
    let request = Request::get(&path).body(Body::empty()).unwrap();
    let response = archive.send(request).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("content-length"));
    assert!(!response.headers().contains_key("link"));
    let mut body = response.into_body();
    let (mut pieces, mut largest, mut whole) = (0, 0, Vec::new());
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        pieces += 1;
        largest = largest.max(data.len());
        whole.extend_from_slice(&data);
    }
    assert!(pieces > 10, "{pieces}");
    assert!(largest < whole.len() / 10, "{largest} of {}", whole.len());
    let points: Value = serde_json::from_slice(&whole).unwrap();
    assert!(times(&points).into_iter().eq(0..100_000));

    let request = Request::get(&path).header("accept-encoding", "gzip");
    let answer = archive.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    GzDecoder::new(answer.bytes.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert!(unpacked == whole, "the compressed answer differs");
}

#[tokio::test]
async fn pages_larger_than_a_piece_meet_without_gap_or_overlap() {
    // DIFFERENCE: in data reads of the original the link to the next page is mostly
    // missing.
    let (archive, key) = with_points(6_001).await;
    let (mut offset, mut all) = (0, Vec::new());
    loop {
        let path = format!("{key}/throughput/base?limit=2500&offset={offset}");
        let answer = archive.get(&path).await;
        let page = times(&answer.json());
        all.extend_from_slice(&page);
        let link = answer.header("link").unwrap_or_default().to_owned();
        if !link.contains("rel=\"next\"") {
            assert_eq!(page.len(), 1001);
            break;
        }
        assert_eq!(page.len(), 2500);
        offset += 2500;
        assert!(link.contains(&format!("limit=2500&offset={offset}>; rel=\"next\"")));
    }
    assert!(all.into_iter().eq(0..6_001));

    let exact = archive
        .get(&format!("{key}/throughput/base?limit=6001"))
        .await;
    assert_eq!(exact.header("link"), None);
    let averages = archive
        .get(&format!("{key}/throughput/averages/10?limit=600"))
        .await;
    assert_eq!(averages.json().as_array().unwrap().len(), 600);
    let link = averages.header("link").unwrap();
    assert!(link.contains("limit=600&offset=600"), "{link}");
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let (archive, key) = with_points(3).await;
    for path in ["", &key, &format!("{key}/throughput/base?limit=1")] {
        let get = archive.get(path).await;
        let request = Request::head(format!("{ARCHIVE}{path}"));
        let head = archive.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(head.status, get.status);
        assert!(head.bytes.is_empty());
        for name in ["content-type", "link", "allow", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
}

#[tokio::test]
async fn clients_that_take_zstd_get_it() {
    let (archive, key) = with_points(1000).await;
    let request = Request::get(format!("{ARCHIVE}{key}/throughput/base"))
        .header("accept-encoding", "zstd")
        .body(Body::empty());
    let answer = archive.ask(request.unwrap()).await;
    assert_eq!(answer.header("content-encoding"), Some("zstd"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    assert!(answer.bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
}

#[tokio::test]
async fn digits_of_integers_and_documents_are_kept() {
    // DIFFERENCE: the original rounds to a double.
    let archive = Archive::new().await;
    let key = archive.record(&json!([])).await;
    for (event_type, posted, shown) in [
        ("throughput", "9007199254740993", "9007199254740993.0"),
        (
            "throughput",
            "-9223372036854775808",
            "-9223372036854775808.0",
        ),
        (
            "failures",
            "12345678901234567890.10",
            "12345678901234567890.10",
        ),
        (
            "failures",
            "{\"b\":1,\"a\":[1E5,1.50]}",
            "{\"b\":1,\"a\":[1E5,1.50]}",
        ),
        ("time-error-estimates", "0.1234567890123", "0.1234567890123"),
    ] {
        let ts = posted.len();
        let body = format!("{{\"ts\": {ts}, \"val\": {posted}}}");
        let path = format!("{key}/{event_type}/base");
        let answer = archive.write_text(Method::POST, &path, &body).await;
        assert_eq!(answer.status, 201, "{posted}");
        let answer = archive.get(&format!("{path}?time={ts}")).await;
        let text = String::from_utf8(answer.bytes).unwrap();
        let expected = format!("[{{\"ts\":{ts},\"val\":{shown}}}]");
        // The sign of an exponent may be written out.
        assert_eq!(text.replace("e+5", "E5"), expected);
    }
}

#[tokio::test]
async fn points_after_now_need_an_explicit_end() {
    let archive = Archive::new().await;
    let key = archive.record(&json!([])).await;
    let path = format!("{key}/throughput/base");
    let (soon, later) = (NOW + 3600, NOW + 3601);
    for ts in [-5, NOW, soon, later] {
        let body = json!({"ts": ts, "val": 1});
        assert_eq!(archive.write(Method::POST, &path, &body).await.status, 201);
    }
    for (query, expected) in [
        ("", vec![NOW]),
        ("?time-start=-10", vec![-5, NOW, soon]),
        ("?time-range=10", vec![NOW, soon]),
        (&*format!("?time-end={later}"), vec![NOW, soon, later]),
        (&*format!("?time={later}"), vec![later]),
        (&*format!("?time-start={}", NOW + 7200), vec![]),
        ("?time-end=99999999999999", vec![NOW, soon, later]),
    ] {
        let answer = archive.get(&format!("{path}{query}")).await;
        assert_eq!(times(&answer.json()), expected, "{query}");
    }
}

#[tokio::test]
async fn both_forms_of_a_base_series_are_one() {
    let (archive, key) = with_points(2).await;
    let body = json!({"ts": 7, "val": 7});
    let path = format!("{key}/throughput/base/0");
    assert_eq!(archive.write(Method::POST, &path, &body).await.status, 201);
    for form in ["base", "base/", "base/0", "base/0/"] {
        let answer = archive.get(&format!("{key}/throughput/{form}")).await;
        assert_eq!(times(&answer.json()), [0, 1, 7], "{form}");
    }
    let other = archive.get(&format!("{key}/throughput/base/300")).await;
    assert_eq!(other.json(), json!([]));
}
