//! `pv-archiver`: asks the servers of a Cassandra PV Archiver, and changes their
//! configuration.
//!
//! [`options`] is the command line, [`connection`] makes clients of it. [`listing`]
//! shows what a cluster knows, [`transfer`] moves files of configuration ([`xml`] looks
//! for a trap in them), [`apply`] runs commands that [`commands`] reads from JSON or
//! [`table`] from CSV, after [`check`] has compared them with the cluster. [`get`]
//! writes samples ([`times`], [`sample`]) to stdout, or [`bulk`] to files ([`mod@file`],
//! [`naming`]). [`print`](mod@print) turns all of it into rows, [`signals`] ends a run
//! early.

mod apply;
mod bulk;
mod check;
mod commands;
mod connection;
mod file;
mod get;
mod listing;
mod naming;
mod options;
mod print;
mod sample;
mod signals;
mod table;
mod times;
mod transfer;
mod xml;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use esmond_ps_cli_common::generate::{self, Page};
use esmond_ps_cli_common::report::{self, Outcome, Output, status};

use crate::connection::Servers;
use crate::options::{Action, Cli};

const NAME: &str = "pv-archiver";

/// The rest of the manual page.
const PAGE: Page<'_> = Page {
    environment: &[
        (
            "PV_ARCHIVER_PASSWORD",
            "Password of --user, where no --password-file has it. Not sent to a --url of another host than that of PV_ARCHIVER_URL, where that is set.",
        ),
        (
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
            "Proxies, and the hosts that need none.",
        ),
    ],
    files: &[],
    see_also: &[],
};

fn main() -> ExitCode {
    if let Some(code) = generate::requested(&Cli::command(), &PAGE) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let status = if message.use_stderr() {
                status::USAGE
            } else {
                status::DONE
            };
            // Help that nobody reads to its end is no failure.
            message.print().ok();
            return ExitCode::from(status);
        }
    };
    let mut output = Output {
        out: Box::new(BufWriter::new(io::stdout().lock())),
        err: Box::new(io::stderr()),
    };
    let result = start(&cli, &mut output).and_then(|outcome| {
        output.out.flush()?;
        Ok(outcome)
    });
    let hint = result.as_ref().err().and_then(hint);
    let code = report::finish(NAME, "", result, &mut output.err);
    if let Some(hint) = hint {
        output.note(hint);
    }
    code
}

/// Says what to look at next.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref()? {
        pv_archiver_client::Error::Connect { .. } => Some(
            "hint: is the server there? --url (or PV_ARCHIVER_URL), or --archive-url, has its host \
             and, if it is not the standard one, its port",
        ),
        pv_archiver_client::Error::Certificate { .. } => {
            Some("hint: --cacert FILE trusts a private certificate authority")
        }
        _ => None,
    }
}

fn start(cli: &Cli, output: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting")?;
    let result = runtime.block_on(run(cli, output));
    // A thread may be reading a file that never ends.
    runtime.shutdown_background();
    result
}

async fn run(cli: &Cli, output: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let servers = Servers::new(&cli.connection, output)?;
    match &cli.action {
        Action::Channels(options) => listing::channels(&servers, options, output).await,
        Action::Channel(options) => listing::channel(&servers, options, output).await,
        Action::Cluster(options) => listing::cluster(&servers, options.format, output).await,
        Action::Server(options) => listing::server(&servers, options.format, output).await,
        Action::Export(options) => transfer::export(&servers, options, output).await,
        Action::Import(options) => {
            let work = transfer::import(&servers, options, output);
            let outcome = signals::interruptible(work).await?;
            Ok(warn_of_changes(outcome, output))
        }
        Action::Apply(options) => {
            let job = apply::prepare(&servers, options)?;
            let work = apply::apply(&job, options, output);
            let outcome = signals::interruptible(work).await?;
            Ok(warn_of_changes(outcome, output))
        }
        Action::Get(options) => get::get(&servers, options, output).await,
    }
}

fn warn_of_changes(outcome: Outcome, output: &mut Output<'_>) -> Outcome {
    if matches!(outcome, Outcome::Interrupted(_)) {
        output.note("interrupted: what was already sent, the server does all the same");
    }
    outcome
}
