//! The stretch of time of a query, in nanoseconds.

use chrono::{DateTime, SecondsFormat, Utc};
use esmond_ps_cli_common::dates;
use esmond_ps_cli_common::report::{Output, UsageError};

/// Both ends inclusive, in nanoseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Reads the two texts, each in the forms of [`dates`], with fractions of a second, or
/// as 19 digits, which are nanoseconds.
pub(crate) fn span(
    start: Option<&str>,
    end: Option<&str>,
    now: DateTime<Utc>,
    output: &mut Output<'_>,
) -> Result<Span, UsageError> {
    let start = start.filter(|text| !text.is_empty());
    let end = end.filter(|text| !text.is_empty());
    // Its words are the better ones; it knows neither nanoseconds nor fractions.
    let is_date = |text: &Option<&str>| text.is_none_or(|text| nanoseconds(text).is_none());
    if is_date(&start) && is_date(&end) {
        dates::window(start, end, now).map_err(|error| UsageError::new(error.to_string()))?;
    }
    for text in [start, end].into_iter().flatten() {
        if let Some(zone) = dates::ignored_zone(text, now) {
            output.note(&format!(
                "warning: the time zone {zone} is not known, the time is taken as UTC"
            ));
        }
    }
    let day_before = now - chrono::Duration::days(1);
    let span = Span {
        start: read("--start-time", start, day_before, now)?,
        end: read("--end-time", end, now, now)?,
    };
    if span.start > span.end {
        let (start, end) = (date(span.start), date(span.end));
        let text = format!("the start time {start} is after the end time {end}");
        return Err(UsageError::new(text));
    }
    Ok(span)
}

fn read(
    option: &str,
    text: Option<&str>,
    default: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i64, UsageError> {
    if let Some(time) = text.and_then(nanoseconds) {
        return Ok(time);
    }
    let moment = match text {
        Some(text) => dates::parse(text, now).map_err(|error| {
            let text = text.escape_debug();
            UsageError::new(format!("could not parse {option} arg: {text}: {error}"))
        })?,
        None => default,
    };
    moment.timestamp_nanos_opt().ok_or_else(|| {
        UsageError::new(format!(
            "{option} is not in the years 1970 to 2262, which nanoseconds can tell"
        ))
    })
}

fn nanoseconds(text: &str) -> Option<i64> {
    let is_long = text.len() == 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_long.then(|| text.parse().ok())?
}

/// Writes nanoseconds since 1970 as a date, with all of them.
pub(crate) fn date(time: i64) -> String {
    DateTime::from_timestamp_nanos(time).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(start: &str, end: &str) -> Result<Span, String> {
        let now = "2019-09-20T08:26:11.5Z".parse().unwrap();
        let mut output = Output {
            out: Box::new(Vec::new()),
            err: Box::new(Vec::new()),
        };
        let given = |text| Some(text).filter(|text: &&str| *text != "-");
        span(given(start), given(end), now, &mut output).map_err(|error| error.message)
    }

    #[test]
    fn times_are_dates_or_nanoseconds() {
        for (start, end, expected) in [
            (
                "1567823452000000001",
                "1568967971000000000",
                (1_567_823_452_000_000_001, 1_568_967_971_000_000_000),
            ),
            (
                "2019-09-07 02:30:52.25",
                "1568967971000000000",
                (1_567_823_452_250_000_000, 1_568_967_971_000_000_000),
            ),
            (
                "1567823452",
                "",
                (1_567_823_452_000_000_000, 1_568_967_971_500_000_000),
            ),
            (
                "-",
                "now",
                (1_568_881_571_500_000_000, 1_568_967_971_500_000_000),
            ),
        ] {
            let (start, end) = (read(start, end).unwrap(), expected);
            assert_eq!((start.start, start.end), end);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_a_usage_error() {
        for (start, end, expected) in [
            ("gibberish", "-", "could not parse --start-time"),
            ("-", "gibberish", "could not parse --end-time"),
            ("1568967971000000000", "gibberish", "--end-time"),
            ("2019-09-08", "2019-09-07", "hint: "),
            ("1568967971000000000", "2019-09-07", "is after the end time"),
            ("2018-01-01", "3000-01-01", "2262"),
        ] {
            let error = read(start, end).unwrap_err();
            assert!(error.contains(expected), "{start} {end} {error}");
        }
    }
}
