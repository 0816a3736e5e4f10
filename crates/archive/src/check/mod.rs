//! Whether an archive is whole: what the store can tell by itself, and whether
//! each summary is what its base points add up to.
//!
//! Nothing is changed. A summary that seems wrong is looked at again, so that
//! measurement hosts may write and retention may remove meanwhile. A run of
//! `import` or `mirror` may not: until it ends, summaries lag behind the points.
//!
//! Not compared are windows of which points were removed, and summaries that were
//! taken over from another archive: nothing is known that they could be compared
//! with. A window before the first stored one of its series may have lost its
//! summary to retention, and needs none; so may one that is as old as the
//! policies say, of which a point may have come late and brought its own back.
//!
//! In memory are one page of records and one page of points, and for each window
//! of a series one page of summaries. Of problems, there are counts.

mod compare;
mod cursor;
mod problems;

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;
use esmond_ps_cli_common::report::chain;
use esmond_ps_model::TimeRange;
use esmond_ps_retention::Policies;
use esmond_ps_store::{
    self as store, Bucket, Error, EventTypeRecord, Page, Record, Search, Store, Value, kinds,
};
use serde::Serialize;

use crate::commands::plural;
use compare::{Sum, same};
use cursor::{Cursor, Window};
use problems::Kind;
pub(crate) use problems::{Kinds, Listing};

const RECORDS: u64 = 100;
const POINTS: u64 = 1000;

/// How often a window is looked at that changes all the time.
const ATTEMPTS: u32 = 20;

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Checked {
    /// Metadata records.
    pub(crate) records: u64,
    /// Base points that summaries were computed from.
    pub(crate) points: u64,
    /// Windows whose summaries were compared with their points.
    pub(crate) windows: u64,
    /// Windows whose summaries were taken over as they are.
    pub(crate) taken_over: u64,
    /// Windows that cannot be compared: they changed whenever they were looked
    /// at, or their data type is one that this build does not have.
    pub(crate) not_compared: u64,
    /// Problems.
    pub(crate) problems: u64,
    /// The same by what is wrong.
    pub(crate) kinds: Kinds,
}

/// One line.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = plural(self.windows, "window", "windows");
        write!(
            f,
            "{}, {}, {window} of summaries",
            plural(self.records, "record", "records"),
            plural(self.points, "point", "points"),
        )?;
        for (count, what) in [
            (self.taken_over, "taken over"),
            (self.not_compared, "not compared"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        match self.problems {
            0 => f.write_str(": no problems"),
            count => {
                let problems = plural(count, "problem", "problems");
                write!(f, ": {problems} ({})", self.kinds)
            }
        }
    }
}

/// A check under way. `P` gets the [problems that are told](problems), a line
/// at a time; `S` what was looked at so far.
pub(crate) struct Check<'a, P, S> {
    pub(crate) store: &'a dyn Store,
    /// What may be gone of summaries, and the time from which that is counted;
    /// none when nobody says.
    pub(crate) policies: Option<(&'a Policies, i64)>,
    pub(crate) checked: Checked,
    pub(crate) listing: Listing,
    pub(crate) on_problem: P,
    pub(crate) on_progress: S,
}

impl<P, S> Check<'_, P, S>
where
    P: FnMut(&str) -> Result<()>,
    S: FnMut(&Checked),
{
    /// Looks at everything. Fails when a problem cannot be told.
    pub(crate) async fn run(&mut self) -> Result<()> {
        self.everything().await?;
        for line in self.listing.end() {
            (self.on_problem)(&line)?;
        }
        Ok(())
    }

    async fn everything(&mut self) -> Result<()> {
        match self.store.verify().await {
            Ok(problems) => {
                for problem in problems {
                    self.problem(&problem)?;
                }
            }
            Err(error) => self.problem(&chain(&error))?,
        }
        let page = Page {
            offset: 0,
            limit: RECORDS,
        };
        let everything = Search::default();
        let mut after = String::new();
        loop {
            let found = self.store.search(&everything, Some(&after), page);
            let records = match found.await {
                Ok(records) => records,
                Err(error) => {
                    let problem = format!("records after {after:?}: {}", chain(&error));
                    return self.problem(&problem);
                }
            };
            let Some(last) = records.last() else {
                return Ok(());
            };
            after.clone_from(&last.key);
            for record in &records {
                for entry in &record.event_types {
                    self.event_type(record, entry).await?;
                }
                self.checked.records += 1;
                (self.on_progress)(&self.checked);
            }
        }
    }

    fn problem(&mut self, text: &str) -> Result<()> {
        // The store's own lines may be several at once.
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.count(Kind::Damage);
            if self.listing.tells(Kind::Damage) {
                (self.on_problem)(line)?;
            }
        }
        Ok(())
    }

    const fn count(&mut self, kind: Kind) {
        self.checked.problems += 1;
        self.checked.kinds.add(kind);
    }

    /// Compares the summaries of an event type with its points. What cannot be
    /// read is a problem, and the others are looked at all the same.
    async fn event_type(&mut self, record: &Record, entry: &EventTypeRecord) -> Result<()> {
        let series = Series {
            store: self.store,
            record,
            entry,
        };
        match self.compare(&series).await {
            Err(error) if error.is::<Error>() => {
                let problem = chain(error.as_ref());
                self.problem(&format!("{} {}: {problem}", record.key, entry.name))?;
            }
            other => other?,
        }
        for (kind, line) in self.listing.end_series() {
            let what = kind.text();
            (self.on_problem)(&format!("{} {} {line}: {what}", record.key, entry.name))?;
        }
        Ok(())
    }

    async fn compare(&mut self, series: &Series<'_>) -> Result<()> {
        let summaries = series.entry.summaries.iter();
        let windows: BTreeSet<i64> = summaries
            .map(|summary| summary.window)
            .filter(|window| *window > 0)
            .collect();
        let begin = match series.entry.removed_until {
            None => i64::MIN,
            Some(i64::MAX) => return Ok(()),
            Some(until) => until + 1,
        };
        if windows.is_empty() {
            return Ok(());
        }
        let cursors = windows.into_iter().map(|window| {
            let let_go = self
                .policies
                .and_then(|(policies, now)| policies.let_go(series.entry, window, now));
            Cursor::new(window, begin, let_go)
        });
        let mut cursors: Vec<Cursor> = cursors.collect();
        let mut rest = Some(TimeRange { begin, end: None });
        while let Some(range) = rest {
            let points = series.points(range).await?;
            for (ts, value) in &points {
                for cursor in &mut cursors {
                    if let Some(finished) = cursor.add(*ts, value) {
                        self.settle(series, cursor, Some(finished)).await?;
                    }
                }
            }
            self.checked.points += points.len() as u64;
            (self.on_progress)(&self.checked);
            rest = points.last().and_then(|(last, _)| after(range, *last));
        }
        for cursor in &mut cursors {
            if let Some(finished) = cursor.finish() {
                self.settle(series, cursor, Some(finished)).await?;
            }
            self.settle(series, cursor, None).await?;
        }
        Ok(())
    }

    /// Compares a window whose points are all known with what is stored, after
    /// those before it, which have no points; without a window, the rest.
    async fn settle(
        &mut self,
        series: &Series<'_>,
        cursor: &mut Cursor,
        finished: Option<Window>,
    ) -> Result<()> {
        let end = finished.as_ref().map(|window| window.start);
        let window = cursor.window;
        while let Some((start, bucket)) = cursor.next_until(series, end).await? {
            let sum = match &finished {
                Some(finished) if finished.start == start => &finished.sum,
                _ => &Sum::NOTHING,
            };
            self.look(series, window, start, Some(&bucket), sum).await?;
            if Some(start) == end {
                return Ok(());
            }
        }
        match finished {
            Some(Window { start, sum }) if cursor.must_have(start) => {
                self.look(series, window, start, None, &sum).await
            }
            _ => Ok(()),
        }
    }

    /// Compares one window; looks again before it is called wrong.
    async fn look(
        &mut self,
        series: &Series<'_>,
        window: i64,
        start: i64,
        bucket: Option<&Bucket>,
        sum: &Sum,
    ) -> Result<()> {
        let verdict = match verdict(bucket, sum) {
            Verdict::Wrong(..) => series.look_again(window, start).await?,
            other => other,
        };
        match verdict {
            Verdict::Right => self.checked.windows += 1,
            Verdict::TakenOver => self.checked.taken_over += 1,
            Verdict::Unknown => self.checked.not_compared += 1,
            Verdict::Gone => {}
            Verdict::Wrong(kind, detail) => {
                self.checked.windows += 1;
                self.count(kind);
                if self.listing.tells_of_window(kind, window, start) {
                    let Series { record, entry, .. } = series;
                    let what = detail.as_deref().unwrap_or(kind.text());
                    (self.on_problem)(&format!(
                        "{} {} window {window} at {start}: {what}",
                        record.key, entry.name
                    ))?;
                }
            }
        }
        Ok(())
    }
}

/// What a comparison says.
enum Verdict {
    Right,
    TakenOver,
    /// There is nothing to compare.
    Unknown,
    /// Points or summary were removed meanwhile.
    Gone,
    /// With more than the kind says.
    Wrong(Kind, Option<String>),
}

fn verdict(bucket: Option<&Bucket>, sum: &Sum) -> Verdict {
    match (bucket, sum) {
        (Some(Bucket::Fixed(_)), _) => Verdict::TakenOver,
        (_, Sum::Unknown) => Verdict::Unknown,
        (Some(Bucket::Custom { kind, .. }), _) if kinds::find(kind).is_none() => Verdict::Unknown,
        (_, Sum::Misfits) => Verdict::Wrong(Kind::Mixed, None),
        (None, Sum::Of(None)) => Verdict::Right,
        (None, Sum::Of(Some(_))) => Verdict::Wrong(Kind::Missing, None),
        (Some(_), Sum::Of(None)) => Verdict::Wrong(Kind::WithoutPoints, None),
        (Some(stored), Sum::Of(Some(sum))) if same(stored, sum) => Verdict::Right,
        (Some(stored), Sum::Of(Some(sum))) => {
            let (stored, sum) = (compare::shown(stored), compare::shown(sum));
            let detail = format!("the summary is {stored}, its points add up to {sum}");
            Verdict::Wrong(Kind::Different, Some(detail))
        }
    }
}

/// An event type of a record.
struct Series<'a> {
    store: &'a dyn Store,
    record: &'a Record,
    entry: &'a EventTypeRecord,
}

impl Series<'_> {
    async fn points(&self, range: TimeRange) -> store::Result<Vec<(i64, Value)>> {
        let page = Page {
            offset: 0,
            limit: POINTS,
        };
        let Self { record, entry, .. } = self;
        self.store
            .points(&record.key, &entry.name, range, page)
            .await
    }

    async fn buckets(
        &self,
        window: i64,
        range: TimeRange,
        limit: u64,
    ) -> store::Result<Vec<(i64, Bucket)>> {
        let page = Page { offset: 0, limit };
        let Self { record, entry, .. } = self;
        self.store
            .buckets(&record.key, &entry.name, window, range, page)
            .await
    }

    /// Compares a window until nothing changes meanwhile.
    async fn look_again(&self, window: i64, start: i64) -> store::Result<Verdict> {
        let only = TimeRange {
            begin: start,
            end: Some(start),
        };
        for _ in 0..ATTEMPTS {
            let before = self.buckets(window, only, 1).await?;
            let sum = self.sum(window, start).await?;
            if !unchanged(&before, &self.buckets(window, only, 1).await?) {
                continue;
            }
            // Asked last, as points may have been removed until now.
            let record = self.store.record(&self.record.key).await?;
            let entry = record
                .as_ref()
                .and_then(|record| record.event_type(&self.entry.name));
            if entry.is_none_or(|entry| entry.removed_until >= Some(start)) {
                return Ok(Verdict::Gone);
            }
            let bucket = before.first().map(|(_, bucket)| bucket);
            if bucket.is_none() && !self.begins_before(window, start).await? {
                return Ok(Verdict::Gone);
            }
            return Ok(verdict(bucket, &sum));
        }
        Ok(Verdict::Unknown)
    }

    /// Tells whether there is a summary before this one.
    async fn begins_before(&self, window: i64, start: i64) -> store::Result<bool> {
        let all = TimeRange {
            begin: i64::MIN,
            end: None,
        };
        let first = self.buckets(window, all, 1).await?;
        Ok(first.first().is_some_and(|(first, _)| *first < start))
    }

    /// Adds up the points of a window.
    async fn sum(&self, window: i64, start: i64) -> store::Result<Sum> {
        let mut sum = Sum::NOTHING;
        let mut rest = Some(TimeRange {
            begin: start,
            end: Some(start.saturating_add(window - 1)),
        });
        while let Some(range) = rest {
            let points = self.points(range).await?;
            for (_, value) in &points {
                sum.add(value);
            }
            rest = points.last().and_then(|(last, _)| after(range, *last));
        }
        Ok(sum)
    }
}

fn unchanged(before: &[(i64, Bucket)], now: &[(i64, Bucket)]) -> bool {
    let text = |buckets: &[(i64, Bucket)]| buckets.first().map(|(_, bucket)| bucket.encode());
    text(before) == text(now)
}

/// Returns what is left of a range behind a time.
fn after(range: TimeRange, last: i64) -> Option<TimeRange> {
    let begin = last.checked_add(1)?;
    let is_left = range.end.is_none_or(|end| begin <= end);
    is_left.then_some(TimeRange { begin, ..range })
}
