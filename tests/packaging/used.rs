//! What an installed system can do: look and use, whichever packages it has.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use esmond_ps_tests::{command, spawn_archive};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::made::{done, names, top};
use crate::root::Root;

/// Every program runs, and has its manual page and its completions.
pub(crate) fn look(root: &Root, zsh: &str) {
    for name in names() {
        let version = root.run(&[&name, "--version"]).stdout;
        let version = String::from_utf8_lossy(&version).into_owned();
        assert!(
            version.contains(env!("CARGO_PKG_VERSION")),
            "{name}: {version}"
        );
        let page =
            fs::read(root.path(&format!("/usr/share/man/man1/{name}.1.gz"))).expect("a page");
        let mut text = String::new();
        GzDecoder::new(&page[..])
            .read_to_string(&mut text)
            .expect("a packed page");
        assert!(text.contains(".TH"), "{name}: {text}");
        let completion = format!(
            "set -e; source /usr/share/bash-completion/completions/{name}; complete -p {name}"
        );
        root.run(&["bash", "-c", &completion]);
        let zsh = root.read(&format!("{zsh}/_{name}"));
        assert!(zsh.starts_with(&format!("#compdef {name}")), "{zsh}");
        let fish = root.read(&format!("/usr/share/fish/vendor_completions.d/{name}.fish"));
        assert!(fish.contains(&name), "{fish}");
    }
}

/// The archive runs as its unit says, and a result goes into it and out again,
/// through the installed programs.
pub(crate) fn use_it(root: &Root) {
    let added = done(&mut root.as_service(&["esmond-ps-archive", "user", "add", "tester"]));
    let added = String::from_utf8(added.stdout).expect("text");
    let key = added.lines().find_map(|line| line.strip_prefix("Key: "));
    fs::write(root.path("/etc/esmond-ps/key"), key.expect("a key")).expect("a file");

    let unit = root.read("/usr/lib/systemd/system/esmond-ps-archive.service");
    let user = unit.lines().find_map(|line| line.strip_prefix("User="));
    assert_eq!(user, Some("esmond-ps"));
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let start: Vec<&str> = start.expect("a command").split(' ').collect();
    let mut serve = root.as_service(&start);
    serve.env("ESMOND_ARCHIVE_LISTEN", "127.0.0.1:0");
    let (mut server, url) = spawn_archive(serve);

    fs::copy(
        top().join("tests/hostile/iperf3.json"),
        root.path("/tmp/iperf3.json"),
    )
    .expect("a result");
    let load = format!(
        "esmond-ps-pipe -U {url} -s esmond -u tester --key-file /etc/esmond-ps/key < /tmp/iperf3.json"
    );
    root.run(&["sh", "-c", &load]);
    let read = [
        "esmond-ps-get",
        "--url",
        &url,
        "--ip",
        "-s",
        "127.0.0.2",
        "-d",
        "127.0.0.3",
        "-e",
        "throughput",
        "-S",
        "2017-07-14",
        "-E",
        "2017-07-15",
        "-o",
        "json",
    ];
    let rows: Value = serde_json::from_slice(&root.run(&read).stdout).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["value"], 8000.0, "{rows}");

    let process = server.id().to_string();
    done(Command::new("kill").args(["-TERM", &process]));
    let status = server.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(root.has("/var/lib/esmond-ps/archive.sqlite"));
}

/// The measurements that were written are still there, whatever was removed.
pub(crate) fn data_are_kept(root: &Root) {
    let directory = root.path("/var/lib/esmond-ps");
    let stats = command("esmond-ps-archive")
        .args(["stats", "--json", "--data"])
        .arg(directory)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let stats: Value = serde_json::from_slice(&stats.stdout).expect("JSON");
    assert_eq!(stats["records"], 1, "{stats}");
}
