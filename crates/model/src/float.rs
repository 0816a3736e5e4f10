//! Decimal numbers in the spellings that archives accept in values and in
//! histogram buckets: decimal or exponent form, blanks around, single
//! underscores between digits (what Python's `float()` takes, but for
//! infinities and NaN).

/// Reads a finite number in double precision, or returns `None`.
///
/// ```
/// use esmond_ps_model::float::parse;
/// assert_eq!(parse(" 1_0e-1 "), Some(1.0));
/// assert_eq!(parse("nan"), None);
/// assert_eq!(parse("1e999"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let separators_only_between_digits = bytes.iter().enumerate().all(|(at, &byte)| {
        byte != b'_' || (at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1)))
    });
    if !separators_only_between_digits {
        return None;
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_are_read_as_python_reads_floats() {
        for (text, expected) in [
            (" 5 ", Some(5.0)),
            ("1_0", Some(10.0)),
            ("1e2", Some(100.0)),
            ("-.5", Some(-0.5)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1_.5", None),
            ("", None),
            ("inf", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
