//! Times of log records, in microseconds since 1970.

use crate::digits;

/// Reads `YYYYMMDDhhmmss` with an optional fraction; the zone is always UTC.
///
/// Servers before 20 October 2009 wrote the microseconds without leading zeros
/// (`.2102` for 2102 of them), so in records of that time a short fraction is a
/// number of microseconds.
#[must_use]
pub fn parse_stamp(text: &str) -> Option<i64> {
    let (whole, fraction) = text.as_bytes().split_first_chunk::<14>()?;
    let date = number(*whole.first_chunk()?)?;
    let days = days(date / 10_000, date / 100 % 100, date % 100)?;
    // The day once more, and the time.
    let time = number(*whole.last_chunk()?)?;
    let (hour, minute, second) = (time / 10_000 % 100, time / 100 % 100, time % 100);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let microseconds = match fraction.split_first() {
        None => 0,
        Some((b'.', fraction)) => parse_fraction(fraction, date)?,
        Some(_) => return None,
    };
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + microseconds)
}

/// Reads the fraction of a time of this `YYYYMMDD`.
///
/// DIFFERENCE: the original takes each fraction as part of a second, padded or not.
fn parse_fraction(fraction: &[u8], date: i64) -> Option<i64> {
    const PADDED_SINCE: i64 = 20_091_020;
    if let Some((microseconds, rest)) = fraction.split_first_chunk() {
        let are_digits = rest.iter().all(u8::is_ascii_digit);
        return six(*microseconds).filter(|_| are_digits);
    }
    let missing = 6 - fraction.len();
    let mut padded = [b'0'; 6];
    if date < PADDED_SINCE {
        padded[missing..].copy_from_slice(fraction);
    } else {
        padded[..fraction.len()].copy_from_slice(fraction);
    }
    six(padded).filter(|_| missing < 6)
}

fn six([a, b, c, d, e, f]: [u8; 6]) -> Option<i64> {
    number([b'0', b'0', a, b, c, d, e, f])
}

fn number(text: [u8; 8]) -> Option<i64> {
    digits::eight(text).map(u64::cast_signed)
}

/// Returns the days from 1970 to a day of the years 0 to 9999, if there is such a day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years that start in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month + 2) / 5;
    Some(year * 365 + leap_days + before_month + day - 1 - DAYS_TO_1970)
}

/// Days from the first of March of the year 0 to 1970.
const DAYS_TO_1970: i64 = 719_468;

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
    use chrono::{Datelike as _, NaiveDate, NaiveTime};

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
        // DIFFERENCE: to the original they are parts of a second.
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
    fn days_are_those_of_the_calendar() {
        let mut day = NaiveDate::from_ymd_opt(0, 1, 1).unwrap();
        while day.year() < 10_000 {
            let expected = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
            assert_eq!(
                parse_stamp(&format!(
                    "{:04}{:02}{:02}000000",
                    day.year(),
                    day.month(),
                    day.day()
                )),
                Some(expected),
                "{day}"
            );
            day = day.succ_opt().unwrap();
        }
        for (year, leap) in [(1900, false), (2000, true), (2023, false), (2024, true)] {
            let last = format!("{year}0229000000");
            assert_eq!(parse_stamp(&last).is_some(), leap, "{last}");
        }
        for day in ["20240001", "20241301", "20240100", "20240132", "20240431"] {
            assert_eq!(parse_stamp(&format!("{day}000000")), None, "{day}");
        }
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
