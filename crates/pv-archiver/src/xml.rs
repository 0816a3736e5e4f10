//! A trap in files of configuration: `enabled="1"` is allowed by their schema, and
//! read as *false* by the servers.

use std::io::{self, BufRead};

/// A tag longer than this is none of a channel, or of no use to search, in bytes.
const LONGEST_TAG: usize = 1 << 20;

/// What a file holds that is read otherwise than it looks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traps {
    /// Channels with `enabled="1"`.
    pub(crate) count: u64,
    /// The name of the first one, as it stands in the file.
    pub(crate) first: Option<String>,
}

/// Looks for the trap, in any encoding in which ASCII can be seen. It may be found in
/// a comment, too: it is a reason for a warning only.
pub(crate) fn traps(mut file: impl BufRead) -> io::Result<Traps> {
    let mut traps = Traps::default();
    let mut tag = Vec::new();
    loop {
        tag.clear();
        let length = io::Read::take(&mut file, LONGEST_TAG as u64).read_until(b'>', &mut tag)?;
        if length == 0 {
            return Ok(traps);
        }
        // UTF-16 has one before or after each character of ASCII.
        tag.retain(|byte| *byte != 0);
        let text = String::from_utf8_lossy(&tag);
        if attribute(&text, "enabled").is_some_and(|value| value.trim() == "1") {
            traps.count += 1;
            if traps.first.is_none() {
                traps.first = attribute(&text, "name").map(str::to_owned);
            }
        }
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.match_indices(name).find_map(|(place, _)| {
        let before = tag[..place].chars().next_back()?;
        let value = tag[place + name.len()..].trim_start().strip_prefix('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        if !before.is_whitespace() {
            return None;
        }
        value[1..].split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> (u64, Option<String>) {
        let traps = traps(text).unwrap();
        (traps.count, traps.first)
    }

    #[test]
    fn the_trap_is_found_however_it_is_written() {
        for (text, count) in [
            (r#"<channel name="a" enabled="1"/>"#, 1),
            (
                "<channel enabled = '1' name='a'><x/><channel name='b' enabled=\"1\"/>",
                2,
            ),
            (r#"<channel name="a" enabled="true"/>"#, 0),
            (r#"<channel name="a" enabled="0"/>"#, 0),
            (r#"<channel name="enabled=1"/>"#, 0),
            (r#"<channel name="a" is-enabled="1"/>"#, 0),
            ("<channel enabled=", 0),
            ("", 0),
        ] {
            let first = (count > 0).then(|| "a".to_owned());
            assert_eq!(found(text.as_bytes()), (count, first), "{text}");
        }
        let wide: Vec<u8> = r#"<channel name="a" enabled="1"/>"#
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(found(&wide), (1, Some("a".to_owned())));
    }
}
