//! The newest points of each event type, clocks that are ahead, and how much a plain
//! request brings.

use std::collections::BTreeMap;

use esmond_ps_cli_common::report::{chain, told};
use esmond_ps_client::{Archive, Test};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::doctor::Report;
use crate::options::DoctorJob;
use crate::{duration, newest, print, series};

/// Most tests that are looked at.
const MOST_TESTS: usize = 5_000;

/// How far ahead of this machine a point may be before it is told, in seconds.
const AHEAD: i64 = 60;

/// Tells about the tests of the window and their points.
pub(crate) async fn examine(
    job: &DoctorJob,
    archive: &Archive,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let mut tests = archive.metadata(&job.plan.filters_without_summary());
    // Of each event type the test that was written last; where that is not known,
    // the first, which ran last.
    let mut last: BTreeMap<String, Test> = BTreeMap::new();
    let mut count = 0;
    loop {
        let test = match tests.try_next().await {
            Ok(Some(test)) => test,
            Ok(None) => break,
            Err(error) => {
                report.fail("tests", chain(&error), "ask again, with --verbose")?;
                return Ok(());
            }
        };
        count += 1;
        for event_type in test.all_event_types() {
            let written = newest::written(&event_type.base());
            let known = last.get(event_type.name()).and_then(|known| {
                let known = known.event_type(event_type.name())?;
                Some(newest::written(&known.base()))
            });
            if known.is_none_or(|known| written > known) {
                last.insert(event_type.name().to_owned(), test.clone());
            }
        }
        if count >= MOST_TESTS {
            break;
        }
    }
    let window = duration::words(job.now.saturating_sub(job.plan.window.start));
    if count == 0 {
        let next = "check that tests run, and that their results are sent to this archive";
        report.fail("tests", format!("none has run in the last {window}"), next)?;
        return Ok(());
    }
    let more = if count >= MOST_TESTS { " and more" } else { "" };
    report.ok(
        "tests",
        format!("{count}{more} have run in the last {window}"),
    )?;
    newest_points(job, &last, report).await?;
    pages(archive, report).await
}

async fn newest_points(
    job: &DoctorJob,
    last: &BTreeMap<String, Test>,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let reads = last.iter().map(async |(name, test)| {
        let series = test
            .event_type(name)
            .and_then(|event_type| series::of(&event_type, None));
        let point = match series {
            Some(series) => newest::read(&series, job.plan.window.start, job.now).await,
            None => Ok(None),
        };
        (
            name,
            test,
            point.map(|point| point.map(|point| point.ts_epoch)),
        )
    });
    let mut reads = stream::iter(reads).buffered(job.jobs);
    let (mut without, mut found) = (Vec::new(), 0);
    while let Some((name, test, newest)) = reads.next().await {
        let host = |property: &str| told(&test.property(property).unwrap_or_default());
        match newest {
            Ok(None) => without.push(name.as_str()),
            Err(error) => {
                let message = format!("{name}: {}", chain(&error));
                report.fail(
                    "points",
                    message,
                    "ask for that series alone, with --verbose",
                )?;
            }
            Ok(Some(ts)) => {
                found += 1;
                let ago = print::ago(job.now, ts);
                let mut message = format!("{name}: {ago}, {}", host("source"));
                let destination = host("destination");
                if !destination.is_empty() {
                    message.push_str(&format!(" to {destination}"));
                }
                if ts > job.now + AHEAD {
                    let agent = host("measurement-agent");
                    report.warn(
                        "points",
                        message,
                        format!("the clock of {agent} seems to be ahead"),
                    )?;
                } else if job.now - ts > job.old && name != "failures" {
                    let next = "look whether its tests still run and are sent here";
                    report.warn("points", message, next)?;
                } else {
                    report.ok("points", message)?;
                }
            }
        }
    }
    if found == 0 {
        let next =
            "tests are known, but nothing comes from them: look at the archivers of the hosts";
        report.fail("points", "no event type has any", next)?;
    } else if !without.is_empty() {
        let names = without.join(", ");
        report.ok(
            "points",
            format!("none, as often with these event types: {names}"),
        )?;
    }
    Ok(())
}

/// Tells what somebody gets who does not ask for pages.
async fn pages(archive: &Archive, report: &mut Report<'_>) -> anyhow::Result<()> {
    let answer = match archive.get_json("", &[]).await {
        Ok(answer) => answer,
        Err(error) => {
            let next = "these programs ask for pages; others may fail on this";
            report.warn("pages", chain(&error), next)?;
            return Ok(());
        }
    };
    let records = answer.as_array().map_or(0, Vec::len);
    let total = answer
        .get(0)
        .and_then(|first| first.get("metadata-count-total"))
        .and_then(serde_json::Value::as_u64);
    let message = match total {
        Some(total) if total > records as u64 => format!(
            "a plain request brings {records} of {total} tests; these programs ask for all, \
             others must follow the pages"
        ),
        _ => format!("a plain request brings all {records} tests"),
    };
    report.ok("pages", message)?;
    Ok(())
}
