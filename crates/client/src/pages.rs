//! Reading a series a page at a time.

use esmond_ps_model::TimeArguments;

use crate::walk::Walk;
use crate::{RawPoint, Result, Series};

/// The pages of a range of a series; made by [`Series::pages`].
///
/// Nothing is asked for before [`next`](Self::next) is called, so whoever calls
/// it while the page before is still being worked on decides how much is held.
#[derive(Debug)]
pub struct Pages {
    series: Series,
    walk: Walk<RawPoint>,
    requests: u64,
}

impl Pages {
    pub(crate) fn new(series: Series, times: &TimeArguments) -> Result<Self> {
        let walk = Walk::new(series.plan(times)?);
        Ok(Self {
            series,
            walk,
            requests: 0,
        })
    }

    /// Reads the next page: points that are certain, ascending in time, later
    /// than all points before (or in the same second, where several share
    /// one). A page may be empty. `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`Series::points`]. After an error the rest is not known.
    pub async fn next(&mut self) -> Result<Option<Vec<RawPoint>>> {
        let Some(page) = self.walk.next_page() else {
            return Ok(None);
        };
        let archive = self.series.event_type().test().archive();
        let uri = self.series.uri();
        let answer = archive.points_page(uri, page, &mut self.requests).await;
        let (points, size) = answer?;
        self.walk.weigh(points.len(), size);
        Ok(Some(self.walk.accept(points)))
    }

    /// Returns how many requests have been sent, repeated ones included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }
}
