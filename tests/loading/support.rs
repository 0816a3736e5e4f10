//! Logs with known contents, and what an archive holds of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use chrono::DateTime;
use esmond_ps_tests::{Run, TestArchive, command, http_client};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const LOADER: &str = "esmond-ps-load-gridftp";

/// Start of the first transfer.
pub(crate) const START: i64 = 1_500_000_000;

/// Sizes of the transfers: so many records of metadata.
const SIZES: u64 = 50;

/// Transfer number `n` as a log has it. It starts at `START + n`; no two are equal.
pub(crate) fn line(n: u64) -> String {
    let stamp = |seconds: i64, micros: u64| {
        let time = DateTime::from_timestamp(seconds, 0).expect("a time");
        format!("{}.{micros:06}", time.format("%Y%m%d%H%M%S"))
    };
    let start = START + i64::try_from(n).expect("a small number");
    let size = 1_000_000 + n % SIZES;
    format!(
        "DATE={} HOST=198.51.100.10 PROG=globus-gridftp-server NL.EVNT=FTP_INFO START={} \
         USER=dave FILE=/data/{n} BUFFER=131072 BLOCK=262144 NBYTES={size} VOLUME=/ STREAMS=1 \
         STRIPES=1 DEST=[203.0.113.81] TYPE=RETR CODE=226 TASKID=none retrans={n}\n",
        stamp(start + 1, n),
        stamp(start, 0),
    )
}

/// Lines of these transfers.
pub(crate) fn lines(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(line).collect()
}

/// An archive, and a directory with a log.
pub(crate) struct Site {
    pub(crate) archive: TestArchive,
    pub(crate) directory: TempDir,
}

impl Site {
    pub(crate) fn new(log: &str) -> Self {
        let site = Self {
            archive: TestArchive::start(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        fs::write(site.path("g.log"), log).expect("a log");
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.path(name));
        std::io::Write::write_all(&mut file.expect("a log"), text.as_bytes()).expect("written");
    }

    /// The command that loads `g.log`, with a state file beside it.
    pub(crate) fn command(&self, more: &[&str]) -> std::process::Command {
        let mut command = command(LOADER);
        command
            .current_dir(self.directory.path())
            .args([
                "-f",
                "g.log",
                "-p",
                "state",
                "-P",
                "-s",
                "/esmond",
                "-U",
                &self.archive.url,
            ])
            .args(["-u", "tester", "-k", &self.archive.key])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, more: &[&str]) -> Run {
        ended(self.command(more).spawn().expect("the loader starts"))
    }

    /// Loads to a good end, and returns the closing words.
    pub(crate) fn load(&self) -> String {
        let run = self.run(&[]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        closing(&run)
    }

    /// Everything that the archive holds of one event type: time and value, each as
    /// often as it is there.
    pub(crate) fn stored(&self, event_type: &str) -> Vec<(i64, Value)> {
        let mut all = Vec::new();
        for key in self.keys() {
            let url = format!("{}{key}/{event_type}/base", self.archive.archive_url());
            let points: Vec<Value> = self.ask(&format!("{url}?limit=100000"));
            all.extend(points.into_iter().map(|mut point| {
                let ts = point["ts"].as_i64().expect("a time");
                (ts, point["val"].take())
            }));
        }
        all.sort_by_key(|(ts, _)| *ts);
        all
    }

    /// How many records of metadata the archive holds; 0 when it does not answer.
    pub(crate) fn keys(&self) -> Vec<String> {
        let list: Vec<Value> = self.ask(&format!("{}?limit=100000", self.archive.archive_url()));
        let key = |test: &Value| test["metadata-key"].as_str().expect("a key").to_owned();
        list.iter().map(key).collect()
    }

    fn ask(&self, url: &str) -> Vec<Value> {
        let answer = http_client().get(url).send().expect("the archive answers");
        answer.json().expect("a list")
    }

    /// Checks that exactly these transfers are stored, each once and with its values.
    pub(crate) fn assert_holds(&self, numbers: impl IntoIterator<Item = u64>) {
        let mut throughput = Vec::new();
        let mut retransmits = Vec::new();
        for n in numbers {
            let ts = START + i64::try_from(n).expect("a small number");
            #[expect(clippy::cast_precision_loss, reason = "these are small")]
            let rate = (8 * (1_000_000 + n % SIZES)) as f64 / ((1_000_000 + n) as f64 / 1e6);
            // An integer for archives.
            throughput.push((ts, rate.trunc()));
            retransmits.push((ts, n));
        }
        let numbers = |event_type: &str| self.stored(event_type);
        let found: Vec<_> = numbers("throughput")
            .into_iter()
            .map(|(ts, value)| (ts, value.as_f64().expect("a number")))
            .collect();
        assert!(
            found == throughput,
            "{} points, not {}",
            found.len(),
            throughput.len()
        );
        let found: Vec<_> = numbers("streams-packet-retransmits")
            .into_iter()
            .map(|(ts, value)| (ts, value[0].as_u64().expect("a number")))
            .collect();
        assert!(
            found == retransmits,
            "{} lists, not {}",
            found.len(),
            retransmits.len()
        );
    }

    /// Everything in the archive, to be compared.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Value> {
        let url = format!("{}?limit=100000", self.archive.archive_url());
        let mut all = BTreeMap::new();
        for test in self.ask(&url) {
            let key = test["metadata-key"].as_str().expect("a key").to_owned();
            for event_type in test["event-types"].as_array().expect("a list") {
                let base = event_type["base-uri"].as_str().expect("an address");
                let points = self.ask(&format!("{}{base}?limit=100000", self.archive.url));
                all.insert(base.to_owned(), points.into());
            }
            let mut test = test;
            // When something was last stored is no contents.
            for event_type in test["event-types"].as_array_mut().expect("a list") {
                event_type["time-updated"].take();
            }
            all.insert(key, test);
        }
        all
    }
}

/// Waits for a program to end.
pub(crate) fn ended(child: Child) -> Run {
    let output = child.wait_with_output().expect("it ends");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// What the closing line says.
pub(crate) fn closing(run: &Run) -> String {
    let last = run.stderr.lines().last().unwrap_or_default();
    let at = last
        .find("Loaded ")
        .unwrap_or_else(|| panic!("no closing line in {}", run.stderr));
    last[at..].to_owned()
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let process = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &process])
        .status();
    assert!(sent.expect("kill runs").success());
}
