//! Summaries of a series that two archives know.
//!
//! Points are merged one by one. A summary bucket is a sum, and says nothing of
//! the points in it, some of which may be stored nowhere any more: removed by
//! retention here, there, or in both. So neither is adding two buckets right
//! (points that both hold would count twice), nor always making one anew
//! (removed points would be lost). There are three sums for a
//! window: the stored bucket, that of the file, and what all points that are
//! stored now add up to. **The one that counts most is kept**, the stored one
//! when it counts as much. This
//!
//! - never counts a point twice, since each of the three counts each once;
//! - is right when one of them includes the others: without removed points the
//!   third does, and of two copies of one archive the later one does;
//! - does not depend on the order of imports, changes nothing when repeated, and
//!   completes what an interrupted import left.
//!
//! It is less than everything only for a window of which an archive has removed
//! points, while the other one has points that the first never had. Such a
//! window is reported as kept or replaced.
//!
//! Where points of the file differ from stored ones, which stay, the third is
//! also preferred when it counts as much: it has the values that stayed.
//!
//! Data types that are [code](esmond_ps_store::kinds) have no count that is known
//! here. Such a bucket stays when it is there already; where other points are
//! than the file's, it is made anew if no point of its window was removed.
//!
//! A [fixed](Bucket::Fixed) bucket says how readers saw a summary once, and has
//! no count. It is taken where there is none, gives way to any other, and never
//! takes the place of one.

use std::collections::BTreeMap;

use esmond_ps_model::{Summary, TimeRange};
use esmond_ps_store::{Bucket, Page, Result, Store};

/// Buckets looked at together, and points read together.
const BUCKETS: u64 = 100;
const POINTS: u64 = 1000;

/// Tells whether two buckets are the same in every bit.
pub(crate) fn same(one: &Bucket, other: &Bucket) -> bool {
    // Sums beyond the range of doubles do not equal themselves.
    one == other || one.encode() == other.encode()
}

/// Tells whether a bucket counts more than another one.
pub(crate) fn counts_more(one: &Bucket, other: &Bucket) -> bool {
    match (one, other) {
        (Bucket::Integer { count, .. }, Bucket::Integer { count: n, .. })
        | (Bucket::Float { count, .. }, Bucket::Float { count: n, .. }) => count > n,
        // Each point has a denominator greater than 0.
        (Bucket::Ratio { denominator, .. }, Bucket::Ratio { denominator: n, .. }) => {
            denominator > n
        }
        (Bucket::Histogram(one), Bucket::Histogram(other)) => {
            let total = |counts: &esmond_ps_model::Histogram| -> i128 {
                counts.buckets().map(|(_, count)| i128::from(count)).sum()
            };
            total(one) > total(other)
        }
        (Bucket::Fixed(_), _) => false,
        (_, Bucket::Fixed(_)) => true,
        // Of different kinds: nothing to compare.
        _ => false,
    }
}

/// Finds stored buckets of a window that count less than the points that are
/// stored now.
pub(crate) struct Shortfall<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) key: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) window: i64,
    /// Until when points were removed.
    pub(crate) removed_until: Option<i64>,
    /// Whether some points of the file differ from those that stayed, so that
    /// its buckets count other values.
    pub(crate) conflicts: bool,
}

/// What the points of a window add up to.
enum Sum {
    Of(Option<Bucket>),
    /// They do not fit together.
    Misfits,
}

impl Shortfall<'_> {
    /// Looks at some buckets from the start of `range` on; returns those that
    /// count less than their points, and the range that is left.
    pub(crate) async fn next(&self, range: TimeRange) -> Result<(Vec<i64>, Option<TimeRange>)> {
        let page = Page {
            offset: 0,
            limit: BUCKETS,
        };
        let buckets = self
            .store
            .buckets(self.key, self.event_type, self.window, range, page)
            .await?;
        let (Some((first, _)), Some((last, _))) = (buckets.first(), buckets.last()) else {
            return Ok((Vec::new(), None));
        };
        let end = last.saturating_add(self.window - 1);
        let rest = after(range, *last);
        let mut sums: BTreeMap<i64, Sum> = buckets
            .iter()
            .map(|(start, _)| (*start, Sum::Of(None)))
            .collect();
        self.add_points(
            TimeRange {
                begin: *first,
                end: Some(end),
            },
            &mut sums,
        )
        .await?;
        let short = buckets
            .iter()
            .filter(|(start, bucket)| match sums.get(start) {
                Some(Sum::Of(Some(sum))) => self.is_short(*start, bucket, sum),
                _ => false,
            });
        Ok((short.map(|(start, _)| *start).collect(), rest))
    }

    /// Tells whether a bucket counts less than its points.
    fn is_short(&self, start: i64, bucket: &Bucket, sum: &Bucket) -> bool {
        match bucket {
            // Complete, whatever points there are.
            Bucket::Fixed(_) => false,
            Bucket::Custom { .. } => {
                let removed = self.removed_until.is_some_and(|until| start <= until);
                !removed && !same(sum, bucket)
            }
            _ if self.conflicts => !counts_more(bucket, sum) && !same(sum, bucket),
            _ => counts_more(sum, bucket),
        }
    }

    /// Adds the points of a range to the sums of those windows that are asked
    /// for.
    async fn add_points(&self, range: TimeRange, sums: &mut BTreeMap<i64, Sum>) -> Result<()> {
        let page = Page {
            offset: 0,
            limit: POINTS,
        };
        let mut rest = Some(range);
        while let Some(range) = rest {
            let points = self
                .store
                .points(self.key, self.event_type, range, page)
                .await?;
            for (ts, value) in &points {
                let start = Summary::window_start(self.window, *ts);
                if let Some(sum) = sums.get_mut(&start)
                    && let Sum::Of(bucket) = sum
                    && !Bucket::count(bucket, value)
                {
                    *sum = Sum::Misfits;
                }
            }
            rest = points.last().and_then(|(last, _)| after(range, *last));
        }
        Ok(())
    }
}

/// Returns what is left of a range behind a time.
pub(crate) fn after(range: TimeRange, last: i64) -> Option<TimeRange> {
    let begin = last.checked_add(1)?;
    range
        .end
        .is_none_or(|end| begin <= end)
        .then_some(TimeRange { begin, ..range })
}
