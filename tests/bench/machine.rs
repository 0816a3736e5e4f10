//! Where, when and of what the figures are.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::bench::seconds;
use crate::process::{least, time};

/// Syncs of which the fastest counts.
const SYNCS: usize = 20;

/// Under which circumstances something was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Circumstances {
    machine: String,
    date: String,
    commit: String,
    command: String,
}

impl Circumstances {
    /// Returns those of this run.
    pub(crate) fn of_now(scratch: &Path, command: &str) -> Self {
        Self {
            machine: machine(scratch),
            date: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
            commit: commit(),
            command: command.to_owned(),
        }
    }

    /// As the page says it.
    pub(crate) fn text(&self) -> String {
        let Self {
            machine,
            date,
            commit,
            command,
        } = self;
        format!("{date}, commit {commit}, `{command}`, on {machine}")
    }
}

fn machine(scratch: &Path) -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kib| kib.div_ceil(1 << 20));
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let sync = seconds(sync(scratch));
    format!(
        "{processors} × {processor}, {memory} GiB, Linux {}, 4 KiB synced to disk in {sync}",
        system.trim()
    )
}

/// How long the disk takes for what every commit waits for.
fn sync(scratch: &Path) -> f64 {
    let path = scratch.join("sync");
    let mut file = File::create(&path).expect("a file");
    let [least] = least(
        SYNCS,
        [&mut || {
            time(|| {
                file.write_all(&[7; 4096]).expect("written");
                file.sync_data().expect("synced");
            })
        }],
    );
    fs::remove_file(path).expect("it goes");
    least
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs"]);
    match changed.as_deref() {
        Some("") => commit,
        _ => format!("{commit} with changes"),
    }
}
