//! `esmond-ps-check --doctor`: what is wrong, and what to do about it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use esmond_ps_tests::elmond::{Holdings, MockElmond, Run as TestRun, Test};
use esmond_ps_tests::http::{Reply, Served};
use esmond_ps_tests::tls::TlsHost;
use esmond_ps_tests::{Run, TestArchive};
use serde_json::{Value, json};

use crate::check::{check, measure, now};

/// Runs it; the lines begin with their state and step.
fn doctor(url: &str, more: &str) -> Run {
    check(url, &format!("--doctor {more}"))
}

/// Returns the only line that begins so.
fn only<'a>(run: &'a Run, start: &str) -> &'a str {
    let mut lines = run.stdout.lines().filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("{start}: {run:?}"));
    assert_eq!(lines.next(), None, "{run:?}");
    line
}

#[test]
fn an_archive_in_good_health_has_nothing_but_ok() {
    let archive = TestArchive::start();
    let rate = json!(9_000_000_000_i64);
    measure(
        &archive,
        ("10.0.0.1", "10.0.0.2"),
        "throughput",
        &[(600, rate)],
    );
    let well = doctor(&archive.url, "");
    assert_eq!(well.status, Some(0), "{well:?}");
    assert!(
        well.stdout.lines().all(|line| line.starts_with("ok    ")),
        "{well:?}"
    );
    assert!(
        only(&well, "ok    archive:").contains("esmond-ps-archive 0."),
        "{well:?}"
    );
    assert!(only(&well, "ok    clock:").contains("within"), "{well:?}");
    assert!(
        only(&well, "ok    credentials:").contains("everybody may read"),
        "{well:?}"
    );
    assert!(only(&well, "ok    points: throughput").contains("10 min ago, 10.0.0.1 to 10.0.0.2"));
    assert!(
        only(&well, "ok    pages:").contains("all 1 tests"),
        "{well:?}"
    );
}

#[test]
fn a_key_is_tried_without_writing() {
    let archive = TestArchive::start();
    let rate = json!(9_000_000_000_i64);
    measure(
        &archive,
        ("10.0.0.1", "10.0.0.2"),
        "throughput",
        &[(600, rate)],
    );
    let good = doctor(
        &archive.url,
        &format!("--user tester --key {}", archive.key),
    );
    assert_eq!(good.status, Some(0), "{good:?}");
    assert!(
        only(&good, "ok    credentials:").contains("the key is accepted"),
        "{good:?}"
    );
    assert!(!good.stdout.contains(&archive.key), "{good:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("key");
    fs::write(&file, format!("{}\n", archive.key)).expect("a file");
    // A file that all may read, in a directory that nobody else can enter, is safe.
    for (mode, above, is_told) in [
        (0o644, 0o755, true),
        (0o640, 0o755, false),
        (0o644, 0o700, false),
    ] {
        let allow = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        };
        allow(&file, mode);
        allow(directory.path(), above);
        let found = doctor(
            &archive.url,
            &format!("--user tester --key-file {}", file.display()),
        );
        let is_there = found
            .stdout
            .contains("warn  key file: every user of this machine");
        assert_eq!(is_there, is_told, "{found:?}");
    }
    let bad = doctor(&archive.url, "--user tester --key wrong");
    assert_eq!(bad.status, Some(2), "{bad:?}");
    assert!(only(&bad, "fail  credentials:").contains("the key is wrong, and everybody may read"));
}

#[test]
fn old_points_and_clocks_that_are_ahead_are_warnings() {
    let archive = TestArchive::start();
    let value = || json!(5_000_000);
    measure(
        &archive,
        ("10.0.0.1", "10.0.0.2"),
        "throughput",
        &[(200_000, value())],
    );
    measure(
        &archive,
        ("10.0.0.1", "10.0.0.2"),
        "packet-retransmits",
        &[(-7_000, value())],
    );
    let warned = doctor(&archive.url, "");
    assert_eq!(warned.status, Some(1), "{warned:?}");
    assert!(only(&warned, "warn  points: throughput").contains("look whether its tests still run"));
    let ahead = only(&warned, "warn  points: packet-retransmits");
    assert!(
        ahead.contains("in the future") && ahead.contains("clock of 10.0.0.1"),
        "{ahead}"
    );
}

#[test]
fn another_path_of_the_host_is_found() {
    let archive = TestArchive::start();
    let lost = doctor(&archive.url, "--script-alias elsewhere");
    assert_eq!(lost.status, Some(2), "{lost:?}");
    let line = only(&lost, "fail  archive:");
    assert!(
        line.ends_with(&format!("use --url {} --script-alias esmond", archive.url)),
        "{line}"
    );
}

#[test]
fn a_host_where_nobody_listens_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let refused = doctor(&format!("http://{address}"), "");
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(
        only(&refused, "fail  reach:").contains("nobody listens"),
        "{refused:?}"
    );
    let nowhere = doctor("http://no-such-host.invalid", "");
    assert!(
        only(&nowhere, "fail  name:").contains("has no address here"),
        "{nowhere:?}"
    );
}

#[test]
fn a_host_that_is_no_archive_is_told() {
    let page = Served::start(|_, _| Reply::new(200, "text/html", "<h1>It works!</h1>".to_owned()));
    let other = doctor(&page.url, "");
    assert_eq!(other.status, Some(2), "{other:?}");
    let line = only(&other, "fail  archive:");
    assert!(
        line.contains("not JSON") && line.contains("no archive was found"),
        "{line}"
    );
    let moved = Served::start(|_, _| {
        Reply::status(301).header("Location", "https://new.example/esmond/perfsonar/archive/")
    });
    let moved = doctor(&moved.url, "");
    assert!(
        only(&moved, "fail  archive:").contains("it redirects to https://new.example/"),
        "{moved:?}"
    );
    let closed = Served::start(|_, _| Reply::status(403));
    let closed = doctor(&closed.url, "");
    assert!(
        only(&closed, "fail  archive:").contains("try https://"),
        "{closed:?}"
    );
}

#[test]
fn clocks_that_differ_are_told() {
    let list = json!([]);
    let old = Served::start(move |_, _| {
        Reply::json(&list).header("Date", "Thu, 01 Jan 2015 00:00:00 GMT")
    });
    let skewed = doctor(&old.url, "");
    let line = only(&skewed, "fail  clock:");
    assert!(
        line.contains("behind this machine") && line.contains("NTP"),
        "{line}"
    );
    assert!(
        only(&skewed, "ok    archive:").contains("without any test"),
        "{skewed:?}"
    );
    assert!(
        only(&skewed, "fail  tests:").contains("check that tests run"),
        "{skewed:?}"
    );
}

#[test]
fn a_perfsonar_5_archive_is_recognised() {
    let test = Test::new(1, "throughput", "10.0.0.1", "10.0.0.2").runs([TestRun::of(
        now() - 600,
        "throughput",
        json!(5e9),
    )]);
    let mock = MockElmond::model(Holdings::new([test]));
    let well = doctor(&mock.url, "--user a --key b -o json");
    let document: Value = serde_json::from_str(&well.stdout).expect("JSON");
    let checks = document["checks"].as_array().expect("checks");
    let said = |check: &str| {
        let lines = checks.iter().filter(|line| line["check"] == check);
        lines
            .map(|line| line["message"].as_str().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(said("archive"), "perfSONAR 5 (Elmond)", "{well:?}");
    assert!(
        said("credentials").contains("do not look at keys"),
        "{well:?}"
    );
    assert!(
        said("points").contains("throughput: 10 min ago"),
        "{well:?}"
    );
    assert!(
        said("points").contains("none, as often with these event types: "),
        "{well:?}"
    );
}

#[test]
fn a_certificate_that_is_not_trusted_comes_with_what_to_do() {
    let host = TlsHost::start("127.0.0.1", 2100);
    let own = doctor(&host.url, "");
    assert_eq!(own.status, Some(2), "{own:?}");
    assert!(
        only(&own, "ok    certificate:").contains("valid until 2100-01-01T00:00:00Z, self-signed")
    );
    let line = only(&own, "fail  trust:");
    assert!(
        line.contains("it is self-signed: fetch it once with `openssl s_client"),
        "{line}"
    );
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("archive.pem");
    fs::write(&path, &host.pem).expect("a file");
    let trusted = doctor(&host.url, &format!("--cacert {}", path.display()));
    assert!(
        only(&trusted, "ok    trust:").contains("is trusted"),
        "{trusted:?}"
    );
    let insecure = doctor(&host.url, "--insecure");
    assert!(
        only(&insecure, "warn  trust:").contains("not verified"),
        "{insecure:?}"
    );
    let host = TlsHost::start("127.0.0.1", 2002);
    let expired = doctor(&host.url, "");
    assert!(
        only(&expired, "fail  certificate:").contains("expired on 2002-01-01"),
        "{expired:?}"
    );
    assert!(
        only(&expired, "fail  trust:").contains("have it renewed"),
        "{expired:?}"
    );
    let plain = doctor(&TestArchive::start().url.replace("http:", "https:"), "");
    assert!(
        only(&plain, "fail  ").contains("try http:// in --url"),
        "{plain:?}"
    );
}
