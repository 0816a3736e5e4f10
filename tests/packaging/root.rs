//! A clean system below a directory.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::made::{done, missing, skipped, top};

/// A Debian of essential packages, without our programs.
pub(crate) struct Root {
    directory: TempDir,
}

impl Root {
    /// Makes one, or says what is missing.
    pub(crate) fn make() -> Option<Self> {
        Self::with(&[])
    }

    /// The same, with these packages of the machine beside the essential ones.
    pub(crate) fn with(packages: &[&str]) -> Option<Self> {
        if missing(&[("dpkg-query", "dpkg"), ("objdump", "binutils")]) {
            return None;
        }
        let user = done(Command::new("id").arg("-u")).stdout;
        if user != b"0\n" {
            skipped("only root can change to another root directory (run as root)");
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        // For the users in there.
        done(Command::new("chmod").arg("755").arg(directory.path()));
        let script = top().join("tests/packaging/root.sh");
        done(Command::new(script).arg(directory.path()).args(packages));
        Some(Self { directory })
    }

    /// A path in there, from outside.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    /// Whether there is something at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// A file's text.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A command in there, with nothing of the environment here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(self.directory.path())
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// The same as the user of the service.
    pub(crate) fn as_service(&self, arguments: &[&str]) -> Command {
        let user = ["setpriv", "--reuid", "esmond-ps", "--regid", "esmond-ps"];
        let groups = ["--init-groups", "--inh-caps=-all"];
        self.command(&[&user[..], &groups, arguments].concat())
    }

    /// Runs a command in there that must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        done(&mut self.command(arguments))
    }
}
