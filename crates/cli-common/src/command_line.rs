//! Reading a command line: [`optparse`] manners first, clap second, complaints
//! worded as the originals worded them.

use std::env;
use std::io::Write as _;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use crate::config::{self, Surroundings};
use crate::nearest::did_you_mean;
use crate::optparse;
use crate::report::{Output, UsageError};

/// Returns the arguments of this process.
#[must_use]
pub fn words() -> Vec<String> {
    env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Reads arguments; `original` are the long options whose abbreviations keep
/// their meaning. What the command line does not say is taken from the environment
/// and the configuration files. `None` when help, the version or the settings were
/// asked for, and printed.
///
/// # Errors
///
/// A [`UsageError`], or that of the output.
pub fn read(
    command: &Command,
    original: &[&str],
    words: &[String],
    output: &mut Output<'_>,
) -> anyhow::Result<Option<ArgMatches>> {
    read_for(command, original, words, output, |_| None)
}

/// As [`read`], for a program that knows where to look without an address.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn read_for(
    command: &Command,
    original: &[&str],
    words: &[String],
    output: &mut Output<'_>,
    address: impl FnOnce(&ArgMatches) -> Option<&'static str>,
) -> anyhow::Result<Option<ArgMatches>> {
    // The help names the variables, and nothing else needs them here.
    let bare = command
        .clone()
        .mut_args(|option| option.env(Resettable::Reset));
    let mut command = command.clone();
    command.build();
    let usage = command.render_usage();
    let name = command.get_name().to_owned();
    let complain = |text: &str| UsageError::new(format!("{usage}\n\n{name}: error: {text}"));
    let words = optparse::normalise(words, &command, original).map_err(|text| complain(&text))?;
    let surroundings = Surroundings::of_process(&command);
    let typed = match bare.clone().try_get_matches_from(&words) {
        Ok(typed) => typed,
        Err(error) => {
            let text = error.render().to_string();
            if matches!(error.kind(), ErrorKind::DisplayVersion) {
                write!(output.out, "{text}")?;
                return Ok(None);
            }
            if matches!(error.kind(), ErrorKind::DisplayHelp) {
                write!(output.out, "{}", command.render_long_help())?;
                return Ok(None);
            }
            let first = text.lines().next().unwrap_or_default();
            let mut text = first.trim_start_matches("error: ").to_owned();
            text.push_str(&known_values(&error));
            return Err(complain(&text).into());
        }
    };
    let settled = config::settle(bare, &words, &typed, &surroundings)?;
    for note in &settled.notes {
        output.note(note);
    }
    let matches = &settled.matches;
    let is_set = |id: &str| matches.try_get_one::<bool>(id).ok().flatten() == Some(&true);
    if is_set("show_config") {
        let format = matches
            .try_get_one::<String>("output_format")
            .ok()
            .flatten();
        let as_json = format.is_some_and(|format| format == "json" || format == "jsonl");
        write!(output.out, "{}", settled.show(address(matches), as_json))?;
        return Ok(None);
    }
    Ok(Some(settled.matches))
}

/// Returns the end of a complaint about a value, where there are only some: that
/// which was probably meant, and all of them.
fn known_values(error: &clap::Error) -> String {
    let (Some(ContextValue::Strings(known)), Some(ContextValue::String(typed))) = (
        error.get(ContextKind::ValidValue),
        error.get(ContextKind::InvalidValue),
    ) else {
        return String::new();
    };
    let near = did_you_mean(typed, known.iter().map(String::as_str), "");
    format!("{near} (one of: {})", known.join(", "))
}
