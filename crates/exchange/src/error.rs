//! What goes wrong with files.

use std::io;

use thiserror::Error;

use crate::Report;

/// Result of an operation on a file.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file could not be written, read or stored. Lines are counted from 1,
/// after decompression.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error("{doing} metadata record {key}")]
    Store {
        /// What was being done, such as `storing points of`.
        doing: &'static str,
        /// Key of the record in the file, or of the last one before.
        key: String,
        /// The store's error.
        source: esmond_ps_store::Error,
    },
    /// The stream could not be written.
    #[error("writing the export")]
    Write(#[source] io::Error),
    /// The stream could not be read.
    #[error("reading the export at line {line}")]
    Read {
        /// Line that was being read.
        line: u64,
        /// The stream's error.
        source: io::Error,
    },
    /// This is another kind of file.
    #[error("this is no export of an archive: {0}")]
    OtherFile(&'static str),
    /// The file has a newer format.
    #[error(
        "the export has format version {found}, and this program reads versions up to {known}: \
         import it with a newer version of the program"
    )]
    NewerVersion {
        /// Version of the file.
        found: u64,
        /// Newest version that is read.
        known: u64,
    },
    /// The file ends before its last line.
    #[error("the export is cut off at line {line}")]
    CutOff {
        /// Line that is missing or not complete.
        line: u64,
    },
    /// The file is not as it was written.
    #[error("the export is damaged at line {line}: {reason}")]
    Damaged {
        /// Where the damage was noticed; it is in this line, or before.
        line: u64,
        /// What is wrong; free of control characters.
        reason: String,
    },
    /// A line is longer than the [limit](crate::Limits::line).
    #[error("line {line} of the export is longer than {limit} bytes")]
    LineTooLong {
        /// The line.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// It was told to stop. An export is not complete then.
    #[error("stopped before the end")]
    Stopped,
}

/// Why an import ended early, and what it stored until then. An import can
/// always be run again: it completes what is there.
#[derive(Debug, Error)]
#[error("the import did not get to its end ({report})")]
pub struct ImportError {
    /// What was stored.
    pub report: Box<Report>,
    /// What happened.
    #[source]
    pub cause: Error,
}

/// Names what the store was doing.
pub(crate) fn store(
    doing: &'static str,
    key: &str,
) -> impl FnOnce(esmond_ps_store::Error) -> Error {
    move |source| Error::Store {
        doing,
        key: key.to_owned(),
        source,
    }
}

/// Returns a reason in which text of the file can do no harm.
pub(crate) fn damaged(line: u64, reason: &str) -> Error {
    let mut visible = String::new();
    for character in reason.chars().take(300) {
        if character.is_control() {
            visible.extend(character.escape_default());
        } else {
            visible.push(character);
        }
    }
    Error::Damaged {
        line,
        reason: visible,
    }
}

/// Returns what is wrong with JSON. A line of a file is one line of JSON.
pub(crate) fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(reason, _)| reason);
    format!("{reason}, column {}", error.column())
}
