//! The output formats, one file each, all writing [`Row`]s as they come.
//!
//! No writer keeps more than one row (a table: its first 200), so memory does not
//! grow with the output. Writers write a row at a time: give them a buffered `Write`.
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
mod influx;
mod json;
mod jsonl;
mod screen;
mod table;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::rows::Row;

pub(crate) use influx::own_cells as influx_cells;
pub use screen::Screen;

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
    /// Aligned columns that fit a terminal, for reading.
    Table,
    /// The line protocol of InfluxDB, one point a line.
    Influx,
    /// Apache Parquet. Not one of the [`writer`]s: `esmond-ps-get-bulk` alone has it.
    Parquet,
}

impl Format {
    /// All formats, in the order in which help texts name them.
    pub const ALL: [Format; 7] = [
        Format::Human,
        Format::Json,
        Format::Jsonl,
        Format::Csv,
        Format::Table,
        Format::Influx,
        Format::Parquet,
    ];

    /// Returns the name, which is also the file name extension.
    pub fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Table => "table",
            Format::Influx => "influx",
            Format::Parquet => "parquet",
        }
    }

    /// Tells whether values have types, so that rows hold a time as Unix seconds and
    /// name their test.
    pub fn is_typed(self) -> bool {
        matches!(self, Format::Influx | Format::Parquet)
    }

    /// Tells whether columns are fixed before the first row, so that a cell with
    /// another name is not shown.
    pub fn has_fixed_columns(self) -> bool {
        matches!(self, Format::Csv | Format::Table | Format::Parquet)
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
#[error("`{0}` is not an output format")]
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
    Table(Box<table::Writer<W>>),
    Influx(influx::Writer<W>),
    Unsupported,
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
            Kind::Table(writer) => writer.row(row),
            Kind::Influx(writer) => writer.row(row),
            Kind::Unsupported => Err(unsupported()),
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
            Kind::Table(writer) => writer.finish(),
            Kind::Influx(writer) => writer.finish(),
            Kind::Unsupported => Err(unsupported()),
        }
    }
}

impl<W: Write> fmt::Debug for RowWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowWriter")
    }
}

fn unsupported() -> io::Error {
    let text = "parquet is no format of this writer: esmond-ps-get-bulk has it";
    io::Error::new(io::ErrorKind::Unsupported, text)
}

/// Returns a writer for the standard output. `columns` matter to csv and tables only,
/// which need them before the first row and print no others. A table is as wide as its
/// content; see [`table_writer`].
///
/// The text ends in the further newline with which the originals print it.
/// Without rows, human output and tables are `No data found.`, json `[]`, jsonl and
/// influx nothing, csv the header line.
pub fn writer<W: Write>(format: Format, columns: &[&'static str], out: W) -> RowWriter<W> {
    with_end(format, columns, "\n", out)
}

/// Returns a writer for a file: as [`writer`], without the further newline.
pub fn file_writer<W: Write>(format: Format, columns: &[&'static str], out: W) -> RowWriter<W> {
    with_end(format, columns, "", out)
}

/// Returns a writer of tables that fit a screen.
pub fn table_writer<W: Write>(columns: &[&'static str], screen: Screen, out: W) -> RowWriter<W> {
    RowWriter(Kind::Table(Box::new(table::Writer::new(
        columns, screen, out,
    ))))
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
        Format::Table => return table_writer(columns, Screen::default(), out),
        Format::Influx => Kind::Influx(influx::Writer::new(out)),
        Format::Parquet => Kind::Unsupported,
    })
}
