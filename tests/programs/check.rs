//! `esmond-ps-check` as monitoring systems run it: against the real archive, and
//! against a perfSONAR 5 archive.

use std::io::Read as _;
use std::time::{SystemTime, UNIX_EPOCH};

use esmond_ps_tests::elmond::{Holdings, MockElmond, Run as TestRun, Test};
use esmond_ps_tests::wire::Wire;
use esmond_ps_tests::{Run, TestArchive, run};
use serde_json::{Value, json};

/// The present, in seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("a time")
}

/// Runs a check on an archive.
pub(crate) fn check(url: &str, arguments: &str) -> Run {
    let mut words = vec!["--url", url];
    words.extend(arguments.split_whitespace());
    run("esmond-ps-check", &words)
}

/// Creates a test with these points of one event type, by their age in seconds.
pub(crate) fn measure(
    archive: &TestArchive,
    pair: (&str, &str),
    event_type: &str,
    points: &[(i64, Value)],
) {
    measure_by("pscheduler/iperf3", archive, pair, event_type, points);
}

/// As [`measure`], by a tool.
pub(crate) fn measure_by(
    tool: &str,
    archive: &TestArchive,
    (source, destination): (&str, &str),
    event_type: &str,
    points: &[(i64, Value)],
) {
    let key = archive.create(&json!({
        "subject-type": "point-to-point", "source": source, "destination": destination,
        "tool-name": tool, "measurement-agent": source,
        "input-source": source, "input-destination": destination,
        "event-types": [{"event-type": event_type, "summaries": []}],
    }));
    if !points.is_empty() {
        let now = now();
        let data = points.iter().map(|(age, value)| {
            json!({"ts": now - age, "val": [{"event-type": event_type, "val": value}]})
        });
        archive.write(&key, &data.collect());
    }
}

const THERE: (&str, &str) = ("10.0.0.1", "10.0.0.2");
const BACK: (&str, &str) = ("10.0.0.2", "10.0.0.1");
const PAIR: &str = "-s 10.0.0.1 -d 10.0.0.2";

/// Two values a while ago there, one long ago back, and losses.
fn archive() -> TestArchive {
    let archive = TestArchive::start();
    let fast = json!(9_000_000_000_i64);
    measure(
        &archive,
        THERE,
        "throughput",
        &[(900, fast), (600, json!(7_000_000_000_i64))],
    );
    measure(
        &archive,
        BACK,
        "throughput",
        &[(40_000, json!(500_000_000))],
    );
    let loss = |lost| json!({"numerator": lost, "denominator": 600});
    measure(
        &archive,
        THERE,
        "packet-loss-rate",
        &[(700, loss(0)), (650, loss(12))],
    );
    let delays = json!({"10.5": 3, "12.5": 1});
    measure(&archive, THERE, "histogram-owdelay", &[(650, delays)]);
    measure(&archive, THERE, "failures", &[]);
    archive
}

/// What comes before the performance data.
fn line(run: &Run) -> &str {
    let first = run.stdout.lines().next().unwrap_or_default();
    first.split(" | ").next().unwrap_or_default()
}

#[test]
fn a_check_has_one_line_and_the_status_of_its_state() {
    let archive = archive();
    for (options, status, start) in [
        (
            "-e throughput",
            0,
            "OK - throughput 10.0.0.1 to 10.0.0.2: mean 8 Gb/s of 2 points, newest 10 min ago",
        ),
        ("-e throughput -w 8e9: -c 5e9:", 0, "OK - "),
        (
            "-e throughput -w 8.5e9: -c 5e9:",
            1,
            "WARNING - throughput 10.0.0.1 to 10.0.0.2: mean 8 Gb/s of 2 points, newest 10 min ago (outside 8.5e9:)",
        ),
        (
            "-e throughput --stat min -w 8.5e9: -c 7.5e9:",
            2,
            "CRITICAL - throughput 10.0.0.1 to 10.0.0.2: min 7 Gb/s",
        ),
        (
            "-e throughput --stat LAST --scale 1e-9 -c @6.9:7.1",
            2,
            "CRITICAL - throughput 10.0.0.1 to 10.0.0.2: last 7 of",
        ),
        (
            "-e throughput --stat count -c 3:",
            2,
            "CRITICAL - throughput 10.0.0.1 to 10.0.0.2: 2 points",
        ),
        (
            "-e throughput -r 750s -c 8e9:",
            2,
            "CRITICAL - throughput 10.0.0.1 to 10.0.0.2: mean 7 Gb/s of 1 point",
        ),
        (
            "-e packet-loss-rate -w 0.5 -c 2",
            1,
            "WARNING - packet-loss-rate 10.0.0.1 to 10.0.0.2: mean 1 %",
        ),
        (
            "-e histogram-owdelay --stat p95 -c 12",
            2,
            "CRITICAL - histogram-owdelay 10.0.0.1 to 10.0.0.2: p95 12.2 ms",
        ),
        // Freshness.
        ("-e throughput --warning-age 2h --max-age 4h", 0, "OK - "),
        (
            "-e throughput --warning-age 5m --max-age 4h",
            1,
            "WARNING - throughput 10.0.0.1 to 10.0.0.2: mean 8 Gb/s of 2 points, newest 10 min ago (older than 5 min)",
        ),
        ("-e throughput --critical-age 5m", 2, "CRITICAL - "),
        // Both directions: the worse of them.
        (
            "-e throughput -b -c 1e9:",
            2,
            "CRITICAL - throughput 10.0.0.1 to 10.0.0.2: mean 8 Gb/s of 2 points, newest 10 min ago; 10.0.0.2 to 10.0.0.1: mean 500 Mb/s of 1 point",
        ),
        (
            "-e packet-loss-rate -b",
            3,
            "UNKNOWN - packet-loss-rate 10.0.0.1 to 10.0.0.2: mean 1 %",
        ),
        // No points.
        (
            "-e throughput -r 5m",
            3,
            "UNKNOWN - throughput 10.0.0.1 to 10.0.0.2: no points",
        ),
        ("-e throughput -r 5m --no-data critical", 2, "CRITICAL - "),
        (
            "-e failures --no-data ok",
            0,
            "OK - failures 10.0.0.1 to 10.0.0.2: no points",
        ),
        (
            "-e failures --stat count -c 0",
            0,
            "OK - failures 10.0.0.1 to 10.0.0.2: 0 points",
        ),
        ("-e path-mtu --stat count", 3, "UNKNOWN - "),
    ] {
        let checked = check(&archive.url, &format!("{PAIR} {options}"));
        assert_eq!(checked.status, Some(status), "{options}: {checked:?}");
        assert!(line(&checked).starts_with(start), "{options}: {checked:?}");
        assert_eq!(checked.stderr, "", "{options}");
    }
}

#[test]
fn performance_data_has_values_thresholds_and_ages() {
    let archive = archive();
    let checked = check(
        &archive.url,
        &format!("{PAIR} -e packet-loss-rate -b -w 0.5 -c @2:3 --max-age 1d"),
    );
    let first = checked.stdout.lines().next().expect("a line");
    let (_, data) = first.split_once(" | ").expect("performance data");
    let data: Vec<&str> = data.split(' ').collect();
    assert_eq!(data[0], "'packet-loss-rate'=1%;0.5;@2:3;0;100");
    assert!(
        data[1].starts_with("'age'=6") && data[1].ends_with("s;;86400;0;"),
        "{data:?}"
    );
    assert_eq!(data[2..], ["'points'=2;;;0;", "'points_reverse'=0;;;0;"]);
}

#[test]
fn a_check_is_json_too() {
    let archive = archive();
    let checked = check(
        &archive.url,
        &format!("{PAIR} -e throughput -w 8.5e9: -o json"),
    );
    assert_eq!(checked.status, Some(1), "{checked:?}");
    let document: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!(document["state"], "WARNING");
    let one = &document["checks"][0];
    assert_eq!((&one["value"], &one["points"]), (&json!(8e9), &json!(2)));
    assert_eq!(one["reasons"], json!(["outside 8.5e9:"]));
    let wrong = check(&archive.url, "-o json -e throughput");
    let document: Value = serde_json::from_str(&wrong.stdout).expect("JSON");
    assert_eq!(
        (wrong.status, &document["state"]),
        (Some(3), &json!("UNKNOWN"))
    );
}

/// DIFFERENCE: the other programs end as 1 and 2, which would be states of the
/// network here.
#[test]
fn what_cannot_be_checked_is_unknown_and_says_why_on_stdout() {
    let mut archive = archive();
    for (options, words) in [
        ("-e throughput", "--src and --dest args are both required"),
        (
            "-s 10.0.0.1 -d 10.0.0.2 -e throughput -w 1:x",
            "is not a range",
        ),
        ("--no-such-option", "no such option"),
        (
            "-s 10.0.0.1 -d 10.0.0.2 -e throughput --user tester --key wrong",
            "401",
        ),
        ("-s 10.0.0.1 -d 10.0.0.2 -e throughputs", "no points"),
    ] {
        let checked = check(&archive.url, options);
        assert_eq!(checked.status, Some(3), "{options}: {checked:?}");
        let line = line(&checked);
        assert!(
            line.starts_with("UNKNOWN - ") && line.contains(words),
            "{options}: {checked:?}"
        );
    }
    archive.kill();
    let away = check(&archive.url, &format!("{PAIR} -e throughput --retries 0"));
    assert_eq!(away.status, Some(3), "{away:?}");
    assert!(line(&away).contains("cannot connect to"), "{away:?}");
}

#[test]
fn an_archive_that_says_nothing_does_not_outlast_the_deadline() {
    let silent = Wire::start_blind(|stream| {
        // Until the program gives up.
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let checked = check(&silent.url, &format!("{PAIR} -e throughput --deadline 1s"));
    assert_eq!(checked.status, Some(3), "{checked:?}");
    assert!(
        line(&checked).contains("no result within 1 s"),
        "{checked:?}"
    );
}

#[test]
fn a_test_that_stopped_is_told_from_one_that_never_was() {
    let archive = archive();
    let stopped = check(&archive.url, &format!("{PAIR} -e throughput -r 1m"));
    assert!(stopped.stdout.contains("no points"), "{stopped:?}");
    let never = check(&archive.url, &format!("{PAIR} -e packet-trace"));
    assert!(
        never
            .stdout
            .contains("no test matches that has packet-trace"),
        "{never:?}"
    );
}

#[test]
fn a_perfsonar_5_archive_is_checked_by_its_points() {
    // DIFFERENCE: statistics are taken where there is nothing else.
    let now = now();
    let statistics = |mean: f64| json!({"minimum": 1.0, "maximum": 9.0, "mean": mean, "standard-deviation": 1.0});
    let runs = [(900, 4.0), (600, 6.0)];
    let round_trips = Test::new(1, "rtt", "10.0.0.1", "10.0.0.2")
        .runs(runs.map(|(age, mean)| TestRun::of(now - age, "histogram-rtt", statistics(mean))));
    let throughput = Test::new(2, "throughput", "10.0.0.1", "10.0.0.2").runs([
        TestRun::of(now - 500, "throughput", json!(5e9)),
        TestRun::failed(now - 100, "no"),
    ]);
    let mock = MockElmond::model(Holdings::new([round_trips, throughput]));
    // There are no histograms of round trips, but statistics.
    let checked = check(&mock.url, &format!("{PAIR} -e histogram-rtt -c 4"));
    assert_eq!(checked.status, Some(2), "{checked:?}");
    assert!(
        line(&checked).contains("mean 5 ms of 2 points"),
        "{checked:?}"
    );
    // The schedule is not a point: its age is that of the last value.
    let checked = check(&mock.url, &format!("{PAIR} -e throughput --max-age 5m"));
    assert_eq!(checked.status, Some(2), "{checked:?}");
    assert!(line(&checked).contains("(older than 5 min)"), "{checked:?}");
}

#[test]
fn names_of_an_archive_cannot_forge_a_status() {
    let archive = archive();
    let forged = check(
        &archive.url,
        "-s 10.0.0.1 -d 10.0.0.2 -e x|'y'=1\u{1b}[2J --no-data ok",
    );
    let first = forged.stdout.lines().next().expect("a line");
    assert_eq!(first.matches('|').count(), 1, "{forged:?}");
    assert!(!forged.stdout.contains('\u{1b}'), "{forged:?}");
}

#[test]
fn with_json_errors_an_unknown_state_is_one_object_on_stderr() {
    for (arguments, message) in [
        ("--bogus", "no such option: --bogus"),
        ("-s 10.0.0.1 -d 10.0.0.2", "--event-type"),
        (
            "-s 10.0.0.1 -d 10.0.0.2 -e throughput --retries 0",
            "reading the tests",
        ),
    ] {
        let run = check("http://127.0.0.1:1", &format!("--json-errors {arguments}"));
        assert_eq!(run.status, Some(3), "{run:?}");
        assert!(run.stdout.starts_with("UNKNOWN - "), "{run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        let told: Value = serde_json::from_str(&run.stderr).expect("JSON");
        assert_eq!(
            (&told["exit"], &told["level"]),
            (&json!(3), &json!("error"))
        );
        let said = told.to_string();
        assert!(said.contains(message), "{said}");
    }
}
