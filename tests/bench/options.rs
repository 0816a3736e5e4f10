//! The command line.

use std::env;
use std::iter;
use std::path::{Path, PathBuf};

use crate::{FIGURES, Figure};

/// What was asked for.
pub(crate) struct Options {
    /// Names of figures; none for all.
    names: Vec<String>,
    pub(crate) is_quick: bool,
    /// Whether nothing is measured.
    pub(crate) page_only: bool,
    /// Where the page goes, if anywhere.
    pub(crate) page: Option<PathBuf>,
    pub(crate) results: PathBuf,
    /// The command, as the page shows it: without the places of files.
    pub(crate) command: String,
}

impl Options {
    /// Reads the arguments.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut names = Vec::new();
        let (mut is_quick, mut page_only) = (false, false);
        let (mut page, mut results) = (None, None);
        while let Some(argument) = arguments.next() {
            let mut file = || PathBuf::from(arguments.next().expect("an option without its file"));
            match argument.as_str() {
                "--quick" => is_quick = true,
                "--page-only" => page_only = true,
                "--page" => page = Some(file()),
                "--results" => results = Some(file()),
                name => {
                    let known: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
                    assert!(
                        known.contains(&name),
                        "no figure {name}: {}",
                        known.join(", ")
                    );
                    names.push(argument);
                }
            }
        }
        let quick = is_quick.then_some("--quick");
        let words = names.iter().map(String::as_str).chain(quick);
        let words: Vec<&str> = iter::once("esmond-ps-bench").chain(words).collect();
        let command = words.join(" ");
        let kept = if is_quick {
            "quick.json"
        } else {
            "results.json"
        };
        Self {
            names,
            is_quick,
            page_only,
            page: page.or_else(|| (!is_quick).then(|| PathBuf::from("docs/performance.md"))),
            results: results.unwrap_or_else(|| place().join(kept)),
            command,
        }
    }

    /// Tells whether a figure is to be measured.
    pub(crate) fn asks_for(&self, figure: &Figure) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == figure.name)
    }
}

/// Directory of all that a run leaves: `bench` in the directory of builds.
pub(crate) fn place() -> PathBuf {
    let own = env::current_exe().expect("a program knows its own path");
    let builds = own.ancestors().nth(2).unwrap_or(Path::new("."));
    builds.join("bench")
}
