//! A small HTTP server on a free port of this machine that answers as a
//! function says, and remembers what it was asked.
//!
//! HTTP/1.1 without TLS; connections are kept, bodies have a length.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};
use url::form_urlencoded;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, ...
    pub method: String,
    /// Path, as it was sent.
    pub path: String,
    /// Query, as it was sent, without the question mark.
    pub query: String,
}

impl Asked {
    /// Returns the parameters of the query, decoded, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// Returns the first value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        let (_, value) = parameters.find(|(known, _)| known == name)?;
        Some(value.into_owned())
    }

    /// Returns a parameter that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.parameter(name)?.parse().ok()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers. The length of the body is added where it is not among them.
    pub headers: Vec<(String, String)>,
    /// Body; never sent in answer to `HEAD`.
    pub body: String,
    /// The connection breaks in the middle of the body.
    pub is_cut: bool,
}

impl Reply {
    /// Returns an answer with a body of a type.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body,
            is_cut: false,
        }
    }

    /// Returns an answer of 200 with a value.
    #[must_use]
    pub fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    /// Returns an answer of another status, as an esmond archive words it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let detail = json!({"detail": "not now"});
        Self::new(status, "application/json", detail.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks to come back at once.
    #[must_use]
    pub fn retry_at_once(self) -> Self {
        self.header("Retry-After", "0")
    }

    /// Breaks the connection in the middle of the body.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }

    fn has(&self, name: &str) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// A server, until the test ends.
#[derive(Debug)]
pub struct Served {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Answer = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

impl Served {
    /// Starts one; the function gets each request, and how often the same was
    /// sent before.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(&stream, &log, &*answer));
            }
        });
        Self { url, asked }
    }

    /// Returns what was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

/// Answers the requests of a connection.
fn serve(stream: &TcpStream, log: &Mutex<Vec<Asked>>, answer: &Answer) {
    let mut input = BufReader::new(stream);
    while let Some(asked) = read(&mut input) {
        let before = {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let before = log.iter().filter(|known| **known == asked).count();
            log.push(asked.clone());
            before
        };
        let reply = answer(&asked, before);
        let is_last = reply.is_cut || reply.has("Connection");
        let mut out = stream;
        if out.write_all(&bytes(&reply, &asked.method)).is_err() || is_last {
            return;
        }
    }
}

fn read(input: &mut impl std::io::BufRead) -> Option<Asked> {
    let mut lines = Read::by_ref(input).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut length = 0;
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
    })
}

fn bytes(reply: &Reply, method: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !reply.has("Content-Length") {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if method != "HEAD" {
        let length = reply.body.len() / if reply.is_cut { 2 } else { 1 };
        bytes.extend(&reply.body.as_bytes()[..length]);
    }
    bytes
}
