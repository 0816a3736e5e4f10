//! A small HTTP/1.1 server that answers as a function says, and remembers what
//! it was asked.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// Null when there was none.
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.argument(name).map(|text| text.parse().unwrap())
    }

    /// The query as `name=value` texts, decoded.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    Cut,
    Silent,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
            ending: Ending::Whole,
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::new(status, "text/plain", "")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Closes the connection in the middle of the body.
    pub(crate) fn cut(mut self) -> Self {
        self.ending = Ending::Cut;
        self
    }

    /// Never answers, and leaves the connection open.
    pub(crate) fn silent() -> Self {
        Self {
            ending: Ending::Silent,
            ..Self::status(200)
        }
    }
}

type Handler = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// A running server. It ends with the runtime of its test.
pub(crate) struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server; the function gets each request and its number from 0.
    pub(crate) async fn start(
        handler: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(handler, None).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(handler, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(
        handler: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (asked.clone(), Arc::new(handler));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, handler, tls) = (log.clone(), handler.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &log, &*handler).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &log, &*handler).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url, asked }
    }

    /// Address of the host, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What has been asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers one request and closes.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    log: &Mutex<Vec<Asked>>,
    handler: &Handler,
) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let mut asked = parse(&lines);
    if let Some(length) = asked.header("content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        asked.body = serde_json::from_slice(&body).unwrap();
    }
    let number = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let reply = handler(&asked, number);
    if reply.ending == Ending::Silent {
        // Until the other side gives up.
        let _ = stream.read_line(&mut String::new()).await;
        return;
    }
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
    let body = match reply.ending {
        Ending::Cut => &reply.body[..reply.body.len() / 2],
        _ => &reply.body,
    };
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn parse(lines: &[String]) -> Asked {
    let mut words = lines[0].split(' ');
    let method = words.next().unwrap().to_owned();
    let url = Url::parse("http://h").unwrap().join(words.next().unwrap());
    let url = url.unwrap();
    Asked {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: Value::Null,
    }
}

/// A record of a classic archive with one event type.
pub(crate) fn record(key: &str, event_type: &str) -> Value {
    let uri = format!("/esmond/perfsonar/archive/{key}/");
    json!({
        "url": format!("http://wrong.example{uri}"),
        "metadata-key": key,
        "subject-type": "point-to-point",
        "event-types": [{
            "base-uri": format!("{uri}{event_type}/base"),
            "event-type": event_type,
            "time-updated": 1_397_482_735,
            "summaries": [],
        }],
        "source": "10.1.1.1",
        "uri": uri,
    })
}

/// Answers one page out of runs, as a perfSONAR 5 archive does: those without a
/// value are counted, and left out afterwards.
pub(crate) fn points(runs: &[(i64, Value)], asked: &Asked) -> Reply {
    let start = asked.number("time-start").unwrap_or(i64::MIN);
    let end = asked.number("time-end").unwrap_or(i64::MAX);
    let limit = asked.number("limit").unwrap_or(1_000);
    if limit > 10_000 {
        return Reply::new(400, "text/html", "<p>limit is too large</p>");
    }
    let page = runs
        .iter()
        .filter(|(ts, _)| (start..=end).contains(ts))
        .take(usize::try_from(limit).unwrap())
        .filter(|(_, val)| !val.is_null())
        .map(|(ts, val)| json!({"ts": ts, "val": val}))
        .collect();
    Reply::json(&Value::Array(page))
}
