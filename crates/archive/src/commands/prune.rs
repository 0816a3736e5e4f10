//! Removing what the retention policies let go.
//!
//! DIFFERENCE: `-s`, `-t` and `-m` of the original are gone; `--dry-run` and
//! `--json` are new.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::Utc;
use clap::Args;
use esmond_ps_retention::{Mode, Run, prune};
use esmond_ps_store::Error as StoreError;

use super::{Outcome, Types, note, print_json};
use crate::home::Home;
use crate::progress::Progress;
use crate::retention::{self, SHIPPED};
use crate::stop::{Ended, interruptible};

/// Remove what is older than the retention policies say
///
/// Works while the archive is served, in small steps. A run that is stopped or
/// killed is continued by the next one. "serve --retention FILE" does this every
/// day.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive prune --dry-run
  esmond-ps-archive prune --print-policy > retention.json
  esmond-ps-archive prune --retention retention.json

What is removed goes to stdout, series without a policy (they are kept) to stderr.")]
pub(crate) struct Prune {
    /// File with the policies (JSON). Default: that of the configuration file,
    /// or the shipped ones
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_RETENTION")]
    retention: Option<PathBuf>,
    #[command(flatten)]
    types: Types,
    /// Tell what would be removed, and remove nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Print the shipped policies, as a start for your own, and end
    #[arg(long)]
    pub(crate) print_policy: bool,
}

/// Prints the shipped policies.
pub(crate) fn print_policy() -> Result<Outcome> {
    io::stdout().write_all(SHIPPED.as_bytes())?;
    Ok(Outcome::Done)
}

/// Runs the command.
pub(crate) async fn run(options: &Prune, home: &Home) -> Result<Outcome> {
    let registry = options.types.registry()?;
    let policies = retention::policies(options.retention.as_deref(), &registry)?;
    for line in policies.notes() {
        note(line);
    }
    let store = home.open().await?;
    let mode = if options.dry_run {
        Mode::DryRun
    } else {
        Mode::Remove
    };
    let run = Run::new(mode, Utc::now().timestamp());
    let ended = interruptible(|stop| async move {
        let progress = Progress::start();
        prune(
            store.as_ref(),
            &policies,
            run,
            |report| progress.show(report),
            stop,
        )
        .await
    });
    let (pruned, told) = match ended.await? {
        Ended::With(pruned, told) => (pruned, told),
        Ended::Left(told) => return Ok(Outcome::Left(told.number)),
    };
    let report = pruned.map_err(|error| match error {
        full @ StoreError::Full { .. } => anyhow::Error::new(full)
            .context("removing needs a little room itself: free some megabytes of the disk first"),
        other => other.into(),
    });
    let report = report.context("not everything was removed; the next run goes on")?;
    for row in report.without_policy() {
        note(row);
    }
    if options.json {
        print_json(&report)?;
    } else {
        let mut out = io::stdout().lock();
        for removed in report.removed() {
            writeln!(out, "{removed}")?;
        }
        writeln!(out, "{report}")?;
    }
    Ok(Outcome::of(report.complete, true, told))
}
