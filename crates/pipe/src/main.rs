//! `esmond-ps-pipe`: stores what bwctl, iperf3 and pScheduler print in a perfSONAR
//! measurement archive.

use std::process::ExitCode;

use esmond_ps_cli_common::loader::{self, Program, Session};
use esmond_ps_cli_common::report::Output;
use esmond_ps_pipe::lookup::System;
use esmond_ps_pipe::options::Options;
use esmond_ps_pipe::run::run;

const PROGRAM: Program = Program {
    name: "esmond-ps-pipe",
    about: "Stores what bwctl, iperf3 and pScheduler print in a perfSONAR measurement archive.",
    usage: "-u USER -k KEY [-U URL] [options] < OUTPUT",
    examples: "\
Examples:
  A test of bwctl; |& takes what it prints on stderr along:
    bwctl -T iperf3 -s host1 -c host2 --parsable --verbose |& \\
        esmond-ps-pipe -U http://localhost:8080 -u perfsonar -k KEY
  A test of iperf3, with the names to store it under, to a named archive:
    iperf3 --json -c host2 | esmond-ps-pipe --archive central \\
        --input-source host1 --input-destination host2
  A test for an archive of perfSONAR 5; the key is the password there:
    iperf3 --json -c host2 | esmond-ps-pipe --to logstash \\
        -U https://ma.example.org/logstash -u perfsonar \\
        --key-file ~/.logstash-password
  Tests that could not be stored, once more:
    esmond-ps-pipe -u perfsonar -k KEY --save-failed later < earlier",
    original_options: &[
        "log-dir",
        "url",
        "user",
        "key",
        "script-alias",
        "verbose",
        "help",
    ],
};

fn main() -> ExitCode {
    loader::main(
        &PROGRAM,
        async |session: &Session, options: &Options, _: &mut Output<'_>| {
            run(session, options, System).await
        },
    )
}
