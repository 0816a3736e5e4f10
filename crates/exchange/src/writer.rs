//! Writing the lines of a file.

use std::borrow::Cow;
use std::io::{self, Write};

use esmond_ps_store::{Bucket, Record, Value};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::format::{
    self, BUCKETS, END, End, HEADER, Header, LINE_BYTES, LINE_ITEMS, PART_BYTES, POINTS, RECORD,
    RECORD_END, RecordEnd, RecordLine,
};
use crate::values::{Item, Kind};
use crate::{Error, Result, Totals};

/// Where items belong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) event_type: &'a str,
    /// Window of buckets in seconds; 0 for points.
    pub(crate) window: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct DataHead<'a> {
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_window: Option<i64>,
    kind: Cow<'static, str>,
}

/// Writes header, records and end, and counts.
pub(crate) struct Writer<W: Write> {
    stream: GzEncoder<W>,
    totals: Totals,
    digest: Sha256,
    part: Part,
}

/// The part of a record that is being written.
#[derive(Default)]
struct Part {
    digest: Sha256,
    points: u64,
    buckets: u64,
    /// Length of the data lines.
    bytes: usize,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub(crate) fn new(stream: W, header: &Header) -> Result<Self> {
        let mut writer = Self {
            stream: GzEncoder::new(stream, Compression::default()),
            totals: Totals::default(),
            digest: Sha256::new(),
            part: Part::default(),
        };
        writer.line(HEADER, header)?;
        Ok(writer)
    }

    /// Returns what was written until now.
    pub(crate) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Begins a record.
    pub(crate) fn record(&mut self, record: &Record) -> Result<()> {
        self.totals.records += 1;
        self.begin_part(record, false)
    }

    /// Writes points of the record, in ascending order of ts; returns the
    /// length of their lines.
    pub(crate) fn points(
        &mut self,
        record: &Record,
        place: Place<'_>,
        points: &[(i64, Value)],
    ) -> Result<usize> {
        self.items(record, place, points, |totals, part, count| {
            totals.points += count;
            part.points += count;
        })
    }

    /// Writes buckets of the record, in ascending order of their start; returns
    /// the length of their lines.
    pub(crate) fn buckets(
        &mut self,
        record: &Record,
        place: Place<'_>,
        buckets: &[(i64, Bucket)],
    ) -> Result<usize> {
        self.items(record, place, buckets, |totals, part, count| {
            totals.buckets += count;
            part.buckets += count;
        })
    }

    /// Ends the record.
    pub(crate) fn end_record(&mut self, record: &Record) -> Result<()> {
        let end = RecordEnd {
            metadata_key: record.key.clone(),
            points: self.part.points,
            buckets: self.part.buckets,
            sha256: format::hex(&self.part.digest.clone().finalize()),
        };
        self.line(RECORD_END, &end)
    }

    /// Ends the file.
    pub(crate) fn end(mut self) -> Result<Totals> {
        let Totals {
            records,
            points,
            buckets,
        } = self.totals;
        let end = End {
            records,
            points,
            buckets,
            sha256: format::hex(&self.digest.clone().finalize()),
        };
        self.line(END, &end)?;
        let mut stream = self.stream.finish().map_err(Error::Write)?;
        stream.flush().map_err(Error::Write)?;
        Ok(self.totals)
    }

    fn begin_part(&mut self, record: &Record, continued: bool) -> Result<()> {
        self.part = Part::default();
        self.line(RECORD, &RecordLine::new(record, continued))
    }

    /// Writes items in lines of one kind and of bounded length.
    fn items<I: Item>(
        &mut self,
        record: &Record,
        place: Place<'_>,
        items: &[(i64, I)],
        count: impl Fn(&mut Totals, &mut Part, u64),
    ) -> Result<usize> {
        let mut written = 0;
        let mut rest = items;
        while let Some((_, first)) = rest.first() {
            let kind = first.kind();
            let mut text = data_head(place, &kind).map_err(write_error)?;
            let mut taken = 0;
            for (ts, item) in rest {
                if taken == LINE_ITEMS || text.len() >= LINE_BYTES || item.kind() != kind {
                    break;
                }
                text.push_str(if taken == 0 { "[" } else { ",[" });
                text.push_str(&ts.to_string());
                text.push(',');
                item.append(&mut text);
                text.push(']');
                taken += 1;
            }
            text.push_str("]}\n");
            rest = rest.get(taken..).unwrap_or_default();
            written += text.len();

            if self.part.bytes > 0 && self.part.bytes + text.len() > PART_BYTES {
                self.end_record(record)?;
                self.begin_part(record, true)?;
            }
            self.part.bytes += text.len();
            count(&mut self.totals, &mut self.part, taken as u64);
            self.put(&text)?;
        }
        Ok(written)
    }

    fn line<T: Serialize>(&mut self, kind: &str, members: &T) -> Result<()> {
        let text = format::line(kind, members).map_err(write_error)?;
        self.put(&text)
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.digest.update(text);
        self.part.digest.update(text);
        self.stream.write_all(text.as_bytes()).map_err(Error::Write)
    }
}

/// Returns the beginning of a line of data, with the bracket of its items.
fn data_head(place: Place<'_>, kind: &Kind) -> serde_json::Result<String> {
    let (line, items) = match place.window {
        0 => (POINTS, "points"),
        _ => (BUCKETS, "buckets"),
    };
    let head = DataHead {
        event_type: place.event_type,
        summary_window: (place.window != 0).then_some(place.window),
        kind: kind.name(),
    };
    let mut text = format::line(line, &head)?;
    text.truncate(text.trim_end_matches(['}', '\n']).len());
    text.push_str(&format!(",\"{items}\":["));
    Ok(text)
}

fn write_error(error: serde_json::Error) -> Error {
    Error::Write(io::Error::from(error))
}
