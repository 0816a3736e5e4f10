//! What holds: command line over environment over configuration file over
//! defaults.
//!
//! The options are defined once, for clap. The file's values become the
//! defaults of the options with their names, so they are read and checked by
//! the same parsers. The file is TOML; a key or a value that is not understood
//! is an error that names the line.
//!
//! DIFFERENCE: the original is set up in a file of another form.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::OsStr as Text;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use esmond_ps_server::Summaries;
use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::cli::{self, Cli, NO_SETTINGS};

/// The configuration file that is read if it exists and none is named.
const DEFAULT_FILE: &str = "/etc/esmond-ps/archive.toml";

/// Subcommand whose options are settings.
const SERVE: &str = "serve";

/// Settings of `serve` that other subcommands have, too.
const SHARED: [&str; 2] = ["types", "retention"];

/// Table of the file that no option can stand for.
const SUMMARIES: &str = "summaries";

/// Why there are no settings.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The configuration file is wrong.
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

/// Settings, and where they come from.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) cli: Cli,
    /// The table of the file, and its place.
    pub(crate) summaries: Option<(Summaries, String)>,
    arguments: Vec<OsString>,
    /// In the order of the help; empty unless the archive is served.
    entries: Vec<Entry>,
}

/// A setting for people to read.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    key: String,
    /// As TOML; `None` when it is not set.
    value: Option<String>,
    source: String,
}

impl Settings {
    /// Reads the command line, the environment and the configuration file.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Refused> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let typed = cli::command().try_get_matches_from(&arguments)?;
        let file = File::find(&typed)?;
        let command = with_defaults(cli::command(), file.as_ref());
        let matches = command.clone().try_get_matches_from(&arguments)?;
        Ok(Self {
            cli: Cli::from_arg_matches(&matches)?,
            entries: entries(&command, &matches, file.as_ref()),
            summaries: file.and_then(|file| file.summaries),
            arguments,
        })
    }

    /// Reads everything again.
    pub(crate) fn reread(&self) -> Result<Self, Refused> {
        Self::read(self.arguments.iter().cloned())
    }

    /// Returns the keys whose value is another one than that in `other`.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let pairs = self.entries.iter().zip(&other.entries);
        pairs
            .filter(|(ours, theirs)| ours.value != theirs.value)
            .map(|(ours, _)| ours.key.as_str())
            .collect()
    }

    /// Shows all settings as a configuration file, with where they come from.
    pub(crate) fn show(&self) -> String {
        let mut text = String::new();
        for Entry { key, value, source } in &self.entries {
            let line = match value {
                Some(value) => format!("{key} = {value}"),
                None => format!("# {key} ="),
            };
            // Writing to a text does not fail.
            let _ = writeln!(text, "{line:<50} # {source}");
        }
        text
    }
}

/// Returns the settings among the options of a command.
fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| {
        argument
            .get_long()
            .is_some_and(|name| !NO_SETTINGS.contains(&name))
    })
}

/// Returns all settings.
fn all_settings(command: &Command) -> impl Iterator<Item = &Arg> {
    let serve = command.find_subcommand(SERVE).into_iter();
    let own = settings(command);
    own.chain(
        serve
            .flat_map(settings)
            .filter(|argument| !argument.is_global_set()),
    )
}

fn with_defaults(command: Command, file: Option<&File>) -> Command {
    let default = |argument: Arg| {
        let Some(name) = argument.get_long().map(str::to_owned) else {
            return argument;
        };
        let value = file.and_then(|file| file.value(&name));
        match value {
            Some(value) => argument.default_values(value.texts.iter().map(Text::from)),
            None if name == "data" => argument.default_values(default_directory().map(Text::from)),
            None => argument,
        }
    };
    let shared = |argument: Arg| match argument.get_long() {
        Some(name) if SHARED.contains(&name) => default(argument),
        _ => argument,
    };
    command
        .mut_args(default)
        .mut_subcommands(|subcommand| match subcommand.get_name() {
            SERVE => subcommand.mut_args(default),
            _ => subcommand.mut_args(shared),
        })
}

fn default_directory() -> Option<OsString> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("esmond-ps-archive").into_os_string())
}

fn entries(command: &Command, matches: &ArgMatches, file: Option<&File>) -> Vec<Entry> {
    let Some((SERVE, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let entry = |argument: &Arg| {
        let id = argument.get_id().as_str();
        let key = argument.get_long().unwrap_or(id).to_owned();
        let texts = matches.get_raw(id).map(|texts| {
            let texts = texts.map(toml_text).collect::<Vec<_>>();
            if is_list(argument) {
                format!("[{}]", texts.join(", "))
            } else {
                texts.concat()
            }
        });
        let source = match matches.value_source(id) {
            None => "not set".to_owned(),
            Some(ValueSource::CommandLine) => format!("--{key}"),
            Some(ValueSource::EnvVariable) => {
                let name = argument.get_env().unwrap_or_default();
                format!("environment, {}", name.to_string_lossy())
            }
            Some(_) => match file.and_then(|file| Some((file, file.value(&key)?))) {
                Some((file, value)) => file.place(value.line),
                None => "default".to_owned(),
            },
        };
        Entry {
            key,
            value: texts,
            source,
        }
    };
    let mut entries: Vec<Entry> = all_settings(command).map(entry).collect();
    let table = file.and_then(|file| Some((file, file.value(SUMMARIES)?)));
    entries.push(Entry {
        key: SUMMARIES.to_owned(),
        value: table.map(|(_, table)| table.texts.concat()),
        source: table.map_or_else(
            || "default".to_owned(),
            |(file, table)| file.place(table.line),
        ),
    });
    entries
}

/// Writes a value as the file may have it: numbers and truth values plain.
fn toml_text(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = text
        .parse::<u64>()
        .is_ok_and(|number| number.to_string() == text)
        || matches!(text.as_ref(), "true" | "false");
    if plain {
        text.into_owned()
    } else {
        toml::Value::String(text.into_owned()).to_string()
    }
}

fn is_list(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Append)
}

/// A configuration file.
#[derive(Debug)]
struct File {
    path: PathBuf,
    values: Vec<Value>,
    /// The table of this name, and its place.
    summaries: Option<(Summaries, String)>,
}

/// A value of a configuration file, as the command line would have it.
#[derive(Debug)]
struct Value {
    key: String,
    texts: Vec<String>,
    line: usize,
}

impl File {
    /// Reads the file that is named, or the default one if it exists.
    fn find(matches: &ArgMatches) -> Result<Option<Self>> {
        let named = matches.get_one::<PathBuf>("config");
        let path = named.map_or(Path::new(DEFAULT_FILE), PathBuf::as_path);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("cannot read the configuration file {}", path.display())
                });
            }
        };
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut file = Self {
            path: path.to_owned(),
            values: Vec::new(),
            summaries: None,
        };
        let line_at = |position: usize| {
            let before = text.get(..position).unwrap_or(text);
            before.matches('\n').count() + 1
        };
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_at(span.start));
                bail!("{}: {}", file.place(line), error.message());
            }
        };
        let command = cli::command();
        for (key, value) in table.get_ref() {
            let line = line_at(key.span().start);
            if key.get_ref() == SUMMARIES {
                let summaries = deserialized::<Summaries>(value).map_err(|error| {
                    let line = error.span().map_or(line, |span| line_at(span.start));
                    anyhow!("{}: {}", file.place(line), error.message())
                })?;
                file.summaries = Some((summaries, file.place(line)));
                let text = deserialized::<toml::Value>(value)?.to_string();
                file.values.push(Value {
                    key: SUMMARIES.to_owned(),
                    texts: vec![text],
                    line,
                });
                continue;
            }
            let value = file.value_of(&command, key.get_ref(), value, line)?;
            file.values.push(value);
        }
        Ok(file)
    }

    /// Checks a key and its value.
    fn value_of(
        &self,
        command: &Command,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        line: usize,
    ) -> Result<Value> {
        let place = self.place(line);
        let argument = all_settings(command).find(|argument| argument.get_long() == Some(key));
        let Some(argument) = argument else {
            bail!("{place}: unknown key \"{key}\"{}", nearest(command, key));
        };
        let texts = match value.get_ref() {
            DeValue::Array(values) if is_list(argument) => {
                let texts = values.iter().map(|value| scalar(value.get_ref()));
                texts.collect::<Option<Vec<_>>>()
            }
            value => scalar(value).map(|text| vec![text]),
        };
        let Some(texts) = texts else {
            let expected = if is_list(argument) {
                "a list of values"
            } else {
                "one value"
            };
            bail!("{place}: {key} takes {expected}");
        };
        let typed = texts.iter().map(|text| format!("--{key}={text}"));
        let line_of_words = ["esmond-ps-archive", SERVE].map(str::to_owned);
        let checked = command
            .clone()
            .try_get_matches_from(line_of_words.into_iter().chain(typed));
        if let Err(error) = checked {
            bail!("{place}: {}", reason(&error, key));
        }
        Ok(Value {
            key: key.to_owned(),
            texts,
            line,
        })
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|value| value.key == key)
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

fn deserialized<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<T, toml::de::Error> {
    T::deserialize(ValueDeserializer::from(value.clone()))
}

/// Returns a value as it would be typed.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Says the key that was probably meant, or all of them.
fn nearest(command: &Command, key: &str) -> String {
    let keys = all_settings(command).filter_map(Arg::get_long);
    let keys: Vec<&str> = keys.chain([SUMMARIES]).collect();
    let near = keys
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, key), known))
        .min()
        .filter(|(distance, _)| *distance <= key.len().div_ceil(3));
    match near {
        Some((_, known)) => format!("; did you mean \"{known}\"?"),
        None => format!("; the keys are {}", keys.join(", ")),
    }
}

/// Returns what clap says of a value, in the words of the file.
fn reason(error: &clap::Error, key: &str) -> String {
    let text = error.to_string();
    // What follows the empty line is about the command line.
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => text.replace(option, key),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_an_option_a_variable_and_help() {
        let mut names = Vec::new();
        for argument in all_settings(&cli::command()) {
            let name = argument.get_long().unwrap();
            let variable = argument.get_env().unwrap_or_default();
            let expected = match name {
                "log" => "RUST_LOG".to_owned(),
                name => format!("ESMOND_ARCHIVE_{}", name.replace('-', "_").to_uppercase()),
            };
            assert_eq!(variable.to_str(), Some(expected.as_str()), "{name}");
            assert!(argument.get_help().is_some(), "{name}");
            names.push(name.to_owned());
        }
        assert!(names.contains(&"data".to_owned()) && names.contains(&"listen".to_owned()));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn what_other_commands_share_with_serve_is_the_same_setting() {
        let command = cli::command();
        let variables = |name: &str| -> Vec<OsString> {
            let options = command.get_subcommands().flat_map(Command::get_arguments);
            options
                .filter(|option| option.get_long() == Some(name))
                .map(|option| option.get_env().unwrap_or_default().to_owned())
                .collect()
        };
        for name in SHARED {
            let variables = variables(name);
            assert!(variables.len() > 1, "{name}");
            assert!(variables.windows(2).all(|two| two[0] == two[1]), "{name}");
        }
        // The alias of another archive is none of our settings.
        assert!(variables("script-alias").len() > 1);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_said_with_its_line() {
        for (text, expected) in [
            (
                "\nlisten = \"here\"",
                "x.toml:2: invalid value 'here' for 'listen': ",
            ),
            (
                "listne = \"[::]:80\"",
                "x.toml:1: unknown key \"listne\"; did you mean \"listen\"?",
            ),
            (
                "bogus = 1",
                "x.toml:1: unknown key \"bogus\"; the keys are data, log, ",
            ),
            ("config = \"y\"", "x.toml:1: unknown key \"config\""),
            ("log = [\"info\"]", "x.toml:1: log takes one value"),
            ("[listen]\nx = 1", "x.toml:1: listen takes one value"),
            (
                "trusted-proxy = { a = 1 }",
                "x.toml:1: trusted-proxy takes a list of values",
            ),
            (
                "log = \"info\"\ntrusted-proxy = [\"::1\",\n\"z\"]",
                "x.toml:2: invalid value 'z' for 'trusted-proxy': expected an address",
            ),
            (
                "log-format = \"xml\"",
                "x.toml:1: invalid value 'xml' for 'log-format' [possible values: text, json]",
            ),
            (
                "body-limit = 0",
                "x.toml:1: invalid value '0' for 'body-limit': ",
            ),
            ("body-limit = 1.5", "x.toml:1: body-limit takes one value"),
            (
                "require-auth-for-reads = \"maybe\"",
                "x.toml:1: invalid value 'maybe'",
            ),
            (
                "[summaries]\nthroughput = [\n{ summary-type = \"median\", summary-window = 1 } ]",
                "x.toml:",
            ),
            ("summaries = 1", "x.toml:1: "),
            ("log = \"info\"\nlog = \"warn\"", "x.toml:2: "),
            ("log = ", "x.toml:1: "),
        ] {
            let error = File::parse(Path::new("x.toml"), text)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
