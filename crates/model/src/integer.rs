//! Integers in the spellings that archives accept in queries and in values:
//! blanks around, a sign, single underscores between digits (what Python's
//! `int()` takes in base ten).

/// Reads a decimal integer, or returns `None` when the text is none or does
/// not fit 64 bits.
///
/// ```
/// use esmond_ps_model::integer::parse;
/// assert_eq!(parse(" +1_000 "), Some(1000));
/// assert_eq!(parse("1.5"), None);
/// assert_eq!(parse("1__0"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    spelled(text)?.parse().ok()
}

/// Reads a decimal integer; one that does not fit 64 bits becomes the nearest
/// that does. For limits and other bounds, where "too large" means "no bound".
///
/// ```
/// use esmond_ps_model::integer::parse_saturating;
/// assert_eq!(parse_saturating("99999999999999999999"), Some(i64::MAX));
/// assert_eq!(parse_saturating("many"), None);
/// ```
#[must_use]
pub fn parse_saturating(text: &str) -> Option<i64> {
    let digits = spelled(text)?;
    let nearest = if digits.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(digits.parse().unwrap_or(nearest))
}

/// Returns the integer without blanks and underscores, if the text is one.
fn spelled(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let well_formed = !digits.is_empty()
        && digits
            .split('_')
            .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !well_formed {
        return None;
    }
    Some(text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_spellings_of_the_recordings_are_understood() {
        for (text, expected) in [
            ("5", Some(5)),
            (" 5 ", Some(5)),
            ("+5", Some(5)),
            ("-5", Some(-5)),
            ("1_000", Some(1000)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("_1", None),
            ("1_", None),
            ("1e3", None),
            ("1.0", None),
            ("+-1", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
