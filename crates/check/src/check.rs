//! A check: one number of a window, judged.

use anyhow::Context as _;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::plan::Plan;
use esmond_ps_cli_common::report::Output;
use esmond_ps_client::{Archive, Series};
use esmond_ps_model::{MetadataFilters, TimeArguments};
use futures_util::TryStreamExt as _;

use crate::judge::{Judged, Seen, judge};
use crate::measure::{Unit, numbers};
use crate::options::CheckJob;
use crate::stat::{MOST, Stat, Values};
use crate::state::State;
use crate::{newest, print, series};

/// Most tests that are looked at to learn when the last of them was written.
const FEW: usize = 200;

/// One direction, judged.
#[derive(Debug)]
pub(crate) struct Direction {
    pub(crate) source: Option<String>,
    pub(crate) destination: Option<String>,
    /// Number of points that have something in them.
    pub(crate) points: u64,
    pub(crate) seen: Seen,
    pub(crate) judged: Judged,
    /// What was read, one line for each test; and what is worth knowing.
    pub(crate) details: Vec<String>,
}

/// What one direction holds.
#[derive(Default)]
struct Found {
    /// Tests that have the event type.
    tests: u64,
    points: u64,
    newest: Option<i64>,
    value: Option<f64>,
    details: Vec<String>,
}

/// Reads, judges and prints; returns the exit status.
pub(crate) async fn run(
    job: &CheckJob,
    archive: &Archive,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<u8> {
    let mut directions = Vec::new();
    for (plan, (source, destination)) in job.plans.iter().zip(&job.ends) {
        let mut found = read(job, plan, archive).await?;
        if found.tests == 0 {
            let earlier = earlier(job, plan, archive).await;
            found.details.push(earlier.text);
            found.tests = earlier.tests;
        }
        let value = match job.stat {
            // No points of a test that there is are a number of points, too.
            Stat::Count if found.tests > 0 => Some(found.points as f64 * job.scale),
            _ => found.value,
        };
        let seen = Seen {
            newest: found.newest,
            value,
        };
        directions.push(Direction {
            source: source.clone(),
            destination: destination.clone(),
            points: found.points,
            seen,
            judged: judge(seen, &job.thresholds, job.now),
            details: found.details,
        });
    }
    let states = directions.iter().map(|direction| direction.judged.state);
    let state = states.max().unwrap_or(State::Unknown);
    match format {
        Format::Json => print::json(job, state, &directions, &mut output.out)?,
        _ => print::human(job, state, &directions, &mut output.out)?,
    }
    Ok(state.status())
}

/// Returns the unit of what is judged.
pub(crate) fn unit(job: &CheckJob) -> Unit {
    match job.stat {
        Stat::Count => Unit::COUNT,
        _ => Unit::of(&job.event_type),
    }
    .scaled(job.scale)
}

/// Reads the window of all tests that match. What cannot be read is an error: half of
/// the values say nothing.
async fn read(job: &CheckJob, plan: &Plan, archive: &Archive) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut values = Values::new(job.stat);
    let mut tests = archive.metadata(&plan.filters_without_summary());
    while let Some(test) = tests.try_next().await.context("reading the tests")? {
        let Some(event_type) = test.event_type(&job.event_type) else {
            continue;
        };
        found.tests += 1;
        let Some(series) = series::of(&event_type, plan.summary) else {
            let test = series::describe(&test);
            found.details.push(format!("{test} has no such summary"));
            continue;
        };
        let before = found.points;
        let reading = || format!("reading {} of {}", job.event_type, series::describe(&test));
        add(job, plan, &series, &mut found, &mut values)
            .await
            .with_context(reading)?;
        let points = found.points - before;
        found.details.push(format!(
            "{}: {}",
            series::describe(&test),
            print::points(points)
        ));
    }
    if values.is_full() {
        anyhow::bail!(
            "there are more than {MOST} values: look at less time, or at another --stat than {}",
            job.stat.name()
        );
    }
    found.value = values.result();
    Ok(found)
}

async fn add(
    job: &CheckJob,
    plan: &Plan,
    series: &Series,
    found: &mut Found,
    values: &mut Values,
) -> Result<(), esmond_ps_client::Error> {
    let times = TimeArguments {
        time_start: Some(plan.window.start),
        time_end: Some(plan.window.end),
        ..TimeArguments::default()
    };
    let factor = Unit::of(&job.event_type).factor * job.scale;
    let mut points = series.points(&times);
    loop {
        let point = match points.try_next().await {
            Ok(Some(point)) => point,
            Ok(None) => return Ok(()),
            Err(error) if error.is_not_held() => return Ok(()),
            Err(error) => return Err(error),
        };
        if series.is_blank(&point.val) {
            continue;
        }
        found.points += 1;
        found.newest = found.newest.max(Some(point.ts_epoch));
        values.point(point.ts_epoch);
        numbers(&point, job.stat.part(), factor, |value, times| {
            values.add(point.ts_epoch, value, times);
        });
    }
}

/// What there is outside of the window.
struct Earlier {
    tests: u64,
    text: String,
}

/// Looks for tests that have nothing in the window: whether there are any makes the
/// difference between a test that stopped and a mistake in the question.
async fn earlier(job: &CheckJob, plan: &Plan, archive: &Archive) -> Earlier {
    let mut filters = MetadataFilters::new();
    for (name, value) in plan.filters_without_summary().to_query() {
        if name != "time-start" {
            filters.set(name.clone(), value.clone());
        }
    }
    let mut tests = archive.metadata(&filters);
    let mut count = 0;
    let mut last = None;
    // What cannot be learned is left out: the window has been read.
    while let Ok(Some(test)) = tests.try_next().await {
        if let Some(event_type) = test.event_type(&job.event_type) {
            count += 1;
            last = last.max(newest::written(&event_type.base()));
        }
        if count >= FEW {
            break;
        }
    }
    Earlier {
        tests: count as u64,
        text: match (count, last) {
            (0, _) => nothing(job),
            (1, Some(last)) => format!("the test was last written {}", print::ago(job.now, last)),
            (_, Some(last)) => {
                let ago = print::ago(job.now, last);
                format!("of {count} tests that match, the last was written {ago}")
            }
            (_, None) => format!("tests that match: {count}; none has points in the window"),
        },
    }
}

fn nothing(job: &CheckJob) -> String {
    let name = &job.event_type;
    let text = format!("no test matches that has {name}");
    match series::doubt(name) {
        Some(doubt) => format!("{text}; {doubt}"),
        None => text,
    }
}
