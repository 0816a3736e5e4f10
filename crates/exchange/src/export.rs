//! Writing an archive to a stream.

use std::collections::BTreeSet;
use std::io::Write;
use std::pin::pin;

use esmond_ps_model::TimeRange;
use esmond_ps_store::{EventTypeRecord, Page, Record, Search, Store};

use crate::error::store as store_error;
use crate::format::{FORMAT, Header, LINE_BYTES, LINE_ITEMS, VERSION};
use crate::merge::after;
use crate::stop::Stop;
use crate::writer::{Place, Writer};
use crate::{Error, Result, Totals, filter};

const RECORDS: u64 = 100;

/// How many points are read first, before their length is known.
const FIRST_PAGE: u64 = 16;

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which records; each comes with all its data.
    pub search: Search,
    /// Unix seconds now, for the first line of the file.
    pub created: i64,
    /// Name and version of the program, for the first line of the file.
    pub program: String,
}

impl Export {
    /// Returns an export of the whole archive.
    #[must_use]
    pub fn everything(program: &str, created: i64) -> Self {
        Self {
            search: Search::default(),
            created,
            program: program.to_owned(),
        }
    }
}

/// Writes what is asked for to a stream, complete and [verifiable](crate::verify())
/// when it returns `Ok`; the stream is flushed, and if it is a file, not synced.
///
/// The archive may be written to meanwhile. The file is then no view of one
/// moment: each point is as it was at some moment during the export, whole and
/// once, and what was there when it began is in the file unless it was removed
/// meanwhile. Points are read before their summaries, so that these may count
/// points more that came in between, and never miss one.
///
/// `on_progress` gets what was written until then, every some thousand points.
///
/// # Errors
///
/// [`Error::Stopped`] when `stop` completes before the end, errors of the store
/// and of the stream. What was written until then is no complete file.
pub async fn export<W: Write + Send>(
    store: &dyn Store,
    export: &Export,
    stream: W,
    on_progress: impl FnMut(&Totals) + Send,
    stop: impl Future<Output = ()> + Send,
) -> Result<Totals> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        created: export.created,
        program: export.program.clone(),
        filter: filter::describe(&export.search),
    };
    let mut stop = pin!(stop);
    let mut walk = Walk {
        store,
        writer: Writer::new(stream, &header)?,
        on_progress,
        stop: Stop::new(stop.as_mut()),
    };
    walk.records(&export.search).await?;
    walk.writer.end()
}

const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};

struct Walk<'a, 's, W: Write, P, S> {
    store: &'a dyn Store,
    writer: Writer<W>,
    on_progress: P,
    stop: Stop<'s, S>,
}

impl<W, P, S> Walk<'_, '_, W, P, S>
where
    W: Write + Send,
    P: FnMut(&Totals) + Send,
    S: Future<Output = ()> + Send,
{
    async fn records(&mut self, search: &Search) -> Result<()> {
        let page = Page {
            offset: 0,
            limit: RECORDS,
        };
        let mut after = String::new();
        loop {
            let records = self.store.search(search, Some(&after), page).await;
            let records = records.map_err(store_error("reading records after", &after))?;
            let Some(last) = records.last() else {
                return Ok(());
            };
            after.clone_from(&last.key);
            for record in &records {
                self.progress().await?;
                self.writer.record(record)?;
                for entry in &record.event_types {
                    self.series(record, entry).await?;
                }
                self.writer.end_record(record)?;
            }
        }
    }

    async fn series(&mut self, record: &Record, entry: &EventTypeRecord) -> Result<()> {
        let mut place = Place {
            event_type: &entry.name,
            window: 0,
        };
        self.points(record, place).await?;
        let windows: BTreeSet<i64> = entry
            .summaries
            .iter()
            .map(|summary| summary.window)
            .filter(|window| *window > 0)
            .collect();
        for window in windows {
            place.window = window;
            self.buckets(record, place).await?;
        }
        Ok(())
    }

    async fn points(&mut self, record: &Record, place: Place<'_>) -> Result<()> {
        let mut pages = Pages::new();
        while let Some(range) = pages.rest {
            let page = self
                .store
                .points(&record.key, place.event_type, range, pages.page());
            let points = page.await;
            let points = points.map_err(store_error("reading points of", &record.key))?;
            let bytes = self.writer.points(record, place, &points)?;
            pages.advance(points.last().map(|(ts, _)| *ts), points.len(), bytes);
            self.progress().await?;
        }
        Ok(())
    }

    async fn buckets(&mut self, record: &Record, place: Place<'_>) -> Result<()> {
        let mut pages = Pages::new();
        while let Some(range) = pages.rest {
            let page = pages.page();
            let page = self
                .store
                .buckets(&record.key, place.event_type, place.window, range, page);
            let buckets = page.await;
            let buckets = buckets.map_err(store_error("reading summaries of", &record.key))?;
            let bytes = self.writer.buckets(record, place, &buckets)?;
            pages.advance(buckets.last().map(|(ts, _)| *ts), buckets.len(), bytes);
            self.progress().await?;
        }
        Ok(())
    }

    async fn progress(&mut self) -> Result<()> {
        (self.on_progress)(self.writer.totals());
        if self.stop.told_after_others().await {
            return Err(Error::Stopped);
        }
        Ok(())
    }
}

/// The way through a series in pages of about a line.
struct Pages {
    rest: Option<TimeRange>,
    limit: u64,
}

impl Pages {
    const fn new() -> Self {
        Self {
            rest: Some(ALWAYS),
            limit: FIRST_PAGE,
        }
    }

    const fn page(&self) -> Page {
        Page {
            offset: 0,
            limit: self.limit,
        }
    }

    /// Goes on behind the last item; a page without any is the end.
    fn advance(&mut self, last: Option<i64>, items: usize, bytes: usize) {
        self.rest = match (self.rest, last) {
            (Some(range), Some(last)) => after(range, last),
            _ => None,
        };
        // Documents can be so large that a thousand would not fit in memory.
        if let Some(each) = bytes.checked_div(items) {
            let fitting = (LINE_BYTES / each.max(1)).clamp(1, LINE_ITEMS);
            self.limit = fitting as u64;
        }
    }
}
