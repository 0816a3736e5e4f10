//! Reading the series of all tests that match, and printing their rows.

use std::io::Write as _;

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::emit::Emitter;
use esmond_ps_cli_common::gaps::{Gaps, Read};
use esmond_ps_cli_common::layout::{Layout, RowContext, RowMaker};
use esmond_ps_cli_common::plan;
use esmond_ps_cli_common::report::{Outcome, Output, chain, told};
use esmond_ps_cli_common::rows::Row;
use esmond_ps_client::{DataPoint, Series, Test};
use esmond_ps_model::{SummaryType, TimeArguments};
use futures_util::TryStreamExt as _;
use serde_json::Value;

/// What is read of each test, and how it is printed.
struct Wanted<'a> {
    event_type: &'a str,
    summary: Option<(SummaryType, i64)>,
    layout: Layout,
    times: TimeArguments,
}

/// Prints the series of all tests that match. A series that cannot be read is
/// named on stderr, and the others are printed all the same.
pub(crate) async fn run(session: &Session, output: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let plan = &session.plan;
    let wanted = Wanted {
        event_type: plan.event_type.as_deref().unwrap_or_default(),
        summary: plan.summary,
        layout: Layout::of(
            session.row_layout,
            plan.summary.map(|(summary_type, _)| summary_type),
        ),
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
    let mut emitter = session.emitter(wanted.layout.columns(), out);
    let mut lacking = Vec::new();
    let mut gaps = Gaps::default();
    let mut failed = 0_u64;
    let mut complete = 0_u64;
    let mut tests = Box::pin(session.archive.metadata(&plan.filters_without_summary()));
    loop {
        let test = match tests.try_next().await {
            Ok(Some(test)) => test,
            Ok(None) => break,
            Err(error) if emitter.emitted() == 0 => return Err(error.into()),
            Err(error) => {
                writeln!(
                    err,
                    "error: the list of tests is incomplete: {}",
                    chain(&error)
                )
                .ok();
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
        match print_series(&wanted, &test, &series, plan.format, &mut emitter).await {
            Ok(read) => {
                gaps.add(&series, read);
                complete += 1;
            }
            Err(Failure::Output(error)) => return Err(error).context("writing the results"),
            Err(Failure::Archive(error)) => {
                writeln!(err, "error: {}: {}", describe(&test), chain(&error)).ok();
                failed += 1;
            }
            Err(Failure::Rows(ts)) => {
                let what = format!("the value of {ts} makes more rows than can be held");
                writeln!(err, "error: {}: {what}", describe(&test)).ok();
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
    if failed > 0 && complete == 0 && emitter.emitted() == 0 {
        anyhow::bail!("none of {failed} series could be read");
    }
    emitter.finish().await.context("writing the results")?;
    Ok(if failed > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

enum Failure {
    Archive(esmond_ps_client::Error),
    Output(std::io::Error),
    /// The value of this time makes too many rows.
    Rows(i64),
}

/// How much the rows of one value may weigh, in bytes. A packet trace weighs some
/// thousands; what an archive may make up is bounded by its answers alone, and
/// each of the rows repeats what is known of the test.
const HEAVIEST: usize = 256 << 20;

async fn print_series(
    wanted: &Wanted<'_>,
    test: &Test,
    series: &Series,
    format: esmond_ps_cli_common::output::Format,
    emitter: &mut Emitter<'_>,
) -> Result<Read, Failure> {
    let mut maker = RowMaker::new(wanted.layout, &row_context(wanted, test), format);
    let mut read = Read::default();
    let mut points = Box::pin(series.points(&wanted.times));
    loop {
        let point = match points.try_next().await {
            Ok(Some(point)) => point,
            Ok(None) => return Ok(read),
            Err(error) if error.is_not_held() => {
                read.refused = true;
                return Ok(read);
            }
            Err(error) => return Err(Failure::Archive(error)),
        };
        if series.is_blank(&point.val) {
            read.blank += 1;
            continue;
        }
        read.values += 1;
        let rows = rows(&mut maker, point)?;
        emitter.emit(rows).await.map_err(Failure::Output)?;
    }
}

fn rows(maker: &mut RowMaker, point: DataPoint) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut weight = 0;
    maker.each(point.ts_epoch, point.val, |row| {
        weight += row.weight();
        if weight > HEAVIEST {
            return Err(Failure::Rows(point.ts_epoch));
        }
        rows.push(row.clone());
        Ok(())
    })?;
    Ok(rows)
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
