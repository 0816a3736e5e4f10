//! The query programs, beside `curl` fetching the same pages to nowhere.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use esmond_ps_tests::command;

use crate::Figure;
use crate::bench::{Bench, Measured, Row, Table, count, float, rate, seconds, short};
use crate::data::{EVENT_TYPE, host, ts};
use crate::process::{Taken, is_there, megabytes, timed};
use crate::stores::Store;

/// Points that the programs ask for at a time.
const PAGE: usize = 1000;

pub(crate) const FIGURE: Figure = Figure {
    name: "fetch",
    title: "Reading with the programs",
    about: "`esmond-ps-get-bulk` and `esmond-ps-get` read a whole series from our archive. The limit is `curl`, \
            which fetches the same pages over one connection to `/dev/null`, asks for the same compression \
            (`gzip, zstd`), and unpacks and understands nothing.",
    measure,
};

/// Compression that the programs ask for, and none.
const ENCODINGS: [&str; 2] = ["gzip, zstd", "identity"];

/// A program, what it is asked for, and what is held against it.
struct Program {
    name: &'static str,
    formats: [&'static str; 2],
    /// Places of its sizes among those of all figures, and of those that are judged.
    sizes: std::ops::Range<usize>,
    judged: &'static [usize],
    /// Most times the time of curl.
    goal: f64,
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "esmond-ps-get-bulk",
        formats: ["csv", "jsonl"],
        sizes: 0..4,
        judged: &[2, 3],
        goal: 1.5,
    },
    Program {
        name: "esmond-ps-get",
        formats: ["human", "csv"],
        sizes: 0..3,
        judged: &[1],
        goal: 2.0,
    },
];

/// Most memory, in megabytes.
const MEMORY: f64 = 64.0;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    if is_there("curl") {
        for program in &PROGRAMS {
            let table = measure_one(bench, program, &mut measured.rows);
            measured.tables.push(table);
        }
    }
    measured
}

fn measure_one(bench: &Bench, program: &Program, rows: &mut Vec<Row>) -> Table {
    let mut table = Table::new(
        &format!("How it grows: {}", program.name),
        [
            "points",
            "format",
            "time",
            "points a second",
            "× curl",
            "× curl uncompressed",
            "peak",
        ],
    );
    for place in program.sizes.clone() {
        let points = bench.sizes()[place];
        let rounds = bench.rounds(if place == 3 { 1 } else { 3 });
        let (curl, ours) = fetched(bench, &bench.store(points), points, program, rounds);
        for (format, taken) in program.formats.into_iter().zip(ours) {
            let (time, memory) = (seconds(taken.seconds), megabytes(taken.peak));
            let speed = float(points) / taken.seconds;
            let ratio = taken.seconds / curl[0];
            table.line([
                count(points),
                format.to_owned(),
                time.clone(),
                short(speed),
                short(ratio),
                short(taken.seconds / curl[1]),
                format!("{} MB", short(memory)),
            ]);
            if program.judged.contains(&place) {
                let name = program.name.trim_start_matches("esmond-ps-");
                let what = format!("{name}, {} points, {format}", count(points));
                rows.push(
                    Row::new(&what, time)
                        .against(format!("curl: {}", seconds(curl[0])))
                        .at_most(ratio, program.goal, "× its time"),
                );
                let row = Row::new(format!("{what}: memory"), rate(speed));
                rows.push(row.at_most(memory, MEMORY, "MB"));
            }
        }
    }
    table
}

/// Fetches a series by curl and a program, turn by turn.
fn fetched(
    bench: &Bench,
    store: &Store,
    points: usize,
    program: &Program,
    rounds: usize,
) -> ([f64; 2], [Taken; 2]) {
    let config = bench.scratch().join("curl.cfg");
    fs::write(&config, pages(store, points)).expect("a configuration");
    let mut curls = [Taken::WORST; 2];
    let mut ours = [Taken::WORST; 2];
    for _ in 0..rounds {
        for (best, encoding) in curls.iter_mut().zip(ENCODINGS) {
            *best = best.better(curl(&config, encoding));
        }
        for (best, format) in ours.iter_mut().zip(program.formats) {
            *best = best.better(fetch(bench, store, program.name, format));
        }
    }
    (curls.map(|taken| taken.seconds), ours)
}

/// Returns a configuration of curl that asks for the pages of a series as ours do: each
/// begins with the last point of the one before.
fn pages(store: &Store, points: usize) -> String {
    let mut config = String::new();
    for first in (0..points).step_by(PAGE - 1) {
        let start = ts(first);
        let (url, series) = (&store.archive.url, store.series());
        let page = format!("{url}{series}?time-start={start}&limit={PAGE}");
        writeln!(config, "url = \"{page}\"\noutput = /dev/null").expect("a text takes everything");
    }
    config
}

fn curl(config: &Path, encoding: &str) -> Taken {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--noproxy", "*", "--header"])
        .arg(format!("Accept-Encoding: {encoding}"))
        .arg("--config")
        .arg(config);
    timed(&mut curl)
}

fn fetch(bench: &Bench, store: &Store, program: &str, format: &str) -> Taken {
    let directory: PathBuf = bench.scratch().join("out");
    fs::create_dir(&directory).expect("a directory");
    let mut fetch = command(program);
    fetch
        .args(["-u", &store.archive.url, "-S", "2014-05-01", "-I"])
        .args([
            "-s",
            &host(0, 1),
            "-d",
            &host(0, 2),
            "-e",
            EVENT_TYPE,
            "-o",
            format,
        ]);
    if program.ends_with("bulk") {
        fetch.arg("--quiet").arg("-D").arg(&directory);
    } else {
        fetch.stdout(Stdio::null());
    }
    let taken = timed(&mut fetch);
    fs::remove_dir_all(directory).expect("the files go");
    taken
}
