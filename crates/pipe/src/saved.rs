//! Tests that could not be stored, kept for another time.
//!
//! DIFFERENCE: the original keeps none.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file of tests in the form in which they were read.
#[derive(Debug)]
pub struct Saved {
    path: PathBuf,
    file: File,
}

impl Saved {
    /// Opens a file to append to; it is made when it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be written to.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Adds a test.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn add(&mut self, raw: &str) -> io::Result<()> {
        self.file.write_all(raw.as_bytes())?;
        if !raw.ends_with('\n') {
            self.file.write_all(b"\n")?;
        }
        self.file.sync_data()
    }

    /// Returns where the tests are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
