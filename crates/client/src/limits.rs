//! What is taken from an archive at most.
//!
//! An archive is somebody else's program: it may be broken, or not be an archive
//! at all. Each of these is far beyond what an archive has to say, and reaching
//! one is an [`Error`](crate::Error) that names it, never less data.
//!
//! DIFFERENCE: the original library takes whatever comes.

/// Largest answer, in bytes after decompression: 64 MiB. Where it is a page of
/// points, fewer are asked for instead.
pub const ANSWER: usize = 64 << 20;

/// How much is looked at of an answer that is not the one asked for, in bytes:
/// 64 KiB.
pub const REFUSAL: usize = 64 << 10;

/// Most JSON values in a list of tests, or in the value of a point.
pub const VALUES: usize = 2_000_000;

/// Most points on a page, however many were asked for.
pub const POINTS: usize = 1_000_000;

/// Most tests of one search, as they come; their keys are remembered.
pub const TESTS: u64 = 1_000_000;

/// Most pages of a search in a row that bring no test that is new.
pub const PAGES_WITHOUT_NEWS: u32 = 1_000;

/// Most pages of a series that are not full. After a short page there may be
/// more; an archive that answers in crumbs would never end.
pub const SHORT_PAGES: u32 = 100_000;

/// Longest key of a test, and longest name of an event type, in bytes: 1000.
pub const NAME: usize = 1_000;

/// Longest address of a series, in bytes: 4 KiB.
pub const ADDRESS: usize = 4 << 10;

/// Most redirects that are followed in a row.
pub const REDIRECTS: usize = 5;

/// How much time an answer may take beside that for its size, as a multiple of
/// [`timeout`](crate::ArchiveBuilder::timeout): 200 s by default.
pub const PATIENCE: u32 = 10;

/// How slow an answer may come, in bytes per second after decompression, once
/// [`PATIENCE`] is at an end: 16 KiB/s.
pub const SLOWEST: usize = 16 << 10;

/// Longest text that is repeated in an error, in characters.
pub const WORDS: usize = 300;

/// Tells whether JSON holds more than this many values down to this depth (1:
/// the elements of the outermost list). Text that is no JSON is judged by what
/// it looks like.
pub(crate) fn holds_more(json: &[u8], most: usize, depth: usize) -> bool {
    // The shortest value and what keeps it from the next one are two bytes.
    if json.len() / 2 < most {
        return false;
    }
    let (mut values, mut level) = (0, 0_usize);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json {
        if in_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => {
                values += usize::from(level < depth);
                level += 1;
            }
            b']' | b'}' => level = level.saturating_sub(1),
            b',' => values += usize::from(level <= depth),
            _ => {}
        }
        if values > most {
            return true;
        }
    }
    false
}

/// Cuts a text that is repeated in an error.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_as_deep_as_asked() {
        let page = br#"[{"ts":1,"val":[1,2,"],[{\"",4]},{"ts":2,"val":[]}]"#;
        // A list, two points, and a comma between them.
        assert!(holds_more(page, 1, 1));
        assert!(!holds_more(page, 4, 1));
        assert!(holds_more(page, 8, usize::MAX));
        assert!(!holds_more(page, 12, usize::MAX));
    }

    #[test]
    fn what_is_nested_is_counted_too() {
        let deep = "[".repeat(100);
        assert!(holds_more(deep.as_bytes(), 40, usize::MAX));
        assert!(!holds_more(deep.as_bytes(), 40, 1));
        assert!(!holds_more(b"]]]]]]]]]]", 1, usize::MAX));
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(shortened("a b"), "a b");
        assert_eq!(shortened(&"é".repeat(WORDS + 1)).chars().count(), WORDS + 3);
    }
}
