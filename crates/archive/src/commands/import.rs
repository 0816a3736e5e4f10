//! Storing what is in a file.
//!
//! DIFFERENCE: the original has no such command.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use esmond_ps_exchange::{Import as How, Limits, Report, import, verify};

use super::{Outcome, Types, note, plural, print_json};
use crate::home::Home;
use crate::progress::Progress;
use crate::stop::{Ended, interruptible};

/// Store what is in an exported file, merged with what is there
///
/// Works while the archive is served, and can be repeated: what is there
/// already stays as it is. An import that was interrupted is completed by the
/// next one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive import archive.jsonl.gz
  esmond-ps-archive import --verify-only archive.jsonl.gz

Exit status 3: points of the file differ from those that are stored (these stay), or something was
refused; both are named on stderr.")]
pub(crate) struct Import {
    /// File to read; - for stdin
    file: PathBuf,
    /// Only check that the file is complete and undamaged
    #[arg(long)]
    verify_only: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    types: Types,
}

/// What to do about an import that ended early.
const AGAIN: &str = "the import did not get to its end; \
                     importing the file again, or an undamaged copy of it, completes it";

/// Runs the command.
pub(crate) async fn run(options: &Import, home: &Home) -> Result<Outcome> {
    let stream = open(&options.file)?;
    if options.verify_only {
        return verified(options, stream).await;
    }
    let how = How {
        registry: options.types.registry()?,
        ..How::default()
    };
    let store = home.open_or_make().await?;
    let ended = interruptible(|stop| async move {
        let progress = Progress::start();
        let shown = |report: &Report| progress.show(report);
        import(store.as_ref(), stream, &how, shown, stop).await
    });
    let (report, told) = match ended.await? {
        Ended::With(Ok(report), told) => (report, told),
        Ended::With(Err(stopped), _) => {
            let report = &stopped.report;
            // Of a file that is none, there is nothing to tell.
            if report.read.records > 0 {
                tell(report, options)?;
                note(AGAIN);
            }
            let name = options.file.display().to_string();
            return Err(anyhow::Error::from(stopped.cause).context(name));
        }
        Ended::Left(told) => return Ok(Outcome::Left(told.number)),
    };
    tell(&report, options)?;
    if !report.complete {
        note(AGAIN);
    }
    Ok(Outcome::of(report.complete, report.is_clean(), told))
}

fn open(file: &Path) -> Result<Box<dyn Read + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(opened))
}

async fn verified(options: &Import, stream: Box<dyn Read + Send>) -> Result<Outcome> {
    let progress = Progress::start();
    let stop = std::future::pending();
    let checked = verify(
        stream,
        Limits::default(),
        |totals| progress.show(totals),
        stop,
    )
    .await;
    drop(progress);
    let checked = checked.with_context(|| options.file.display().to_string())?;
    if options.json {
        print_json(&checked.totals)?;
    }
    note(format_args!("complete and undamaged: {}", checked.totals));
    Ok(Outcome::Done)
}

/// Tells what an import did.
fn tell(report: &Report, options: &Import) -> Result<()> {
    for conflict in &report.conflicts {
        note(format_args!("another value is stored: {conflict}"));
    }
    tell_more(report.points_conflicting, report.conflicts.len());
    for refused in &report.refusals {
        note(format_args!("refused: {refused}"));
    }
    tell_more(report.refused, report.refusals.len());
    if report.buckets_kept > 0 {
        note(format_args!(
            "{} counted as much as the file's, or more, and stayed",
            plural(report.buckets_kept, "stored summary", "stored summaries")
        ));
    }
    if options.json {
        print_json(report)?;
    }
    note(report);
    Ok(())
}

/// Says that a list is not complete.
pub(super) fn tell_more(all: u64, named: usize) {
    let more = all.saturating_sub(named as u64);
    if more > 0 {
        note(format_args!("... and {more} more"));
    }
}
