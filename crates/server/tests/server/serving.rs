//! The server: stopping, and going on when a request fails.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use esmond_ps_server::{Config, Connections, Resolver, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::support::{ARCHIVE, Archive, KEY, config};

/// Knows only hosts whose name says what is to happen.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    reached: Notify,
    go_on: Notify,
}

#[async_trait]
impl Resolver for Staged {
    async fn lookup(&self, host: &str) -> Vec<IpAddr> {
        match host {
            "wait" => {
                self.reached.notify_one();
                self.go_on.notified().await;
                vec![IpAddr::from([127, 0, 0, 1])]
            }
            _ => panic!("no address for {host}"),
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_500_in_json_and_the_server_goes_on() {
    let mut config = config();
    config.resolver = Arc::new(Staged::default());
    let archive = Archive::with(config).await;
    let answer = archive.get("?source=panic").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json(), json!({"detail": "Internal server error."}));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(archive.get("").await.status, 200);
}

#[tokio::test]
async fn stopping_waits_for_requests_under_way_but_not_for_idle_connections() {
    let staged = Arc::new(Staged::default());
    let mut config = config();
    config.resolver = staged.clone();
    let archive = Archive::with(config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        listener,
        archive.router(),
        Connections::default(),
        async {
            stopped.await.unwrap_or_default();
        },
    ));

    let silent = TcpStream::connect(address).await.unwrap();
    let client = crate::support::client();
    let url = format!("http://{address}{ARCHIVE}");
    // Leaves an idle connection in the client's pool.
    client
        .get(&url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();

    let request = client.get(format!("{url}?source=wait")).send();
    let request = tokio::spawn(request);
    staged.reached.notified().await;
    stop.send(()).unwrap();
    assert!(!server.is_finished());
    staged.go_on.notify_one();
    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!([]));
    server.await.unwrap();
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_delays_the_stop_by_ten_seconds() {
    let staged = Arc::new(Staged::default());
    let mut config = config();
    config.resolver = staged.clone();
    let archive = Archive::with(config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{ARCHIVE}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        listener,
        archive.router(),
        Connections::default(),
        async {
            stopped.await.unwrap_or_default();
        },
    ));
    let request = crate::support::client()
        .get(format!("{url}?source=wait"))
        .send();
    let request = tokio::spawn(request);
    staged.reached.notified().await;
    // The clock is the test's: it goes on when everybody waits.
    let told = Instant::now();
    stop.send(()).unwrap();
    server.await.unwrap();
    assert_eq!(told.elapsed().as_secs(), 10);
    request.abort();
}

/// Serves an archive until the test ends.
pub(crate) async fn served(config: Config, connections: Connections) -> (Archive, SocketAddr) {
    let archive = Archive::with(config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let forever = std::future::pending();
    tokio::spawn(serve(listener, archive.router(), connections, forever));
    (archive, address)
}

pub(crate) async fn connected(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything that comes until the archive closes the connection.
pub(crate) async fn until_closed(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn connections_without_a_whole_request_are_closed_after_a_while() {
    let (_archive, address) = served(config(), Connections::default()).await;
    let began = Instant::now();
    let silent = connected(address, "").await;
    let slow = connected(address, "GET /healthz HTTP/1.1\r\nhost: x\r\nx-more: ").await;
    let done = connected(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(until_closed(silent).await, "");
    assert_eq!(until_closed(slow).await, "");
    let answer = until_closed(done).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
    assert!(began.elapsed() >= Connections::default().idle);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_longer_than_a_connection_may_be_idle() {
    let staged = Arc::new(Staged::default());
    let mut config = config();
    config.resolver = staged.clone();
    let connections = Connections::default();
    let idle = connections.idle;
    let (_archive, address) = served(config, connections).await;
    let request = format!("GET {ARCHIVE}?source=wait HTTP/1.1\r\nhost: x\r\n\r\n");
    let stream = connected(address, &request).await;
    staged.reached.notified().await;
    tokio::time::sleep(idle * 3).await;
    staged.go_on.notify_one();
    let answer = until_closed(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    // DIFFERENCE: the original leaves this to its web server.
    let (_archive, address) = served(config(), Connections::default()).await;
    let request = format!(
        "POST {ARCHIVE} HTTP/1.1\r\nhost: x\r\nauthorization: Token {KEY}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let answer = until_closed(connected(address, &request).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not come in time"), "{answer}");
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait_for_one() {
    let staged = Arc::new(Staged::default());
    let mut config = config();
    config.resolver = staged.clone();
    let connections = Connections {
        most: 1,
        idle: Duration::from_secs(3600),
        ..Connections::default()
    };
    let (_archive, address) = served(config, connections).await;
    let request =
        |target: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let first = connected(address, &request(&format!("{ARCHIVE}?source=wait"))).await;
    staged.reached.notified().await;
    let second = tokio::spawn(until_closed(connected(address, &request("/healthz")).await));
    staged.go_on.notify_one();
    for answer in [until_closed(first).await, second.await.unwrap()] {
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_are_idle_for_longest_make_room_for_others() {
    let connections = Connections {
        most: 3,
        ..Connections::default()
    };
    let idle = connections.idle;
    let (_archive, address) = served(config(), connections).await;
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let silent = connected(address, "").await;
    let slow = connected(address, "GET /healthz HTTP/1.1\r\nx-more: ").await;
    let done = connected(address, request).await;
    let began = Instant::now();
    let mut fourth = connected(address, request).await;
    let mut first_byte = [0];
    fourth.read_exact(&mut first_byte).await.unwrap();
    assert_eq!(until_closed(silent).await, "");
    let _fifth = connected(address, request).await;
    assert_eq!(until_closed(slow).await, "");
    // Long before anybody would have been closed for being idle.
    assert!(began.elapsed() < idle / 2);
    // The others stay: nobody wants their places.
    assert!(until_closed(done).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(began.elapsed() >= idle / 2);
}

/// A write that nobody may do, without its body.
fn refused(headers: &str) -> String {
    format!(
        "POST {ARCHIVE} HTTP/1.1\r\nhost: x\r\nauthorization: Token nobody's\r\n\
         content-type: application/json\r\n{headers}\r\n"
    )
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_the_body_keeps_the_connection_when_a_small_body_follows() {
    let (_archive, address) = served(config(), Connections::default()).await;
    let next = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for (headers, body) in [
        ("content-length: 2\r\n", "{}"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
    ] {
        let mut stream = connected(address, &refused(headers)).await;
        // The head is dealt with before the body is there.
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(body.as_bytes()).await.unwrap();
        stream.write_all(next.as_bytes()).await.unwrap();
        let answers = until_closed(stream).await;
        assert!(answers.starts_with("HTTP/1.1 401 "), "{answers}");
        let (refusal, after) = answers.split_once("HTTP/1.1 200 OK\r\n").unwrap();
        assert!(!refusal.contains("connection: close"), "{refusal}");
        assert!(after.ends_with("{\"status\":\"ok\"}"), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_closes_the_connection_says_so() {
    let (_archive, address) = served(config(), Connections::default()).await;
    let began = Instant::now();
    for headers in [
        // Never comes; is too much to wait for; waits itself.
        "content-length: 2\r\n",
        "content-length: 1000000\r\n",
        "content-length: 2\r\nexpect: 100-continue\r\n",
        "transfer-encoding: chunked\r\n",
    ] {
        let answer = until_closed(connected(address, &refused(headers)).await).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // Not for being idle.
    assert!(began.elapsed() < Connections::default().idle);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_cut_off() {
    let staged = Arc::new(Staged::default());
    let mut config = config();
    config.resolver = staged.clone();
    let connections = Connections {
        longest: Duration::from_secs(2),
        ..Connections::default()
    };
    let longest = connections.longest;
    let (_archive, address) = served(config, connections).await;
    let request = format!("GET {ARCHIVE}?source=wait HTTP/1.1\r\nhost: x\r\n\r\n");
    // Not before it comes, however long the connection was idle.
    let mut stream = connected(address, "").await;
    tokio::time::sleep(longest * 4).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    staged.reached.notified().await;
    let began = Instant::now();
    assert_eq!(until_closed(stream).await, "");
    let took = began.elapsed();
    assert!(took >= longest && took < longest * 2, "{took:?}");
}

#[test]
fn requests_cannot_take_all_places_of_connections_by_default() {
    let requests = Config::default().most_writes + Config::default().most_reads;
    assert!(requests < Connections::default().most);
}
