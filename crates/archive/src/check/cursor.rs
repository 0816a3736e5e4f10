//! The summaries of one window of a series, beside its points.

use std::collections::VecDeque;

use esmond_ps_model::{Summary, TimeRange};
use esmond_ps_store::{Bucket, Result, Value};

use super::compare::Sum;
use super::{Series, after};

/// Summaries read at a time.
const BUCKETS: u64 = 200;

/// A way through the stored summaries of a window, and through the sums of the
/// points, both in order of time.
pub(super) struct Cursor {
    /// In seconds.
    pub(super) window: i64,
    /// The first start of a window that has all its points.
    begin: i64,
    /// Until when summaries may have gone.
    let_go: Option<i64>,
    page: VecDeque<(i64, Bucket)>,
    rest: Option<TimeRange>,
    begun: bool,
    current: Option<Window>,
}

/// What the points of a window add up to.
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) sum: Sum,
}

impl Cursor {
    pub(super) fn new(window: i64, begin: i64, let_go: Option<i64>) -> Self {
        Self {
            window,
            begin,
            let_go,
            page: VecDeque::new(),
            rest: Some(TimeRange { begin, end: None }),
            begun: false,
            current: None,
        }
    }

    /// Takes the next point. Returns the window before its own when that one has
    /// all its points now.
    pub(super) fn add(&mut self, ts: i64, value: &Value) -> Option<Window> {
        let start = Summary::window_start(self.window, ts);
        if start < self.begin {
            return None;
        }
        let finished = match &mut self.current {
            Some(current) if current.start == start => {
                current.sum.add(value);
                return None;
            }
            current => current.take(),
        };
        let mut sum = Sum::NOTHING;
        sum.add(value);
        self.current = Some(Window { start, sum });
        finished
    }

    /// Returns the last window.
    pub(super) fn finish(&mut self) -> Option<Window> {
        self.current.take()
    }

    /// Returns the next stored summary that starts until `end`, or any.
    pub(super) async fn next_until(
        &mut self,
        series: &Series<'_>,
        end: Option<i64>,
    ) -> Result<Option<(i64, Bucket)>> {
        if self.page.is_empty()
            && let Some(range) = self.rest
        {
            let page = series.buckets(self.window, range, BUCKETS).await?;
            self.rest = page.last().and_then(|(last, _)| after(range, *last));
            self.page = page.into();
        }
        let next = self
            .page
            .pop_front_if(|(start, _)| end.is_none_or(|end| *start <= end));
        self.begun |= next.is_some();
        Ok(next)
    }

    /// Tells whether points that start here cannot be without their summary:
    /// one was returned before, and it is too new to have gone.
    pub(super) fn must_have(&self, start: i64) -> bool {
        self.begun && self.let_go.is_none_or(|until| start > until)
    }
}
