//! The last step of a run: rows get names for addresses and are printed.
//!
//! DIFFERENCE: the originals hold all rows until the last one is there.

use std::fmt;
use std::io;

use crate::layout::{Layout, RowMaker};
use crate::names::Resolver;
use crate::output::{self, Format, RowWriter, Screen};
use crate::rows::Row;

/// How many rows have their names looked up together: a page of points.
const BATCH: usize = 1000;

/// How much the rows of a batch may weigh, in bytes: text that an archive gives
/// for every row of a test may be long.
const HEAVY: usize = 8 << 20;

/// Prints rows: in batches whose names are looked up together ([`emit`](Self::emit)),
/// or at once where there is nothing to look up ([`print`](Self::print)).
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

    /// Tells whether names are looked up, so that rows have to wait for them.
    #[must_use]
    pub const fn looks_up(&self) -> bool {
        self.resolver.is_some()
    }

    /// Looks up the names that all rows of a maker have in common, and prints what waits.
    /// From then on its rows need not wait: tells whether they may be
    /// [printed](Self::print), which is not so where each has an address of its own.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub async fn settle(&mut self, maker: &mut RowMaker) -> io::Result<bool> {
        if self.resolver.is_some() && maker.layout() == Layout::PacketTrace {
            return Ok(false);
        }
        self.flush().await?;
        if let Some(resolver) = &self.resolver {
            resolver.resolve_rows(maker.begin()).await;
        }
        Ok(true)
    }

    /// Prints a row at once, as it is: for the rows of a maker that is
    /// [settled](Self::settle), with nothing taken in between.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn print(&mut self, row: &Row) -> io::Result<()> {
        self.emitted += 1;
        self.writer.row(row)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::RowContext;
    use futures_util::FutureExt as _;
    use serde_json::json;

    const COLUMNS: &[&str] = &["value"];

    fn maker(layout: Layout) -> RowMaker {
        let context = RowContext {
            source: json!("a.example"),
            destination: json!("b.example"),
            event_type: "throughput".to_owned(),
            tool: json!(null),
            summary_type: "base".to_owned(),
            summary_window: 0,
            bucket_width: json!(null),
            measurement_agent: json!(null),
            metadata_key: "1".to_owned(),
        };
        RowMaker::new(layout, &context, Format::Csv)
    }

    fn row(value: i64) -> Row {
        Row::new().with("value", value)
    }

    #[test]
    fn rows_that_wait_are_printed_before_those_that_need_not() {
        let mut out = Vec::new();
        let mut emitter = Emitter::new(Format::Csv, COLUMNS, Some(Resolver::default()), &mut out);
        let printed = async {
            emitter.emit([row(1)]).await.unwrap();
            assert!(emitter.settle(&mut maker(Layout::Numeric)).await.unwrap());
            emitter.print(&row(2)).unwrap();
            assert_eq!(emitter.emitted(), 2);
            emitter.finish().await.unwrap();
        };
        printed.now_or_never().unwrap();
        assert_eq!(out, b"value\r\n1\r\n2\r\n\n");
    }

    #[test]
    fn hops_have_addresses_of_their_own_and_go_on_waiting() {
        let settled = |resolver: Option<Resolver>| {
            let mut emitter = Emitter::new(Format::Csv, COLUMNS, resolver, Vec::new());
            let mut maker = maker(Layout::PacketTrace);
            emitter.settle(&mut maker).now_or_never().unwrap().unwrap()
        };
        assert!(!settled(Some(Resolver::default())));
        assert!(settled(None));
    }
}
