//! Disks that are full, can only be read, or refuse writes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use esmond_ps_tests::eras::Eras;
use esmond_ps_tests::tools::skipped;
use esmond_ps_tests::{binary, command, http_client, run, spawn_archive};
use reqwest::blocking::Response;
use serde_json::Value;
use tempfile::TempDir;

use crate::clients::{Target, Write};
use crate::model::Model;
use crate::values::{STEP, eras, metadata};

/// A small disk of its own, in memory, that only the programs started
/// [inside](Self::inside) see. It goes with the process that holds it.
struct Disk {
    holder: Child,
    /// Whether it belongs to a user namespace, as it does for users other than root.
    of_user: bool,
    directory: TempDir,
}

impl Disk {
    /// Makes one with some MiB, or `None` where that is not allowed.
    fn mount(mebibytes: u32) -> Option<Self> {
        [false, true].into_iter().find_map(|of_user| {
            let directory = tempfile::tempdir().expect("a directory");
            let mut unshare = Command::new("unshare");
            unshare.arg("--mount");
            if of_user {
                unshare.args(["--user", "--map-root-user"]);
            }
            let mut holder = unshare
                .args([
                    "sh",
                    "-c",
                    "mount -t tmpfs -o size=$0m none \"$1\" && echo && exec cat",
                ])
                .arg(mebibytes.to_string())
                .arg(directory.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let mut ready = String::new();
            let stdout = holder.stdout.as_mut().expect("stdout is piped");
            BufReader::new(stdout).read_line(&mut ready).ok();
            let disk = Self {
                holder,
                of_user,
                directory,
            };
            (ready == "\n").then_some(disk)
        })
    }

    fn path(&self) -> &str {
        self.directory.path().to_str().expect("a UTF-8 path")
    }

    /// A program that sees the disk.
    fn inside(&self, program: &str) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if self.of_user {
            inside.args(["--user", "--preserve-credentials"]);
        }
        inside.arg(program);
        inside
    }

    fn shell(&self, script: &str) {
        let done = self.inside("sh").args(["-c", script, self.path()]).status();
        assert!(done.expect("a shell").success(), "{script}");
    }

    /// A command of the archive on this disk.
    fn archive(&self, arguments: &[&str]) -> Command {
        let program = binary("esmond-ps-archive");
        let mut archive = self.inside(program.to_str().expect("a UTF-8 path"));
        archive
            .args(arguments)
            .args(["--data", self.path()])
            .stdin(Stdio::null());
        archive
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// An archive that is asked and written to, and what it acknowledged.
struct Site {
    server: Child,
    target: Target,
    model: Model,
    eras: Eras,
    written: i64,
}

impl Site {
    /// Starts an archive with a record, by these commands.
    fn start(mut add_user: Command, serve: Command) -> Self {
        let added = add_user.output().expect("it runs");
        let added = String::from_utf8(added.stdout).expect("UTF-8");
        let key = added.trim().trim_start_matches("Key: ").to_owned();
        let (server, url) = spawn_archive(serve);
        let eras = eras();
        let mut site = Self {
            server,
            target: Target {
                round: 0,
                url,
                key,
                record: String::new(),
                client: http_client(),
            },
            model: Model::new(eras),
            eras,
            written: 0,
        };
        let url = site.target.address("");
        let request = site.target.client.post(url).json(&metadata(0));
        let request = request.header("Authorization", format!("Token {}", site.target.key));
        let answer: Value = request.send().expect("an answer").json().expect("JSON");
        let record = answer["metadata-key"].as_str().expect("a key");
        record.clone_into(&mut site.target.record);
        site
    }

    /// Starts it again after its end, which may be a cruel one.
    fn restart(&mut self, serve: Command) {
        self.server.kill().expect("it can be killed");
        self.server.wait().expect("it ends");
        let (server, url) = spawn_archive(serve);
        self.server = server;
        self.target.url = url;
    }

    /// Writes so many points in bulk, or one in a POST; adds them to the model when
    /// they are acknowledged.
    fn write(&mut self, count: i64) -> Response {
        let first = self.eras.young + self.written * STEP;
        self.written += count;
        let write = match count {
            1 => Write::Point { ts: first },
            _ => Write::Bulk {
                times: (0..count).map(|n| first + n * STEP).collect(),
            },
        };
        let answer = self.target.send(&write).expect("an answer");
        if answer.status() == 201 {
            self.model.acknowledged(write, None);
        }
        answer
    }

    /// Writes until the archive refuses, in large steps and then in small ones, and
    /// returns the refusal of each size.
    fn write_until_refused(&mut self) -> [(u16, String); 3] {
        [1000, 30, 1].map(|count| {
            for _ in 0..10_000 {
                let answer = self.write(count);
                let status = answer.status().as_u16();
                if status != 201 {
                    let answer: Value = answer.json().expect("JSON");
                    let detail = answer["detail"].as_str().expect("a detail");
                    return (status, detail.to_owned());
                }
            }
            panic!("{count} points always find room");
        })
    }

    /// Reads everything back.
    fn verify(&mut self) {
        let health = format!("{}/healthz", self.target.url);
        let health = self.target.client.get(health).send().expect("an answer");
        assert_eq!(health.status(), 200);
        self.model.verify(&self.target);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
const FULL: &str = "The archive has no space left. Nothing of this request is stored.";
const READ_ONLY: &str = "The archive can only be read now. Nothing of this request is stored.";

#[test]
fn a_full_disk_is_507_and_the_archive_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mount(6) else {
        skipped("no disk can be mounted here");
        return;
    };
    disk.shell("head -c 3000000 /dev/zero > \"$0/other\"");
    let mut site = Site::start(
        disk.archive(&["user", "add", "tester"]),
        disk.archive(SERVE),
    );
    let full = (507, FULL.to_owned());
    for refused in site.write_until_refused() {
        assert_eq!(refused, full);
    }
    site.verify();
    let result = Write::Result {
        ts: site.eras.young,
    };
    let answer = site.target.send(&result).expect("an answer");
    assert_eq!(answer.status(), 507);

    // Killed on a disk that is still full, it starts, and knows everything.
    site.restart(disk.archive(SERVE));
    site.verify();
    assert_eq!(site.write(1000).status(), 507);

    disk.shell("rm \"$0/other\"");
    assert_eq!(site.write(1000).status(), 201);
    assert_eq!(site.write(1).status(), 201);
    let answer = site.target.send(&result).expect("an answer");
    assert_eq!(answer.status(), 200);
    site.model.acknowledged(result, None);
    site.verify();
    let checked = disk.archive(&["check"]).output().expect("it runs");
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_disk_that_can_only_be_read_is_said_at_the_start() {
    let Some(disk) = Disk::mount(6) else {
        skipped("no disk can be mounted here");
        return;
    };
    let mut site = Site::start(
        disk.archive(&["user", "add", "tester"]),
        disk.archive(SERVE),
    );
    assert_eq!(site.write(100).status(), 201);
    site.server.kill().expect("it can be killed");
    site.server.wait().expect("it ends");

    disk.shell("mount -o remount,ro \"$0\"");
    let refused = disk.archive(SERVE).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("it must be writable") && said.contains("Read-only file system"),
        "{said}"
    );

    disk.shell("mount -o remount,rw \"$0\"");
    site.restart(disk.archive(SERVE));
    site.verify();
    assert_eq!(site.write(100).status(), 201);
    site.verify();
}

/// A disk that has become read-only under the archive, a quota, a limit of files: the
/// system refuses to write, in this test by a limit of the process.
#[test]
fn a_disk_that_refuses_writes_is_503_and_the_archive_goes_on_when_it_takes_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("a UTF-8 path");
    let plain = |arguments: &[&str]| {
        let mut plain = command("esmond-ps-archive");
        plain.args(arguments).args(["--data", data]);
        plain
    };
    // Blocks of 512 or 1024 bytes, as the shell likes.
    let script = "trap '' XFSZ; ulimit -S -f 2048; exec \"$@\"";
    let mut limited = Command::new("sh");
    limited
        .args(["-c", script, "sh"])
        .arg(binary("esmond-ps-archive"))
        .args(SERVE)
        .args(["--data", data]);
    let mut site = Site::start(plain(&["user", "add", "tester"]), limited);
    let read_only = (503, READ_ONLY.to_owned());
    for refused in site.write_until_refused() {
        assert_eq!(refused, read_only);
    }
    site.verify();

    let raised = Command::new("prlimit")
        .args(["--pid", &site.server.id().to_string(), "--fsize=unlimited:"])
        .status();
    assert!(raised.expect("prlimit runs").success());
    assert_eq!(site.write(1000).status(), 201);
    site.verify();
    site.restart(plain(SERVE));
    site.verify();
    let checked = run("esmond-ps-archive", &["check", "--data", data]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
}
