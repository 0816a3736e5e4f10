//! `esmond-ps-load-gridftp`: loads the transfer logs of GridFTP servers into a
//! measurement archive.

use std::cell::RefCell;
use std::process::ExitCode;

use esmond_ps_cli_common::loader::{self, Ending, PostError, Program, Session, Target, log};
use esmond_ps_cli_common::report::Output;
use esmond_ps_load_gridftp::options::{GridftpArgs, ORIGINAL_OPTIONS};
use esmond_ps_load_gridftp::post::{DryRun, ToArchive};
use esmond_ps_load_gridftp::resolve::SystemLookup;
use esmond_ps_load_gridftp::run;

const PROGRAM: Program = Program {
    name: "esmond-ps-load-gridftp",
    about: "Loads the transfer logs of GridFTP servers into a measurement archive.",
    usage: "-f FILE --url URL [options]",
    examples: "\
Examples:
  What is new in a log, for cron; the state file remembers how far it is loaded:
    esmond-ps-load-gridftp -f /var/log/gridftp-transfer.log \\
        -p /var/lib/esmond-ps/gridftp.state -U https://ma.example.org \\
        -s /esmond -u loader --key-file /etc/esmond-ps/key
  What would be posted:
    esmond-ps-load-gridftp -f /var/log/gridftp-transfer.log --dry-run
  An old log, once, to an archive that the configuration file names:
    esmond-ps-load-gridftp -f gridftp-transfer.log-20261101.gz -d \\
        --archive central
  To an archive of perfSONAR 5; --key-file holds the password:
    esmond-ps-load-gridftp -f /var/log/gridftp-transfer.log \\
        -p /var/lib/esmond-ps/gridftp.state \\
        --to logstash -U https://ma.example.org/logstash \\
        -u perfsonar --key-file /etc/esmond-ps/key",
    original_options: &ORIGINAL_OPTIONS,
};

fn main() -> ExitCode {
    loader::main(&PROGRAM, load)
}

async fn load(
    session: &Session,
    own: &GridftpArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Ending> {
    let job = own.job(&session.log);
    let stop = session.stop.clone();
    let target = session.args.to;
    let ended = if own.dry_run {
        let post = DryRun {
            target,
            out: RefCell::new(&mut output.out),
        };
        run::run(&job, &post, SystemLookup, stop).await?
    } else {
        // Logstash may let this host in by its address.
        if target == Target::Esmond && !session.args.has_credentials() {
            log::line("main.warn", "username and api_key not set");
        }
        let post = ToArchive::new(&session.poster, target);
        run::run(&job, &post, SystemLookup, stop).await?
    };
    match ended.error {
        None if ended.report.failed == 0 => Ok(Ending::Done),
        // What could not be posted stands in the log.
        None => Ok(Ending::Failed),
        Some(error) if error.is::<PostError>() => Ok(Ending::Failed),
        Some(error) => Err(error),
    }
}
