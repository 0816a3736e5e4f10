//! The archive under load: a process of its own, and what the system tells of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use esmond_ps_tests::eras::POLICIES;
use esmond_ps_tests::{Run, command, run, spawn_archive};
use serde_json::Value;
use tempfile::TempDir;

const MB: u64 = 1024 * 1024;

/// A running archive with one user, in a directory of its own.
#[derive(Debug)]
pub(crate) struct Archive {
    server: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Key of the user `tester`.
    pub(crate) key: String,
    data: TempDir,
}

/// Memory of a process, in bytes; 0 where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// What it has.
    pub(crate) now: u64,
    /// The most that it ever had.
    pub(crate) peak: u64,
}

impl Archive {
    /// Starts an empty one on a free port.
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let path = data.path().to_str().expect("a UTF-8 path");
        fs::write(data.path().join("retention.json"), POLICIES).expect("policies");
        let added = run(
            "esmond-ps-archive",
            &["user", "add", "tester", "--data", path],
        );
        let mut lines = added.stdout.lines();
        let key = lines.find_map(|line| line.strip_prefix("Key: "));
        let key = key.expect("a key").to_owned();
        let mut serve = command("esmond-ps-archive");
        serve.args(["serve", "--data", path, "--listen", "127.0.0.1:0"]);
        let (server, url) = spawn_archive(serve);
        Self {
            server,
            url,
            key,
            data,
        }
    }

    /// Address of a path below the archive.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/esmond/perfsonar/archive/{path}", self.url)
    }

    /// Runs `prune` beside the archive.
    pub(crate) fn prune(&self) -> Run {
        let policies = self.path("retention.json").display().to_string();
        self.beside(&["prune", "--json", "--retention", &policies])
    }

    /// Lets the archive look for damage and wrong summaries, and returns what is
    /// wrong, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let checked = self.beside(&["check", "--json"]);
        let answer: Value = serde_json::from_str(&checked.stdout).unwrap_or_default();
        let is_sound = checked.status == Some(0)
            && answer["problems"].as_u64() == Some(0)
            && answer["not-compared"].as_u64() == Some(0);
        let found = || format!("check finds {} {}", checked.stdout, checked.stderr);
        is_sound.then_some(()).ok_or_else(found)
    }

    fn beside(&self, arguments: &[&str]) -> Run {
        let data = self.data.path().to_str().expect("a UTF-8 path");
        run(
            "esmond-ps-archive",
            &[arguments, &["--data", data]].concat(),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    /// Returns the memory of the server.
    pub(crate) fn memory(&self) -> Memory {
        let path = format!("/proc/{}/status", self.server.id());
        let status = fs::read_to_string(path).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim().strip_suffix("kB"));
            number.and_then(|number| number.trim().parse::<u64>().ok())
        };
        Memory {
            now: field("VmRSS:").unwrap_or_default() * 1024,
            peak: field("VmHWM:").unwrap_or_default() * 1024,
        }
    }

    /// Returns the bytes of the archive's files, and those of the write-ahead log
    /// among them.
    pub(crate) fn size(&self) -> (u64, u64) {
        let mut sizes = (0, 0);
        for entry in fs::read_dir(self.data.path()).into_iter().flatten() {
            let Ok(entry) = entry else { continue };
            let length = entry.metadata().map_or(0, |metadata| metadata.len());
            sizes.0 += length;
            if entry.file_name().to_string_lossy().ends_with("-wal") {
                sizes.1 += length;
            }
        }
        sizes
    }

    /// Asks it to stop, as a service manager does, and tells whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let process = self.server.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status();
        asked.expect("kill runs");
        self.server.wait().expect("it ends").success()
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Whole mebibytes, for people to read.
pub(crate) fn mb(bytes: u64) -> u64 {
    bytes / MB
}

/// Returns the most memory at the end of a run that still counts as flat: 1.3 times
/// that after the warm-up, and 32 MiB.
///
/// What grows with the requests, the points or the tests is past it after ten
/// minutes: sixty bytes lost with each of 800,000 requests, for instance. What is
/// within it is how full the arenas of the allocator (one for each of up to eight
/// threads a processor) and the cache of the connection that writes (32 MiB) happen
/// to be.
pub(crate) fn allowed(warm: u64) -> u64 {
    warm + warm * 3 / 10 + 32 * MB
}
