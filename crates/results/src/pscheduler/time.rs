//! Times and durations in ISO 8601.

use chrono::{DateTime, NaiveDateTime};

/// Reads a time as Unix time in whole seconds; without a zone it is UTC.
pub(crate) fn unix(text: &str) -> Option<i64> {
    const NO_ZONE: &str = "%Y-%m-%dT%H:%M:%S%.f";
    let text = text.trim();
    let with_zone = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let time = with_zone
        .map(|time| time.timestamp())
        .or_else(|_| NaiveDateTime::parse_from_str(text, NO_ZONE).map(|t| t.and_utc().timestamp()));
    time.ok()
}

/// Reads a duration such as `PT1M0.25S` as seconds, to the microsecond; `None` when it
/// is none, and for years and months, whose length depends.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a test fit a double"
)]
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let (negative, rest) = match text.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    let rest = rest.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').unwrap_or((rest, ""));
    if days.is_empty() && clock.is_empty() {
        return None;
    }
    let microseconds = part(days, &[('W', 604_800), ('D', 86_400)])?
        .checked_add(part(clock, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
    let seconds = microseconds as f64 / 1e6;
    Some(if negative { -seconds } else { seconds })
}

/// Reads amounts with their units, in the order of `units`, as microseconds.
fn part(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut units = units.iter();
    let mut sum = 0_i64;
    while !text.is_empty() {
        let at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
        let unit = text[at..].chars().next()?;
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(microseconds(&text[..at])?.checked_mul(*length)?)?;
        text = &text[at + 1..];
    }
    Some(sum)
}

fn microseconds(number: &str) -> Option<i64> {
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let (kept, rest) = fraction.split_at(fraction.len().min(6));
    let mut micro: i64 = format!("{kept:0<6}").parse().ok()?;
    // To the nearest, and to the even one from the middle.
    let half = rest.trim_end_matches('0');
    if half > "5" || (half == "5" && micro % 2 == 1) {
        micro += 1;
    }
    whole.checked_mul(1_000_000)?.checked_add(micro)
}

#[cfg(test)]
mod tests {
    use super::{seconds, unix};

    #[test]
    fn durations_are_seconds_to_the_microsecond() {
        for (text, expected) in [
            ("PT23S", 23.0),
            ("PT0.1S", 0.1),
            ("PT0.0206249S", 0.020_625),
            ("PT0.0000005S", 0.0),
            ("PT0.0000015S", 0.000_002),
            ("PT24H", 86_400.0),
            ("P1DT1H1M1.5S", 90_061.5),
            ("P1W", 604_800.0),
            ("PT.5S", 0.5),
            ("-PT1S", -1.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "5",
            "PT5",
            "P1Y",
            "P1M",
            "PT1S1M",
            "PTxS",
            "PT1.2.3S",
            "PT99999999999999H",
        ] {
            // A bare `PT` is no duration, all else is malformed or has no fixed length.
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_whole_unix_seconds() {
        for text in [
            "2024-03-05T14:30:00Z",
            "2024-03-05T14:30:00+00:00",
            "2024-03-05T09:30:00.999-05:00",
            "2024-03-05T09:30:00-0500",
            "2024-03-05T14:30:00",
            "2024-03-05T14:30:00.5",
        ] {
            assert_eq!(unix(text), Some(1_709_649_000), "{text}");
        }
        assert_eq!(unix("yesterday"), None);
    }
}
