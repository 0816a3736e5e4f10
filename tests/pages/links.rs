//! Links of a page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

/// Returns the links of a page that lead nowhere. Those to other sites are not
/// looked at.
pub(crate) fn broken(top: &Path, name: &str, page: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let place = top.join(name);
    let directory = place.parent().expect("a page lies in a directory");
    let mut broken = Vec::new();
    for found in link.captures_iter(&prose(page)) {
        let target = &found[1];
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let file = match file {
            "" => place.clone(),
            file => directory.join(file),
        };
        let leads = match fs::read_to_string(&file) {
            Ok(text) => anchor.is_empty() || anchors(&text).contains(anchor),
            Err(_) => file.is_dir() && anchor.is_empty(),
        };
        if !leads {
            broken.push(format!("{name}: {target}"));
        }
    }
    broken
}

/// Returns a page without its blocks of code.
fn prose(page: &str) -> String {
    let mut in_block = false;
    page.lines()
        .filter(|line| {
            let is_fence = line.starts_with("```");
            in_block ^= is_fence;
            !in_block && !is_fence
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Returns the names that headings have as targets of links.
fn anchors(page: &str) -> BTreeSet<String> {
    prose(page)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn headings_are_targets() {
    let page = "# A title\n## `--url`, and *more*\n```\n# no title\n```\n";
    let expected = ["a-title", "--url-and-more"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
    let link = |target: &str| broken(Path::new("/nowhere"), "x.md", &format!("[a]({target})\n"));
    assert_eq!(link("https://example.org/"), Vec::<String>::new());
    assert_eq!(link("y.md").len(), 1);
}
