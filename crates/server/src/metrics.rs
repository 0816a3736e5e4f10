//! What Prometheus may ask: `GET /metrics`.
//!
//! Labels come from small fixed sets: methods, kinds of resources, statuses.
//! Nothing that a client chooses (keys, paths, event types) becomes a label, so
//! the answer stays small whatever the archive is asked. Counters start at zero
//! when the archive starts.
//!
//! Metrics are read like data: anonymously, unless reading needs credentials.
//!
//! DIFFERENCE: the original has nothing of the kind.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use esmond_ps_store::StoreSize;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::access_log::Answered;
use crate::auth::Caller;
use crate::context::App;
use crate::dispatch::finish;
use crate::error::Error;

/// Bounds of the latency buckets, in seconds.
const SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

const CONTENT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Counts what the archive does.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Kind, Histogram, fn() -> Histogram>,
    under_way: Gauge,
    points: Counter,
    conflicts: Counter,
    results: Family<Outcome, Counter>,
    store_bytes: Gauge,
    store_free: Gauge,
    waiting: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    resource: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    resource: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("esmond_ps"),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram),
            under_way: Gauge::default(),
            points: Counter::default(),
            conflicts: Counter::default(),
            results: Family::default(),
            store_bytes: Gauge::default(),
            store_free: Gauge::default(),
            waiting: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "build",
            "Version of the archive",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "http_requests",
            "Requests answered",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the end of its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "http_requests_under_way",
            "Requests whose answer is not sent yet",
            metrics.under_way.clone(),
        );
        registry.register("points_written", "Points stored", metrics.points.clone());
        registry.register(
            "points_conflicting",
            "Points that were not stored since another was there",
            metrics.conflicts.clone(),
        );
        registry.register(
            "logstash_results",
            "Results of pScheduler, by what became of them",
            metrics.results.clone(),
        );
        registry.register_with_unit(
            "store_size",
            "Size of the store on disk",
            Unit::Bytes,
            metrics.store_bytes.clone(),
        );
        registry.register_with_unit(
            "store_free",
            "Part of the size that holds nothing and is used for the next writes",
            Unit::Bytes,
            metrics.store_free.clone(),
        );
        registry.register(
            "store_writes_waiting",
            "Writes that wait for the store",
            metrics.waiting.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// A request came.
    pub(crate) fn began(&self) {
        self.under_way.inc();
    }

    /// A request was answered and the answer sent, or its client is gone.
    pub(crate) fn ended(
        &self,
        method: &Method,
        resource: &'static str,
        status: u16,
        duration: Duration,
    ) {
        self.under_way.dec();
        let request = Request {
            method: known(method),
            resource,
            status,
        };
        self.requests.get_or_create(&request).inc();
        let kind = Kind { resource };
        let seconds = duration.as_secs_f64();
        self.durations.get_or_create(&kind).observe(seconds);
    }

    /// Points were written; so many of them were there already.
    pub(crate) fn points(&self, count: usize, conflicts: usize) {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        self.points.inc_by(number(count.saturating_sub(conflicts)));
        self.conflicts.inc_by(number(conflicts));
    }

    /// How large the store is, and how many writes wait for it.
    fn store(&self, size: StoreSize, waiting: u64) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.store_bytes.set(number(size.bytes));
        self.store_free.set(number(size.free_bytes));
        self.waiting.set(number(waiting));
    }

    /// A result of pScheduler was dealt with. `outcome` is one of a few fixed
    /// words.
    pub(crate) fn result(&self, outcome: &'static str) {
        self.results.get_or_create(&Outcome { outcome }).inc();
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Answers `/metrics`.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    method: Method,
    caller: Result<Caller, Error>,
) -> Response {
    let answered = Answered::new("metrics", &caller);
    let mut response = shown(&app, &method, caller).await.unwrap_or_else(|error| {
        error.log(&method, "/metrics");
        let mut response = error.into_response();
        finish(response.headers_mut(), Some("GET, HEAD"));
        response
    });
    response.extensions_mut().insert(answered);
    response
}

async fn shown(
    app: &App,
    method: &Method,
    caller: Result<Caller, Error>,
) -> Result<Response, Error> {
    app.may_read(&caller?)?;
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Error::method_not_allowed(method));
    }
    let size = app.store.size().await?;
    app.metrics.store(size, app.store.queue_depth());
    let mut text = String::new();
    // Writing to a text does not fail.
    if text::encode(&mut text, &app.metrics.registry).is_err() {
        return Err(Error::internal());
    }
    Ok(([(CONTENT_TYPE, CONTENT)], text).into_response())
}
