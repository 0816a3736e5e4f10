//! A store that has more writes waiting than it can do soon.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use esmond_ps_server::router;
use esmond_ps_store::Error;
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use super::{archive, basic, settings, smallest};
use crate::double::Double;
use crate::support::{ARCHIVE, KEY};

async fn ask(router: &Router, request: Request<Body>) -> (Response<()>, serde_json::Value) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap();
    (Response::from_parts(head, ()), body)
}

#[tokio::test]
async fn a_busy_store_is_429_for_results_and_503_for_others_with_when_to_come_back() {
    let archive = archive().await;
    let key = archive.record(&json!([])).await;
    let store = Double::new(archive.store.clone());
    store.refuse(Some(|| Error::Busy));
    let busy = router(store, settings());

    let request = Request::put("/logstash")
        .header("authorization", basic())
        .body(Body::from(smallest().to_string()));
    let (head, body) = ask(&busy, request.unwrap()).await;
    assert_eq!(head.status(), 429);
    assert_eq!(head.headers()["retry-after"], "1");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("Nothing of this one is stored"), "{detail}");

    let points = json!({"data": [
        {"ts": 1, "val": [{"event-type": "throughput", "val": 1}]}
    ]});
    let request = Request::put(format!("{ARCHIVE}{key}/"))
        .header("authorization", format!("Token {KEY}"))
        .header("content-type", "application/json")
        .body(Body::from(points.to_string()));
    let (head, body) = ask(&busy, request.unwrap()).await;
    assert_eq!(head.status(), 503);
    assert_eq!(head.headers()["retry-after"], "1");
    assert!(body["detail"].as_str().unwrap().contains("waiting"));

    // What came too early is stored when it comes again.
    let again = super::stored(&archive, &smallest(), &[]).await;
    assert_eq!(again["event-types"].as_array().unwrap().len(), 2);
}
