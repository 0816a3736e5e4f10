//! Files that are there as a whole or not at all.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file that is being written beside its place, under a hidden name that ends in
/// `.part`. Removed when dropped before it is complete.
#[derive(Debug)]
pub(crate) struct Part {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl Part {
    /// Begins a file.
    pub(crate) fn create(target: &Path) -> io::Result<Self> {
        let directory = match target.parent() {
            Some(directory) if directory != Path::new("") => directory,
            _ => Path::new("."),
        };
        // As any new file: what is left of it is up to the umask.
        let file = Builder::new()
            .prefix(".pv-archiver-")
            .suffix(".part")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory)?;
        Ok(Self {
            file: BufWriter::new(file),
            target: target.to_owned(),
        })
    }

    /// Gives the complete file its name, replacing what is there.
    pub(crate) fn publish(self) -> io::Result<()> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
