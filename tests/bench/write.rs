//! Bulk writes, beside the same rows inserted through the SQLite library.

use crate::Figure;
use crate::archive::Archive;
use crate::bench::{Bench, Measured, Row, Table, count, float, rate, short};
use crate::data::{EVENT_TYPE, bulks, metadata, plain, throughput};
use crate::load::share;
use crate::peer::Peer;
use crate::process::{least, time};

pub(crate) const FIGURE: Figure = Figure {
    name: "write",
    title: "Archive: bulk writes",
    about: "One client PUTs points one request after the other; each is on disk before it is answered. The limit \
            is a program that inserts the same rows through the SQLite library into a table of (series, ts, value), \
            one transaction for each request, as durable (WAL, `synchronous=FULL`), without HTTP, JSON, checks \
            and summaries.",
    measure,
};

/// Points of a request that are judged: what a busy host sends, and what a loader does.
const BATCHES: [usize; 2] = [1000, 10_000];

/// Points of a request where growth is shown.
const BATCH: usize = 1000;

/// Series of the peer's rows that are beside the first one.
const BESIDE: i64 = 2;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let points = bench.size(1_000_000);
    for batch in BATCHES {
        let bodies: Vec<String> = bodies(0..points, batch).collect();
        let [ours, peer] = least(
            bench.rounds(3),
            [
                &mut || {
                    let archive = Archive::start(bench.scratch());
                    put(&archive, &record(&archive), 1, &bodies)
                },
                &mut || {
                    let path = bench.scratch().join("peer-write.sqlite");
                    let peer = Peer::create(&path);
                    let taken = time(|| peer.insert(1, 0..points, batch));
                    drop(peer);
                    std::fs::remove_file(path).expect("it goes");
                    taken
                },
            ],
        );
        let (ours, peer) = (float(points) / ours, float(points) / peer);
        let what = format!("{} points, {} a request", count(points), count(batch));
        measured.rows.push(
            Row::new(what, rate(ours))
                .against(format!("SQLite: {}", rate(peer)))
                .at_least(ours / peer, 0.5, "× its rate"),
        );
    }
    let bodies: Vec<String> = bodies(0..points, BATCH).collect();
    let [ours] = least(
        bench.rounds(2),
        [&mut || {
            let archive = Archive::start(bench.scratch());
            put(&archive, &record(&archive), 8, &bodies)
        }],
    );
    let what = format!(
        "the same, {} a request, from 8 clients at once",
        count(BATCH)
    );
    measured
        .rows
        .push(Row::new(what, rate(float(points) / ours)));
    measured.tables.push(growth(bench));
    measured
}

/// Writes more points beside series of several sizes.
fn growth(bench: &Bench) -> Table {
    let mut table = Table::new(
        &format!(
            "How it grows: points a second, {} a request, into a store with",
            count(BATCH)
        ),
        [
            "points there",
            "archive",
            "SQLite",
            "×",
            "filled with 10,000 a request",
        ],
    );
    let more = bench.size(100_000);
    for points in bench.sizes() {
        let store = bench.store(points);
        let record = store.archive.create(&metadata(1, &plain(EVENT_TYPE)));
        let [ours, peer] = least(
            bench.rounds(3),
            [
                &mut || {
                    let bodies: Vec<String> = bodies(store.more(more), BATCH).collect();
                    put(&store.archive, &record, 1, &bodies)
                },
                &mut || {
                    // The numbers of the round before, which are new to the peer.
                    let end = store.more(0).end;
                    time(|| store.peer.insert(BESIDE, end - more..end, BATCH))
                },
            ],
        );
        table.line([
            count(points),
            short(float(more) / ours),
            short(float(more) / peer),
            short(peer / ours),
            short(float(points) / store.seconds),
        ]);
    }
    table
}

fn record(archive: &Archive) -> String {
    archive.create(&metadata(0, &plain(EVENT_TYPE)))
}

fn bodies(numbers: std::ops::Range<usize>, batch: usize) -> impl Iterator<Item = String> {
    bulks(EVENT_TYPE, numbers, batch, |n| throughput(n).to_string())
}

/// Returns the seconds that writing takes.
fn put(archive: &Archive, record: &str, connections: usize, bodies: &[String]) -> f64 {
    let requests: Vec<Vec<u8>> = bodies
        .iter()
        .map(|body| archive.put(record, body))
        .collect();
    time(|| {
        share(
            archive.address,
            connections,
            requests.len(),
            &|connection, n| {
                connection.send(&requests[n], 201);
            },
        );
    })
}
