//! Programs of the machine that a test needs, and tests that cannot be run without.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says that something is not tested here, and why.
pub fn skipped(why: impl Display) {
    // The handle itself: the print macros are captured by the test harness.
    writeln!(std::io::stderr(), "SKIPPED: {why}").ok();
}

/// Tells whether a program is not there, and says that its test is skipped.
pub fn is_missing(program: impl AsRef<OsStr>, package: &str) -> bool {
    let program = program.as_ref();
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok() {
        return false;
    }
    let program = program.display();
    skipped(format_args!(
        "no {program} on this machine (apt-get install {package})"
    ));
    true
}

/// Returns the Python and the directory of modules of a peer that `make peers`
/// installs, or says that its test is skipped.
#[must_use]
pub fn peer(name: &str, what: &str) -> Option<(String, PathBuf)> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/peer")
        .join(name);
    let Ok(interpreter) = fs::read_to_string(library.join("interpreter")) else {
        skipped(format_args!("{what} not installed; `make peers` does it"));
        return None;
    };
    Some((interpreter.trim().to_owned(), library))
}
