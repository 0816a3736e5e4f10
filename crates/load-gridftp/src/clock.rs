//! Times of log records, in microseconds since 1970.

use chrono::{NaiveDate, NaiveDateTime};

/// Reads `YYYYMMDDhhmmss` with an optional fraction; the zone is always UTC.
///
/// Servers before 20 October 2009 wrote the microseconds without leading zeros
/// (`.2102` for 2102 of them), so in records of that time a short fraction is a
/// number of microseconds.
#[must_use]
pub fn parse_stamp(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_at_checked(14)?;
    let whole = digits(whole)?;
    let pair = |at: u32| u32::try_from(whole / 10_i64.pow(at) % 100).ok();
    let year = i32::try_from(whole / 10_i64.pow(10)).ok()?;
    let day = NaiveDate::from_ymd_opt(year, pair(8)?, pair(6)?)?;
    let moment = day.and_hms_opt(pair(4)?, pair(2)?, pair(0)?)?;
    let microseconds = match fraction {
        "" => 0,
        _ => parse_fraction(fraction.strip_prefix('.')?, moment)?,
    };
    moment
        .and_utc()
        .timestamp()
        .checked_mul(1_000_000)?
        .checked_add(microseconds)
}

fn parse_fraction(fraction: &str, moment: NaiveDateTime) -> Option<i64> {
    let length = u32::try_from(fraction.len()).ok()?;
    if length >= 6 {
        let (microseconds, rest) = fraction.split_at_checked(6)?;
        let are_digits = rest.bytes().all(|byte| byte.is_ascii_digit());
        return digits(microseconds).filter(|_| are_digits);
    }
    let number = digits(fraction).filter(|_| length > 0)?;
    let padded_since = NaiveDate::from_ymd_opt(2009, 10, 20)?;
    if moment.date() < padded_since {
        return Some(number);
    }
    Some(number * 10_i64.pow(6 - length))
}

/// Reads up to eighteen digits, and nothing else.
fn digits(text: &str) -> Option<i64> {
    text.bytes().try_fold(0, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// Turns seconds since 1970 into microseconds, rounded as Python's `datetime`
/// does it, so that throughputs come out equal to the last digit.
#[must_use]
pub fn from_seconds(seconds: f64) -> Option<i64> {
    // Year 9999, where the calendar of the original ends.
    if !seconds.is_finite() || seconds.abs() > 253_402_300_799.0 {
        return None;
    }
    let whole = seconds.trunc();
    let rest = (seconds.fract() * 1e6).round_ties_even();
    #[expect(clippy::cast_possible_truncation, reason = "both were bounded above")]
    Some(whole as i64 * 1_000_000 + rest as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_utc_and_exact() {
        for (text, expected) in [
            ("20150407145936.596363", Some(1_428_418_776_596_363)),
            ("20150407145936", Some(1_428_418_776_000_000)),
            ("20180601101701.5", Some(1_527_848_221_500_000)),
            ("20180601101701.123456789", Some(1_527_848_221_123_456)),
            ("19691231235959.000001", Some(-999_999)),
        ] {
            assert_eq!(parse_stamp(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2015",
            "20150407145936.",
            "20150407145936.5x",
            "20150407145936.-5",
            "20151307145936",
            "20150230000000",
            "20150407245936",
            "+2015040714593",
            "２０１５０４０７１４５９",
        ] {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
    }

    #[test]
    fn short_fractions_of_old_servers_are_microseconds() {
        assert_eq!(
            parse_stamp("20091019235959.2102"),
            Some(1_255_996_799_002_102)
        );
        assert_eq!(
            parse_stamp("20091020000000.2102"),
            Some(1_255_996_800_210_200)
        );
    }

    #[test]
    fn seconds_are_rounded_to_microseconds_half_to_even() {
        assert_eq!(
            from_seconds(1_442_334_302.000_000_5),
            Some(1_442_334_302_000_000)
        );
        assert_eq!(
            from_seconds(1_442_334_300.999_999),
            Some(1_442_334_300_999_999)
        );
        assert_eq!(from_seconds(f64::NAN), None);
        assert_eq!(from_seconds(1e300), None);
    }
}
