//! Storing the data of one event type.

use std::collections::BTreeMap;

use esmond_ps_model::{Summary, TimeRange};
use esmond_ps_store::{Bucket, Page, Store, Value};

use super::Run;
use crate::error::store as store_error;
use crate::format::LINE_ITEMS;
use crate::merge::{Shortfall, after, counts_more, same};
use crate::report::PointName;
use crate::{Error, Report, Result};

impl<P, S> Run<'_, '_, P, S>
where
    P: FnMut(&Report) + Send,
    S: Future<Output = ()> + Send,
{
    pub(super) async fn points(&mut self, event_type: &str, points: &[(i64, Value)]) -> Result<()> {
        let (Some(target), Some(series)) = (&self.target, &mut self.series) else {
            return Ok(());
        };
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
            return Ok(());
        };
        series.points += points.len() as u64;
        series.cover(*first, *last);
        let key = &target.key;
        let range = TimeRange {
            begin: *first,
            end: Some(*last),
        };
        let count = || self.store.count_points(key, event_type, range);
        let before = count()
            .await
            .map_err(store_error("counting points of", key))?;
        let outcome = self
            .stop
            .write(|| self.store.restore_points(key, event_type, points.to_vec()))
            .await
            .map_err(store_error("storing points of", key))?
            .ok_or(Error::Stopped)?;
        series.conflicts |= !outcome.conflicts.is_empty();
        let accepted = (points.len() - outcome.conflicts.len().min(points.len())) as u64;
        let new = if before == 0 {
            accepted
        } else {
            let now = count()
                .await
                .map_err(store_error("counting points of", key))?;
            now.saturating_sub(before).min(accepted)
        };
        self.report.points_new += new;
        self.report.points_there += accepted - new;
        for conflict in outcome.conflicts {
            self.report.add_conflict(PointName {
                metadata_key: key.clone(),
                event_type: conflict.event_type,
                ts: conflict.ts,
            });
        }
        Ok(())
    }

    pub(super) async fn buckets(
        &mut self,
        event_type: &str,
        window: i64,
        buckets: &[(i64, Bucket)],
    ) -> Result<()> {
        let (Some(target), Some(series)) = (&mut self.target, &mut self.series) else {
            return Ok(());
        };
        let (Some((first, _)), Some((last, _))) = (buckets.first(), buckets.last()) else {
            return Ok(());
        };
        series.cover(*first, last.saturating_add(window - 1));
        let windows = target.windows.entry(event_type.to_owned()).or_default();
        windows.insert(window);
        let key = &target.key;
        let range = TimeRange {
            begin: *first,
            end: Some(*last),
        };
        let stored = stored(self.store, key, event_type, window, range, buckets).await;
        let stored = stored.map_err(store_error("reading summaries of", key))?;
        let report = &mut self.report;
        let (mut new, mut replaced) = (0, 0);
        let mut taken = Vec::new();
        for (start, bucket) in buckets {
            match stored.get(start) {
                None => new += 1,
                Some(there) if same(there, bucket) => {
                    report.buckets_there += 1;
                    continue;
                }
                Some(there) if counts_more(bucket, there) => replaced += 1,
                Some(_) => {
                    report.buckets_kept += 1;
                    continue;
                }
            }
            taken.push((*start, bucket.clone()));
        }
        if !taken.is_empty() {
            self.stop
                .write(|| {
                    self.store
                        .restore_buckets(key, event_type, window, taken.clone())
                })
                .await
                .map_err(store_error("storing summaries of", key))?
                .ok_or(Error::Stopped)?;
        }
        self.report.buckets_new += new;
        self.report.buckets_replaced += replaced;
        Ok(())
    }

    /// Makes those buckets anew that count less than the points that are there
    /// now.
    pub(super) async fn end_series(&mut self) -> Result<()> {
        let (Some(target), Some(series)) = (&self.target, self.series.take()) else {
            return Ok(());
        };
        let Some((first, last)) = series.times else {
            return Ok(());
        };
        let (key, event_type) = (&target.key, &series.event_type);
        for &window in target.windows.get(event_type).into_iter().flatten() {
            let range = TimeRange {
                begin: Summary::window_start(window, first),
                end: Some(Summary::window_start(window, last).saturating_add(window - 1)),
            };
            // Where no others are, the file's buckets count all points.
            let count = self.store.count_points(key, event_type, range).await;
            let count = count.map_err(store_error("counting points of", key))?;
            if count <= series.points && !series.conflicts {
                continue;
            }
            let shortfall = Shortfall {
                store: self.store,
                key,
                event_type,
                window,
                removed_until: target.removed_until.get(event_type).copied(),
                conflicts: series.conflicts,
            };
            let mut rest = Some(range);
            while let Some(range) = rest {
                let (starts, left) = shortfall
                    .next(range)
                    .await
                    .map_err(store_error("comparing summaries of", key))?;
                rest = left;
                if !starts.is_empty() {
                    let rebuild = || {
                        let starts = starts.clone();
                        self.store.rebuild_buckets(key, event_type, window, starts)
                    };
                    self.stop
                        .write(rebuild)
                        .await
                        .map_err(store_error("storing summaries of", key))?
                        .ok_or(Error::Stopped)?;
                    self.report.buckets_rebuilt += starts.len() as u64;
                    (self.on_progress)(&self.report);
                }
                if self.stop.told_after_others().await {
                    return Err(Error::Stopped);
                }
            }
        }
        Ok(())
    }
}

/// Returns those stored buckets that some of a file are for.
async fn stored(
    store: &dyn Store,
    key: &str,
    event_type: &str,
    window: i64,
    range: TimeRange,
    buckets: &[(i64, Bucket)],
) -> esmond_ps_store::Result<BTreeMap<i64, Bucket>> {
    let page = Page {
        offset: 0,
        limit: LINE_ITEMS as u64,
    };
    let mut found = BTreeMap::new();
    let mut rest = Some(range);
    while let Some(range) = rest {
        let some = store.buckets(key, event_type, window, range, page).await?;
        rest = some.last().and_then(|(last, _)| after(range, *last));
        for (start, bucket) in some {
            if buckets
                .binary_search_by_key(&start, |(start, _)| *start)
                .is_ok()
            {
                found.insert(start, bucket);
            }
        }
    }
    Ok(found)
}
