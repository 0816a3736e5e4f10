//! The format itself: files that were written once, and its description.

use crate::support::*;

const VERSION_1: &str = include_str!("../data/version-1.jsonl");
const DOCS: &str = include_str!("../../../../docs/moving.md");

/// The file without the time at which its records were made.
fn timeless(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for member in ["created", "sha256"] {
            if let Some(value) = line.get_mut(member) {
                *value = serde_json::Value::Null;
            }
        }
        line
    });
    lines.collect()
}

#[tokio::test]
async fn files_of_version_1_can_be_read_for_ever() {
    let copy = Archive::of(&compress(VERSION_1)).await;
    assert_eq!(decompress(&copy.export().await), VERSION_1);
}

#[tokio::test]
async fn version_1_is_what_is_written_now() {
    let text = decompress(&varied().await.export().await);
    assert_eq!(timeless(&text), timeless(VERSION_1));
}

#[test]
fn the_lines_of_the_manual_are_from_a_real_file() {
    let lines: Vec<&str> = DOCS
        .lines()
        // A line with dots is what a command prints, cut.
        .filter(|line| line.starts_with("{\"type\"") && !line.contains("..."))
        .collect();
    assert!(lines.len() > 5);
    for line in lines {
        assert!(VERSION_1.lines().any(|real| real == line), "{line}");
    }
}
