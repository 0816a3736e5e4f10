//! A series of points, and reading it.

use esmond_ps_model::{DataType, SummaryType, TimeArguments};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt};
use serde_json::Value;

use crate::archive::{flatten, now};
use crate::gap::{self, Gap, GapKind};
use crate::point::{DataPayload, DataPoint};
use crate::walk::Plan;
use crate::{Dialect, EventType, Pages, Result};

/// How far past now an open range still reaches, in seconds, as on the
/// archives: clocks of measurement hosts may be ahead.
const AHEAD: i64 = 3600;

/// A series of points: those of an event type as posted, or one derived from
/// them. In the original library these are `EventType` and `Summary`.
#[derive(Debug, Clone)]
pub struct Series {
    event_type: EventType,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Base,
    /// Index of an entry of the event type.
    Summary(usize),
}

impl Series {
    pub(crate) fn new(event_type: EventType, kind: Kind) -> Self {
        Self { event_type, kind }
    }

    /// Returns the event type.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// Returns the address of the series, as the archive gave it.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self.kind {
            Kind::Base => self.event_type.base_uri(),
            Kind::Summary(index) => &self.event_type.entry().summaries[index].uri,
        }
    }

    /// Returns the kind of series, singular, such as `average`; `base` for the
    /// points as posted (`summary_type`).
    #[must_use]
    pub fn summary_name(&self) -> &str {
        match self.kind {
            Kind::Base => SummaryType::Base.name(),
            Kind::Summary(index) => &self.event_type.entry().summaries[index].summary_type,
        }
    }

    /// Returns the kind of series; `None` for one that is not known.
    #[must_use]
    pub fn summary_type(&self) -> Option<SummaryType> {
        SummaryType::from_name(self.summary_name())
    }

    /// Returns the window in seconds; 0 for one value per point
    /// (`summary_window`).
    #[must_use]
    pub fn window(&self) -> i64 {
        match self.kind {
            Kind::Base => 0,
            Kind::Summary(index) => self.event_type.entry().summaries[index].summary_window,
        }
    }

    /// Returns the type of the event type's values (`data_type`).
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.event_type.data_type()
    }

    /// Returns what the archive is known not to hold of this series, although
    /// it lists it.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.event_type.gap(self.summary_type()?)
    }

    /// Tells whether nothing is in a value of this series, though the archive
    /// answers it: perfSONAR 5 archives answer `[]`, `[null, null]`, statistics
    /// that are all null, and sums of what they do not hold, which are 0.
    /// Values of classic archives are what was posted, never blank.
    #[must_use]
    pub fn is_blank(&self, value: &Value) -> bool {
        if self.event_type.test().dialect() == Dialect::Classic {
            return false;
        }
        let sums_nothing = || {
            self.window() > 0
                && self
                    .gap()
                    .is_some_and(|gap| gap.kind == GapKind::EmptyValues)
        };
        gap::is_empty(value) || (gap::is_zero(value) && sums_nothing())
    }

    /// Reads the points of a range, ascending in time, whole however large it
    /// is and whichever kind of archive answers.
    ///
    /// Pages are read as the stream is, and a page is all that is held. The
    /// stream ends with the first error; what it gave before is right.
    ///
    /// DIFFERENCE: the summaries of perfSONAR 5 archives are computed from the
    /// runs of the range. There, the range is rounded to whole windows (those that start
    /// within it), so that no value is one of half a window.
    ///
    /// # Limits
    ///
    /// perfSONAR 5 archives leave out runs without a value after counting them.
    /// More than 10 000 of these in a row can hide what follows, if they lie
    /// closer than expected: than half the smallest distance seen so far; before
    /// that is known, 10 000 of them within a day, or within a 64th of a longer
    /// range. From 320 000 on they are expected to lie less and less close.
    ///
    /// # Errors
    ///
    /// [`Error::Time`](crate::Error::Time) for a range that ends before it
    /// begins, [`ForeignAddress`](crate::Error::ForeignAddress) for a series
    /// that is not on the archive, [`NotHeld`](crate::Error::NotHeld) for one
    /// that a perfSONAR 5 archive lists and refuses, or any [`Error`](crate::Error) of reading.
    pub fn points(&self, times: &TimeArguments) -> BoxStream<'static, Result<DataPoint>> {
        let pages = stream::try_unfold(self.pages(times), |pages| async move {
            let mut pages = pages?;
            let page = pages.next().await?;
            Ok(page.map(|page| (page, Ok(pages))))
        });
        // One after the other: values may be many times larger than their text.
        let (data_type, summary_type) = (self.data_type(), self.summary_type());
        stream::try_unfold(flatten(pages), move |mut points| async move {
            let Some(point) = points.try_next().await? else {
                return Ok(None);
            };
            Ok(Some((point.typed(data_type, summary_type)?, points)))
        })
        .boxed()
    }

    /// Reads the points of a range a page at a time, values unparsed: the same
    /// points as [`points`](Self::points), for programs that copy many of them.
    ///
    /// # Errors
    ///
    /// [`Error::Time`](crate::Error::Time) for a range that ends before it
    /// begins.
    pub fn pages(&self, times: &TimeArguments) -> Result<Pages> {
        Pages::new(self.clone(), times)
    }

    /// Reads all points of a range into memory (`get_data`); prefer
    /// [`points`](Self::points) where there may be many.
    ///
    /// # Errors
    ///
    /// As [`points`](Self::points); then none are returned.
    pub async fn payload(&self, times: &TimeArguments) -> Result<DataPayload> {
        Ok(DataPayload {
            data_type: self.data_type(),
            data: self.points(times).try_collect().await?,
        })
    }

    pub(crate) fn plan(&self, times: &TimeArguments) -> Result<Plan> {
        let now = now();
        let texts = times.to_query();
        let argument = |name: &str| {
            let (_, text) = texts.iter().find(|(known, _)| *known == name)?;
            Some(text.as_str())
        };
        let range = TimeArguments::resolve(argument, now)?;
        let has_begin = times
            .time
            .or(times.time_start)
            .or(times.time_range)
            .is_some();
        let mut begin = range.map(|range| range.begin).filter(|_| has_begin);
        let mut end = range.and_then(|range| range.end);

        let is_perfsonar_5 = self.event_type.test().dialect() == Dialect::PerfSonar5;
        let window = self.window();
        if is_perfsonar_5 && window > 0 {
            begin = begin.map(|begin| next_window(begin, window));
            end = end.map(|end| end_of_window(end, window));
        }
        let page_size = self.event_type.test().archive().page_size();
        let horizon = now.saturating_add(AHEAD);
        let last = end.map_or(horizon, |end| end.min(horizon));
        let length = begin.map_or(0, |begin| last.saturating_sub(begin));
        Ok(Plan {
            begin,
            end,
            page_size,
            piece: (is_perfsonar_5 && window > 0).then(|| piece(window, page_size, length)),
            filters_after_limit: is_perfsonar_5 && window <= 0,
            horizon,
        })
    }
}

/// Most pieces of a range that is asked for in pieces: an archive is not to be
/// flooded for a series that is nearly empty.
const MOST_PIECES: i64 = 64;

/// Returns how much to ask for at a time of a summary that comes whole, in
/// seconds: a page of windows, or more where the range is very long.
fn piece(window: i64, page_size: u64, length: i64) -> i64 {
    let page = i64::try_from(page_size).unwrap_or(i64::MAX);
    let windows = page.max(length / MOST_PIECES / window + 1);
    window.saturating_mul(windows)
}

/// Returns the first start of a window at `ts` or later.
fn next_window(ts: i64, window: i64) -> i64 {
    match ts.rem_euclid(window) {
        0 => ts,
        inside => ts.saturating_add(window - inside),
    }
}

/// Returns the last second of the window that holds `ts`.
fn end_of_window(ts: i64, window: i64) -> i64 {
    ts.saturating_add(window - 1 - ts.rem_euclid(window))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_has_larger_pieces_rather_than_more() {
        assert_eq!(piece(300, 1000, 86_400), 300_000);
        let ten_years = 3650 * 86_400;
        let pieces = ten_years / piece(300, 1000, ten_years) + 1;
        assert!(pieces <= 64, "{pieces}");
        assert_eq!(piece(300, 1000, ten_years) % 300, 0);
    }

    #[test]
    fn a_range_is_rounded_to_the_windows_that_start_within_it() {
        assert_eq!(next_window(600, 300), 600);
        assert_eq!(next_window(601, 300), 900);
        assert_eq!(next_window(-1, 300), 0);
        assert_eq!(end_of_window(600, 300), 899);
        assert_eq!(end_of_window(899, 300), 899);
        assert_eq!(end_of_window(-1, 300), -1);
    }
}
