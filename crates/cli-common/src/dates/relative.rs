//! Dates relative to the present: `-24h`, `2 days ago`, `yesterday 14:30`.
//!
//! ```text
//! form  = shift | "now" [shift] | day [shift | clock] | terms "ago"
//! day   = "today" | "yesterday" | "tomorrow" | "last" WEEKDAY
//! shift = ("+" | "-") terms [shift]
//! terms = NUMBER UNIT [terms]
//! ```
//!
//! `clock` is any time of day that [`super::absolute`] reads. Case does not
//! matter but for `m` (minutes) and `M` (months). Months and years are those of
//! the calendar, and a day that the target month lacks becomes its last day;
//! days and weeks are 24 h and 7 times 24 h. A weekday after `last` is before
//! today, never today itself.
//!
//! DIFFERENCE: dateutil reads no relative dates; the few texts that it does
//! read, such as `-2h`, are a time of today to it.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

use super::{DateError, Reading, absolute, within_range};

/// Reads `text`; `None` when it is no relative form at all.
pub(super) fn read(text: &str, now: DateTime<Utc>) -> Option<Result<Reading, DateError>> {
    let text = text.trim();
    if let Some(unsigned) = text.strip_prefix(['+', '-']) {
        // Without a unit it is dateutil's: to it `-5 Nov` is November 5.
        term(unsigned.trim_start())?;
        return Some(shifted(now, text));
    }
    if let Some(terms) = strip_ago(text) {
        let terms = signed_terms(terms, -1.0)?;
        return Some(apply(now, &terms));
    }

    let today = now.date_naive();
    let (word, rest) = split_word(text);
    let day = match word.to_ascii_lowercase().as_str() {
        "now" if rest.is_empty() => return Some(Ok(Reading::exact(now))),
        "now" => return Some(shifted(now, rest)),
        "today" => Some(today),
        "yesterday" => today.pred_opt(),
        "tomorrow" => today.succ_opt(),
        "last" => {
            let (weekday, clock) = split_word(rest);
            let day = last(weekday.parse().ok()?, today);
            return Some(on_day(day, clock));
        }
        _ => return None,
    };
    Some(on_day(day, rest))
}

fn last(weekday: Weekday, today: NaiveDate) -> Option<NaiveDate> {
    let days_ago = match today.weekday().days_since(weekday) {
        0 => 7,
        days => days,
    };
    today.checked_sub_days(Days::new(u64::from(days_ago)))
}

fn on_day(day: Option<NaiveDate>, rest: &str) -> Result<Reading, DateError> {
    let day = day.ok_or(DateError::OutOfRange)?;
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    if rest.is_empty() {
        within_range(midnight).map(Reading::exact)
    } else if rest.starts_with(['+', '-']) {
        shifted(midnight, rest)
    } else {
        absolute::read_clock(rest, day)
    }
}

fn shifted(from: DateTime<Utc>, shift: &str) -> Result<Reading, DateError> {
    if !shift.starts_with(['+', '-']) {
        return Err(DateError::NotUnderstood);
    }
    let terms = signed_terms(shift, 1.0).ok_or(DateError::NotUnderstood)?;
    apply(from, &terms)
}

fn apply(from: DateTime<Utc>, terms: &[Term]) -> Result<Reading, DateError> {
    terms
        .iter()
        .try_fold(from, |moment, term| term.add_to(moment))
        .and_then(within_range)
        .map(Reading::exact)
}

/// A signed amount of time, such as the `-30m` in `-1h30m`.
struct Term {
    amount: f64,
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    Months(f64),
    Seconds(f64),
}

impl Term {
    fn add_to(&self, moment: DateTime<Utc>) -> Result<DateTime<Utc>, DateError> {
        let sum = match self.unit {
            Unit::Seconds(seconds) => {
                // The cast saturates far outside of what can be added.
                let millis = (self.amount * seconds * 1000.0).round() as i64;
                TimeDelta::try_milliseconds(millis)
                    .and_then(|delta| moment.checked_add_signed(delta))
            }
            Unit::Months(months) => {
                let months = self.amount * months;
                if months.fract() != 0.0 {
                    return Err(DateError::NotUnderstood);
                }
                let count = Months::new(months.abs() as u32);
                if months < 0.0 {
                    moment.checked_sub_months(count)
                } else {
                    moment.checked_add_months(count)
                }
            }
        };
        sum.ok_or(DateError::OutOfRange)
    }
}

/// Reads terms up to the end of the text; each has the sign before it, or that
/// of the term before, or `sign`.
fn signed_terms(mut text: &str, mut sign: f64) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix(['+', '-']) {
            sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            text = rest.trim_start();
        }
        let (amount, unit, rest) = term(text)?;
        terms.push(Term {
            amount: sign * amount,
            unit,
        });
        if rest.trim_start().is_empty() {
            return Some(terms);
        }
        text = rest;
    }
}

/// Splits one `NUMBER UNIT` from the text.
fn term(text: &str) -> Option<(f64, Unit, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let amount = number.parse().ok()?;
    let (word, rest) = split_word(rest.trim_start());
    Some((amount, unit(word)?, rest))
}

fn unit(word: &str) -> Option<Unit> {
    if word == "M" {
        return Some(Unit::Months(1.0));
    }
    Some(match word.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Seconds(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Seconds(60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Seconds(3600.0),
        "d" | "day" | "days" => Unit::Seconds(86_400.0),
        "w" | "wk" | "wks" | "week" | "weeks" => Unit::Seconds(7.0 * 86_400.0),
        "mo" | "mos" | "month" | "months" => Unit::Months(1.0),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12.0),
        _ => return None,
    })
}

/// Splits the letters at the start from the rest, without the blanks between.
fn split_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

fn strip_ago(text: &str) -> Option<&str> {
    let (terms, ago) = text.split_at_checked(text.len().checked_sub(3)?)?;
    ago.eq_ignore_ascii_case("ago").then_some(terms)
}
