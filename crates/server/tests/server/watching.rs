//! What tells how the archive is: health, metrics, the access log.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_server::{Access, Config};
use serde_json::json;

use crate::support::{ARCHIVE, Answer, Archive, KEY, config};

async fn ask(archive: &Archive, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    archive.ask(request.body(Body::empty()).unwrap()).await
}

async fn metrics(archive: &Archive) -> String {
    let answer = ask(archive, Method::GET, "/metrics").await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.bytes).unwrap()
}

/// The value of a metric with these labels, in any order; zero if it is not there.
fn value(text: &str, name: &str, labels: &[&str]) -> f64 {
    let line = text.lines().find(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    line.map_or(0.0, |line| {
        line.rsplit(' ').next().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn health_is_told_to_anybody_at_the_root() {
    // DIFFERENCE: the original has nothing of the kind.
    let archive = Archive::with(Config {
        require_auth_for_reads: true,
        ..config()
    })
    .await;
    let answer = ask(&archive, Method::GET, "/healthz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"status": "ok"}));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(ask(&archive, Method::HEAD, "/healthz").await.status, 200);
    let answer = ask(&archive, Method::POST, "/healthz").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(answer.json()["detail"], "Method \"POST\" not allowed.");
}

#[tokio::test]
async fn metrics_count_requests_points_and_conflicts() {
    // DIFFERENCE: the original has nothing of the kind.
    let archive = Archive::new().await;
    let key = archive.record(&json!([{"event-type": "throughput"}])).await;
    let path = format!("{key}/");
    let point = |ts: i64| json!({"ts": ts, "val": [{"event-type": "throughput", "val": 1}]});
    let body = json!({"data": [point(1), point(2), point(3)]});
    assert_eq!(archive.write(Method::PUT, &path, &body).await.status, 201);
    let body = json!({"data": [point(3), point(4)]});
    assert_eq!(archive.write(Method::PUT, &path, &body).await.status, 409);
    for _ in 0..3 {
        let path = format!("{key}/throughput/base");
        assert_eq!(archive.get(&path).await.status, 200);
    }
    assert_eq!(archive.get("bogus/").await.status, 404);
    let text = metrics(&archive).await;
    let requests = |labels: &[&str]| value(&text, "esmond_ps_http_requests_total", labels);
    let put = "method=\"PUT\"";
    assert_eq!(
        requests(&[put, "resource=\"record\"", "status=\"201\""]),
        1.0
    );
    assert_eq!(
        requests(&[put, "resource=\"record\"", "status=\"409\""]),
        1.0
    );
    let get = "method=\"GET\"";
    assert_eq!(requests(&[get, "resource=\"base\"", "status=\"200\""]), 3.0);
    assert_eq!(
        requests(&[get, "resource=\"record\"", "status=\"404\""]),
        1.0
    );
    assert_eq!(value(&text, "esmond_ps_points_written_total", &[]), 4.0);
    assert_eq!(value(&text, "esmond_ps_points_conflicting_total", &[]), 1.0);
    let count = "esmond_ps_http_request_duration_seconds_count";
    assert_eq!(value(&text, count, &["resource=\"base\""]), 3.0);
    // This very request.
    assert_eq!(value(&text, "esmond_ps_http_requests_under_way", &[]), 1.0);
    assert!(
        value(&text, "esmond_ps_store_size_bytes", &[]) > 0.0,
        "{text}"
    );
    assert!(
        text.contains("\nesmond_ps_store_writes_waiting 0\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn what_clients_choose_never_becomes_a_label() {
    let archive = Archive::new().await;
    for number in 0..50 {
        archive.get(&format!("key{number}/type{number}/base")).await;
        ask(&archive, Method::GET, &format!("/path{number}")).await;
        let method = Method::from_bytes(format!("BREW{number}").as_bytes()).unwrap();
        ask(&archive, method, ARCHIVE).await;
    }
    let text = metrics(&archive).await;
    let lines = text
        .lines()
        .filter(|line| line.starts_with("esmond_ps_http_requests_total"));
    assert_eq!(lines.count(), 3, "{text}");
    let other = &["method=\"GET\"", "resource=\"other\"", "status=\"404\""];
    assert_eq!(value(&text, "esmond_ps_http_requests_total", other), 50.0);
}

#[tokio::test]
async fn reading_can_need_credentials() {
    // DIFFERENCE: the original lets everybody read.
    let archive = Archive::with(Config {
        require_auth_for_reads: true,
        ..config()
    })
    .await;
    for path in [
        ARCHIVE,
        "/metrics",
        "/esmond/perfsonar/",
        "/esmond/perfsonar/archive/x/",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(&archive, method, path).await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.header("www-authenticate"), Some("Token"));
        }
        let request = Request::get(path).header("authorization", format!("Token {KEY}"));
        let answer = archive.ask(request.body(Body::empty()).unwrap()).await;
        assert_ne!(answer.status, 401, "{path}");
    }
    // Browsers ask this before they send credentials.
    assert_eq!(ask(&archive, Method::OPTIONS, ARCHIVE).await.status, 200);
}

#[tokio::test]
async fn every_request_is_noted_without_its_credentials() {
    let noted = Arc::new(Mutex::new(Vec::<Access>::new()));
    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let log = noted.clone();
    config.access_log = Some(Arc::new(move |access: &Access| {
        log.lock().unwrap().push(access.clone());
    }));
    let archive = Archive::with(config).await;
    let path = format!("{ARCHIVE}?limit=5&username=perfsonar&api_key={KEY}");
    let request = Request::get(path)
        .header("x-forwarded-for", "192.0.2.7")
        .header("user-agent", "meter/1");
    let answer = archive.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    ask(&archive, Method::HEAD, "/nothing").await;
    // A client that leaves without reading its answer.
    drop(
        archive
            .send(Request::get(ARCHIVE).body(Body::empty()).unwrap())
            .await,
    );
    let noted = noted.lock().unwrap();
    let [whole, head, cut] = noted.as_slice() else {
        panic!("{noted:?}");
    };
    assert_eq!(whole.path, ARCHIVE);
    assert_eq!(whole.query, "limit=5");
    assert_eq!(whole.user.as_deref(), Some("perfsonar"));
    assert_eq!(whole.client, "192.0.2.7".parse().ok());
    assert_eq!(whole.user_agent.as_deref(), Some("meter/1"));
    assert_eq!((whole.status, whole.complete), (200, true));
    assert_eq!(whole.bytes, u64::try_from(answer.bytes.len()).unwrap());
    assert!(!format!("{noted:?}").contains(KEY));
    assert_eq!(
        (head.status, head.method.as_str(), head.complete),
        (404, "HEAD", true)
    );
    assert_eq!(head.user, None);
    assert_eq!((cut.bytes, cut.complete), (0, false));
}
