//! The points of a series, wherever they lie: everything that reads or changes
//! points comes through here.
//!
//! Points lie in [blocks](crate::block). Those of a series never overlap: each
//! begins after the last point of the one before. A point belongs to the last
//! block that begins at or before it, or to the first one.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use esmond_ps_model::TimeRange;
use esmond_ps_store::{Error, Page, Result, Value};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backend;
use crate::block::Block;
use crate::packed::{Head, extend, pack, unpack};

pub(crate) const WRITING: &str = "writing points";
pub(crate) const READING: &str = "reading points";

const SERIES: &str = "SELECT event_type.id FROM record \
     JOIN event_type ON event_type.record = record.id \
     WHERE record.key = ?1 AND event_type.name = ?2";
const NAME: &str = "SELECT event_type.name, record.key FROM event_type \
     JOIN record ON record.id = event_type.record WHERE event_type.id = ?1";
// With the beginning of the one behind it.
const AT: &str = "SELECT first, last, count, data, id, \
     (SELECT min(later.first) FROM block AS later WHERE later.event_type = ?1 AND later.first > ?2) \
     FROM block WHERE event_type = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
const FIRST: &str = "SELECT first, last, count, data, id, \
     (SELECT later.first FROM block AS later WHERE later.event_type = ?1 \
      ORDER BY later.first LIMIT 1 OFFSET 1) \
     FROM block WHERE event_type = ?1 ORDER BY first LIMIT 1";
const RANGE: &str = "SELECT first, last, count, data FROM block WHERE event_type = ?1 \
     AND first BETWEEN coalesce((SELECT max(first) FROM block \
      WHERE event_type = ?1 AND first <= ?2), ?2) AND ?3 ORDER BY first";
const INSERT: &str =
    "INSERT INTO block (event_type, first, last, count, data) VALUES (?1, ?2, ?3, ?4, ?5)";
const GROW: &str = "UPDATE block SET last = ?2, count = ?3, data = ?4 WHERE id = ?1";
const MOVE: &str = "UPDATE block SET first = ?2, last = ?3, count = ?4, data = ?5 WHERE id = ?1";
const REMOVE: &str = "DELETE FROM block WHERE id = ?1";

/// Points that are held in memory, in one block, before they are written: some
/// of those that are stored.
const OPEN_POINTS: usize = 4096;
const OPEN_TEXT: usize = 256 * 1024;
/// Blocks that are held in memory.
const OPEN_BLOCKS: usize = 64;

/// Returns the id of a series.
pub(crate) fn id(
    connection: &Connection,
    key: &str,
    event_type: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(SERIES)?
        .query_row([key, event_type], |row| row.get(0))
        .optional()
}

/// The blocks that a request touches. Each is read once and written once, how
/// many points of the request it ever gets.
///
/// What is changed is seen here at once, and stored by [`Blocks::save`].
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    /// By their series, and the first time that belongs to them.
    open: BTreeMap<(i64, i64), Open>,
}

#[derive(Debug)]
struct Open {
    /// The last time that belongs to it.
    until: i64,
    /// Its row, and the time of its first point there.
    row: Option<(i64, i64)>,
    /// What lies there.
    packed: Option<(Head, Vec<u8>)>,
    block: Block,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// Points came behind the last one.
    Behind,
    /// Any other.
    Within,
}

impl Blocks {
    /// Stores a point; false when there is one at this time, which stays.
    pub(crate) fn insert(
        &mut self,
        connection: &Connection,
        series: i64,
        ts: i64,
        value: &Value,
    ) -> Result<bool> {
        let (from, open) = self.open(connection, series, ts)?;
        let Err(at) = open.block.find(ts) else {
            return Ok(false);
        };
        if at < open.block.len() {
            open.change = Change::Within;
        } else if open.change == Change::None {
            open.change = Change::Behind;
        }
        open.block.insert(at, ts, value);
        if open.block.len() >= OPEN_POINTS || open.block.text_bytes() >= OPEN_TEXT {
            self.close(connection, series, from)?;
        }
        Ok(true)
    }

    /// Returns the value of a point.
    pub(crate) fn get(
        &mut self,
        connection: &Connection,
        series: i64,
        ts: i64,
    ) -> Result<Option<Value>> {
        let (_, open) = self.open(connection, series, ts)?;
        let Ok(at) = open.block.find(ts) else {
            return Ok(None);
        };
        match open.block.value(at) {
            Some(value) => Ok(Some(value)),
            None => Err(damaged(connection, series, ts..=ts)),
        }
    }

    /// Puts a value in the place of that of a point.
    pub(crate) fn replace(
        &mut self,
        connection: &Connection,
        series: i64,
        ts: i64,
        value: &Value,
    ) -> Result<()> {
        let (_, open) = self.open(connection, series, ts)?;
        if let Ok(at) = open.block.find(ts) {
            open.block.replace(at, value);
            open.change = Change::Within;
        }
        Ok(())
    }

    /// Shows the points from `begin` to `end`, both included, in their order.
    pub(crate) fn each(
        &mut self,
        connection: &Connection,
        series: i64,
        begin: i64,
        end: i64,
        mut show: impl FnMut(i64, Value) -> Result<()>,
    ) -> Result<()> {
        let mut next = Some(begin);
        while let Some(ts) = next.filter(|ts| *ts <= end) {
            let (_, open) = self.open(connection, series, ts)?;
            for at in open.block.places(ts, end) {
                let ts = open.block.times[at];
                let value = open.block.value(at);
                show(
                    ts,
                    value.ok_or_else(|| damaged(connection, series, ts..=ts))?,
                )?;
            }
            next = open.until.checked_add(1);
        }
        Ok(())
    }

    /// Stores what is changed.
    pub(crate) fn save(mut self, connection: &Connection) -> Result<()> {
        self.close_all(connection)
    }

    fn close_all(&mut self, connection: &Connection) -> Result<()> {
        while let Some(((series, _), open)) = self.open.pop_first() {
            open.save(connection, series).map_err(backend(WRITING))?;
        }
        Ok(())
    }

    fn close(&mut self, connection: &Connection, series: i64, from: i64) -> Result<()> {
        match self.open.remove(&(series, from)) {
            Some(open) => open.save(connection, series).map_err(backend(WRITING)),
            None => Ok(()),
        }
    }

    /// Returns the block that a time belongs to, and the first time that does.
    fn open(&mut self, connection: &Connection, series: i64, ts: i64) -> Result<(i64, &mut Open)> {
        let from = match self.holder(series, ts) {
            Some(from) => from,
            None => self.load(connection, series, ts)?,
        };
        match self.open.get_mut(&(series, from)) {
            Some(open) => Ok((from, open)),
            None => Err(damaged(connection, series, ts..=ts)),
        }
    }

    /// Returns the beginning of the open block that a time belongs to.
    fn holder(&self, series: i64, ts: i64) -> Option<i64> {
        let before = self.open.range((series, i64::MIN)..=(series, ts));
        let (&(_, from), open) = before.last()?;
        (ts <= open.until).then_some(from)
    }

    /// Opens the block that a time belongs to, and returns the first time that does.
    fn load(&mut self, connection: &Connection, series: i64, ts: i64) -> Result<i64> {
        if self.open.len() >= OPEN_BLOCKS {
            self.close_all(connection)?;
        }
        let stored = |sql, parameters: &[i64]| {
            let mut statement = connection.prepare_cached(sql)?;
            let parameters = rusqlite::params_from_iter(parameters);
            statement.query_row(parameters, Stored::read).optional()
        };
        let mut from = i64::MIN;
        let mut found = stored(AT, &[series, ts]).map_err(backend(WRITING))?;
        match &found {
            Some(found) => from = found.head.first,
            None => found = stored(FIRST, &[series]).map_err(backend(WRITING))?,
        }
        let Some(found) = found else {
            let nothing = Open::new(i64::MAX);
            self.open.insert((series, from), nothing);
            return Ok(from);
        };
        // The first block may be open already, for times from its beginning on.
        let first = found.head.first;
        if ts < first
            && let Some(open) = self.open.remove(&(series, first))
        {
            self.open.insert((series, from), open);
            return Ok(from);
        }
        let until = found.next.map_or(i64::MAX, |next| next - 1);
        let open = match found.block {
            Some(block) => Open {
                until,
                row: Some((found.id, first)),
                packed: Some((found.head, found.data)),
                block,
                change: Change::None,
            },
            // A damaged block keeps nobody from writing beside it.
            None if ts < first => Open::new(first - 1),
            None if ts > found.head.last => {
                from = found.head.last + 1;
                Open::new(until)
            }
            None => return Err(damaged(connection, series, first..=found.head.last)),
        };
        self.open.insert((series, from), open);
        Ok(from)
    }
}

impl Open {
    fn new(until: i64) -> Self {
        Self {
            until,
            row: None,
            packed: None,
            block: Block::default(),
            change: Change::None,
        }
    }

    fn save(self, connection: &Connection, series: i64) -> rusqlite::Result<()> {
        if self.change == Change::None {
            return Ok(());
        }
        let behind = self.change == Change::Behind;
        let mut row = self.row;
        if behind
            && let Some((head, data)) = &self.packed
            && let Some((head, data)) = extend(&self.block, *head, data)
        {
            return store(connection, series, row, head, &data);
        }
        let whole = 0..self.block.len();
        each_part(&self.block, whole, behind, &mut |head, data| {
            store(connection, series, row.take(), head, data)
        })
    }
}

/// Packs points of a block into as many parts as it takes. Where points came
/// `behind` the others, each part is filled: it stays like that. Else there is
/// room left in each for those that come within.
fn each_part(
    block: &Block,
    places: Range<usize>,
    behind: bool,
    part: &mut impl FnMut(Head, &[u8]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut start = places.start;
    while start < places.end {
        let (head, data) = pack(block, start..places.end);
        let end = start + head.count as usize;
        if end < places.end && !behind {
            let middle = start + (places.end - start) / 2;
            each_part(block, start..middle, behind, part)?;
            return each_part(block, middle..places.end, behind, part);
        }
        part(head, &data)?;
        start = end;
    }
    Ok(())
}

/// Stores a packed block, in the row that it had.
fn store(
    connection: &Connection,
    series: i64,
    row: Option<(i64, i64)>,
    head: Head,
    data: &[u8],
) -> rusqlite::Result<()> {
    let Head { first, last, count } = head;
    match row {
        None => connection
            .prepare_cached(INSERT)?
            .execute(params![series, first, last, count, data])?,
        // The index need not be touched.
        Some((id, at)) if at == first => connection
            .prepare_cached(GROW)?
            .execute(params![id, last, count, data])?,
        Some((id, _)) => connection
            .prepare_cached(MOVE)?
            .execute(params![id, first, last, count, data])?,
    };
    Ok(())
}

/// Stores points of a series that has none, in ascending order of ts.
pub(crate) struct Filling<'a> {
    connection: &'a Connection,
    series: i64,
    block: Block,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(connection: &'a Connection, series: i64) -> Self {
        Self {
            connection,
            series,
            block: Block::default(),
        }
    }

    pub(crate) fn series(&self) -> i64 {
        self.series
    }

    pub(crate) fn add(&mut self, ts: i64, value: &Value) -> rusqlite::Result<()> {
        self.block.insert(self.block.len(), ts, value);
        self.store_full()
    }

    /// Adds a point by the text of its value, which is not looked at.
    pub(crate) fn add_text(&mut self, ts: i64, text: &str) -> rusqlite::Result<()> {
        self.block.insert_text(self.block.len(), ts, text);
        self.store_full()
    }

    fn store_full(&mut self) -> rusqlite::Result<()> {
        if self.block.len() < OPEN_POINTS && self.block.text_bytes() < OPEN_TEXT {
            return Ok(());
        }
        // All but the last part, which is not full.
        let mut done = 0;
        loop {
            let (head, data) = pack(&self.block, done..self.block.len());
            if done > 0 && done + head.count as usize == self.block.len() {
                break;
            }
            store(self.connection, self.series, None, head, &data)?;
            done += head.count as usize;
        }
        self.block.remove_first(done);
        Ok(())
    }

    pub(crate) fn finish(self) -> rusqlite::Result<()> {
        let whole = 0..self.block.len();
        each_part(&self.block, whole, true, &mut |head, data| {
            store(self.connection, self.series, None, head, data)
        })
    }
}

/// A block as it is stored.
struct Stored {
    id: i64,
    head: Head,
    /// `None` when it is damaged.
    block: Option<Block>,
    /// What `block` is read from.
    data: Vec<u8>,
    /// The beginning of the one behind it.
    next: Option<i64>,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let head = head(row)?;
        let data = row.get_ref(3)?.as_blob().unwrap_or_default().to_vec();
        Ok(Self {
            id: row.get(4)?,
            head,
            block: unpack(head, &data),
            data,
            next: row.get(5)?,
        })
    }
}

/// Reads the first columns of a row.
fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        first: row.get(0)?,
        last: row.get(1)?,
        count: row.get(2)?,
    })
}

/// Reads the block of a row; `None` when it is damaged.
fn block(row: &Row<'_>, head: Head) -> rusqlite::Result<Option<Block>> {
    let data = row.get_ref(3)?;
    Ok(data.as_blob().ok().and_then(|data| unpack(head, data)))
}

fn damaged(connection: &Connection, series: i64, range: std::ops::RangeInclusive<i64>) -> Error {
    let name = name(connection, series);
    let (first, last) = range.into_inner();
    Error::Corrupt(format!("points of {name} from {first} to {last}"))
}

/// Returns how people know a series.
pub(crate) fn name(connection: &Connection, series: i64) -> String {
    let name = connection.prepare_cached(NAME).and_then(|mut statement| {
        statement.query_row([series], |row| {
            let (name, key): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("{name} of the metadata record {key}"))
        })
    });
    name.unwrap_or_else(|_| format!("the unknown event type {series}"))
}

/// Shows the blocks of a series that have points from `begin` to `end`, in
/// their order, until `show` has seen enough and returns false. The block
/// itself is read when it is asked for.
fn each_block(
    connection: &Connection,
    series: i64,
    begin: i64,
    end: i64,
    mut show: impl FnMut(Head, &dyn Fn() -> Result<Block>) -> Result<bool>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(RANGE).map_err(backend(READING))?;
    let mut rows = statement
        .query([series, begin, end])
        .map_err(backend(READING))?;
    while let Some(row) = rows.next().map_err(backend(READING))? {
        let head = head(row).map_err(backend(READING))?;
        if head.last < begin {
            continue;
        }
        let read = || match block(row, head).map_err(backend(READING))? {
            Some(block) => Ok(block),
            None => Err(damaged(connection, series, head.first..=head.last)),
        };
        if !show(head, &read)? {
            break;
        }
    }
    Ok(())
}

/// Returns points of a series in ascending order of ts.
pub(crate) fn read(
    connection: &Connection,
    key: &str,
    event_type: &str,
    range: TimeRange,
    page: Page,
) -> Result<Vec<(i64, Value)>> {
    let mut points = Vec::new();
    let Some(series) = id(connection, key, event_type).map_err(backend(READING))? else {
        return Ok(points);
    };
    let (begin, end) = (range.begin, range.end.unwrap_or(i64::MAX));
    let mut skip = page.offset;
    let mut left = usize::try_from(page.limit).unwrap_or(usize::MAX);
    each_block(connection, series, begin, end, |head, read| {
        let inside = begin <= head.first && head.last <= end;
        if inside && head.count.unsigned_abs() <= skip {
            skip -= head.count.unsigned_abs();
            return Ok(true);
        }
        let block = read()?;
        let places = block.places(begin, end);
        let passed = places
            .len()
            .min(usize::try_from(skip).unwrap_or(usize::MAX));
        skip -= passed as u64;
        let from = places.start + passed;
        let to = places.end.min(from.saturating_add(left));
        points.reserve(to - from);
        for at in from..to {
            let ts = block.times[at];
            let value = block.value(at);
            points.push((
                ts,
                value.ok_or_else(|| damaged(connection, series, ts..=ts))?,
            ));
        }
        left -= to - from;
        Ok(left > 0)
    })?;
    Ok(points)
}

/// Returns how many points of a series are in a range.
pub(crate) fn count(
    connection: &Connection,
    key: &str,
    event_type: &str,
    range: TimeRange,
) -> Result<u64> {
    let Some(series) = id(connection, key, event_type).map_err(backend(READING))? else {
        return Ok(0);
    };
    let (begin, end) = (range.begin, range.end.unwrap_or(i64::MAX));
    let mut count = 0;
    each_block(connection, series, begin, end, |head, read| {
        count += if begin <= head.first && head.last <= end {
            head.count.unsigned_abs()
        } else {
            read()?.places(begin, end).len() as u64
        };
        Ok(true)
    })?;
    Ok(count)
}

/// Removes the oldest points of a series, those until `until` included, `limit`
/// at most; returns how many.
pub(crate) fn remove(connection: &Connection, series: i64, until: i64, limit: u64) -> Result<u64> {
    let mut removed = 0;
    while removed < limit {
        let found = connection
            .prepare_cached(FIRST)
            .and_then(|mut statement| {
                let row = |row: &Row<'_>| Ok((head(row)?, row.get(4)?));
                statement.query_row([series], row).optional()
            })
            .map_err(backend(WRITING))?;
        let Some((head, id)): Option<(Head, i64)> = found.filter(|(head, _)| head.first <= until)
        else {
            break;
        };
        let count = head.count.unsigned_abs();
        if head.last <= until && count <= limit - removed {
            remove_block(connection, id).map_err(backend(WRITING))?;
            removed += count;
            continue;
        }
        let stored = connection
            .prepare_cached(FIRST)
            .and_then(|mut statement| statement.query_row([series], Stored::read))
            .map_err(backend(WRITING))?;
        let Some(mut block) = stored.block else {
            return Err(damaged(connection, series, head.first..=head.last));
        };
        let old = block.places(head.first, until).len();
        let old = old.min(usize::try_from(limit - removed).unwrap_or(usize::MAX));
        block.remove_first(old);
        let rest = Open {
            until: i64::MAX,
            row: Some((id, head.first)),
            packed: None,
            block,
            change: Change::Behind,
        };
        rest.save(connection, series).map_err(backend(WRITING))?;
        return Ok(removed + old as u64);
    }
    Ok(removed)
}

fn remove_block(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(REMOVE)?.execute([id])?;
    Ok(())
}

/// How much is stored of series of one name.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) points: u64,
    /// Points from `since` on.
    pub(crate) recent: u64,
    pub(crate) range: Option<(i64, i64)>,
    /// Without what rows take beside their data.
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
}

// In the order of the file, and without reading what is not asked for.
const AMOUNTS: &str = "SELECT first, last, count, \
     CASE WHEN first < ?1 AND last >= ?1 THEN data END, octet_length(data), event_type \
     FROM block";

/// Returns how much is stored, by series. Damage is not looked for.
pub(crate) fn amounts(
    connection: &Connection,
    since: i64,
) -> rusqlite::Result<HashMap<i64, Amount>> {
    let mut amounts: HashMap<i64, Amount> = HashMap::new();
    let mut statement = connection.prepare(AMOUNTS)?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        let head = head(row)?;
        let count = head.count.unsigned_abs();
        let amount = amounts.entry(row.get(5)?).or_default();
        amount.points += count;
        amount.blocks += 1;
        amount.bytes += row.get::<_, i64>(4)?.unsigned_abs();
        amount.recent += match block(row, head)? {
            Some(block) => block.places(since, i64::MAX).len() as u64,
            None if head.first >= since => count,
            None => 0,
        };
        let (first, last) = amount.range.unwrap_or((head.first, head.last));
        amount.range = Some((first.min(head.first), last.max(head.last)));
    }
    Ok(amounts)
}

const ALL: &str =
    "SELECT first, last, count, data, event_type FROM block ORDER BY event_type, first";

/// Describes damaged blocks, one after the other.
pub(crate) fn verify(
    connection: &Connection,
    mut problem: impl FnMut(String),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(ALL)?;
    let mut rows = statement.query([])?;
    let mut before: Option<(i64, i64)> = None;
    while let Some(row) = rows.next()? {
        let head = head(row)?;
        let series: i64 = row.get(4)?;
        let Head { first, last, .. } = head;
        let what = match block(row, head)? {
            None => Some("are damaged".to_owned()),
            Some(_) if before.is_some_and(|before| before >= (series, first)) => {
                Some("overlap those before".to_owned())
            }
            Some(block) => (0..block.len())
                .find(|at| block.value(*at).is_none())
                .map(|at| format!("have no value at {}", block.times[at])),
        };
        if let Some(what) = what {
            let name = name(connection, series);
            problem(format!(
                "the points of {name} from {first} to {last} {what}"
            ));
        }
        before = Some((series, last.max(first)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    /// Two series without points.
    fn two_series() -> (tempfile::TempDir, Connection) {
        let (dir, connection) = database();
        connection
            .execute_batch(
                "INSERT INTO record (key, identity, subject_type) VALUES ('key', x'00', ''); \
                 INSERT INTO event_type (record, name) VALUES (1, 'one'), (1, 'other');",
            )
            .unwrap();
        (dir, connection)
    }

    /// What the series `one` must hold, whose points are changed meanwhile.
    struct Checked {
        connection: Connection,
        expected: BTreeMap<i64, Value>,
        state: u64,
        _dir: tempfile::TempDir,
    }

    impl Checked {
        fn new() -> Self {
            let (dir, connection) = two_series();
            Self {
                connection,
                expected: BTreeMap::new(),
                state: 1,
                _dir: dir,
            }
        }

        fn below(&mut self, end: u64) -> u64 {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005);
            self.state = self.state.wrapping_add(1_442_695_040_888_963_407);
            (self.state >> 33) % end
        }

        fn write(&mut self, points: impl IntoIterator<Item = (i64, Value)>) {
            let mut blocks = Blocks::default();
            for (ts, value) in points {
                let old = self.expected.get(&ts).cloned();
                let got = blocks.get(&self.connection, 1, ts).unwrap();
                assert_eq!(got, old, "{ts}");
                let new = blocks.insert(&self.connection, 1, ts, &value).unwrap();
                assert_eq!(new, old.is_none(), "{ts}");
                if value.replaces() {
                    blocks.replace(&self.connection, 1, ts, &value).unwrap();
                    self.expected.insert(ts, value);
                } else {
                    self.expected.entry(ts).or_insert(value);
                }
                // The neighbour is another matter.
                if ts % 1000 == 0 {
                    blocks.get(&self.connection, 2, ts).unwrap();
                }
            }
            blocks.save(&self.connection).unwrap();
        }

        fn check(&mut self) {
            let whole = TimeRange {
                begin: i64::MIN,
                end: None,
            };
            let ends: Vec<i64> = self.expected.keys().copied().collect();
            let some = |at: u64| {
                let near = ends[usize::try_from(at).unwrap() % ends.len()];
                near.saturating_add((at % 3) as i64 - 1)
            };
            let mut ranges = vec![whole];
            for _ in 0..20 {
                let (one, other) = (some(self.below(1 << 30)), some(self.below(1 << 30)));
                ranges.push(TimeRange {
                    begin: one.min(other),
                    end: Some(one.max(other)),
                });
            }
            for range in ranges {
                let end = range.end.unwrap_or(i64::MAX);
                let expected = self.expected.range(range.begin..=end);
                let expected: Vec<_> = expected.map(|(ts, value)| (*ts, value.clone())).collect();
                let offset = self.below(expected.len() as u64 + 2);
                for page in [
                    Page {
                        offset: 0,
                        limit: u64::MAX,
                    },
                    Page { offset, limit: 700 },
                ] {
                    let read = read(&self.connection, "key", "one", range, page).unwrap();
                    let offset = usize::try_from(page.offset).unwrap().min(expected.len());
                    let limit = usize::try_from(page.limit).unwrap();
                    let page: Vec<_> = expected.iter().skip(offset).take(limit).collect();
                    assert!(read.iter().eq(page.iter().copied()), "{range:?} {offset}");
                }
                let counted = count(&self.connection, "key", "one", range).unwrap();
                assert_eq!(counted, expected.len() as u64);
                let mut seen = Vec::new();
                let each = |ts, value| {
                    seen.push((ts, value));
                    Ok(())
                };
                let mut blocks = Blocks::default();
                blocks
                    .each(&self.connection, 1, range.begin, end, each)
                    .unwrap();
                assert!(seen == expected, "{range:?}");
            }
            verify(&self.connection, |problem| panic!("{problem}")).unwrap();
            let amount = amounts(&self.connection, ends[ends.len() / 2]).unwrap()[&1];
            assert_eq!(amount.points, ends.len() as u64);
            assert_eq!(amount.recent, (ends.len() - ends.len() / 2) as u64);
            assert_eq!(amount.range, Some((ends[0], ends[ends.len() - 1])));
        }

        fn blocks(&self) -> i64 {
            let sql = "SELECT count(*) FROM block WHERE event_type = 1";
            self.connection
                .query_row(sql, [], |row| row.get(0))
                .unwrap()
        }
    }

    #[test]
    fn points_that_come_in_order_fill_their_blocks() {
        let mut series = Checked::new();
        for request in 0..12_i64 {
            let points = request * 1000..request * 1000 + 1000;
            series.write(points.map(|ts| (ts, Value::Integer(ts * ts * 1_000_003))));
        }
        series.check();
        let full: i64 = series
            .connection
            .query_row(
                "SELECT count(*) FROM block WHERE length(data) > 3950",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert!(full > 5, "{full}");
        // The last one of each load, and what is written when it is held too long.
        assert!(series.blocks() - full <= 4, "{} {full}", series.blocks());
    }

    #[test]
    fn points_that_come_in_any_order_lie_in_order() {
        let mut series = Checked::new();
        for request in 0..40 {
            let size = 1 + series.below(if request % 4 == 0 { 9000 } else { 300 });
            let points: Vec<_> = (0..size)
                .map(|_| {
                    let ts = series.below(60_000) as i64 - 30_000;
                    (ts, Value::Integer(series.below(1 << 31) as i64))
                })
                .collect();
            series.write(points);
        }
        series.check();
        assert!(series.blocks() > 10, "{}", series.blocks());
        // The whole range of time, and backwards.
        series.write([i64::MAX, i64::MIN, i64::MIN + 1].map(|ts| (ts, Value::Integer(ts))));
        series.write(
            (-50_000..-40_000)
                .rev()
                .map(|ts| (ts, Value::Integer(ts * 977))),
        );
        series.check();
    }

    #[test]
    fn values_of_several_kinds_and_lengths_lie_beside_each_other() {
        let mut series = Checked::new();
        for _ in 0..15 {
            let points: Vec<_> = (0..200)
                .map(|_| {
                    let ts = series.below(3000) as i64;
                    let length = series.below(6) as usize;
                    let value = match series.below(40) {
                        0 => Value::Document(format!("\"{ts}{}\"", "long ".repeat(length * 999))),
                        1..5 => Value::Integer(ts),
                        5..9 => Value::Float(ts as f64 / 7.0),
                        _ => Value::Document(format!("[{}]", ts << (4 * length))),
                    };
                    (ts, value)
                })
                .collect();
            series.write(points);
        }
        series.check();
    }

    #[test]
    fn the_oldest_points_go_block_by_block_and_a_part_of_one() {
        let mut series = Checked::new();
        series.write((0..5000).map(|ts| (ts * 2, Value::Float(ts as f64 / 3.0))));
        for (until, limit, removed) in [
            (-1, 10, 0),
            (0, 10, 1),
            (9_999, 0, 0),
            (9_999, 1, 1),
            (99, 10_000, 48),
            (9_999, 2_000, 2_000),
            (9_001, 10_000, 2_451),
        ] {
            let done = remove(&series.connection, 1, until, limit).unwrap();
            assert_eq!(done, removed, "{until} {limit}");
            let keys: Vec<_> = series
                .expected
                .keys()
                .copied()
                .take(removed as usize)
                .collect();
            for ts in keys {
                series.expected.remove(&ts);
            }
            series.check();
        }
        assert_eq!(
            remove(&series.connection, 1, i64::MAX, u64::MAX).unwrap(),
            499
        );
        assert_eq!(series.blocks(), 0);
    }

    #[test]
    fn only_what_is_asked_for_is_looked_at_and_in_order() {
        let (_dir, connection) = two_series();
        for sql in [SERIES, NAME, AT, FIRST, RANGE, GROW, MOVE, REMOVE] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
        let plan = plan(&connection, RANGE);
        assert!(
            plan.contains("(event_type=? AND first>? AND first<?)"),
            "{plan}"
        );
    }
}
