//! Archives to copy from and to.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use esmond_ps_client::model::{MetadataFilters, SummaryType, TimeArguments};
use esmond_ps_client::{Archive, RetryPolicy};
use esmond_ps_mirror::{Options, Report, State, Stopped, mirror};
use esmond_ps_model::{Histogram, Registry, Summary, TimeRange};
use esmond_ps_server::{Config, router};
use esmond_ps_store::view::{Source, base, summary};
use esmond_ps_store::{NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The time of the runs.
pub(crate) const NOW: i64 = 1_750_000_000;

/// A midnight before, where data begin.
pub(crate) const DAY: i64 = 1_749_600_000;

/// An archive: a store, and its address once it is served.
pub(crate) struct Place {
    pub(crate) store: Arc<SqliteStore>,
    directory: TempDir,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).await.unwrap();
        Self {
            store: Arc::new(store),
            directory,
        }
    }

    /// Serves the archive; each request goes through the faults.
    pub(crate) async fn serve(&self, faults: Faults) -> String {
        self.serve_with(faults, Registry::standard()).await
    }

    pub(crate) async fn serve_with(&self, faults: Faults, registry: Registry) -> String {
        let config = Config {
            registry,
            ..Config::default()
        };
        let layer = from_fn(move |request: Request, next: Next| {
            let faults = faults.clone();
            async move { faults.apply(request, next).await }
        });
        serve(router(self.store.clone(), config).layer(layer)).await
    }

    pub(crate) fn state(&self) -> &Path {
        self.directory.path()
    }

    /// Mirrors an archive here, with the defaults.
    pub(crate) async fn copy(&self, url: &str) -> Report {
        self.run(&archive(url), &options()).await.unwrap()
    }

    pub(crate) async fn run(
        &self,
        archive: &Archive,
        options: &Options,
    ) -> Result<Report, Stopped> {
        let state = State::open(self.state(), archive).unwrap();
        let all = MetadataFilters::new();
        let never = std::future::pending();
        mirror(archive, &*self.store, &all, options, state, |_| {}, never).await
    }

    pub(crate) async fn add(&self, key: &str, event_type: &str, points: &[(i64, Value)]) {
        let points = points.iter().map(|(ts, value)| NewPoint {
            event_type: event_type.to_owned(),
            ts: *ts,
            value: value.clone(),
        });
        let written = self.store.write(key, points.collect(), NOW - 5000).await;
        assert_eq!(written.unwrap().conflicts, []);
    }

    /// Removes points, as retention does; returns how many.
    pub(crate) async fn remove(&self, number: u32, event_type: &str, until: i64) -> u64 {
        let key = key(number);
        let removed = self.store.remove_points(&key, event_type, until, 10_000);
        removed.await.unwrap()
    }

    /// Returns everything that readers see, a line each.
    pub(crate) async fn seen(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let page = Page {
            offset: 0,
            limit: 1_000_000,
        };
        let records = self.store.search(&Search::default(), None, page).await;
        for record in records.unwrap() {
            let key = &record.key;
            let mut head = format!("{key} {:?} {:?}", record.subject, record.parameters);
            for entry in &record.event_types {
                let name = &entry.name;
                write!(head, " {name}@{:?}", entry.time_updated).unwrap();
                let points = self.store.points(key, name, ALWAYS, page).await.unwrap();
                for (ts, value) in points {
                    lines.push(format!("{key} {name} {ts} {}", base(&value)));
                }
                let windows: BTreeSet<i64> = entry.summaries.iter().map(|s| s.window).collect();
                for window in windows.into_iter().filter(|window| *window > 0) {
                    let buckets = self.store.buckets(key, name, window, ALWAYS, page);
                    for (ts, bucket) in buckets.await.unwrap() {
                        for listed in entry.summaries.iter().filter(|s| s.window == window) {
                            let value = summary(listed.summary_type, Source::Bucket(&bucket));
                            lines.push(format!(
                                "{key} {name} {} {window} {ts} {value}",
                                listed.summary_type
                            ));
                        }
                    }
                }
            }
            lines.push(head);
        }
        lines
    }
}

pub(crate) const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};

/// Serves a router on a free port, as long as the test runs.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What goes wrong with a request; it gets the path, and how often the same was
/// asked before.
#[derive(Clone)]
pub(crate) struct Faults {
    decide: Arc<Decide>,
    asked: Arc<Mutex<Vec<String>>>,
    pub(crate) count: Arc<AtomicU64>,
}

type Decide = dyn Fn(&str, usize) -> Fault + Send + Sync;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// Fewer points than asked for.
    Short,
    Status(u16),
    /// The connection breaks in the middle of the body.
    Cut,
    /// Nothing comes.
    Stall,
}

impl Faults {
    pub(crate) fn new(decide: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> Self {
        Self {
            decide: Arc::new(decide),
            asked: Arc::default(),
            count: Arc::default(),
        }
    }

    pub(crate) fn none() -> Self {
        Self::new(|_, _| Fault::None)
    }

    async fn apply(&self, mut request: Request, next: Next) -> Response {
        self.count.fetch_add(1, Ordering::SeqCst);
        let uri = request.uri().to_string();
        let before = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(uri.clone());
            asked.iter().filter(|known| **known == uri).count() - 1
        };
        match (self.decide)(request.uri().path(), before) {
            Fault::None => next.run(request).await,
            Fault::Short => {
                let shorter = uri.replace("limit=1000", "limit=7");
                *request.uri_mut() = shorter.parse::<Uri>().unwrap();
                next.run(request).await
            }
            Fault::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                (status, [(header::RETRY_AFTER, "0")]).into_response()
            }
            Fault::Cut => {
                let whole = next.run(request).await.into_body();
                let whole = to_bytes(whole, usize::MAX).await.unwrap();
                let half = whole.slice(..whole.len() / 2);
                let parts = [Ok(half), Err::<Bytes, _>(std::io::Error::other("cut"))];
                Response::new(Body::from_stream(futures_util::stream::iter(parts)))
            }
            Fault::Stall => std::future::pending().await,
        }
    }
}

/// Returns a client that repeats without pauses.
pub(crate) fn archive(url: &str) -> Archive {
    builder(url).build().unwrap()
}

pub(crate) fn builder(url: &str) -> esmond_ps_client::ArchiveBuilder {
    Archive::builder(url)
        .timeout(Duration::from_millis(500))
        .retry_policy(RetryPolicy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
}

/// Returns options under which the state is always up to date.
pub(crate) fn options() -> Options {
    Options {
        save_every: Duration::ZERO,
        ..Options::new(NOW)
    }
}

/// Returns what an archive answers: all tests and all of their series.
pub(crate) async fn answers(url: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tests = archive(url).metadata(&MetadataFilters::new());
    while let Some(test) = tests.try_next().await.unwrap() {
        let mut record = serde_json::to_value(test.record()).unwrap();
        record.as_object_mut().unwrap().shift_remove("url");
        lines.push(record.to_string());
        for event_type in test.all_event_types() {
            let summaries = event_type.all_summaries();
            for series in [event_type.base()].into_iter().chain(summaries) {
                let mut points = series.points(&TimeArguments::default());
                while let Some(point) = points.try_next().await.unwrap() {
                    let at = point.ts_epoch;
                    lines.push(format!("{} {at} {}", series.uri(), point.val));
                }
            }
        }
    }
    lines
}

/// Tells where two lists of lines differ first.
#[track_caller]
pub(crate) fn assert_same(ours: &[String], theirs: &[String]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

pub(crate) fn record(source: &str, event_types: &[(&str, &[(SummaryType, i64)])]) -> NewRecord {
    let texts = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let event_types = event_types.iter().map(|(name, summaries)| {
        let summaries = summaries.iter().map(|(summary_type, window)| Summary {
            summary_type: *summary_type,
            window: *window,
        });
        ((*name).to_owned(), summaries.collect())
    });
    NewRecord {
        subject_type: "point-to-point".to_owned(),
        subject: texts(&[
            ("source", source),
            ("destination", "2001:db8::2"),
            ("measurement-agent", source),
            ("tool-name", "pscheduler/tool"),
            ("input-source", source),
            ("input-destination", "b.example.org"),
        ]),
        parameters: texts(&[("time-duration", "30"), ("ip-tos", "0")]),
        event_types: event_types.collect(),
    }
}

pub(crate) fn key(number: u32) -> String {
    format!("{number:032x}")
}

pub(crate) fn integers(points: impl IntoIterator<Item = (i64, i64)>) -> Vec<(i64, Value)> {
    let points = points.into_iter();
    points
        .map(|(ts, value)| (ts, Value::Integer(value)))
        .collect()
}

pub(crate) fn counts(buckets: &[(&str, i64)]) -> Value {
    let buckets = buckets.iter();
    Value::Histogram(Histogram::new(
        buckets.map(|(name, n)| ((*name).to_owned(), *n)),
    ))
}

/// Fills an archive with two tests of all kinds of values: a day and a half of
/// them, one every ten minutes.
pub(crate) async fn fill(place: &Place) {
    use SummaryType::{Aggregation, Average, Statistics};
    let throughput = record(
        "10.0.0.1",
        &[
            ("throughput", &[(Average, 86_400), (Aggregation, 3600)]),
            ("failures", &[]),
            ("packet-trace", &[]),
            ("time-error-estimates", &[(Average, 3600)]),
        ],
    );
    let latency = record(
        "10.0.0.2",
        &[
            (
                "packet-loss-rate",
                &[(Aggregation, 3600), (Aggregation, 86_400)],
            ),
            ("packet-count-lost", &[(Aggregation, 3600)]),
            ("packet-count-sent", &[(Aggregation, 3600)]),
            (
                "histogram-owdelay",
                &[
                    (Aggregation, 3600),
                    (Statistics, 3600),
                    (Statistics, 86_400),
                    (Statistics, 0),
                ],
            ),
        ],
    );
    for (number, new) in [(1, throughput), (2, latency)] {
        place.store.create(&key(number), &new).await.unwrap();
    }
    let times = || (0..216).map(|n| (n, DAY + 70 + n * 600));
    let large = 9_007_199_254_740_993;
    let list = |value: &dyn Fn(i64) -> Value| -> Vec<(i64, Value)> {
        times().map(|(n, ts)| (ts, value(n))).collect()
    };
    let (one, two) = (key(1), key(2));
    place
        .add(&one, "throughput", &list(&|n| Value::Integer(large + n)))
        .await;
    place
        .add(
            &one,
            "time-error-estimates",
            &list(&|n| Value::Float(n as f64 / 7.0)),
        )
        .await;
    let document = |n| Value::Document(format!(r#"[{{"ttl":1,"rtt":{n}.10}},null]"#));
    place.add(&one, "packet-trace", &list(&document)).await;
    let failure = Value::Document(r#"{"error":"it\u0000 broke"}"#.to_owned());
    place.add(&one, "failures", &[(DAY + 5, failure)]).await;
    place
        .add(
            &two,
            "packet-count-sent",
            &list(&|n| Value::Integer(600 + n % 3)),
        )
        .await;
    place
        .add(&two, "packet-count-lost", &list(&|n| Value::Integer(n % 4)))
        .await;
    let ratio = |n: i64| Value::Ratio {
        numerator: n % 4,
        denominator: 600 + n % 3,
    };
    place.add(&two, "packet-loss-rate", &list(&ratio)).await;
    let histogram = |n: i64| counts(&[("7.10", n), ("6", 600 - n), ("10.5", 3)]);
    place
        .add(&two, "histogram-owdelay", &list(&histogram))
        .await;
}
