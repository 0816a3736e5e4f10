//! Texts of other archives, as they are shown.

/// Returns a name that an archive gave, fit to be shown: without control
/// characters, and not longer than names are.
pub(crate) fn shown(name: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(128).map(visible).collect()
}

/// Returns an error and its causes on one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(shown("a\u{1b}[31m\n"), "a\u{fffd}[31m\u{fffd}");
        assert_eq!(shown(&"x".repeat(500)).len(), 128);
    }
}
