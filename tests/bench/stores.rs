//! Stores of one long series, and the same rows in a plain SQLite table, each filled once
//! for all figures.

use std::cell::Cell;
use std::path::Path;

use crate::archive::{Archive, PATH};
use crate::data::{BULK, EVENT_TYPE, bulks, metadata, plain, throughput};
use crate::peer::Peer;
use crate::process::time;

/// An archive with one long series, and its peer.
pub(crate) struct Store {
    pub(crate) archive: Archive,
    /// Key of the record with the series.
    pub(crate) record: String,
    pub(crate) peer: Peer,
    /// Bytes on disk when it was full.
    pub(crate) bytes: u64,
    /// Seconds that filling it took.
    pub(crate) seconds: f64,
    /// How many points were written beside the series since, by number.
    pub(crate) beside: Cell<usize>,
}

impl Store {
    /// Fills one.
    pub(crate) fn fill(scratch: &Path, points: usize) -> Self {
        let mut archive = Archive::start(scratch);
        let record = archive.create(&metadata(0, &plain(EVENT_TYPE)));
        let mut connection = archive.connect();
        let seconds = time(|| {
            let value = |n| throughput(n).to_string();
            for body in bulks(EVENT_TYPE, 0..points, BULK, value) {
                connection.send(&archive.put(&record, &body), 201);
            }
        });
        drop(connection);
        let bytes = archive.restart();
        let peer = Peer::create(&scratch.join(format!("peer-{points}.sqlite")));
        peer.insert(1, 0..points, BULK);
        Self {
            archive,
            record,
            peer,
            bytes,
            seconds,
            beside: Cell::new(0),
        }
    }

    /// Path of the series.
    pub(crate) fn series(&self) -> String {
        format!("{PATH}{}/{EVENT_TYPE}/base", self.record)
    }

    /// Returns numbers for points that are in nobody's way.
    pub(crate) fn more(&self, count: usize) -> std::ops::Range<usize> {
        let first = self.beside.get();
        self.beside.set(first + count);
        first..first + count
    }
}
