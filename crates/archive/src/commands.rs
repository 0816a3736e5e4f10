//! The subcommands, one module for each group: its options beside what it does.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod mirror;
pub(crate) mod prune;
pub(crate) mod serve;
pub(crate) mod stats;
pub(crate) mod user;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use esmond_ps_model::Registry;
use esmond_ps_server::types;
use serde::Serialize;
use thiserror::Error;

use crate::stop::Told;

/// How a command ended that did not fail with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It failed, and said so.
    Failed,
    /// Some of it was done; what was not was named.
    Partly,
    /// A signal of this number ended it; what was done is whole.
    Stopped(u8),
    /// The same, and something may still be under way.
    Left(u8),
}

impl Outcome {
    /// Returns how a command ended that may have been told to stop.
    fn of(complete: bool, clean: bool, told: Option<Told>) -> Self {
        match (complete, told) {
            (true, _) if clean => Self::Done,
            (false, Some(told)) => Self::Stopped(told.number),
            _ => Self::Partly,
        }
    }
}

/// A mistake in the configuration, or in a file that it names: the outermost
/// context of such an error.
#[derive(Debug, Error)]
#[error("wrong configuration")]
pub(crate) struct Misconfigured;

/// The types that the archive knows.
#[derive(Debug, Args)]
pub(crate) struct Types {
    /// File with event types, data types and subject types of your own (TOML)
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_TYPES")]
    types: Option<PathBuf>,
}

impl Types {
    pub(crate) fn registry(&self) -> Result<Registry> {
        Ok(match &self.types {
            Some(file) => types::load(file).context(Misconfigured)?,
            None => Registry::standard(),
        })
    }
}

/// Writes an object to stdout, as one line.
fn print_json(value: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Writes a line to stderr. One that cannot be written is no reason to stop.
pub(crate) fn note(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Returns a number with its noun.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}
