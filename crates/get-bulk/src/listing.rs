//! `--dry-run`: what would be fetched, without fetching it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::report::{Outcome, Output, told};
use esmond_ps_model::MetadataFilters;
use futures_util::TryStreamExt as _;

use crate::naming::distinction;
use crate::options::BulkArgs;
use crate::slice::Slice;
use crate::store::Entry;
use crate::task::{Subject, Task, series, wanted};

/// Lists one series a line: key, event type, summary, file and address, apart
/// by tabs. Nothing is remembered from earlier runs: it is the whole query.
///
/// The tests are asked for twice, first to find out which names are shared; of
/// these, hashes are all that is held.
pub(crate) async fn list(
    session: &Session,
    args: &BulkArgs,
    filters: &MetadataFilters,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut names: HashMap<u64, u64> = HashMap::new();
    let slice = Slice::whole(session.plan.window);
    each(session, args, filters, &slice, |entry, _| {
        *names.entry(hash(&entry.stem)).or_default() += 1;
        Ok(())
    })
    .await?;
    let mut shared = 0_u64;
    let extension = session.plan.format.name();
    each(session, args, filters, &slice, |entry, address| {
        let mut file = entry.stem.clone();
        if names
            .get(&hash(&entry.stem))
            .is_some_and(|times| *times > 1)
        {
            shared += 1;
            file.push_str(&distinction(
                entry.tool.as_deref(),
                &entry.summary,
                &entry.key,
                8,
            ));
        }
        let line = [&entry.key, &entry.event_type, &entry.summary].map(|text| told(text));
        writeln!(
            output.out,
            "{}\t{file}.{extension}\t{}",
            line.join("\t"),
            told(address)
        )
        .context("writing the list")
    })
    .await?;
    if shared > 0 {
        output.note(&format!(
            "{shared} series share their name with others; one that alone has data gets it without tool and key"
        ));
    }
    Ok(Outcome::Done)
}

async fn each(
    session: &Session,
    args: &BulkArgs,
    filters: &MetadataFilters,
    slice: &Slice,
    mut tell: impl FnMut(&Entry, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let resolver = (!session.args.ip).then(Resolver::default);
    let meter = Arc::clone(&args.meter);
    let mut tests = session.archive.metadata(filters);
    while let Some(test) = tests.try_next().await? {
        let subject = Subject::new(&test, resolver.as_ref(), &meter).await;
        for event_type in wanted(&session.plan, &test) {
            let Some(series) = series(&session.plan, &event_type) else {
                continue;
            };
            let task = Task::new(&session.plan, &subject, series);
            let address = session.archive.address().resolve(task.series.uri());
            let address = address.map_or_else(|error| error.to_string(), |url| url.to_string());
            tell(&task.entry(slice), &address)?;
        }
    }
    Ok(())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
