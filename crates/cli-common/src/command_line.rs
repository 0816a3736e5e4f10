//! Reading a command line: [`optparse`] manners first, clap second, complaints
//! worded as the originals worded them.

use std::env;
use std::io::Write as _;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use crate::optparse;
use crate::report::{Output, UsageError};

/// Returns the arguments of this process.
pub(crate) fn words() -> Vec<String> {
    env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Reads arguments; `original` are the long options whose abbreviations keep
/// their meaning. `None` when help or version was asked for, and printed.
///
/// # Errors
///
/// A [`UsageError`], or that of the output.
pub(crate) fn read(
    command: &Command,
    original: &[&str],
    words: &[String],
    output: &mut Output<'_>,
) -> anyhow::Result<Option<ArgMatches>> {
    let mut command = command.clone();
    command.build();
    let usage = command.render_usage();
    let name = command.get_name().to_owned();
    let complain = |text: &str| UsageError::new(format!("{usage}\n\n{name}: error: {text}"));
    let words = optparse::normalise(words, &command, original).map_err(|text| complain(&text))?;
    match command.try_get_matches_from(words) {
        Ok(matches) => Ok(Some(matches)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            write!(output.out, "{}", error.render())?;
            Ok(None)
        }
        Err(error) => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(complain(first.trim_start_matches("error: ")).into())
        }
    }
}
