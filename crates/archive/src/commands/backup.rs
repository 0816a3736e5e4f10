//! A copy of everything.
//!
//! DIFFERENCE: the original has no such command.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use esmond_ps_store_sqlite::SqliteStore;

use super::{Outcome, note};
use crate::home::Home;
use crate::progress::Progress;
use crate::stop::Signals;

/// Copy everything, users included, to one new file
///
/// Works while the archive is served. The copy is one state of the archive, and
/// complete when the file is there. An archive of an older version is copied as
/// it is, and not brought up to date. To restore it, put it into an empty
/// directory as archive.sqlite.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive backup /backup/archive-$(date +%F).sqlite
  mkdir restored
  cp /backup/archive-2026-01-31.sqlite restored/archive.sqlite
  esmond-ps-archive --data restored check")]
pub(crate) struct Backup {
    /// File to make; only its owner can read it
    file: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(options: &Backup, home: &Home) -> Result<Outcome> {
    home.require()?;
    let mut signals = Signals::listen()?;
    let progress = Progress::start();
    progress.show("copying");
    tokio::select! {
        copied = SqliteStore::backup(home.path(), &options.file) => {
            copied.context("no backup was made")?;
        }
        told = signals.next() => {
            // The copy cannot be told to stop; it goes with the process.
            let mut part = options.file.clone().into_os_string();
            part.push(".part");
            let removed = std::fs::remove_file(&part);
            drop(progress);
            if removed.is_ok() {
                note(format_args!("stopped by {}: no backup was made", told.name));
            }
            return Ok(Outcome::Left(told.number));
        }
    }
    drop(progress);
    let bytes = options.file.metadata().map_or(0, |file| file.len());
    note(format_args!("{}: {bytes} bytes", options.file.display()));
    Ok(Outcome::Done)
}
