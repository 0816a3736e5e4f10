//! What a table is printed on.

use std::env;
use std::io::{IsTerminal as _, stdout};

/// Width and colours of what is printed on. The default has no limit and no colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Screen {
    /// Columns of characters; `None` for no limit.
    pub width: Option<usize>,
    /// Whether headers may be in bold letters.
    pub colour: bool,
}

impl Screen {
    /// Returns what the standard output is: as wide as `COLUMNS` says, or else as the
    /// terminal, and with colour on a terminal unless `NO_COLOR` is set. A file or a
    /// pipe has no limit.
    #[must_use]
    pub fn of_stdout() -> Self {
        let is_terminal = stdout().is_terminal();
        let told = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let width = told.filter(|width| *width > 0).or_else(|| {
            let size = is_terminal.then(terminal_size::terminal_size).flatten();
            size.map(|(width, _)| usize::from(width.0))
        });
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            width: width.filter(|width| *width > 0),
            colour: is_terminal && !is_dumb && !is_set("NO_COLOR"),
        }
    }
}
