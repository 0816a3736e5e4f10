//! Running the commands of a file.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Outcome, Output, told};
use esmond_ps_cli_common::rows::Row;
use pv_archiver_client::{AdminClient, Command, Outcome as CommandOutcome};

use crate::check;
use crate::commands::{self, Batch};
use crate::connection::{Servers, failed};
use crate::options::ApplyArgs;
use crate::print;
use crate::transfer::{ended, words};

const COLUMNS: [&str; 4] = ["commandType", "channelName", "success", "errorMessage"];

/// What is to be run, and by whom.
pub(crate) struct Job {
    client: AdminClient,
    batch: Batch,
}

/// Reads the commands. While stdin is waited for, signals end the program as usual.
pub(crate) fn prepare(servers: &Servers, options: &ApplyArgs) -> anyhow::Result<Job> {
    let client = if options.dry_run {
        servers.admin.clone()
    } else {
        servers.changing()?
    };
    let batch = commands::read(&options.file)?;
    Ok(Job { client, batch })
}

/// Checks the commands, and runs them.
pub(crate) async fn apply(
    job: &Job,
    options: &ApplyArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let Job { client, batch } = job;
    let Batch { commands, warnings } = batch;
    warnings.iter().for_each(|warning| output.note(warning));
    // DIFFERENCE: neither the Python client nor the server looks whether the
    // servers and control-system types that commands name exist.
    if !options.unchecked {
        let findings = check::check(client, commands).await.map_err(failed)?;
        let notes = findings.warnings.iter().chain(&findings.wrong);
        notes
            .chain(&findings.hints)
            .for_each(|note| output.note(note));
        if !findings.wrong.is_empty() {
            bail!(
                "nothing was sent, as the cluster does not know that (--unchecked sends it all the same)"
            );
        }
    }
    let format = options.format.format;
    if options.dry_run {
        let commands = commands.as_slice().iter();
        write(commands.map(|command| (command, None)), format, output)?;
        return Ok(Outcome::Done);
    }
    let report = client.run(commands).await.map_err(failed)?;
    let results = report.results.iter();
    let results = results.map(|result| (&result.command, Some(&result.outcome)));
    write(results, format, output)?;
    if let Some(message) = &report.error_message {
        output.note(&told(&format!("the server says: {message}")));
    }
    for result in &report.unexpected {
        let text = format!("warning: the server has a result of no command: {result}");
        output.note(&told(&text));
    }
    let lost = report.failed().count();
    ended(report.results.len() - lost, lost, "commands")
}

/// Writes a line for each command, with what became of it, if it was run.
///
/// DIFFERENCE: servers group the results by server; these are in the order of the
/// commands.
fn write<'a>(
    results: impl Iterator<Item = (&'a Command, Option<&'a CommandOutcome>)>,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let writing = "writing the results";
    if format == Format::Human {
        for (command, outcome) in results {
            let (kind, names) = (command.command_type(), command.channels().join(" -> "));
            let outcome = match outcome {
                None => "would be run".to_owned(),
                Some(CommandOutcome::Succeeded) => "done".to_owned(),
                Some(CommandOutcome::Failed(message)) => {
                    format!("FAILED: {}", words(message.as_deref()))
                }
                Some(CommandOutcome::NotReported) => {
                    "UNKNOWN: the server says nothing of it".to_owned()
                }
            };
            let line = told(&format!("{kind} {names}: {outcome}"));
            writeln!(output.out, "{line}").context(writing)?;
        }
        return Ok(());
    }
    let mut writer = print::writer(format, &COLUMNS, &mut output.out);
    for (command, outcome) in results {
        let success = match outcome {
            None | Some(CommandOutcome::NotReported) => None,
            Some(outcome) => Some(*outcome == CommandOutcome::Succeeded),
        };
        let message = match outcome {
            Some(CommandOutcome::Failed(message)) => message.clone(),
            _ => None,
        };
        let row = if format.keeps_structure() {
            Row::new().with("command", serde_json::to_value(command)?)
        } else {
            Row::new()
                .with(COLUMNS[0], command.command_type())
                .with(COLUMNS[1], command.channels().join(" -> "))
        };
        let row = row.with(COLUMNS[2], success).with(COLUMNS[3], message);
        writer.row(&row).context(writing)?;
    }
    writer.finish().context(writing)
}
