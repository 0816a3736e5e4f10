//! Requests on one kept connection, with next to no cost of their own, so that what is
//! measured is the other side.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A kept connection. Answers are those of HTTP/1.1, with a length or in chunks.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it takes connections");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream: BufReader::with_capacity(1 << 16, stream),
            line: String::new(),
            body: Vec::new(),
        }
    }

    /// Sends a request and returns the body of its answer.
    pub(crate) fn send(&mut self, request: &[u8], status: u16) -> &[u8] {
        self.stream.get_mut().write_all(request).expect("sent");
        self.line();
        let found = self.line.get(9..12).and_then(|text| text.parse().ok());
        let mut length = None;
        loop {
            self.line();
            let line = self.line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse::<u64>().ok();
            }
        }
        self.body.clear();
        match length {
            Some(length) => self.take(length),
            None => self.chunks(),
        }
        let said = || String::from_utf8_lossy(&self.body);
        assert_eq!(found, Some(status), "{}", said());
        &self.body
    }

    fn line(&mut self) {
        self.line.clear();
        self.stream.read_line(&mut self.line).expect("an answer");
    }

    fn take(&mut self, length: u64) {
        let mut part = self.stream.by_ref().take(length);
        let count = part.read_to_end(&mut self.body).expect("a body");
        assert_eq!(count as u64, length, "a body that was cut off");
    }

    fn chunks(&mut self) {
        loop {
            self.line();
            let length = u64::from_str_radix(self.line.trim(), 16).expect("a chunk");
            self.take(length);
            self.line();
            if length == 0 {
                return;
            }
        }
    }
}

/// Returns a request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// Returns a request with a JSON body and credentials.
pub(crate) fn write(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Token {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
