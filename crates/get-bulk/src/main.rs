//! `esmond-ps-get-bulk`: writes the results of perfSONAR tests to files, one
//! per test and event type.
//!
//! [`run`] walks the tests and keeps a bounded number of series at work;
//! [`fetch`] copies one series into a [`part`] file; the [`ledger`] gives it its
//! name ([`naming`]) and remembers what is done, for `--resume`, `--state` and
//! the [`summary`]; [`mod@slice`] says which stretch of a series is still to be
//! read, [`overlap`] which points of it are known.

mod fetch;
mod ledger;
mod listing;
mod naming;
mod options;
mod overlap;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod progress;
mod run;
mod slice;
mod store;
mod summary;
mod task;

use std::process::ExitCode;

use esmond_ps_cli_common::app::{self, Program};
use esmond_ps_cli_common::plan::Needs;

use crate::options::BulkArgs;

const PROGRAM: Program = Program {
    name: "esmond-ps-get-bulk",
    about: "Writes the results of perfSONAR tests to files, one per test and event type.",
    examples: "\
Examples:
  All data of the last 24 hours between two hosts, as CSV:
    esmond-ps-get-bulk --url https://ma.example.org --src 131.243.24.11 \\
        --dest 198.129.254.62 -o csv
  Throughput since the beginning of April, going on after an interruption:
    esmond-ps-get-bulk --url https://ma.example.org -e throughput \\
        --start-time 'April 1' -o json -D /data/throughput --resume
  What is new since the last run, every hour from cron:
    esmond-ps-get-bulk --url https://ma.example.org -o csv -D /data/new \\
        --quiet --state /var/lib/ps/bulk.state --since-last",
    needs: Needs::Files,
};

fn main() -> ExitCode {
    app::main_with::<BulkArgs, _>(&PROGRAM, run::run)
}
