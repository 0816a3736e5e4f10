//! A key that clients show is nowhere to be found afterwards: this is a program of
//! its own, since everything that it logs, at the finest level, is searched.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers, too"
)]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use esmond_ps_server::{Access, Config, Connections, router, serve};
use esmond_ps_store::{KeyHash, Store};
use esmond_ps_store_sqlite::SqliteStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tracing_subscriber::fmt::MakeWriter;

const KEY: &str = "5ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4";
const WRONG: &str = "badbadbadbadbadbadbadbadbadbadbadbadbadb";

/// Where everything ends up that could repeat a key.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Paper {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Every way to show a key, right and wrong: request line and headers.
fn requests() -> Vec<String> {
    let archive = "/esmond/perfsonar/archive/";
    let long = "x".repeat(9000);
    let many = "a&".repeat(200);
    let mut requests = Vec::new();
    for key in [KEY, WRONG] {
        let basic = STANDARD.encode(format!("keeper:{key}"));
        for credentials in [
            format!("Token {key}"),
            format!("token {key}"),
            format!("ApiKey keeper:{key}"),
            format!("ApiKey nobody:{key}"),
            format!("ApiKey {key}"),
            format!("Basic {basic}"),
            format!("Bearer {key}"),
            format!("Token {key} {key}"),
            key.to_owned(),
        ] {
            for target in [
                format!("GET {archive}"),
                format!("POST {archive}"),
                format!("PUT {archive}abc/"),
                format!("POST {archive}abc/throughput/base"),
                format!("DELETE {archive}"),
                format!("GET {archive}?time=x"),
                "GET /nothing".to_owned(),
                "PUT /logstash".to_owned(),
                "GET /metrics".to_owned(),
                format!("GET /{long}"),
            ] {
                requests.push(format!(
                    "{target} HTTP/1.1\r\nauthorization: {credentials}\r\n"
                ));
            }
        }
        for query in [
            format!("username=keeper&api_key={key}"),
            format!("username=nobody;api_key={key}"),
            format!("api%5Fkey={key}&username=keeper"),
            format!("limit=1&api_key={key}&username=keeper&offset=1"),
            format!("api_key={key}"),
            format!("username=keeper&api_key={key}&time=x"),
            format!("username=keeper&api_key={key}&format=xml"),
            format!("username=keeper&api_key={key}&{many}"),
            format!("username=keeper&api_key={key}&x={long}"),
        ] {
            for target in [
                archive,
                "/logstash",
                "/metrics",
                "/healthz",
                "/nothing",
                "/openapi.json",
            ] {
                for method in ["GET", "POST", "DELETE"] {
                    requests.push(format!("{method} {target}?{query} HTTP/1.1\r\n"));
                }
            }
        }
    }
    requests
}

async fn asked(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head}host: archive\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: 4\r\n\r\nfour"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // What is refused before its body is read may end in a reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn keys_are_in_no_log_no_answer_no_metric_and_no_debug_output() {
    let paper = Paper::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(paper.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).await.unwrap());
    store
        .put_user("keeper", Some(&KeyHash::of(KEY)))
        .await
        .unwrap();
    let mut answers = paper.clone();
    let accessed = paper.clone();
    let config = Config {
        access_log: Some(Arc::new(move |access: &Access| {
            writeln!(accessed.clone(), "{access:?}").unwrap();
        })),
        ..Config::default()
    };
    let mut debug = paper.clone();
    writeln!(debug, "{config:?} {store:?} {:?}", KeyHash::of(KEY)).unwrap();
    writeln!(debug, "{:?}", store.users().await.unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        listener,
        router(store.clone(), config),
        Connections::default(),
        async { stopped.await.unwrap_or_default() },
    ));

    let mut statuses = std::collections::BTreeSet::new();
    for head in requests() {
        let answer = asked(address, &head).await;
        statuses.extend(answer.get(9..12).map(str::to_owned));
        answers.write_all(answer.as_bytes()).unwrap();
    }
    let http2 = {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .http2_prior_knowledge();
        client.build().unwrap()
    };
    for key in [KEY, WRONG] {
        let url = format!("http://{address}/esmond/perfsonar/archive/");
        let request = http2
            .post(url)
            .header("authorization", format!("Token {key}"));
        let answer = request.send().await.unwrap();
        statuses.insert(answer.status().as_str().to_owned());
        write!(answers, "{answer:?}").unwrap();
    }
    stop.send(()).unwrap();
    server.await.unwrap();

    // The table is worth something only if it goes many ways.
    for status in ["200", "400", "401", "404", "405", "414"] {
        assert!(statuses.contains(status), "{status}: {statuses:?}");
    }
    let paper = String::from_utf8_lossy(&paper.0.lock().unwrap()).into_owned();
    assert!(paper.contains(" TRACE ") && paper.contains("user: Some(\"keeper\")"));
    for key in [KEY, WRONG] {
        let basic = STANDARD.encode(format!("keeper:{key}"));
        for secret in [key, &basic, &key[..20], &key.to_uppercase()] {
            let line = paper.lines().find(|line| line.contains(secret));
            assert_eq!(line, None);
        }
    }
}
