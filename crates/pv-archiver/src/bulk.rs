//! The samples of many channels, a file for each.

use std::io::{IsTerminal as _, stderr};
use std::path::Path;

use anyhow::Context as _;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Outcome, Output, told};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pv_archiver_client::{ArchiveClient, SampleQuery};

use crate::connection::failed;
use crate::file::Part;
use crate::naming;
use crate::options::GetArgs;
use crate::print;
use crate::sample::{self, COLUMNS};
use crate::times::Span;
use crate::transfer::ended;

/// Writes the files, one after the other. A channel without samples gets none, and one
/// that fails leaves none and is named.
pub(crate) async fn write(
    archive: &ArchiveClient,
    channels: &[String],
    span: Span,
    query: &SampleQuery,
    options: &GetArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let format = options.format.format;
    let bar = bar(channels.len(), options.quiet);
    let (mut files, mut empty, mut lost, mut total) = (0, 0, 0, 0_u64);
    for (channel, stem) in channels.iter().zip(naming::stems(channels, span)) {
        let name = format!("{stem}.{format}");
        let path = options.output_directory.join(name);
        match fetch(archive, channel, query, format, &path).await {
            Ok(0) => empty += 1,
            Ok(samples) => {
                files += 1;
                total += samples;
            }
            Err(error) => {
                lost += 1;
                let text = told(&format!("error: channel {channel}: {error:#}"));
                bar.suspend(|| output.note(&text));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !options.quiet {
        output.note(&format!(
            "files: {files}, samples: {total}; channels without samples: {empty}, failed: {lost}"
        ));
    }
    ended(files + empty, lost, "channels")
}

/// Writes one file, and returns its number of samples.
async fn fetch(
    archive: &ArchiveClient,
    channel: &str,
    query: &SampleQuery,
    format: Format,
    path: &Path,
) -> anyhow::Result<u64> {
    let writing = || format!("writing {}", path.display());
    let mut samples = archive.samples(channel, query).await.map_err(failed)?;
    let Some(mut sample) = samples.next().await? else {
        return Ok(0);
    };
    let mut part = Part::create(path).with_context(writing)?;
    let mut writer = print::writer(format, &COLUMNS, &mut part);
    let mut count = 0;
    loop {
        let row = sample::row(&sample, format)?;
        writer.row(&row).with_context(writing)?;
        count += 1;
        match samples.next().await? {
            Some(next) => sample = next,
            None => break,
        }
    }
    writer.finish().with_context(writing)?;
    part.publish().with_context(writing)?;
    Ok(count)
}

fn bar(channels: usize, quiet: bool) -> ProgressBar {
    let target = if quiet || !stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(u64::try_from(channels).ok(), target);
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} channels");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
