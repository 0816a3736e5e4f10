//! Answers of the real Elmond 5.2.1, recorded, and the results behind them.
//!
//! Elmond ran under Apache with its own configuration, on Debian 12; its
//! documents were made by the filter scripts of perfSONAR's Logstash from
//! invented results. OpenSearch was a stand-in: text analysis, aggregations and
//! refused queries are as exact as that was.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{Asked, Reply};

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Group that it belongs to.
    pub file: String,
    /// What it shows.
    pub name: String,
    request: Request,
    response: Response,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    query: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    scheme: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

impl Recorded {
    /// Returns the request.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked {
            method: self.request.method.clone(),
            path: self.request.path.clone(),
            query: self.request.query.clone(),
        }
    }

    /// Returns the answer.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let headers = self.response.headers.clone();
        Reply {
            status: self.response.status,
            headers: headers.into_iter().collect(),
            body: self.response.body.clone(),
            is_cut: false,
        }
    }

    /// Tells whether the request alone decides: the archive in its usual state,
    /// and nothing special about transport, headers or body.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let request = &self.request;
        let is_usual = !["backend-states", "logstash-proxy"].contains(&self.file.as_str());
        is_usual && request.scheme.is_empty() && request.body.is_empty()
            || is_usual && request.method != "GET" && !request.headers.is_empty()
    }
}

/// A result of pScheduler that the recorded archive was sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentResult {
    /// Address of who sent it, of the header `x-ps-observer`.
    pub observer: String,
    /// The result. Hosts are addresses: no name is to be looked up.
    pub document: Value,
}

/// Returns the results behind the recorded answers, in order; without those of
/// a host that has no address.
///
/// # Panics
///
/// When they are not as they should be.
#[must_use]
pub fn sent_results() -> Vec<SentResult> {
    unpack(include_bytes!("data/results.jsonl.gz"))
}

/// All of them.
#[derive(Debug)]
pub struct Recordings {
    all: Vec<Recorded>,
    plain: HashMap<Id, usize>,
}

impl Recordings {
    /// Returns them, unpacked once.
    ///
    /// # Panics
    ///
    /// When they are not as they should be.
    #[must_use]
    pub fn load() -> &'static Self {
        static RECORDINGS: LazyLock<Recordings> = LazyLock::new(Recordings::unpack);
        &RECORDINGS
    }

    fn unpack() -> Self {
        let all: Vec<Recorded> = unpack(include_bytes!("data/recordings.jsonl.gz"));
        let mut plain = HashMap::new();
        for (index, recorded) in all.iter().enumerate() {
            if recorded.is_plain() {
                plain.entry(id(&recorded.asked())).or_insert(index);
            }
        }
        Self { all, plain }
    }

    /// Returns the answer that was recorded for a request: the same method, path
    /// and parameters, in whatever order.
    #[must_use]
    pub fn find(&self, asked: &Asked) -> Option<&Recorded> {
        let index = self.plain.get(&id(asked))?;
        self.all.get(*index)
    }

    /// Returns all of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Recorded> {
        self.all.iter()
    }
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Vec<T> {
    let mut text = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("it is packed");
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("recordings")
}

/// Method, path and parameters.
type Id = (String, String, Vec<(String, String)>);

fn id(asked: &Asked) -> Id {
    let mut parameters = asked.parameters();
    // The sort keeps repeated ones in order: the first counts.
    parameters.sort_by(|one, other| one.0.cmp(&other.0));
    (asked.method.clone(), asked.path.clone(), parameters)
}
