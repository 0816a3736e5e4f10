//! How every program ends: exit statuses, error reports, closed pipes.
//!
//! DIFFERENCE: the originals end with 255 where something failed, and do not tell a
//! part of it from all.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::problem::{self, Level, Problem};

/// A mistake on the command line: exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    /// What is wrong and what to do about it.
    pub message: String,
    /// Whether the full help follows the message.
    pub help: bool,
}

impl UsageError {
    /// Makes an error with its message alone.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: false,
        }
    }

    /// Returns the message without the usage line in front of it; further lines are
    /// detail.
    fn problem(&self) -> Problem {
        let message = match self.message.split_once(": error: ") {
            Some((usage, message)) if usage.starts_with("Usage: ") => message,
            _ => &self.message,
        };
        let mut lines = message.lines().filter(|line| !line.trim().is_empty());
        let problem = Problem::new(Level::Error, lines.next().unwrap_or_default());
        let (hints, others): (Vec<&str>, Vec<&str>) =
            lines.partition(|line| line.starts_with("hint: "));
        let hint = hints.first().copied();
        problem.hint(hint).detail(others.into_iter().map(str::trim))
    }

    /// Has the full help follow the message.
    #[must_use]
    pub fn with_help(mut self) -> Self {
        self.help = true;
        self
    }
}

/// How a run ended that did not fail altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was delivered, also when that was nothing.
    Done,
    /// Some of it was delivered; what failed was named.
    Partly,
    /// A signal of this number ended it early; what was delivered is whole.
    Interrupted(u8),
}

/// Exit statuses of all programs.
pub mod status {
    /// Done, also when there is no data.
    pub const DONE: u8 = 0;
    /// Failed.
    pub const FAILED: u8 = 1;
    /// A mistake on the command line.
    pub const USAGE: u8 = 2;
    /// Partly done: some tests or series failed, and were named.
    pub const PARTLY: u8 = 3;
}

/// Turns the end of a run into an exit status, and reports a failure on
/// `stderr` as `<program>: error: <what>: <cause>: ...`.
///
/// A closed pipe is no failure: whoever reads the output has seen enough.
///
/// With `--json-errors` the last object on `stderr` has the exit status, unless that
/// is 0.
pub fn finish(
    program: &str,
    help: &str,
    result: anyhow::Result<Outcome>,
    stderr: &mut dyn io::Write,
) -> ExitCode {
    if problem::is_json() {
        let end = end(&result);
        if let Some(end) = &end {
            ignore(writeln!(stderr, "{}", end.1));
        }
        return ExitCode::from(end.map_or(status::DONE, |(status, _)| status));
    }
    let status = match result {
        Ok(Outcome::Done) => status::DONE,
        Ok(Outcome::Partly) => status::PARTLY,
        // As shells report a process that the signal ended.
        Ok(Outcome::Interrupted(signal)) => 128_u8.saturating_add(signal),
        Err(error) if is_closed_pipe(error.as_ref()) => status::DONE,
        Err(error) => match error.downcast_ref::<UsageError>() {
            Some(usage) => {
                let written = writeln!(stderr, "{}", usage.message);
                if usage.help && written.is_ok() {
                    ignore(writeln!(stderr, "\n{}", help.trim_end()));
                }
                status::USAGE
            }
            None => {
                ignore(writeln!(
                    stderr,
                    "{program}: error: {}",
                    chain(error.as_ref())
                ));
                if let Some(hint) = hint(error.as_ref()) {
                    ignore(writeln!(stderr, "{hint}"));
                }
                status::FAILED
            }
        },
    };
    ExitCode::from(status)
}

/// Returns the exit status of a run that did not end well, and what is told last.
fn end(result: &anyhow::Result<Outcome>) -> Option<(u8, Problem)> {
    let (status, problem) = match result {
        Ok(Outcome::Done) => return None,
        Ok(Outcome::Partly) => {
            let text = "partly done: what failed is named above";
            (status::PARTLY, Problem::new(Level::Error, text))
        }
        Ok(Outcome::Interrupted(signal)) => {
            let text = format!("ended by signal {signal}");
            let problem = Problem::new(Level::Warning, &text);
            (128_u8.saturating_add(*signal), problem)
        }
        Err(error) if is_closed_pipe(error.as_ref()) => return None,
        Err(error) => {
            let status = match is_usage(error) {
                true => status::USAGE,
                false => status::FAILED,
            };
            (status, failure(error))
        }
    };
    Some((status, problem.exit(status)))
}

/// Returns what is told of an error that ends a program: its causes are the detail,
/// with what to try next.
#[must_use]
pub fn failure(error: &anyhow::Error) -> Problem {
    match error.downcast_ref::<UsageError>() {
        Some(usage) => usage.problem(),
        None => Problem::of(error.as_ref()).hint(hint(error.as_ref()).as_deref()),
    }
}

/// Returns what to try next, where an error has a usual reason.
#[must_use]
pub fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    crate::hint::of(error)
}

/// Longest line about what went wrong, in characters.
const LONGEST: usize = 2_000;

/// Returns what is told on stderr about something that an archive named: one
/// line of at most 2000 characters, with everything visible that could mislead.
///
/// DIFFERENCE: the originals print what an archive says as it comes.
#[must_use]
pub fn told(text: &str) -> String {
    let line = crate::pytext::one_line(text);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.into_owned(),
    }
}

/// Writes an error with its causes on one line, as [`told`]: parts of it come from
/// archives.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    told(&text)
}

pub(crate) fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Tells whether an error is a mistake on the command line.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<UsageError>().is_some()
}

/// A message that cannot be written to stderr has no better place to go.
fn ignore(_: io::Result<()>) {}

/// Where a run writes: results to `out`, everything else to `err`.
pub struct Output<'a> {
    /// Results, and only results.
    pub out: Box<dyn io::Write + 'a>,
    /// Notes, warnings, verbose lines.
    pub err: Box<dyn io::Write + 'a>,
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

impl Output<'_> {
    /// Tells the user of something that went wrong, or may have.
    pub fn tell(&mut self, problem: &Problem) {
        ignore(writeln!(self.err, "{problem}"));
    }

    /// Tells the user something that is no result.
    pub fn note(&mut self, text: &str) {
        ignore(writeln!(self.err, "{text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn report(result: anyhow::Result<Outcome>) -> (ExitCode, String) {
        let mut stderr = Vec::new();
        let code = finish("prog", "HELP\n", result, &mut stderr);
        (code, String::from_utf8(stderr).unwrap())
    }

    #[test]
    fn each_end_has_its_status_and_its_words() {
        // DIFFERENCE: the originals end with 255.
        assert_eq!(
            report(Ok(Outcome::Done)),
            (ExitCode::from(0), String::new())
        );
        assert_eq!(
            report(Ok(Outcome::Partly)),
            (ExitCode::from(3), String::new())
        );
        assert_eq!(
            report(Ok(Outcome::Interrupted(15))),
            (ExitCode::from(143), String::new())
        );
        let usage = UsageError::new("no").with_help();
        assert_eq!(
            report(Err(usage.into())),
            (ExitCode::from(2), "no\n\nHELP\n".to_owned())
        );
        let failed = Err(io::Error::other("disk \u{1b}[31m")).context("writing");
        assert_eq!(
            report(failed),
            (
                ExitCode::from(1),
                "prog: error: writing: disk \\x1b[31m\n".to_owned()
            )
        );
    }

    #[test]
    fn a_refusal_over_plain_http_has_a_usual_reason() {
        let refused = |url: &str| {
            let error = esmond_ps_client::Error::Status {
                url: url.to_owned(),
                status: http::StatusCode::FORBIDDEN,
                message: String::new(),
            };
            report(Err(error).context("reading the tests")).1
        };
        assert!(refused("http://h/").ends_with("try https:// in --url\n"));
        assert!(!refused("https://h/").contains("try https://"));
    }

    #[test]
    fn what_is_told_is_one_line_of_bounded_length() {
        // DIFFERENCE: the originals print it as it comes.
        assert_eq!(
            told("a\nb\tc\u{1b}[2J\u{202e}"),
            "a\\nb\\tc\\x1b[2J\\u{202e}"
        );
        let long = "é".repeat(1_000_000);
        assert_eq!(told(&long).chars().count(), LONGEST + 3);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_however_deep_it_is() {
        let closed = Err(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing rows");
        assert_eq!(report(closed), (ExitCode::from(0), String::new()));
    }
}
