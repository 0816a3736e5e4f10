//! Storing what is in a file.

mod series;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::pin::pin;

use esmond_ps_model::Registry;
use esmond_ps_store::{Error as StoreError, EventTypeRecord, Record, Store};

use crate::data::{Data, Items};
use crate::error::store as store_error;
use crate::format::LINE_ITEMS;
use crate::parts::{Part, Parts};
use crate::stop::Stop;
use crate::{Error, ImportError, Limits, Refused, Report, Result};

/// How a file is imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// What is read at most.
    pub limits: Limits,
    /// The event types of the archive, standard ones by default. Values that do
    /// not fit their event type are refused; those of an event type that is
    /// unknown are stored.
    pub registry: Registry,
}

/// Stores what is in a file, and merges it with what is there:
///
/// - A metadata record that is there, under whatever key, keeps its key.
/// - An equal point counts as there already; a different one stays, and is
///   reported as a conflict.
/// - Of two summary buckets for one window the one that counts more stays, and
///   one that counts less than the points that are stored now is made anew.
///   No point is ever counted twice.
///
/// So a file can be imported again, and files that overlap in any order. What
/// is stored was verified before, some megabytes at a time. A file that turns
/// out to be damaged, cut off or stopped is stored up to that place, and
/// importing it again, or a good copy of it, completes it. To store nothing of
/// a bad file, [`verify`](crate::verify()) it first.
///
/// The archive may be in use meanwhile. `on_progress` gets the report so far.
/// When `stop` completes, the import ends after the step under way, and the
/// report is not [`complete`](Report::complete).
///
/// # Errors
///
/// Those of the file and of the store, with what was stored until then. While
/// the store is [`Busy`](StoreError::Busy) the import waits.
pub async fn import<R: Read + Send>(
    store: &dyn Store,
    stream: R,
    import: &Import,
    on_progress: impl FnMut(&Report) + Send,
    stop: impl Future<Output = ()> + Send,
) -> std::result::Result<Report, ImportError> {
    let mut stop = pin!(stop);
    let mut run = Run {
        store,
        registry: &import.registry,
        report: Report::default(),
        on_progress,
        stop: Stop::new(stop.as_mut()),
        target: None,
        series: None,
    };
    match run.file(stream, import.limits).await {
        Ok(()) => run.report.complete = true,
        Err(Error::Stopped) => {}
        Err(cause) => {
            return Err(ImportError {
                report: Box::new(run.report),
                cause,
            });
        }
    }
    Ok(run.report)
}

impl Default for Import {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            registry: Registry::standard(),
        }
    }
}

struct Run<'a, 's, P, S> {
    store: &'a dyn Store,
    registry: &'a Registry,
    report: Report,
    on_progress: P,
    stop: Stop<'s, S>,
    /// The record that is being stored; `None` when it was refused.
    target: Option<Target>,
    series: Option<Series>,
}

/// Where a record of the file is stored.
struct Target {
    /// Key in the file.
    file_key: String,
    /// Key in the store.
    key: String,
    /// Windows of each event type.
    windows: BTreeMap<String, BTreeSet<i64>>,
    /// Until when points of each event type were removed, here or there.
    removed_until: BTreeMap<String, i64>,
}

/// What the file holds of an event type of the record.
struct Series {
    event_type: String,
    refused: bool,
    points: u64,
    /// Whether other values are stored for some of them.
    conflicts: bool,
    /// Times of points and buckets.
    times: Option<(i64, i64)>,
}

impl Series {
    fn cover(&mut self, first: i64, last: i64) {
        let (begin, end) = self.times.unwrap_or((first, last));
        self.times = Some((begin.min(first), end.max(last)));
    }
}

impl<P, S> Run<'_, '_, P, S>
where
    P: FnMut(&Report) + Send,
    S: Future<Output = ()> + Send,
{
    async fn file<R: Read>(&mut self, stream: R, limits: Limits) -> Result<()> {
        let mut parts = Parts::new(stream, limits)?;
        while let Some(part) = parts.next()? {
            self.part(part).await?;
            self.report.read = parts.totals();
            self.progress().await?;
        }
        self.end_series().await
    }

    async fn part(&mut self, part: Part) -> Result<()> {
        if !part.continued {
            self.end_series().await?;
            self.target = self.record(&part.record).await?;
        }
        for data in part.data {
            self.data(data).await?;
        }
        Ok(())
    }

    /// Stores a record; `None` when its key belongs to another one.
    async fn record(&mut self, record: &Record) -> Result<Option<Target>> {
        let (stored, new) = match self.stop.write(|| self.store.restore(record)).await {
            Err(StoreError::KeyTaken(_)) => {
                self.report.add_refusal(Refused {
                    metadata_key: record.key.clone(),
                    event_type: None,
                    reason: "its key belongs to another metadata record here".to_owned(),
                });
                return Ok(None);
            }
            outcome => outcome
                .map_err(store_error("storing", &record.key))?
                .ok_or(Error::Stopped)?,
        };
        self.report.records_new += u64::from(new);
        let windows = |entry: &EventTypeRecord| {
            let windows = entry.summaries.iter().map(|summary| summary.window);
            windows.filter(|window| *window > 0).collect()
        };
        Ok(Some(Target {
            file_key: record.key.clone(),
            key: stored.key,
            windows: stored
                .event_types
                .iter()
                .map(|entry| (entry.name.clone(), windows(entry)))
                .collect(),
            removed_until: stored
                .event_types
                .iter()
                .filter_map(|entry| Some((entry.name.clone(), entry.removed_until?)))
                .collect(),
        }))
    }

    /// Stores a line.
    async fn data(&mut self, data: Data) -> Result<()> {
        let last = self.series.as_ref().map(|series| &series.event_type);
        if last != Some(&data.event_type) {
            self.end_series().await?;
            self.series = Some(Series {
                event_type: data.event_type.clone(),
                refused: false,
                points: 0,
                conflicts: false,
                times: None,
            });
        }
        if self.target.is_none() || self.refuses(&data) {
            return Ok(());
        }
        match data.items {
            Items::Points(points) => {
                for some in points.chunks(LINE_ITEMS) {
                    self.points(&data.event_type, some).await?;
                    self.progress().await?;
                }
            }
            Items::Buckets { window, buckets } => {
                for some in buckets.chunks(LINE_ITEMS) {
                    self.buckets(&data.event_type, window, some).await?;
                    self.progress().await?;
                }
            }
        }
        Ok(())
    }

    /// Tells whether data do not fit their event type. New points could not be
    /// added to such summaries.
    fn refuses(&mut self, data: &Data) -> bool {
        let (Some(target), Some(series)) = (&self.target, &mut self.series) else {
            return true;
        };
        let rules = match self.registry.event_type(&data.event_type) {
            Some(definition) if !data.kind.fits(&definition.rules) => &definition.rules,
            _ => return false,
        };
        if !series.refused {
            series.refused = true;
            self.report.add_refusal(Refused {
                metadata_key: target.file_key.clone(),
                event_type: Some(data.event_type.clone()),
                reason: format!(
                    "its values are stored as `{}` here, and are `{}` in the file",
                    rules.storage().name(),
                    data.kind.name()
                ),
            });
        }
        true
    }

    async fn progress(&mut self) -> Result<()> {
        (self.on_progress)(&self.report);
        if self.stop.told_after_others().await {
            return Err(Error::Stopped);
        }
        Ok(())
    }
}
