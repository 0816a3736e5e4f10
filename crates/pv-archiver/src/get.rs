//! Samples: of one channel to stdout, of many to files.

use anyhow::Context as _;
use chrono::Utc;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Outcome, Output, UsageError, chain};
use pv_archiver_client::SampleQuery;

use crate::bulk;
use crate::connection::{Servers, failed};
use crate::options::GetArgs;
use crate::print;
use crate::sample::{self, COLUMNS};
use crate::signals::interruptible;
use crate::times::{self, Span};

pub(crate) async fn get(
    servers: &Servers,
    options: &GetArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let (start, end) = (options.start_time.as_deref(), options.end_time.as_deref());
    let span = times::span(start, end, Utc::now(), output)?;
    let query = query(span, options)?;
    let archive = &servers.archive;
    let selection = &options.selection;
    if let Some(name) = &selection.name {
        return one(servers, name, &query, options.format.format, output).await;
    }
    let directory = &options.output_directory;
    if !directory.is_dir() {
        let text = format!("output path {} is no directory", directory.display());
        return Err(UsageError::new(text).into());
    }
    interruptible(async {
        let channels = match (&selection.glob, &selection.regexp) {
            (Some(pattern), _) => archive.channels_by_pattern(pattern).await,
            (None, regexp) => {
                let regexp = regexp.as_deref().unwrap_or_default();
                archive.channels_by_regexp(regexp).await
            }
        };
        let channels = channels.map_err(failed)?;
        bulk::write(archive, &channels, span, &query, options, output).await
    })
    .await
}

fn query(span: Span, options: &GetArgs) -> anyhow::Result<SampleQuery> {
    let query = SampleQuery::new(span.start, span.end)
        .map_err(failed)?
        .drop_boundaries(options.drop_boundaries)
        // DIFFERENCE: servers end an answer as if it were whole when their database
        // fails, and the Python client takes it as whole.
        .ask_again(options.count.is_none());
    match options.count {
        Some(count) => query.count(count).map_err(failed),
        None => Ok(query),
    }
}

/// Prints samples as they come. What was printed before an error stays, and is whole.
async fn one(
    servers: &Servers,
    name: &str,
    query: &SampleQuery,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let writing = "writing the samples";
    let mut samples = servers.archive.samples(name, query).await.map_err(failed)?;
    let mut next = samples.next().await.map_err(failed)?;
    let mut outcome = Outcome::Done;
    let mut note = None;
    let mut writer = print::writer(format, &COLUMNS, &mut output.out);
    while let Some(sample) = next {
        let row = sample::row(&sample, format)?;
        writer.row(&row).context(writing)?;
        next = samples.next().await.unwrap_or_else(|error| {
            note = Some(format!(
                "error: the samples are incomplete: {}",
                chain(&error)
            ));
            outcome = Outcome::Partly;
            None
        });
    }
    writer.finish().context(writing)?;
    if let Some(note) = note {
        output.note(&note);
    }
    Ok(outcome)
}
