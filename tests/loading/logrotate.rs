//! The examples of `docs/load-gridftp.md`, with the real logrotate.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::{LOADER, Site, lines};
use esmond_ps_tests::binary;
use esmond_ps_tests::tools::is_missing;

/// The program; it stands where users without privileges do not look.
fn logrotate() -> &'static str {
    let usual = "/usr/sbin/logrotate";
    if Path::new(usual).exists() {
        usual
    } else {
        "logrotate"
    }
}

/// The logrotate example with this heading, with the paths of a test.
fn example(site: &Site, heading: &str) -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/load-gridftp.md");
    let docs = fs::read_to_string(docs).expect("the documentation");
    let heading = format!("### {heading}\n");
    let section = docs.split(&heading).nth(1).expect("the section");
    let text = section.split("```").nth(1).expect("an example");
    let text = text.trim_start_matches("text\n");
    [
        (
            "/var/log/gridftp-transfer.log",
            site.path("g.log").display().to_string(),
        ),
        (
            "/usr/bin/esmond-ps-load-gridftp",
            binary(LOADER).display().to_string(),
        ),
        (
            "/var/lib/esmond-ps/gridftp.state",
            site.path("state").display().to_string(),
        ),
        ("https://ma.example.org", site.archive.url.clone()),
        (
            "-u perfsonar --key-file /etc/esmond-ps/key",
            format!("-u tester -k {}", site.archive.key),
        ),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, &to))
}

fn rotate(site: &Site, configuration: &str) {
    let path = site.path("rotate.conf");
    fs::write(&path, configuration).expect("a configuration");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permissions");
    let state = site.path("rotate.state");
    let output = Command::new(logrotate())
        .args(["--force", "--verbose", "--state"])
        .args([&state, &path])
        .env("NO_PROXY", "*")
        .output()
        .expect("logrotate runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("error"), "{said}");
}

/// Loads, writes and rotates by turns; each record ends up in the archive once.
fn rotate_between_runs(heading: &str, load: bool) {
    if is_missing(logrotate(), "logrotate") {
        return;
    }
    let site = Site::new(&lines(0..5));
    let configuration = example(&site, heading);
    let mut written = 5;
    for round in 0..4 {
        if load {
            let closing = site.load();
            assert!(closing.contains(" 0 already there, 0 skipped"), "{closing}");
        }
        site.append("g.log", &lines(written..written + 3));
        rotate(&site, &configuration);
        // Twice in a row without a run between.
        if round == 2 {
            site.append("g.log", &lines(written + 3..written + 5));
            rotate(&site, &configuration);
        }
        site.append("g.log", &lines(written + 5..written + 7));
        if round != 2 {
            // These two went to no log in this round.
            site.append("g.log", &lines(written + 3..written + 5));
        }
        written += 7;
    }
    let last = site.load();
    assert!(last.contains(" 0 already there, 0 skipped"), "{last}");
    site.assert_holds(0..written);
    assert_eq!(
        site.load(),
        "Loaded 0 records, 0 already there, 0 skipped, 0 failed"
    );
}

#[test]
fn nothing_is_lost_or_repeated_with_create() {
    rotate_between_runs("With `create`", true);
}

#[test]
fn nothing_is_lost_or_repeated_with_copytruncate() {
    rotate_between_runs("With `copytruncate`", true);
}

#[test]
fn nothing_is_lost_when_the_log_is_loaded_before_each_rotation() {
    rotate_between_runs("From `prerotate` alone", false);
}
