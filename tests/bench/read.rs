//! Reading a whole series as JSON, and a day of a long one.

use std::process::Command;

use crate::Figure;
use crate::bench::{Bench, Measured, Row, Table, count, float, seconds, short};
use crate::data::ts;
use crate::http::{self, Connection};
use crate::process::{is_there, least, time, timed};
use crate::stores::Store;

pub(crate) const FIGURE: Figure = Figure {
    name: "read",
    title: "Archive: reading",
    about: "A whole series in one answer, fetched by `curl` to `/dev/null`; the limit is the program `sqlite3`, which \
            prints the same rows of a table of (series, ts, value) as JSON (`-json`) to `/dev/null`. And the points \
            of 24 hours in the middle of a series of 10 seconds' step; the limit is the same query in the smallest \
            store.",
    measure,
};

const DAY: usize = 86_400;

/// Requests of which the fastest counts.
const REQUESTS: usize = 30;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let [_, _, judged, _] = bench.sizes();
    if is_there("curl") && is_there("sqlite3") {
        let mut table = Table::new(
            "How it grows: a whole series",
            ["points", "archive", "sqlite3 -json", "×", "points a second"],
        );
        for points in bench.sizes() {
            let store = bench.store(points);
            let rounds = bench.rounds(if points > judged { 2 } else { 5 });
            let [ours, peer] = least(
                rounds,
                [
                    &mut || timed(&mut whole(&store, points)).seconds,
                    &mut || timed(&mut store.peer.print()).seconds,
                ],
            );
            table.line([
                count(points),
                seconds(ours),
                seconds(peer),
                short(ours / peer),
                short(float(points) / ours),
            ]);
            if points == judged {
                measured.rows.push(
                    Row::new(format!("{} points as JSON", count(points)), seconds(ours))
                        .against(format!("sqlite3: {}", seconds(peer)))
                        .at_most(ours / peer, 1.0, "× its time"),
                );
            }
        }
        measured.tables.push(table);
    }

    let sizes = bench.sizes();
    let small = bench.store(sizes[0]);
    let mut table = Table::new(
        "How it grows: 24 hours of a series",
        ["points", "time", "×"],
    );
    for points in sizes {
        let large = bench.store(points);
        let [ours, least] = windows([&large, &small], [points, sizes[0]]);
        table.line([count(points), seconds(ours), short(ours / least)]);
        if points == sizes[3] {
            measured.rows.push(
                Row::new(
                    format!("24 hours in a series of {}", count(points)),
                    seconds(ours),
                )
                .against(format!("of {}: {}", count(sizes[0]), seconds(least)))
                .at_most(ours / least, 1.5, "× its time"),
            );
        }
    }
    measured.tables.push(table);
    measured
}

/// Returns the command that fetches all points at once.
fn whole(store: &Store, points: usize) -> Command {
    let (url, series) = (&store.archive.url, store.series());
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--fail",
        "--noproxy",
        "*",
        "--output",
        "/dev/null",
    ])
    .arg(format!("{url}{series}?time-start=0&limit={points}"));
    curl
}

/// Returns the seconds that the middle day takes in each of two series.
fn windows(stores: [&Store; 2], points: [usize; 2]) -> [f64; 2] {
    let day = |store: &Store, points: usize| -> (Connection, Vec<u8>) {
        let begin = ts(points / 2) - DAY / 2;
        let end = begin + DAY;
        let path = format!(
            "{}?time-start={begin}&time-end={end}&limit={DAY}",
            store.series()
        );
        (store.archive.connect(), http::get(&path))
    };
    let [mut large, mut small] = [0, 1].map(|n| day(stores[n], points[n]));
    least(
        REQUESTS,
        [&mut large, &mut small]
            .each_mut()
            .map(|(connection, request)| {
                move || {
                    time(|| {
                        connection.send(request, 200);
                    })
                }
            })
            .each_mut()
            .map(|side| side as &mut dyn FnMut() -> f64),
    )
}
