//! Comma separated values as Python's `csv` module writes them: CRLF, quotes only
//! where needed.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::pytext::csv as field;
use crate::rows::Row;

pub(super) struct Writer<W: Write> {
    out: csv::Writer<W>,
    end: &'static str,
    columns: Vec<&'static str>,
    has_header: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(columns: &[&'static str], out: W, end: &'static str) -> Self {
        let out = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(out);
        Self {
            out,
            end,
            columns: columns.to_vec(),
            has_header: false,
        }
    }

    fn header(&mut self) -> io::Result<()> {
        if self.has_header {
            return Ok(());
        }
        self.has_header = true;
        self.out.write_record(&self.columns).map_err(plain)
    }
}

/// Returns the error of the underlying writer as it was, so that a closed pipe
/// is recognised; the crate's own conversion hides its kind.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl<W: Write> Writer<W> {
    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        self.header()?;
        for (position, column) in self.columns.iter().enumerate() {
            let text = row.near(position, column).map_or(Cow::Borrowed(""), field);
            self.out.write_field(text.as_bytes()).map_err(plain)?;
        }
        self.out.write_record(None::<&[u8]>).map_err(plain)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        // DIFFERENCE: without rows the originals print one that says `No data` in
        // every column.
        self.header()?;
        let mut out = self
            .out
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        out.write_all(self.end.as_bytes())?;
        out.flush()
    }
}
