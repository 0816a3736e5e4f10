//! Lines of any length, in bounded memory.

use std::io::{self, BufRead};

/// The longest line, and the longest test, that is read: 64 MiB. A result of an hour
/// with 128 streams has about that many bytes.
pub const LIMIT: usize = 64 << 20;

/// Reads lines. Bytes that are no UTF-8 are read as replacement characters.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    limit: usize,
    bytes: Vec<u8>,
}

/// A line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says; of one that is too long, its beginning.
    pub text: String,
    /// Whether it is too long.
    pub cut: bool,
}

impl<R: BufRead> Lines<R> {
    /// Makes a reader of lines of at most [`LIMIT`] bytes.
    pub fn new(input: R) -> Self {
        Self::with_limit(input, LIMIT)
    }

    fn with_limit(input: R, limit: usize) -> Self {
        Self {
            input,
            limit,
            bytes: Vec::new(),
        }
    }

    /// Returns the next line, the last one also without a line end; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the input.
    pub fn read(&mut self) -> io::Result<Option<Line>> {
        self.bytes.clear();
        let (mut cut, mut began) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            began = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = self.limit - self.bytes.len();
            cut |= part.len() > room;
            self.bytes.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !began {
            return Ok(None);
        }
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        // One long line is no reason to keep its room for ever.
        self.bytes.shrink_to(1 << 16);
        Ok(Some(Line { text, cut }))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use std::io::BufReader;

    #[test]
    fn lines_end_where_they_end_and_long_ones_are_cut() {
        let input = b"one\r\n\ntoo long\n\xff\nlast";
        // A buffer of 3 bytes: lines lie across several of them.
        let mut lines = Lines::with_limit(BufReader::with_capacity(3, &input[..]), 4);
        let mut read = Vec::new();
        while let Some(line) = lines.read().unwrap() {
            read.push((line.text, line.cut));
        }
        let expected = [
            ("one", false),
            ("", false),
            ("too ", true),
            ("\u{fffd}", false),
            ("last", false),
        ];
        assert_eq!(read, expected.map(|(text, cut)| (text.to_owned(), cut)));
    }
}
