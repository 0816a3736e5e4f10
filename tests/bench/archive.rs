//! A running archive, and what the system tells of it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use esmond_ps_tests::{command, run, spawn_archive};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Connection};
use crate::process::Memory;

/// Path of the list of metadata.
pub(crate) const PATH: &str = "/esmond/perfsonar/archive/";

/// A running archive with one user, in a directory of its own, with the settings that
/// it has when nothing is set.
pub(crate) struct Archive {
    server: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    /// Key of the user `tester`.
    pub(crate) key: String,
    data: TempDir,
}

impl Archive {
    /// Starts an empty one.
    pub(crate) fn start(scratch: &Path) -> Self {
        let data = TempDir::with_prefix_in("archive-", scratch).expect("a directory");
        let path = data.path().to_str().expect("a UTF-8 path");
        let added = run(
            "esmond-ps-archive",
            &["user", "add", "tester", "--data", path],
        );
        let mut lines = added.stdout.lines();
        let key = lines.find_map(|line| line.strip_prefix("Key: "));
        let key = key.expect("a key").to_owned();
        let (server, url) = serve(data.path());
        Self {
            server,
            address: address(&url),
            url,
            key,
            data,
        }
    }

    /// Stops it as a service manager does, which writes everything to its one file, and
    /// starts it again. Returns the bytes that it had on disk.
    pub(crate) fn restart(&mut self) -> u64 {
        let process = self.server.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status();
        asked.expect("kill runs");
        let ended = self.server.wait().expect("it ends");
        assert!(ended.success(), "the archive ended with {ended}");
        let entries = fs::read_dir(self.data.path()).expect("its directory");
        let bytes = entries.flatten().map(|entry| {
            let metadata = entry.metadata();
            metadata.map_or(0, |metadata| metadata.len())
        });
        let bytes = bytes.sum();
        (self.server, self.url) = serve(self.data.path());
        self.address = address(&self.url);
        bytes
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.server.id())
    }

    /// Creates a metadata record and returns its key.
    pub(crate) fn create(&self, metadata: &Value) -> String {
        let request = http::write("POST", PATH, &self.key, &metadata.to_string());
        key_of(self.connect().send(&request, 201))
    }

    /// Returns the request that writes points in bulk.
    pub(crate) fn put(&self, record: &str, body: &str) -> Vec<u8> {
        http::write("PUT", &format!("{PATH}{record}/"), &self.key, body)
    }

    /// Returns the request that writes one point.
    pub(crate) fn post(&self, record: &str, event_type: &str, body: &str) -> Vec<u8> {
        let path = format!("{PATH}{record}/{event_type}/base");
        http::write("POST", &path, &self.key, body)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn serve(data: &Path) -> (Child, String) {
    let mut serve = command("esmond-ps-archive");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    spawn_archive({
        serve.arg(data);
        serve
    })
}

/// Returns the socket of an address on this machine.
pub(crate) fn address(url: &str) -> SocketAddr {
    let authority = url.trim_start_matches("http://");
    authority.parse().expect("an address with a port")
}

/// Returns the key in the answer to a new metadata record.
pub(crate) fn key_of(answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    answer["metadata-key"].as_str().expect("a key").to_owned()
}
