//! A place for logs and states, and an archive that only takes notes.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use esmond_ps_cli_common::loader::Stop;
use esmond_ps_load_gridftp::journal::Shown;
use esmond_ps_load_gridftp::load::{Failure, Post, Report, Settings, Stored};
use esmond_ps_load_gridftp::measurement::{Attributes, Measurement};
use esmond_ps_load_gridftp::resolve::{Family, Lookup, NoAnswer};
use esmond_ps_load_gridftp::run::{Ended, Job, run};
use esmond_ps_load_gridftp::transfer::Style;
use flate2::read::GzDecoder;
use tempfile::TempDir;

/// Reads a file of `tests/data`.
pub(crate) fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|text| text != "gz") {
        return bytes;
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut unpacked)
        .expect("gzip");
    unpacked
}

/// Names and addresses from a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    known: HashMap<(String, bool), IpAddr>,
    /// Names about which there is no answer.
    pub(crate) silent: HashSet<String>,
}

impl Table {
    fn knowing(known: HashMap<(String, bool), IpAddr>) -> Self {
        Self {
            known,
            silent: HashSet::new(),
        }
    }

    /// Of a hosts file.
    pub(crate) fn of_hosts(text: &str) -> Self {
        let mut table = HashMap::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let address: IpAddr = words.next().expect("a word").parse().expect("an address");
            table.extend(words.map(|name| ((name.to_owned(), address.is_ipv4()), address)));
        }
        Self::knowing(table)
    }

    pub(crate) fn of_inputs() -> Self {
        let names: serde_json::Value =
            serde_json::from_slice(&data("inputs/resolve.json")).expect("JSON");
        let mut table = HashMap::new();
        for (name, addresses) in names.as_object().expect("an object") {
            for (kind, is_v4) in [("A", true), ("AAAA", false)] {
                if let Some(address) = addresses[kind].as_str() {
                    table.insert((name.clone(), is_v4), address.parse().expect("an address"));
                }
            }
        }
        Self::knowing(table)
    }
}

impl Lookup for Table {
    fn address(&self, name: &str, family: Family) -> Result<Option<IpAddr>, NoAnswer> {
        if self.silent.contains(name) {
            return Err(NoAnswer);
        }
        let known = self.known.get(&(name.to_owned(), family == Family::V4));
        Ok(known.copied())
    }
}

/// Takes notes of what is posted.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) posted: RefCell<Vec<(u64, Measurement)>>,
    /// Lines of records that are refused.
    pub(crate) refused: Vec<u64>,
    /// After that many records the archive is away.
    pub(crate) away_after: Option<usize>,
    /// Whether later records are stored before earlier ones.
    pub(crate) disordered: bool,
}

impl Post for Notes {
    async fn post(&self, line: u64, measurement: &Measurement) -> Result<Stored, Failure> {
        if self.disordered {
            for _ in 0..(7 * line) % 10 {
                tokio::task::yield_now().await;
            }
        }
        if self
            .away_after
            .is_some_and(|count| self.posted.borrow().len() >= count)
        {
            return Err(Failure::Away(io::Error::other("nobody there").into()));
        }
        if self.refused.contains(&line) {
            return Err(Failure::Refused(io::Error::other("not wanted").into()));
        }
        let known = self
            .posted
            .borrow()
            .iter()
            .any(|(_, other)| other == measurement);
        self.posted.borrow_mut().push((line, measurement.clone()));
        Ok(if known {
            Stored::AlreadyThere
        } else {
            Stored::New
        })
    }
}

/// A directory with a log and a state.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) job: Job,
    pub(crate) notes: Notes,
    pub(crate) table: Table,
}

impl Place {
    pub(crate) fn new(log: &[u8]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Self {
            job: Job {
                log: Some(directory.path().join("g.log")),
                state: directory.path().join("state"),
                write_state: true,
                delete_state: false,
                settings: Settings {
                    style: Style::Netlogger,
                    attributes: Attributes::default(),
                    single: false,
                    jobs: 4,
                },
                rejects: None,
                shown: Shown::Nothing,
            },
            notes: Notes::default(),
            table: Table::of_inputs(),
            directory,
        };
        place.write("g.log", log);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    pub(crate) fn append(&self, name: &str, bytes: &[u8]) {
        let file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.path(name));
        io::Write::write_all(&mut file.expect("a file"), bytes).expect("written");
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    pub(crate) fn run(&self) -> anyhow::Result<Ended> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(run(
            &self.job,
            &self.notes,
            self.table.clone(),
            Stop::never(),
        ))
    }

    /// Runs to a good end.
    pub(crate) fn load(&self) -> Report {
        let ended = self.run().expect("it starts");
        assert!(ended.error.is_none(), "{:?}", ended.error);
        ended.report
    }

    /// Returns the paths of the files in the records posted since the last call.
    pub(crate) fn posted(&self) -> Vec<u64> {
        let posted = self.notes.posted.take();
        let bytes = |measurement: &Measurement| {
            let mut parameters = measurement.parameters.iter();
            let found = parameters.find(|(name, _)| *name == "gridftp-bytes-transferred");
            found
                .and_then(|(_, value)| value.as_u64())
                .expect("a number of bytes")
        };
        posted
            .iter()
            .map(|(_, measurement)| bytes(measurement))
            .collect()
    }
}

/// A record of a log, known by its size.
pub(crate) fn record(bytes: u64) -> String {
    let (minute, second) = (bytes / 60 % 60, bytes % 60);
    format!(
        "DATE=201806011{}{minute:02}{second:02}.500000 HOST=dtn1.example.org \
         PROG=globus-gridftp-server NL.EVNT=FTP_INFO START=20180601100000.000000 USER=dave \
         FILE=/data/x BUFFER=131072 BLOCK=262144 NBYTES={bytes} VOLUME=/ STREAMS=1 STRIPES=1 \
         DEST=[203.0.113.81] TYPE=RETR CODE=226 TASKID=none retrans=0\n",
        bytes / 3600 % 10
    )
}

/// Records of these sizes.
pub(crate) fn records(sizes: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let lines: Vec<String> = sizes.into_iter().map(record).collect();
    lines.concat().into_bytes()
}
