//! Reading the series of all tests that match.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::gaps::{Gaps, Read};
use esmond_ps_cli_common::layout::{Layout, RowContext};
use esmond_ps_cli_common::plan;
use esmond_ps_cli_common::problem::{Level, Problem};
use esmond_ps_cli_common::report::{Outcome, Output, told};
use esmond_ps_client::{RawPoint, Series, Test};
use esmond_ps_model::{SummaryType, TimeArguments};
use futures_util::TryStreamExt as _;
use serde_json::Value;

use crate::options::GetArgs;
use crate::sink::{Refused, Sink};

/// Time for a page after which the output may have been what took it.
const HELD_UP: Duration = Duration::from_secs(1);

/// What is read of each test.
struct Wanted<'a> {
    event_type: &'a str,
    summary: Option<(SummaryType, i64)>,
    times: TimeArguments,
}

/// Delivers the series of all tests that match. A series that cannot be read is
/// named on stderr, and the others are delivered all the same.
pub(crate) async fn run(
    session: &Session,
    options: &GetArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let plan = &session.plan;
    let wanted = Wanted {
        event_type: plan.event_type.as_deref().unwrap_or_default(),
        summary: plan.summary,
        times: TimeArguments {
            time_start: Some(plan.window.start),
            time_end: Some(plan.window.end),
            ..TimeArguments::default()
        },
    };
    if let Some(note) = plan::lone_window(&session.args) {
        output.note(note);
    }
    let Output { out, err } = output;
    let summary_type = plan.summary.map(|(summary_type, _)| summary_type);
    let layout = Layout::of(session.row_layout, summary_type);
    let mut sink = Sink::new(session, options, layout, out)?;
    let mut lacking = Vec::new();
    let mut gaps = Gaps::default();
    let mut failed = 0_u64;
    let mut complete = 0_u64;
    let mut tests = Box::pin(session.archive.metadata(&plan.filters_without_summary()));
    loop {
        let test = match tests.try_next().await {
            Ok(Some(test)) => test,
            Ok(None) => break,
            Err(error) if sink.taken() == 0 => return Err(error.into()),
            Err(error) => {
                let problem = Problem::new(Level::Error, "the list of tests is incomplete");
                writeln!(err, "{}", problem.because(&error)).ok();
                failed += 1;
                break;
            }
        };
        let Some(event_type) = test.event_type(wanted.event_type) else {
            continue;
        };
        let series = match wanted.summary {
            None => Some(event_type.base()),
            Some((summary_type, window)) => event_type.summary(summary_type, window),
        };
        let Some(series) = series else {
            if let Some((summary_type, _)) = wanted.summary {
                gaps.add_lacking(&event_type, summary_type);
            }
            lacking.push(lacking_summary(&test, wanted.event_type));
            continue;
        };
        if !sink.begin(&test, row_context(&wanted, &test)) {
            continue;
        }
        let result = read_series(&wanted, &series, &mut sink).await;
        let ended = sink.end(result.is_ok()).map_err(Failure::from);
        match result.and_then(|read| ended.map(|()| read)) {
            Ok(read) => {
                gaps.add(&series, read);
                complete += 1;
            }
            Err(Failure::Output(error)) => return Err(error).context("writing the results"),
            Err(Failure::Archive(error)) => {
                let problem = wanted.problem(&test, &describe(&test));
                writeln!(err, "{}", problem.because(&error)).ok();
                failed += 1;
            }
            Err(Failure::Series(what)) => {
                let text = format!("{}: {what}", describe(&test));
                writeln!(err, "{}", wanted.problem(&test, &text)).ok();
                failed += 1;
            }
        }
    }
    if let Some((summary_type, window)) = wanted.summary {
        for test in &lacking {
            writeln!(
                err,
                "no {summary_type} of {window} s of {}: {test}",
                wanted.event_type
            )
            .ok();
        }
    }
    for line in gaps.lines() {
        writeln!(err, "{line}").ok();
    }
    if failed > 0 && complete == 0 && sink.taken() == 0 {
        anyhow::bail!("none of {failed} series could be read");
    }
    for note in sink.settle() {
        writeln!(err, "{note}").ok();
    }
    sink.finish().await?;
    Ok(if failed > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

impl Wanted<'_> {
    /// Returns what is told of a series that cannot be printed.
    fn problem(&self, test: &Test, text: &str) -> Problem {
        Problem::new(Level::Error, text)
            .metadata_key(&test.metadata_key)
            .event_type(self.event_type)
    }
}

enum Failure {
    Archive(esmond_ps_client::Error),
    Output(std::io::Error),
    /// What the series is not fit for.
    Series(String),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Output(error) => Self::Output(error),
            Refused::Series(what) => Self::Series(what),
        }
    }
}

/// Reads a series to its end. The next page is asked for while one is being delivered.
async fn read_series(
    wanted: &Wanted<'_>,
    series: &Series,
    sink: &mut Sink<'_>,
) -> Result<Read, Failure> {
    let mut read = Read::default();
    let mut pages = series.pages(&wanted.times).map_err(Failure::Archive)?;
    let mut page = match pages.next().await {
        Err(error) if error.is_not_held() => {
            read.refused = true;
            return Ok(read);
        }
        first => first.map_err(Failure::Archive)?,
    };
    let mut is_first = true;
    while let Some(points) = page {
        let began = Instant::now();
        let deliver = async {
            // The request for the next page goes out first.
            tokio::task::yield_now().await;
            if !is_first {
                sink.more().await?;
            }
            deliver(series, points, sink, &mut read).await
        };
        // A page that cannot be read ends the series when the one before is delivered;
        // output that fails ends everything at once.
        let (next, ()) = tokio::try_join!(async { Ok(pages.next().await) }, deliver)?;
        let next = match next {
            // Whoever does not take the output, as a pager, holds up what the archive
            // answers meanwhile, until it looks like no answer: it is asked again.
            Err(error) if error.is_transient() && began.elapsed() >= HELD_UP => pages.next().await,
            next => next,
        };
        page = next.map_err(Failure::Archive)?;
        is_first = false;
    }
    Ok(read)
}

async fn deliver(
    series: &Series,
    points: Vec<RawPoint>,
    sink: &mut Sink<'_>,
    read: &mut Read,
) -> Result<(), Failure> {
    for point in points {
        let value = point.value().map_err(Failure::Archive)?;
        if series.is_blank(&value) {
            read.blank += 1;
            continue;
        }
        read.values += 1;
        sink.take(point.ts_epoch(), value).await?;
    }
    Ok(())
}

fn row_context(wanted: &Wanted<'_>, test: &Test) -> RowContext {
    let property = |name: &str| test.properties.get(name).cloned().unwrap_or(Value::Null);
    // DIFFERENCE: the originals label base data with the window asked for.
    let (summary_type, summary_window) = match wanted.summary {
        None => (SummaryType::Base, 0),
        Some(summary) => summary,
    };
    RowContext {
        source: property("source"),
        destination: property("destination"),
        event_type: wanted.event_type.to_owned(),
        tool: property("tool-name"),
        summary_type: summary_type.to_string(),
        summary_window,
        bucket_width: property("sample-bucket-width"),
        measurement_agent: property("measurement-agent"),
        metadata_key: test.metadata_key.clone(),
    }
}

/// Names a test for a message: key, ends and tool.
fn describe(test: &Test) -> String {
    let property = |name| test.property(name).unwrap_or_else(|| "-".to_owned());
    told(&format!(
        "test {} from {} to {} by {}",
        test.metadata_key,
        property("source"),
        property("destination"),
        property("tool-name")
    ))
}

fn lacking_summary(test: &Test, event_type: &str) -> String {
    let summaries: Vec<String> = test
        .event_type(event_type)
        .into_iter()
        .flat_map(|event_type| event_type.all_summaries().collect::<Vec<_>>())
        .map(|series| format!("{} {}", series.summary_name(), series.window()))
        .collect();
    let test = describe(test);
    if summaries.is_empty() {
        format!("{test} has no summaries of it")
    } else {
        format!("{test} has {}", told(&summaries.join(", ")))
    }
}
