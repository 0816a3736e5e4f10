//! A server that does with a connection what a function says: for answers that
//! are no HTTP, have no end, or never come.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A server, until the test ends. Each connection is closed after one request.
#[derive(Debug)]
pub struct Wire {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Starts one; the function gets the head of each request, once the whole
    /// request is there, and the connection.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn start(act: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&heads);
        let url = Self::listen(move |mut stream| {
            let Some(head) = request(&stream) else {
                return;
            };
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(head.clone());
            drop(log);
            act(&head, &mut stream);
            close(&stream);
        });
        Self { url, heads }
    }

    /// Starts one that does not even read: the function gets each connection.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn start_blind(act: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&heads);
        let url = Self::listen(move |mut stream| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(String::new());
            drop(log);
            act(&mut stream);
        });
        Self { url, heads }
    }

    /// Returns the heads of the requests so far.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.clone()
    }

    fn listen(act: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let act = Arc::new(act);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let act = Arc::clone(&act);
                thread::spawn(move || act(stream));
            }
        });
        format!("http://{address}")
    }
}

/// Reads a request whole and returns its head.
fn request(stream: &TcpStream) -> Option<String> {
    let mut input = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if input.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    Some(head)
}

/// Closes in good order, so that what was written arrives. What the other side
/// still sends is read, but not for ever.
fn close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).ok();
    let patience = Some(Duration::from_secs(5));
    stream.set_read_timeout(patience).ok();
    let mut rest = stream;
    let mut bytes = [0; 4096];
    while rest.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

/// Sends a head for JSON of unknown length, with further lines that end in CRLF.
pub fn json_head(stream: &mut TcpStream, lines: &str) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    send(stream, format!("{head}{lines}\r\n").as_bytes());
}

/// Sends bytes; tells whether the other side still takes them.
pub fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

/// Sends the same bytes until the other side has enough.
pub fn send_for_ever(stream: &mut TcpStream, bytes: &[u8]) {
    while send(stream, bytes) {}
}

/// Sends a byte of these now and then, from the start again at the end, until the
/// other side has enough.
pub fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if !send(stream, &[*byte]) {
            return;
        }
        // The subject of the test, not a way to wait for something.
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the other side gives up.
pub fn wait_for_ever(stream: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
}
