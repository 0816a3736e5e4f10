//! Copying one series into a file.
//!
//! While a page is turned into rows, the next one is already being asked for.
//! Held are these two pages, as the text that the archive sent, and the value
//! of one point.

use std::fs::File;
use std::io::{self, BufWriter};

use esmond_ps_cli_common::gaps::Read;
use esmond_ps_cli_common::layout::{Layout, RowMaker};
use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::output::{self, Format, RowWriter};
use esmond_ps_cli_common::report::chain;
use esmond_ps_cli_common::rows::Row;
#[cfg(feature = "parquet")]
use esmond_ps_cli_common::{columns, layout::RowContext};
use esmond_ps_client::{Error, Pages, RawPoint};
use esmond_ps_model::TimeArguments;

use crate::overlap::Overlap;
use crate::part::{Part, Ready};
use crate::progress::Meter;
use crate::slice::Slice;
use crate::store::Entry;
use crate::task::Task;

/// Bytes of a file that are written at a time.
const BUFFER: usize = 1 << 16;

/// What the series of a run have in common.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) format: Format,
    /// Gives names to the hops of packet traces.
    pub(crate) resolver: Option<&'a Resolver>,
    pub(crate) meter: &'a Meter,
    /// Whether a complete file must survive a power failure.
    pub(crate) durable: bool,
}

/// Reads a slice of a series to its end. What came of it goes into `entry`;
/// without rows there is no file. A series that the archive lists and does not
/// hold has none. `part` starts the file when the first row is
/// there.
///
/// # Errors
///
/// Why the series is not whole, in words. Then there is no file.
pub(crate) async fn fetch(
    task: &Task,
    slice: &Slice,
    target: &Target<'_>,
    part: impl Fn() -> io::Result<Part>,
    entry: &mut Entry,
) -> Result<(Option<Ready>, Read), String> {
    let times = TimeArguments {
        time_start: Some(slice.start),
        time_end: Some(slice.end),
        ..TimeArguments::default()
    };
    let mut pages = task.series.pages(&times).map_err(|error| chain(&error))?;
    let memory = slice.memory.as_ref();
    let mut copy = Copy {
        task,
        target,
        entry,
        read: Read::default(),
        rows: RowMaker::new(task.layout, &task.context, target.format),
        sink: Sink {
            part,
            format: target.format,
            task,
            output: None,
            rows: 0,
        },
        overlap: memory.map(|memory| Overlap::new(&memory.seen, memory.keep_from)),
    };
    let copied = copy.all(&mut pages).await;
    copy.entry.requests = pages.requests();
    copied?;
    let Copy {
        entry,
        read,
        sink,
        overlap,
        ..
    } = copy;
    entry.rows = sink.rows;
    entry.seen_from = memory.map(|memory| memory.keep_from);
    entry.seen = overlap.map(Overlap::into_seen).unwrap_or_default();
    let ready = sink
        .output
        .map(|output| output.finish(target.durable))
        .transpose();
    let ready = ready.map_err(|error| file_error(&error))?;
    Ok((ready, read))
}

struct Copy<'a, F> {
    task: &'a Task,
    target: &'a Target<'a>,
    entry: &'a mut Entry,
    read: Read,
    rows: RowMaker,
    sink: Sink<'a, F>,
    overlap: Option<Overlap>,
}

impl<F: Fn() -> io::Result<Part>> Copy<'_, F> {
    async fn all(&mut self, pages: &mut Pages) -> Result<(), String> {
        let first = pages.next().await;
        if first.as_ref().is_err_and(Error::is_not_held) {
            self.read.refused = true;
            return Ok(());
        }
        let mut page = first.map_err(|error| chain(&error))?;
        while let Some(points) = page {
            let (next, copied) = tokio::join!(pages.next(), self.page(points));
            copied?;
            page = next.map_err(|error| chain(&error))?;
        }
        Ok(())
    }

    async fn page(&mut self, points: Vec<RawPoint>) -> Result<(), String> {
        // The request for the next page goes out first.
        tokio::task::yield_now().await;
        let mut hops = Vec::new();
        let is_trace = self.task.layout == Layout::PacketTrace && self.target.resolver.is_some();
        for point in points {
            if let Some(overlap) = &mut self.overlap
                && !overlap.is_new(&point).map_err(|error| chain(&error))?
            {
                continue;
            }
            let ts = point.ts_epoch();
            let value = point.value().map_err(|error| chain(&error))?;
            if self.task.series.is_blank(&value) {
                self.read.blank += 1;
                continue;
            }
            self.read.values += 1;
            self.entry.points += 1;
            self.entry.first.get_or_insert(ts);
            self.entry.last = Some(ts);
            self.target.meter.point();
            let sink = &mut self.sink;
            let told = self.rows.each(ts, value, |row| {
                if is_trace {
                    hops.push(row.clone());
                    return Ok(());
                }
                sink.row(row)
            });
            told.map_err(|error| file_error(&error))?;
        }
        if let Some(resolver) = self.target.resolver.filter(|_| is_trace) {
            resolver.resolve_rows(&mut hops).await;
            let written = hops.iter().try_for_each(|row| self.sink.row(row));
            written.map_err(|error| file_error(&error))?;
        }
        Ok(())
    }
}

/// The file of a series, from its first row on.
struct Sink<'a, F> {
    part: F,
    format: Format,
    task: &'a Task,
    output: Option<Output>,
    rows: u64,
}

impl<F: Fn() -> io::Result<Part>> Sink<'_, F> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.rows += 1;
        let output = match &mut self.output {
            Some(output) => output,
            none => none.insert(Output::start(&self.part, self.format, self.task)?),
        };
        output.row(row)
    }
}

struct Output {
    part: Part,
    writer: FileWriter,
}

enum FileWriter {
    Rows(RowWriter<BufWriter<File>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<crate::parquet::Writer<BufWriter<File>>>),
}

impl Output {
    fn start(
        part: &impl Fn() -> io::Result<Part>,
        format: Format,
        task: &Task,
    ) -> io::Result<Self> {
        let part = part()?;
        let file = BufWriter::with_capacity(BUFFER, part.writer()?);
        let writer = match format {
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let RowContext {
                    event_type,
                    summary_type,
                    ..
                } = &task.context;
                let columns = columns::typed(task.layout, event_type, summary_type);
                let writer = crate::parquet::Writer::new(columns, file)?;
                FileWriter::Parquet(Box::new(writer))
            }
            _ => FileWriter::Rows(output::file_writer(format, task.layout.columns(), file)),
        };
        Ok(Self { part, writer })
    }

    fn row(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.writer {
            FileWriter::Rows(writer) => writer.row(row),
            #[cfg(feature = "parquet")]
            FileWriter::Parquet(writer) => writer.row(row),
        }
    }

    fn finish(self, durable: bool) -> io::Result<Ready> {
        match self.writer {
            FileWriter::Rows(writer) => writer.finish()?,
            #[cfg(feature = "parquet")]
            FileWriter::Parquet(writer) => writer.finish()?,
        }
        self.part.ready(durable)
    }
}

fn file_error(error: &io::Error) -> String {
    format!("writing its file: {error}")
}
