//! The time arguments of a request: `time`, `time-start`, `time-end` and
//! `time-range`, all in whole Unix seconds UTC, both ends inclusive.

use thiserror::Error;

use crate::integer;

/// A range of time in Unix seconds, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First second of the range.
    pub begin: i64,
    /// Last second of the range; `None` leaves it open.
    pub end: Option<i64>,
}

/// Why time arguments were refused. The texts are those of the original
/// archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// A value is no integer.
    #[error("Time parameter must be an integer")]
    NotAnInteger,
    /// The range ends before it begins.
    #[error("Requested start time must be less than end time")]
    EndBeforeBegin,
}

/// The time arguments that a request carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeArguments {
    /// One exact second.
    pub time: Option<i64>,
    /// First second.
    pub time_start: Option<i64>,
    /// Last second.
    pub time_end: Option<i64>,
    /// Length in seconds, from `time_start`, or back from `time_end` or from
    /// now.
    pub time_range: Option<i64>,
}

impl TimeArguments {
    /// Names of the arguments in a query string.
    pub const NAMES: [&'static str; 4] = ["time", "time-start", "time-end", "time-range"];

    /// Returns the arguments as query parameters, in a fixed order.
    #[must_use]
    pub fn to_query(&self) -> Vec<(&'static str, String)> {
        Self::NAMES
            .into_iter()
            .zip([self.time, self.time_start, self.time_end, self.time_range])
            .filter_map(|(name, value)| Some((name, value?.to_string())))
            .collect()
    }

    /// Reads the range that the arguments of a query string describe; `None`
    /// when there is none of them. `argument` returns the text of an argument
    /// by name, `now` is the archive's clock.
    ///
    /// The first that fits wins: `time`; start and end; start and range; end
    /// and range; start; end; range. What does not take part is not even
    /// parsed.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when a value that takes part is no integer, or when the
    /// range ends before it begins.
    pub fn resolve<'a>(
        argument: impl Fn(&str) -> Option<&'a str>,
        now: i64,
    ) -> Result<Option<TimeRange>, TimeError> {
        let number = |text: &str| integer::parse(text).ok_or(TimeError::NotAnInteger);
        let [time, start, end, range] = Self::NAMES.map(argument);
        let (begin, end) = match (time, start, end, range) {
            (Some(time), ..) => {
                let time = number(time)?;
                (time, Some(time))
            }
            (None, Some(start), Some(end), _) => (number(start)?, Some(number(end)?)),
            (None, Some(start), None, Some(range)) => {
                let begin = number(start)?;
                (begin, Some(begin.saturating_add(number(range)?)))
            }
            (None, None, Some(end), Some(range)) => {
                let end = number(end)?;
                (end.saturating_sub(number(range)?), Some(end))
            }
            (None, Some(start), None, None) => (number(start)?, None),
            (None, None, Some(end), None) => (0, Some(number(end)?)),
            (None, None, None, Some(range)) => (now.saturating_sub(number(range)?), None),
            (None, None, None, None) => return Ok(None),
        };
        if end.is_some_and(|end| end < begin) {
            return Err(TimeError::EndBeforeBegin);
        }
        Ok(Some(TimeRange { begin, end }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(query: &[(&str, &'static str)]) -> Result<Option<(i64, Option<i64>)>, TimeError> {
        let find = |name: &str| {
            query
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, text)| *text)
        };
        Ok(TimeArguments::resolve(find, 1000)?.map(|range| (range.begin, range.end)))
    }

    #[test]
    fn the_first_combination_that_fits_wins() {
        let all = [
            ("time", "5"),
            ("time-start", "6"),
            ("time-end", "9"),
            ("time-range", "x"),
        ];
        assert_eq!(resolve(&all), Ok(Some((5, Some(5)))));
        assert_eq!(resolve(&all[1..]), Ok(Some((6, Some(9)))));
        assert_eq!(
            resolve(&[("time-start", "6"), ("time-range", "4")]),
            Ok(Some((6, Some(10))))
        );
        assert_eq!(
            resolve(&[("time-end", "9"), ("time-range", "4")]),
            Ok(Some((5, Some(9))))
        );
        assert_eq!(resolve(&[("time-start", "6")]), Ok(Some((6, None))));
        assert_eq!(resolve(&[("time-end", "9")]), Ok(Some((0, Some(9)))));
        assert_eq!(resolve(&[("time-range", "60")]), Ok(Some((940, None))));
        assert_eq!(resolve(&[]), Ok(None));
    }

    #[test]
    fn bad_numbers_and_backward_ranges_are_refused() {
        assert_eq!(
            resolve(&[("time-start", "1.5")]),
            Err(TimeError::NotAnInteger)
        );
        assert_eq!(resolve(&[("time-start", "")]), Err(TimeError::NotAnInteger));
        let backward = [("time-start", "9"), ("time-end", "8")];
        assert_eq!(resolve(&backward), Err(TimeError::EndBeforeBegin));
        assert_eq!(
            resolve(&[("time-start", "9"), ("time-end", "9")]),
            Ok(Some((9, Some(9))))
        );
    }
}
