//! Taking over summaries that cannot be computed here.
//!
//! Where the remote archive has all points of a window, so have we, and the
//! store has computed the summaries. Looked at is only the range in which points
//! may be missing, or are not known exactly: a window whose summaries differ
//! there from what is computed here is taken over. So nothing depends on how
//! far an earlier run came.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use esmond_ps_client::model::TimeArguments;
use esmond_ps_client::{Dialect, Pages, RawPoint, Series as Remote};
use esmond_ps_model::registry::StorageClass;
use esmond_ps_model::{Summary, SummaryType, TimeRange};
use esmond_ps_store::view::{self, Source};
use esmond_ps_store::{self as store, Bucket, Page};
use serde_json::Value as Json;

use crate::error::Trouble;
use crate::run::Run;
use crate::series::Series;
use crate::state::{Owed, Progress};
use crate::{text, value};

/// Windows that are compared and stored in one step.
const BATCH: usize = 500;

/// Summaries of one window, by type.
type Values = BTreeMap<SummaryType, Json>;

impl Run<'_> {
    /// Looks at the summaries where points may be missing.
    pub(crate) async fn summaries(
        &self,
        series: &Series<'_>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let Some(mut owed) = progress.owed else {
            return Ok(());
        };
        owed.from = match owed.to {
            Some(to) => owed.from.map(|from| from.min(to)),
            None => owed.from,
        };
        let windows: BTreeSet<i64> = series
            .event_type
            .summaries()
            .map(|(_, window)| window)
            .filter(|window| *window > 0)
            .collect();
        // Else the points before are not gone, but were not asked for.
        let is_whole = progress.from.is_none();
        let mut last_seen: Option<i64> = None;
        let mut is_open = owed.to.is_none();
        let mut unfinished: Option<i64> = None;
        for &window in &windows {
            if let Some(last) = self.window(series, window, owed, is_whole).await? {
                last_seen = Some(last_seen.map_or(last, |seen| seen.min(last)));
            }
            if let Some(to) = owed.to {
                // Its value may still grow: the next run looks again.
                let start = Summary::window_start(window, to);
                let over = start
                    .saturating_add(window)
                    .saturating_add(self.options.overlap);
                if over > self.options.now {
                    unfinished = Some(unfinished.map_or(start, |other: i64| other.min(start)));
                }
            }
        }
        self.per_point(series, owed).await?;
        is_open &= !windows.is_empty();
        progress.owed = match (is_open, unfinished) {
            (true, _) => Some(Owed {
                from: last_seen.or(owed.from),
                to: None,
            }),
            (false, Some(start)) => Some(Owed {
                from: Some(start),
                to: owed.to,
            }),
            (false, None) => None,
        };
        Ok(())
    }

    /// Looks at one window length; returns the start of the last window that
    /// the remote archive has.
    async fn window(
        &self,
        series: &Series<'_>,
        window: i64,
        owed: Owed,
        is_whole: bool,
    ) -> Result<Option<i64>, Trouble> {
        let times = TimeArguments {
            time_start: Some(
                owed.from
                    .map_or(0, |from| Summary::window_start(window, from).max(0)),
            ),
            time_end: owed.to.map(|to| Summary::window_start(window, to)),
            ..TimeArguments::default()
        };
        let mut cursors = Vec::new();
        for remote in series.event_type.all_summaries() {
            if remote.window() == window
                && let Some(summary_type) = remote.summary_type()
                && summary_type != SummaryType::Base
            {
                cursors.push(Cursor {
                    summary_type,
                    pages: Some(remote.pages(&times)?),
                    remote,
                    ready: VecDeque::new(),
                });
            }
        }
        let mut batch = Vec::new();
        let mut last = None;
        loop {
            let mut next: Option<i64> = None;
            for cursor in &mut cursors {
                if let Some(start) = cursor.peek().await? {
                    next = Some(next.map_or(start, |other| other.min(start)));
                }
            }
            let Some(start) = next else { break };
            let mut values = Values::new();
            for cursor in &mut cursors {
                cursor.take(start, &mut values)?;
            }
            last = Some(start);
            batch.push((start, values));
            if batch.len() >= BATCH {
                let some = std::mem::take(&mut batch);
                self.take_over(series, window, owed, is_whole, some).await?;
            }
        }
        self.take_over(series, window, owed, is_whole, batch)
            .await?;
        Ok(last)
    }

    /// Stores those windows that are not what is here.
    async fn take_over(
        &self,
        series: &Series<'_>,
        window: i64,
        owed: Owed,
        is_whole: bool,
        batch: Vec<(i64, Values)>,
    ) -> Result<(), Trouble> {
        let (Some((first, _)), Some((last, _))) = (batch.first(), batch.last()) else {
            return Ok(());
        };
        let here = self.buckets_here(series, window, *first, *last).await?;
        // perfSONAR 5 archives compute summaries from the points that they have,
        // and ours is the better one; ratios aside, whose counts they have.
        let ours_is_better =
            series.dialect == Dialect::PerfSonar5 && series.storage() != StorageClass::Ratio;
        let mut taken = Vec::new();
        let mut computed_again = Vec::new();
        let mut gone_until = None;
        for (start, mut values) in batch {
            let here = here.get(&start);
            let is_right = |bucket: &Bucket| ours_is_better || agrees(bucket, &values);
            let is_fixed = matches!(here, Some(Bucket::Fixed(_)));
            if !is_fixed && here.is_some_and(is_right) {
                continue;
            }
            let own = self.computed(series, window, start).await?;
            if own.as_ref().is_some_and(is_right) {
                computed_again.push(start);
                continue;
            }
            match here {
                None => values.retain(|_, value| !says_nothing(series, value)),
                Some(Bucket::Fixed(old)) => {
                    let mut merged = old.clone();
                    merged.append(&mut values);
                    if merged == *old {
                        continue;
                    }
                    values = merged;
                }
                Some(_) if self.has_own(series, window, owed, start).await? => {
                    let name = text::shown(series.name());
                    let note = format!(
                        "summaries of {name} where this archive has points of its own are not taken over"
                    );
                    self.report(|report| report.note(note));
                    continue;
                }
                Some(_) => {}
            }
            if values.is_empty() {
                continue;
            }
            if is_whole && (here.is_none() || series.storage() != StorageClass::Ratio) {
                gone_until = gone_until.max(Some(start));
            }
            taken.push((start, bucket(series.storage(), values)));
        }
        let (key, name) = (series.local(), series.name());
        if !computed_again.is_empty() {
            let again = || {
                let starts = computed_again.clone();
                self.store.rebuild_buckets(key, name, window, starts)
            };
            self.patiently(again).await?;
        }
        if taken.is_empty() {
            return Ok(());
        }
        let store = || {
            let buckets = taken.clone();
            self.store.restore_buckets(key, name, window, buckets)
        };
        self.patiently(store).await?;
        self.report(|report| report.windows_taken += taken.len() as u64);
        if let Some(gone_until) = gone_until {
            self.note_gone(series, gone_until).await?;
        }
        Ok(())
    }

    /// Says that summaries until then cannot be computed from points.
    async fn note_gone(&self, series: &Series<'_>, until: i64) -> Result<(), Trouble> {
        let mut record = series.record.clone();
        record
            .event_types
            .retain(|entry| entry.name == series.name());
        for entry in &mut record.event_types {
            entry.removed_until = Some(until);
        }
        self.restore(&record).await?;
        Ok(())
    }

    /// Tells whether a window holds points that did not come from the remote
    /// archive: some where it has none now, nor had any when it was read before.
    /// (Where the range is that of ratios, all of them came from there.)
    async fn has_own(
        &self,
        series: &Series<'_>,
        window: i64,
        owed: Owed,
        start: i64,
    ) -> Result<bool, Trouble> {
        if series.storage() == StorageClass::Ratio {
            return Ok(false);
        }
        let last = start.saturating_add(window - 1);
        let after = owed.from.map_or(i64::MIN, |from| from.saturating_add(1));
        let before = owed.to.map_or(i64::MAX, |to| to.saturating_sub(1));
        let mut range = TimeRange {
            begin: start.max(after),
            end: Some(last.min(before)),
        };
        let (key, name) = (series.local(), series.name());
        Ok(self.page_here(key, name, &mut range).await?.is_some())
    }

    /// Returns what the points here of a window add up to.
    async fn computed(
        &self,
        series: &Series<'_>,
        window: i64,
        start: i64,
    ) -> Result<Option<Bucket>, Trouble> {
        let mut range = TimeRange {
            begin: start,
            end: Some(start.saturating_add(window - 1)),
        };
        let mut sum: Option<Bucket> = None;
        let (key, name) = (series.local(), series.name());
        while let Some(points) = self.page_here(key, name, &mut range).await? {
            for (_, point) in points {
                match &mut sum {
                    Some(sum) => {
                        if !sum.add(&point) {
                            return Ok(None);
                        }
                    }
                    None => sum = Bucket::start(&point),
                }
            }
        }
        Ok(sum)
    }

    async fn buckets_here(
        &self,
        series: &Series<'_>,
        window: i64,
        first: i64,
        last: i64,
    ) -> store::Result<BTreeMap<i64, Bucket>> {
        let page = Page {
            offset: 0,
            limit: BATCH as u64,
        };
        let mut range = TimeRange {
            begin: first,
            end: Some(last),
        };
        let mut found = BTreeMap::new();
        let (key, name) = (series.local(), series.name());
        while range.begin <= last {
            let some = self.store.buckets(key, name, window, range, page).await?;
            let Some((newest, _)) = some.last() else {
                break;
            };
            range.begin = newest.saturating_add(1);
            found.extend(some);
        }
        Ok(found)
    }

    /// Says which summaries of single points have lost their points: they are
    /// views of these, and cannot be kept.
    async fn per_point(&self, series: &Series<'_>, owed: Owed) -> Result<(), Trouble> {
        let times = TimeArguments {
            time_start: Some(owed.from.unwrap_or(0).max(0)),
            time_end: owed.to.map(|to| to.saturating_sub(1)),
            ..TimeArguments::default()
        };
        let is_nothing = times
            .time_end
            .is_some_and(|end| Some(end) < times.time_start);
        let has_points = series.event_type.gap(SummaryType::Base).is_none();
        if is_nothing || (series.dialect == Dialect::PerfSonar5 && has_points) {
            return Ok(());
        }
        for remote in series.event_type.all_summaries() {
            if remote.window() != 0 || remote.summary_type() == Some(SummaryType::Base) {
                continue;
            }
            let mut pages = remote.pages(&times)?;
            while let Some(page) = pages.next().await? {
                let asked: BTreeSet<i64> = page.iter().map(RawPoint::ts_epoch).collect();
                let here = self.points_here(series.local(), series.name(), &asked);
                let here = here.await?;
                if asked.iter().any(|ts| !here.contains_key(ts)) {
                    let what = format!(
                        "{} of single points of {} cannot be kept without their points",
                        text::shown(remote.summary_name()),
                        text::shown(series.name())
                    );
                    self.report(|report| report.note(what));
                    break;
                }
            }
        }
        Ok(())
    }
}

/// A summary of the remote archive that is read in step with others.
struct Cursor {
    summary_type: SummaryType,
    remote: Remote,
    /// `None` at the end.
    pages: Option<Pages>,
    ready: VecDeque<RawPoint>,
}

impl Cursor {
    /// Returns the start of the next window.
    async fn peek(&mut self) -> Result<Option<i64>, Trouble> {
        while self.ready.is_empty() {
            let Some(pages) = &mut self.pages else {
                return Ok(None);
            };
            match pages.next().await {
                Ok(Some(page)) => self.ready.extend(page),
                Ok(None) => self.pages = None,
                Err(error) if error.is_not_held() => self.pages = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.ready.front().map(RawPoint::ts_epoch))
    }

    /// Takes the values of a window, if they are next; the first counts.
    fn take(&mut self, start: i64, values: &mut Values) -> Result<(), Trouble> {
        while let Some(point) = self.ready.pop_front_if(|point| point.ts_epoch() == start) {
            let value = point.value()?;
            if !value.is_null() && !self.remote.is_blank(&value) {
                values.entry(self.summary_type).or_insert(value);
            }
        }
        Ok(())
    }
}

/// Tells whether a summary is one of nothing: perfSONAR 5 archives have sums of
/// windows in which every run failed.
fn says_nothing(series: &Series<'_>, value: &Json) -> bool {
    series.dialect == Dialect::PerfSonar5
        && matches!(
            series.storage(),
            StorageClass::Integer | StorageClass::Float
        )
        && value.as_f64() == Some(0.0)
}

/// Tells whether a bucket shows these summaries. A histogram tells all: archives
/// are not right about the statistics of theirs.
fn agrees(bucket: &Bucket, values: &Values) -> bool {
    let shows = |summary_type: SummaryType, value: &Json| {
        value::equal(&view::summary(summary_type, Source::Bucket(bucket)), value)
    };
    if let (Bucket::Histogram(_), Some(counts)) = (bucket, values.get(&SummaryType::Aggregation)) {
        return shows(SummaryType::Aggregation, counts);
    }
    values
        .iter()
        .all(|(summary_type, value)| shows(*summary_type, value))
}

/// Returns summaries as a bucket: a real one where they tell all of it.
fn bucket(storage: StorageClass, values: Values) -> Bucket {
    if storage == StorageClass::Histogram
        && let Some(counts) = values.get(&SummaryType::Aggregation)
        && let Some(histogram) = value::histogram(counts)
    {
        return Bucket::Histogram(histogram);
    }
    Bucket::Fixed(values)
}
