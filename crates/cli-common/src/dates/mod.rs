//! Date texts as people type them after `--start-time` and `--end-time`.
//!
//! A date text is read as one of these, in this order:
//!
//! 1. a Unix epoch: exactly 10 digits are seconds, exactly 13 are milliseconds;
//! 2. a relative form: `now`, `today`, `yesterday`, `tomorrow`, `last monday`,
//!    `-24h`, `now-1h30m`, `2 days ago`, `yesterday 14:30`, `today-7d`;
//! 3. everything python-dateutil 2.9 reads, with its meaning. Missing fields
//!    come from the present day (UTC) at 00:00, a missing day is cut to the
//!    length of its month, a weekday alone is the next one (today included),
//!    a text without a zone is UTC, and an offset is converted. An
//!    abbreviation other than `UTC`, `GMT` and `Z` (such as `EST`) names no
//!    offset and counts as UTC: [`ignored_zone`] finds it, so that users can
//!    be told.
//!
//! Results lie in the years 1 to 9999. Texts longer than 256 bytes, or with
//! more than 30 digits in a row, are not read. Everything here is a function of
//! the text and the present time; no clock, locale or environment is consulted.

mod absolute;
mod relative;
mod window;

use chrono::{DateTime, Datelike, Utc};

pub use window::{TimeWindow, WindowError, window};

/// Why a date text has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text has no form that is known.
    #[error("the text is not a date or time in a known form")]
    NotUnderstood,
    /// The form is known, but there is no such day, time or offset, such as
    /// February 30 or 25:00.
    #[error("the date or time does not exist")]
    NoSuchTime,
    /// The result lies outside the years 1 to 9999.
    #[error("the date lies outside the years 1 to 9999")]
    OutOfRange,
}

/// Returns the moment that `text` means at the time `now`.
///
/// # Errors
///
/// A [`DateError`] when the text is none of the forms in the
/// [module description](self), or names a moment that does not exist.
///
/// # Examples
///
/// ```
/// use esmond_ps_cli_common::dates;
///
/// let now = "2026-11-22T15:47:33Z".parse()?;
/// let read = |text| dates::parse(text, now).map(|moment| moment.to_rfc3339());
///
/// assert_eq!(read("January 1 2015")?, "2015-01-01T00:00:00+00:00");
/// assert_eq!(read("10:49 -0300")?, "2026-11-22T13:49:00+00:00");
/// assert_eq!(read("now-1h30m")?, "2026-11-22T14:17:33+00:00");
/// assert_eq!(read("last monday")?, "2026-11-16T00:00:00+00:00");
/// assert_eq!(read("February 30"), Err(dates::DateError::NoSuchTime));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, DateError> {
    read(text, now).map(|reading| reading.moment)
}

/// Returns the zone abbreviation in `text` that names no known offset, so that
/// the time was taken as UTC: `EST` in `2015-03-15 14:30 EST`.
///
/// `None` for texts without such an abbreviation and for those that cannot be
/// read. Programs should warn with it, because the user probably meant a time
/// some hours away.
///
/// DIFFERENCE: dateutil knows the names of the local zone; here they count as UTC.
#[must_use]
pub fn ignored_zone(text: &str, now: DateTime<Utc>) -> Option<String> {
    read(text, now).ok()?.ignored_zone
}

/// What a date text means, and what it left open.
struct Reading {
    moment: DateTime<Utc>,
    /// The period that the text left to be filled in, if it did.
    open: Option<Period>,
    ignored_zone: Option<String>,
}

impl Reading {
    /// A moment that needed nothing filled in.
    fn exact(moment: DateTime<Utc>) -> Self {
        Self {
            moment,
            open: None,
            ignored_zone: None,
        }
    }
}

/// The step by which an incompletely written date comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Day,
    Week,
    Month,
    Year,
}

fn read(text: &str, now: DateTime<Utc>) -> Result<Reading, DateError> {
    if let Some(moment) = unix_epoch(text) {
        return within_range(moment).map(Reading::exact);
    }
    if let Some(outcome) = relative::read(text, now) {
        return outcome;
    }
    // DIFFERENCE: in the originals, what is missing comes from the local date.
    absolute::read(text, now.date_naive())
}

/// Reads Unix seconds and milliseconds by their number of digits.
///
/// dateutil reads no text of 10 or 13 digits, so nothing is taken from it; other
/// lengths would turn a mistyped `YYYYMMDDhhmm` into a moment of 1970.
///
/// By hand rather than with the crate `dateparser`, which would also accept dates
/// that dateutil refuses, and fill them in from the local clock.
///
/// DIFFERENCE: the original programs refuse epochs.
fn unix_epoch(text: &str) -> Option<DateTime<Utc>> {
    let digits = text.trim();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        10 => DateTime::from_timestamp(number, 0),
        13 => DateTime::from_timestamp_millis(number),
        _ => None,
    }
}

fn within_range(moment: DateTime<Utc>) -> Result<DateTime<Utc>, DateError> {
    if (1..=9999).contains(&moment.year()) {
        Ok(moment)
    } else {
        Err(DateError::OutOfRange)
    }
}
