//! `esmond-ps-get`: prints the results of perfSONAR tests, one event type of
//! one pair of hosts at a time.

mod counts;
mod options;
mod picture;
mod run;
mod screen;
mod sink;
mod statistics;
mod values;

use std::process::ExitCode;

use esmond_ps_cli_common::app::{self, Program};
use esmond_ps_cli_common::plan::Needs;

const PROGRAM: Program = Program {
    name: "esmond-ps-get",
    about: "Prints the results of perfSONAR tests: one event type, from one host to another.",
    examples: "\
Examples:
  Packet traces of the last 24 hours:
    esmond-ps-get --url https://ma.example.org --src 131.243.24.11 \\
        --dest 198.129.254.62 --event-type packet-trace
  Throughput since the beginning of April:
    esmond-ps-get --url https://ma.example.org --src 131.243.24.11 \\
        --dest 198.129.254.114 -e throughput --start-time 'April 1'
  Hourly statistics of the one-way delay, for a script:
    esmond-ps-get --url https://ma.example.org --src 131.243.24.11 \\
        --dest 198.129.254.62 -e histogram-owdelay -T statistics \\
        -W 3600 -o jsonl
  Loss of the last week, drawn on the terminal:
    esmond-ps-get --url https://ma.example.org --src 131.243.24.11 \\
        --dest 198.129.254.62 --event-type packet-loss-rate -S -7d --plot",
    needs: Needs::Series,
};

fn main() -> ExitCode {
    app::main_with(&PROGRAM, run::run)
}
