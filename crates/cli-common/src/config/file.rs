//! The configuration file: what may stand in it, and where it stands.
//!
//! ```toml
//! default-archive = "central"
//!
//! [defaults]
//! timeout = 60
//!
//! [archives.central]
//! url = "https://ma.example.org"
//! user = "reader"
//! key-file = "central.key"
//! ```

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::nearest::did_you_mean;
use crate::report::UsageError;

/// A setting of an archive.
#[derive(Debug)]
pub(super) struct Key {
    /// Name in the file, and of the option.
    pub(super) name: &'static str,
    /// Name of the option inside the programs.
    pub(super) id: &'static str,
    kind: Kind,
    /// Whether it says which archive it is, or who asks there: it makes no sense for
    /// others, and a key must never get to one.
    of_one_archive: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Address,
    Text,
    Path,
    Flag,
    /// A whole number, and the least that makes sense.
    Number(i64),
}

const fn key(name: &'static str, id: &'static str, kind: Kind, of_one_archive: bool) -> Key {
    Key {
        name,
        id,
        kind,
        of_one_archive,
    }
}

/// All settings of an archive, in the order in which they are shown.
pub(super) static KEYS: [Key; 9] = [
    key("url", "url", Kind::Address, true),
    key("script-alias", "script_alias", Kind::Text, false),
    key("user", "user", Kind::Text, true),
    key("key-file", "key_file", Kind::Path, true),
    key("cacert", "cacert", Kind::Path, false),
    key("insecure", "insecure", Kind::Flag, false),
    key("timeout", "timeout", Kind::Number(1), false),
    key("retries", "retries", Kind::Number(0), false),
    key("jobs", "jobs", Kind::Number(1), false),
];

/// What may stand outside of the archives.
const TOP: [&str; 3] = ["default-archive", "defaults", "archives"];

/// A configuration file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The archive that is meant when none is named, and the line that says so.
    pub(super) default_archive: Option<(String, usize)>,
    pub(super) defaults: Vec<Value>,
    pub(super) archives: Vec<Archive>,
}

/// A named archive.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) name: String,
    pub(super) values: Vec<Value>,
}

/// A setting in a file, as the command line would have it.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) key: &'static Key,
    pub(super) text: OsString,
    pub(super) line: usize,
}

impl File {
    /// Reads a file; `home` is what `~/` stands for.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with its line.
    pub(super) fn read(path: &Path, home: Option<&Path>) -> Result<Self, UsageError> {
        let unreadable = |error: io::Error| {
            UsageError::new(format!(
                "cannot read the configuration file {}: {error}",
                path.display()
            ))
        };
        let mut file = fs::File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        // Who can change the address of an archive gets the key that is sent there.
        // What is no file, such as /dev/null, is as good as typed.
        if about.is_file() && about.permissions().mode() & 0o022 != 0 {
            let path = path.display();
            return Err(UsageError::new(format!(
                "the configuration file {path} can be written by others than its owner, who \
                 could have keys sent elsewhere\nhint: chmod go-w {path}"
            )));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(path, &text, home)
    }

    fn parse(path: &Path, text: &str, home: Option<&Path>) -> Result<Self, UsageError> {
        let parser = Parser { path, text, home };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            parser.complaint(at, error.message())
        })?;
        let mut file = Self {
            path: path.to_owned(),
            default_archive: None,
            defaults: Vec::new(),
            archives: Vec::new(),
        };
        for (name, value) in table.get_ref() {
            let at = name.span().start;
            match name.get_ref().as_ref() {
                "default-archive" => {
                    let DeValue::String(archive) = value.get_ref() else {
                        let text = "default-archive should be the name of an archive, a text";
                        return Err(parser.complaint(at, text));
                    };
                    file.default_archive = Some((archive.to_string(), parser.line(at)));
                }
                "defaults" => file.defaults = parser.settings(name, value, true)?,
                "archives" => {
                    let DeValue::Table(archives) = value.get_ref() else {
                        return Err(parser.complaint(at, "archives should be [archives.NAME]"));
                    };
                    for (name, value) in archives {
                        file.archives.push(parser.archive(name, value)?);
                    }
                }
                // Somebody forgot the table.
                other if KEYS.iter().any(|key| key.name == other) => {
                    let text = format!("{other} belongs into [archives.NAME] or [defaults]");
                    return Err(parser.complaint(at, &text));
                }
                other => return Err(parser.unknown(at, other, TOP)),
            }
        }
        Ok(file)
    }

    /// Returns the place of a line for people.
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
    home: Option<&'a Path>,
}

type Name<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl Parser<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    fn complaint(&self, at: usize, text: &str) -> UsageError {
        let (path, line) = (self.path.display(), self.line(at));
        UsageError::new(format!("{path}:{line}: {text}"))
    }

    fn unknown<'a>(
        &self,
        at: usize,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> UsageError {
        let near = did_you_mean(name, known, "\"");
        self.complaint(at, &format!("unknown key {name:?}{near}"))
    }

    fn archive(
        &self,
        name: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Archive, UsageError> {
        let at = name.span().start;
        let text = name.get_ref();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if text.is_empty() || !text.chars().all(is_plain) {
            let text =
                "names of archives are made of letters, digits, dots, dashes and underscores";
            return Err(self.complaint(at, text));
        }
        let values = self.settings(name, value, false)?;
        if !values.iter().any(|value| value.key.name == "url") {
            return Err(self.complaint(at, &format!("the archive {text} has no url")));
        }
        Ok(Archive {
            name: text.to_string(),
            values,
        })
    }

    fn settings(
        &self,
        name: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
        for_all: bool,
    ) -> Result<Vec<Value>, UsageError> {
        let DeValue::Table(table) = value.get_ref() else {
            let text = format!("{} should be a table of settings", name.get_ref());
            return Err(self.complaint(name.span().start, &text));
        };
        let settings = table.iter().map(|(name, value)| {
            let at = name.span().start;
            let name = name.get_ref().as_ref();
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                return Err(match name {
                    "key" => self.complaint(
                        at,
                        "no key stands in this file, which is for people to read: put the key on \
                         the first line of a file of its own, which nobody else can read, and \
                         name that with key-file",
                    ),
                    _ => self.unknown(at, name, KEYS.iter().map(|key| key.name)),
                });
            };
            if for_all && key.of_one_archive {
                let text = format!(
                    "{name} belongs to one archive: it stands in [archives.NAME], and \
                     default-archive = \"NAME\" makes that the usual one"
                );
                return Err(self.complaint(at, &text));
            }
            Ok(Value {
                key,
                text: self.text_of(at, key, value.get_ref())?,
                line: self.line(at),
            })
        });
        settings.collect()
    }

    /// Returns a value as the command line would have it.
    fn text_of(&self, at: usize, key: &Key, value: &DeValue<'_>) -> Result<OsString, UsageError> {
        let complain = |wanted: &str| {
            let text = format!("{} should be {wanted}", key.name);
            Err(self.complaint(at, &text))
        };
        match (key.kind, value) {
            (Kind::Address, DeValue::String(text)) if is_address(text.trim()) => {
                Ok(text.trim().into())
            }
            (Kind::Address, DeValue::String(text)) if holds_credentials(text) => complain(
                "an address without a user and a password, which stand in user and in the file \
                 of key-file",
            ),
            (Kind::Address, _) => complain("an address that begins with https:// or http://"),
            (Kind::Text, DeValue::String(text)) if !text.is_empty() => Ok(text.as_ref().into()),
            (Kind::Text, _) => complain("a text in quotes that is not empty"),
            (Kind::Path, DeValue::String(text)) if !text.is_empty() => {
                Ok(self.absolute(text).into_os_string())
            }
            (Kind::Path, _) => complain("the path of a file, in quotes"),
            (Kind::Flag, DeValue::Boolean(flag)) => Ok(flag.to_string().into()),
            (Kind::Flag, _) => complain("true or false, without quotes"),
            (Kind::Number(least), value) => match value {
                DeValue::Integer(number) => {
                    let number = i64::from_str_radix(number.as_str(), number.radix());
                    match number {
                        Ok(number) if number >= least => Ok(number.to_string().into()),
                        _ => complain(&format!("a whole number, {least} or more")),
                    }
                }
                _ => complain(&format!("a whole number, {least} or more, without quotes")),
            },
        }
    }

    /// Paths are those seen from the directory of the file.
    fn absolute(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.path.parent().unwrap_or(Path::new("")).join(text),
        }
    }
}

/// Tells whether a text can be the address of an archive.
fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && text.contains("://")
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// Tells whether a text is an address with a user or a password in it.
fn holds_credentials(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, rest)| rest);
    let host = host.and_then(|rest| rest.split('/').next());
    host.is_some_and(|host| host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<File, String> {
        let path = Path::new("/etc/x/config.toml");
        File::parse(path, text, Some(Path::new("/home/me"))).map_err(|error| error.message)
    }

    #[test]
    fn settings_become_what_would_be_typed() {
        let file = parsed(
            "default-archive = 'a'\n[defaults]\njobs = 0x10\n[archives.a]\nurl = ' https://h '\n\
             key-file = 'keys/a'\ncacert = '~/ca.pem'\ninsecure = true\n",
        )
        .unwrap();
        let shown = |values: &[Value]| -> Vec<String> {
            let one = |value: &Value| {
                let text = value.text.to_string_lossy();
                format!("{}={text}:{}", value.key.id, value.line)
            };
            values.iter().map(one).collect()
        };
        assert_eq!(file.default_archive, Some(("a".to_owned(), 1)));
        assert_eq!(shown(&file.defaults), ["jobs=16:3"]);
        let expected = [
            "url=https://h:5",
            "key_file=/etc/x/keys/a:6",
            "cacert=/home/me/ca.pem:7",
            "insecure=true:8",
        ];
        let mut found = shown(&file.archives[0].values);
        found.sort_by_key(|text| text.chars().last());
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_was_probably_meant() {
        let archive = "[archives.a]\nurl = 'https://h'\n";
        for (text, expected) in [
            ("\nurl = 'x'\n", "2: url belongs into [archives.NAME]"),
            (
                "[default]\n",
                "1: unknown key \"default\"; did you mean \"defaults\"?",
            ),
            ("[archives.a]\n", "1: the archive a has no url"),
            (
                "[archives.'a b']\nurl = 'https://h'",
                "1: names of archives are made of",
            ),
            ("[archives]\na = 1\n", "2: a should be a table"),
            ("archives = 1\n", "1: archives should be [archives.NAME]"),
            (
                "default-archive = 1\n",
                "1: default-archive should be the name",
            ),
            ("[defaults]\nuser = 'x'\n", "2: user belongs to one archive"),
            (
                "[defaults]\nkey-file = 'x'\n",
                "2: key-file belongs to one archive",
            ),
            (
                "[defaults]\ntimeout = \"5\"\n",
                "2: timeout should be a whole number, 1 or more, without",
            ),
            (
                "[defaults]\ntimeout = 0\n",
                "2: timeout should be a whole number, 1 or more",
            ),
            (
                "[defaults]\nretries = -1\n",
                "2: retries should be a whole number, 0 or more",
            ),
            (
                "[defaults]\ninsecure = 'yes'\n",
                "2: insecure should be true or false",
            ),
            ("[defaults]\ncacert = ''\n", "2: cacert should be the path"),
            ("[archives.a]\nurl = '@b'\n", "2: url should be an address"),
            (
                "[archives.a]\nurl = 'ftp://h'\n",
                "2: url should be an address that begins with https",
            ),
            (
                "[archives.a]\nurl = 'https://h:x'\n",
                "2: url should be an address that begins with https",
            ),
            (
                "[archives.a]\nurl = 'https://u:s3cret@h'\n",
                "2: url should be an address without a user and a password",
            ),
            (
                &format!("{archive}tiemout = 5\n"),
                "3: unknown key \"tiemout\"; did you mean \"timeout\"?",
            ),
            (
                &format!("{archive}key = 's3cret'\n"),
                "3: no key stands in this file",
            ),
            (&format!("{archive}url = 'https://i'\n"), "3: duplicate key"),
            (&format!("{archive}user = s3cret\n"), "3: "),
        ] {
            let complaint = parsed(text).unwrap_err();
            let expected = format!("/etc/x/config.toml:{expected}");
            assert!(complaint.starts_with(&expected), "{text}: {complaint}");
            assert!(!complaint.contains("s3cret"), "{complaint}");
        }
    }
}
