//! Reading a series a page at a time.

use esmond_ps_model::TimeArguments;

use http::StatusCode;

use crate::walk::Walk;
use crate::{Dialect, Error, RawPoint, Result, Series};

/// The pages of a range of a series; made by [`Series::pages`].
///
/// Nothing is asked for before [`next`](Self::next) is called, so whoever calls
/// it while the page before is still being worked on decides how much is held.
#[derive(Debug)]
pub struct Pages {
    series: Series,
    walk: Walk<RawPoint>,
    requests: u64,
    has_begun: bool,
}

impl Pages {
    pub(crate) fn new(series: Series, times: &TimeArguments) -> Result<Self> {
        let walk = Walk::new(series.plan(times)?);
        Ok(Self {
            series,
            walk,
            requests: 0,
            has_begun: false,
        })
    }

    /// Reads the next page: points that are certain, ascending in time, later
    /// than all points before (or in the same second, where several share
    /// one). A page may be empty. `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`Series::points`]. After an error the rest is not known; another call asks for
    /// the same page again.
    pub async fn next(&mut self) -> Result<Option<Vec<RawPoint>>> {
        let archive = self.series.event_type().test().archive();
        let uri = self.series.uri();
        let (points, size) = loop {
            let Some(page) = self.walk.next_page() else {
                return Ok(None);
            };
            let answer = archive.points_page(uri, page, &mut self.requests).await;
            match answer {
                // The archive is asked for less, as long as there is less.
                Err(Error::TooLarge { .. }) if self.walk.shrink() => {}
                Err(error) => return Err(self.judge(error)),
                Ok(answer) => break answer,
            }
        };
        if self.walk.is_endless() {
            let url = archive.address().resolve(uri)?;
            return Err(Error::Endless {
                url: url.into(),
                reason: "more than 100000 of them were not full",
            });
        }
        self.has_begun = true;
        self.walk.weigh(points.len(), size);
        Ok(Some(self.walk.accept(points)))
    }

    /// Says what an error of a page means: nothing is wrong with what is asked
    /// for first, so a perfSONAR 5 archive that refuses it does not know the
    /// series.
    fn judge(&self, error: Error) -> Error {
        let dialect = self.series.event_type().test().dialect();
        match error {
            Error::Status {
                url,
                status: StatusCode::BAD_REQUEST,
                message,
            } if dialect == Dialect::PerfSonar5 && !self.has_begun => {
                Error::NotHeld { url, message }
            }
            error => error,
        }
    }

    /// Returns how many requests have been sent, repeated ones included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }
}
