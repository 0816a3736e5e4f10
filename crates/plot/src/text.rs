//! Texts that come from archives, made fit to be shown.

/// Longest text in a picture, in characters.
const LONGEST: usize = 300;

/// Returns the text on one line, cut, with what cannot be seen or would mislead
/// (control characters, marks of writing direction) replaced.
pub(crate) fn clean(text: &str) -> String {
    cut(
        &text.chars().take(LONGEST + 1).map(seen).collect::<String>(),
        LONGEST,
        "…",
    )
}

fn seen(character: char) -> char {
    let misleads = matches!(
        character,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFFE}' | '\u{FFFF}'
    );
    match character {
        '\t' | '\n' | '\r' => ' ',
        _ if character.is_control() || misleads => '\u{FFFD}',
        _ => character,
    }
}

/// Returns the first characters of a text that has more than `most`, with `mark` at the
/// end of what is cut.
pub(crate) fn cut(text: &str, most: usize, mark: &str) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(mark.chars().count());
    let mut cut: String = text.chars().take(kept).collect();
    cut.push_str(mark);
    cut.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_replaced() {
        assert_eq!(clean("a\x1b[31m\u{202E}b\nc"), "a\u{FFFD}[31m\u{FFFD}b c");
        assert_eq!(clean(&"x".repeat(1000)).chars().count(), LONGEST);
    }

    #[test]
    fn a_text_is_cut_to_its_room() {
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("abcd", 4, "…"), "abcd");
        assert_eq!(cut("abcd", 1, "..."), ".");
        assert_eq!(cut("abcd", 0, "..."), "");
    }
}
