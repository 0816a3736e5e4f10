//! Copying another archive.
//!
//! DIFFERENCE: the original has no such command.

use std::io;

use anyhow::Result;
use chrono::Utc;
use clap::builder::Resettable;
use clap::{Arg, Args};
use esmond_ps_cli_common::args::ConnectionArgs;
use esmond_ps_cli_common::report::{Output, UsageError};
use esmond_ps_cli_common::{connection, dates};
use esmond_ps_mirror::{Options, Report, State, Stopped, mirror};

use super::import::tell_more;
use super::{Outcome, Types, note, print_json};
use crate::filters::{Filter, filter, for_archive};
use crate::home::Home;
use crate::progress::Progress;
use crate::stop::{Ended, interruptible};

/// Where the states of mirrors are, below the data directory.
const STATES: &str = "mirror";

/// Copy another archive into this one, and go on where the last copy ended
///
/// Reads classic esmond archives, those of perfSONAR 5, and ours. Works while
/// the archive is served, and can be stopped, killed and repeated at any time.
/// Points that are here stay as they are.
#[derive(Debug, Args)]
#[command(
    mut_arg("ssl_verify", |option| option.hide(true)),
    // What the environment has is for the archive that it names, and that may be
    // another one: a key goes to no archive that it was not given for.
    mut_arg("user", without_variable),
    mut_arg("key", without_variable),
    mut_arg("key_file", without_variable),
    after_help = "\
Examples:
  esmond-ps-archive mirror --from https://ps.example.org
  esmond-ps-archive mirror --from https://ps.example.org \\
      --since '30 days ago' --filter event-type:throughput

Exit status 3: some series could not be read or stored, or points differ from those that are stored
here (these stay); they are named on stderr, and what could not be read is tried again next time."
)]
pub(crate) struct Mirror {
    /// Archive to copy; scheme and host are enough
    #[arg(long, value_name = "URL")]
    from: String,
    /// Only tests that match, KEY:VALUE; can be given again with another key
    ///
    /// Standard keys: source, destination, measurement-agent, input-source,
    /// input-destination, tool-name, event-type, subject-type, summary-type,
    /// summary-window, metadata-key, time-start, ...; every other key selects by
    /// a metadata parameter.
    #[arg(short = 'F', long = "filter", value_name = "KEY:VALUE", value_parser = filter)]
    filters: Vec<Filter>,
    /// Only tests updated since, and their points since. Default: everything
    ///
    /// Dates like 2015-03-15, "January 1 2015", yesterday, "30 days ago", and
    /// Unix times.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How far before the last copied point to look again, in seconds, for
    /// results that came late
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(i64).range(0..)
    )]
    overlap: i64,
    /// Tests copied at once
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 4,
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    jobs: u8,
    /// Most requests in a second. Default: no limit
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    rate_limit: Option<f64>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Log requests on stderr
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    types: Types,
    #[command(flatten, next_help_heading = "Connection")]
    connection: ConnectionArgs,
}

fn without_variable(option: Arg) -> Arg {
    option.env(Resettable::Reset)
}

/// Reads a number of requests a second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok();
    rate.filter(|rate| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "expected a number greater than 0".to_owned())
}

impl Mirror {
    fn since(&self) -> Result<Option<i64>, UsageError> {
        let Some(text) = &self.since else {
            return Ok(None);
        };
        let now = Utc::now();
        let moment = dates::parse(text, now).map_err(|error| {
            UsageError::new(format!(
                "--since {text}: {error} (forms that work: 2026-11-21, '2026-11-21 14:30', \
                     yesterday, -24h, '30 days ago')"
            ))
        })?;
        if let Some(zone) = dates::ignored_zone(text, now) {
            note(format_args!(
                "--since: the zone {zone} is not known; the time is taken as UTC"
            ));
        }
        Ok(Some(moment.timestamp()))
    }
}

/// Runs the command.
pub(crate) async fn run(options: &Mirror, home: &Home) -> Result<Outcome> {
    if !options.from.contains("://") {
        // Credentials may stand before the host; they are not shown.
        let host = options.from.rsplit('@').next().unwrap_or_default();
        let message = format!("--from {host} has no scheme; try https://{host} or http://{host}");
        return Err(UsageError::new(message).into());
    }
    let since = options.since()?;
    let mut output = Output {
        out: Box::new(io::stdout()),
        err: Box::new(io::stderr()),
    };
    let tune = |archive: esmond_ps_client::ArchiveBuilder| match options.rate_limit {
        Some(rate) => archive.rate_limit(rate),
        None => archive,
    };
    let archive = connection::archive(
        &options.connection,
        &options.from,
        options.verbose,
        tune,
        &mut output,
    )?;
    let how = Options {
        registry: options.types.registry()?,
        since,
        overlap: options.overlap,
        at_once: usize::from(options.jobs),
        ..Options::new(Utc::now().timestamp())
    };
    let filters = for_archive(&options.filters)?;
    let store = home.open_or_make().await?;
    let state = State::open(&home.path().join(STATES), &archive)?;
    let ended = interruptible(|stop| async move {
        let progress = Progress::start();
        let shown = |report: &Report| progress.show(report);
        mirror(&archive, store.as_ref(), &filters, &how, state, shown, stop).await
    });
    match ended.await? {
        Ended::With(Ok(report), told) => {
            tell(&report, options.json)?;
            Ok(Outcome::of(report.complete, report.is_clean(), told))
        }
        Ended::With(Err(Stopped { report, source }), _) => {
            tell(&report, options.json)?;
            Err(source.into())
        }
        Ended::Left(told) => Ok(Outcome::Left(told.number)),
    }
}

/// Tells what a run did.
fn tell(report: &Report, json: bool) -> Result<()> {
    for failure in &report.first_failures {
        note(format_args!("could not be read: {failure}"));
    }
    tell_more(report.failures, report.first_failures.len());
    for place in &report.first_conflicts {
        note(format_args!("another value is stored here: {place}"));
    }
    tell_more(report.conflicts, report.first_conflicts.len());
    for place in &report.first_unfit {
        note(format_args!("does not fit its event type: {place}"));
    }
    tell_more(report.unfit, report.first_unfit.len());
    for (text, count) in &report.notes {
        note(format_args!("{text} ({count} times)"));
    }
    if json {
        print_json(report)?;
    }
    note(report);
    Ok(())
}
