//! Programs of other hosts and other people, as the pages use them.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use esmond_ps_tests::binary;
use flate2::read::GzDecoder;
use serde_json::Value;

/// What the pages use of any system.
const NEEDED: [&str; 5] = ["bash", "gzip", "jq", "curl", "sha256sum"];

/// Returns a program that the pages use and this system lacks.
pub(crate) fn missing() -> Option<&'static str> {
    NEEDED.into_iter().find(|name| {
        let found = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        !found.is_ok_and(|status| status.success())
    })
}

/// Puts programs into a directory that stand for what a test cannot have: the
/// measuring ones print what they once printed, `ssh` and `sudo` stay here.
pub(crate) fn put_into(directory: &Path) {
    let bwctl = directory.join("bwctl.out");
    fs::write(&bwctl, capture("tcp-p1-3.12")).expect("a file");
    let iperf3 = directory.join("iperf3.out");
    fs::write(&iperf3, include_str!("../hostile/iperf3.json")).expect("a file");
    let examples = binary("esmond-ps-get").with_file_name("examples");
    for (name, script) in [
        ("bwctl", format!("exec cat {}", bwctl.display())),
        ("iperf3", format!("exec cat {}", iperf3.display())),
        // An example that was built with the tests, in place of `cargo run`.
        (
            "cargo",
            format!(
                "while [ $# -gt 3 ] && [ \"$1\" != --example ]; do shift; done\nexample={}/$2; shift 3\n\
                 [ -x \"$example\" ] || echo \"build the examples first: cargo build --examples\"\n\
                 exec \"$example\" \"$@\"",
                examples.display()
            ),
        ),
        ("ssh", "shift; exec sh -c \"$*\"".to_owned()),
        ("sudo", "[ \"$1\" = -u ] && shift 2; exec \"$@\"".to_owned()),
    ] {
        let path = directory.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("a script that can be run");
    }
}

/// Returns what bwctl printed once, by its name.
fn capture(name: &str) -> String {
    let packed = include_bytes!("../../crates/pipe/tests/data/bwctl.jsonl.gz");
    let mut lines = String::new();
    GzDecoder::new(&packed[..])
        .read_to_string(&mut lines)
        .expect("gzip");
    let found = lines.lines().find_map(|line| {
        let capture: Value = serde_json::from_str(line).expect("JSON");
        (capture["name"] == name).then(|| capture["text"].as_str().map(str::to_owned))
    });
    found.flatten().expect("a capture of that name")
}
