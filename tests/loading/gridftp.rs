//! `esmond-ps-load-gridftp` from its command line to what the archive holds.

use std::env;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use esmond_ps_tests::{TestArchive, command, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::support::{LOADER, START, Site, closing, ended, line, lines, signal};

/// Asks the archive with a query program.
fn get(archive: &TestArchive, source: &str, destination: &str, event_type: &str) -> Value {
    let got = run(
        "esmond-ps-get",
        &[
            "-u",
            &archive.url,
            "-s",
            source,
            "-d",
            destination,
            "-e",
            event_type,
            "-S",
            "2015-01-01",
            "-I",
            "-o",
            "json",
        ],
    );
    assert_eq!(got.status, Some(0), "{}", got.stderr);
    serde_json::from_str(&got.stdout).expect("JSON")
}

#[test]
fn what_was_loaded_is_read_back() {
    let stored = line(3).replace("RETR", "STOR");
    let failed = line(4).replace("CODE=226", "CODE=426");
    let site = Site::new(&[line(1), stored, failed].concat());
    assert_eq!(
        site.load(),
        "Loaded 3 records, 0 already there, 0 skipped, 0 failed"
    );
    let (server, client) = ("198.51.100.10", "203.0.113.81");
    let rows = get(&site.archive, server, client, "throughput");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let rows = get(&site.archive, client, server, "throughput");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let rows = get(&site.archive, server, client, "failures");
    assert!(
        rows.to_string()
            .contains("426 Connection closed; transfer aborted."),
        "{rows}"
    );
    let lists = site.stored("streams-packet-retransmits");
    assert_eq!(lists, [(START + 1, json!([1])), (START + 3, json!([3]))]);
}

#[test]
fn all_values_of_a_json_log_are_stored() {
    // DIFFERENCE: the original does not declare all that it posts.
    let record = json!({
        "event_type": "Transfer-End", "start_timestamp": START, "end_timestamp": START + 8,
        "nbytes": 1000, "nstreams": 1, "dest": "203.0.113.81", "cmd_type": "RETR",
        "ret_code": 226, "host": "198.51.100.10", "iostat": {"Blk_read/s": 1.5},
        "mpstat": {"%usr": 2}, "getrusage": {"ru_utime": 3},
        "streams": [{"stream": 0, "stripe": 0, "TCPinfo": {"total_retrans": 4}}],
    });
    let site = Site::new(&format!("{record}\n"));
    let run = site.run(&["-J"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains(" event=scan_and_load_json.end "),
        "{}",
        run.stderr
    );
    for (event_type, value) in [
        ("throughput", json!(1000.0)),
        ("streams-packet-retransmits", json!([4])),
        ("iostat", json!({"blk_read_s": 1.5})),
        ("mpstat", json!({"usr": 2})),
        ("rusage", json!({"ru_utime": 3})),
        ("streams-tcpinfo", record["streams"].clone()),
    ] {
        assert_eq!(site.stored(event_type), [(START, value)], "{event_type}");
    }
}

#[test]
fn loading_the_same_log_twice_changes_nothing() {
    let site = Site::new(&lines(0..120));
    site.load();
    let before = site.snapshot();
    assert_eq!(
        site.load(),
        "Loaded 0 records, 0 already there, 0 skipped, 0 failed"
    );
    fs::remove_file(site.path("state")).expect("there is a state");
    assert_eq!(
        site.load(),
        "Loaded 0 records, 120 already there, 0 skipped, 0 failed"
    );
    assert!(site.snapshot() == before);
    site.assert_holds(0..120);
}

/// Kills runs at random moments of a load: 5 times in 500 records, or as many times in
/// 5000 records as `ESMOND_PS_TORTURE` says.
#[test]
fn runs_that_are_killed_store_each_record_once() {
    let torture = env::var("ESMOND_PS_TORTURE").ok();
    let kills: u32 = torture
        .as_deref()
        .map_or(5, |text| text.parse().expect("a number of kills"));
    let records = if torture.is_some() { 5000 } else { 500 };
    // How long a whole load takes tells when to kill.
    let site = Site::new(&lines(0..records));
    let start = Instant::now();
    site.load();
    let whole = start.elapsed();

    let site = Site::new(&lines(0..records));
    let mut hit = 0;
    for _ in 0..kills {
        let mut child = site.command(&[]).spawn().expect("it starts");
        let moment = rand::rng().random_range(0.0..2.0 / f64::from(kills));
        thread::sleep(whole.mul_f64(moment));
        hit += u32::from(child.try_wait().expect("a status").is_none());
        signal(&child, "KILL");
        child.wait().expect("it ends");
    }
    site.load();
    site.assert_holds(0..records);
    assert!(
        hit > kills / 4,
        "{hit} of {kills} runs were killed before their end"
    );
    if torture.is_some() {
        println!("{hit} of {kills} runs were killed before their end");
    }
}

/// Waits until the archive holds some of the log.
fn wait_for_some(site: &Site) {
    while site.keys().len() < 20 {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_archive_that_goes_away_and_comes_back_loses_nothing() {
    let mut site = Site::new(&lines(0..1000));
    let child = site
        .command(&["--retries", "1"])
        .spawn()
        .expect("it starts");
    wait_for_some(&site);
    site.archive.kill();
    let run = ended(child);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("Post failed, abort processing"),
        "{}",
        run.stderr
    );
    site.archive.revive();
    site.load();
    site.assert_holds(0..1000);
}

#[test]
fn a_signal_ends_a_run_at_a_record() {
    for name in ["INT", "TERM"] {
        let site = Site::new(&lines(0..1000));
        let child = site.command(&[]).spawn().expect("it starts");
        wait_for_some(&site);
        signal(&child, name);
        let run = ended(child);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("Got SIG{name} - exiting.")),
            "{}",
            run.stderr
        );
        let loaded: u64 = closing(&run)
            .split(' ')
            .nth(1)
            .expect("a number")
            .parse()
            .expect("a number");
        assert!(loaded < 1000);
        let rest = 1000 - loaded;
        // What was counted is what the state is behind: nothing is posted again.
        assert_eq!(
            site.load(),
            format!("Loaded {rest} records, 0 already there, 0 skipped, 0 failed")
        );
        site.assert_holds(0..1000);
    }
}

#[test]
fn a_wrong_key_stops_the_run_and_leaves_no_state() {
    let site = Site::new(&lines(0..3));
    let run = site.run(&["-k", "wrong"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("MetadataPost failed, abort processing"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("wrong"), "{}", run.stderr);
    assert!(!site.path("state").exists());
}

#[test]
fn overlapping_runs_exclude_each_other() {
    // DIFFERENCE: those of the original do not.
    let site = Site::new(&lines(0..3));
    let other = fs::File::create(site.path("state.lock")).expect("a file");
    other.lock().expect("a lock");
    let run = site.run(&[]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("another run uses the same state file"),
        "{}",
        run.stderr
    );
    assert_eq!(site.keys(), Vec::<String>::new());
    drop(other);
    site.load();
    site.assert_holds(0..3);
}

#[test]
fn standard_input_and_packed_logs_are_read() {
    // DIFFERENCE: the original reads plain files alone.
    let site = Site::new("");
    let mut child = site
        .command(&["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines(0..3).as_bytes()).expect("written");
    drop(stdin);
    assert_eq!(ended(child).status, Some(0));
    assert!(!site.path("state").exists());
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines(3..5).as_bytes()).expect("packed");
    fs::write(site.path("old.gz"), packed.finish().expect("packed")).expect("a file");
    assert_eq!(site.run(&["-f", "old.gz", "-d"]).status, Some(0));
    assert!(!site.path("state").exists());
    site.assert_holds(0..5);
}

#[test]
fn a_dry_run_prints_and_touches_nothing() {
    // DIFFERENCE: the original has no dry runs.
    let site = Site::new(&[line(7), "DATE=2018\n".into()].concat());
    let run = site.run(&["--dry-run", "-D", "--rejects", "bad", "-F"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let object: Value = serde_json::from_str(&run.stdout).expect("one line");
    assert_eq!(object["line"], 1);
    assert_eq!(object["metadata"]["gridftp-file"], "/data/7");
    assert_eq!(object["data"][0]["ts"], START + 7);
    assert_eq!(
        object["data"][0]["val"][1],
        json!({"event-type": "streams-packet-retransmits", "val": [7]})
    );
    let names = fs::read_dir(site.directory.path())
        .expect("a directory")
        .count();
    assert_eq!((names, site.keys().len()), (1, 0));
}

#[test]
fn the_log_has_its_documented_lines() {
    // DIFFERENCE: the original mixes the names of events up.
    let site = Site::new(&lines(0..205));
    let without_progress = [
        "-p",
        "state",
        "-s",
        "/esmond",
        "-U",
        &site.archive.url,
        "-u",
        "tester",
        "-k",
        &site.archive.key,
    ];
    fs::create_dir(site.path("logs")).expect("a directory");
    let load = |more: &[&str]| {
        let mut command = command(LOADER);
        command
            .current_dir(site.directory.path())
            .args(["-f", "g.log"]);
        let output = command
            .args(without_progress)
            .args(more)
            .output()
            .expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let events = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| {
                let words: Vec<_> = line.splitn(5, ' ').collect();
                assert!(
                    words[0].starts_with("ts=20") && words[3].starts_with("id="),
                    "{line}"
                );
                format!("{} {}", words[2], words[4])
            })
            .collect()
    };
    assert_eq!(
        events(&load(&[])),
        [
            "event=main.start no last record found",
            "event=main.process No last record, processing g.log",
            "event=scan_and_load_netlogger.info 100 records processed",
            "event=scan_and_load_netlogger.info 200 records processed",
            "event=scan_and_load_netlogger.end Loaded 205 records, 0 already there, 0 skipped, 0 failed",
        ]
    );
    let text = load(&["-l", "logs", "-P"]);
    assert_eq!(text, "");
    let log = fs::read_to_string(site.path("logs/esmond-ps-load-gridftp.log")).expect("a log");
    assert_eq!(
        events(&log),
        [
            format!("event=main.start found last record: {}", line(204).trim()),
            "event=main.process File g.log passes last record check".into(),
            "event=scan_and_load_netlogger.end Loaded 0 records, 0 already there, 0 skipped, 0 failed".into(),
        ]
    );
}

#[test]
fn text_of_a_log_does_not_act_on_a_terminal() {
    let bad = "DATE=2018 \u{1b}[31mred\rHOST=x\n";
    let site = Site::new(bad);
    let run = site.run(&["--rejects", "bad"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "{}", run.stderr);
    assert!(run.stderr.contains("(line 1 of g.log)"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(site.path("bad")).expect("a file"), bad);
}

#[test]
fn mistakes_on_the_command_line_are_named_in_the_words_of_the_original() {
    for (arguments, words) in [
        (&["-l", "nosuch"][..], "nosuch log path does not exist."),
        (&[], "Filename is required."),
        (&["-f", "nosuch.log"], "nosuch.log does not exist"),
        (&["--bogus"], "no such option: --bogus"),
        (&["-f", "-", "--jobs", "0"], "--jobs should be 1 to 256"),
    ] {
        let run = run(LOADER, arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}");
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn all_documented_spellings_of_options_are_understood() {
    let site = Site::new(&lines(0..4));
    let url = site.archive.url.as_str();
    let key = site.archive.key.as_str();
    for (number, spelled) in [
        &[
            "--pickle",
            "s",
            "--script_alias",
            "/esmond/",
            "--file_attr",
            "--name_attr",
            "--volume_attr",
        ][..],
        &[
            "--pickle_file=s",
            "--script-alias",
            "esmond",
            "--file-attr",
            "--no-progress",
            "--verbose",
        ],
        &["-ps", "-s/esmond", "-FNVP", "-v", "--delete_state"],
        &["--pickle-f", "s", "-s", "/esmond", "--dont_write"],
    ]
    .iter()
    .enumerate()
    {
        let mut command = command(LOADER);
        command.current_dir(site.directory.path());
        command.args([
            "--file", "g.log", "--single", "--url", url, "--user", "tester", "--key", key,
        ]);
        let output = command.args(*spelled).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{number}: {stderr}");
    }
    assert!(!site.path("s").exists());
    assert_eq!(site.stored("throughput").len(), 4);
}
