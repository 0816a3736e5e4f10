//! One run at a time for each state file.
//!
//! DIFFERENCE: runs of the original do not exclude each other.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a run may not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another run has the lock.
    #[error("another run uses the same state file (it holds {})", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A lock, held until it is dropped or its process ends, however that happens.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock that goes with a state file: the file beside it with `.lock` added.
/// The file stays: removing it would let two runs lock two files of one name.
///
/// # Errors
///
/// When another run has it, at once; when the file cannot be made.
pub fn take(state: &Path) -> Result<Lock, Error> {
    let mut name = OsString::from(state);
    name.push(".lock");
    let path = PathBuf::from(name);
    let opened = File::options().create(true).append(true).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(source) => return Err(Error::Unusable { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::Held { path }),
        Err(TryLockError::Error(source)) => Err(Error::Unusable { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_turned_away_until_the_first_ends() {
        // DIFFERENCE: runs of the original do not exclude each other.
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let first = take(&state).unwrap();
        assert!(matches!(take(&state), Err(Error::Held { .. })));
        drop(first);
        take(&state).unwrap();
    }
}
