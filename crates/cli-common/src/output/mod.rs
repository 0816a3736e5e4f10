//! The output formats, one file each, all writing [`Row`]s as they come.
//!
//! No writer keeps more than one row, so memory does not grow with the output.
//! Writers write a row at a time: give them a buffered `Write`.
//!
//! ```
//! use esmond_ps_cli_common::output::{Format, writer};
//! use esmond_ps_cli_common::rows::Row;
//!
//! let mut out = Vec::new();
//! let mut rows = writer(Format::Human, &["value"], &mut out);
//! rows.row(&Row::new().with("value", 5))?;
//! rows.finish()?;
//! assert_eq!(out, b"value: 5\n\n");
//! # Ok::<(), std::io::Error>(())
//! ```

mod csv;
mod human;
mod json;
mod jsonl;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::rows::Row;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `name: value` lines, for reading.
    Human,
    /// One JSON list of objects, on one line.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma separated values with a header line; lines end in CRLF.
    Csv,
}

impl Format {
    /// All formats, in the order in which help texts name them.
    pub const ALL: [Format; 4] = [Format::Human, Format::Json, Format::Jsonl, Format::Csv];

    /// Returns the name, which is also the file name extension.
    pub fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
        }
    }

    /// Tells whether lists and objects stay such; otherwise they become text.
    pub fn keeps_structure(self) -> bool {
        matches!(self, Format::Json | Format::Jsonl)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no [`Format`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an output format (one of: human, json, jsonl, csv)")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// Writes rows in one format; made by [`writer`] or [`file_writer`].
pub struct RowWriter<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Human(human::Writer<W>),
    Json(json::Writer<W>),
    Jsonl(jsonl::Writer<W>),
    // It has a buffer of its own, which makes it large.
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> RowWriter<W> {
    /// Writes one row, after whatever stands between rows.
    ///
    /// # Errors
    /// Those of the underlying writer; the output is then incomplete.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.0 {
            Kind::Human(writer) => writer.row(row),
            Kind::Json(writer) => writer.row(row),
            Kind::Jsonl(writer) => writer.row(row),
            Kind::Csv(writer) => writer.row(row),
        }
    }

    /// Writes what ends the output (without rows: what says so) and flushes.
    ///
    /// # Errors
    /// Those of the underlying writer; the output is then incomplete.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Kind::Human(writer) => writer.finish(),
            Kind::Json(writer) => writer.finish(),
            Kind::Jsonl(writer) => writer.finish(),
            Kind::Csv(writer) => writer.finish(),
        }
    }
}

impl<W: Write> fmt::Debug for RowWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowWriter")
    }
}

/// Returns a writer for the standard output. `columns` matter to csv only, which
/// needs them before the first row and prints no others.
///
/// The text ends in the further newline with which the originals print it.
/// Without rows, human output is `No data found.`, json `[]`, jsonl nothing, csv the
/// header line.
pub fn writer<W: Write>(format: Format, columns: &[&'static str], out: W) -> RowWriter<W> {
    with_end(format, columns, "\n", out)
}

/// Returns a writer for a file: as [`writer`], without the further newline.
pub fn file_writer<W: Write>(format: Format, columns: &[&'static str], out: W) -> RowWriter<W> {
    with_end(format, columns, "", out)
}

fn with_end<W: Write>(
    format: Format,
    columns: &[&'static str],
    end: &'static str,
    out: W,
) -> RowWriter<W> {
    RowWriter(match format {
        Format::Human => Kind::Human(human::Writer::new(out, end)),
        Format::Json => Kind::Json(json::Writer::new(out, end)),
        Format::Jsonl => Kind::Jsonl(jsonl::Writer::new(out)),
        Format::Csv => Kind::Csv(Box::new(csv::Writer::new(columns, out, end))),
    })
}
