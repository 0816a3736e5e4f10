//! `esmond-ps-get-endpoints`: lists the tests of a perfSONAR measurement
//! archive, each with its event types.

use std::process::ExitCode;

use esmond_ps_cli_common::app::{self, Program, Session};
use esmond_ps_cli_common::plan::Needs;
use esmond_ps_cli_common::records::{ENDPOINT_COLUMNS, endpoint_row, with_subject};
use esmond_ps_cli_common::report::{Outcome, Output};

const PROGRAM: Program = Program {
    name: "esmond-ps-get-endpoints",
    about: "Lists the tests of a perfSONAR measurement archive, each with its event types.",
    examples: "\
Examples:
  All tests of the last 24 hours, with addresses instead of names:
    esmond-ps-get-endpoints --url https://ma.example.org --ip
  All powstream tests that ran since the beginning of the year:
    esmond-ps-get-endpoints --url https://ma.example.org \\
        --tool powstream --start-time 'January 1'
  All tests of an archive that the configuration file names:
    esmond-ps-get-endpoints --archive central",
    needs: Needs::Query,
};

fn main() -> ExitCode {
    app::main(&PROGRAM, run)
}

async fn run(session: &Session, output: &mut Output<'_>) -> anyhow::Result<Outcome> {
    app::list_tests(session, output, ENDPOINT_COLUMNS, |test| {
        let event_types: Vec<&str> = test
            .event_types
            .iter()
            .map(|entry| entry.event_type.as_str())
            .collect();
        with_subject(endpoint_row(&test.properties, &event_types), test)
    })
    .await
}
