//! Whether the archive is whole.
//!
//! DIFFERENCE: the original has no such command.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use chrono::Utc;
use clap::Args;
use serde::Serialize;

use super::{Outcome, Types, note, print_json};
use crate::check::{Check as Run, Checked, Listing};
use crate::home::Home;
use crate::logging::escaped;
use crate::progress::Progress;
use crate::retention;

/// Look for damage: of the file, and of summaries
///
/// Reads everything, and changes nothing: the file is read and verified, and
/// each summary is computed again from its points, as far as these are still
/// there. Works while the archive is served, but not beside "import" or
/// "mirror".
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive check
  esmond-ps-archive check --json

Of equal problems, the first few have a line each, and the others one together.

Exit status: 0 all is well; 1 there are problems, printed to stdout, one a line.")]
pub(crate) struct Check {
    /// File with the policies (JSON) that the archive is kept by: summaries that
    /// they let go are not missed. Default: that of the configuration file
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_RETENTION")]
    retention: Option<PathBuf>,
    #[command(flatten)]
    types: Types,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(options: &Check, home: &Home) -> Result<Outcome> {
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Answer {
        #[serde(flatten)]
        checked: Checked,
        first_problems: Vec<String>,
    }
    let policies = match options.retention.as_deref() {
        None => None,
        Some(file) => Some(retention::policies(Some(file), &options.types.registry()?)?),
    };
    let store = home.open().await?;
    let progress = Progress::start();
    let mut first_problems = Vec::new();
    let mut run = Run {
        store: store.as_ref(),
        policies: policies
            .as_ref()
            .map(|policies| (policies, Utc::now().timestamp())),
        checked: Checked::default(),
        listing: Listing::default(),
        on_problem: |problem: &str| {
            let line = escaped(problem, |_| false);
            if options.json {
                first_problems.push(line);
            } else {
                progress.hidden(|| writeln!(io::stdout(), "{line}"))?;
            }
            Ok(())
        },
        on_progress: |checked: &Checked| {
            let Checked {
                records, points, ..
            } = checked;
            progress.show(format_args!("{records} records, {points} points"));
        },
    };
    run.run().await?;
    let checked = run.checked;
    drop(progress);
    if options.json {
        print_json(&Answer {
            checked,
            first_problems,
        })?;
    } else {
        note(checked);
    }
    Ok(match checked.problems {
        0 => Outcome::Done,
        _ => Outcome::Failed,
    })
}
