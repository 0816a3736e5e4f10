//! Whether the archive is whole.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{Outcome, note, print_json};
use crate::check::{Check as Run, Checked};
use crate::home::Home;
use crate::logging::escaped;
use crate::progress::Progress;

/// Problems that a JSON object lists at most; all are counted.
const LISTED: usize = 1000;

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

Exit status: 0 all is well; 1 there are problems, printed to stdout, one a line.")]
pub(crate) struct Check {
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
    let store = home.open().await?;
    let progress = Progress::start();
    let mut first_problems = Vec::new();
    let mut run = Run {
        store: store.as_ref(),
        checked: Checked::default(),
        on_problem: |problem: &str| {
            let line = escaped(problem, |_| false);
            if !options.json {
                progress.hidden(|| writeln!(io::stdout(), "{line}"))?;
            } else if first_problems.len() < LISTED {
                first_problems.push(line);
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
