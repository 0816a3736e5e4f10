//! Making packages of the programs that were built with the tests.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use esmond_ps_tests::binary;

/// Top of the checkout.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the checkout")
}

/// Directory of the files for packages.
pub(crate) fn dist() -> PathBuf {
    top().join("crates/archive/dist")
}

/// Directory of the programs.
pub(crate) fn programs() -> PathBuf {
    let program = binary("esmond-ps-get");
    program.parent().expect("it lies somewhere").to_owned()
}

/// Names of all programs: every crate with a main function is one of its name.
pub(crate) fn names() -> Vec<String> {
    let crates = fs::read_dir(top().join("crates")).expect("the crates");
    let mut names: Vec<String> = crates
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("src/main.rs").exists())
        .map(|path| {
            let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
            let line = manifest.lines().find(|line| line.starts_with("name = "));
            let name = line.and_then(|line| line.split('"').nth(1));
            name.expect("a name").to_owned()
        })
        .collect();
    names.sort();
    assert!(names.len() > 7, "{names:?}");
    names
}

/// Whether something is missing of what a test needs; if so, it says so.
pub(crate) fn missing(tools: &[(&str, &str)]) -> bool {
    for (tool, package) in tools {
        let found = Command::new(tool)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_err() {
            skipped(&format!(
                "no {tool} on this machine (apt-get install {package})"
            ));
            return true;
        }
    }
    false
}

/// Says that a test is skipped.
pub(crate) fn skipped(why: &str) {
    // The handle itself: the print macros are captured by the test harness.
    writeln!(std::io::stderr(), "SKIPPED: {why}").ok();
}

/// Output of a command that must succeed.
pub(crate) fn done(command: &mut Command) -> Output {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// Packages of one kind.
pub(crate) struct Packages {
    out: PathBuf,
}

impl Packages {
    /// Those for Debian, made once for all tests.
    pub(crate) fn deb() -> &'static Self {
        static MADE: LazyLock<Packages> = LazyLock::new(|| Packages::make("deb", "022"));
        &MADE
    }

    /// Those for rpm, made once for all tests.
    pub(crate) fn rpm() -> &'static Self {
        static MADE: LazyLock<Packages> = LazyLock::new(|| Packages::make("rpm", "022"));
        &MADE
    }

    /// Makes them, uncompressed; with this umask, as in another account.
    pub(crate) fn make(kind: &str, umask: &str) -> Self {
        // The same place each time: nobody removes what is made for all tests.
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{kind}-{umask}"));
        fs::remove_dir_all(&out).ok();
        let mut command = Command::new("sh");
        command
            .args(["-c", "umask $1; shift; exec \"$@\"", "sh", umask])
            .arg(dist().join("package.sh"))
            .arg(kind)
            .arg(programs())
            .arg(&out)
            .env("COMPRESSION", "none")
            .env("SOURCE_DATE_EPOCH", "1700000000");
        done(&mut command);
        Self { out }
    }

    /// Their files, by name.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.out).expect("the packages");
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files
    }

    /// Asserts that both are the same, byte for byte.
    pub(crate) fn assert_same(&self, other: &Self) {
        let (ours, theirs) = (self.files(), other.files());
        assert_eq!(ours.len(), 2, "{ours:?}");
        assert_eq!(ours.len(), theirs.len());
        for (one, two) in ours.iter().zip(&theirs) {
            assert_eq!(one.file_name(), two.file_name());
            done(Command::new("cmp").arg(one).arg(two));
        }
        // They are large.
        fs::remove_dir_all(&other.out).ok();
    }
}
