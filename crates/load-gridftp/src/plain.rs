//! The quick way to read a record of the transfer log: once, from the front.
//!
//! Nearly all lines hold one record, whose keys stand in their order, a blank before
//! each, and no further `=`. Nothing on such a line can be taken for anything else.
//! [`parse`] reads these and no others, and says nothing about what is wrong with
//! them: [`netlogger`](crate::netlogger) reads those with all the care.

use memchr::memchr;

use crate::digits;
use crate::netlogger::{Record, Tail, numbers};
use crate::transfer::{Direction, Figure, Line};

/// Reads a line that is as above; none if it is not, or anything is wrong with it.
pub(crate) fn parse(line: &str) -> Option<Line<'_>> {
    let mut rest = Rest(from_date(line)?);
    let end = rest.word(b"DATE=")?;
    let host = rest.word(b" HOST=")?;
    let program = rest.word(b" PROG=")?;
    rest.key(b" NL.EVNT=FTP_INFO")?;
    let start = rest.word(b" START=")?;
    let user = rest.text(b" USER=", b" FILE=")?;
    let file = rest.text(b" FILE=", b" BUFFER=")?;
    let buffer = rest.number(b" BUFFER=")?;
    let block = rest.number(b" BLOCK=")?;
    let bytes = rest.number(b" NBYTES=")?;
    let volume = rest.text(b" VOLUME=", b" STREAMS=")?;
    let streams = rest.number(b" STREAMS=")?;
    let stripes = rest.number(b" STRIPES=")?;
    let dest = rest.word(b" DEST=")?;
    let command = rest.word(b" TYPE=")?;
    let code = rest.word(b" CODE=")?;
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    rest.word(b" TASKID=");
    let mut retransmits = Vec::new();
    if let Some(list) = rest.word(b" retrans=") {
        let count = numbers(list).try_fold(0, |count, number| number.map(|_| count + 1))?;
        // Nobody wants those of a listing.
        if Direction::of_command(command).is_some() {
            retransmits.reserve_exact(count);
            retransmits.extend(numbers(list).flatten().map(Figure::Whole));
        }
    }
    if !rest.0.trim_ascii_end().is_empty() {
        return None;
    }
    let record = Record {
        end,
        host,
        program,
        start,
        user,
        file,
        tail: Tail {
            buffer,
            block,
            bytes,
            volume,
            streams,
            stripes,
            dest,
            command,
            code,
            retransmits,
        },
    };
    record.understood().ok()
}

/// Returns a line without the prefix of another log, which holds no `=`.
fn from_date(line: &str) -> Option<&str> {
    const KEY: &str = "DATE=";
    if line.starts_with(KEY) {
        return Some(line);
    }
    let start = (memchr(b'=', line.as_bytes())? + 1).checked_sub(KEY.len())?;
    let record = line.get(start..)?;
    // That of a JSON log is something else.
    (!line.starts_with('{')).then_some(record)
}

/// What is left of a record.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes ` KEY=` from the front. Keys have a length that the compiler knows:
    /// comparing them is an instruction or two.
    #[inline]
    fn key<const N: usize>(&mut self, key: &[u8; N]) -> Option<()> {
        if self.0.as_bytes().first_chunk() != Some(key) {
            return None;
        }
        self.0 = self.0.get(N..)?;
        Some(())
    }

    /// Takes ` KEY=value`, the value being a word.
    #[inline]
    fn word<const N: usize>(&mut self, key: &[u8; N]) -> Option<&'a str> {
        self.key(key)?;
        self.take(end_of_word(self.0.as_bytes()))
    }

    /// Takes ` KEY=value`, the value being up to the next key, blanks and all.
    #[inline]
    fn text<const N: usize, const M: usize>(
        &mut self,
        key: &[u8; N],
        next: &[u8; M],
    ) -> Option<&'a str> {
        self.key(key)?;
        let end = memchr(b'=', self.0.as_bytes())? + 1;
        let before = self.0.as_bytes().get(..end)?;
        (before.last_chunk() == Some(next)).then(|| self.take(end - M))?
    }

    /// Takes ` KEY=digits`, as many of them as fit.
    #[inline]
    fn number<const N: usize>(&mut self, key: &[u8; N]) -> Option<u64> {
        self.key(key)?;
        let (number, length) = match self.0.as_bytes().first_chunk() {
            Some(eight) => digits::at_front(*eight).or_else(|| self.long_number())?,
            // More than that follows any number.
            None => return None,
        };
        self.take(length)?;
        (length > 0).then_some(number)
    }

    #[cold]
    fn long_number(&self) -> Option<(u64, usize)> {
        let text = self.0;
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        Some((text.get(..length)?.parse().ok()?, length))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Returns where the first byte is that is no visible ASCII, or `=`.
#[inline]
fn end_of_word(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(eight) = bytes[end..].first_chunk() {
        let ends = digits::ends_of_word(*eight);
        if ends != 0 {
            return end + digits::before(ends);
        }
        end += 8;
    }
    let rest = bytes[end..].iter();
    let is_part = |byte: &&u8| byte.is_ascii_graphic() && **byte != b'=';
    end + rest.take_while(is_part).count()
}
