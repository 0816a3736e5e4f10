//! Searches that Elmond answers wrongly or not at all, and errors of its own:
//! the programs find what is there all the same.

use std::collections::BTreeMap;

use esmond_ps_tests::elmond::{Holdings, MockElmond, ROOT, Run, Test};
use serde_json::json;

use crate::elmond::{ONE, START, ask, bulk, one_latency_test, rows, start_of};

/// Numbers of tests that searches of the recorded archive should find.
const SEARCHES: &[(&[&str], usize)] = &[
    (&[], 11),
    (&["-F", "tool-name:pscheduler/paris-traceroute"], 1),
    (&["-F", "tool-name:paris-traceroute"], 1),
    (&["-t", "pscheduler/paris-traceroute"], 1),
    (&["-F", "tool_name:pscheduler/iperf3"], 3),
    (&["-t", "pscheduler/powstream"], 1),
    (&["-t", "bwctl/iperf3"], 0),
    (&["-F", "input-source:thr-a.example.org"], 1),
    (&["-F", "input-source:2001:db8:a::10"], 1),
    // Elmond shows the agent as the source of these, and does not find them.
    (&["-F", "input-source:192.0.2.50"], 1),
    (&["-F", "input-destination:latb.example.org"], 1),
    (&["-F", "time-duration:14"], 1),
    (&["-F", "time-duration:14.0"], 1),
    (&["-F", "bw-parallel-streams:4"], 1),
    (&["-F", "bw-parallel-streams:four"], 0),
    (&["-F", "time-probe-interval:0.1"], 2),
    (&["-F", "mode-flip:true"], 1),
    (&["-F", "mode-flip:True"], 1),
    (&["-F", "trace-algorithm:paris-traceroute"], 1),
    (&["-F", "pscheduler-test-type:disk-to-disk"], 1),
    (
        &[
            "-F",
            "pscheduler-reference-display-task-name:Example Throughput Tests",
        ],
        1,
    ),
    (&["-F", "no-such-parameter:x"], 0),
    // By what is shown, not by the type of the test.
    (&["-F", "subject-type:point-to-point"], 9),
    (&["-F", "subject-type:network-element"], 2),
    (&["-e", "failures"], 10),
    (&["-e", "packet-trace-multi"], 1),
    (&["-e", "pscheduler-raw"], 2),
    (&["-e", "pscheduler-run-href"], 11),
    // With the transfer between disks.
    (&["-e", "throughput"], 4),
    (&["-e", "histogram-ttl-reverse"], 2),
    (&["-e", "packet-count-sent"], 5),
    (&["-F", "summary-type:average"], 4),
    (
        &["-F", "summary-type:aggregation", "-F", "summary-window:300"],
        5,
    ),
    (&["-F", "summary-window:60"], 0),
    (
        &["-F", "summary-type:statistics", "-e", "histogram-owdelay"],
        2,
    ),
    (
        &["-F", "summary-type:aggregation", "-e", "histogram-owdelay"],
        0,
    ),
    (
        &[
            "-e",
            "failures",
            "-F",
            "tool-name:pscheduler/paris-traceroute",
        ],
        1,
    ),
    (&["-s", "192.0.2.10", "-e", "failures"], 6),
    (
        &[
            "-s",
            "192.0.2.10",
            "-d",
            "198.51.100.20",
            "-F",
            "ip-transport-protocol:tcp",
        ],
        2,
    ),
    (&["-a", "192.0.2.51"], 1),
    (&["-F", "metadata-key:ffffffffffffffffffffffffffffffff"], 0),
];

#[test]
fn searches_find_what_is_there() {
    let mut wrong = Vec::new();
    for program in ["esmond-ps-get-endpoints", "esmond-ps-get-metadata"] {
        for (search, count) in SEARCHES {
            // An archive that nothing is known about, each time.
            let mock = MockElmond::recorded();
            let run = ask(program, &mock, &[&["-o", "jsonl"], *search].concat());
            let found = run.stdout.lines().count();
            if run.status != Some(0) || found != *count {
                let outcome = format!("{:?}, {found} for {count}", run.status);
                wrong.push(format!("{program} {search:?}: {outcome}\n{}", run.stderr));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} searches:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn an_unknown_event_type_is_a_usage_error() {
    for program in [
        "esmond-ps-get-endpoints",
        "esmond-ps-get-metadata",
        "esmond-ps-get",
    ] {
        let mock = MockElmond::recorded();
        let pair = ["-s", "192.0.2.10", "-d", "198.51.100.20", "-e", "troughput"];
        let run = ask(program, &mock, &pair);
        assert_eq!(
            (run.status, &*run.stdout),
            (Some(2), ""),
            "{program} {run:?}"
        );
        assert!(run.stderr.contains("throughput"), "{program} {run:?}");
    }
}

#[test]
fn verbose_names_the_kind_of_archive_once() {
    // DIFFERENCE: the originals do not tell it.
    let pair = [
        "-s",
        "192.0.2.10",
        "-d",
        "198.51.100.20",
        "-e",
        "throughput",
        "-o",
        "json",
    ];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path");
    for program in [
        "esmond-ps-get-endpoints",
        "esmond-ps-get-metadata",
        "esmond-ps-get",
        "esmond-ps-get-bulk",
    ] {
        let mock = MockElmond::recorded();
        let mut arguments = pair.to_vec();
        if program.ends_with("bulk") {
            arguments.extend(["-D", path, "--quiet"]);
        }
        let quiet = ask(program, &mock, &arguments);
        assert!(
            !quiet.stderr.contains("perfSONAR 5"),
            "{program} {}",
            start_of(&quiet)
        );
        arguments.push("--verbose");
        let run = ask(program, &mock, &arguments);
        assert_eq!(run.status, Some(0), "{program} {}", start_of(&run));
        assert_eq!(run.stdout, quiet.stdout, "{program}");
        let named = run.stderr.matches("perfSONAR 5").count();
        assert_eq!(named, 1, "{program} {}", start_of(&run));
    }
}

/// An archive behind which OpenSearch is down, for some requests.
fn broken(is_broken: fn(&str) -> bool) -> MockElmond {
    let runs = |destination: &str, number| {
        let runs = (0..10).map(|n| Run::of(START + n, "packet-count-sent", json!(n)));
        Test::new(number, "latencybg", "10.0.0.1", destination).runs(runs)
    };
    let tests = [
        runs("10.0.0.2", 1),
        runs("10.0.0.3", 2),
        runs("10.0.0.4", 3),
    ];
    let bad = tests[1].key.clone();
    MockElmond::model(
        Holdings::new(tests)
            .refusing(move |asked| is_broken(&asked.path.replace(&bad, "BAD")).then_some(500)),
    )
}

#[test]
fn an_archive_that_is_down_says_so_in_its_own_words() {
    for program in [
        "esmond-ps-get-endpoints",
        "esmond-ps-get-metadata",
        "esmond-ps-get",
    ] {
        let mock = broken(|_| true);
        let arguments = [
            "-s",
            "10.0.0.1",
            "-d",
            "10.0.0.2",
            "-e",
            "packet-count-sent",
        ];
        let run = ask(program, &mock, &arguments);
        assert_eq!(
            (run.status, &*run.stdout),
            (Some(1), ""),
            "{program} {run:?}"
        );
        assert!(run.stderr.contains("500"), "{program} {run:?}");
        assert!(
            run.stderr.contains("unable to complete your request"),
            "{program} {run:?}"
        );
        assert!(!run.stderr.contains('<'), "the text, not the page: {run:?}");
    }
    let (run, files) = bulk(&broken(|_| true), &["-o", "csv"]);
    assert_eq!((run.status, files.len()), (Some(1), 0), "{run:?}");
}

#[test]
fn a_search_that_is_refused_says_why() {
    for (filter, words) in [
        (
            "dns-match-rule:bogus",
            "Invalid dns-match-rule parameter bogus",
        ),
        (
            "destination:nohost.invalid",
            "Unable to find address for host nohost.invalid",
        ),
    ] {
        for program in ["esmond-ps-get-endpoints", "esmond-ps-get-metadata"] {
            let mock = MockElmond::recorded();
            let run = ask(program, &mock, &["-s", "192.0.2.10", "-F", filter]);
            assert_eq!(
                (run.status, &*run.stdout),
                (Some(1), ""),
                "{program} {run:?}"
            );
            assert!(run.stderr.contains("400"), "{program} {run:?}");
            assert!(run.stderr.contains(words), "{program} {run:?}");
            assert!(!run.stderr.contains('<'), "the text, not the page: {run:?}");
        }
    }
}

#[test]
fn one_query_that_fails_is_named_and_the_others_are_delivered() {
    let mock = broken(|path| path.contains("BAD"));
    let (run, files) = bulk(&mock, &["-e", "packet-count-sent", "-o", "jsonl"]);
    assert_eq!(run.status, Some(3), "{run:?}");
    assert_eq!(files.len(), 2, "{run:?}");
    assert!(files.values().all(|file| file.lines().count() == 10));
    assert!(run.stderr.contains("10.0.0.3"), "{run:?}");
    let arguments = [
        "-s",
        "10.0.0.1",
        "-d",
        "10.0.0.3",
        "-e",
        "packet-count-sent",
    ];
    let run = ask("esmond-ps-get", &mock, &arguments);
    assert_eq!((run.status, &*run.stdout), (Some(1), ""), "{run:?}");
}

#[test]
fn a_listed_event_type_that_is_refused_fails_nothing() {
    // DIFFERENCE: the originals end with a traceback.
    let runs = (0..10).map(|n| {
        let loss = Run::of(START + 60 * n, "packet-loss-rate-bidir", json!(0.5));
        loss.and("packet-count-sent", json!(2))
            .and("packet-count-lost-bidir", json!(1))
    });
    let test = Test::new(1, "rtt", "10.0.0.1", "10.0.0.2").runs(runs);
    let mock = MockElmond::model(Holdings::new([test]));
    let (run, files) = bulk(&mock, &["-o", "jsonl"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(files.len(), 3, "{names:?}");
    assert!(run.stderr.contains("histogram-ttl-reverse"), "{run:?}");
    let reverse = [&ONE[..], &["-e", "histogram-ttl-reverse"]].concat();
    let run = ask("esmond-ps-get", &mock, &reverse);
    assert_eq!((run.status, &*run.stdout), (Some(0), ""), "{run:?}");
    assert!(run.stderr.contains("histogram-ttl-reverse"), "{run:?}");
}

#[test]
fn a_bulk_run_of_everything_delivers_each_series() {
    let mock = MockElmond::recorded();
    let (run, files) = bulk(&mock, &["-o", "jsonl"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let mut series: BTreeMap<String, usize> = BTreeMap::new();
    for content in files.values() {
        let rows = crate::elmond::lines(content);
        let name = rows[0]["event_type"].as_str().expect("a text").to_owned();
        *series.entry(name).or_default() += 1;
    }
    // Those with points among the recorded data, and no blank ones.
    let counts = [
        ("failures", 2),
        ("throughput", 4),
        ("packet-retransmits", 2),
        ("packet-retransmits-subintervals", 2),
        ("streams-packet-retransmits", 1),
        ("streams-packet-retransmits-subintervals", 1),
        ("pscheduler-raw", 2),
        ("pscheduler-run-href", 8),
        ("packet-trace", 2),
        ("packet-trace-multi", 1),
        ("path-mtu", 1),
        ("packet-count-sent", 1),
        ("packet-count-lost", 1),
        ("packet-loss-rate", 1),
        ("packet-duplicates", 1),
        ("packet-reorders", 1),
        ("histogram-owdelay", 1),
        ("histogram-ttl", 1),
        ("time-error-estimates", 1),
    ];
    let wanted = counts.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(series, BTreeMap::from(wanted), "{}", run.stderr);
    // Tests of one pair do not overwrite each other.
    let pair = files
        .keys()
        .filter(|name| name.starts_with("192.0.2.10_198.51.100.20_throughput_"));
    assert_eq!(pair.count(), 4);
    assert!(files.keys().all(|name| !name.contains(['/', ':', ' '])));
}

#[test]
fn a_bulk_run_selects_as_the_other_programs_do() {
    for (selection, count) in [
        (&["-e", "failures"][..], 2),
        (&["-e", "packet-trace-multi"], 1),
        (
            &[
                "-F",
                "tool-name:pscheduler/paris-traceroute",
                "-e",
                "packet-trace",
            ],
            1,
        ),
        (
            &["-F", "input-source:thr-a.example.org", "-e", "throughput"],
            1,
        ),
        (&["-e", "throughput", "-T", "average", "-W", "86400"], 4),
        (
            &["-e", "histogram-owdelay", "-T", "statistics", "-W", "0"],
            1,
        ),
        (
            &["-e", "histogram-owdelay", "-T", "aggregation", "-W", "300"],
            0,
        ),
    ] {
        let (run, files) = bulk(
            &MockElmond::recorded(),
            &[&["-o", "csv"], selection].concat(),
        );
        assert_eq!(
            (run.status, files.len()),
            (Some(0), count),
            "{selection:?} {run:?}"
        );
    }
}

#[test]
fn a_test_without_a_destination_is_one_like_others() {
    // DIFFERENCE: the original get-bulk crashes at it.
    let mock = MockElmond::recorded();
    for program in ["esmond-ps-get-endpoints", "esmond-ps-get-metadata"] {
        for format in ["human", "json", "jsonl", "csv"] {
            let run = ask(
                program,
                &mock,
                &["-o", format, "-F", "pscheduler-test-type:rtt"],
            );
            assert_eq!(run.status, Some(0), "{program} {format} {run:?}");
            assert!(
                run.stdout.contains("192.0.2.50"),
                "{program} {format} {run:?}"
            );
        }
    }
    let run = ask("esmond-ps-get-endpoints", &mock, &["-o", "jsonl"]);
    let rows = rows(&run);
    let dns = rows
        .iter()
        .find(|row| row["tool_name"] == "pscheduler/dnspy");
    let dns = dns.expect("the test of a name server");
    assert_eq!(
        (&dns["source"], &dns["destination"]),
        (&json!("192.0.2.50"), &json!(null))
    );
}

#[test]
fn nothing_is_found_in_an_empty_archive() {
    for (program, format, stdout) in [
        ("esmond-ps-get-endpoints", "human", "No data found.\n"),
        ("esmond-ps-get-metadata", "json", "[]\n"),
        ("esmond-ps-get", "jsonl", ""),
    ] {
        let mock = MockElmond::model(Holdings::new([]));
        let pair = ["-s", "10.0.0.1", "-d", "10.0.0.2", "-e", "failures"];
        let filter = ["-F", "tool-name:pscheduler/iperf3", "-o", format];
        let run = ask(program, &mock, &[&pair[..], &filter].concat());
        assert_eq!(run.status, Some(0), "{program} {run:?}");
        assert_eq!(run.stdout.trim_start(), stdout, "{program}");
    }
}

#[test]
fn only_known_arguments_are_sent_for_data() {
    let (mock, _) = one_latency_test(vec![Run::of(START, "packet-count-sent", json!(1))]);
    let run = ask(
        "esmond-ps-get",
        &mock,
        &[&ONE[..], &["-e", "packet-count-sent"]].concat(),
    );
    assert_eq!(rows(&run).len(), 1);
    for asked in mock.asked().iter().filter(|asked| asked.path != ROOT) {
        for (name, value) in asked.parameters() {
            let is_known = ["time-start", "time-end", "limit", "format"].contains(&&*name);
            assert!(
                is_known && (name == "format" || value.parse::<i64>().is_ok()),
                "{asked:?}"
            );
        }
    }
}
