//! A small HTTP/1.1 server that answers as a function says, and remembers what it was
//! asked.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pv_archiver_client::{AdminClient, ArchiveClient, Connection, Credentials};
use rustls::ServerConfig;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    Cut,
    Silent,
}

impl Reply {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::new(200, Some("application/json;charset=UTF-8"), body.into())
    }

    pub(crate) fn new(status: u16, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Self {
        let headers = content_type.map(|text| ("Content-Type".to_owned(), text.to_owned()));
        Self {
            status,
            headers: headers.into_iter().collect(),
            body: body.into(),
            ending: Ending::Whole,
        }
    }

    /// The answer of a recorded pair.
    pub(crate) fn recorded(response: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let headers = response["headers"].as_array().unwrap().iter();
        let body = match &response["body_base64"] {
            Value::Null => response["body"].as_str().unwrap_or_default().into(),
            base64 => BASE64.decode(text(base64)).unwrap(),
        };
        Self {
            status: response["status"].as_u64().unwrap().try_into().unwrap(),
            headers: headers
                .map(|pair| (text(&pair[0]), text(&pair[1])))
                .collect(),
            body,
            ending: Ending::Whole,
        }
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
            ..Self::new(200, None, "")
        }
    }
}

type Handler = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// A running server. It ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server; the function gets each request and its number from 0.
    pub(crate) async fn start(
        handler: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(handler, None).await
    }

    /// Starts a server that has one answer.
    pub(crate) async fn saying(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
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
        let (handler, log): (Arc<Handler>, _) = (Arc::new(handler), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, log, tls) = (handler.clone(), log.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        // A client that does not trust the certificate hangs up.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => answer(stream, &*handler, &log).await,
                            Err(_) => None,
                        },
                        None => answer(stream, &*handler, &log).await,
                    }
                });
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The only request that came.
    pub(crate) fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }

    pub(crate) fn admin(&self) -> AdminClient {
        AdminClient::new(&self.url, &Connection::default())
            .unwrap()
            .with_credentials(Credentials::admin("admin").unwrap())
    }

    pub(crate) fn archive(&self) -> ArchiveClient {
        ArchiveClient::new(&self.url, &Connection::default()).unwrap()
    }
}

/// Answers one request and closes the connection, as the recorded exchanges did.
/// `None` when the client goes away.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Handler,
    log: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let asked = read(&mut stream).await?;
    let number = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let reply = handler(&asked, number);
    if reply.ending == Ending::Silent {
        std::future::pending::<()>().await;
    }
    let is_chunked = reply
        .headers
        .iter()
        .any(|(name, _)| name == "Transfer-Encoding");
    // The real server sends no reason phrase either.
    let mut head = format!("HTTP/1.1 {} \r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        if name != "Content-Length" {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let body = if is_chunked {
        let length = format!("{:x}\r\n", reply.body.len());
        [length.as_bytes(), &reply.body, b"\r\n0\r\n"].concat()
    } else {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
        reply.body.clone()
    };
    let end = match reply.ending {
        Ending::Cut => body.len() / 2,
        _ => body.len(),
    };
    stream
        .write_all(format!("{head}\r\n").as_bytes())
        .await
        .ok()?;
    stream.write_all(&body[..end]).await.ok()?;
    if is_chunked {
        stream.write_all(b"\r\n").await.ok()?;
    }
    stream.shutdown().await.ok()
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut asked = Asked {
        method,
        target,
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        asked.headers.push((name.to_owned(), value.to_owned()));
    }
    if let Some(length) = asked.header("Content-Length") {
        asked.body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut asked.body).await.ok()?;
    } else if asked.header("Transfer-Encoding").is_some() {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if length == 0 {
                break;
            }
            asked.body.extend_from_slice(&chunk[..length]);
        }
    }
    Some(asked)
}
