//! From the input to tests, whatever printed it.
//!
//! DIFFERENCE: the original reads the output of bwctl alone.

use std::borrow::Cow;
use std::io::{self, BufRead};

use clap::ValueEnum;
use esmond_ps_results::{Kind, iperf3};

use crate::bwctl::scanner::Scanner;
use crate::bwctl::sides::Sides;
use crate::bwctl::{self, statement};
use crate::documents::{self, Documents, Part};
use crate::lines::{Line, Lines};

/// What printed the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// `bwctl --parsable --verbose`
    Bwctl,
    /// `iperf3 --json`
    Iperf3,
    /// pScheduler results, as an archiver gets them
    Pscheduler,
}

/// One test in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// As bwctl printed it.
    Bwctl(Box<bwctl::Found>),
    /// A document of iperf3, and what iperf3 said after it.
    Iperf3 {
        /// The document.
        document: String,
        /// A line of text that follows it.
        error: Option<String>,
    },
    /// A document of pScheduler.
    Pscheduler(String),
    /// A document of iperf3 that was cut off.
    Iperf3Cut(String),
    /// Something else in JSON, or of pScheduler and cut off.
    Unknown(String),
}

impl Test {
    /// Returns the test as it was read, to be read again.
    #[must_use]
    pub fn raw(&self) -> Cow<'_, str> {
        match self {
            Self::Bwctl(found) => found.raw.as_str().into(),
            Self::Iperf3 {
                document,
                error: Some(error),
            } => format!("{document}\n{IPERF3_SAYS}{error}\n").into(),
            Self::Iperf3 { document, .. } => document.into(),
            Self::Pscheduler(text) | Self::Iperf3Cut(text) | Self::Unknown(text) => text.into(),
        }
    }
}

/// How much of the input is remembered.
const HEAD: usize = 1 << 16;

/// Reads tests.
#[derive(Debug)]
pub struct Reader {
    wanted: Option<Tool>,
    mode: Mode,
    /// A document of iperf3 that says nothing: the reason may follow.
    silent: Option<String>,
    documents: u64,
    /// The beginning of the input.
    head: String,
}

#[derive(Debug)]
enum Mode {
    /// Nothing has told yet what the input is.
    Open,
    Bwctl(Box<Bwctl>),
    Json(Documents),
}

#[derive(Debug, Default)]
struct Bwctl {
    scanner: Scanner,
    sides: Sides,
}

impl Reader {
    /// Makes a reader that recognises its input, or takes it for what is wanted.
    #[must_use]
    pub fn new(wanted: Option<Tool>) -> Self {
        let mode = match wanted {
            Some(Tool::Bwctl) => Mode::Bwctl(Box::default()),
            Some(_) => Mode::Json(Documents::default()),
            None => Mode::Open,
        };
        Self {
            wanted,
            mode,
            silent: None,
            documents: 0,
            head: String::new(),
        }
    }

    /// Reads to the end and gives each test to `found`, which tells whether to go on.
    ///
    /// # Errors
    ///
    /// Those of the input.
    pub fn read(
        &mut self,
        input: impl BufRead,
        mut found: impl FnMut(Test) -> bool,
    ) -> io::Result<()> {
        let mut lines = Lines::new(input);
        while let Some(line) = lines.read()? {
            for test in self.line(&line) {
                if !found(test) {
                    return Ok(());
                }
            }
        }
        for test in self.end() {
            if !found(test) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes the next line; returns the tests that end with it.
    pub fn line(&mut self, line: &Line) -> Vec<Test> {
        if self.head.len() < HEAD {
            let letters = line.text.chars().take(HEAD - self.head.len());
            self.head.extend(letters.chain(['\n']));
        }
        if matches!(self.mode, Mode::Open) {
            let text = line.text.trim_start_matches('\u{feff}');
            if statement::statement(text).is_some() || statement::is_frame(text) {
                self.mode = Mode::Bwctl(Box::default());
            } else if documents::begins(text) {
                self.mode = Mode::Json(Documents::default());
            }
        }
        match &mut self.mode {
            Mode::Open => Vec::new(),
            Mode::Bwctl(bwctl) => {
                let found = bwctl.scanner.line(line).map(|test| bwctl.sides.push(test));
                found.into_iter().flatten().map(bwctl_test).collect()
            }
            Mode::Json(documents) => {
                let mut parts = documents.line(line.text.trim_start_matches('\u{feff}'));
                if line.cut {
                    parts.extend(documents.end());
                }
                parts.into_iter().flat_map(|part| self.part(part)).collect()
            }
        }
    }

    /// Ends the input; returns the tests that end with it.
    pub fn end(&mut self) -> Vec<Test> {
        match &mut self.mode {
            Mode::Open => Vec::new(),
            Mode::Bwctl(bwctl) => {
                let Bwctl { scanner, sides } = bwctl.as_mut();
                let last = scanner.end().map(|test| sides.push(test));
                let mut rest: Vec<_> = last.into_iter().flatten().collect();
                rest.extend(sides.end());
                rest.into_iter().map(bwctl_test).collect()
            }
            Mode::Json(documents) => {
                let rest = documents.end();
                let mut tests: Vec<Test> =
                    rest.into_iter().flat_map(|part| self.part(part)).collect();
                tests.extend(self.without_reason(None));
                tests
            }
        }
    }

    /// Returns the input, or its beginning when it is long: for who wants to see what it
    /// was when there was no test in it.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Lists what is missing, in the words of the log, when there was no test at all.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        match &self.mode {
            Mode::Open => Scanner::default().missing(),
            Mode::Bwctl(bwctl) => bwctl.scanner.missing(),
            Mode::Json(_) if self.documents == 0 => {
                vec!["could not load json_block: ".to_owned()]
            }
            Mode::Json(_) => Vec::new(),
        }
    }

    fn part(&mut self, part: Part) -> Vec<Test> {
        let mut tests = Vec::new();
        match part {
            Part::Text(text) => tests.extend(self.without_reason(Some(&text))),
            Part::Object(document) => {
                self.documents += 1;
                tests.extend(self.without_reason(None));
                let kind = match self.wanted {
                    Some(Tool::Iperf3) => Some(Kind::Iperf3),
                    Some(Tool::Pscheduler) => Some(Kind::Pscheduler),
                    _ => Kind::of(&document),
                };
                match kind {
                    Some(Kind::Iperf3) if is_silent(&document) => self.silent = Some(document),
                    Some(Kind::Iperf3) => tests.push(Test::Iperf3 {
                        document,
                        error: None,
                    }),
                    Some(Kind::Pscheduler) => tests.push(Test::Pscheduler(document)),
                    None => tests.push(Test::Unknown(document)),
                }
            }
            Part::Cut(text) => {
                self.documents += 1;
                tests.extend(self.without_reason(None));
                // What iperf3 writes first.
                let iperf3 = text.contains("\"start\"") && text.contains("\"connected\"");
                let iperf3 = self.wanted == Some(Tool::Iperf3) || (self.wanted.is_none() && iperf3);
                tests.push(if iperf3 {
                    Test::Iperf3Cut(text)
                } else {
                    Test::Unknown(text)
                });
            }
        }
        tests
    }

    /// Lets a document through that waited for a reason.
    fn without_reason(&mut self, text: Option<&str>) -> Option<Test> {
        let document = self.silent.take()?;
        Some(Test::Iperf3 {
            document,
            error: text.and_then(error_line),
        })
    }
}

fn bwctl_test(found: bwctl::Found) -> Test {
    Test::Bwctl(Box::new(found))
}

fn is_silent(document: &str) -> bool {
    iperf3::Report::parse(document).is_ok_and(|report| report.is_silent())
}

/// How iperf3 begins what it says beside its result.
const IPERF3_SAYS: &str = "iperf3: ";

/// Returns what iperf3 says in a line of text.
#[must_use]
pub fn error_line(line: &str) -> Option<String> {
    line.trim().strip_prefix(IPERF3_SAYS).map(ToOwned::to_owned)
}
