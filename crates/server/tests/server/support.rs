//! An archive in memory of the test process, asked without sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use esmond_ps_server::{Config, Resolver, router};
use esmond_ps_store::{KeyHash, Store};
use esmond_ps_store_sqlite::SqliteStore;
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// The key of the user `perfsonar`.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

/// The archive's time.
pub(crate) const NOW: i64 = 1_750_000_000;

/// Path of the archive.
pub(crate) const ARCHIVE: &str = "/esmond/perfsonar/archive/";

/// An archive with one user.
pub(crate) struct Archive {
    pub(crate) store: Arc<SqliteStore>,
    router: Router,
    // The directory goes when the archive does.
    _directory: TempDir,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Archive {
    /// An archive with the settings of the recordings.
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    /// An archive with other settings.
    pub(crate) async fn with(config: Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(directory.path()).await.unwrap());
        let hash = KeyHash::of(KEY);
        store.put_user("perfsonar", Some(&hash)).await.unwrap();
        let router = router(store.clone(), config);
        Self {
            store,
            router,
            _directory: directory,
        }
    }

    /// The same archive, started again with other settings.
    pub(crate) fn again(self, config: Config) -> Self {
        let router = router(self.store.clone(), config);
        Self { router, ..self }
    }

    /// The same archive over a store that stands before its own.
    pub(crate) fn over(self, store: Arc<dyn Store>, config: Config) -> Self {
        let router = router(store, config);
        Self { router, ..self }
    }

    /// The router, to be served on a socket.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Sends a request as if from 127.0.0.1, and returns the answer's head and
    /// the body still to be read.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.send(request).await.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            bytes: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// Reads a path below the archive.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("{ARCHIVE}{path}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    /// Writes JSON to a path below the archive.
    pub(crate) async fn write(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.write_text(method, path, &body.to_string()).await
    }

    /// Writes a text to a path below the archive.
    pub(crate) async fn write_text(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{ARCHIVE}{path}"))
            .header("authorization", format!("Token {KEY}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()));
        self.ask(request.unwrap()).await
    }

    /// Makes a record with these event types, and returns its key.
    pub(crate) async fn record(&self, event_types: &Value) -> String {
        let mut body = point_to_point();
        body["event-types"] = event_types.clone();
        let answer = self.write(Method::POST, "", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["metadata-key"].as_str().unwrap().to_owned()
    }
}

/// A record without event types.
pub(crate) fn point_to_point() -> Value {
    serde_json::json!({
        "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
        "measurement-agent": "10.1.1.1", "tool-name": "bwctl/iperf3",
        "input-source": "host1.example.net", "input-destination": "host2.example.net",
        "event-types": []
    })
}

/// Settings with a clock that stands still and a resolver that knows one host.
pub(crate) fn config() -> Config {
    Config {
        clock: Arc::new(|| NOW),
        resolver: Arc::new(OnlyLocalhost),
        ..Config::default()
    }
}

#[derive(Debug)]
struct OnlyLocalhost;

#[async_trait]
impl Resolver for OnlyLocalhost {
    async fn lookup(&self, host: &str) -> Vec<IpAddr> {
        match host {
            "localhost" | "127.1" => vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            _ => Vec::new(),
        }
    }
}

/// A client for real sockets.
pub(crate) fn client() -> reqwest::Client {
    // The second and later calls find it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
