//! Ranges of values as the guidelines for Nagios plugins define them.
//!
//! `10` is `0:10`, `10:` has no end, `~:10` no beginning; a value outside of the
//! range, whose ends belong to it, is an alert. With `@` in front, a value inside is.

use std::fmt;
use std::str::FromStr;

/// A range, and on which side of it values are bad.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    start: f64,
    end: f64,
    /// Whether values inside are bad.
    inside: bool,
    text: String,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range: {reason}; ranges are 10, 10:, ~:10, 10:20 and @10:20")]
pub(crate) struct RangeError {
    text: String,
    reason: &'static str,
}

impl Range {
    /// Tells whether a value is bad.
    pub(crate) fn alerts(&self, value: f64) -> bool {
        let is_inside = self.start <= value && value <= self.end;
        is_inside == self.inside
    }

    /// Says in words why a value is bad.
    pub(crate) fn complaint(&self) -> String {
        let side = if self.inside { "inside" } else { "outside" };
        format!("{side} {}", self.text.trim_start_matches('@'))
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let refused = |reason| RangeError {
            text: text.to_owned(),
            reason,
        };
        let number = |text: &str| {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| refused("a number is missing"))
        };
        let (inside, rest) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (start, end) = rest.split_once(':').unwrap_or(("", rest));
        let has_colon = rest.contains(':');
        if start.is_empty() && end.is_empty() {
            return Err(refused("it is empty"));
        }
        let start = match start {
            "" => 0.0,
            "~" => f64::NEG_INFINITY,
            number_text => number(number_text)?,
        };
        let end = match end {
            "" if has_colon => f64::INFINITY,
            number_text => number(number_text)?,
        };
        if start > end {
            return Err(refused("it ends before it starts"));
        }
        Ok(Self {
            start,
            end,
            inside,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the guidelines, and what stands at the ends.
    #[test]
    fn ranges_alert_as_the_guidelines_say() {
        for (range, alerts, fine) in [
            (
                "10",
                &[-1.0, -0.001, 10.001, 11.0][..],
                &[0.0, 5.0, 10.0][..],
            ),
            ("10:", &[-5.0, 0.0, 9.99], &[10.0, 11.0, 1e300]),
            ("~:10", &[10.001, 1e300], &[-1e300, 0.0, 10.0]),
            ("10:20", &[9.9, 20.1, -15.0], &[10.0, 15.0, 20.0]),
            ("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1, -15.0]),
            ("@10", &[0.0, 10.0], &[-0.1, 10.1]),
            ("0:10", &[-1.0, 11.0], &[0.0, 10.0]),
            (":10", &[-1.0, 11.0], &[0.0, 10.0]),
            ("0", &[-1.0, 1.0], &[0.0]),
            ("~:", &[], &[-1e300, 0.0, 1e300]),
            ("@~:5", &[-7.0, 5.0], &[5.5]),
            ("-20:-10", &[-9.0, -21.0, 0.0], &[-20.0, -10.0]),
            ("1e9:", &[999_999_999.0], &[1e9]),
            ("0.5:1.5", &[0.4, 1.6], &[1.0]),
        ] {
            let range: Range = range.parse().unwrap();
            for value in alerts {
                assert!(range.alerts(*value), "{range} {value}");
            }
            for value in fine {
                assert!(!range.alerts(*value), "{range} {value}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "", "@", ":", "@:", "~", "x", "10:x", "20:10", "~:~", "10:~", "inf", "nan", "1:2:3",
            " 1", "1e999", "10%",
        ] {
            let error = text.parse::<Range>().unwrap_err().to_string();
            assert!(error.contains("10:20"), "{text}: {error}");
        }
    }
}
