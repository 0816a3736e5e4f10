//! What stands in a page: commands, what they print, and files.

use regex::Regex;

/// A part of a page that a test does something with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// Commands, and what they print.
    Console(Vec<Step>),
    /// The same, for root, on a system of its own.
    Root(Vec<Step>),
    /// Commands of a crontab, which print nothing.
    Cron(Vec<Step>),
    /// A file that is there from now on.
    File { name: String, contents: String },
}

/// A command and what it prints.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Line of the page, from 1.
    pub(crate) line: usize,
    /// As for a shell, over as many lines as it has.
    pub(crate) typed: String,
    /// Lines, each with its end.
    pub(crate) printed: String,
    /// Whether columns may be of other widths.
    widths_vary: bool,
}

impl Step {
    /// Tells whether a program printed what the page says.
    pub(crate) fn is_met_by(&self, printed: &str) -> bool {
        if !self.widths_vary {
            return matches(&self.printed, printed);
        }
        let blanks = Regex::new(" {2,}").expect("a pattern");
        let narrow = |text| blanks.replace_all(text, "  ").into_owned();
        matches(&narrow(&self.printed), &narrow(printed))
    }
}

/// Returns the parts of a page in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let named = Regex::new(r"`([^`\s]+)`:$").expect("a pattern");
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    // The last line with text before a block.
    let mut before = "";
    while let Some((_, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            // An indented command looks like one, and would not be run.
            assert!(
                !line.starts_with("    $ "),
                "a command outside a block: {line}"
            );
            if !line.trim().is_empty() {
                before = line.trim_end();
            }
            continue;
        };
        let inside: Vec<(usize, &str)> = lines
            .by_ref()
            .take_while(|(_, line)| *line != "```")
            .collect();
        let is_left_out = before.starts_with("<!-- not run: ");
        let is_for_root = before.starts_with("<!-- run as root");
        match kind {
            _ if is_left_out => {}
            "console" if is_for_root => blocks.push(Block::Root(steps(&inside))),
            "console" => {
                let mut steps = steps(&inside);
                for step in &mut steps {
                    step.widths_vary = before == "<!-- widths vary -->";
                }
                blocks.push(Block::Console(steps));
            }
            "cron" => blocks.push(Block::Cron(jobs(&inside))),
            _ => {
                if let Some(name) = named.captures(before) {
                    let contents = inside.iter().map(|(_, line)| format!("{line}\n"));
                    blocks.push(Block::File {
                        name: name[1].to_owned(),
                        contents: contents.collect(),
                    });
                }
            }
        }
        before = "";
    }
    blocks
}

fn steps(lines: &[(usize, &str)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, line) in lines {
        if let Some(typed) = line.strip_prefix("$ ") {
            steps.push(Step {
                line: at + 1,
                typed: typed.to_owned(),
                ..Step::default()
            });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        match line.strip_prefix("> ").filter(|_| step.printed.is_empty()) {
            Some(more) => {
                step.typed.push('\n');
                step.typed.push_str(more);
            }
            None => {
                step.printed.push_str(line.trim_end());
                step.printed.push('\n');
            }
        }
    }
    steps
}

/// Reads lines of a crontab: five fields of time, in `/etc/cron.d` a user, then
/// the command, in which `%` is a new line unless it is escaped.
fn jobs(lines: &[(usize, &str)]) -> Vec<Step> {
    let line =
        Regex::new(r"^(?:\S+\s+){5}(?:(?:root|esmond-ps|gridftp)\s+)?(.+)$").expect("a pattern");
    let jobs = lines
        .iter()
        .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'));
    jobs.map(|(at, text)| {
        let typed = line
            .captures(text)
            .unwrap_or_else(|| panic!("no line of a crontab: {text}"));
        Step {
            line: at + 1,
            typed: typed[1].replace("\\%", "%"),
            ..Step::default()
        }
    })
    .collect()
}

/// Tells whether a program printed what a page says.
fn matches(page: &str, printed: &str) -> bool {
    let mut pattern = String::from("^");
    // Empty lines at an end are not seen.
    for line in settle(page).trim_end().lines() {
        if line == "..." {
            pattern.push_str("(?:.*\n)*");
            continue;
        }
        let parts: Vec<String> = line.split("...").map(regex::escape).collect();
        pattern.push_str(&parts.join(".*"));
        pattern.push('\n');
    }
    pattern.push('$');
    let pattern = Regex::new(&pattern).expect("a pattern");
    let printed = settle(printed);
    let printed = printed.trim_end();
    let end = if printed.is_empty() { "" } else { "\n" };
    pattern.is_match(&format!("{printed}{end}"))
}

/// Replaces what is another each time: keys, and the times of logs.
fn settle(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, name) in [
        (r"\b[0-9a-f]{40}\b", "KEY"),
        (r"\b[0-9a-f]{32}\b", "METADATA-KEY"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
        (r"\bts=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "ts=TIME"),
        (r"\bid=\d+", "id=N"),
    ] {
        let pattern = Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}

#[test]
fn a_page_says_what_is_typed_and_what_is_printed() {
    let page = "Text with `code`.\n\n```console\n$ one \\\n>   two\nout\n\n$ three\n```\n\n\
        Put this in `/etc/x.toml`:\n\n```toml\na = 1\n```\n```json\n{}\n```\n\
        <!-- not run: no host -->\n```console\n$ ssh host\n```\n\
        <!-- run as root -->\n```console\n$ four\n```\n\
        ```cron\n# nightly\n5 1 * * * esmond-ps  prog -S $(date +\\%F)\n```\n";
    let step = |line, typed: &str, printed: &str| Step {
        line,
        typed: typed.to_owned(),
        printed: printed.to_owned(),
        ..Step::default()
    };
    assert_eq!(
        blocks(page),
        [
            Block::Console(vec![
                step(4, "one \\\n  two", "out\n\n"),
                step(8, "three", "")
            ]),
            Block::File {
                name: "/etc/x.toml".to_owned(),
                contents: "a = 1\n".to_owned()
            },
            Block::Root(vec![step(25, "four", "")]),
            Block::Cron(vec![step(29, "prog -S $(date +%F)", "")]),
        ]
    );
}

#[test]
fn dots_stand_for_any_text_and_for_any_lines() {
    let key = "f4668f054b159d0f8ad701cf7e8326493a70b73a";
    for (page, printed, fits) in [
        ("a\n", "a\n", true),
        ("a\n", "a\nb\n", false),
        ("a\n...\n", "a\n", true),
        ("a\n...\nd\n", "a\nb\nc\nd\n", true),
        ("a\n...\nd\n", "a\nb\nc\n", false),
        ("a ... b\n", "a (x) b\n", true),
        ("a ... b\n", "a\nb\n", false),
        ("", "a\n", false),
        ("a\n", "a\n\n", true),
        ("", "\n", true),
        (
            &format!("Key: {key}\n"),
            &format!("Key: {}\n", key.replace('f', "0")),
            true,
        ),
        (
            "ts=2026-11-22 02:35:38,104 id=1 x\n",
            "ts=2027-01-02 02:35:38,999 id=77 x\n",
            true,
        ),
    ] {
        assert_eq!(matches(page, printed), fits, "{page:?} {printed:?}");
    }
}

#[test]
fn columns_are_of_other_widths_only_where_the_page_says_so() {
    let block = "```console\n$ show\na    b  c\n```\n";
    for (before, vary) in [("", false), ("<!-- widths vary -->\n", true)] {
        let blocks = blocks(&format!("{before}{block}"));
        let [Block::Console(steps)] = &blocks[..] else {
            panic!("{blocks:?}");
        };
        assert!(steps[0].is_met_by("a    b  c\n"));
        assert_eq!(steps[0].is_met_by("a  b     c\n"), vary);
        assert!(!steps[0].is_met_by("a b  c\n"));
    }
}
