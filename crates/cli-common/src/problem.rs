//! What is told on stderr: lines for people, or with `--json-errors` one JSON object a
//! line for programs. `docs/schema/error.json` describes them.
//!
//! Which of the two holds for the whole process, from [`as_json`] on. What is written
//! to [`Stderr`] as text becomes an object as well, a line each, so that nothing on
//! stderr has another form; a [`Problem`] says more than its text.
//!
//! DIFFERENCE: the originals tell notes and warnings on stdout, between the
//! results, and have no JSON for them.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::report::{chain, told};

/// The option of all programs that asks for JSON.
pub const OPTION: &str = "--json-errors";

/// Begins a line that is an object already. Text that comes from outside never holds
/// it: [`told`] makes control characters visible.
const OBJECT: char = '\u{1e}';

static PROGRAM: OnceLock<String> = OnceLock::new();
static ARCHIVE: OnceLock<String> = OnceLock::new();

/// Has everything on stderr told in JSON from here on, in the name of a program.
pub fn as_json(program: &str) {
    PROGRAM.get_or_init(|| program.to_owned());
}

/// Tells whether [`as_json`] was called.
#[must_use]
pub fn is_json() -> bool {
    PROGRAM.get().is_some()
}

/// Tells whether a command line asks for JSON, even one that is wrong otherwise.
#[must_use]
pub fn is_asked_for(words: &[String]) -> bool {
    let mut options = words.iter().take_while(|word| *word != "--");
    options.any(|word| word.replace('_', "-") == OPTION)
}

/// Names the archive that the run is about in all that is told from here on.
pub fn about(archive: &str) {
    ARCHIVE.get_or_init(|| told(archive));
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something was not done.
    Error,
    /// It was done, but perhaps not as expected.
    Warning,
    /// For whoever is interested.
    Note,
    /// What `--verbose` tells.
    Debug,
}

impl Level {
    /// Returns the name: `error`, `warning`, `note` or `debug`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
            Level::Debug => "debug",
        }
    }
}

/// Something to be told on stderr. Its text is one line, without the line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    level: Level,
    message: String,
    detail: Vec<String>,
    hint: Option<String>,
    event: Option<String>,
    metadata_key: Option<String>,
    event_type: Option<String>,
    exit: Option<u8>,
    /// The line as it is told to people.
    text: String,
}

impl Problem {
    /// Makes one of a message; people read `error: <message>`.
    #[must_use]
    pub fn new(level: Level, message: &str) -> Self {
        let message = told(message);
        Self {
            level,
            text: format!("{}: {message}", level.name()),
            message,
            detail: Vec::new(),
            hint: None,
            event: None,
            metadata_key: None,
            event_type: None,
            exit: None,
        }
    }

    /// Makes one of an error, whose causes become the detail.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut problem = Self::new(Level::Error, &error.to_string());
        problem.text = chain(error);
        problem.detail = causes(error.source());
        problem
    }

    /// Adds what caused it.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        self.text = format!("{}: {}", self.text, chain(error));
        self.detail = causes(Some(error));
        self
    }

    /// Has people read this line instead.
    #[must_use]
    pub fn worded(mut self, text: &str) -> Self {
        self.text = told(text);
        self
    }

    /// Adds further lines, which people do not see.
    #[must_use]
    pub fn detail<'a>(mut self, lines: impl IntoIterator<Item = &'a str>) -> Self {
        self.detail.extend(lines.into_iter().map(told));
        self
    }

    /// Adds what to try next, which people read elsewhere.
    #[must_use]
    pub fn hint(mut self, text: Option<&str>) -> Self {
        self.hint = text.map(|text| told(text.trim_start_matches("hint: ")));
        self
    }

    /// Adds the name of the event, as logs of loaders have it.
    #[must_use]
    pub fn event(mut self, name: &str) -> Self {
        self.event = Some(told(name));
        self
    }

    /// Says which test it is about.
    #[must_use]
    pub fn metadata_key(mut self, key: &str) -> Self {
        self.metadata_key = Some(told(key));
        self
    }

    /// Says which event type it is about.
    #[must_use]
    pub fn event_type(mut self, name: &str) -> Self {
        self.event_type = Some(told(name));
        self
    }

    /// Says that it is the last one, and how the program ends.
    #[must_use]
    pub fn exit(mut self, status: u8) -> Self {
        self.exit = Some(status);
        self
    }

    fn json(&self, program: &str, archive: Option<&str>) -> String {
        let mut object = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let detail = (!self.detail.is_empty()).then(|| self.detail.clone().into());
        add("level", Some(self.level.name().into()));
        add("program", Some(program.into()));
        add("event", text(&self.event));
        add("message", Some(self.message.as_str().into()));
        add("detail", detail);
        add("hint", text(&self.hint));
        add("archive", archive.map(Value::from));
        add("metadata-key", text(&self.metadata_key));
        add("event-type", text(&self.event_type));
        add("exit", self.exit.map(Value::from));
        Value::Object(object).to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PROGRAM.get() {
            None => f.write_str(&self.text),
            Some(program) => {
                let archive = ARCHIVE.get().map(String::as_str);
                write!(f, "{OBJECT}{}", self.json(program, archive))
            }
        }
    }
}

fn causes(first: Option<&(dyn Error + 'static)>) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut cause = first;
    while let Some(error) = cause {
        causes.push(told(&error.to_string()));
        cause = error.source();
    }
    causes
}

/// Returns what a line of text says.
fn read(program: &str, line: &str) -> Problem {
    let line = line.trim();
    let text = line
        .strip_prefix(program)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(line);
    for level in [Level::Error, Level::Warning] {
        let rest = text.strip_prefix(level.name());
        if let Some(message) = rest.and_then(|rest| rest.strip_prefix(": ")) {
            return Problem::new(level, message);
        }
    }
    let is_verbose = (text.starts_with('[') && text.ends_with(']')) || text.starts_with("** ");
    let level = if is_verbose {
        Level::Debug
    } else {
        Level::Note
    };
    Problem::new(level, text)
}

/// The standard error, where every line becomes an object once [`as_json`] was called.
#[derive(Debug, Default)]
pub struct Stderr {
    line: Vec<u8>,
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(program) = PROGRAM.get() else {
            return io::stderr().write(bytes);
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                self.tell(program)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Stderr {
    /// Returns that of a program with this command line, which may ask for JSON.
    #[must_use]
    pub fn of(program: &str, words: &[String]) -> Self {
        if is_asked_for(words) {
            as_json(program);
        }
        Self::default()
    }

    fn tell(&mut self, program: &str) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(());
        }
        let object = match line.strip_prefix(OBJECT) {
            Some(object) => object.to_owned(),
            None => read(program, line).json(program, ARCHIVE.get().map(String::as_str)),
        };
        io::stderr().write_all(format!("{object}\n").as_bytes())
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        if let Some(program) = PROGRAM.get() {
            // There is no better place to complain.
            self.tell(program).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_problem_says_in_json_what_it_is_about() {
        let error = Err::<(), _>(io::Error::other("disk full"))
            .context("writing \u{1b}[31m")
            .unwrap_err();
        let problem = Problem::new(Level::Error, "test k")
            .because(error.as_ref())
            .metadata_key("k")
            .event_type("throughput")
            .exit(1);
        assert_eq!(
            problem.to_string(),
            "error: test k: writing \\x1b[31m: disk full"
        );
        assert_eq!(
            problem.json("prog", Some("http://h/")),
            r#"{"level":"error","program":"prog","message":"test k","detail":["writing \\x1b[31m","disk full"],"archive":"http://h/","metadata-key":"k","event-type":"throughput","exit":1}"#
        );
    }

    #[test]
    fn a_line_of_text_has_the_level_that_it_names() {
        for (line, level, message) in [
            ("prog: error: no", Level::Error, "no"),
            ("error: no", Level::Error, "no"),
            ("warning: hm", Level::Warning, "hm"),
            ("[url: http://h/]", Level::Debug, "[url: http://h/]"),
            ("  ** got 5 results", Level::Debug, "** got 5 results"),
            ("5 series", Level::Note, "5 series"),
        ] {
            let problem = read("prog", line);
            assert_eq!((problem.level, problem.message.as_str()), (level, message));
        }
    }

    #[test]
    fn the_option_counts_also_where_the_rest_is_wrong() {
        let asked = |line: &str| {
            let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
            is_asked_for(&words)
        };
        assert!(asked("--bogus --json-errors"));
        assert!(asked("--json_errors"));
        assert!(!asked("-s x -- --json-errors"));
    }
}
