//! Where the commands of a page are run: a directory that stands for the root of
//! the file system, an archive with measurements, and a place for one that the
//! page starts itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use esmond_ps_tests::{TestArchive, binary, pscheduler, run};
use flate2::read::GzDecoder;
use regex::{Captures, Regex};
use serde_json::Value;
use tempfile::TempDir;

use crate::shims;

/// What the pages call an archive of somebody else.
const REMOTE: [&str; 2] = ["https://ma.example.org", "https://ps.example.org"];

/// What the pages call the archive on this machine.
const LOCAL: &str = "http://127.0.0.1:8080";

/// Pages about an archive that has run for a while.
const HAVE_DATA: [&str; 4] = [
    "docs/archive.md",
    "docs/moving.md",
    "docs/operations.md",
    "docs/retention.md",
];

const LOG: &[u8] =
    include_bytes!("../../crates/load-gridftp/tests/data/inputs/real-gct-transfer-ipv4.log.gz");

/// Where the commands of a page are run.
pub(crate) struct Scene {
    root: TempDir,
    remote: TestArchive,
    /// The archive that the page started.
    local: Option<(Child, BufReader<ChildStdout>)>,
    port: u16,
    /// What the page calls the remote archive.
    remote_name: &'static str,
}

impl Scene {
    pub(crate) fn new(page: &str) -> Self {
        let remote = TestArchive::start();
        fill(&remote);
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| root.path().join(name);
        for directory in [
            "bin",
            "usr/bin",
            "usr/local/share/man/man1",
            "usr/local/share/zsh/site-functions",
            "usr/share/bash-completion/completions",
            "usr/share/fish/vendor_completions.d",
            "etc/esmond-ps",
            "var/lib/esmond-ps",
            "var/log/esmond-ps",
            "data",
            "backup",
            "home/you",
        ] {
            fs::create_dir_all(at(directory)).expect("a directory");
        }
        let program = binary("esmond-ps-get");
        let programs = program.parent().expect("programs lie in a directory");
        for entry in fs::read_dir(programs).expect("the programs") {
            let path = entry.expect("a program").path();
            let name = path.file_name().expect("a name").to_owned();
            let is_program = path.extension().is_none() && path.is_file();
            if is_program {
                symlink(&path, at("usr/bin").join(name)).expect("a link");
            }
        }
        shims::put_into(&at("bin"));
        let mut log = String::new();
        GzDecoder::new(LOG).read_to_string(&mut log).expect("gzip");
        for name in [
            "home/you/gridftp-transfer.log",
            "var/log/gridftp-transfer.log",
        ] {
            fs::write(at(name), &log).expect("a log");
        }
        let results = include_str!("../support/data/pscheduler.json");
        let results: Vec<Value> = serde_json::from_str(results).expect("results");
        fs::write(
            at("home/you/results.json"),
            results[0]["document"].to_string(),
        )
        .expect("a file");

        let directory = remote.directory();
        let added = run(
            "esmond-ps-archive",
            &["user", "add", "perfsonar", "--data", directory],
        );
        // Let go again: the archive that the page starts takes it.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let scene = Self {
            root,
            remote,
            local: None,
            port: free.expect("a free port").port(),
            remote_name: REMOTE[0],
        };
        scene.keep_key(&added.stdout);
        if HAVE_DATA.contains(&page) {
            scene.fill_local();
        }
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file that the page shows.
    pub(crate) fn write(&self, name: &str, contents: &str) {
        let name = match name.strip_prefix("~/") {
            Some(name) => format!("/home/you/{name}"),
            None => name.to_owned(),
        };
        let path = match name.strip_prefix('/') {
            Some(name) => self.at(name),
            None => self.at("home/you").join(&name),
        };
        let directory = path.parent().expect("a file lies in a directory");
        fs::create_dir_all(directory).expect("a directory");
        fs::write(path, self.here(contents)).expect("a file");
    }

    /// Runs a command and returns what it prints, as on a terminal.
    pub(crate) fn run(&mut self, typed: &str) -> String {
        let names = REMOTE
            .into_iter()
            .chain(self.local.is_none().then_some(LOCAL));
        for name in names {
            if typed.contains(name) {
                self.remote_name = name;
            }
        }
        let printed = match typed.strip_suffix(" &") {
            Some(command) => self.start(command),
            None => {
                let variables = self.at("variables");
                let variables = variables.display();
                let script = format!(
                    "[ ! -f {variables} ] || . {variables}\nexec 2>&1\n{}\nstatus=$?\n\
                     export -p > {variables}\nexit $status",
                    self.here(typed)
                );
                let output = self.shell(&script).output().expect("a shell");
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
        };
        self.keep_key(&printed);
        self.told(&printed)
    }

    /// Runs a command as cron does; tells whether it succeeded, and what it
    /// printed.
    pub(crate) fn run_job(&self, typed: &str) -> (bool, String) {
        let script = format!("exec 2>&1\n{}", self.here(typed));
        let output = self.shell(&script).output().expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout);
        (output.status.success(), self.told(&printed))
    }

    /// Starts an archive, which stays until the end of the page, and returns what
    /// it says until it listens. It gets measurements, as archives do.
    fn start(&mut self, command: &str) -> String {
        let script = format!("exec 2>&1\nexec {}", self.here(command));
        let mut child = self
            .shell(&script)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut printed = String::new();
        while !printed.contains("listening on ") {
            if output.read_line(&mut printed).expect("text") == 0 {
                break;
            }
        }
        self.local = Some((child, output));
        self.fill_local();
        printed
    }

    /// Copies the measurements into the local archive.
    fn fill_local(&self) {
        let command = format!("esmond-ps-archive mirror --from {}", self.remote.url);
        let output = self.shell(&format!("exec 2>&1\n{command}")).output();
        let output = output.expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
    }

    /// A key that is shown is put where the pages look for it.
    fn keep_key(&self, printed: &str) {
        for line in printed.lines() {
            if let Some(key) = line.strip_prefix("Key: ") {
                self.write("/etc/esmond-ps/key", &format!("{key}\n"));
            }
        }
    }

    fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("bash");
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            self.at("bin").display(),
            self.at("usr/bin").display()
        );
        shell
            .args(["-c", script])
            .current_dir(self.at("home/you"))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.at("home/you"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("NO_PROXY", "*")
            .env("ESMOND_ARCHIVE_DATA", self.at("var/lib/esmond-ps"))
            .env("ESMOND_ARCHIVE_LISTEN", format!("127.0.0.1:{}", self.port));
        shell
    }

    /// Replaces the names of the page by those of this scene.
    fn here(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in REMOTE {
            text = text.replace(name, &self.remote.url);
        }
        let local = match self.local {
            Some(_) => format!("http://127.0.0.1:{}", self.port),
            None => self.remote.url.clone(),
        };
        for name in [LOCAL, "http://localhost:8080"] {
            text = text.replace(name, &local);
        }
        let path =
            Regex::new(r#"(?m)(^|[\s='"@<>])(/(?:var|etc|data|backup|usr/(?:bin|share|local))\b)"#);
        let path = path.expect("a pattern");
        let root = self.root.path().display();
        let text = path.replace_all(&text, |found: &Captures<'_>| {
            format!("{}{root}{}", &found[1], &found[2])
        });
        text.into_owned()
    }

    /// Replaces the names of this scene by those of the page.
    fn told(&self, text: &str) -> String {
        let local = format!("127.0.0.1:{}", self.port);
        let text = text
            .replace(&self.root.path().display().to_string(), "")
            .replace(&self.remote.url, self.remote_name)
            .replace(&local, LOCAL.trim_start_matches("http://"))
            .replace("\r\n", "\n");
        text.lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.local {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Gives an archive the measurements of the demonstration.
fn fill(archive: &TestArchive) {
    for dataset in [
        include_str!("../demo/iperf3.json"),
        include_str!("../programs/data/dataset.json"),
    ] {
        let dataset: Value = serde_json::from_str(dataset).expect("a data set");
        archive.load(&dataset);
    }
    for result in pscheduler::results() {
        assert_eq!(result.put(archive), 200);
    }
}
