//! Lines of a log in one pass, in memory that does not grow.
//!
//! DIFFERENCE: the original takes a last line without its end for a whole one.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::mem;

use memchr::memchr;

/// The longest line that is kept: 1 MiB. Of a longer one the end is kept.
pub const LONGEST: usize = 1 << 20;

/// How much of the beginning of a file tells it apart from others, in bytes.
pub const HEAD: usize = 1024;

/// How much of what was read last is remembered, in bytes.
pub const TAIL: usize = 4096;

/// A line that has come to its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Its bytes with the newline; only the last [`TAIL`] of a line longer than
    /// [`LONGEST`].
    pub bytes: Cow<'a, [u8]>,
    /// Offset behind it.
    pub end: u64,
    /// Its number, from 1.
    pub number: u64,
    /// Whether its beginning was not kept.
    pub cut: bool,
}

impl RawLine<'_> {
    /// Copies what is only borrowed.
    #[must_use]
    pub fn into_owned(self) -> RawLine<'static> {
        RawLine {
            bytes: Cow::Owned(self.bytes.into_owned()),
            ..self
        }
    }

    /// The line as text, without its newline. Bytes that are no UTF-8 become
    /// `U+FFFD`: servers write file names as they come.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        // Text that needs no replacing is verified many bytes at a time.
        match str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }
    }

    /// The last bytes of the line, [`TAIL`] at most.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(TAIL)..]
    }
}

/// Reads lines, and keeps count.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    head: Vec<u8>,
    offset: u64,
    number: u64,
    /// Length of the line that was lent last, at the front of what `input` holds.
    lent: usize,
}

impl<R: BufRead> Lines<R> {
    /// Starts at `offset`, behind line `number`, where `input` stands. `head` is
    /// what the file starts with, as far as that was read before.
    #[must_use]
    pub fn new(input: R, head: Vec<u8>, offset: u64, number: u64) -> Self {
        Self {
            input,
            head,
            offset,
            number,
            lent: 0,
        }
    }

    /// What the file starts with, [`HEAD`] bytes at most.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns the next line that is complete. It stays where it was read to, as long as
    /// that is one piece.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn next_line(&mut self) -> io::Result<Result<RawLine<'_>, Unfinished>> {
        self.input.consume(mem::take(&mut self.lent));
        let mut kept = Vec::new();
        let mut length = 0;
        let last = loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let newline = memchr(b'\n', chunk);
            let taken = newline.map_or(chunk.len(), |at| at + 1);
            if taken == 0 {
                return Ok(Err(Unfinished { length }));
            }
            if self.head.len() < HEAD && self.head.len() as u64 == self.offset + length {
                let missing = HEAD - self.head.len();
                self.head.extend_from_slice(&chunk[..taken.min(missing)]);
            }
            length += taken as u64;
            if newline.is_some() && kept.is_empty() {
                break taken;
            }
            kept.extend_from_slice(&chunk[..taken]);
            self.input.consume(taken);
            if length > LONGEST as u64 && kept.len() > 2 * TAIL {
                kept.drain(..kept.len() - TAIL);
            }
            if newline.is_some() {
                break 0;
            }
        };
        self.offset += length;
        self.number += 1;
        self.lent = last;
        let bytes = if kept.is_empty() {
            // Nothing is read: this is what was there before.
            Cow::Borrowed(&self.input.fill_buf()?[..last])
        } else {
            Cow::Owned(kept)
        };
        Ok(Ok(RawLine {
            cut: length > LONGEST as u64,
            bytes,
            end: self.offset,
            number: self.number,
        }))
    }
}

/// The end of what can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// Bytes behind the last newline.
    pub length: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Lines<&[u8]> {
        Lines::new(input, Vec::new(), 0, 0)
    }

    #[test]
    fn a_line_without_its_newline_is_not_a_line_yet() {
        let mut lines = lines(b"one\n\ntw");
        let one = lines.next_line().unwrap().unwrap();
        assert_eq!((&*one.text(), one.end, one.number), ("one", 4, 1));
        let empty = lines.next_line().unwrap().unwrap();
        assert_eq!((&*empty.text(), empty.end, empty.number), ("", 5, 2));
        assert_eq!(lines.next_line().unwrap(), Err(Unfinished { length: 2 }));
        assert_eq!(lines.head(), b"one\n\ntw");
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        let input = b"one\n\nthree is longer\r\n\xff\nfive";
        for capacity in 1..=input.len() + 1 {
            let reader = io::BufReader::with_capacity(capacity, &input[..]);
            let mut pieces = Lines::new(reader, Vec::new(), 0, 0);
            let mut whole = lines(input);
            loop {
                let (one, other) = (whole.next_line().unwrap(), pieces.next_line().unwrap());
                assert_eq!(one, other, "{capacity}");
                if one.is_err() {
                    break;
                }
            }
            assert_eq!(whole.head(), pieces.head());
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut input = vec![b'x'; 5 * LONGEST];
        input.extend(b"end\nnext\n");
        let mut lines = Lines::new(io::BufReader::new(&input[..]), Vec::new(), 0, 0);
        let long = lines.next_line().unwrap().unwrap();
        assert!(long.cut && long.bytes.len() <= 20 * TAIL);
        assert_eq!(long.tail().len(), TAIL);
        assert!(long.tail().ends_with(b"xend\n"));
        assert_eq!(long.end, 5 * LONGEST as u64 + 4);
        assert_eq!(lines.next_line().unwrap().unwrap().text(), "next");
        assert_eq!(lines.head().len(), HEAD);
    }
}
