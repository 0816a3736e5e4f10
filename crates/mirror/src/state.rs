//! How far a mirror has come, in a file.
//!
//! One file for each remote archive, in a directory of the caller's choice. It
//! is replaced as a whole, so it is never half-written, and locked while a run
//! uses it. Losing it loses nothing but time: the next run reads everything
//! again, and finds it as there.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use esmond_ps_client::Archive;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

/// Version of the file's form.
const VERSION: u32 = 1;

/// Why a state cannot be used or kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file, or its directory, cannot be read or written.
    #[error("{doing} {}", path.display())]
    File {
        /// What was being done, such as `reading`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is none of this program.
    #[error(
        "{} is no state of a mirror; without it, the next run copies everything again",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A newer version wrote the file.
    #[error("{} has version {version}, and {VERSION} is the newest that is known", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The file is that of another archive.
    #[error("{} is the state of a mirror of {remote}", path.display())]
    Remote {
        /// The file.
        path: PathBuf,
        /// The archive.
        remote: String,
    },
    /// Another run uses the file.
    #[error("another run mirrors this archive: {} is locked", path.display())]
    Locked {
        /// The file that is locked.
        path: PathBuf,
    },
}

/// How far the mirror of one archive has come. Nobody else can open it as long
/// as this value lives.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    content: Content,
    /// Remote keys by the key here.
    owners: HashMap<String, String>,
    _lock: File,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    remote: String,
    #[serde(default)]
    records: BTreeMap<String, RecordState>,
}

/// What is known of a remote record, by its key there.
#[derive(Debug, Default, Serialize, Deserialize)]
struct RecordState {
    /// Key here.
    local: String,
    #[serde(default)]
    series: BTreeMap<String, Progress>,
}

/// How far a series is copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// First second that was asked for; `None` for the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<i64>,
    /// Last second that was copied, and everything since `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    /// Where summaries are still to be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owed: Option<Owed>,
}

/// A range in which windows may lack points here that they have there, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    /// First second; `None` for the beginning.
    pub(crate) from: Option<i64>,
    /// Last second; `None` as long as no point shows where it ends.
    pub(crate) to: Option<i64>,
}

impl Progress {
    /// Returns whether everything since a time was asked for.
    pub(crate) fn covers(&self, since: Option<i64>) -> bool {
        match (self.from, since) {
            (None, _) => true,
            (Some(from), Some(since)) => from <= since,
            (Some(_), None) => false,
        }
    }

    /// Takes the time of the first point that the remote archive still holds of
    /// what was asked for.
    pub(crate) fn found_first(&mut self, ts: i64) {
        match self.until {
            // What is before is gone, or never was.
            None => match &mut self.owed {
                Some(owed) if owed.to.is_none() => owed.to = Some(ts),
                _ => self.owe(self.from, Some(ts)),
            },
            // It removes points faster than runs come.
            Some(until) if ts > until => self.owe(Some(until), Some(ts)),
            Some(until) => {
                if let Some(owed) = &mut self.owed
                    && owed.to.is_none()
                {
                    owed.to = Some(until);
                }
            }
        }
    }

    /// Takes that there is no point at all.
    pub(crate) fn found_none(&mut self) {
        match self.until {
            None if self.owed.is_some_and(|owed| owed.to.is_none()) => {}
            None => self.owe(self.from, None),
            Some(until) => self.owe(Some(until), None),
        }
    }

    /// Adds a range to what is to be looked at.
    pub(crate) fn owe(&mut self, from: Option<i64>, to: Option<i64>) {
        self.owed = Some(match self.owed {
            None => Owed { from, to },
            Some(owed) => Owed {
                from: owed.from.zip(from).map(|(a, b)| a.min(b)),
                to: owed.to.zip(to).map(|(a, b)| a.max(b)),
            },
        });
    }
}

impl State {
    /// Opens the state of an archive's mirror; a new one where there is none.
    /// The directory is made if need be.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is none of ours, or is used by another run.
    /// It is never taken for "start again".
    pub fn open(directory: &Path, archive: &Archive) -> Result<Self, StateError> {
        let remote = archive.address().to_string();
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| StateError::File {
                doing,
                path,
                source,
            }
        };
        fs::create_dir_all(directory).map_err(failed("making", directory))?;
        let path = directory.join(file_name(&remote));
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(failed("making", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked { path: lock_path }),
            Err(TryLockError::Error(source)) => {
                return Err(failed("locking", &lock_path)(source));
            }
        }
        let content = match fs::read(&path) {
            Ok(bytes) => Self::read(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content {
                version: VERSION,
                remote: remote.clone(),
                records: BTreeMap::new(),
            },
            Err(source) => return Err(failed("reading", &path)(source)),
        };
        if content.remote != remote {
            return Err(StateError::Remote {
                path,
                remote: content.remote,
            });
        }
        let owners = content.records.iter();
        let owners = owners.map(|(remote, record)| (record.local.clone(), remote.clone()));
        Ok(Self {
            owners: owners.collect(),
            path,
            content,
            _lock: lock,
        })
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<Content, StateError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let wrong = |source| StateError::Content {
            path: path.to_owned(),
            source,
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(wrong)?;
        if version != VERSION {
            return Err(StateError::Version {
                path: path.to_owned(),
                version,
            });
        }
        serde_json::from_slice(bytes).map_err(wrong)
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the address of the remote archive.
    #[must_use]
    pub fn remote(&self) -> &str {
        &self.content.remote
    }

    /// Returns the key here of a remote record.
    pub(crate) fn local(&self, remote: &str) -> Option<&str> {
        Some(self.content.records.get(remote)?.local.as_str())
    }

    /// Returns the remote key of a record here.
    pub(crate) fn owner(&self, local: &str) -> Option<&str> {
        self.owners.get(local).map(String::as_str)
    }

    /// Notes which record here is the copy of a remote one. One that was copied
    /// to another record before starts from its beginning.
    pub(crate) fn set_local(&mut self, remote: &str, local: &str) {
        let record = self.content.records.entry(remote.to_owned()).or_default();
        if record.local != local {
            self.owners.remove(&record.local);
            record.local = local.to_owned();
            record.series.clear();
            self.owners.insert(local.to_owned(), remote.to_owned());
        }
    }

    pub(crate) fn progress(&self, remote: &str, event_type: &str) -> Option<Progress> {
        let record = self.content.records.get(remote)?;
        record.series.get(event_type).copied()
    }

    pub(crate) fn set_progress(&mut self, remote: &str, event_type: &str, progress: Progress) {
        if let Some(record) = self.content.records.get_mut(remote) {
            record.series.insert(event_type.to_owned(), progress);
        }
    }

    /// Replaces the file.
    pub(crate) fn save(&self) -> Result<(), StateError> {
        self.write().map_err(|source| StateError::File {
            doing: "writing",
            path: self.path.clone(),
            source,
        })
    }

    fn write(&self) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(directory)?;
        let mut buffer = io::BufWriter::new(&mut file);
        serde_json::to_writer(&mut buffer, &self.content)?;
        buffer.flush()?;
        drop(buffer);
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    }
}

/// Returns the name of an archive's file: readable, and different for each.
fn file_name(remote: &str) -> String {
    let readable = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let without_scheme = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    let host = without_scheme.split('/').next().unwrap_or_default();
    let host: String = host.chars().take(100).map(readable).collect();
    let digest = Sha256::digest(remote.as_bytes());
    let digest: String = digest[..4].iter().map(|b| format!("{b:02x}")).collect();
    format!("mirror-{host}-{digest}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(url: &str) -> Archive {
        Archive::builder(url).build().unwrap()
    }

    fn refused(directory: &Path, text: &str) -> String {
        let archive = archive("http://a.example.org");
        let path = directory.join(file_name(&archive.address().to_string()));
        fs::write(&path, text).unwrap();
        let error = State::open(directory, &archive).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        error
    }

    #[test]
    fn what_was_saved_is_there_again() {
        let directory = tempfile::tempdir().unwrap();
        let archive = archive("http://a.example.org");
        let mut state = State::open(directory.path(), &archive).unwrap();
        let progress = Progress {
            from: None,
            until: Some(7),
            owed: Some(Owed {
                from: None,
                to: Some(5),
            }),
        };
        state.set_local("remote", "local");
        state.set_progress("remote", "throughput", progress);
        state.save().unwrap();
        drop(state);
        let mut state = State::open(directory.path(), &archive).unwrap();
        assert_eq!(state.local("remote"), Some("local"));
        assert_eq!(state.owner("local"), Some("remote"));
        assert_eq!(state.progress("remote", "throughput"), Some(progress));
        assert_eq!(state.progress("remote", "failures"), None);
        // A copy that begins in another record begins anew.
        state.set_local("remote", "other");
        assert_eq!(state.owner("local"), None);
        assert_eq!(state.progress("remote", "throughput"), None);
    }

    #[test]
    fn a_state_that_cannot_be_used_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert!(refused(directory, "").contains("no state of a mirror"));
        assert!(refused(directory, "{\"version\":1}").contains("no state of a mirror"));
        assert!(refused(directory, "{\"version\":2,\"x\":[]}").contains("version 2"));
        let other = "{\"version\":1,\"remote\":\"http://b\"}";
        assert!(refused(directory, other).contains("mirror of http://b"));
    }

    #[test]
    fn two_runs_do_not_share_a_state() {
        let directory = tempfile::tempdir().unwrap();
        let one = archive("http://a.example.org");
        let held = State::open(directory.path(), &one).unwrap();
        let error = State::open(directory.path(), &one).unwrap_err();
        assert!(matches!(error, StateError::Locked { .. }), "{error}");
        State::open(directory.path(), &archive("http://a.example.org:81")).unwrap();
        drop(held);
        State::open(directory.path(), &one).unwrap();
    }

    #[test]
    fn file_names_are_safe_and_differ() {
        let name = file_name("https://h.example.org/../../x/");
        assert!(name.starts_with("mirror-h-example-org-"), "{name}");
        assert!(!name.contains(['/', '\\']));
        assert_ne!(name, file_name("https://h.example.org/x/"));
    }

    #[test]
    fn what_is_owed_is_where_points_may_be_missing() {
        let mut new = Progress::default();
        new.found_first(100);
        let owed = |from, to| Some(Owed { from, to });
        assert_eq!(new.owed, owed(None, Some(100)));
        let mut empty = Progress::default();
        empty.found_none();
        assert_eq!(empty.owed, owed(None, None));
        empty.owed = owed(Some(40), None);
        empty.found_first(50);
        assert_eq!(empty.owed, owed(Some(40), Some(50)));
        let known = Progress {
            until: Some(100),
            ..Progress::default()
        };
        let mut whole = known;
        whole.found_first(90);
        assert_eq!(whole.owed, None);
        let mut gap = known;
        gap.found_first(150);
        assert_eq!(gap.owed, owed(Some(100), Some(150)));
        let mut gone = known;
        gone.found_none();
        assert_eq!(gone.owed, owed(Some(100), None));
        gone.found_first(95);
        assert_eq!(gone.owed, owed(Some(100), Some(100)));
    }

    #[test]
    fn an_earlier_beginning_is_not_covered() {
        let from = |from| Progress {
            from,
            ..Progress::default()
        };
        assert!(from(None).covers(None) && from(None).covers(Some(5)));
        assert!(from(Some(5)).covers(Some(5)) && from(Some(5)).covers(Some(6)));
        assert!(!from(Some(5)).covers(Some(4)) && !from(Some(5)).covers(None));
    }
}
