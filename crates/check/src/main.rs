//! `esmond-ps-check`: whether measurements in a perfSONAR archive are as they should
//! be, in the manners of Nagios plugins; what is wrong with an archive; and how all
//! of its pairs of hosts are.
//!
//! [`options`] settles which of the three it is. A check reads a window ([`check`]),
//! makes one number of its values ([`measure`], [`stat`]), judges it ([`judge`],
//! [`range`]) and prints a line ([`print`](mod@print)). [`doctor`] goes from the name of the host
//! to its newest points, [`grid`] reads the [`newest`] points of all pairs.
//!
//! DIFFERENCE: a usage error and a failure are status 3 here, not 2 and 1 as in the
//! other programs: to monitoring systems these would be states of the network.

mod check;
mod doctor;
mod duration;
mod grid;
mod judge;
mod measure;
mod newest;
mod options;
mod print;
mod range;
mod series;
mod stat;
mod state;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use clap::{ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _};
use esmond_ps_cli_common::args::{ORIGINAL_OPTIONS, QueryArgs};
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::problem::{self, Stderr};
use esmond_ps_cli_common::report::{self, Output, UsageError};
use esmond_ps_cli_common::{command_line, connection, generate, help, offer, plan, runtime};
use serde_json::json;
use tokio::time::timeout;

use crate::options::{CheckArgs, FORMATS, Job};
use crate::state::State;

const NAME: &str = "esmond-ps-check";

const EXAMPLES: &str = "\
Examples:
  Mean throughput of the last 24 hours, at least 5 Gb/s, or else 1 Gb/s:
    esmond-ps-check --url https://ma.example.org --src 198.51.100.1 \\
        --dest 198.51.100.2 -e throughput --warning 5e9: --critical 1e9:
  Loss in percent, in both directions, with points of the last 15 minutes:
    esmond-ps-check --url https://ma.example.org --src 198.51.100.1 \\
        --dest 198.51.100.2 -e packet-loss-rate --both-directions \\
        --time-range 1h --max-age 15m --warning 0.1 --critical 1
  Why an archive cannot be read:
    esmond-ps-check --url https://ma.example.org --doctor
  All pairs of an archive, on one page:
    esmond-ps-check --url https://ma.example.org --grid \\
        --grid-file grid.html

Exit status:
  0  OK
  1  WARNING
  2  CRITICAL
  3  UNKNOWN: no points, the archive cannot be read, or a usage error
With --doctor: 0 all is well, 1 something should be better, 2 something fails.";

fn main() -> ExitCode {
    let mut output = Output {
        out: Box::new(BufWriter::new(io::stdout().lock())),
        err: Box::new(Stderr::of(NAME, &command_line::words())),
    };
    let mut command = command();
    if let Some(code) = generate::requested(&command, &help::PAGE) {
        return code;
    }
    let mut format = Format::Human;
    let result = start(&command, &mut format, &mut output);
    let help = command.render_help().to_string();
    let status = result.unwrap_or_else(|error| unknown(&error, format, &help, &mut output));
    match output.out.flush() {
        Ok(()) => ExitCode::from(status),
        // Nobody has seen the state.
        Err(_) => ExitCode::from(State::Unknown.status()),
    }
}

/// Returns what the command line is like.
fn command() -> Command {
    let command = CheckArgs::augment_args(QueryArgs::augment_args(Command::new(NAME)));
    help::options(&command, Some('V'))
        .about("Checks measurements of a perfSONAR archive, as a Nagios plugin does; says what is wrong with an archive; shows all its pairs.")
        .long_about(None)
        .version(env!("CARGO_PKG_VERSION"))
        .no_binary_name(true)
        .args_override_self(true)
        .mut_arg("event_type", |arg| arg.action(ArgAction::Append))
        .mut_arg("start_time", |arg| arg.visible_alias("since"))
        .mut_arg("output_format", |arg| {
            let arg = arg.help("Output format: human or json").long_help(None);
            offer::values(arg, FORMATS.map(Format::name))
        })
        .mut_arg("metadata_extended", |arg| arg.hide(true))
        .override_usage(format!("{NAME} --url URL --src SRC --dest DEST --event-type EVENT [options]\n       {NAME} --url URL --doctor | --grid [options]"))
        .after_help(EXAMPLES)
}

/// Returns all event types that were named.
fn event_types(matches: &ArgMatches) -> Vec<String> {
    let names = matches.get_many::<String>("event_type");
    let names = names.into_iter().flatten();
    names.filter(|name| !name.is_empty()).cloned().collect()
}

/// Runs to the exit status; learns the `format` on the way.
fn start(command: &Command, format: &mut Format, output: &mut Output<'_>) -> anyhow::Result<u8> {
    let words = command_line::words();
    let Some(matches) = command_line::read(command, &ORIGINAL_OPTIONS, &words, output)? else {
        return Ok(State::Ok.status());
    };
    let query = QueryArgs::from_arg_matches(&matches)?;
    let own = CheckArgs::from_arg_matches(&matches)?;
    if query.output_format == Format::Json.name() {
        *format = Format::Json;
    }
    if query.json_errors {
        problem::as_json(NAME);
    }
    if query.list_events {
        write!(output.out, "{}", plan::event_type_list())?;
        return Ok(State::Ok.status());
    }
    let job = Job::new(&query, &own, &event_types(&matches), Utc::now())?;
    for note in job.notes() {
        output.note(note);
    }
    let is_doctor = matches!(job, Job::Doctor(_));
    let archive = connection::archive(
        &query.connection,
        job.url(),
        query.verbose,
        // A diagnosis shows what happens, the first time.
        |archive| {
            if is_doctor {
                archive.retries(0)
            } else {
                archive
            }
        },
        output,
    )?;
    problem::about(&archive.address().to_string());
    let work = async {
        match &job {
            Job::Check(job) => {
                let limit = Duration::from_secs(job.deadline);
                let work = check::run(job, &archive, *format, output);
                timeout(limit, work).await.unwrap_or_else(|_| {
                    let seconds = job.deadline;
                    Err(anyhow::anyhow!(
                        "no result within {seconds} s (--deadline): the archive or the way to it is slow, or \
                         the window is too long"
                    ))
                })
            }
            Job::Doctor(job) => {
                doctor::run(job, &archive, &query.connection, *format, output).await
            }
            Job::Grid(job) => grid::run(job, &archive, *format, output).await,
        }
    };
    runtime::run(work).context("starting")?
}

/// Reports that nothing can be said, where monitoring systems look for it: on the
/// first line of stdout. Returns the exit status.
fn unknown(error: &anyhow::Error, format: Format, help: &str, output: &mut Output<'_>) -> u8 {
    let state = State::Unknown;
    let usage = error.downcast_ref::<UsageError>();
    if problem::is_json() {
        output.tell(&report::failure(error).exit(state.status()));
    } else if let Some(usage) = usage {
        output.note(&usage.message);
        if usage.help {
            output.note(&format!("\n{}", help.trim_end()));
        }
    } else if let Some(hint) = report::hint(error.as_ref()) {
        output.note(&hint);
    }
    let message = match usage {
        Some(usage) => {
            let mut lines = usage.message.lines();
            let complaint = lines
                .clone()
                .find_map(|line| Some(line.split_once("error: ")?.1));
            let complaint = complaint.or_else(|| lines.next());
            complaint.unwrap_or_default().to_owned()
        }
        None => report::chain(error.as_ref()),
    };
    let line = match format {
        Format::Json => json!({"state": state.name(), "message": message}).to_string(),
        _ => format!("{state} - {}", print::text(&message)),
    };
    // Without a stdout the status is all that can be told.
    writeln!(output.out, "{line}").ok();
    state.status()
}
