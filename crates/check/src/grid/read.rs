//! Reading the newest points: tests as a stream, a bounded number of series at a time.
//!
//! Of each pair and measure, what is kept is one point, and with a page the columns
//! of a plot. A series that its archive says was not written since a newer point of
//! the pair is not asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::report::chain;
use esmond_ps_client::{Archive, DataPoint, Error, Series, Test};
use esmond_ps_model::{SummaryType, TimeArguments};
use esmond_ps_plot::Panel;
use futures_util::future::join_all;
use futures_util::{TryStreamExt as _, stream};

use crate::grid::model::{Grid, Measure, Pair, Reading};
use crate::judge::Seen;
use crate::measure::{Part, Unit, numbers};
use crate::options::GridJob;
use crate::stat::{Stat, Values};
use crate::{newest, series};

/// Most pairs that a grid has; more of them nobody could look at.
const MOST_PAIRS: usize = 10_000;

/// A series to ask for.
struct Wanted {
    pair: Pair,
    measure: usize,
    series: Series,
}

/// Reads the grid.
///
/// # Errors
///
/// When the tests cannot be listed. What happens later is part of the grid.
pub(crate) async fn grid(job: &GridJob, archive: &Archive) -> Result<Grid, Error> {
    let measures = job.measures.iter().map(|(event_type, thresholds)| Measure {
        event_type: event_type.clone(),
        unit: Unit::of(event_type).scaled(job.scale),
        thresholds: thresholds.clone(),
    });
    let grid = RefCell::new(Grid {
        archive: archive.address().to_string(),
        now: job.now,
        since: job.plan.window.start,
        measures: measures.collect(),
        pairs: BTreeMap::new(),
        names: HashMap::new(),
        notes: Vec::new(),
        is_partial: false,
    });
    let drawn = RefCell::new(BTreeSet::new());
    let skipped = RefCell::new(0_usize);
    let tests = archive.metadata(&job.plan.filters_without_summary());
    let wanted = tests
        .map_ok(|test| stream::iter(wanted(job, &test).into_iter().map(Ok::<_, Error>)))
        .try_flatten();
    let readings = wanted.map_ok(async |wanted| {
        let is_drawn = {
            let mut grid = grid.borrow_mut();
            if !grid.pairs.contains_key(&wanted.pair) && grid.pairs.len() >= MOST_PAIRS {
                *skipped.borrow_mut() += 1;
                return Ok(());
            }
            let count = grid.measures.len();
            let places = grid.pairs.entry(wanted.pair.clone());
            let places = places.or_insert_with(|| (0..count).map(|_| None).collect());
            let known = places[wanted.measure].get_or_insert_with(Reading::default);
            let written = newest::written(&wanted.series);
            if written.is_some() && known.seen.newest >= written {
                known.tests += 1;
                return Ok(());
            }
            let mut drawn = drawn.borrow_mut();
            let is_new = job.file.is_some() && drawn.len() < job.plots;
            if is_new {
                drawn.insert(wanted.pair.clone());
            }
            is_new || drawn.contains(&wanted.pair)
        };
        let reading = reading(job, &wanted, is_drawn).await;
        let mut grid = grid.borrow_mut();
        if let Some(places) = grid.pairs.get_mut(&wanted.pair)
            && let Some(known) = &mut places[wanted.measure]
        {
            known.merge(reading);
        }
        Ok(())
    });
    let mut readings = Box::pin(readings.try_buffer_unordered(job.jobs));
    let mut failure = None;
    loop {
        match readings.try_next().await {
            Ok(Some(())) => {}
            Ok(None) => break,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    drop(readings);
    let mut grid = grid.into_inner();
    if let Some(error) = failure {
        if grid.pairs.is_empty() {
            return Err(error);
        }
        let reason = chain(&error);
        grid.notes
            .push(format!("the list of tests is incomplete: {reason}"));
        grid.is_partial = true;
    }
    for (number, measure) in grid.measures.iter().enumerate() {
        let name = &measure.event_type;
        let is_there = grid.pairs.values().any(|places| places[number].is_some());
        if let Some(doubt) = series::doubt(name).filter(|_| !is_there) {
            grid.notes.push(format!("no pair has {name}; {doubt}"));
        }
    }
    let skipped = skipped.into_inner();
    if skipped > 0 {
        grid.notes.push(format!(
            "there are more than {MOST_PAIRS} pairs: {skipped} series of others were left out; narrow \
             the grid with --src, --dest, --agent, --tool or --filter"
        ));
    }
    if job.file.is_some() && grid.pairs.len() > job.plots {
        let plots = job.plots;
        grid.notes
            .push(format!("{plots} pairs have plots: --plots draws more"));
    }
    if job.has_names {
        names(&mut grid).await;
    }
    Ok(grid)
}

/// Returns the series of a test that belong to the grid; tests of a single host have
/// none.
fn wanted(job: &GridJob, test: &Test) -> Vec<Wanted> {
    let (Some(source), Some(destination)) = (test.source(), test.destination()) else {
        return Vec::new();
    };
    let series = job
        .measures
        .iter()
        .enumerate()
        .filter_map(|(measure, (name, _))| {
            let series = series::of(&test.event_type(name)?, job.plan.summary)?;
            Some(Wanted {
                pair: (source.clone(), destination.clone()),
                measure,
                series,
            })
        });
    series.collect()
}

/// Reads what there is of a series: the newest point, or all points when they are to
/// be drawn.
async fn reading(job: &GridJob, wanted: &Wanted, is_drawn: bool) -> Reading {
    let series = &wanted.series;
    let event_type = series.event_type();
    let mut reading = Reading {
        tests: 1,
        key: event_type.test().metadata_key().to_owned(),
        ..Reading::default()
    };
    let since = job.plan.window.start;
    let read = if is_drawn {
        let (label, layout) = (event_type.name(), event_type.row_layout());
        let summary = series.summary_type().unwrap_or(SummaryType::Base);
        let mut panel = Panel::of(label, label, layout, summary);
        let newest = drawn(series, since, job.now, panel.as_mut()).await;
        reading.panel = panel.filter(|panel| !panel.is_empty());
        newest
    } else {
        newest::read(series, since, job.now).await
    };
    match read {
        Ok(Some(point)) => {
            reading.seen = Seen {
                newest: Some(point.ts_epoch),
                value: value(&point, Unit::of(event_type.name()).factor * job.scale),
            };
        }
        Ok(None) => {}
        Err(error) => reading.error = Some(chain(&error)),
    }
    reading
}

/// Reads all points since a time into a panel; returns the newest.
async fn drawn(
    series: &Series,
    since: i64,
    now: i64,
    mut panel: Option<&mut Panel>,
) -> Result<Option<DataPoint>, Error> {
    let mut last = None;
    if newest::is_empty_since(series, since) {
        return Ok(None);
    }
    let times = TimeArguments {
        time_start: Some(since),
        time_end: Some(now.saturating_add(newest::AHEAD)),
        ..TimeArguments::default()
    };
    let mut points = series.points(&times);
    loop {
        match points.try_next().await {
            Ok(Some(point)) if series.is_blank(&point.val) => {}
            Ok(Some(point)) => {
                if let Some(panel) = &mut panel {
                    panel.add(point.ts_epoch, &point.val);
                }
                last = Some(point);
            }
            Ok(None) => return Ok(last),
            Err(error) if error.is_not_held() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Returns the number of a point; of a histogram the median.
fn value(point: &DataPoint, factor: f64) -> Option<f64> {
    let mut values = Values::new(Stat::Last);
    values.point(point.ts_epoch);
    numbers(point, Part::Median, factor, |value, times| {
        values.add(point.ts_epoch, value, times);
    });
    values.result()
}

/// Looks up the names of all hosts.
async fn names(grid: &mut Grid) {
    let resolver = Resolver::default();
    let lookups = grid.all_hosts().into_iter().map(async |host| {
        let name = resolver.resolve(&host).await;
        (host, name)
    });
    // The resolver bounds how many are under way.
    grid.names = join_all(lookups).await.into_iter().collect();
}
