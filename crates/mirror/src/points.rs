//! Storing points, each once.
//!
//! A point is written together with its effect on summaries, and only when it
//! is not there: so a run that is repeated changes nothing.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use esmond_ps_client::{Dialect, RawPoint};
use esmond_ps_model::TimeRange;
use esmond_ps_model::registry::StorageClass;
use esmond_ps_store::{self as store, NewPoint, Page, Value};

use crate::Place;
use crate::error::Trouble;
use crate::run::Run;
use crate::series::Series;
use crate::state::Progress;
use crate::value::{self, Read};

/// Points or buckets that are read from the store at a time.
const PAGE: u64 = 2000;

/// How well a value is known.
#[derive(Clone, Copy, PartialEq)]
enum Quality {
    Exact,
    Rounded,
    Guessed,
}

/// What became of some points.
#[derive(Default)]
struct Outcome {
    stored: u64,
    there: u64,
    rounded: u64,
    guessed: u64,
    blank: u64,
    conflicts: Vec<i64>,
    unfit: Vec<i64>,
}

impl Run<'_> {
    /// Stores the points of a batch that are new, and notes in `progress` where
    /// summaries cannot be computed from them.
    pub(crate) async fn store_points(
        &self,
        series: &mut Series<'_>,
        batch: &[RawPoint],
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let mut outcome = Outcome::default();
        let mut wanted = self.read_values(series, batch, &mut outcome).await?;
        let mut guessed = wanted.iter().filter(|(_, (_, q))| *q == Quality::Guessed);
        if let Some((first, _)) = guessed.next() {
            let last = guessed.next_back().map_or(first, |(last, _)| last);
            progress.owe(Some(*first), Some(*last));
        }
        // Twice: somebody else may store some of them meanwhile.
        for _ in 0..2 {
            self.compare(series, &mut wanted, &mut outcome).await?;
            if wanted.is_empty() {
                break;
            }
            self.write(series, &mut wanted, &mut outcome, progress)
                .await?;
        }
        outcome.conflicts.extend(wanted.into_keys());
        self.count(series, outcome);
        Ok(())
    }

    /// Reads the values of a batch, by their time. Of two that share a second
    /// the first counts, as everywhere; another one is a conflict.
    async fn read_values(
        &self,
        series: &Series<'_>,
        batch: &[RawPoint],
        outcome: &mut Outcome,
    ) -> Result<BTreeMap<i64, (Value, Quality)>, Trouble> {
        let base = series.event_type.base();
        let counts = self.counts(series, batch).await?;
        let mut wanted: BTreeMap<i64, (Value, Quality)> = BTreeMap::new();
        for point in batch {
            let ts = point.ts_epoch();
            let read = match point.value() {
                Ok(value) if base.is_blank(&value) => Read::Blank,
                Ok(value) => value::read(&series.rules, &value, counts.get(&ts).copied()),
                Err(_) => Read::Unfit,
            };
            let read = match read {
                Read::Exact(value) => (value, Quality::Exact),
                Read::Rounded(value) => (value, Quality::Rounded),
                Read::Guessed(value) => (value, Quality::Guessed),
                Read::Blank => {
                    outcome.blank += 1;
                    continue;
                }
                Read::Unfit => {
                    outcome.unfit.push(ts);
                    continue;
                }
            };
            match wanted.entry(ts) {
                Entry::Vacant(entry) => {
                    entry.insert(read);
                }
                Entry::Occupied(entry) if value::same(&entry.get().0, &read.0) => {
                    outcome.there += 1;
                }
                Entry::Occupied(_) => outcome.conflicts.push(ts),
            }
        }
        Ok(wanted)
    }

    /// Returns numerator and denominator of ratios, as far as other event types
    /// of the record tell them.
    async fn counts(
        &self,
        series: &Series<'_>,
        batch: &[RawPoint],
    ) -> Result<BTreeMap<i64, (i64, i64)>, Trouble> {
        let lost = match (series.storage(), series.name()) {
            (StorageClass::Ratio, "packet-loss-rate") => "packet-count-lost",
            (StorageClass::Ratio, "packet-loss-rate-bidir") => "packet-count-lost-bidir",
            _ => return Ok(BTreeMap::new()),
        };
        let times: BTreeSet<i64> = batch.iter().map(RawPoint::ts_epoch).collect();
        let key = series.local();
        let lost = self.points_here(key, lost, &times).await?;
        let sent = self.points_here(key, "packet-count-sent", &times).await?;
        let mut counts = BTreeMap::new();
        for (ts, lost) in lost {
            if let (Value::Integer(lost), Some(Value::Integer(sent))) = (lost, sent.get(&ts)) {
                counts.insert(ts, (lost, *sent));
            }
        }
        Ok(counts)
    }

    /// Takes from `wanted` what is there, and what differs.
    async fn compare(
        &self,
        series: &Series<'_>,
        wanted: &mut BTreeMap<i64, (Value, Quality)>,
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let times: BTreeSet<i64> = wanted.keys().copied().collect();
        let here = self.points_here(series.local(), series.name(), &times);
        for (ts, here) in here.await? {
            match wanted.remove(&ts) {
                Some((value, _)) if value::same(&here, &value) => outcome.there += 1,
                Some(_) => outcome.conflicts.push(ts),
                None => {}
            }
        }
        Ok(())
    }

    /// Writes what is wanted; what is then there by somebody else stays in
    /// `wanted`.
    async fn write(
        &self,
        series: &mut Series<'_>,
        wanted: &mut BTreeMap<i64, (Value, Quality)>,
        outcome: &mut Outcome,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let (key, name) = (series.local(), series.name());
        // Where points were removed, summaries have counted them, or somebody
        // else has: these points are stored without any effect, and the
        // summaries looked at.
        let removed_until = series.removed_until.unwrap_or(i64::MIN);
        let points: Vec<NewPoint> = wanted
            .iter()
            .filter(|(ts, _)| **ts > removed_until)
            .map(|(ts, (value, _))| NewPoint {
                event_type: series.name().to_owned(),
                ts: *ts,
                value: value.clone(),
            })
            .collect();
        let mut conflicts = Vec::new();
        let copies: Vec<(i64, Value)> = wanted
            .iter()
            .take_while(|(ts, _)| **ts <= removed_until)
            .map(|(ts, (value, _))| (*ts, value.clone()))
            .collect();
        if let (Some((first, _)), Some((last, _))) = (copies.first(), copies.last()) {
            progress.owe(Some(*first), Some(*last));
            let restore = || self.store.restore_points(key, name, copies.clone());
            conflicts.append(&mut self.patiently(restore).await?.conflicts);
        }
        if let Some(last) = points.last() {
            let updated = self.updated(series, last.ts);
            let write = || self.store.write(key, points.clone(), updated);
            conflicts.append(&mut self.patiently(write).await?.conflicts);
            series.updated = Some(updated);
        }
        let refused: BTreeSet<i64> = conflicts.iter().map(|found| found.ts).collect();
        for (ts, (_, quality)) in &*wanted {
            if refused.contains(ts) {
                continue;
            }
            outcome.stored += 1;
            match quality {
                Quality::Exact => {}
                Quality::Rounded => outcome.rounded += 1,
                Quality::Guessed => outcome.guessed += 1,
            }
        }
        wanted.retain(|ts, _| refused.contains(ts));
        Ok(())
    }

    /// Returns the time of the last write after points until `last`: it stays
    /// that of the remote archive. Those of perfSONAR 5 tell another time: there
    /// it is that of the last point.
    ///
    /// DIFFERENCE: that of perfSONAR 5 is the time of the schedule.
    fn updated(&self, series: &Series<'_>, last: i64) -> i64 {
        let last = last.min(self.options.now);
        match series.updated {
            Some(updated) if series.dialect == Dialect::PerfSonar5 => updated.max(last),
            Some(updated) => updated,
            None => last,
        }
    }

    fn count(&self, series: &Series<'_>, outcome: Outcome) {
        let place = |ts| Place {
            metadata_key: crate::text::shown(series.remote),
            event_type: crate::text::shown(series.name()),
            ts,
        };
        self.report(|report| {
            report.points_stored += outcome.stored;
            report.points_there += outcome.there;
            report.rounded += outcome.rounded;
            report.guessed_ratios += outcome.guessed;
            report.blank += outcome.blank;
            for ts in outcome.conflicts {
                report.add_conflict(place(ts));
            }
            for ts in outcome.unfit {
                report.add_unfit(place(ts));
            }
        });
    }

    /// Returns the points of a series here, at these times.
    pub(crate) async fn points_here(
        &self,
        key: &str,
        event_type: &str,
        times: &BTreeSet<i64>,
    ) -> store::Result<BTreeMap<i64, Value>> {
        let mut found = BTreeMap::new();
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Ok(found);
        };
        let mut range = TimeRange {
            begin: *first,
            end: Some(*last),
        };
        while let Some(page) = self.page_here(key, event_type, &mut range).await? {
            found.extend(page.into_iter().filter(|(ts, _)| times.contains(ts)));
        }
        Ok(found)
    }

    /// Reads some of a series here, and moves the range behind it; `None` at
    /// the end.
    pub(crate) async fn page_here(
        &self,
        key: &str,
        event_type: &str,
        range: &mut TimeRange,
    ) -> store::Result<Option<Vec<(i64, Value)>>> {
        if range.end.is_some_and(|end| end < range.begin) {
            return Ok(None);
        }
        let page = Page {
            offset: 0,
            limit: PAGE,
        };
        let points = self.store.points(key, event_type, *range, page).await?;
        let Some((last, _)) = points.last() else {
            return Ok(None);
        };
        // What is not full is the end.
        range.begin = if (points.len() as u64) < PAGE {
            i64::MAX
        } else {
            last.saturating_add(1)
        };
        Ok(Some(points))
    }
}
