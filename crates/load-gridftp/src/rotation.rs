//! Finding a log again after rotation.
//!
//! A rotated log stands beside the new one: as `log.1`, `log-20261124` (logrotate's
//! dateext), with the counter before an extension (`log-1.txt`), each also with
//! `.gz`; or under any name, as the file it was. Contents decide: the first bytes and
//! the last line read must be those of the [`Position`].
//!
//! DIFFERENCE: the original does not look for the old log, and loses what is left
//! of it.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::input::Identity;
use crate::position::Position;

/// Where the place of a [`Position`] is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the log itself.
    InLog,
    /// In a rotated file; those that were rotated after it follow, oldest first.
    Rotated {
        /// The file with the place.
        path: PathBuf,
        /// Younger ones, to be read from their start.
        younger: Vec<PathBuf>,
    },
    /// Nowhere.
    Lost,
}

/// How a rotated file is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    /// `.1` is the youngest.
    Number(u64),
    /// The greatest text is the youngest.
    Date(String),
    /// Says nothing about its age.
    Other(String),
}

/// Finds the place in `log` or beside it.
///
/// # Errors
///
/// Those of reading the log. Files beside it that cannot be read are passed over.
pub fn find(log: &Path, position: &Position) -> io::Result<Place> {
    match position.open(log) {
        Ok(Some(_)) => return Ok(Place::InLog),
        Ok(None) => {}
        // Between the two steps of a rotation there is no log.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(find_rotated(log, position))
}

/// Finds the place in a file beside the log.
#[must_use]
pub fn find_rotated(log: &Path, position: &Position) -> Place {
    let rotated = siblings(log);
    // The very same file first: nothing needs to be unpacked to recognise it.
    let (same, others): (Vec<_>, Vec<_>) = rotated.iter().partition(|file| {
        fs::metadata(&file.path).is_ok_and(|data| Identity::from(&data) == position.identity)
    });
    let holds = |path: &Path| position.open(path).is_ok_and(|opened| opened.is_some());
    let found = same
        .into_iter()
        .chain(others)
        .find(|file| holds(&file.path));
    let Some(found) = found else {
        return Place::Lost;
    };
    Place::Rotated {
        path: found.path.clone(),
        younger: younger(&rotated, &found.suffix),
    }
}

/// Returns the file that was rotated last.
#[must_use]
pub fn youngest(log: &Path) -> Option<PathBuf> {
    siblings(log).into_iter().next().map(|file| file.path)
}

/// The files that were rotated after one with this suffix, oldest first.
fn younger(rotated: &[Rotated], suffix: &Suffix) -> Vec<PathBuf> {
    let mut after: Vec<_> = rotated
        .iter()
        .filter(|file| match (&file.suffix, suffix) {
            (Suffix::Number(one), Suffix::Number(other)) => one < other,
            (Suffix::Date(one), Suffix::Date(other)) => one > other,
            _ => false,
        })
        .collect();
    // `log.1` and `log.1.gz` at once: the packing was not finished, or failed.
    after.dedup_by(|one, other| one.suffix == other.suffix);
    after.iter().rev().map(|file| file.path.clone()).collect()
}

#[derive(Debug, Clone)]
struct Rotated {
    path: PathBuf,
    suffix: Suffix,
}

/// The rotated files beside a log, youngest first, the plain one of a pair first.
fn siblings(log: &Path) -> Vec<Rotated> {
    let Some(name) = log.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let directory = match log.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut rotated: Vec<Rotated> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let suffix = suffix(name, entry.file_name().to_str()?)?;
            let path = directory.join(entry.file_name());
            path.is_file().then_some(Rotated { path, suffix })
        })
        .collect();
    rotated.sort_by_key(|file| {
        let packed = file.path.extension().is_some_and(|text| text == "gz");
        let age = match &file.suffix {
            Suffix::Number(number) => (0, *number, Reverse(String::new())),
            Suffix::Date(date) => (1, 0, Reverse(date.clone())),
            Suffix::Other(text) => (2, 0, Reverse(text.clone())),
        };
        (age, packed)
    });
    rotated
}

/// Tells what a rotation added to the name of a log; none when this is another file.
fn suffix(log: &str, name: &str) -> Option<Suffix> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let added = match name.strip_prefix(log) {
        Some(added) => added,
        // logrotate's `extension`: the suffix goes before it.
        None => {
            let (stem, extension) = log.rsplit_once('.')?;
            name.strip_prefix(stem)?
                .strip_suffix(extension)?
                .strip_suffix('.')?
        }
    };
    let text = added.strip_prefix(['.', '-', '_'])?;
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    Some(match text.parse() {
        Ok(number) if digits < 8 => Suffix::Number(number),
        _ if digits >= 4 => Suffix::Date(text.to_owned()),
        _ => Suffix::Other(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        paths
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect()
    }

    #[test]
    fn names_of_rotated_files_tell_their_order() {
        let date = |text: &str| Some(Suffix::Date(text.to_owned()));
        for (name, expected) in [
            ("g.log.1", Some(Suffix::Number(1))),
            ("g.log.12.gz", Some(Suffix::Number(12))),
            ("g.log-20261124", date("20261124")),
            ("g.log-2026-11-24.gz", date("2026-11-24")),
            ("g-20261124.log", date("20261124")),
            ("g.1.log.gz", Some(Suffix::Number(1))),
            ("g.log.old", Some(Suffix::Other("old".into()))),
            ("g.log", None),
            ("g.log.gz", None),
            ("g.logs", None),
            ("other.log.1", None),
        ] {
            assert_eq!(suffix("g.log", name), expected, "{name}");
        }
    }

    #[test]
    fn rotated_files_are_sorted_by_age() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("g.log");
        for name in [
            "g.log",
            "g.log.10",
            "g.log.2.gz",
            "g.log.1",
            "g.log.1.gz",
            "h.log.1",
        ] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let paths: Vec<_> = siblings(&log).into_iter().map(|file| file.path).collect();
        assert_eq!(
            names(&paths),
            ["g.log.1", "g.log.1.gz", "g.log.2.gz", "g.log.10"]
        );
        let after = younger(&siblings(&log), &Suffix::Number(10));
        assert_eq!(names(&after), ["g.log.2.gz", "g.log.1"]);
    }
}
