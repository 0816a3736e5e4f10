//! Single points from many connections, beside a server that stores nothing.

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use esmond_ps_server::{Connections, serve};
use esmond_ps_tests::spawn_archive;
use serde_json::{Value, json};

use crate::Figure;
use crate::archive::{Archive, address};
use crate::bench::{Bench, Measured, Row, Table, count, rate, short};
use crate::data::{EVENT_TYPE, metadata, plain, throughput, ts};
use crate::load::busy;
use crate::process::least;

pub(crate) const FIGURE: Figure = Figure {
    name: "post",
    title: "Archive: single points",
    about: "64 connections POST one point after the other, each to a test of its own, and each point is on disk \
            before it is answered. The limit is an empty handler in the archive's own server (axum, the same \
            settings of connections), under the same load generator, which shares the processors with it.",
    measure,
};

const CONNECTIONS: usize = 64;

/// Argument that makes this program the empty handler.
pub(crate) const NOTHING: &str = "serve-nothing";

/// Numbers of tests that are for this figure.
const TESTS: usize = 1000;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let nothing = Nothing::start();
    let archive = Archive::start(bench.scratch());
    let tests = Tests::create(&archive, TESTS, &plain(EVENT_TYPE));
    let summaries = json!([{"event-type": EVENT_TYPE, "summaries": [
        {"summary-type": "average", "summary-window": 3600},
        {"summary-type": "average", "summary-window": 86_400},
    ]}]);
    let summed = Tests::create(&archive, 2 * TESTS, &summaries);
    let [ours, with_summaries, empty] = least(
        bench.rounds(8),
        [
            &mut || tests.post(bench),
            &mut || summed.post(bench),
            &mut || nothing.post(bench, &tests),
        ],
    );
    let (ours, empty) = (1.0 / ours, 1.0 / empty);
    let what = format!("single POSTs from {CONNECTIONS} connections");
    measured
        .rows
        .push(Row::new(&what, rate(ours)).at_least(ours, 5000.0, "/s"));
    measured.rows.push(
        Row::new(format!("{what}, beside an empty handler"), rate(ours))
            .against(format!("empty handler: {}", rate(empty)))
            .at_least(ours / empty, 0.3, "× its rate"),
    );
    measured.rows.push(
        Row::new(
            "the same with hourly and daily averages",
            rate(1.0 / with_summaries),
        )
        .value(1.0 / with_summaries / empty, "× its rate"),
    );

    let mut table = Table::new(
        "How it grows: points a second into a store with",
        ["points there", "archive", "× empty handler"],
    );
    for points in bench.sizes() {
        let store = bench.store(points);
        let tests = Tests::create(&store.archive, TESTS, &plain(EVENT_TYPE));
        let [ours] = least(bench.rounds(2), [&mut || tests.post(bench)]);
        table.line([count(points), short(1.0 / ours), short(1.0 / ours / empty)]);
    }
    measured.tables.push(table);
    measured
}

/// Tests that get points, one for each connection.
struct Tests<'a> {
    archive: &'a Archive,
    records: Vec<String>,
    next: AtomicUsize,
}

impl<'a> Tests<'a> {
    fn create(archive: &'a Archive, first: usize, event_types: &Value) -> Self {
        let records = (0..CONNECTIONS).map(|n| archive.create(&metadata(first + n, event_types)));
        Self {
            archive,
            records: records.collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Returns the seconds for one point.
    fn post(&self, bench: &Bench) -> f64 {
        self.to(self.archive.address, bench)
    }

    fn to(&self, address: SocketAddr, bench: &Bench) -> f64 {
        let time = Duration::from_secs(bench.rounds(4) as u64);
        busy(address, CONNECTIONS, time, 201, &|lane| {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"ts\":{},\"val\":{}}}", ts(n), throughput(n));
            self.archive.post(&self.records[lane], EVENT_TYPE, &body)
        })
    }
}

/// The empty handler, in a process of its own as the archive is.
struct Nothing {
    server: std::process::Child,
    address: SocketAddr,
}

impl Nothing {
    fn start() -> Self {
        let own = env::current_exe().expect("a program knows its own path");
        let mut serve = Command::new(own);
        serve.arg(NOTHING);
        let (server, url) = spawn_archive(serve);
        let address = address(&url);
        Self { server, address }
    }

    fn post(&self, bench: &Bench, tests: &Tests<'_>) -> f64 {
        tests.to(self.address, bench)
    }
}

impl Drop for Nothing {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Answers every request as the archive answers a write, and does nothing, until it is
/// killed. The address goes to stderr.
#[expect(
    clippy::print_stderr,
    reason = "whoever started it reads the address there"
)]
pub(crate) fn serve_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        eprintln!("http://{address}/");
        let router = Router::new().fallback(async |_: Bytes| {
            (
                StatusCode::CREATED,
                [(CONTENT_TYPE, "application/json")],
                "\"\"",
            )
        });
        let never = std::future::pending();
        serve(listener, router, Connections::default(), never).await;
    });
}
