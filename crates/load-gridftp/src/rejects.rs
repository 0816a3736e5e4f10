//! The file for lines that were not loaded (`--rejects`).
//!
//! DIFFERENCE: the original keeps nothing of them.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

/// Appends lines to a file, which is made with the first of them.
#[derive(Debug, Default)]
pub struct Rejects {
    path: Option<PathBuf>,
    file: Option<File>,
}

impl Rejects {
    /// Lines go to that file, or nowhere.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, file: None }
    }

    /// Appends a line as it was, with its newline.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn add(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let failed = || format!("cannot write {}", path.display());
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let opened = File::options().create(true).append(true).open(path);
                self.file.insert(opened.with_context(failed)?)
            }
        };
        file.write_all(line).with_context(failed)
    }
}
