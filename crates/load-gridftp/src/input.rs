//! Opening logs: plain files, gzip files, standard input.
//!
//! DIFFERENCE: the original reads plain files alone.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// As much of a log as is read at once, in bytes.
const BUFFER: usize = 256 * 1024;

/// A log that is open for reading.
#[derive(Debug)]
pub enum Input {
    /// A plain file.
    Plain(BufReader<File>),
    /// A gzip file; offsets count what it unpacks to.
    Gzip(Box<BufReader<MultiGzDecoder<BufReader<File>>>>),
    /// Standard input.
    Stdin(BufReader<io::Stdin>),
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// Number of the device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl Input {
    /// Opens a file; one that starts like a gzip file is read as one.
    ///
    /// # Errors
    ///
    /// Those of opening and reading.
    pub fn open(path: &Path) -> io::Result<(Self, Identity)> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let identity = Identity::from(&metadata);
        let mut plain = BufReader::with_capacity(BUFFER, file);
        let input = if plain.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            let unpacked = MultiGzDecoder::new(plain);
            Self::Gzip(Box::new(BufReader::with_capacity(BUFFER, unpacked)))
        } else {
            Self::Plain(plain)
        };
        Ok((input, identity))
    }

    /// Returns standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self::Stdin(BufReader::with_capacity(BUFFER, io::stdin()))
    }

    /// Tells whether more may be appended later.
    #[must_use]
    pub fn may_grow(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Returns the offset of the end, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Plain(input) => input.get_ref().metadata().ok().map(|data| data.len()),
            Self::Gzip(_) | Self::Stdin(_) => None,
        }
    }

    /// Passes over bytes; fewer when the file ends before.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        if let Self::Plain(file) = self {
            let forward = i64::try_from(bytes).map_err(io::Error::other)?;
            file.seek(SeekFrom::Current(forward))?;
        } else {
            io::copy(&mut self.take(bytes), &mut io::sink())?;
        }
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
            Self::Stdin(input) => input.read(buffer),
        }
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(input) => input.fill_buf(),
            Self::Gzip(input) => input.fill_buf(),
            Self::Stdin(input) => input.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Self::Plain(input) => input.consume(bytes),
            Self::Gzip(input) => input.consume(bytes),
            Self::Stdin(input) => input.consume(bytes),
        }
    }
}
