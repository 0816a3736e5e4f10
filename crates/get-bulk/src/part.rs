//! Files while they are being written.
//!
//! A file is written under a hidden name that ends in `.part`, and locked for as
//! long as its writer lives. When complete it becomes `.ready`, and then gets
//! its own name. So a `.part` that nobody locks was left by a run that was
//! killed, and [`remove_leftovers`] takes it away; `.ready` files belong to the
//! [`ledger`](crate::ledger) of their query.
//!
//! DIFFERENCE: the original writes under the last name from the start, and leaves
//! what it has when a series fails.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = ".esmond-ps-get-bulk-";

/// A file that is being written. Removed when dropped before it is ready.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    directory: PathBuf,
    stem: String,
    keep: bool,
}

/// A complete file that has no name of its own yet. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) directory: PathBuf,
    /// Name within the directory.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) bytes: u64,
    keep: bool,
}

impl Part {
    /// Creates an empty one. `query` is the short name of the query.
    pub(crate) fn create(directory: &Path, query: &str) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let stem = format!("{PREFIX}{query}-{}-{number}", process::id());
        let file = File::create_new(directory.join(format!("{stem}.part")))?;
        let part = Self {
            file,
            directory: directory.to_owned(),
            stem,
            keep: false,
        };
        match part.file.try_lock() {
            // Where files cannot be locked, nothing is ever removed either.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(part),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Returns another handle, to write to.
    pub(crate) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Says that everything is written. With `durable` the content survives a
    /// power failure from here on.
    pub(crate) fn ready(mut self, durable: bool) -> io::Result<Ready> {
        if durable {
            self.file.sync_all()?;
        }
        let bytes = self.file.metadata()?.len();
        let name = format!("{}.ready", self.stem);
        fs::rename(self.path(), self.directory.join(&name))?;
        self.keep = true;
        Ok(Ready {
            directory: self.directory.clone(),
            name,
            bytes,
            keep: false,
        })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.part", self.stem))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            // If this fails, the next run removes it.
            fs::remove_file(self.path()).ok();
        }
    }
}

impl Ready {
    /// Gives the file its name, replacing what is there.
    pub(crate) fn publish(mut self, name: &str) -> io::Result<()> {
        // If this fails, the next run makes up for it.
        self.keep = true;
        fs::rename(self.directory.join(&self.name), self.directory.join(name))
    }

    /// Leaves the file to the next run, which finds it in the ledger.
    #[cfg(test)]
    pub(crate) fn leave(mut self) {
        self.keep = true;
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if !self.keep {
            fs::remove_file(self.directory.join(&self.name)).ok();
        }
    }
}

/// Removes what killed runs left in a directory: the parts of all queries, and
/// the ready files of this one (whose ledger must have been settled before).
pub(crate) fn remove_leftovers(directory: &Path, query: &str) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let is_own = rest
            .strip_prefix(query)
            .is_some_and(|rest| rest.starts_with('-'));
        let is_left = match rest.rsplit_once('.') {
            Some((_, "part")) => is_abandoned(&entry.path()),
            Some((_, "ready")) => is_own,
            _ => false,
        };
        if is_left {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Returns the name of the file that remembers what runs of a query have
/// completed in a directory.
pub(crate) fn manifest_name(query: &str) -> String {
    format!("{PREFIX}{query}.manifest")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_part_that_is_given_up_leaves_nothing() {
        // DIFFERENCE: the original leaves what it has.
        let directory = tempfile::tempdir().unwrap();
        drop(Part::create(directory.path(), "q").unwrap());
        let part = Part::create(directory.path(), "q").unwrap();
        drop(part.ready(false).unwrap());
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_complete_part_gets_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let part = Part::create(directory.path(), "q").unwrap();
        part.writer().unwrap().write_all(b"12345").unwrap();
        let ready = part.ready(true).unwrap();
        assert_eq!(ready.bytes, 5);
        ready.publish("name.csv").unwrap();
        assert_eq!(names(directory.path()), ["name.csv"]);
    }

    #[test]
    fn leftovers_go_and_what_is_at_work_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let at_work = Part::create(path, "other").unwrap();
        for name in [
            ".esmond-ps-get-bulk-q-99-0.part",
            ".esmond-ps-get-bulk-other-99-0.part",
            ".esmond-ps-get-bulk-q-99-1.ready",
            ".esmond-ps-get-bulk-other-99-1.ready",
            ".esmond-ps-get-bulk-q.manifest",
            "a.part",
        ] {
            fs::write(path.join(name), "").unwrap();
        }
        remove_leftovers(path, "q").unwrap();
        let left = names(path);
        assert_eq!(left.len(), 4, "{left:?}");
        assert!(left.iter().any(|name| name.contains("other-99-1.ready")));
        assert!(at_work.path().exists());
    }
}
