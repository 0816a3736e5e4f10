//! The server: stopping, and going on when a request fails.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use esmond_ps_server::{Resolver, serve};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::support::{ARCHIVE, Archive, config};

/// Knows only hosts whose name says what is to happen.
#[derive(Debug, Default)]
struct Staged {
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
    let server = tokio::spawn(serve(listener, archive.router(), async {
        stopped.await.unwrap_or_default();
    }));

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
    server.await.unwrap().unwrap();
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
    let server = tokio::spawn(serve(listener, archive.router(), async {
        stopped.await.unwrap_or_default();
    }));
    let request = crate::support::client()
        .get(format!("{url}?source=wait"))
        .send();
    let request = tokio::spawn(request);
    staged.reached.notified().await;
    // The clock is the test's: it goes on when everybody waits.
    let told = Instant::now();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(told.elapsed().as_secs(), 10);
    request.abort();
}
