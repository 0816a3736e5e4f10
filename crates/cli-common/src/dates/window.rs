//! The time window of a query, from its `--start-time` and `--end-time` texts.

use chrono::{DateTime, Datelike, Days, Months, NaiveTime, Timelike, Utc};

use super::{DateError, Period, Reading, read};

const DEFAULT_SECONDS: i64 = 24 * 60 * 60;

const FORMS: &str = "forms that work: 2026-11-21, '2026-11-21 14:30', 2026-11-21T14:30:00+01:00, \
     'January 1 2015', 14:30, yesterday, 'yesterday 14:30', 'last monday', -24h, now-1d, \
     '2 days ago', 1427000000 (Unix seconds or milliseconds)";

/// The stretch of time that a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    /// First moment, in whole Unix seconds, inclusive.
    pub start: i64,
    /// Last moment, in whole Unix seconds, inclusive; never before `start`.
    pub end: i64,
}

/// Why a start and an end text make no time window.
///
/// The text of each is meant for the user as it is: what is wrong on the first
/// line, what to do about it on the second, which begins with `hint: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// One of the texts is no date.
    #[error("could not parse {option} arg: {}\nhint: {}", visible(.value), reading_hint(*.reason))]
    Unreadable {
        /// `--start-time` or `--end-time`.
        option: &'static str,
        /// The text as it was given.
        value: String,
        /// What is wrong with it; part of the hint.
        reason: DateError,
    },
    /// Nothing can lie in the window, as it starts after its end.
    #[error(
        "the start time {} is after the end time {}\nhint: {hint}",
        utc(.start),
        utc(.end)
    )]
    StartAfterEnd {
        /// The start as it was read.
        start: DateTime<Utc>,
        /// The end as it was read.
        end: DateTime<Utc>,
        /// What was probably meant, with what to type.
        hint: String,
    },
}

/// Returns the window between the texts `start` and `end`, read as
/// [`parse`](super::parse) does at the time `now`.
///
/// A start that is missing is 24 hours before `now`, an end that is missing is
/// `now`; an empty text counts as missing. Fractions of a second are cut off.
///
/// # Errors
///
/// A [`WindowError`] when a text cannot be read or the start is after the end;
/// to a program both are usage errors.
pub fn window(
    start: Option<&str>,
    end: Option<&str>,
    now: DateTime<Utc>,
) -> Result<TimeWindow, WindowError> {
    let start_text = start.filter(|text| !text.is_empty());
    let end_text = end.filter(|text| !text.is_empty());
    let start = read_option("--start-time", start_text, now)?;
    let end = read_option("--end-time", end_text, now)?;

    let window = TimeWindow {
        start: start.as_ref().map_or_else(
            || now.timestamp() - DEFAULT_SECONDS,
            |reading| reading.moment.timestamp(),
        ),
        end: end
            .as_ref()
            .map_or(now, |reading| reading.moment)
            .timestamp(),
    };
    if window.start <= window.end {
        return Ok(window);
    }
    let end = end.map_or(now, |reading| reading.moment);
    // DIFFERENCE: the originals do not compare the two.
    Err(match (start_text, start) {
        (Some(text), Some(start)) => WindowError::StartAfterEnd {
            start: start.moment,
            end,
            hint: order_hint(text, &start, end, now),
        },
        _ => WindowError::StartAfterEnd {
            start: DateTime::from_timestamp(window.start, 0).unwrap_or(now),
            end,
            hint: "without --start-time a query starts 24 hours before now; \
                   give a --start-time that is before the end"
                .to_owned(),
        },
    })
}

fn read_option(
    option: &'static str,
    text: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Reading>, WindowError> {
    let Some(text) = text else { return Ok(None) };
    match read(text, now) {
        Ok(reading) => Ok(Some(reading)),
        Err(reason) => Err(WindowError::Unreadable {
            option,
            value: text.to_owned(),
            reason,
        }),
    }
}

fn reading_hint(reason: DateError) -> String {
    match reason {
        DateError::NotUnderstood => FORMS.to_owned(),
        DateError::NoSuchTime | DateError::OutOfRange => format!("{reason}; {FORMS}"),
    }
}

fn order_hint(text: &str, start: &Reading, end: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let in_future = start.moment > now;
    let earlier = start
        .open
        .filter(|_| in_future)
        .and_then(|period| Some((period, step_back(start.moment, period)?)))
        .filter(|(_, earlier)| *earlier <= end);
    if let Some((period, earlier)) = earlier {
        let (missing, meant) = match period {
            Period::Year => ("year", "last year"),
            Period::Month => ("month", "last month"),
            Period::Week => ("date", "last week"),
            Period::Day => ("date", "yesterday"),
        };
        return format!(
            "'{}' has no {missing} and was read as a time in the future; \
             if {meant} was meant, type --start-time {}",
            visible(text),
            typed(earlier)
        );
    }
    if in_future {
        format!("the start lies in the future: it is {} now", utc(&now))
    } else {
        "exchange --start-time and --end-time, or correct one of them".to_owned()
    }
}

/// Returns the same date one period earlier; `None` if there is no such day.
fn step_back(moment: DateTime<Utc>, period: Period) -> Option<DateTime<Utc>> {
    match period {
        Period::Day => moment.checked_sub_days(Days::new(1)),
        Period::Week => moment.checked_sub_days(Days::new(7)),
        Period::Month => moment.checked_sub_months(Months::new(1)),
        Period::Year => moment.checked_sub_months(Months::new(12)),
    }
    .filter(|earlier| matches!(period, Period::Day | Period::Week) || earlier.day() == moment.day())
}

/// The shortest text that means `moment`, to whole seconds.
fn typed(moment: DateTime<Utc>) -> String {
    if moment.time().with_nanosecond(0) == Some(NaiveTime::MIN) {
        moment.format("%Y-%m-%d").to_string()
    } else {
        moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

fn utc(moment: &DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The text with its control characters written out, as it goes to a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}
