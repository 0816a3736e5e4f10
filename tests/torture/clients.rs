//! Clients that write at random, until the archive is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Sender;

use esmond_ps_tests::eras::Eras;
use esmond_ps_tests::http_client;
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::values::{STEP, item, numbered, result, throughput};

/// One write. No two of a round are for the same second.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    /// POST of one point.
    Point { ts: i64 },
    /// PUT of points of two event types.
    Bulk { times: Vec<i64> },
    /// A result of pScheduler.
    Result { ts: i64 },
    /// Registration of metadata.
    Record { number: i64 },
}

/// What became of a write.
#[derive(Debug)]
pub(crate) enum Event {
    /// It was acknowledged; metadata with their key.
    Acknowledged(Write, Option<String>),
    /// It was put off: nothing of it is stored.
    PutOff,
    /// The archive was gone before it answered.
    Unanswered(Write),
}

/// The archive, as those see it who write in a round.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) round: usize,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    pub(crate) key: String,
    /// Metadata key of the round.
    pub(crate) record: String,
    pub(crate) client: Client,
}

impl Target {
    /// Address of the archive, or of a path below.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/esmond/perfsonar/archive/{path}", self.url)
    }

    /// Sends a write; `None` when the archive is gone.
    pub(crate) fn send(&self, write: &Write) -> Option<Response> {
        let record = |path: &str| self.address(&format!("{}/{path}", self.record));
        let request = match write {
            Write::Point { ts } => self
                .client
                .post(record("throughput/base"))
                .json(&json!({"ts": ts, "val": throughput(*ts)})),
            Write::Bulk { times } => {
                let items: Vec<Value> = times.iter().map(|ts| item(*ts)).collect();
                self.client.put(record("")).json(&json!({ "data": items }))
            }
            Write::Result { ts } => {
                let request = self.client.put(format!("{}/logstash", self.url));
                let request = request
                    .basic_auth("tester", Some(&self.key))
                    .header("x-ps-observer", "10.1.1.1")
                    .json(&result(self.round, *ts));
                return request.send().ok();
            }
            Write::Record { number } => self.client.post(self.address("")).json(&numbered(*number)),
        };
        self.signed(request).send().ok()
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("Authorization", format!("Token {}", self.key))
    }
}

/// Where in time the next points go.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) young: AtomicI64,
    pub(crate) old: AtomicI64,
    pub(crate) number: AtomicI64,
}

impl Places {
    pub(crate) fn new(eras: Eras) -> Self {
        Self {
            young: AtomicI64::new(eras.young),
            old: AtomicI64::new(eras.old),
            number: AtomicI64::new(0),
        }
    }

    fn times(place: &AtomicI64, count: i64) -> Vec<i64> {
        let first = place.fetch_add(count * STEP, Ordering::Relaxed);
        (0..count).map(|n| first + n * STEP).collect()
    }

    /// Returns something to write.
    fn next(&self, dice: &mut StdRng) -> Write {
        let era = match dice.random_range(0..4) {
            0 => &self.old,
            _ => &self.young,
        };
        match dice.random_range(0..100) {
            0..40 => Write::Point {
                ts: Self::times(era, 1)[0],
            },
            // Some are larger than a page of the database, and some than its cache
            // of the log.
            40..70 => Write::Bulk {
                times: Self::times(era, dice.random_range(1..40)),
            },
            70..73 => Write::Bulk {
                times: Self::times(era, 500),
            },
            73..90 => Write::Result {
                ts: Self::times(&self.young, 1)[0],
            },
            _ => Write::Record {
                number: self.number.fetch_add(1, Ordering::Relaxed),
            },
        }
    }
}

/// Writes until the archive is gone, and tells of each write.
///
/// # Panics
///
/// When the archive refuses something.
pub(crate) fn write_until_killed(
    mut target: Target,
    places: &Arc<Places>,
    mut dice: StdRng,
    events: &Sender<Event>,
) {
    target.client = http_client();
    loop {
        let write = places.next(&mut dice);
        let event = match target.send(&write) {
            None => Event::Unanswered(write),
            Some(answer) => match answer.status().as_u16() {
                200 | 201 => match (&write, answer.json::<Value>()) {
                    (Write::Record { .. } | Write::Result { .. }, Ok(answer)) => {
                        let key = answer["metadata-key"].as_str().map(str::to_owned);
                        Event::Acknowledged(write, key)
                    }
                    // Killed between status and key: nobody can know it.
                    (Write::Record { .. }, Err(_)) => Event::Unanswered(write),
                    _ => Event::Acknowledged(write, None),
                },
                429 | 503 => Event::PutOff,
                status => panic!("{status} {:?}: {write:?}", answer.text()),
            },
        };
        let is_last = matches!(event, Event::Unanswered(_));
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}
