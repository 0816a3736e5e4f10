//! A file of JSON lines that only grows: what runs have done, line by line.
//!
//! A line is appended with one write, so that a run that is killed leaves at
//! most one line unfinished, at the end; it is cut off when the file is opened
//! again.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// Always the first: of which query the file is.
    Query { format: u32, id: String },
    /// A run begins.
    Run(Run),
    /// A series was read, or failed.
    Series(Box<Entry>),
    /// The run of this number ended with nothing left to do, and read up to
    /// this time.
    Done { run: u64, until: i64 },
}

/// A run of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Run {
    /// Number, from 1.
    pub(crate) number: u64,
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// Window of the query, Unix seconds, inclusive.
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// What came of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Entry {
    /// Number of the run.
    pub(crate) run: u64,
    pub(crate) key: String,
    pub(crate) event_type: String,
    /// `base`, or type and window, such as `average-300`.
    pub(crate) summary: String,
    /// Ends and tool of the test, for messages; names unless addresses were
    /// asked for.
    pub(crate) source: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) uri: String,
    /// Stretch that was read, Unix seconds, inclusive.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Documented name, without extension.
    pub(crate) stem: String,
    /// Name of the file; none without data.
    pub(crate) file: Option<String>,
    /// What the file was called before: the rename follows this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) points: u64,
    pub(crate) rows: u64,
    pub(crate) requests: u64,
    /// Times of the first and last point.
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    /// Completed by an earlier run, and found in place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) resumed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// From when on all delivered points are in `seen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_from: Option<i64>,
    /// Delivered points, for the next run: time and digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) seen: Vec<(i64, u64)>,
}

/// A file of [`Line`]s.
#[derive(Debug)]
pub(crate) struct Store {
    file: File,
    end: u64,
    durable: bool,
}

impl Store {
    /// Takes an open file, to be read and written. With `durable` each line is
    /// on the disk when [`append`](Self::append) returns.
    pub(crate) fn new(file: File, durable: bool) -> io::Result<Self> {
        let mut store = Self {
            file,
            end: 0,
            durable,
        };
        store.end = store.last_whole_line()?;
        store.file.set_len(store.end)?;
        Ok(store)
    }

    /// Removes all lines.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.end = 0;
        self.file.set_len(0)
    }

    /// Adds a line and returns its place.
    pub(crate) fn append(&mut self, line: &Line) -> io::Result<u64> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.append_text(&text)
    }

    /// Adds a line in its form in the file, newline included.
    pub(crate) fn append_text(&mut self, text: &str) -> io::Result<u64> {
        let place = self.end;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(text.as_bytes())?;
        if self.durable {
            self.file.sync_data()?;
        }
        self.end += u64::try_from(text.len()).unwrap_or(0);
        Ok(place)
    }

    /// Reads the line at a place.
    pub(crate) fn read(&self, place: u64) -> io::Result<Line> {
        let mut line = String::new();
        self.reader(place).read_line(&mut line)?;
        parse(&line)
    }

    /// Reads all lines in order, each with its place and its form in the file.
    pub(crate) fn scan(&self) -> impl Iterator<Item = io::Result<(u64, Line, String)>> + '_ {
        let mut reader = self.reader(0);
        let mut place = 0;
        std::iter::from_fn(move || {
            let mut text = String::new();
            match reader.read_line(&mut text) {
                Err(error) => Some(Err(error)),
                Ok(0) => None,
                Ok(length) => {
                    let at = place;
                    place += u64::try_from(length).unwrap_or(0);
                    Some(parse(&text).map(|line| (at, line, text)))
                }
            }
        })
    }

    /// Makes sure that everything is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn reader(&self, place: u64) -> BufReader<impl Read + '_> {
        let file = ReadAt {
            file: &self.file,
            place,
        };
        BufReader::new(file.take(self.end.saturating_sub(place)))
    }

    /// Returns where the last line ends that is whole.
    fn last_whole_line(&self) -> io::Result<u64> {
        let length = self.file.metadata()?.len();
        let mut reader = BufReader::new(ReadAt {
            file: &self.file,
            place: 0,
        });
        let mut whole = 0;
        let mut at = 0;
        while at < length {
            let buffer = reader.fill_buf()?;
            let size = buffer.len();
            if size == 0 {
                break;
            }
            if let Some(newline) = buffer.iter().rposition(|byte| *byte == b'\n') {
                whole = at + u64::try_from(newline).unwrap_or(0) + 1;
            }
            at += u64::try_from(size).unwrap_or(0);
            reader.consume(size);
        }
        Ok(whole)
    }
}

fn parse(line: &str) -> io::Result<Line> {
    serde_json::from_str(line).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Reads a file without moving its cursor.
struct ReadAt<'a> {
    file: &'a File,
    place: u64,
}

impl Read for ReadAt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.place)?;
        self.place += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(run: u64) -> Line {
        Line::Done { run, until: 5 }
    }

    fn lines(store: &Store) -> Vec<Line> {
        store.scan().map(|line| line.unwrap().1).collect()
    }

    #[test]
    fn lines_are_read_in_order_and_by_place() {
        let mut store = Store::new(tempfile::tempfile().unwrap(), true).unwrap();
        store.append(&done(1)).unwrap();
        let place = store.append(&done(2)).unwrap();
        store.append(&done(3)).unwrap();
        assert_eq!(store.read(place).unwrap(), done(2));
        assert_eq!(lines(&store), [done(1), done(2), done(3)]);
        store.clear().unwrap();
        assert!(lines(&store).is_empty());
    }

    #[test]
    fn an_unfinished_line_is_cut_off() {
        let mut file = tempfile::tempfile().unwrap();
        let mut store = Store::new(file.try_clone().unwrap(), false).unwrap();
        store.append(&done(1)).unwrap();
        file.write_all(b"{\"done\":{\"ru").unwrap();
        let mut store = Store::new(file, false).unwrap();
        store.append(&done(2)).unwrap();
        assert_eq!(lines(&store), [done(1), done(2)]);
    }

    #[test]
    fn a_line_that_is_none_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"nonsense\n").unwrap();
        let store = Store::new(file, false).unwrap();
        let error = store.scan().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
