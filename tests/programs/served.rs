//! An archive that answers as a function says, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// Path of the list of tests.
pub(crate) const ROOT: &str = "/esmond/perfsonar/archive/";

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    query: String,
}

impl Asked {
    /// Returns a parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name);
        values.next()?.1.parse().ok()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: &'static str,
    body: String,
    /// The connection breaks in the middle of the body.
    cut: bool,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self {
            status: 200,
            headers: "",
            body: value.to_string(),
            cut: false,
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::json(&json!({"detail": "not now"}))
        }
    }

    /// Asks to come back at once.
    pub(crate) fn retry_at_once(mut self) -> Self {
        self.headers = "Retry-After: 0\r\n";
        self
    }

    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

/// A server, until the test ends.
pub(crate) struct Served {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Served {
    /// Starts one; the function gets each request, and how often the same was
    /// sent before.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
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
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// Returns how many requests there were for data.
    pub(crate) fn data_requests(&self) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.path != ROOT)
            .count()
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    // Requests of a connection that is kept.
    while let Some(first) = lines.next() {
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = Asked {
            path: path.to_owned(),
            query: query.to_owned(),
        };
        let before = {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let before = log.iter().filter(|known| **known == asked).count();
            log.push(asked.clone());
            before
        };
        let reply = answer(&asked, before);
        let head = format!(
            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n",
            reply.status,
            reply.headers,
            reply.body.len()
        );
        let body = if reply.cut {
            &reply.body[..reply.body.len() / 2]
        } else {
            &reply.body
        };
        let mut out = stream;
        if out.write_all(format!("{head}{body}").as_bytes()).is_err() || reply.cut {
            return;
        }
    }
}

/// A test with one event type, of either kind of archive.
pub(crate) fn test(key: &str, destination: &str, event_type: &str, base: &str) -> Value {
    json!({
        "metadata-key": key, "subject-type": "point-to-point", "source": "10.0.0.1",
        "destination": destination, "tool-name": "bwctl/iperf3", "uri": format!("{ROOT}{key}/"),
        "event-types": [{
            "event-type": event_type, "base-uri": format!("{ROOT}{key}/{event_type}/{base}"),
            "time-updated": 1, "summaries": [],
        }],
    })
}

/// Answers a page out of runs as a perfSONAR 5 archive does: those without a
/// value count against the limit, and are left out afterwards.
pub(crate) fn page(runs: &[(i64, Value)], asked: &Asked) -> Value {
    let start = asked.number("time-start").unwrap_or(i64::MIN);
    let end = asked.number("time-end").unwrap_or(i64::MAX);
    let limit = usize::try_from(asked.number("limit").unwrap_or(1000)).expect("a limit");
    runs.iter()
        .filter(|(ts, _)| (start..=end).contains(ts))
        .take(limit)
        .filter(|(_, value)| !value.is_null())
        .map(|(ts, value)| json!({"ts": ts, "val": value}))
        .collect()
}
