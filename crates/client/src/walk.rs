//! Reading a series to its end, page by page.
//!
//! The next page starts at the last second of the one before, inclusive, and
//! replaces that second: several points may share it, and a page may end
//! between them. The end is where an answer brings nothing newer.
//!
//! perfSONAR 5 archives count runs against the limit of a page and leave out
//! those without a value afterwards, so there a short or even an empty page may
//! have more behind it. Such a page is followed by questions with the largest
//! limit, over windows of time that are small enough to see all of their runs.
//!
//! DIFFERENCE: the original library takes a page of fewer than 1000 points for
//! the end, and goes on one second after the last point; it loses points on
//! perfSONAR 5 archives, and wherever several share a second.
//!
//! Their summaries come whole, whatever the limit. So that a long range is no
//! huge answer, it is asked for in pieces.
//!
//! Pure: what to ask next, and what to make of the answer.

use crate::limits;
use crate::request::PointsPage;

/// What has a time: all that a walk looks at.
pub(crate) trait Timed {
    /// Unix time in seconds.
    fn ts(&self) -> i64;
}

/// Largest page that is aimed at, in bytes.
const TARGET: u64 = 1 << 20;

/// The largest limit that perfSONAR 5 archives take.
pub(crate) const LARGEST_LIMIT: u64 = 10_000;

/// Width of a window where nothing is known about how often the test runs, in
/// seconds: the largest limit then holds down to one run in nine seconds.
const WINDOW: i64 = 86_400;

/// Most windows of one width in a row without a point: an archive is not to be
/// flooded for a series that is empty. Of a test a minute they cover 222 days
/// without a value. From then on, each is wider than the one before.
const MOST_WINDOWS: i64 = 64;

/// How many times less is asked for after an answer that was too large.
const SHRINK: u64 = 10;

/// What is to be read, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// First second, if it is bounded.
    pub(crate) begin: Option<i64>,
    /// Last second, if it is bounded.
    pub(crate) end: Option<i64>,
    /// Points to ask for at a time.
    pub(crate) page_size: u64,
    /// The archive leaves out points after counting them.
    pub(crate) filters_after_limit: bool,
    /// Where windows end, also when the range does not: no point is expected
    /// later.
    pub(crate) horizon: i64,
    /// Seconds to ask for at a time from an archive that answers all of a range
    /// whatever the limit; `None` where the limit counts.
    pub(crate) piece: Option<i64>,
}

/// How far the reading of a series has come.
#[derive(Debug)]
pub(crate) struct Walk<P> {
    plan: Plan,
    start: Option<i64>,
    limit: u64,
    /// Set while the question is one over a window: its last second.
    window: Option<Window>,
    /// Points of the last second seen: the next answer replaces them.
    held: Vec<P>,
    newest: Option<i64>,
    /// Smallest distance between two points so far, in seconds.
    gap: Option<i64>,
    /// Pages so far that were not full.
    short_pages: u32,
    finished: bool,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    end: i64,
    width: i64,
    /// How many there were in a row, this one included.
    number: i64,
}

impl<P: Timed> Walk<P> {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            start: plan.begin,
            limit: plan.page_size,
            window: None,
            held: Vec::new(),
            newest: None,
            gap: None,
            short_pages: 0,
            // A range that holds no whole window: nothing is to be asked.
            finished: plan
                .begin
                .zip(plan.end)
                .is_some_and(|(begin, end)| begin > end),
            plan,
        }
    }

    /// Returns what to ask for next; `None` at the end.
    pub(crate) fn next_page(&self) -> Option<PointsPage> {
        if self.finished {
            return None;
        }
        let end = match self.window {
            _ if self.piece_end().is_some() => self.piece_end(),
            Some(window) if window.end < self.last() => Some(window.end),
            _ => self.plan.end,
        };
        Some(PointsPage {
            start: self.start,
            end,
            limit: self.limit,
        })
    }

    /// Takes the size of an answer, to ask for fewer points at a time where
    /// they are large.
    pub(crate) fn weigh(&mut self, points: usize, bytes: usize) {
        let (Ok(points), Ok(bytes)) = (u64::try_from(points), u64::try_from(bytes)) else {
            return;
        };
        if bytes > TARGET {
            let fitting = (points.saturating_mul(TARGET) / bytes).max(1);
            self.plan.page_size = self.plan.page_size.min(fitting);
        }
    }

    /// Asks for fewer points after an answer that was too large; tells whether
    /// that is possible.
    pub(crate) fn shrink(&mut self) -> bool {
        if self.limit <= 1 || self.window.is_some() || self.plan.piece.is_some() {
            return false;
        }
        self.limit = self.limit.div_ceil(SHRINK);
        self.plan.page_size = self.plan.page_size.min(self.limit);
        true
    }

    /// Tells whether the series is to be taken for one without an end.
    pub(crate) fn is_endless(&self) -> bool {
        self.short_pages > limits::SHORT_PAGES
    }

    /// Takes the answer and returns the points that are now certain, in order
    /// of time.
    pub(crate) fn accept(&mut self, mut page: Vec<P>) -> Vec<P> {
        let full = u64::try_from(page.len()).is_ok_and(|length| length >= self.limit);
        self.short_pages = self.short_pages.saturating_add(u32::from(!full));
        page.sort_by_key(Timed::ts);
        let past_the_end = self.keep_what_was_asked_for(&mut page);
        if self.plan.piece.is_some() {
            return self.next_piece(page);
        }
        match page.last().map(Timed::ts) {
            Some(newest) if self.newest.is_none_or(|known| newest > known) => {
                let ready = self.advance(page, newest);
                if past_the_end {
                    return self.finish(ready);
                }
                self.window = None;
                self.limit = self.plan.page_size;
                if !full && self.plan.filters_after_limit {
                    self.open_window();
                }
                ready
            }
            // The last second alone fills a page: only a larger page can show
            // what is behind it. An archive that does not take the larger
            // limit says so, which is better than going on without a word.
            _ if full && !past_the_end => {
                self.limit = match self.limit.saturating_mul(2) {
                    larger if self.limit < LARGEST_LIMIT => larger.min(LARGEST_LIMIT),
                    larger => larger,
                };
                Vec::new()
            }
            last_second => {
                if last_second.is_some() {
                    self.held = page;
                }
                self.nothing_newer(past_the_end)
            }
        }
    }

    /// Returns the last second of the piece to ask for; `None` where the rest of
    /// the range is one question.
    fn piece_end(&self) -> Option<i64> {
        let end = self.start?.saturating_add(self.plan.piece?.max(1) - 1);
        (end < self.last()).then_some(end)
    }

    /// Takes a whole piece, and goes on behind it.
    fn next_piece(&mut self, page: Vec<P>) -> Vec<P> {
        match self.piece_end() {
            Some(end) => self.start = Some(end.saturating_add(1)),
            None => self.finished = true,
        }
        page
    }

    /// Drops points outside the range (an archive may not know an argument) and
    /// those already delivered; tells whether there were points past the end.
    ///
    /// DIFFERENCE: the original library delivers whatever comes, and stops before a
    /// point at the very end of the range.
    fn keep_what_was_asked_for(&self, page: &mut Vec<P>) -> bool {
        if let Some(start) = self.start {
            page.retain(|point| point.ts() >= start);
        }
        let Some(end) = self.plan.end else {
            return false;
        };
        let inside = page.partition_point(|point| point.ts() <= end);
        let past_the_end = inside < page.len();
        page.truncate(inside);
        past_the_end
    }

    /// Goes on to a newer second: all before it is certain.
    fn advance(&mut self, mut page: Vec<P>, newest: i64) -> Vec<P> {
        for pair in page.windows(2) {
            let gap = pair[1].ts().saturating_sub(pair[0].ts());
            if gap > 0 {
                self.gap = Some(self.gap.map_or(gap, |known| known.min(gap)));
            }
        }
        let last_second = page.split_off(page.partition_point(|point| point.ts() < newest));
        let held = std::mem::replace(&mut self.held, last_second);
        // The archive sends the held second again; where it does not, it is
        // still what the archive once answered.
        let replaced = page
            .first()
            .is_some_and(|first| Some(first.ts()) == self.newest);
        self.newest = Some(newest);
        self.start = Some(newest);
        if replaced || held.is_empty() {
            return page;
        }
        let mut ready = held;
        ready.append(&mut page);
        ready
    }

    fn nothing_newer(&mut self, past_the_end: bool) -> Vec<P> {
        if !self.plan.filters_after_limit || past_the_end {
            return self.finish(Vec::new());
        }
        let Some(window) = self.window else {
            self.open_window();
            return Vec::new();
        };
        let last = self.last();
        if window.end >= last {
            return self.finish(Vec::new());
        }
        let start = window.end.saturating_add(1);
        self.start = Some(start);
        let width = if window.number < MOST_WINDOWS {
            window.width
        } else {
            window.width.saturating_add(window.width / 4 + 1)
        };
        self.window = Some(Window {
            end: start.saturating_add(width).min(last),
            width,
            number: window.number + 1,
        });
        std::mem::take(&mut self.held)
    }

    /// Asks with the largest limit, for as long a time as that surely covers.
    fn open_window(&mut self) {
        let last = self.last();
        self.limit = self.limit.max(LARGEST_LIMIT);
        let window = match self.start {
            Some(start) => {
                let width = match self.gap {
                    // Half of what the observed distance allows: runs without a
                    // value are not seen, and may lie between.
                    Some(gap) => {
                        let runs = i64::try_from(LARGEST_LIMIT / 2).unwrap_or(i64::MAX);
                        gap.saturating_mul(runs)
                    }
                    None => WINDOW.max(last.saturating_sub(start) / MOST_WINDOWS),
                };
                Window {
                    end: start.saturating_add(width).min(last),
                    width,
                    number: 1,
                }
            }
            // Nobody said where to start, and nothing was found: walking on
            // from 1970 would help nobody.
            None => Window {
                end: last,
                width: 0,
                number: 1,
            },
        };
        self.window = Some(window);
    }

    fn finish(&mut self, mut ready: Vec<P>) -> Vec<P> {
        self.finished = true;
        ready.append(&mut self.held);
        ready
    }

    fn last(&self) -> i64 {
        let horizon = self.plan.horizon;
        self.plan.end.map_or(horizon, |end| end.min(horizon))
    }
}

#[cfg(test)]
mod tests;
