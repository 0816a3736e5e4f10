//! The options of the program.
//!
//! DIFFERENCE: `-f -`, `--to`, `--jobs`, `--dry-run` and `--rejects` are new.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use esmond_ps_cli_common::args::heading;
use esmond_ps_cli_common::loader::log::Log;
use esmond_ps_cli_common::loader::{LoaderArgs, Options};
use esmond_ps_cli_common::report::UsageError;

use crate::journal::Shown;
use crate::load::Settings;
use crate::measurement::Attributes;
use crate::run::Job;
use crate::transfer::Style;

/// Long options of the original program.
pub const ORIGINAL_OPTIONS: [&str; 17] = [
    "help",
    "file",
    "pickle-file",
    "dont-write",
    "single",
    "delete-state",
    "log-dir",
    "url",
    "user",
    "key",
    "script-alias",
    "file-attr",
    "name-attr",
    "volume-attr",
    "verbose",
    "no-progress",
    "json",
];

/// Options beside those that all loaders share, as typed.
#[derive(Debug, Clone, Args)]
pub struct GridftpArgs {
    /// Log to load, plain or gzip; "-" for stdin (without a state file)
    #[arg(short, long, value_name = "FILE", help_heading = heading::INPUT)]
    pub file: Option<PathBuf>,

    /// State file [default: ./load_grid_ftp.pickle, with --json ./load_grid_ftp.json.pickle]
    ///
    /// It remembers how far the log was loaded. Beside it stands FILE.lock, which
    /// keeps two runs from loading at once.
    #[arg(short, long, value_name = "FILE", alias = "pickle", help_heading = heading::BEHAVIOUR)]
    pub pickle_file: Option<PathBuf>,

    /// Do not write the state file
    #[arg(short, long, help_heading = heading::BEHAVIOUR)]
    pub dont_write: bool,

    /// Stop after one loaded record
    #[arg(short = 'S', long, help_heading = heading::BEHAVIOUR)]
    pub single: bool,

    /// Delete the state file after a load that came to its end
    #[arg(short = 'D', long, help_heading = heading::BEHAVIOUR)]
    pub delete_state: bool,

    /// Send the path of the file, as gridftp-file
    #[arg(short = 'F', long, help_heading = heading::INPUT)]
    pub file_attr: bool,

    /// Send the name of the user, as gridftp-user
    #[arg(short = 'N', long, help_heading = heading::INPUT)]
    pub name_attr: bool,

    /// Send the volume, as gridftp-volume
    #[arg(short = 'V', long, help_heading = heading::INPUT)]
    pub volume_attr: bool,

    /// Show no progress
    #[arg(short = 'P', long, help_heading = heading::OUTPUT)]
    pub no_progress: bool,

    /// The log is of JSON objects
    #[arg(short = 'J', long, help_heading = heading::INPUT)]
    pub json: bool,

    /// Records to post at once
    #[arg(
        // Not what `jobs` is in a configuration file: that is about reading.
        id = "posts",
        long = "jobs",
        value_name = "N",
        default_value_t = 16,
        allow_hyphen_values = true, help_heading = heading::BEHAVIOUR)]
    pub jobs: i64,

    /// Print what would be posted, as JSON lines, and touch nothing
    #[arg(long, help_heading = heading::BEHAVIOUR)]
    pub dry_run: bool,

    /// Append lines that were not understood or not stored to this file
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub rejects: Option<PathBuf>,
}

impl Options for GridftpArgs {
    fn check(&self, _: &LoaderArgs) -> Result<(), UsageError> {
        let file = self.file.as_deref().filter(|file| *file != Path::new(""));
        let file = file.ok_or_else(|| UsageError::new("Filename is required."))?;
        if file != Path::new("-") && !file.exists() {
            return Err(UsageError::new(format!(
                "{} does not exist",
                file.display()
            )));
        }
        if !(1..=MOST_JOBS).contains(&self.jobs) {
            return Err(UsageError::new(format!(
                "--jobs should be 1 to {MOST_JOBS}"
            )));
        }
        Ok(())
    }
}

/// More at once than this serve no archive.
const MOST_JOBS: i64 = 256;

impl GridftpArgs {
    /// Returns what these options ask for.
    #[must_use]
    pub fn job(&self, log: &Log) -> Job {
        let default_state = if self.json {
            "load_grid_ftp.json.pickle"
        } else {
            "load_grid_ftp.pickle"
        };
        Job {
            log: self.file.clone().filter(|file| file != Path::new("-")),
            state: self
                .pickle_file
                .clone()
                .unwrap_or_else(|| default_state.into()),
            write_state: !self.dont_write && !self.dry_run,
            delete_state: self.delete_state && !self.dry_run,
            settings: Settings {
                style: if self.json {
                    Style::Json
                } else {
                    Style::Netlogger
                },
                attributes: Attributes {
                    file: self.file_attr,
                    user: self.name_attr,
                    volume: self.volume_attr,
                },
                single: self.single,
                jobs: usize::try_from(self.jobs).unwrap_or(1),
            },
            rejects: self.rejects.clone().filter(|_| !self.dry_run),
            shown: self.shown(log),
        }
    }

    fn shown(&self, log: &Log) -> Shown {
        if self.no_progress || self.dry_run {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            Shown::bar(log)
        } else {
            Shown::Lines
        }
    }
}
