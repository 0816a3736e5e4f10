//! Loading the logs of GridFTP servers.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use chrono::DateTime;
use esmond_ps_load_gridftp::netlogger;
use esmond_ps_load_gridftp::transfer::Line;
use esmond_ps_tests::command;
use serde_json::Value;

use crate::Figure;
use crate::archive::{Archive, PATH, key_of};
use crate::bench::{Bench, Measured, Row, Table, count, float, rate, seconds, short};
use crate::http;
use crate::load::share;
use crate::process::{is_there, least, time, timed};

pub(crate) const FIGURE: Figure = Figure {
    name: "gridftp",
    title: "Loading GridFTP logs",
    about: "`esmond-ps-load-gridftp` reads a log. Nothing is posted of listings, nor with `--dry-run`, which prints what \
            would be; the limit is `wc -l` of the file. The limit of loading is the archive: a load generator sends it the same \
            requests, made before, over as many connections as the loader has (16).",
    measure,
};

/// Requests that the loader has on their way at once.
const JOBS: usize = 16;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let log = bench.scratch().join("gridftp.log");
    if is_there("wc") {
        measured.rows = parsed(bench, &log);
    }
    let all = bench.size(50_000);
    let mut table = Table::new(
        "How it grows: records loaded a second",
        ["records", "tests", "loader", "the same requests", "×"],
    );
    for (records, tests) in [(all / 10, all / 10), (all, all), (all, 100)] {
        write(&log, records, |n| line(n, n % tests, "RETR"));
        let requests = requests(&log);
        assert_eq!(requests.len(), records, "what would be posted");
        let [ours, limit] = least(
            bench.rounds(2),
            [
                &mut || {
                    let archive = Archive::start(bench.scratch());
                    timed(&mut load(&archive, &log)).seconds
                },
                &mut || {
                    let archive = Archive::start(bench.scratch());
                    time(|| send(&archive, &requests))
                },
            ],
        );
        let (ours, limit) = (float(records) / ours, float(records) / limit);
        table.line([
            count(records),
            count(tests),
            short(ours),
            short(limit),
            short(ours / limit),
        ]);
        if records == all {
            let what = format!(
                "{} records of {} tests loaded",
                count(records),
                count(tests)
            );
            measured.rows.push(
                Row::new(what, rate(ours))
                    .against(format!("the same requests: {}", rate(limit)))
                    .at_least(ours / limit, 0.5, "× their rate"),
            );
        }
    }
    measured.tables.push(table);
    measured
}

/// Reads a log and posts nothing.
fn parsed(bench: &Bench, log: &Path) -> Vec<Row> {
    let lines = bench.size(500_000);
    write(log, lines, |n| line(n, n, "RETR"));
    let listings = bench.scratch().join("listings.log");
    write(&listings, lines, |n| line(n, n, "MLSD"));
    let text = fs::read_to_string(log).expect("text");
    let [library, skipped, wc] = least(
        bench.rounds(10),
        [
            &mut || {
                time(|| {
                    let parsed = text.lines().map(netlogger::parse);
                    let transfers = parsed.filter(|line| matches!(line, Line::Transfer(_)));
                    assert_eq!(transfers.count(), lines, "transfers");
                })
            },
            &mut || timed(dry(&listings).stdout(Stdio::null())).seconds,
            &mut || {
                let mut wc = Command::new("wc");
                timed(wc.arg("-l").arg(log).stdout(Stdio::null())).seconds
            },
        ],
    );
    let [printed] = least(
        bench.rounds(2),
        [&mut || timed(dry(log).stdout(Stdio::null())).seconds],
    );
    let row = |what: &str, taken: f64| {
        Row::new(format!("{} {what}", count(lines)), seconds(taken))
            .against(format!("wc -l: {}", seconds(wc)))
    };
    vec![
        row("transfers parsed by its library", library).at_least(wc / library, 0.2, "× its speed"),
        row("listings read and passed over", skipped).at_least(wc / skipped, 0.2, "× its speed"),
        row("transfers printed as what would be posted", printed)
            .value(wc / printed, "× its speed"),
    ]
}

fn write(path: &Path, lines: usize, line: impl Fn(usize) -> String) {
    let mut log = BufWriter::new(File::create(path).expect("a log"));
    for n in 0..lines {
        log.write_all(line(n).as_bytes()).expect("written");
    }
    log.flush().expect("written");
}

fn line(n: usize, size: usize, kind: &str) -> String {
    let start = 1_500_000_000 + i64::try_from(n).expect("a small number");
    let stamp = |seconds: i64| {
        let time = DateTime::from_timestamp(seconds, 0).expect("a time");
        time.format("%Y%m%d%H%M%S").to_string()
    };
    format!(
        "DATE={}.250000 HOST=198.51.100.10 PROG=globus-gridftp-server NL.EVNT=FTP_INFO START={}.125000 \
         USER=dave FILE=/data/{n} BUFFER=131072 BLOCK=262144 NBYTES={} VOLUME=/ STREAMS=4 STRIPES=1 \
         DEST=[203.0.113.81] TYPE={kind} CODE=226 TASKID=none retrans=0,0,3,1\n",
        stamp(start + 9),
        stamp(start),
        1_000_000 + size
    )
}

/// Returns the command that reads a log and posts nothing.
fn dry(log: &Path) -> Command {
    let mut command = command("esmond-ps-load-gridftp");
    command.args(["-P", "-d", "--dry-run", "-f"]).arg(log);
    command.stderr(Stdio::null());
    command
}

fn load(archive: &Archive, log: &Path) -> Command {
    let state: PathBuf = log.with_extension("state");
    fs::remove_file(&state).ok();
    let mut command = command("esmond-ps-load-gridftp");
    command
        .arg("-f")
        .arg(log)
        .arg("-p")
        .arg(state)
        .args(["-P", "-s", "/esmond", "-U", &archive.url])
        .args(["-u", "tester", "-k", &archive.key])
        .stderr(Stdio::null());
    command
}

/// What is posted of a record: its metadata, and its points.
struct Request {
    metadata: String,
    data: String,
}

/// Returns what would be posted of a log.
fn requests(log: &Path) -> Vec<Request> {
    let output = dry(log).output().expect("it runs");
    let lines = String::from_utf8(output.stdout).expect("text");
    let requests = lines.lines().map(|line| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let data = &record["data"];
        Request {
            metadata: record["metadata"].to_string(),
            data: format!("{{\"data\":{data}}}"),
        }
    });
    requests.collect()
}

/// Sends what the loader sends: metadata when they are new, then the points.
fn send(archive: &Archive, requests: &[Request]) {
    let keys = Mutex::new(HashMap::<&str, String>::new());
    share(archive.address, JOBS, requests.len(), &|connection, n| {
        let request = &requests[n];
        let known = keys
            .lock()
            .expect("no panic")
            .get(request.metadata.as_str())
            .cloned();
        let record = known.unwrap_or_else(|| {
            let create = http::write("POST", PATH, &archive.key, &request.metadata);
            let key = key_of(connection.send(&create, 201));
            keys.lock()
                .expect("no panic")
                .insert(&request.metadata, key.clone());
            key
        });
        connection.send(&archive.put(&record, &request.data), 201);
    });
}
