//! Searching metadata among few and among many records.

use crate::Figure;
use crate::archive::{Archive, PATH};
use crate::bench::{Bench, Measured, Row, Table, count, seconds, short};
use crate::data::{EVENT_TYPE, host, metadata, plain};
use crate::http::{self, Connection};
use crate::load::share;
use crate::process::{least, time};

pub(crate) const FIGURE: Figure = Figure {
    name: "search",
    title: "Archive: searching metadata",
    about: "The same search, with as many answers, among many records; the limit is the smallest archive.",
    measure,
};

/// Clients that register tests at once.
const CLIENTS: usize = 16;

/// Requests of which the fastest counts.
const REQUESTS: usize = 50;

/// New tests, after each of which a search is timed.
const NEW_TESTS: usize = 10;

/// A record that all archives have.
const TEST: usize = 77;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let sizes = [1000, 10_000, 100_000];
    let sizes = sizes.map(|full| bench.size(full).max(2 * TEST));
    let small = Archive::start(bench.scratch());
    register(&small, 0, sizes[0]);
    let large = Archive::start(bench.scratch());
    let mut there = 0;
    let mut table = Table::new(
        "How it grows: a search, by the number of records",
        ["search", "records", "time", "×"],
    );
    for records in sizes {
        register(&large, there, records);
        there = records;
        for (name, query) in searches() {
            let request = http::get(&format!("{PATH}?{query}"));
            let (mut ours, mut limit) = (large.connect(), small.connect());
            let answers = [&mut ours, &mut limit].map(|side| side.send(&request, 200).len());
            assert!(answers[0] > 100 && answers[1] > 100, "{name}: no answer");
            let asked = |side: &mut Connection| {
                time(|| {
                    side.send(&request, 200);
                })
            };
            let [ours, limit] = least(
                REQUESTS,
                [&mut || asked(&mut ours), &mut || asked(&mut limit)],
            );
            table.line([
                name.to_owned(),
                count(records),
                seconds(ours),
                short(ours / limit),
            ]);
            if records == sizes[2] {
                measured.rows.push(
                    Row::new(
                        format!("{name}, among {} records", count(records)),
                        seconds(ours),
                    )
                    .against(format!("among {}: {}", count(sizes[0]), seconds(limit)))
                    .at_most(ours / limit, 1.5, "× its time"),
                );
            }
        }
    }
    table.lines.sort_by(|a, b| a[0].cmp(&b[0]));
    measured.tables.push(table);
    let mut sides = [&large, &small].map(|archive| (archive, there));
    measured.rows.extend(
        searches()
            .iter()
            .map(|search| after_new_tests(search, &mut sides, sizes[0])),
    );
    measured
}

/// The first search after a new test; each side is an archive, and the number of its next
/// new test.
fn after_new_tests(
    (name, query): &(&str, String),
    [large, small]: &mut [(&Archive, usize); 2],
    least_records: usize,
) -> Row {
    let request = http::get(&format!("{PATH}?{query}"));
    let first = |(archive, next): &mut (&Archive, usize)| {
        register(archive, *next, *next + 1);
        *next += 1;
        let mut connection = archive.connect();
        time(|| {
            connection.send(&request, 200);
        })
    };
    let [ours, limit] = least(NEW_TESTS, [&mut || first(large), &mut || first(small)]);
    Row::new(format!("{name}, the first after a new test"), seconds(ours))
        .against(format!(
            "among {}: {}",
            count(least_records),
            seconds(limit)
        ))
        .value(ours / limit, "× its time")
}

/// What is searched: a name, and the query.
fn searches() -> [(&'static str, String); 5] {
    let (source, destination) = (host(TEST, 1), host(TEST, 2));
    [
        ("by source", format!("source={source}")),
        (
            "by both ends and event type",
            format!("source={source}&destination={destination}&event-type={EVENT_TYPE}"),
        ),
        (
            "by a parameter, 100 answers",
            "ip-transport-protocol=udp&limit=100".to_owned(),
        ),
        (
            "by event type, 100 answers",
            format!("event-type={EVENT_TYPE}&limit=100"),
        ),
        ("all, the first 100", "limit=100".to_owned()),
    ]
}

/// Registers tests from one number to another.
fn register(archive: &Archive, first: usize, end: usize) {
    share(archive.address, CLIENTS, end - first, &|connection, n| {
        let metadata = metadata(first + n, &plain(EVENT_TYPE)).to_string();
        let request = http::write("POST", PATH, &archive.key, &metadata);
        connection.send(&request, 201);
    });
}
