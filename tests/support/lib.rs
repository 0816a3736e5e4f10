//! Starting the real programs and the real archive in tests.
//!
//! The binaries are those of the build that made the test; `make test` builds
//! them first.

pub mod elmond;
pub mod eras;
pub mod http;
pub mod pscheduler;
pub mod tls;
pub mod tools;
pub mod values;
pub mod wire;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::thread;

use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Returns the path of a program of this workspace.
///
/// # Panics
///
/// When it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    // Tests lie in `deps`, below the programs.
    let mut places = own.ancestors().skip(1).take(2);
    let path = places
        .clone()
        .map(|place| place.join(name))
        .find(|path| path.exists())
        .or_else(|| places.next().map(|place| place.join(name)))
        .expect("a program lies in a directory");
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace` first",
        path.display()
    );
    path
}

/// What a run of a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a program to its end, without the environment's archive settings.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn run(program: &str, arguments: &[impl AsRef<str>]) -> Run {
    let output = command(program)
        .args(arguments.iter().map(AsRef::as_ref))
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Returns a command for a program, without the archive settings of the environment
/// and of configuration files.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(binary(program));
    for name in [
        "ESMOND_URL",
        "ESMOND_USER",
        "ESMOND_KEY",
        "ESMOND_KEY_FILE",
        "ESMOND_PS_ARCHIVE",
        "COLUMNS",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESMOND_ARCHIVE_") {
            command.env_remove(name);
        }
    }
    // Whoever runs the tests may have a configuration.
    command.env("ESMOND_PS_CONFIG", "/dev/null");
    // Everything is on this machine, whatever proxy is set.
    command.env("NO_PROXY", "*");
    command
}

/// A running archive with one user, in a directory of its own.
#[derive(Debug)]
pub struct TestArchive {
    server: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Key of the user `tester`.
    pub key: String,
    client: Client,
    data: TempDir,
}

impl TestArchive {
    /// Starts an empty archive on a free port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let directory = data.path().to_str().expect("a UTF-8 path").to_owned();
        let added = run(
            "esmond-ps-archive",
            &["user", "add", "tester", "--data", &directory],
        );
        let key = added
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("Key: "))
            .unwrap_or_else(|| panic!("no key in {added:?}"))
            .to_owned();
        let (server, url) = serve(&directory, "127.0.0.1:0");
        Self {
            server,
            url,
            key,
            client: http_client(),
            data,
        }
    }

    /// Ends the archive at once, as a power cut does. See [`revive`](Self::revive).
    ///
    /// # Panics
    ///
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.server.kill().expect("it can be killed");
        self.server.wait().expect("it ends");
    }

    /// Starts the archive again after [`kill`](Self::kill), on the same data and
    /// address.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn revive(&mut self) {
        let directory = self.data.path().to_str().expect("a UTF-8 path");
        let listen = self.url.trim_start_matches("http://");
        let (server, url) = serve(directory, listen);
        assert_eq!(url, self.url);
        self.server = server;
    }

    /// Address of the archive's list of metadata.
    #[must_use]
    pub fn archive_url(&self) -> String {
        format!("{}/esmond/perfsonar/archive/", self.url)
    }

    /// Creates a metadata record and returns its key.
    ///
    /// # Panics
    ///
    /// When the archive does not answer 201.
    #[must_use]
    pub fn create(&self, metadata: &Value) -> String {
        let request = self.client.post(self.archive_url()).json(metadata);
        let answer: Value = self.stored(request).json().expect("JSON");
        answer["metadata-key"].as_str().expect("a key").to_owned()
    }

    /// Writes points in bulk: a list of `{"ts": .., "val": [..]}`.
    ///
    /// # Panics
    ///
    /// When the archive does not answer 201.
    pub fn write(&self, key: &str, data: &Value) {
        let url = format!("{}{key}/", self.archive_url());
        self.stored(self.client.put(url).json(&json!({ "data": data })));
    }

    /// Loads a data set in the form of `data/cli/dataset.json`, and returns the
    /// keys of its records, in order.
    pub fn load(&self, dataset: &Value) -> Vec<String> {
        let entries = dataset["metadata"].as_array().expect("a list of metadata");
        let keys = entries.iter().map(|entry| {
            let key = self.create(&entry["post"]);
            for point in entry["points"].as_array().into_iter().flatten() {
                self.write(&key, &json!([point]));
            }
            if entry["bulk"].is_array() {
                self.write(&key, &entry["bulk"]);
            }
            key
        });
        keys.collect()
    }

    /// Directory of the archive.
    ///
    /// # Panics
    ///
    /// When its path is no text.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.data.path().to_str().expect("a UTF-8 path")
    }

    /// Asks the archive to stop, as a service manager does, and returns its exit
    /// status.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn stop(mut self) -> Option<i32> {
        let process = self.server.id().to_string();
        Command::new("kill")
            .args(["-TERM", &process])
            .status()
            .expect("kill runs");
        self.server.wait().expect("the archive ends").code()
    }

    fn stored(&self, request: reqwest::blocking::RequestBuilder) -> Response {
        let request = request.header("Authorization", format!("Token {}", self.key));
        let answer = request.send().expect("the archive answers");
        let status = answer.status();
        assert_eq!(status, 201, "{}", answer.text().unwrap_or_default());
        answer
    }
}

impl Drop for TestArchive {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Starts an archive and returns it with its address.
fn serve(directory: &str, listen: &str) -> (Child, String) {
    let mut serve = command("esmond-ps-archive");
    serve.args(["serve", "--data", directory, "--listen", listen]);
    spawn_archive(serve)
}

/// Starts an archive by a command that serves one on this machine, and returns it
/// with its address once it listens.
///
/// # Panics
///
/// When it ends before.
#[must_use]
pub fn spawn_archive(mut serve: Command) -> (Child, String) {
    let mut server = serve
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the archive starts");
    let mut log = BufReader::new(server.stderr.take().expect("stderr is piped"));
    let url = listening_url(&mut log);
    // The rest of the log is read, so that the archive never waits for us.
    thread::spawn(move || {
        let mut rest = String::new();
        log.read_to_string(&mut rest).ok();
    });
    (server, url)
}

fn listening_url(log: &mut impl std::io::BufRead) -> String {
    let mut seen = String::new();
    for line in log.lines() {
        let line = line.expect("the archive's log is UTF-8");
        seen.push_str(&line);
        seen.push('\n');
        if let Some(at) = line.find("http://127.0.0.1:") {
            let authority = line["http://".len() + at..]
                .split('/')
                .next()
                .unwrap_or_default();
            return format!("http://{authority}");
        }
    }
    panic!("the archive ended before it listened:\n{seen}");
}

/// Returns a plain HTTP client.
///
/// # Panics
///
/// When it cannot be made.
#[must_use]
pub fn http_client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    });
    Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client")
}
