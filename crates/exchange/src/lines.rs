//! Reading lines of a compressed stream.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::damaged;
use crate::{Error, Limits, Result};

/// Lines of a gzip stream, also of one that was put together of several.
pub(crate) struct Lines<R> {
    stream: BufReader<MultiGzDecoder<BufReader<R>>>,
    limit: usize,
    /// Number of the line that was read last.
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(stream: R, limits: Limits) -> Self {
        Self {
            stream: BufReader::with_capacity(
                64 << 10,
                MultiGzDecoder::new(BufReader::with_capacity(64 << 10, stream)),
            ),
            limit: limits.line,
            number: 0,
        }
    }

    /// Returns the number of the line that was read last.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line, with its newline, in place of the one in `line`;
    /// false at the end of the stream.
    pub(crate) fn read(&mut self, line: &mut String) -> Result<bool> {
        let mut bytes = std::mem::take(line).into_bytes();
        bytes.clear();
        self.number += 1;
        loop {
            let available = match self.stream.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            if available.is_empty() {
                return if bytes.is_empty() {
                    Ok(false)
                } else {
                    Err(Error::CutOff { line: self.number })
                };
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let taken = newline.map_or(available.len(), |at| at + 1);
            if bytes.len() + taken > self.limit {
                return Err(Error::LineTooLong {
                    line: self.number,
                    limit: self.limit,
                });
            }
            bytes.extend_from_slice(available.get(..taken).unwrap_or_default());
            self.stream.consume(taken);
            if newline.is_some() {
                break;
            }
        }
        *line = String::from_utf8(bytes).map_err(|_| damaged(self.number, "it is no UTF-8"))?;
        Ok(true)
    }

    fn failed(&self, error: io::Error) -> Error {
        let line = self.number;
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::CutOff { line },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if line == 1 => {
                Error::OtherFile("it is not compressed with gzip, or damaged at its very start")
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                damaged(line, &error.to_string())
            }
            _ => Error::Read {
                line,
                source: error,
            },
        }
    }
}
