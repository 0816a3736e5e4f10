//! Reading the series of all tests that match, and printing their rows.

use std::io::Write as _;

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::emit::Emitter;
use esmond_ps_cli_common::layout::{Layout, RowContext};
use esmond_ps_cli_common::plan;
use esmond_ps_cli_common::report::{Outcome, Output, chain};
use esmond_ps_client::{Series, Test};
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
        layout: plan::layout(
            &session.registry,
            plan.event_type.as_deref().unwrap_or_default(),
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
            lacking.push(lacking_summary(&test, wanted.event_type));
            continue;
        };
        match print_series(&wanted, &test, &series, plan.format, &mut emitter).await {
            Ok(()) => complete += 1,
            Err(Failure::Output(error)) => return Err(error).context("writing the results"),
            Err(Failure::Archive(error)) => {
                writeln!(err, "error: {}: {}", describe(&test), chain(&error)).ok();
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
}

async fn print_series(
    wanted: &Wanted<'_>,
    test: &Test,
    series: &Series,
    format: esmond_ps_cli_common::output::Format,
    emitter: &mut Emitter<'_>,
) -> Result<(), Failure> {
    let context = row_context(wanted, test);
    let mut points = Box::pin(series.points(&wanted.times));
    while let Some(point) = points.try_next().await.map_err(Failure::Archive)? {
        let rows = wanted
            .layout
            .rows(&context, point.ts_epoch, &point.val, format);
        emitter.emit(rows).await.map_err(Failure::Output)?;
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
    }
}

/// Names a test for a message: key, ends and tool.
fn describe(test: &Test) -> String {
    let property = |name| test.property(name).unwrap_or_else(|| "-".to_owned());
    format!(
        "test {} from {} to {} by {}",
        test.metadata_key,
        property("source"),
        property("destination"),
        property("tool-name")
    )
}

fn lacking_summary(test: &Test, event_type: &str) -> String {
    let summaries: Vec<String> = test
        .event_type(event_type)
        .into_iter()
        .flat_map(|event_type| event_type.all_summaries().collect::<Vec<_>>())
        .map(|series| format!("{} {}", series.summary_name(), series.window()))
        .collect();
    if summaries.is_empty() {
        format!("{} has no summaries of it", describe(test))
    } else {
        format!("{} has {}", describe(test), summaries.join(", "))
    }
}
