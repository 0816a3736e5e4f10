//! What holds for a run: the command line over a named archive over the
//! environment over the configuration files over the defaults.
//!
//! The options are defined once, for clap. What a file says becomes the default of
//! the option with its name, so that it is read and checked by the same parsers.
//!
//! Credentials stay with the address they were given for. Those of a named archive
//! are used for that archive alone. Those of the environment never go to an
//! archive that the command line names, nor to a `--url` of another origin than the
//! one that the environment names. A named archive is taken from one file as a
//! whole, so that no file can turn the address under the key of another.
//!
//! DIFFERENCE: the originals have no configuration files, no named archives, and
//! read no variables.

mod file;
mod show;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::OsStr;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use url::Url;

use self::file::{Archive, File};
use crate::nearest::did_you_mean;
use crate::report::{UsageError, told};

/// Where named archives are mounted unless something else is said: the same for all
/// programs, also for those that look elsewhere for an address.
const SCRIPT_ALIAS: &str = "esmond";

/// Options that say who asks.
const CREDENTIALS: [&str; 3] = ["user", "key", "key_file"];

/// What surrounds a run.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The files that count unless one is named; the first one counts most.
    pub(crate) files: Vec<PathBuf>,
    /// What `~/` stands for.
    pub(crate) home: Option<PathBuf>,
    /// The variables that say something: the option that each stands for, its name
    /// and its text.
    pub(crate) variables: Vec<(String, String, OsString)>,
}

impl Surroundings {
    /// Returns those of this process: the user's file, that of the host, and the
    /// variables of a command's options.
    pub(crate) fn of_process(command: &Command) -> Self {
        let absolute = |name: &str| {
            let path = env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let home = absolute("HOME");
        let user = absolute("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let bases = user.into_iter().chain([PathBuf::from("/etc")]);
        let variables = command.get_arguments().filter_map(|arg| {
            let name = arg.get_env()?.to_str()?;
            let text = env::var_os(name).filter(|text| !text.is_empty())?;
            Some((arg.get_id().to_string(), name.to_owned(), text))
        });
        Self {
            files: bases
                .map(|base| base.join("esmond-ps/config.toml"))
                .collect(),
            variables: variables.collect(),
            home,
        }
    }
}

/// What holds, and where it comes from.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The options with everything in them.
    pub(crate) matches: ArgMatches,
    /// What to tell the user.
    pub(crate) notes: Vec<String>,
    /// Files that were looked for, and whether they are there.
    files: Vec<(PathBuf, bool)>,
    /// What holds where the command line says nothing.
    values: Vec<Value>,
    /// The archive that is named, and where.
    archive: Option<(String, String)>,
}

/// A value of an option that the command line does not give.
#[derive(Debug, Clone)]
struct Value {
    id: String,
    text: OsString,
    /// Where it stands, for people.
    place: String,
}

/// Finds out what holds: what is typed, and what the surroundings say beside that.
/// `command` has no variables; `typed` is what it makes of `words`.
///
/// # Errors
///
/// What is wrong with a file, with a variable, or with the name of an archive.
pub(crate) fn settle(
    mut command: Command,
    words: &[String],
    typed: &ArgMatches,
    surroundings: &Surroundings,
) -> Result<Settled, UsageError> {
    let variables = variables(&command, surroundings);
    let (files, looked_for) = files(typed, &variables, surroundings)?;
    let target = Target::find(typed, &variables, &files)?;
    let (variables, notes) = target.without_foreign_credentials(typed, variables);
    let (first, then) = if target.by_flag {
        (target.settings(), variables)
    } else {
        (variables, target.settings())
    };
    let of_all = files.iter().flat_map(|file| {
        let setting = |value: &file::Value| Value {
            id: value.key.id.to_owned(),
            text: value.text.clone(),
            place: format!("[defaults], {}", file.place(value.line)),
        };
        file.defaults.iter().map(setting).collect::<Vec<_>>()
    });
    let mounted = target.archive.map(|_| Value {
        id: "script_alias".to_owned(),
        text: SCRIPT_ALIAS.into(),
        place: "default".to_owned(),
    });
    let mut values: Vec<Value> = Vec::new();
    for value in first.into_iter().chain(then).chain(of_all).chain(mounted) {
        let is_option = command
            .get_arguments()
            .any(|arg| arg.get_id() == &*value.id);
        if is_option && values.iter().all(|known| known.id != value.id) {
            values.push(value);
        }
    }
    // A key and a file with a key are two spellings of one setting.
    let is_typed = |id: &str| typed_text(typed, id).is_some_and(|text| !text.is_empty());
    if is_typed("key_file") {
        values.retain(|value| value.id != "key");
    }
    if is_typed("key") || values.iter().any(|value| value.id == "key") {
        values.retain(|value| value.id != "key_file");
    }
    for value in &values {
        command = command.mut_arg(&value.id, |arg| arg.default_value(OsStr::from(&value.text)));
    }
    // `--url=@NAME` has become the address of the archive.
    let names_archive = |word: &&String| word.starts_with("--url=") && target.archive.is_some();
    let words = words.iter().filter(|word| !names_archive(word));
    let matches = command.try_get_matches_from(words).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        UsageError::new(told(first.trim_start_matches("error: ")))
    })?;
    Ok(Settled {
        matches,
        notes,
        files: looked_for,
        values,
        archive: target
            .archive
            .map(|(archive, _)| (archive.name.clone(), target.place)),
    })
}

/// Returns what the variables say.
fn variables(command: &Command, surroundings: &Surroundings) -> Vec<Value> {
    let said = surroundings
        .variables
        .iter()
        .filter_map(|(id, name, text)| {
            command.get_arguments().find(|arg| arg.get_id() == id)?;
            Some(Value {
                id: id.clone(),
                text: text.clone(),
                place: format!("variable {name}"),
            })
        });
    said.collect()
}

/// Returns what is typed for an option.
fn typed_text(typed: &ArgMatches, id: &str) -> Option<String> {
    // Not every program has every option.
    typed.try_contains_id(id).ok()?;
    if typed.value_source(id)? != ValueSource::CommandLine {
        return None;
    }
    let text = typed.get_raw(id)?.next_back()?;
    Some(text.to_string_lossy().into_owned())
}

/// Returns what is said for an option.
fn said(values: &[Value], id: &str) -> Option<String> {
    let value = values.iter().find(|value| value.id == id)?;
    Some(value.text.to_string_lossy().into_owned())
}

type LookedFor = Vec<(PathBuf, bool)>;

fn files(
    typed: &ArgMatches,
    variables: &[Value],
    surroundings: &Surroundings,
) -> Result<(Vec<File>, LookedFor), UsageError> {
    let home = surroundings.home.as_deref();
    let named = typed
        .try_get_one::<PathBuf>("config")
        .ok()
        .flatten()
        .cloned();
    let of_variable = variables.iter().find(|value| value.id == "config");
    if let Some(path) = named.or_else(|| Some(PathBuf::from(&of_variable?.text))) {
        // Messages, and what is relative to it, do not depend on where this runs.
        let path = std::path::absolute(&path).unwrap_or(path);
        let file = File::read(&path, home)?;
        return Ok((vec![file], vec![(path, true)]));
    }
    let mut files = Vec::new();
    let mut looked_for = Vec::new();
    for path in &surroundings.files {
        let is_there = is_there(path);
        if is_there {
            files.push(File::read(path, home)?);
        }
        looked_for.push((path.clone(), is_there));
    }
    Ok((files, looked_for))
}

/// What cannot be looked at counts as there: reading it tells why.
fn is_there(path: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    match path.metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
    }
}

/// Which archive is meant.
struct Target<'a> {
    /// The one that is named, with its file; without one, an address tells, if
    /// anything does.
    archive: Option<(&'a Archive, &'a File)>,
    /// Where it is named, for people.
    place: String,
    /// Whether the command line says which it is.
    by_flag: bool,
    files: &'a [File],
}

impl<'a> Target<'a> {
    fn find(
        typed: &ArgMatches,
        variables: &[Value],
        files: &'a [File],
    ) -> Result<Self, UsageError> {
        let target = |archive, place: &str, by_flag| Self {
            archive,
            place: place.to_owned(),
            by_flag,
            files,
        };
        let find = |name: Option<String>| name.map(|name| named(files, &name, None)).transpose();
        let flags = (typed_text(typed, "url"), typed_text(typed, "archive"));
        if let Some((name, by)) = spelled(flags, ["--url", "--archive"])? {
            return Ok(target(find(name)?, by, true));
        }
        let of_variables = (said(variables, "url"), said(variables, "archive"));
        if let Some((name, by)) = spelled(of_variables, ["ESMOND_URL", "ESMOND_PS_ARCHIVE"])? {
            return Ok(target(find(name)?, &format!("variable {by}"), false));
        }
        let default = files
            .iter()
            .find_map(|file| Some((file, file.default_archive.as_ref()?)));
        let Some((file, (name, line))) = default else {
            return Ok(target(None, "", false));
        };
        let place = file.place(*line);
        let archive = named(files, name, Some(&place))?;
        let place = format!("default-archive, {place}");
        Ok(target(Some(archive), &place, false))
    }

    /// Returns what its file says of the archive.
    fn settings(&self) -> Vec<Value> {
        let Some((archive, file)) = self.archive else {
            return Vec::new();
        };
        let setting = |value: &file::Value| Value {
            id: value.key.id.to_owned(),
            text: value.text.clone(),
            place: format!("archive {}, {}", archive.name, file.place(value.line)),
        };
        archive.values.iter().map(setting).collect()
    }

    /// Returns the variables that count, and what to tell about the others.
    fn without_foreign_credentials(
        &self,
        typed: &ArgMatches,
        mut variables: Vec<Value>,
    ) -> (Vec<Value>, Vec<String>) {
        let foreign = self.foreign_credentials(typed, &variables);
        if self.archive.is_some() {
            // An address that is a name has been followed.
            variables.retain(|value| value.id != "url");
        }
        let Some((owner, asked)) = foreign else {
            return (variables, Vec::new());
        };
        let is_credential = |value: &Value| CREDENTIALS.contains(&&*value.id);
        let (foreign, rest): (Vec<_>, Vec<_>) = variables.into_iter().partition(is_credential);
        let has_key = |id: &str| {
            let settings = self.settings();
            typed_text(typed, id).is_some() || settings.iter().any(|value| value.id == id)
        };
        let is_missed = foreign.iter().any(|value| value.id != "user")
            && !has_key("key")
            && !has_key("key_file");
        let names: Vec<&str> = foreign
            .iter()
            .map(|value| value.place.trim_start_matches("variable "))
            .collect();
        let note = format!(
            "note: not sent to {asked}: {}{owner}; --user and --key-file give credentials for it",
            names.join(", ")
        );
        (rest, is_missed.then_some(note).into_iter().collect())
    }

    /// Returns whose credentials the environment has, and for whom they are not, if
    /// they belong to another archive than the one that is asked.
    fn foreign_credentials(
        &self,
        typed: &ArgMatches,
        variables: &[Value],
    ) -> Option<(String, String)> {
        if !self.by_flag {
            return None;
        }
        if let Some((archive, _)) = self.archive {
            return Some((String::new(), format!("the archive {}", archive.name)));
        }
        let owner = said(variables, "url");
        let owner = owner.or_else(|| Some(format!("@{}", said(variables, "archive")?)))?;
        let address = match owner.trim().strip_prefix('@') {
            // An archive that is not known is another one.
            Some(name) => named(self.files, name, None).ok().and_then(|(archive, _)| {
                let url = archive.values.iter().find(|value| value.key.id == "url")?;
                Some(url.text.to_string_lossy().into_owned())
            }),
            None => Some(owner.clone()),
        };
        let asked = typed_text(typed, "url")?;
        let origin = |address: &str| Some(Url::parse(address.trim()).ok()?.origin());
        let theirs = address.and_then(|address| origin(&address));
        if theirs.is_some() && theirs == origin(&asked) {
            return None;
        }
        let shown = |address: &str| told(&show::without_user(address));
        Some((format!(" (of {})", shown(&owner)), shown(&asked)))
    }
}

/// Returns the name of the archive that an address or a name stands for, and which of
/// both options says it: no name for an address that is one.
fn spelled(
    (address, name): (Option<String>, Option<String>),
    [by_address, by_name]: [&str; 2],
) -> Result<Option<(Option<String>, &str)>, UsageError> {
    match (address, name) {
        (None, None) => Ok(None),
        (None, Some(name)) => Ok(Some((Some(name), by_name))),
        (Some(address), None) => {
            let name = address.trim().strip_prefix('@').map(ToOwned::to_owned);
            Ok(Some((name, by_address)))
        }
        (Some(_), Some(_)) => Err(UsageError::new(format!(
            "{by_address} and {by_name} both name an archive: give one of them"
        ))),
    }
}

/// Returns the archive of a name. Each is taken from one file as a whole.
fn named<'a>(
    files: &'a [File],
    name: &str,
    place: Option<&str>,
) -> Result<(&'a Archive, &'a File), UsageError> {
    let all = || {
        let one = |file: &'a File| file.archives.iter().map(move |archive| (archive, file));
        files.iter().flat_map(one)
    };
    if let Some(found) = all().find(|(archive, _)| archive.name == name) {
        return Ok(found);
    }
    let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
    let mut known: Vec<&str> = all().map(|(archive, _)| &*archive.name).collect();
    known.sort_unstable();
    known.dedup();
    let near = did_you_mean(name, known.iter().copied(), "\"");
    let known = if known.is_empty() {
        "no configuration file has one".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    let name = told(name);
    Err(UsageError::new(format!(
        "{place}no archive is named \"{name}\"{near} ({known})"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    fn command() -> Command {
        let option = |name: &'static str| Arg::new(name).long(name);
        Command::new("x").no_binary_name(true).args([
            option("url"),
            option("archive"),
            option("user"),
            option("key_file"),
            option("timeout"),
            option("retries"),
            option("config").value_parser(clap::value_parser!(PathBuf)),
        ])
    }

    /// What holds with the user's file and that of the host.
    fn holds(user: &str, host: &str, words: &[&str]) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let surroundings = Surroundings {
            files: vec![file("user", user), file("host", host)],
            ..Surroundings::default()
        };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let typed = command().try_get_matches_from(&words).unwrap();
        let settled = settle(command(), &words, &typed, &surroundings);
        let matches = settled.map_err(|error| error.message)?.matches;
        let ids = ["url", "user", "key_file", "timeout", "retries"];
        let texts = ids.map(|id| {
            let text = matches.get_raw(id).and_then(Iterator::last);
            text.map_or("-".to_owned(), |text| text.to_string_lossy().into_owned())
        });
        let texts = texts.join(" ");
        Ok(texts.replace(&directory.path().display().to_string(), "DIR"))
    }

    #[test]
    fn the_users_file_counts_more_than_that_of_the_host() {
        let host = "default-archive = 'a'\n[defaults]\ntimeout = 1\nretries = 1\n\
                    [archives.a]\nurl = 'https://host'\nuser = 'u'\nkey-file = 'k'\n\
                    [archives.b]\nurl = 'https://b'\ntimeout = 5\n";
        for (user, words, expected) in [
            ("", &[][..], "https://host u DIR/k 1 1"),
            ("[defaults]\ntimeout = 2", &[], "https://host u DIR/k 2 1"),
            ("default-archive = 'b'", &[], "https://b - - 5 1"),
            // An archive of its own is asked longer than the user usually does.
            (
                "[defaults]\ntimeout = 2",
                &["--url=@b"],
                "https://b - - 5 1",
            ),
            // The address of one and the key of the other would be a gift.
            (
                "[archives.a]\nurl = 'https://user'\n",
                &["--archive=a"],
                "https://user - - 1 1",
            ),
        ] {
            assert_eq!(holds(user, host, words).as_deref(), Ok(expected), "{user}");
        }
    }

    #[test]
    fn an_archive_that_is_not_known_is_told_with_those_that_are() {
        let file = "[archives.lab]\nurl = 'https://l'\n[archives.b]\nurl = 'https://b'\n";
        assert_eq!(
            holds(file, file, &["--archive=lap"]).unwrap_err(),
            "no archive is named \"lap\"; did you mean \"lab\"? (known are b, lab)"
        );
        assert_eq!(
            holds("", "", &["--url=@lap\u{1b}"]).unwrap_err(),
            "no archive is named \"lap\\x1b\" (no configuration file has one)"
        );
    }
}
