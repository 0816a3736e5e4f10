//! A copy of the database while it is in use.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;
use thiserror::Error;

use crate::schema;

pub(crate) const COPYING: &str = "writing the backup";

/// Why a copy could not be written.
#[derive(Debug, Error)]
pub(crate) enum CopyError {
    /// There is a file where the copy should be.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is a file where the copy would be written first.
    #[error(
        "{} exists: a backup is being written, or was interrupted and the file can be removed",
        .0.display()
    )]
    PartExists(PathBuf),
    /// The path has no file name.
    #[error("{} is no name of a file", .0.display())]
    NoName(PathBuf),
    /// What is to be copied cannot be used.
    #[error(transparent)]
    Source(#[from] schema::OpenError),
    /// The operating system refused something.
    #[error("{}", .path.display())]
    File { path: PathBuf, source: io::Error },
    /// SQLite refused something.
    #[error("{}", .path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
}

/// Copies the database `from` to a new file.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), CopyError> {
    let Some(name) = to.file_name() else {
        return Err(CopyError::NoName(to.to_owned()));
    };
    refuse_existing(to)?;
    let mut part_name = OsString::from(name);
    part_name.push(".part");
    let part = schema::absolute(&to.with_file_name(part_name));
    match new_file(&part) {
        Ok(_) => {}
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CopyError::PartExists(part));
        }
        Err(source) => return Err(CopyError::File { path: part, source }),
    }
    let copied = fill(from, &part).and_then(|()| {
        refuse_existing(to)?;
        publish(&part, to).map_err(|source| CopyError::File {
            path: to.to_owned(),
            source,
        })
    });
    if copied.is_err()
        && let Err(error) = fs::remove_file(&part)
    {
        tracing::warn!(%error, path = %part.display(), "an incomplete backup is left");
    }
    copied
}

fn refuse_existing(to: &Path) -> Result<(), CopyError> {
    match to.symlink_metadata() {
        Ok(_) => Err(CopyError::Exists(to.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Makes an empty file that only its owner can read: users are part of it.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes one state of the database into an empty file.
fn fill(from: &Path, part: &Path) -> Result<(), CopyError> {
    let Some(part_text) = part.to_str() else {
        return Err(CopyError::NoName(part.to_owned()));
    };
    let connection = schema::open_as_it_is(from)?;
    let fill = || {
        connection.execute("VACUUM INTO ?1", [part_text])?;
        // What cannot be opened is no backup.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let copy = rusqlite::Connection::open_with_flags(part, flags)?;
        schema::version(&copy)
    };
    fill().map(drop).map_err(|source| CopyError::Sqlite {
        path: part.to_owned(),
        source,
    })
}

/// Makes the file durable under its own name.
fn publish(part: &Path, to: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, to)?;
    #[cfg(unix)]
    {
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
