//! The last step of a run: rows get names for addresses and are printed.

use std::fmt;
use std::io;

use crate::names::Resolver;
use crate::output::{self, Format, RowWriter, Screen};
use crate::rows::Row;

/// How many rows have their names looked up together: a page of points.
const BATCH: usize = 1000;

/// How much the rows of a batch may weigh, in bytes: text that an archive gives
/// for every row of a test may be long.
const HEAVY: usize = 8 << 20;

/// Prints rows in batches. Nothing is printed before the first full batch or
/// the end, so that a run that fails at once prints nothing.
pub struct Emitter<'a> {
    resolver: Option<Resolver>,
    batch: Vec<Row>,
    weight: usize,
    writer: RowWriter<Box<dyn io::Write + 'a>>,
    emitted: u64,
}

impl fmt::Debug for Emitter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter")
            .field("emitted", &self.emitted)
            .finish_non_exhaustive()
    }
}

impl<'a> Emitter<'a> {
    /// Returns an emitter to `out`, which is the standard output: a table is as wide as
    /// that. Without a resolver, addresses stay.
    pub fn new<W: io::Write + 'a>(
        format: Format,
        columns: &'static [&'static str],
        resolver: Option<Resolver>,
        out: W,
    ) -> Self {
        let out: Box<dyn io::Write + 'a> = Box::new(out);
        let writer = match format {
            Format::Table => output::table_writer(columns, Screen::of_stdout(), out),
            _ => output::writer(format, columns, out),
        };
        Self {
            resolver,
            batch: Vec::new(),
            weight: 0,
            writer,
            emitted: 0,
        }
    }

    /// Takes rows to print.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub async fn emit(&mut self, rows: impl IntoIterator<Item = Row>) -> io::Result<()> {
        for row in rows {
            self.weight += row.weight();
            self.batch.push(row);
            self.emitted += 1;
            if self.batch.len() >= BATCH || self.weight >= HEAVY {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Returns how many rows were taken.
    #[must_use]
    pub const fn emitted(&self) -> u64 {
        self.emitted
    }

    /// Prints what is left and ends the output.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub async fn finish(mut self) -> io::Result<()> {
        self.flush().await?;
        self.writer.finish()
    }

    async fn flush(&mut self) -> io::Result<()> {
        if let Some(resolver) = &self.resolver {
            resolver.resolve_rows(&mut self.batch).await;
        }
        self.weight = 0;
        self.batch
            .drain(..)
            .try_for_each(|row| self.writer.row(&row))
    }
}
