//! How long and how large a request may be, and how slow its client.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_server::Connections;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use crate::serving::{Staged, connected, served, until_closed};
use crate::support::{ARCHIVE, Answer, Archive, KEY, client, config, point_to_point};

async fn get(archive: &Archive, path: &str) -> Answer {
    archive
        .ask(Request::get(path).body(Body::empty()).unwrap())
        .await
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn path_and_query_have_8_kib_together() {
    // DIFFERENCE: the original leaves this to its web server.
    let archive = Archive::new().await;
    let longest = "x".repeat(8192 - ARCHIVE.len() - "tool-name=".len());
    let answer = get(&archive, &format!("{ARCHIVE}?tool-name={longest}")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!([])));
    for path in [
        format!("{ARCHIVE}?tool-name={longest}x"),
        format!("/{}", "a/".repeat(4096)),
        format!("/metrics?{}", "b".repeat(9000)),
    ] {
        let answer = get(&archive, &path).await;
        assert_eq!(answer.status, 414);
        assert_eq!(detail(&answer), "Path and query are longer than 8192 bytes");
    }
}

#[tokio::test]
async fn a_query_has_100_parameters() {
    let archive = Archive::new().await;
    let query = |count: usize| -> String { (0..count).map(|i| format!("p{i}=1;")).collect() };
    // The last separator is followed by an empty one.
    let answer = get(&archive, &format!("{ARCHIVE}?{}", query(99))).await;
    assert_eq!(answer.status, 200);
    let answer = get(&archive, &format!("{ARCHIVE}?{}", query(100))).await;
    assert_eq!(answer.status, 400);
    assert!(detail(&answer).contains("more than 100 parameters"));
}

#[tokio::test]
async fn a_body_of_very_many_values_is_refused_before_it_takes_memory() {
    // DIFFERENCE: the original has no such limit.
    let archive = Archive::new().await;
    let key = archive
        .record(&json!([{"event-type": "pscheduler-raw"}]))
        .await;
    let many = format!("{{\"data\":[{}1]}}", "1,".repeat(4_000_000));
    let base = format!("{key}/pscheduler-raw/base");
    for (method, path) in [(Method::PUT, key.as_str()), (Method::POST, &base)] {
        let answer = archive.write_text(method, path, &many).await;
        assert_eq!(answer.status, 413, "{path}");
        assert!(detail(&answer).contains("more than 4000000 values"));
    }
    // A long text is one value.
    let text = json!({"ts": 1, "val": {"text": "[,{".repeat(2_000_000)}});
    assert_eq!(archive.write(Method::POST, &base, &text).await.status, 201);
}

#[tokio::test]
async fn a_metadata_record_has_10000_values_in_1_mib() {
    let archive = Archive::new().await;
    let with = |name: &str, value: Value| {
        let mut body = point_to_point();
        body[name] = value;
        body
    };
    let event_types = |count: usize| json!(vec![json!({"event-type": "throughput"}); count]);
    for (body, status) in [
        (with("event-types", event_types(4000)), 201),
        (with("event-types", event_types(5000)), 413),
        (with("note", json!("x".repeat(1_000_000))), 201),
        (with("note", json!("x".repeat(1 << 20))), 413),
    ] {
        let answer = archive.write(Method::POST, "", &body).await;
        assert_eq!(answer.status, status);
    }
    let form = Request::post(ARCHIVE)
        .header("authorization", format!("Token {KEY}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("a&".repeat(10_000)));
    let answer = archive.ask(form.unwrap()).await;
    assert_eq!(answer.status, 413, "{}", detail(&answer));
}

#[tokio::test]
async fn a_body_may_be_as_long_as_it_is_configured_and_no_longer() {
    let mut config = config();
    config.body_limit = 1000;
    let archive = Archive::with(config).await;
    let key = archive
        .record(&json!([{"event-type": "pscheduler-raw"}]))
        .await;
    let base = format!("{key}/pscheduler-raw/base");
    let of_length = |length: usize| {
        let frame = r#"{"ts":1,"val":{"a":""}}"#.len();
        json!({"ts": 1, "val": {"a": "x".repeat(length - frame)}})
    };
    let answer = archive.write(Method::POST, &base, &of_length(1000)).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let answer = archive.write(Method::POST, &base, &of_length(1001)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(detail(&answer), "Request body is larger than 1000 bytes");
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_long_is_refused_before_it_comes() {
    let mut config = config();
    config.body_limit = 1000;
    let archive = Archive::with(config).await;
    let key = archive.record(&json!([])).await;
    for (method, path) in [
        (Method::POST, ARCHIVE.to_owned()),
        (Method::PUT, format!("{ARCHIVE}{key}/")),
        (Method::POST, format!("{ARCHIVE}{key}/throughput/base/")),
        (Method::PUT, "/logstash".to_owned()),
    ] {
        let never = futures_util::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>();
        let request = Request::builder()
            .method(&method)
            .uri(&path)
            .header("authorization", format!("Token {KEY}"))
            .header("content-type", "application/json")
            .header("content-length", "1001")
            .body(Body::from_stream(never));
        let answer = archive.ask(request.unwrap()).await;
        assert_eq!(answer.status, 413, "{method} {path}");
    }
}

#[tokio::test]
async fn a_refusal_repeats_no_more_than_2000_characters() {
    // DIFFERENCE: the original repeats all of it.
    let archive = Archive::new().await;
    let key = archive.record(&json!([])).await;
    let long = "é".repeat(500_000);
    let bulk = json!({"data": [{"ts": 1, "val": [{"event-type": long, "val": 1}]}]});
    let answer = archive.write(Method::PUT, &key, &bulk).await;
    assert_eq!(answer.status, 400);
    assert_eq!(detail(&answer).chars().count(), 2001);
}

#[tokio::test]
async fn documents_deeper_than_100_are_refused() {
    // DIFFERENCE: the original has no such limit.
    let archive = Archive::new().await;
    let key = archive
        .record(&json!([{"event-type": "pscheduler-raw"}]))
        .await;
    let deep = |depth: usize| {
        let document = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        format!("{{\"ts\":1,\"val\":{document}}}")
    };
    let base = format!("{key}/pscheduler-raw/base");
    for (depth, status) in [(99, 201), (120, 400), (100_000, 400)] {
        let answer = archive.write_text(Method::POST, &base, &deep(depth)).await;
        assert_eq!(answer.status, status, "{depth}");
    }
}

#[tokio::test]
async fn the_head_of_a_request_has_64_kib_and_100_headers() {
    let (_archive, address) = served(config(), Connections::default()).await;
    let long = format!("x-long: {}\r\n", "a".repeat(65 << 10));
    let short = format!("x-long: {}\r\n", "a".repeat(60 << 10));
    let lines = |count: usize| -> String { (0..count).map(|i| format!("x-{i}: 1\r\n")).collect() };
    for (headers, status) in [
        (short, 200),
        (long, 431),
        (lines(98), 200),
        (lines(101), 431),
    ] {
        let request =
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        let mut stream = connected(address, &request).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, format!("HTTP/1.1 {status}").as_bytes());
    }
    let _ = client();
    let http2 = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let url = format!("http://{address}/healthz");
    let answer = http2
        .get(&url)
        .header("x-long", "a".repeat(60 << 10))
        .send();
    assert_eq!(answer.await.unwrap().status(), 200);
    let answer = http2
        .get(&url)
        .header("x-long", "a".repeat(65 << 10))
        .send();
    let refused = answer.await.map_or(431, |answer| answer.status().as_u16());
    assert_eq!(refused, 431);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_a_byte_at_a_time_has_ten_minutes() {
    let (_archive, address) = served(config(), Connections::default()).await;
    let request = format!(
        "POST {ARCHIVE} HTTP/1.1\r\nhost: x\r\nauthorization: Token {KEY}\r\n\
         content-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    );
    let began = Instant::now();
    let (mut reading, mut writing) = connected(address, &request).await.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            sleep(Duration::from_secs(30)).await;
        }
    });
    let mut answer = [0; 12];
    reading.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let minutes = began.elapsed().as_secs() / 60;
    assert!((10..12).contains(&minutes), "{minutes}");
    dripping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_request_has_an_hour() {
    let mut config = config();
    config.resolver = std::sync::Arc::new(Staged::default());
    let (_archive, address) = served(config, Connections::default()).await;
    let request = format!("GET {ARCHIVE}?source=wait HTTP/1.1\r\nhost: x\r\n\r\n");
    let began = Instant::now();
    assert_eq!(until_closed(connected(address, &request).await).await, "");
    let minutes = began.elapsed().as_secs() / 60;
    assert!((60..62).contains(&minutes), "{minutes}");
}

/// Asks for 12 MB with a small receive buffer, so that the archive has to wait.
async fn long_answer() -> (Archive, TcpStream) {
    let (archive, address) = served(config(), Connections::default()).await;
    let key = archive
        .record(&json!([{"event-type": "pscheduler-raw"}]))
        .await;
    let path = format!("{key}/pscheduler-raw/base");
    for ts in 1..=12 {
        let body = json!({"ts": ts, "val": {"text": "x".repeat(1_000_000)}});
        assert_eq!(archive.write(Method::POST, &path, &body).await.status, 201);
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!("GET {ARCHIVE}{path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    (archive, stream)
}

/// Reads so many bytes every 30 seconds; returns how many there were before the
/// connection ended, and after how many seconds.
async fn read_slowly(mut stream: TcpStream, at_once: usize) -> (usize, u64) {
    let began = Instant::now();
    let mut part = vec![0; at_once];
    let mut count = 0;
    loop {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return (count, began.elapsed().as_secs()),
            Ok(read) => count += read,
        }
        sleep(Duration::from_secs(30)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let (_archive, mut stream) = long_answer().await;
    sleep(Duration::from_secs(200)).await;
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.len() < 12_000_000, "{}", rest.len());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_its_answer_very_slowly_is_cut_off_after_an_hour() {
    let (_archive, stream) = long_answer().await;
    let (count, seconds) = read_slowly(stream, 4096).await;
    assert!(count < 12_000_000, "{count}");
    // What lies in the buffers of the system is still to be read then.
    assert!(seconds >= 3600, "{seconds}");
}
