//! The page for users says what really works.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{archive, basic_of, record, sent};
use crate::support::KEY;

const PAGE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/perfsonar5.md"
));

/// Returns the first JSON block of the page that holds a text.
fn block(holding: &str) -> Value {
    let blocks = PAGE.split("```json\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let found = blocks.find(|block| block.contains(holding)).unwrap();
    serde_json::from_str(found).unwrap()
}

#[tokio::test]
async fn the_documented_archiver_sends_what_is_stored() {
    let archiver = block("\"archiver\": \"http\"");
    let data = &archiver["data"];
    let path = data["_url"].as_str().unwrap();
    let path = path.strip_prefix("https://ma.example.org").unwrap();
    let archive = archive().await;
    let (observer, body) = sent().swap_remove(0);
    // What psconfig and the user fill in.
    let user = "Basic cGVyZnNvbmFyOktFWQ==";
    assert_eq!(basic_of("perfsonar", "KEY"), user);
    let mut request = Request::builder()
        .method(data["op"].as_str().unwrap().to_uppercase().as_str())
        .uri(path);
    for (name, value) in data["_headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let value = value.replace("{% scheduled_by_address %}", &observer);
        request = request.header(name, value.replace(user, &basic_of("perfsonar", KEY)));
    }
    let request = request.body(Body::from(body.to_string()));
    let answer = archive.ask(request.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let answer = answer.json();
    assert_eq!(answer["notes"], json!([]));
    let record = record(&archive, &answer).await;
    assert_eq!(record["measurement-agent"], json!(observer));
    assert_eq!(record["input-source"], "thr-a.example.org");
    // pScheduler refuses fields that it does not know.
    let known = [
        "schema",
        "_url",
        "op",
        "verify-ssl",
        "_headers",
        "retry-policy",
    ];
    let fields = data.as_object().unwrap();
    assert!(fields.keys().all(|name| known.contains(&name.as_str())));
    assert_eq!(data["schema"], json!(3));
}

#[tokio::test]
async fn the_documented_answer_is_the_answer() {
    let archive = archive().await;
    let body = block("\"throughput-bits\"");
    let headers = [("x-ps-observer", "192.0.2.50")];
    let mut answer = super::stored(&archive, &body, &headers).await;
    let mut lines = PAGE.lines();
    let documented = lines.find(|line| line.starts_with("{\"metadata-key\""));
    let mut documented: Value = serde_json::from_str(documented.unwrap()).unwrap();
    assert_eq!(answer["metadata-key"].as_str().unwrap().len(), 32);
    for one in [&mut answer, &mut documented] {
        one["metadata-key"] = Value::Null;
    }
    assert_eq!(answer, documented);
}
