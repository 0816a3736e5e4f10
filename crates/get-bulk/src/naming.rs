//! File names of series.
//!
//! A name is made of a safe alphabet (letters and digits of ASCII, `.`, `-`,
//! `_`), so that nothing an archive says can lead out of the output directory.
//! DIFFERENCE: the originals use addresses and names as they are (`2001:db8::1`),
//! and crash on a test without a destination.

use chrono::DateTime;

/// Longest name, without what tells series apart and the extension, so that
/// the whole stays below what file systems take (255 bytes).
const LONGEST: usize = 184;

/// How far hosts and other words are cut in a name that is too long.
const SHORT_HOST: usize = 52;
const SHORT_WORD: usize = 40;

/// What the name of a series is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) source: Option<&'a str>,
    pub(crate) destination: Option<&'a str>,
    pub(crate) event_type: &'a str,
    /// As [`day`] or [`moment`] gives them.
    pub(crate) start: &'a str,
    pub(crate) end: &'a str,
}

/// Returns the documented name, without its extension:
/// `<source>_<destination>_<event type>_<start>_<end>`. A part that is missing
/// is left out.
pub(crate) fn stem(parts: Parts<'_>) -> String {
    let join = |longest_host, longest_word| {
        let hosts = [parts.source, parts.destination].into_iter().flatten();
        let words = [parts.event_type, parts.start, parts.end];
        let words: Vec<String> = hosts
            .filter(|host| !host.is_empty())
            .map(|host| safe(host, longest_host))
            .chain(words.map(|word| safe(word, longest_word)))
            .collect();
        words.join("_")
    };
    let mut name = join(usize::MAX, usize::MAX);
    if name.len() > LONGEST {
        name = join(SHORT_HOST, SHORT_WORD);
    }
    // Hidden files and option-like names are nothing that a test should choose.
    if name.starts_with(['.', '-']) {
        format!("_{name}")
    } else {
        name
    }
}

/// Returns what tells series of the same documented name apart:
/// `_<tool>[_<summary>]_<key>`, the key cut to `digits` characters.
pub(crate) fn distinction(tool: Option<&str>, summary: &str, key: &str, digits: usize) -> String {
    let mut text = String::new();
    if let Some(tool) = tool.filter(|tool| !tool.is_empty()) {
        text.push('_');
        text.push_str(&safe(tool, 24));
    }
    if summary != BASE {
        text.push('_');
        text.push_str(&safe(summary, 24));
    }
    text.push('_');
    text.push_str(&safe(key, digits));
    text
}

/// How base data is called where summaries have type and window
/// (`average-300`).
pub(crate) const BASE: &str = "base";

/// Returns the day of a Unix time, UTC: `2014-05-01`.
pub(crate) fn day(ts: i64) -> String {
    formatted(ts, "%Y-%m-%d")
}

/// Returns a Unix time to the second, UTC: `2014-05-01T103000Z`.
pub(crate) fn moment(ts: i64) -> String {
    formatted(ts, "%Y-%m-%dT%H%M%SZ")
}

fn formatted(ts: i64, format: &str) -> String {
    DateTime::from_timestamp(ts, 0)
        .map_or_else(|| ts.to_string(), |time| time.format(format).to_string())
}

fn safe(text: &str, longest: usize) -> String {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.chars()
        .take(longest)
        .map(|c| if is_safe(&c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(source: Option<&str>, destination: Option<&str>, event_type: &str) -> String {
        let (start, end) = (day(1_398_902_400), day(4_070_908_800));
        stem(Parts {
            source,
            destination,
            event_type,
            start: &start,
            end: &end,
        })
    }

    #[test]
    fn names_are_the_documented_ones() {
        assert_eq!(
            name(Some("10.1.1.1"), Some("ps.example.net"), "throughput"),
            "10.1.1.1_ps.example.net_throughput_2014-05-01_2099-01-01"
        );
    }

    #[test]
    fn a_missing_part_is_left_out() {
        // DIFFERENCE: the original crashes.
        let days = "2014-05-01_2099-01-01";
        assert_eq!(
            name(Some("10.1.1.1"), None, "ntp-delay"),
            format!("10.1.1.1_ntp-delay_{days}")
        );
        assert_eq!(name(None, Some(""), "x"), format!("x_{days}"));
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        // DIFFERENCE: the original takes what comes.
        let days = "2014-05-01_2099-01-01";
        for (source, expected) in [
            ("2001:db8::1", "2001-db8--1"),
            ("::1", "_--1"),
            ("../../etc/passwd", "_..-..-etc-passwd"),
            ("/etc", "_-etc"),
            (".hidden", "_.hidden"),
            ("a\0b\nc\\d", "a-b-c-d"),
            ("hôte", "h-te"),
        ] {
            let name = name(Some(source), Some("d"), "e");
            assert_eq!(name, format!("{expected}_d_e_{days}"));
        }
    }

    #[test]
    fn names_stay_below_what_file_systems_take() {
        let long = "x".repeat(5_000);
        let name = name(Some(&long), Some(&long), &long);
        let more = distinction(Some(&long), &long, &long, 8);
        assert!(name.len() + more.len() + ".jsonl".len() <= 255);
        let moment = moment(253_402_300_799);
        assert_eq!(moment, "9999-12-31T235959Z");
    }

    #[test]
    fn what_tells_series_apart_names_tool_summary_and_key() {
        let key = "f6b732e9f351487a96126f0c25e5e546";
        assert_eq!(
            distinction(Some("bwctl/iperf3"), "average-300", key, 8),
            "_bwctl-iperf3_average-300_f6b732e9"
        );
        assert_eq!(distinction(None, BASE, key, 8), "_f6b732e9");
    }
}
