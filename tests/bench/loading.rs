//! How fast `esmond-ps-load-gridftp` loads a log into our archive, and how long a run
//! takes that finds nothing new in a log of a million lines.
//!
//! ```text
//! make bench
//! ```
//!
//! Records, when other than 100,000, are the first argument. They are loaded twice: with
//! a size of its own for each transfer, as in real logs, so that each is a test of its
//! own for the archive; and with a hundred sizes.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::env;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::DateTime;
use esmond_ps_tests::{TestArchive, command};

const LINES: u64 = 1_000_000;

const ROUNDS: usize = 20;

fn main() {
    let records = env::args()
        .nth(1)
        .map_or(100_000, |text| text.parse().expect("a number of records"));
    let scratch = tempfile::tempdir().expect("a temporary directory");
    for sizes in [records, 100] {
        let archive = TestArchive::start();
        let log = scratch.path().join(format!("{sizes}.log"));
        write(&log, records, |n| line(n, n % sizes, "RETR"));
        let (time, _) = run(load(&archive, &log));
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let speed = records as f64 / time.as_secs_f64();
        println!(
            "{records} records of {sizes} sizes: {:.1} s, {speed:.0} records/s",
            time.as_secs_f64()
        );
    }

    // Listings go nowhere, so the log is read quickly the first time.
    let archive = TestArchive::start();
    let log = scratch.path().join("long.log");
    write(&log, LINES, |n| {
        line(n, n, if n + 1 == LINES { "RETR" } else { "MLSD" })
    });
    let (first, _) = run(load(&archive, &log));
    let mut best = Duration::MAX;
    let mut worst = Duration::ZERO;
    for _ in 0..ROUNDS {
        let (time, output) = run(load(&archive, &log));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Loaded 0 records, 0 already there"), "{said}");
        best = best.min(time);
        worst = worst.max(time);
    }
    println!(
        "{LINES} lines: read in {:.1} s; then nothing new found in {:.0} ms (worst of {ROUNDS}: {:.0} ms)",
        first.as_secs_f64(),
        best.as_secs_f64() * 1e3,
        worst.as_secs_f64() * 1e3
    );
}

fn write(path: &Path, lines: u64, line: impl Fn(u64) -> String) {
    let mut log = BufWriter::new(File::create(path).expect("a log"));
    for n in 0..lines {
        log.write_all(line(n).as_bytes()).expect("written");
    }
    log.flush().expect("written");
}

fn line(n: u64, size: u64, kind: &str) -> String {
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

fn load(archive: &TestArchive, log: &Path) -> Command {
    let mut command = command("esmond-ps-load-gridftp");
    command
        .arg("-f")
        .arg(log)
        .arg("-p")
        .arg(log.with_extension("state"))
        .args(["-P", "-s", "/esmond", "-U", &archive.url])
        .args(["-u", "tester", "-k", &archive.key])
        .args(env::args().skip(2));
    command
}

fn run(mut command: Command) -> (Duration, Output) {
    let start = Instant::now();
    let output = command.output().expect("it runs");
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (time, output)
}
