//! The real binary, as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// A command of the binary with this data directory.
pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esmond-ps-archive"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESMOND_ARCHIVE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("NOTIFY_SOCKET")
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
    /// Lines of its log as they come.
    lines: Receiver<String>,
    seen: String,
    /// Address of the archive, with a slash at the end.
    pub(crate) url: String,
}

impl Server {
    /// Starts an archive on a free port and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts an archive with more options.
    pub(crate) fn start_with(data: &Path, options: &[&str]) -> Self {
        let mut command = command(data, &["serve", "--listen", "127.0.0.1:0"]);
        command.args(options);
        Self::spawn(command)
    }

    /// Starts a prepared command and waits until it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        // Read in a thread, so that the archive never waits for somebody to read.
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                // The test may have ended.
                let _ = sender.send(line);
            }
        });
        let mut server = Self {
            child,
            lines,
            seen: String::new(),
            url: String::new(),
        };
        let line = server.wait_for("listening on ");
        let url = line.split_once("listening on ").unwrap().1;
        // As JSON, the line goes on.
        let url = url.split('"').next().unwrap();
        server.url = url.to_owned();
        server
    }

    /// The address of a path at the root.
    pub(crate) fn at_root(&self, path: &str) -> String {
        let scheme = self.url.split("://").next().unwrap();
        format!("{scheme}://{}{path}", self.address())
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// Waits for a line of the log that holds this text, and returns it.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        loop {
            // Long enough for any machine; without it a failure would never end.
            let Ok(line) = self.lines.recv_timeout(Duration::from_secs(60)) else {
                panic!("the archive did not log {part:?}: {}", self.seen);
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Kills the archive as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal.
    pub(crate) fn send(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal, and returns how the archive ended and what it logged.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String) {
        self.send(name);
        let status = self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv() {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        (status, std::mem::take(&mut self.seen))
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
