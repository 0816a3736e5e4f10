//! Which stretch of a series is to be read.

use esmond_ps_cli_common::dates::TimeWindow;

use crate::naming::{day, moment};
use crate::store::Entry;

/// A stretch of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    /// What to ask for, Unix seconds, inclusive.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Start and end as the file name tells them.
    pub(crate) labels: (String, String),
    /// What to remember for the next run, in incremental runs: from when on,
    /// and what is known from the run before.
    pub(crate) memory: Option<Memory>,
}

/// See [`Overlap`](crate::overlap::Overlap).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) keep_from: i64,
    pub(crate) seen: Vec<(i64, u64)>,
}

/// What incremental runs go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Increment {
    /// Start of the first run: from here on everything is delivered.
    pub(crate) first_start: i64,
    /// How far to read back, in seconds.
    pub(crate) overlap: i64,
    /// Window of the series in seconds; 0 for points as posted.
    pub(crate) series_window: i64,
    /// Now, Unix seconds.
    pub(crate) now: i64,
}

impl Slice {
    /// Returns the whole window of a query.
    pub(crate) fn whole(window: TimeWindow) -> Self {
        Self {
            start: window.start,
            end: window.end,
            labels: (day(window.start), day(window.end)),
            memory: None,
        }
    }

    /// Returns what is new since the run that left `last`; `None` when nothing
    /// can be. The window of a summary that has not ended yet is left to a
    /// later run: its value would change.
    pub(crate) fn since(
        last: Option<&Entry>,
        window: TimeWindow,
        increment: Increment,
    ) -> Option<Self> {
        let Increment {
            first_start,
            series_window,
            now,
            ..
        } = increment;
        let overlap = increment.overlap.max(series_window);
        let end = match series_window {
            1.. => window.end.min(now.saturating_sub(series_window)),
            _ => window.end,
        };
        let (start, from, seen) = match last {
            None => (first_start, first_start, Vec::new()),
            Some(last) if last.end >= end => return None,
            Some(last) => {
                let known_from = last.seen_from.unwrap_or(last.end);
                let start = last.end.saturating_sub(overlap).max(known_from);
                (start, last.end, last.seen.clone())
            }
        };
        if start > end {
            return None;
        }
        Some(Self {
            start,
            end,
            labels: (moment(from), moment(end)),
            memory: Some(Memory {
                keep_from: end.saturating_sub(overlap).max(start),
                seen,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: TimeWindow = TimeWindow {
        start: 90_000,
        end: 100_000,
    };

    fn increment(series_window: i64) -> Increment {
        Increment {
            first_start: 50_000,
            overlap: 600,
            series_window,
            now: 100_000,
        }
    }

    fn last(end: i64, seen_from: i64) -> Entry {
        Entry {
            end,
            seen_from: Some(seen_from),
            seen: vec![(end, 1)],
            ..Entry::default()
        }
    }

    #[test]
    fn a_series_that_is_new_is_read_from_the_start_of_the_first_run() {
        let slice = Slice::since(None, WINDOW, increment(0)).unwrap();
        assert_eq!((slice.start, slice.end), (50_000, 100_000));
        assert_eq!(slice.labels.1, "1970-01-02T034640Z");
        assert_eq!(slice.memory.unwrap().keep_from, 99_400);
    }

    #[test]
    fn a_known_series_is_read_from_before_its_end() {
        let last = last(98_000, 97_000);
        let slice = Slice::since(Some(&last), WINDOW, increment(0)).unwrap();
        assert_eq!((slice.start, slice.end), (97_400, 100_000));
        assert_eq!(slice.labels.0, moment(98_000));
        assert_eq!(slice.memory.unwrap().seen, [(98_000, 1)]);
    }

    #[test]
    fn no_more_is_read_back_than_is_known() {
        let last = last(98_000, 97_900);
        let slice = Slice::since(Some(&last), WINDOW, increment(0)).unwrap();
        assert_eq!(slice.start, 97_900);
    }

    #[test]
    fn nothing_is_read_twice_in_a_second() {
        assert_eq!(
            Slice::since(Some(&last(100_000, 1)), WINDOW, increment(0)),
            None
        );
    }

    #[test]
    fn only_windows_that_have_ended_are_read() {
        let slice = Slice::since(None, WINDOW, increment(3_600)).unwrap();
        // Whoever starts by then has ended by now.
        assert_eq!(slice.end, 96_400);
        assert_eq!(slice.memory.unwrap().keep_from, 92_800);
        let past = TimeWindow {
            start: 0,
            end: 80_000,
        };
        let slice = Slice::since(None, past, increment(3_600)).unwrap();
        assert_eq!(slice.end, 80_000);
    }
}
