//! The dates that python-dateutil reads: its grammar comes from the crate
//! `dateutil-core`; filling in what a text leaves out happens here.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta};
use dateutil_core::parser::lex::{Timelex, Token, is_num};
use dateutil_core::parser::parse::parse_tokens;
use dateutil_core::parser::{DefaultInfo, ParseOk, ParseOptions, TzOff, validate_default};

use super::{DateError, Period, Reading, within_range};

// DIFFERENCE: dateutil reads longer texts, and longer numbers.
const MAX_BYTES: usize = 256;

/// `dateutil-core` computes fractions in 128 bits and overflows from 37 digits.
const MAX_DIGIT_RUN: usize = 30;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Reads `text`, taking the fields that it leaves out from `default` at 00:00.
pub(super) fn read(text: &str, default: NaiveDate) -> Result<Reading, DateError> {
    assemble(fields(text, default)?, default)
}

/// Reads `text` as a time of `day`; a text with any part of a date is refused.
pub(super) fn read_clock(text: &str, day: NaiveDate) -> Result<Reading, DateError> {
    let fields = fields(text, day)?;
    let names_day = fields.year.is_some()
        || fields.month.is_some()
        || fields.day.is_some()
        || fields.weekday.is_some();
    let names_time = fields.hour.is_some() || fields.minute.is_some() || fields.second.is_some();
    if names_day || !names_time {
        return Err(DateError::NotUnderstood);
    }
    let reading = assemble(fields, day)?;
    Ok(Reading {
        open: None,
        ..reading
    })
}

/// Splits `text` into the fields it names. Years of two digits are those
/// nearest to the year of `default`.
fn fields(text: &str, default: NaiveDate) -> Result<ParseOk, DateError> {
    if text.len() > MAX_BYTES || has_long_digit_run(text) {
        return Err(DateError::NotUnderstood);
    }
    let year = i64::from(default.year());
    let century = year / 100 * 100;
    let options = ParseOptions {
        dayfirst: false,
        yearfirst: false,
        fuzzy: false,
        cur_year: year,
        century,
    };
    let mut tokens = Timelex::split(text);
    if has_broken_clock(&tokens) {
        return Err(DateError::NotUnderstood);
    }
    let mut fields =
        parse_tokens(&mut tokens, &DefaultInfo, &options).map_err(|_| DateError::NotUnderstood)?;
    validate_default(&mut fields, year, century);
    if fields.is_empty() {
        return Err(DateError::NotUnderstood);
    }
    Ok(fields)
}

fn has_long_digit_run(text: &str) -> bool {
    // NUL is no boundary: the lexer drops it and joins what stands around it.
    text.split(|c: char| !is_num(c) && c != '\0')
        .any(|run| run.chars().count() > MAX_DIGIT_RUN)
}

/// Whether a number of six characters, which is `HHMMSS`, has a point in it.
///
/// dateutil stops there; `dateutil-core` 2.9.0 goes on when a proper time
/// follows, and so would take `5.2015 14:30` for 14:30 of today.
fn has_broken_clock(tokens: &[Token<'_>]) -> bool {
    let mut after_colon = false;
    for token in tokens {
        let numeric = token.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if numeric && token.len() == 6 && token.contains('.') && !after_colon {
            return true;
        }
        after_colon = *token == ":";
    }
    false
}

fn assemble(fields: ParseOk, default: NaiveDate) -> Result<Reading, DateError> {
    let open = open_period(&fields);
    let date = date(&fields, default)?;
    let time = time(&fields)?;
    let offset = match &fields.tzoffset {
        None => 0,
        Some(TzOff::Secs(seconds)) if seconds.abs() < SECONDS_PER_DAY => *seconds,
        Some(_) => return Err(DateError::NoSuchTime),
    };
    let moment = date
        .and_time(time)
        .checked_sub_signed(TimeDelta::seconds(offset))
        .ok_or(DateError::OutOfRange)?;
    let ignored_zone = match fields.tzoffset {
        None => fields.tzname,
        Some(_) => None,
    };
    Ok(Reading {
        moment: within_range(moment.and_utc())?,
        open,
        ignored_zone,
    })
}

fn date(fields: &ParseOk, default: NaiveDate) -> Result<NaiveDate, DateError> {
    let year = number(fields.year.as_deref())?.unwrap_or(default.year());
    if !(1..=9999).contains(&year) {
        return Err(DateError::OutOfRange);
    }
    let month = number(fields.month.as_deref())?.unwrap_or(default.month());
    let first = NaiveDate::from_ymd_opt(year, month, 1).ok_or(DateError::NoSuchTime)?;
    if let Some(day) = number(fields.day.as_deref())? {
        return first.with_day(day).ok_or(DateError::NoSuchTime);
    }
    let day = default.day().min(u32::from(first.num_days_in_month()));
    let date = first.with_day(day).ok_or(DateError::NoSuchTime)?;
    let Some(weekday) = fields.weekday else {
        return Ok(date);
    };
    let today = i64::from(date.weekday().num_days_from_monday());
    let ahead = (weekday - today).rem_euclid(7).unsigned_abs();
    date.checked_add_days(Days::new(ahead))
        .ok_or(DateError::OutOfRange)
}

fn time(fields: &ParseOk) -> Result<NaiveTime, DateError> {
    let hour = number(fields.hour.as_deref())?.unwrap_or(0);
    let minute = number(fields.minute.as_deref())?.unwrap_or(0);
    let second = number(fields.second.as_deref())?.unwrap_or(0);
    let micro = fields.micro.unwrap_or(0);
    NaiveTime::from_hms_micro_opt(hour, minute, second, micro).ok_or(DateError::NoSuchTime)
}

/// Fields hold any number of digits, or a piece of a number with a point.
fn number<T: std::str::FromStr>(field: Option<&str>) -> Result<Option<T>, DateError> {
    field
        .map(str::parse)
        .transpose()
        .map_err(|_| DateError::NoSuchTime)
}

fn open_period(fields: &ParseOk) -> Option<Period> {
    if fields.year.is_some() {
        None
    } else if fields.month.is_some() {
        Some(Period::Year)
    } else if fields.day.is_some() {
        Some(Period::Month)
    } else if fields.weekday.is_some() {
        Some(Period::Week)
    } else {
        Some(Period::Day)
    }
}
