//! The state file: how far a log was loaded.
//!
//! It is JSON, and replaced as a whole: a run that is killed leaves the old state or
//! the new one. State files of the original program are read, see [`pickle`].
//!
//! DIFFERENCE: the original keeps a Python pickle of the last record alone, and
//! overwrites it in place.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::pickle;
use crate::position::Position;

/// What tells a state file of ours, and its version.
const FORMAT: &str = "esmond-ps-load-gridftp 1";

/// The largest state file that is read: 16 MiB.
const LARGEST: u64 = 16 << 20;

/// How far a log was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    format: String,
    /// The last record loaded, for people.
    pub last_record: Option<String>,
    /// Place in the log.
    pub current: Position,
    /// Place in the log that was rotated last: servers that had it open go on
    /// writing to it.
    pub previous: Option<Position>,
}

impl State {
    /// Makes a state.
    #[must_use]
    pub fn new(last_record: Option<String>, current: Position, previous: Option<Position>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            last_record,
            current,
            previous,
        }
    }
}

/// What a state file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Saved {
    /// There is no file.
    Nothing,
    /// A state of ours.
    State(Box<State>),
    /// The fields of the last record, from the original program.
    Original(Map<String, Value>),
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read the state file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is empty, as the original leaves it under Python 3.
    #[error(
        "the state file {} is empty, so where to go on is not known: remove it to load the whole \
         log (an esmond archive does not store again what it has; Logstash does)",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is neither a state of ours nor one of the original.
    #[error(
        "the state file {} is damaged, so where to go on is not known; remove it to load the whole \
         log (an esmond archive does not store again what it has; Logstash does)",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be written.
    #[error("cannot write the state file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads a state file.
///
/// # Errors
///
/// When there is one and it cannot be understood: that never means to start again.
pub fn load(path: &Path) -> Result<Saved, Error> {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Saved::Nothing),
        Err(source) => {
            return Err(Error::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let damaged = |source| Error::Damaged {
        path: path.to_owned(),
        source,
    };
    match bytes.first() {
        None => Err(Error::Empty {
            path: path.to_owned(),
        }),
        Some(b'{') => {
            let state: State =
                serde_json::from_slice(&bytes).map_err(|error| damaged(Box::new(error)))?;
            if state.format != FORMAT {
                return Err(damaged(
                    format!("its format is {:?}, not {FORMAT:?}", state.format).into(),
                ));
            }
            Ok(Saved::State(Box::new(state)))
        }
        Some(_) => match pickle::read(&bytes) {
            Ok(Value::Object(fields)) => Ok(Saved::Original(fields)),
            Ok(_) => Err(damaged("the pickle is no dictionary".into())),
            Err(error) => Err(damaged(Box::new(error))),
        },
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Replaces a state file. When this returns, the new state survives a power cut.
///
/// # Errors
///
/// Those of writing; the old state is still there.
pub fn save(path: &Path, state: &State) -> Result<(), Error> {
    write(path, state).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, state: &State) -> io::Result<()> {
    let directory = directory_of(path);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut file, state)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()
}

/// Deletes a state file; one that is not there is no error.
///
/// # Errors
///
/// Those of deleting.
pub fn delete(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Write {
            path: path.to_owned(),
            source,
        }),
        // DIFFERENCE: the original crashes when there is none.
        _ => Ok(()),
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
