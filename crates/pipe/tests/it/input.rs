//! A Logstash input that keeps what it is sent. Tests of both loaders share it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// Method and path.
    pub(crate) line: String,
    headers: String,
    pub(crate) body: Value,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn observer(&self) -> &str {
        self.header("x-ps-observer").expect("an observer")
    }
}

/// What an input does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// Takes it.
    Ok,
    /// Answers with a status, a header line and HTML.
    Refuse(u16, &'static str, &'static str),
    /// Reads it and closes the connection without a word.
    Reset,
}

pub(crate) struct Input {
    pub(crate) url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Input {
    /// Answers the requests, numbered from 0, as a function says.
    pub(crate) fn answering(answer: impl Fn(usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let log = sent.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).unwrap_or(0) == 0 {
                        break;
                    }
                }
                let Some((line, headers)) = head.split_once(" HTTP/1.1\r\n") else {
                    continue;
                };
                let mut request = Sent {
                    line: line.to_owned(),
                    headers: headers.to_owned(),
                    body: Value::Null,
                };
                let length = request.header("content-length").map(str::parse);
                let mut body = vec![0; length.map_or(0, |length| length.expect("a number"))];
                stream.read_exact(&mut body).expect("a whole request");
                request.body = serde_json::from_slice(&body).unwrap_or_default();
                let number = {
                    let mut log = log.lock().expect("no panic");
                    log.push(request);
                    log.len() - 1
                };
                let (status, header, body) = match answer(number) {
                    Reply::Ok => (200, "Content-Type: text/plain", "ok"),
                    Reply::Refuse(status, header, body) => (status, header, body),
                    Reply::Reset => continue,
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                stream.get_mut().write_all(answer.as_bytes()).ok();
            }
        });
        Self { url, sent }
    }

    pub(crate) fn taking_all() -> Self {
        Self::answering(|_| Reply::Ok)
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("no panic").clone()
    }

    /// The documents, each of them once: a lost answer makes them come again.
    pub(crate) fn documents(&self) -> Vec<Sent> {
        let mut seen = std::collections::HashSet::new();
        let mut sent = self.sent();
        sent.retain(|sent| seen.insert(sent.body["id"].to_string()));
        sent
    }
}

/// An archive of perfSONAR 5 as a loader for esmond meets it.
pub(crate) fn read_only() -> Input {
    Input::answering(|_| {
        Reply::Refuse(
            405,
            "Content-Type: text/html",
            "<!doctype html><h1>Method Not Allowed</h1><p>The method is not allowed for the requested URL.</p>",
        )
    })
}

/// Checks what comes with every request.
pub(crate) fn check(sent: &Sent) {
    assert_eq!(sent.line, "PUT /logstash");
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(
        sent.header("authorization"),
        Some("Basic cGVyZnNvbmFyOnNlY3JldA==")
    );
    assert_ne!(sent.body, json!(null));
}
