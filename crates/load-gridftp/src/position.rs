//! How far a log was read: which file, how many bytes, and enough of its contents to
//! recognise both.

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::input::{Identity, Input};
use crate::lines::{HEAD, RawLine, TAIL};

/// A place in a log, behind a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The file, when it is still the same one.
    #[serde(flatten)]
    pub identity: Identity,
    /// What it starts with.
    pub head: Mark,
    /// Bytes read; of a gzip file, of its contents.
    pub offset: u64,
    /// Lines read.
    pub line: u64,
    /// What stands before the offset.
    pub tail: Mark,
}

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many.
    pub length: u64,
    /// SHA-256 of them, in hexadecimal.
    pub sha256: String,
}

impl Mark {
    /// Makes the mark of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut sha256 = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            // Writing to a string does not fail.
            write!(sha256, "{byte:02x}").ok();
        }
        Self {
            length: bytes.len() as u64,
            sha256,
        }
    }
}

impl Position {
    /// Returns the place behind `line` of the file that starts with `head`.
    #[must_use]
    pub fn behind(line: &RawLine<'_>, identity: Identity, head: &[u8]) -> Self {
        // What was read ahead may be gone when the place is looked for.
        let known = usize::try_from(line.end).map_or(HEAD, |end| end.min(HEAD));
        Self {
            identity,
            head: Mark::of(&head[..known.min(head.len())]),
            offset: line.end,
            line: line.number,
            tail: Mark::of(line.tail()),
        }
    }

    /// Returns the beginning of a file.
    #[must_use]
    pub fn start(identity: Identity) -> Self {
        Self {
            identity,
            head: Mark::of(&[]),
            offset: 0,
            line: 0,
            tail: Mark::of(&[]),
        }
    }

    /// Opens a file at this place, and returns it with what it starts with; none when
    /// its contents are others.
    ///
    /// # Errors
    ///
    /// Those of opening and reading.
    pub fn open(&self, path: &Path) -> io::Result<Option<(Input, Vec<u8>, Identity)>> {
        let (mut input, identity) = Input::open(path)?;
        let head = self.pass(&mut input)?;
        Ok(head.map(|head| (input, head, identity)))
    }

    /// Reads up to the place, and returns the head; none when a mark is another.
    fn pass(&self, input: &mut Input) -> io::Result<Option<Vec<u8>>> {
        let (head, tail) = (self.head.length, self.tail.length);
        if head > HEAD as u64 || tail > TAIL as u64 || head.max(tail) > self.offset {
            return Ok(None);
        }
        let read = |input: &mut Input, length: u64| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            input.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let mut first = read(input, head)?;
        if Mark::of(&first) != self.head {
            return Ok(None);
        }
        let last = match self.offset.checked_sub(head + tail) {
            Some(gap) => {
                input.skip(gap)?;
                read(input, tail)?
            }
            // The marks overlap.
            None => {
                let rest = read(input, self.offset - head)?;
                let both = [first.as_slice(), &rest].concat();
                let from = both
                    .len()
                    .saturating_sub(usize::try_from(tail).unwrap_or(TAIL));
                first.extend(rest.iter().take(HEAD - first.len()));
                both[from..].to_vec()
            }
        };
        Ok((Mark::of(&last) == self.tail).then_some(first))
    }
}
