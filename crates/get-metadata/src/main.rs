//! `esmond-ps-get-metadata`: lists the metadata of the tests of a perfSONAR
//! measurement archive.

use std::process::ExitCode;

use esmond_ps_cli_common::app::{self, Program, Session};
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::plan::Needs;
use esmond_ps_cli_common::records::{
    METADATA_COLUMNS, extended_metadata_row, metadata_row, with_subject,
};
use esmond_ps_cli_common::report::{Outcome, Output};

const PROGRAM: Program = Program {
    name: "esmond-ps-get-metadata",
    about: "Lists the metadata of the tests of a perfSONAR measurement archive.",
    examples: "\
Examples:
  Tests of the last 24 hours to one host, as CSV:
    esmond-ps-get-metadata --url https://ma.example.org \\
        --dest 198.129.254.62 -o csv
  Everything known about the iperf3 tests from one host since January 1:
    esmond-ps-get-metadata --url https://ma.example.org -t bwctl/iperf3 \\
        --src 198.124.238.130 --metadata-extended -o json -S 'Jan 1'",
    needs: Needs::Query,
};

fn main() -> ExitCode {
    app::main(&PROGRAM, run)
}

async fn run(session: &Session, output: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let extended = session.args.metadata_extended;
    let human = session.plan.format == Format::Human;
    app::list_tests(session, output, METADATA_COLUMNS, |test| {
        if extended {
            let mut all = test.properties.clone();
            all.insert("subject-type".to_owned(), test.subject_type.clone().into());
            extended_metadata_row(&all, human)
        } else {
            with_subject(metadata_row(&test.properties), test)
        }
    })
    .await
}
