//! File names of channels: `<channel>_<start>_<end>`.
//!
//! A name is made of a safe alphabet (letters and digits of ASCII, `.`, `-`, `_`), so
//! that nothing that an archive says can lead out of the output directory.

use std::collections::HashMap;

use chrono::DateTime;
use sha2::{Digest as _, Sha256};

use crate::times::Span;

/// Longest part of a name that is the channel's, in bytes, so that the whole stays below
/// what file systems take (255).
const LONGEST: usize = 120;

/// Returns a name for each channel, without extension. Where two channels would share
/// one, or differ in upper and lower case only, each gets `_<digest of its name>`; so
/// does one whose name is cut.
pub(crate) fn stems(channels: &[String], span: Span) -> Vec<String> {
    let stem = |channel: &String| {
        let (start, end) = (moment(span.start), moment(span.end));
        format!("{}_{start}_{end}", safe(channel))
    };
    let mut uses: HashMap<String, u32> = HashMap::new();
    for channel in channels {
        *uses.entry(stem(channel).to_ascii_lowercase()).or_default() += 1;
    }
    let named = |channel: &String| {
        let stem = stem(channel);
        let is_shared = uses.get(&stem.to_ascii_lowercase()) > Some(&1);
        if is_shared || channel.len() > LONGEST {
            format!("{stem}_{}", digest(channel))
        } else {
            stem
        }
    };
    channels.iter().map(named).collect()
}

fn safe(channel: &str) -> String {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let text: String = channel
        .chars()
        .take(LONGEST)
        .map(|c| if is_safe(&c) { c } else { '-' })
        .collect();
    // Hidden files and option-like names are nothing that a channel should choose.
    if text.starts_with(['.', '-']) {
        format!("_{text}")
    } else {
        text
    }
}

/// Writes a time as precisely as it is: `2019-09-07T023052Z`.
fn moment(time: i64) -> String {
    let time = DateTime::from_timestamp_nanos(time);
    time.format("%Y-%m-%dT%H%M%S%.fZ").to_string()
}

fn digest(channel: &str) -> String {
    let digest = Sha256::digest(channel.as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(channels: &[&str]) -> Vec<String> {
        let channels: Vec<String> = channels.iter().map(|name| (*name).to_owned()).collect();
        let span = Span {
            start: 1_567_823_452_000_000_000,
            end: 1_567_823_453_500_000_000,
        };
        stems(&channels, span)
    }

    #[test]
    fn names_are_safe() {
        let times = "2019-09-07T023052Z_2019-09-07T023053.500Z";
        for (channel, expected) in [
            ("SR:BPM1.X", "SR-BPM1.X"),
            ("../../etc/passwd", "_..-..-etc-passwd"),
            ("-rf", "_-rf"),
            ("a\0b\n\u{1b}", "a-b--"),
            ("", ""),
        ] {
            assert_eq!(names(&[channel]), [format!("{expected}_{times}")]);
        }
    }

    #[test]
    fn channels_never_share_a_file() {
        let all = names(&["a/b", "a:b", "A:B", "c", &"x".repeat(200), &"x".repeat(201)]);
        let mut folded: Vec<String> = all.iter().map(|name| name.to_lowercase()).collect();
        folded.sort();
        folded.dedup();
        assert_eq!(folded.len(), 6, "{all:?}");
        assert!(all[3].ends_with('Z') && !all[0].ends_with('Z'));
        assert!(all.iter().all(|name| name.len() < 245));
        assert_eq!(
            names(&["a:b", "a/b"])[1],
            all[0],
            "the order does not matter"
        );
    }
}
