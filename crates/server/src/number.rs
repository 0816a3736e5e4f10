//! Numbers as the archive takes them from JSON: as numbers, booleans or texts.

use esmond_ps_model::{float, integer};
use serde_json::{Number, Value};

/// First and last second of the years that clients can name (1 to 9999).
pub(crate) const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads an integer of 64 bits; a fraction is cut off, towards zero. Text must
/// be an integer. `None` for everything else.
pub(crate) fn to_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => truncated(number),
        Value::String(text) => integer::parse(text),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads a finite number in double precision. `None` for everything else.
pub(crate) fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::String(text) => float::parse(text),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads a Unix time in seconds; a fraction is cut off.
///
/// Years beyond 9999 are refused: they come from times in milliseconds, and
/// the points would be stored where nobody looks for them.
///
/// DIFFERENCE: the original takes such times.
pub(crate) fn to_time(value: &Value) -> Option<i64> {
    to_integer(value).filter(|time| TIMES.contains(time))
}

/// Cuts off the fraction of a number; `None` when it does not fit 64 bits.
fn truncated(number: &Number) -> Option<i64> {
    // Digits of an integer count exactly, also beyond double precision.
    if let Some(exact) = number.as_i64() {
        return Some(exact);
    }
    let value = number.as_f64()?.trunc();
    // 2^63 is the first double that does not fit.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "range is checked")]
    fits.then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn integers_are_exact_and_fractions_are_cut_off() {
        for (text, expected) in [
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9223372036854775807.5", None),
            ("1e400", None),
            ("5.99", Some(5)),
            ("-5.99", Some(-5)),
            ("1e15", Some(1_000_000_000_000_000)),
            ("\" 1_000 \"", Some(1000)),
            ("\"5.5\"", None),
            ("true", Some(1)),
            ("null", None),
            ("[1]", None),
        ] {
            assert_eq!(to_integer(&parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn floats_are_finite() {
        for (text, expected) in [
            ("0.1", Some(0.1)),
            ("\"1e-3\"", Some(0.001)),
            ("1e400", None),
            ("\"inf\"", None),
            ("\"nan\"", None),
            ("false", Some(0.0)),
            ("{}", None),
        ] {
            assert_eq!(to_float(&parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn times_in_milliseconds_are_no_times() {
        // DIFFERENCE: the original takes them.
        assert_eq!(to_time(&parse("1398965989")), Some(1_398_965_989));
        assert_eq!(to_time(&parse("\"-5\"")), Some(-5));
        assert_eq!(to_time(&parse("1398965989000")), None);
        assert_eq!(to_time(&parse("253402300799.9")), Some(253_402_300_799));
    }
}
