//! The real binary, as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// A command of the binary with this data directory.
pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esmond-ps-archive"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("ESMOND_ARCHIVE_DATA", data)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).output().unwrap()
}

/// Makes a user, and returns the key.
pub(crate) fn add_user(data: &Path, name: &str) -> String {
    let output = run(data, &["user", "add", name]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text.trim_end().strip_prefix("Key: ").unwrap();
    key.to_owned()
}

/// A running archive; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
    /// Address of the archive, with a slash at the end.
    pub(crate) url: String,
}

impl Server {
    /// Starts an archive on a free port and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::spawn(command(data, &["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Starts a prepared command and waits until it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let url = loop {
            let mut line = String::new();
            let length = log.read_line(&mut line).unwrap();
            assert!(length > 0, "the archive ended: {seen}");
            seen.push_str(&line);
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.trim_end().to_owned();
            }
        };
        // Read on, so that the archive never waits for somebody to read.
        let log = std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                seen.push_str(&line);
                seen.push('\n');
            }
            seen
        });
        Self {
            child,
            log: Some(log),
            url,
        }
    }

    /// Kills the archive as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, and returns how the archive ended and what it logged.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A metadata record between two hosts, without event types.
pub(crate) fn point_to_point() -> Value {
    json!({
        "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
        "measurement-agent": "10.1.1.1", "tool-name": "bwctl/iperf3",
        "input-source": "host1.example.net", "input-destination": "host2.example.net",
        "event-types": []
    })
}

/// A client that goes straight to the loopback interface.
pub(crate) fn client() -> reqwest::Client {
    // The second and later calls find it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
