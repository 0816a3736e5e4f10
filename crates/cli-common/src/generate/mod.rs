//! What is made of a command line for packages: manual pages and completions.
//!
//! `PROGRAM --generate man|bash|zsh|fish` prints them. It has to be the first word,
//! and is in no help: only who packages the programs needs it.

mod completion;
mod man;

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Command;

use crate::report::status;

/// What a manual page has beside the command line itself.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Variables that stand for no option, and what they are.
    pub environment: &'a [(&'a str, &'a str)],
    /// Files, and what they are.
    pub files: &'a [(&'a str, &'a str)],
    /// Other pages, with their sections; the page itself may be among them.
    pub see_also: &'a [&'a str],
}

/// Prints what `--generate` asks for, if that is the first word of this process:
/// then nothing is left to do. The examples and exit statuses of a manual page are
/// those of the help.
#[must_use]
pub fn requested(command: &Command, page: &Page<'_>) -> Option<ExitCode> {
    let mut words = env::args_os().skip(1);
    if words.next()? != "--generate" {
        return None;
    }
    let kind = words.next().unwrap_or_default();
    let made = match kind.to_str() {
        Some("man") => man::page(command, page),
        Some(shell) => completion::script(command, shell),
        None => None,
    };
    let Some(text) = made else {
        let text = "--generate makes man, bash, zsh or fish";
        writeln!(io::stderr(), "{text}").ok();
        return Some(ExitCode::from(status::USAGE));
    };
    let mut out = io::stdout().lock();
    Some(match out.write_all(&text).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(status::DONE),
        Err(error) => {
            writeln!(io::stderr(), "{}: error: {error}", command.get_name()).ok();
            ExitCode::from(status::FAILED)
        }
    })
}
