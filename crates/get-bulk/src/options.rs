//! The options of the program, beside those of all query programs.
//!
//! DIFFERENCE: `--jobs`, `--page-size`, `--rate-limit`, `--report`, `--resume`,
//! `--state`, `--since-last`, `--dry-run` and `--quiet` are new.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use esmond_ps_cli_common::app::Options;
use esmond_ps_cli_common::args::{QueryArgs, heading};
use esmond_ps_cli_common::connection::log_line;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::UsageError;
use esmond_ps_client::ArchiveBuilder;

use crate::progress::Meter;

/// Most series at work at a time: an archive is a shared thing.
const MOST_JOBS: i64 = 64;

/// Options as typed.
#[derive(Debug, Clone, Args)]
pub(crate) struct BulkArgs {
    /// Directory for the files; it must exist
    #[arg(short = 'D', long, value_name = "DIR", default_value = ".", help_heading = heading::OUTPUT)]
    pub(crate) output_directory: PathBuf,

    /// Series to fetch at the same time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        allow_hyphen_values = true, help_heading = heading::BEHAVIOUR)]
    pub(crate) jobs: i64,

    /// Points to ask for at a time, at most 10000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        allow_hyphen_values = true, help_heading = heading::BEHAVIOUR)]
    pub(crate) page_size: i64,

    /// Send at most this many requests per second, repeated ones included
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = heading::BEHAVIOUR)]
    pub(crate) rate_limit: Option<f64>,

    /// Write a summary as JSON to this file
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub(crate) report: Option<PathBuf>,

    /// Skip what an earlier run of the same query has completed
    #[arg(long, help_heading = heading::BEHAVIOUR)]
    pub(crate) resume: bool,

    /// File that remembers what has been delivered, for --since-last
    #[arg(long, value_name = "FILE", help_heading = heading::BEHAVIOUR)]
    pub(crate) state: Option<PathBuf>,

    /// Fetch only what is new since the last good run
    #[arg(long, help_heading = heading::BEHAVIOUR)]
    pub(crate) since_last: bool,

    /// How far --since-last reads back for results that came late, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        allow_hyphen_values = true, help_heading = heading::BEHAVIOUR)]
    pub(crate) overlap: i64,

    /// List what would be fetched, with file and address, and fetch nothing
    #[arg(long, help_heading = heading::BEHAVIOUR)]
    pub(crate) dry_run: bool,

    /// No progress and no summary; only what went wrong is told
    #[arg(long, help_heading = heading::OUTPUT)]
    pub(crate) quiet: bool,

    /// Counts what happens.
    #[arg(skip)]
    pub(crate) meter: Arc<Meter>,
}

impl BulkArgs {
    /// Returns how many series are fetched at the same time.
    pub(crate) fn jobs(&self) -> usize {
        usize::try_from(self.jobs).unwrap_or(1)
    }
}

impl Options for BulkArgs {
    fn check(&self, query: &QueryArgs) -> Result<(), UsageError> {
        if query.output_format == Format::Human.name() {
            let message = "please specify either json or csv --output-format for bulk output.";
            return Err(UsageError::new(message).with_help());
        }
        if query.output_format == Format::Parquet.name() && !cfg!(feature = "parquet") {
            return Err(UsageError::new("this program was built without parquet"));
        }
        let directory = absolute(&self.output_directory);
        if !directory.exists() {
            let directory = directory.display();
            return Err(UsageError::new(format!(
                "output path {directory} does not exist."
            )));
        }
        if !directory.is_dir() {
            let directory = directory.display();
            return Err(UsageError::new(format!(
                "output path {directory} is not a directory."
            )));
        }
        let is_positive = |rate: f64| rate > 0.0 && rate.is_finite();
        let complaint = if !(1..=MOST_JOBS).contains(&self.jobs) {
            "--jobs should be from 1 to 64"
        } else if !(1..=10_000).contains(&self.page_size) {
            "--page-size should be from 1 to 10000"
        } else if self.overlap < 0 {
            "--overlap should be 0 or more"
        } else if !self.rate_limit.is_none_or(is_positive) {
            "--rate-limit should be more than 0"
        } else if self.since_last != self.state.is_some() {
            "--since-last and --state FILE need each other"
        } else if self.since_last && self.resume {
            "--resume is not needed with --since-last, which goes on where the last run ended"
        } else {
            return Ok(());
        };
        Err(UsageError::new(complaint))
    }

    fn tune(&self, query: &QueryArgs, mut archive: ArchiveBuilder) -> ArchiveBuilder {
        if let Ok(page_size) = u64::try_from(self.page_size) {
            archive = archive.page_size(page_size);
        }
        if let Some(rate) = self.rate_limit {
            archive = archive.rate_limit(rate);
        }
        let meter = Arc::clone(&self.meter);
        let verbose = query.verbose;
        archive.on_request(move |event| {
            meter.note(event);
            if verbose && let Some(line) = log_line(event) {
                meter.line(&line);
            }
        })
    }
}

/// Returns a path as absolute, without `.` and `..`, as the original shows it.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_the_original_shows_them() {
        assert_eq!(absolute(Path::new("/a/../b/./c/")), Path::new("/b/c"));
        assert_eq!(absolute(Path::new("/../x")), Path::new("/x"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("nosuch")), here.join("nosuch"));
    }
}
