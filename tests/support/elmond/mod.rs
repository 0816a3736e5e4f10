//! A mock of Elmond, the archive of perfSONAR 5.
//!
//! Two layers. [`Recordings`] are answers of the real Elmond 5.2.1; a request
//! that was recorded gets the recorded answer, byte for byte. [`Holdings`] is a
//! model of its rules over tests and runs that a test of ours makes up: order
//! and pages of the list, which filters it answers and how, pages of data,
//! summaries computed when asked for, statuses and pages of errors. That the
//! model follows the recordings is itself tested (`programs/elmond_model.rs`).
//!
//! Not in the model: TLS, and the text analysis of OpenSearch beyond plain
//! ASCII words.

mod data;
mod filter;
mod holdings;
mod list;
mod range;
mod rebuilt;
mod recordings;
mod registry;
mod statistics;

use std::sync::{Mutex, PoisonError};

use serde::Serialize as _;
use serde_json::Value;

use crate::http::{Asked, Reply, Served};

pub use holdings::{Holdings, Run, Test};
pub use rebuilt::rebuilt;
pub use recordings::{Recorded, Recordings, SentResult, sent_results};

/// Path of the list of tests.
pub const ROOT: &str = "/esmond/perfsonar/archive/";

/// A running mock, until the test ends.
#[derive(Debug)]
pub struct MockElmond {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    server: Served,
}

impl MockElmond {
    /// Starts an archive that holds these tests.
    #[must_use]
    pub fn model(holdings: Holdings) -> Self {
        let holdings = Mutex::new(holdings);
        Self::start(move |asked| {
            let mut holdings = holdings.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&mut holdings, asked)
        })
    }

    /// Starts an archive with the recorded answers, and with the model of the
    /// same tests for all other requests.
    #[must_use]
    pub fn recorded() -> Self {
        let recordings = Recordings::load();
        let holdings = Mutex::new(rebuilt(recordings));
        Self::start(move |asked| {
            let mut holdings = holdings.lock().unwrap_or_else(PoisonError::into_inner);
            let recorded = recordings.find(asked).map(Recorded::reply);
            recorded.unwrap_or_else(|| answer(&mut holdings, asked))
        })
    }

    /// Returns what was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let server = Served::start(move |asked, _| answer(asked));
        Self {
            url: server.url.clone(),
            server,
        }
    }
}

/// Answers a request as Elmond would, had it these tests.
pub fn answer(holdings: &mut Holdings, asked: &Asked) -> Reply {
    if let Some(status) = holdings.refused(asked) {
        return error(status, "");
    }
    let path = asked.path.replacen(&format!("{ROOT}/"), ROOT, 1);
    let Some(rest) = path.strip_prefix(ROOT) else {
        return if format!("{path}/") == ROOT {
            error(308, "").header("Location", ROOT)
        } else {
            error(404, NOT_FOUND)
        };
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let is_known_shape =
        matches!(parts[..], [_] | [_, _, _, _]) && parts.last() != Some(&"") || rest.is_empty();
    if !is_known_shape {
        return error(404, NOT_FOUND);
    }
    match asked.method.as_str() {
        "GET" | "HEAD" => {}
        "OPTIONS" => {
            return Reply::new(200, HTML, String::new()).header("Allow", METHODS);
        }
        _ => {
            let text = "The method is not allowed for the requested URL.";
            return error(405, text).header("Allow", METHODS);
        }
    }
    match parts[..] {
        [""] => {
            let reply = list::answer(holdings, asked);
            holdings.was_listed();
            reply
        }
        [key] => list::one(holdings, asked, key),
        [key, event_type, summary, window] => {
            data::answer(holdings, asked, key, event_type, summary, window)
        }
        _ => error(404, NOT_FOUND),
    }
}

const METHODS: &str = "OPTIONS, GET, HEAD";
const HTML: &str = "text/html; charset=utf-8";
const NOT_FOUND: &str = "The requested URL was not found on the server. If you entered the URL \
    manually please check your spelling and try again.";
const BROKEN: &str = "The server encountered an internal error and was unable to complete your \
    request. Either the server is overloaded or there is an error in the application.";

/// Returns a page of an error, as Flask makes it.
fn error(status: u16, text: &str) -> Reply {
    let (name, text) = match status {
        308 => ("Permanent Redirect", text),
        400 => ("Bad Request", text),
        404 => ("Not Found", text),
        405 => ("Method Not Allowed", text),
        500 => ("Internal Server Error", BROKEN),
        _ => ("Service Unavailable", text),
    };
    let body = format!(
        "<!doctype html>\n<html lang=en>\n<title>{status} {name}</title>\n<h1>{name}</h1>\n\
         <p>{text}</p>\n"
    );
    let reply = Reply::new(status, HTML, body);
    if matches!(status, 400 | 500) {
        return reply.header("Connection", "close");
    }
    reply
}

/// Returns an answer of 200, indented as Elmond does it.
fn found(value: &Value) -> Reply {
    let mut body = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut body, indent);
    value
        .serialize(&mut serializer)
        .expect("values are serializable");
    body.push(b'\n');
    let body = String::from_utf8(body).expect("JSON is UTF-8");
    Reply::new(200, "application/json", body)
}
