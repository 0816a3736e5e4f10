//! Files of configuration, out and in.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Outcome, Output, told};
use esmond_ps_cli_common::rows::Row;
use pv_archiver_client::{ConfigurationFile, Export, ImportOptions, ImportReport, Uuid};

use crate::connection::{Servers, failed, known};
use crate::file::Part;
use crate::options::{ExportArgs, ImportArgs};
use crate::print;
use crate::signals::interruptible;
use crate::xml;

const COLUMNS: [&str; 4] = ["channelName", "action", "success", "errorMessage"];

pub(crate) async fn export(
    servers: &Servers,
    options: &ExportArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let id = servers.server(&options.server).await?;
    let export = servers
        .admin
        .export_configuration(id)
        .await
        .map_err(failed)?;
    let path = &options.file;
    if path == Path::new("-") {
        return copy(export, &mut output.out, "writing the configuration").await;
    }
    let writing = format!("writing {}", path.display());
    // A device, or a pipe, is written to and not replaced.
    if path.metadata().is_ok_and(|target| !target.is_file()) {
        let mut file = File::create(path).context(writing.clone())?;
        return interruptible(copy(export, &mut file, &writing)).await;
    }
    interruptible(async {
        let mut part = Part::create(path).context(writing.clone())?;
        let outcome = copy(export, &mut part, &writing).await?;
        part.publish().context(writing.clone())?;
        Ok(outcome)
    })
    .await
}

async fn copy(
    mut export: Export,
    out: &mut impl io::Write,
    writing: &str,
) -> anyhow::Result<Outcome> {
    while let Some(part) = export.next().await.map_err(failed)? {
        out.write_all(&part).with_context(|| writing.to_owned())?;
    }
    Ok(Outcome::Done)
}

// DIFFERENCE: the Python client adds and updates unless told otherwise.
pub(crate) async fn import(
    servers: &Servers,
    options: &ImportArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let client = servers.changing()?;
    let path = &options.file;
    let reading = || format!("reading {}", path.display());
    // It is read twice.
    if path.metadata().is_ok_and(|source| !source.is_file()) {
        bail!("{} is no file", path.display());
    }
    let traps = File::open(path)
        .and_then(|file| xml::traps(BufReader::new(file)))
        .with_context(reading)?;
    if traps.count > 0 {
        let first = traps.first.unwrap_or_default();
        output.note(&told(&format!(
            "warning: {} channels have enabled=\"1\", which servers read as false (write true): \
             the first is `{first}`",
            traps.count
        )));
    }
    let id = servers.server(&options.server).await?;
    if !options.unchecked {
        require_server(servers, id, output).await?;
    }
    let file = tokio::fs::File::open(path).await.with_context(reading)?;
    let flags = ImportOptions {
        add_channels: options.what.add_channels,
        remove_channels: options.what.remove_channels,
        update_channels: options.what.update_channels,
        simulate: options.simulate,
    };
    let file = ConfigurationFile::from_reader(file);
    let report = client.import_configuration(id, file, &flags).await;
    let report = report.map_err(failed)?;
    write(&report, options, output)?;
    let done = report.add_or_update_succeeded.len() + report.remove_succeeded.len();
    let lost = report.add_or_update_failed.len() + report.remove_failed.len();
    ended(done, lost, "channels")
}

/// Servers import into any ID, also one that is mistyped.
async fn require_server(
    servers: &Servers,
    id: Uuid,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let cluster = servers.admin.cluster_status().await.map_err(failed)?;
    match cluster.server(id) {
        Some(server) if !server.online => output.note(&format!("warning: server {id} is offline")),
        Some(_) => {}
        None => bail!(
            "there is no server {id} in the cluster, nothing was sent (--unchecked sends it all \
             the same); {}",
            known(&cluster)
        ),
    }
    Ok(())
}

/// How a change ends of which so many parts were done, and so many not.
pub(crate) fn ended(done: usize, failed: usize, what: &str) -> anyhow::Result<Outcome> {
    match (done, failed) {
        (_, 0) => Ok(Outcome::Done),
        (0, failed) => bail!("none of the {failed} {what} succeeded"),
        _ => Ok(Outcome::Partly),
    }
}

fn write(
    report: &ImportReport,
    options: &ImportArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let writing = "writing the results";
    let format = options.format.format;
    let mut writer = print::writer(format, &COLUMNS, &mut output.out);
    let mut lines = Vec::new();
    let mut row = |name: &str, action: &'static str, failure: Option<&Option<String>>| {
        if format == Format::Human {
            lines.push(line(name, action, options.simulate, failure));
            return Ok(());
        }
        let row = Row::new()
            .with(COLUMNS[0], name)
            .with(COLUMNS[1], action)
            .with(COLUMNS[2], failure.is_none())
            .with(COLUMNS[3], failure.cloned().flatten());
        writer.row(&row)
    };
    for name in &report.add_or_update_succeeded {
        row(name, "addOrUpdate", None).context(writing)?;
    }
    for (name, message) in &report.add_or_update_failed {
        row(name, "addOrUpdate", Some(message)).context(writing)?;
    }
    for name in &report.remove_succeeded {
        row(name, "remove", None).context(writing)?;
    }
    for (name, message) in &report.remove_failed {
        row(name, "remove", Some(message)).context(writing)?;
    }
    if format != Format::Human {
        return writer.finish().context(writing);
    }
    drop(writer);
    if lines.is_empty() {
        lines.push("nothing to do".to_owned());
    }
    for line in lines {
        writeln!(output.out, "{line}").context(writing)?;
    }
    Ok(())
}

fn line(name: &str, action: &str, simulate: bool, failure: Option<&Option<String>>) -> String {
    let text = match (failure, action, simulate) {
        (Some(message), _, _) => format!("FAILED: {}", words(message.as_deref())),
        (None, "remove", true) => "would be removed".to_owned(),
        (None, "remove", false) => "removed".to_owned(),
        (None, _, true) => "would be added or updated".to_owned(),
        (None, _, false) => "added or updated".to_owned(),
    };
    told(&format!("{name}: {text}"))
}

/// What a server says of a failure, if it says something.
pub(crate) fn words(message: Option<&str>) -> &str {
    message.unwrap_or("the server gives no reason")
}
