//! How fast `esmond-ps-get-bulk` fetches a million points from our archive, and
//! in how much memory, beside `curl` fetching the same pages to nowhere.
//!
//! ```text
//! make bench
//! ```
//!
//! Points, when other than a million, are the first argument. Both ask one page
//! after the other over one connection, turn by turn; the best of the rounds
//! counts, as everything that disturbs only makes them slower. `curl` asks for
//! compression as ours does but unpacks nothing (`zstd`), and once more without
//! (`plain`).

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use esmond_ps_tests::{TestArchive, command};
use serde_json::{Map, Value, json};

const START: usize = 1_400_000_000;
const STEP: usize = 10;
const PAGE: usize = 1000;
const ROUNDS: usize = 3;

/// What is measured: an event type, and its values.
struct Case {
    event_type: &'static str,
    value: fn(usize) -> Value,
}

const CASES: [Case; 2] = [
    Case {
        event_type: "throughput",
        value: |n| json!(1_000_000_000 + n * 7919 % 9_000_000_000),
    },
    Case {
        event_type: "histogram-owdelay",
        value: |n| {
            let buckets = (0..5 + n % 10).map(|bucket| {
                let name = format!("{}.{}", 34 + bucket / 10, bucket % 10);
                (name, json!(1 + n * bucket % 100))
            });
            Value::Object(buckets.collect::<Map<_, _>>())
        },
    },
];

fn main() {
    let points = env::args()
        .nth(1)
        .map_or(1_000_000, |text| text.parse().expect("a number of points"));
    let archive = TestArchive::start();
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let has_curl = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_curl {
        println!("curl is missing: the comparison is skipped");
    }
    for case in &CASES {
        let key = load(&archive, case, points);
        println!("{points} points of {}", case.event_type);
        let config = scratch.path().join("curl.cfg");
        fs::write(&config, pages(&archive, case, &key, points)).expect("a configuration");
        let mut curls = [Duration::MAX; 2];
        let mut ours = [Figures::WORST; 3];
        for _ in 0..ROUNDS {
            if has_curl {
                for (best, encoding) in curls.iter_mut().zip(["gzip, zstd", "identity"]) {
                    *best = curl(&config, encoding).min(*best);
                }
            }
            for (best, format) in ours.iter_mut().zip(["csv", "json", "jsonl"]) {
                let figures = bulk(&archive, case, format, scratch.path());
                *best = best.better(figures);
            }
        }
        let [zstd, plain] = curls.map(|time| time.as_secs_f64());
        if has_curl {
            println!("  curl    {zstd:6.2} s zstd, {plain:6.2} s plain");
        }
        for (figures, format) in ours.iter().zip(["csv", "json", "jsonl"]) {
            let seconds = figures.time.as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "for people to read")]
            let speed = points as f64 / seconds;
            print!(
                "  {format:6}  {seconds:6.2} s, {speed:8.0} points/s, peak {:3.0} MB",
                figures.peak_kb / 1024.0
            );
            if has_curl {
                let (zstd, plain) = (seconds / zstd, seconds / plain);
                print!(", {zstd:.2} times curl zstd, {plain:.2} plain");
            }
            println!();
        }
    }
}

/// Stores the points of a case and returns the key of the test.
fn load(archive: &TestArchive, case: &Case, points: usize) -> String {
    let key = archive.create(&json!({
        "subject-type": "point-to-point", "source": "10.7.0.1", "destination": "10.7.0.2",
        "measurement-agent": "10.7.0.1", "tool-name": case.event_type, "input-source": "a",
        "input-destination": "b", "event-types": [{"event-type": case.event_type}],
    }));
    for first in (0..points).step_by(2 * PAGE) {
        let some = (first..points.min(first + 2 * PAGE)).map(|n| {
            let value = (case.value)(n);
            json!({"ts": START + n * STEP, "val": [{"event-type": case.event_type, "val": value}]})
        });
        archive.write(&key, &some.collect());
    }
    key
}

/// Returns a configuration of curl that asks for the pages of a series as ours
/// does: each begins with the last point of the one before.
fn pages(archive: &TestArchive, case: &Case, key: &str, points: usize) -> String {
    let mut config = String::new();
    for first in (0..points).step_by(PAGE - 1) {
        let start = START + first * STEP;
        writeln!(
            config,
            "url = \"{}{key}/{}/base?time-start={start}&limit={PAGE}\"\noutput = /dev/null",
            archive.archive_url(),
            case.event_type
        )
        .expect("a text takes everything");
    }
    config
}

fn curl(config: &Path, encoding: &str) -> Duration {
    let start = Instant::now();
    let status = Command::new("curl")
        .args(["--silent", "--fail", "--noproxy", "*", "--header"])
        .arg(format!("Accept-Encoding: {encoding}"))
        .arg("--config")
        .arg(config)
        .status()
        .expect("curl runs");
    assert!(status.success(), "curl failed");
    start.elapsed()
}

#[derive(Clone, Copy)]
struct Figures {
    time: Duration,
    peak_kb: f64,
}

impl Figures {
    const WORST: Self = Self {
        time: Duration::MAX,
        peak_kb: 0.0,
    };

    /// Takes the better time, and the worse memory.
    fn better(self, other: Self) -> Self {
        Self {
            time: self.time.min(other.time),
            peak_kb: self.peak_kb.max(other.peak_kb),
        }
    }
}

fn bulk(archive: &TestArchive, case: &Case, format: &str, scratch: &Path) -> Figures {
    let directory: PathBuf = scratch.join("out");
    fs::create_dir(&directory).expect("a directory");
    let start = Instant::now();
    let mut child = command("esmond-ps-get-bulk")
        .args(["-u", &archive.url, "-S", "2014-05-01", "-I", "--quiet"])
        .args(["-e", case.event_type, "-o", format, "-D"])
        .arg(&directory)
        .spawn()
        .expect("the program starts");
    let peak_kb = watch(&mut child);
    let time = start.elapsed();
    let status = child.wait().expect("it ends");
    assert!(status.success(), "esmond-ps-get-bulk failed");
    fs::remove_dir_all(directory).expect("the files go");
    Figures { time, peak_kb }
}

/// Waits for a program, and returns the most memory it ever had, in kB (0 where
/// the system does not tell).
fn watch(child: &mut Child) -> f64 {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    while child.try_wait().expect("a program").is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        peak = number.unwrap_or(peak);
        thread::sleep(Duration::from_millis(2));
    }
    peak
}
