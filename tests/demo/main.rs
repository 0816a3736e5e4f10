//! `make demo`: an archive on a temporary directory and a free port, filled
//! with measurements, read by the query programs, and stopped.
#![expect(clippy::print_stdout, reason = "showing is what it is for")]

use std::process::ExitCode;

use esmond_ps_tests::{TestArchive, pscheduler, run};
use serde_json::Value;

/// What is shown: a remark, the program, and its options beside `--url` and
/// `--ip`.
const STEPS: &[(&str, &str, &str)] = &[
    (
        "Which tests does the archive hold?",
        "esmond-ps-get-endpoints",
        "--start-time 2014-05-01 --output-format csv",
    ),
    (
        "Everything that is known about one of them:",
        "esmond-ps-get-metadata",
        "--start-time 2014-05-01 --src 10.1.1.1 --tool powstream --metadata-extended",
    ),
    (
        "Throughput of real iperf3 runs, one JSON object a line:",
        "esmond-ps-get",
        "--start-time 2026-01-01 --src 127.0.0.2 --dest 127.0.0.3 --event-type throughput --output-format jsonl",
    ),
    (
        "The same per stream and second, as CSV:",
        "esmond-ps-get",
        "--start-time 2026-01-01 --src 127.0.0.2 --dest 127.0.0.3 --event-type streams-throughput-subintervals --output-format csv",
    ),
    (
        "A traceroute:",
        "esmond-ps-get",
        "--start-time 2014-05-01 --end-time 2014-05-01T01:30 --src 10.1.1.1 --dest 10.1.1.2 --event-type packet-trace --output-format csv",
    ),
    (
        "Packet loss per five minutes (a summary that the archive made):",
        "esmond-ps-get",
        "--start-time 2014-05-01 --end-time 2014-05-03 --src 10.1.1.1 --dest 10.1.1.2 --event-type packet-loss-rate --summary-type aggregation --summary-window 300 --output-format csv",
    ),
    (
        "Statistics of the one-way delay per day:",
        "esmond-ps-get",
        "--start-time 2014-05-01 --end-time 2014-05-03 --src 10.1.1.1 --dest 10.1.1.2 --event-type histogram-owdelay --summary-type statistics --summary-window 86400",
    ),
    (
        "Round-trip times, as pScheduler sent them:",
        "esmond-ps-get",
        "--start-time 2024-03-05 --end-time 2024-03-07 --src 198.51.100.10 --dest 203.0.113.81 --event-type histogram-rtt --summary-type statistics --summary-window 0",
    ),
    (
        "Why a test failed:",
        "esmond-ps-get",
        "--start-time 2026-01-01 --src 127.0.0.2 --dest 127.0.0.3 --event-type failures",
    ),
];

/// Lines of output shown of each step.
const SHOWN: usize = 24;

fn main() -> ExitCode {
    println!("Starting an archive on a temporary directory ...");
    let archive = TestArchive::start();
    println!("It listens at {}", archive.archive_url());
    let mut records = 0;
    for dataset in [
        include_str!("iperf3.json"),
        include_str!("../programs/data/dataset.json"),
    ] {
        let dataset: Value = serde_json::from_str(dataset).expect("a data set");
        records += archive.load(&dataset).len();
    }
    println!("Loaded the measurements of {records} tests.");
    let mut status = ExitCode::SUCCESS;
    let results = pscheduler::results();
    let taken = results
        .iter()
        .filter(|result| result.put(&archive) == 200)
        .count();
    println!("It took {taken} results from pScheduler.");
    if taken != results.len() {
        status = ExitCode::FAILURE;
    }
    for (remark, program, options) in STEPS {
        println!(
            "\n# {remark}\n$ {program} --url {} --ip {options}",
            archive.url
        );
        let mut arguments = vec!["--url", &archive.url, "--ip"];
        arguments.extend(options.split(' '));
        let run = run(program, &arguments);
        let lines: Vec<&str> = run.stdout.lines().collect();
        for line in lines.iter().take(SHOWN) {
            println!("{line}");
        }
        if lines.len() > SHOWN {
            println!("... and {} lines more", lines.len() - SHOWN);
        }
        if run.status != Some(0) || lines.len() < 2 {
            println!("{program} ended with {:?}: {}", run.status, run.stderr);
            status = ExitCode::FAILURE;
        }
    }
    println!("\nStopping the archive ...");
    match archive.stop() {
        Some(0) => println!("It stopped cleanly, and nothing is left behind."),
        other => {
            println!("It ended with {other:?}.");
            status = ExitCode::FAILURE;
        }
    }
    status
}
