//! An archive on a temporary store, and what holds for each of its answers.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Uri};
use esmond_ps_server::{Config, Resolver, router};
use esmond_ps_store::{KeyHash, Store};
use esmond_ps_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

struct Archive {
    runtime: Runtime,
    router: Router,
    /// Key of its record.
    record: String,
}

/// Knows no host: nobody is to be asked for the names that come up.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Resolver for Nobody {
    async fn lookup(&self, _: &str) -> Vec<IpAddr> {
        Vec::new()
    }
}

fn archive() -> &'static Archive {
    static ARCHIVE: OnceLock<Archive> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        // Fuzzing ends without cleaning up: the directory stays.
        let directory = tempfile::tempdir().expect("a directory").keep();
        let store = runtime.block_on(async {
            let store = SqliteStore::open(&directory).await.expect("a store");
            let hash = KeyHash::of(KEY);
            store.put_user("fuzz", Some(&hash)).await.expect("a user");
            store
        });
        let config = Config {
            resolver: Arc::new(Nobody),
            ..Config::default()
        };
        let router = router(Arc::new(store), config);
        let mut archive = Archive {
            runtime,
            router,
            record: String::new(),
        };
        let record = json!({
            "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
            "measurement-agent": "10.1.1.1", "tool-name": "t", "input-source": "a",
            "input-destination": "b",
            "event-types": [
                {"event-type": "throughput", "summaries": [{"summary-type": "average", "summary-window": 300}]},
                {"event-type": "histogram-owdelay", "summaries": [{"summary-type": "statistics", "summary-window": 300}]},
                {"event-type": "packet-loss-rate", "summaries": [{"summary-type": "aggregation", "summary-window": 300}]},
            ]
        });
        let target = "/perfsonar/archive/".parse().expect("an address");
        let body = record.to_string().into_bytes();
        let (_, made) = archive.answer(Method::POST, target, body);
        archive.record = made["metadata-key"].as_str().expect("a key").to_owned();
        archive
    })
}

impl Archive {
    fn answer(&self, method: Method, target: Uri, body: Vec<u8>) -> (u16, Value) {
        let is_text = matches!(target.path(), "/metrics") || method == Method::HEAD;
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", format!("Token {KEY}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await;
            let (head, body) = answer.expect("an answer").into_parts();
            let bytes = to_bytes(body, usize::MAX).await.expect("the whole answer");
            let content = if is_text {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).expect("an answer in JSON")
            };
            (head.status.as_u16(), content)
        })
    }
}

/// Asks, with `KEY` in the target as the key of a record.
///
/// # Panics
///
/// When the answer is none that an archive may give.
pub fn ask(method: &str, target: &str, body: &[u8]) {
    let archive = archive();
    let target = target.replace("KEY", &archive.record);
    let (Ok(method), Ok(target)) = (Method::from_bytes(method.as_bytes()), target.parse::<Uri>())
    else {
        return;
    };
    let looks = method == Method::HEAD || target.path() == "/metrics";
    let (status, content) = archive.answer(method, target, body.to_vec());
    assert!(status < 500, "{status} {content}");
    let is_error = content.get("detail").is_some() || content.get("non_field_errors").is_some();
    assert!(looks || is_error == (status >= 400), "{status} {content}");
}
