//! Forms of addresses: those of esmond and those of perfSONAR 5.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use crate::support::Archive;

#[tokio::test]
async fn clients_of_esmond_and_of_perfsonar_5_find_what_they_ask_for() {
    // DIFFERENCE: the original redirects to the form with a slash.
    let archive = Archive::new().await;
    let summaries = json!([{"summary-type": "average", "summary-window": 86400}]);
    let event_types = json!([{"event-type": "throughput", "summaries": summaries}]);
    let key = archive.record(&event_types).await;
    let point = json!({"ts": 1_740_830_400, "val": 5});
    let path = format!("{key}/throughput/base");
    assert_eq!(archive.write(Method::POST, &path, &point).await.status, 201);

    let base = json!([{"ts": 1_740_830_400, "val": 5.0}]);
    let day = json!([{"ts": 1_740_787_200, "val": 5.0}]);
    for (path, expected) in [
        // perfSONAR 5 serves these three without a slash at the end, esmond with one.
        (key.clone(), None),
        (format!("{key}/throughput/base/0"), Some(&base)),
        (format!("{key}/throughput/averages/86400"), Some(&day)),
        // And these are of esmond alone.
        (format!("{key}/throughput"), None),
        (format!("{key}/throughput/base"), Some(&base)),
        (format!("{key}/throughput/averages"), None),
        (String::new(), None),
    ] {
        for alias in ["/esmond", ""] {
            for slash in ["", "/"] {
                let list = format!("{alias}/perfsonar/archive");
                let uri = match path.as_str() {
                    "" => format!("{list}{slash}"),
                    path => format!("{list}/{path}{slash}"),
                };
                let ask = |method: Method| {
                    let request = Request::builder().method(method).uri(&uri);
                    archive.ask(request.body(Body::empty()).unwrap())
                };
                let read = ask(Method::GET).await;
                assert_eq!(read.status, 200, "{uri}");
                if let Some(expected) = expected {
                    assert_eq!(read.json(), *expected, "{uri}");
                }
                let head = ask(Method::HEAD).await;
                assert_eq!(head.status, 200, "{uri}");
                assert_eq!(head.header("content-type"), Some("application/json"));
                assert!(head.bytes.is_empty(), "{uri}");
            }
        }
    }
    let record = archive.get(&key).await.json();
    assert_eq!(record["metadata-key"], json!(key));
}
