//! How a block lies in its column.
//!
//! The first byte is the format, the last four are a checksum (CRC-32) of the
//! rest and of the columns `first`, `last` and `count`, without which a block
//! cannot be read. What a format means never changes; a new one gets a new byte.
//!
//! | format | in between |
//! |---|---|
//! | 1 integers | for each point its time and its value, less the one before |
//! | 2 floats | for each point its time and the bits of its value, XOR the one before, as a byte (how many bytes are zero at the top, and at the bottom) and the other bytes, lowest first |
//! | 3 ratios | for each point its time, numerator and denominator, less those before |
//! | 4 texts | the times; the lengths of the texts; the texts |
//! | 5 texts, compressed | the length of what format 4 has, and that, as a frame of Zstandard |
//!
//! Numbers are of variable length: seven bits a byte, the lowest first; signed
//! ones are folded (0, -1, 1, -2, ...). A time is its distance to the one
//! before, less the distance before that: 0 where a measurement is regular. The
//! first one is the column `first`, and lies nowhere else.

use std::cell::RefCell;
use std::ops::Range;

use crate::block::{Block, Texts, Values};

/// Bytes of a block: with its other columns it fills a page of 4096.
const ROOM: usize = 4000;
/// Points of a block: what one more point makes the writer do again.
const POINTS: usize = 2048;
/// The same, as bytes of text before they are compressed.
const TEXT: usize = 16 * 1024;

/// Texts that are shorter are not worth it.
const COMPRESSED_FROM: usize = 256;
const LEVEL: i32 = 1;
/// A frame does not claim to hold more bytes than this for each of its own.
const RATIO: usize = 1024;

const INTEGERS: u8 = 1;
const FLOATS: u8 = 2;
const RATIOS: u8 = 3;
const TEXTS: u8 = 4;
const COMPRESSED: u8 = 5;

/// The columns beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Time of the first point.
    pub(crate) first: i64,
    /// Time of the last point.
    pub(crate) last: i64,
    /// How many points there are; greater than 0.
    pub(crate) count: i64,
}

/// Packs points of a block, the first `places`, as many as fit; one at least.
/// Returns how many these are.
pub(crate) fn pack(block: &Block, places: Range<usize>) -> (Head, Vec<u8>) {
    let places = places.start..places.end.min(places.start + POINTS);
    let (count, data) = match &block.values {
        Values::Texts(texts) => pack_texts(&block.times, texts, places.clone()),
        numbers => {
            let mut data = Vec::with_capacity(ROOM + 64);
            data.push(format(numbers));
            let end = put_numbers(block, places.clone(), places.start, &mut data);
            (end - places.start, data)
        }
    };
    sealed(block, places.start..places.start + count, data)
}

/// Packs a whole block of which the first points are packed already, and only has to
/// do so for the others. `None` where it takes more than that.
pub(crate) fn extend(block: &Block, head: Head, packed: &[u8]) -> Option<(Head, Vec<u8>)> {
    let (body, _) = packed.split_last_chunk::<4>()?;
    let done = usize::try_from(head.count).ok()?;
    let (all, is_number) = (block.len(), !matches!(block.values, Values::Texts(_)));
    if !is_number || *body.first()? != format(&block.values) || all > POINTS || done > all {
        return None;
    }
    let mut data = Vec::with_capacity(ROOM + 64);
    data.extend(body);
    let end = put_numbers(block, 0..all, done, &mut data);
    (end == all).then(|| sealed(block, 0..all, data))
}

/// Returns packed points with what stands beside them.
fn sealed(block: &Block, places: Range<usize>, mut data: Vec<u8>) -> (Head, Vec<u8>) {
    let head = Head {
        first: block.times[places.start],
        last: block.times[places.end - 1],
        count: places.len() as i64,
    };
    let sum = checksum(head, &data);
    data.extend(sum.to_le_bytes());
    (head, data)
}

/// Returns the format of values before they are compressed.
fn format(values: &Values) -> u8 {
    match values {
        Values::Integers(_) => INTEGERS,
        Values::Floats(_) => FLOATS,
        Values::Ratios(_) => RATIOS,
        Values::Texts(_) => TEXTS,
    }
}

/// Reads a block; `None` when it is damaged.
pub(crate) fn unpack(head: Head, data: &[u8]) -> Option<Block> {
    let (body, sum) = data.split_last_chunk()?;
    if checksum(head, body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (&format, body) = body.split_first()?;
    let count = usize::try_from(head.count).ok()?;
    let mut input = Input(body);
    let mut times = Times::from(head.first);
    let block = match format {
        INTEGERS => {
            let mut values = Vec::with_capacity(input.most(count));
            let mut before = 0_i64;
            times.read_each(&mut input, count, |input| {
                before = before.wrapping_add(input.signed()?);
                values.push(before);
                Some(())
            })?;
            Values::Integers(values)
        }
        FLOATS => {
            let mut values = Vec::with_capacity(input.most(count));
            let mut before = 0;
            times.read_each(&mut input, count, |input| {
                before ^= input.bits()?;
                values.push(f64::from_bits(before));
                Some(())
            })?;
            Values::Floats(values)
        }
        RATIOS => {
            let mut values = Vec::with_capacity(input.most(count));
            let mut before = (0_i64, 0_i64);
            times.read_each(&mut input, count, |input| {
                before.0 = before.0.wrapping_add(input.signed()?);
                before.1 = before.1.wrapping_add(input.signed()?);
                values.push(before);
                Some(())
            })?;
            Values::Ratios(values)
        }
        TEXTS => Values::Texts(unpack_texts(&mut input, count, &mut times)?),
        COMPRESSED => {
            let length = usize::try_from(input.unsigned()?).ok()?;
            let text = decompress(input.0, length)?;
            input.0 = &[];
            Values::Texts(unpack_texts(&mut Input(&text), count, &mut times)?)
        }
        _ => return None,
    };
    let times = times.all;
    let whole = input.0.is_empty()
        && times.last() == Some(&head.last)
        && times.is_sorted_by(|one, next| one < next);
    whole.then_some(Block {
        times,
        values: block,
    })
}

fn checksum(head: Head, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for number in [head.first, head.last, head.count] {
        sum.update(&number.to_le_bytes());
    }
    sum.update(body);
    sum.finalize()
}

/// Puts points of `places` behind those before `from`, which `data` holds, until there
/// is no more room; one at least is in it. Returns the end of those that are. Texts are
/// packed otherwise.
fn put_numbers(block: &Block, places: Range<usize>, from: usize, data: &mut Vec<u8>) -> usize {
    let start = places.start;
    let times = &block.times;
    match &block.values {
        Values::Integers(values) => {
            let mut before = before(values, start, from);
            put_each(times, places, from, data, |at, data| {
                put_signed(data, values[at].wrapping_sub(before));
                before = values[at];
            })
        }
        Values::Floats(values) => {
            let mut before = before(values, start, from).to_bits();
            put_each(times, places, from, data, |at, data| {
                let bits = values[at].to_bits();
                put_bits(data, bits ^ before);
                before = bits;
            })
        }
        Values::Ratios(values) => {
            let mut before = before(values, start, from);
            put_each(times, places, from, data, |at, data| {
                put_signed(data, values[at].0.wrapping_sub(before.0));
                put_signed(data, values[at].1.wrapping_sub(before.1));
                before = values[at];
            })
        }
        Values::Texts(_) => from,
    }
}

/// Returns the value before the one at `from`, and zero before the one at `start`.
fn before<T: Copy + Default>(values: &[T], start: usize, from: usize) -> T {
    if from > start {
        values[from - 1]
    } else {
        T::default()
    }
}

fn put_each(
    times: &[i64],
    places: Range<usize>,
    from: usize,
    data: &mut Vec<u8>,
    mut put_value: impl FnMut(usize, &mut Vec<u8>),
) -> usize {
    let mut distance = 0;
    if from > places.start + 1 {
        distance = times[from - 1].wrapping_sub(times[from - 2]);
    }
    for at in from..places.end {
        let length = data.len();
        put_time(data, times, at, places.start, &mut distance);
        put_value(at, data);
        if data.len() > ROOM && at > places.start {
            data.truncate(length);
            return at;
        }
    }
    places.end
}

fn put_time(data: &mut Vec<u8>, times: &[i64], at: usize, start: usize, distance: &mut i64) {
    if at > start {
        let new = times[at].wrapping_sub(times[at - 1]);
        put_signed(data, new.wrapping_sub(*distance));
        *distance = new;
    }
}

/// Packs as many texts as fit when they are compressed.
fn pack_texts(times: &[i64], texts: &Texts, places: Range<usize>) -> (usize, Vec<u8>) {
    let start = texts.bytes(places.start..places.start).start;
    let fit = texts.ends[places.clone()].partition_point(|end| end - start <= TEXT);
    let mut count = fit.max(1);
    loop {
        let data = pack_these_texts(times, texts, places.start..places.start + count);
        if data.len() <= ROOM || count == 1 {
            return (count, data);
        }
        count = (count * ROOM / data.len()).clamp(1, count - 1);
    }
}

fn pack_these_texts(times: &[i64], texts: &Texts, places: Range<usize>) -> Vec<u8> {
    let bytes = texts.bytes(places.clone());
    let mut data = Vec::with_capacity(bytes.len() + 4 * places.len() + 16);
    data.push(TEXTS);
    let mut distance = 0;
    for at in places.clone() {
        put_time(&mut data, times, at, places.start, &mut distance);
    }
    for at in places {
        put_unsigned(&mut data, texts.bytes(at..at + 1).len() as u64);
    }
    data.extend(&texts.text.as_bytes()[bytes]);

    let plain = &data[1..];
    if plain.len() >= COMPRESSED_FROM
        && let Some(frame) = compress(plain)
        && frame.len() + 8 < plain.len()
        && plain.len() / RATIO < frame.len()
    {
        let mut compressed = vec![COMPRESSED];
        put_unsigned(&mut compressed, plain.len() as u64);
        compressed.extend(frame);
        return compressed;
    }
    data
}

fn unpack_texts(input: &mut Input<'_>, count: usize, times: &mut Times) -> Option<Texts> {
    times.read_each(input, count, |_| Some(()))?;
    let mut ends = Vec::new();
    let mut end = 0_usize;
    for _ in 0..count {
        end = end.checked_add(usize::try_from(input.unsigned()?).ok()?)?;
        ends.push(end);
    }
    let text = std::str::from_utf8(input.0).ok()?;
    let whole = end == text.len() && ends.iter().all(|&end| text.is_char_boundary(end));
    input.0 = &[];
    whole.then(|| Texts {
        text: text.to_owned(),
        ends,
    })
}

/// What is left of a column.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl Input<'_> {
    /// Returns how many of `count` things there can be, of a byte or more each.
    fn most(&self, count: usize) -> usize {
        count.min(self.0.len() + 1)
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        // Mostly one is enough.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            // Ten bytes have 64 bits; the last one has one of them.
            if shift > 63 || (shift == 63 && byte > 1) {
                return None;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let folded = self.unsigned()?;
        Some((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    fn bits(&mut self) -> Option<u64> {
        let zeros = self.byte()?;
        let (top, bottom) = (usize::from(zeros >> 4), usize::from(zeros & 0x0f));
        let mut bytes = [0; 8];
        let some = bytes.get_mut(bottom..8_usize.checked_sub(top)?)?;
        let (found, rest) = self.0.split_at_checked(some.len())?;
        some.copy_from_slice(found);
        self.0 = rest;
        Some(u64::from_le_bytes(bytes))
    }
}

/// The times of a block as they are read.
struct Times {
    all: Vec<i64>,
    next: i64,
    distance: i64,
}

impl Times {
    fn from(first: i64) -> Self {
        Self {
            all: Vec::new(),
            next: first,
            distance: 0,
        }
    }

    /// Reads `count` times, and after each what follows it. Each takes a byte
    /// or more: a wrong count ends with the input.
    fn read_each(
        &mut self,
        input: &mut Input<'_>,
        count: usize,
        mut follows: impl FnMut(&mut Input<'_>) -> Option<()>,
    ) -> Option<()> {
        self.all.reserve(input.most(count));
        for at in 0..count {
            if at > 0 {
                self.distance = self.distance.wrapping_add(input.signed()?);
                self.next = self.next.wrapping_add(self.distance);
            }
            self.all.push(self.next);
            follows(input)?;
        }
        Some(())
    }
}

pub(crate) fn put_unsigned(data: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        data.push(number as u8 | 0x80);
        number >>= 7;
    }
    data.push(number as u8);
}

pub(crate) fn put_signed(data: &mut Vec<u8>, number: i64) {
    put_unsigned(data, ((number << 1) ^ (number >> 63)) as u64);
}

fn put_bits(data: &mut Vec<u8>, bits: u64) {
    let top = bits.leading_zeros() as usize / 8;
    let bottom = if bits == 0 {
        0
    } else {
        bits.trailing_zeros() as usize / 8
    };
    data.push((top << 4 | bottom) as u8);
    data.extend(&bits.to_le_bytes()[bottom..8 - top]);
}

thread_local! {
    // Making one costs more than using it.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        RefCell::new(zstd::bulk::Compressor::new(LEVEL).ok());
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

/// Returns a frame of Zstandard; without memory for it, none.
fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(bytes).ok())
}

/// Returns what a frame of Zstandard holds, which must be so many bytes.
fn decompress(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    if length / RATIO >= frame.len().max(1) {
        return None;
    }
    let bytes = DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.as_mut()?.decompress(frame, length).ok())?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use esmond_ps_store::Value;
    use proptest::prelude::*;

    use super::*;
    use crate::block::tests::{any_points, block, points};

    /// Packs a whole block, in as many parts as it takes.
    fn packed(block: &Block) -> Vec<(Head, Vec<u8>)> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < block.len() {
            let part = pack(block, at..block.len());
            at += part.0.count as usize;
            parts.push(part);
        }
        parts
    }

    fn unpacked(parts: &[(Head, Vec<u8>)]) -> Vec<(i64, Value)> {
        let blocks = parts
            .iter()
            .map(|(head, data)| unpack(*head, data).unwrap());
        blocks.flat_map(|block| points(&block)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_block_reads_back_as_it_was(given in any_points()) {
            let block = block(given);
            let parts = packed(&block);
            // Debug tells -0.0 from 0.0.
            prop_assert_eq!(format!("{:?}", unpacked(&parts)), format!("{:?}", points(&block)));
        }

        #[test]
        fn what_is_added_behind_a_packed_block_is_packed_as_the_whole_is(
            given in any_points(), at in any::<prop::sample::Index>(),
        ) {
            let block = block(given);
            prop_assume!(block.len() > 0);
            let whole = pack(&block, 0..block.len());
            let (head, some) = pack(&block, 0..1 + at.index(block.len()));
            let fits = whole.0.count as usize == block.len();
            let is_number = !matches!(block.values, Values::Texts(_));
            let expected = (fits && is_number).then_some(whole);
            prop_assert_eq!(extend(&block, head, &some), expected);
        }

        #[test]
        fn damage_is_no_block(
            given in any_points(), at in any::<prop::sample::Index>(), bit in 0_u32..8,
        ) {
            let block = block(given);
            prop_assume!(block.len() > 0);
            let (head, data) = pack(&block, 0..block.len());
            let mut damaged = data.clone();
            damaged[at.index(data.len())] ^= 1 << bit;
            prop_assert_eq!(unpack(head, &damaged), None);
            prop_assert_eq!(unpack(head, &data[..at.index(data.len())]), None);
            let count = head.count + 1;
            prop_assert_eq!(unpack(Head { count, ..head }, &data), None);
        }

        #[test]
        fn whatever_has_a_right_checksum_is_read_or_refused(
            format in 0_u8..7, mut data in prop::collection::vec(any::<u8>(), 0..60),
            first in any::<i64>(), last in any::<i64>(), count in any::<i64>(), few in 0_i64..9,
        ) {
            data.insert(0, format);
            for count in [count, few] {
                let head = Head { first, last, count };
                let mut data = data.clone();
                data.extend(checksum(head, &data).to_le_bytes());
                if let Some(block) = unpack(head, &data) {
                    prop_assert_eq!(block.len() as i64, count);
                }
            }
        }
    }

    #[test]
    fn a_block_fills_a_page_and_no_more() {
        let integers = |count: i64| (0..count).map(|n| (n * 60, Value::Integer(n * n * 1_000_003)));
        let parts = packed(&block(integers(5000)));
        assert_eq!(unpacked(&parts).len(), 5000);
        let (_, full) = parts.split_last().unwrap();
        for (_, data) in full {
            assert!(
                (ROOM - 20..=ROOM + 4).contains(&data.len()),
                "{}",
                data.len()
            );
        }
        // Texts that shrink, that do not, and that are longer than a page.
        let noise = |n: i64| format!("{:x}", n.wrapping_mul(0x1234_5678_9abc_def1).unsigned_abs());
        for text in [
            |_, _| "\"the same again and again\"".to_owned(),
            |n, noise: &dyn Fn(i64) -> String| noise(n),
            |_, _| "x".repeat(50_000),
            |n, noise: &dyn Fn(i64) -> String| (n..n + 3000).map(noise).collect(),
        ] {
            let given: Vec<_> = (0..400)
                .map(|n| (n, Value::Document(text(n, &noise))))
                .collect();
            let parts = packed(&block(given.clone()));
            assert_eq!(unpacked(&parts), given);
            for (head, data) in &parts {
                assert!(data.len() <= ROOM + 4 || head.count == 1, "{head:?}");
            }
        }
    }

    #[test]
    fn the_formats_stay_as_they_are() {
        let ratio = |numerator, denominator| Value::Ratio {
            numerator,
            denominator,
        };
        for (given, expected) in [
            (
                vec![
                    (100, Value::Integer(1000)),
                    (160, Value::Integer(999)),
                    (220, Value::Integer(1001)),
                ],
                "01 d0 0f 78 01 00 04",
            ),
            (
                vec![
                    (1, Value::Float(1.5)),
                    (2, Value::Float(1.5)),
                    (3, Value::Float(-2.5)),
                ],
                "02 06 f8 3f 02 80 00 06 fc ff",
            ),
            (
                vec![(-7, ratio(3, 600)), (-6, ratio(4, 600))],
                "03 06 b0 09 02 02 00",
            ),
            (
                vec![
                    (5, Value::Document("1".to_owned())),
                    (6, Value::Integer(-1)),
                ],
                "04 02 02 03 64 31 69 2d 31",
            ),
        ] {
            let (head, data) = pack(&block(given.clone()), 0..given.len());
            let body = &data[..data.len() - 4];
            let hex: Vec<_> = body.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex.join(" "), expected);
            assert_eq!(points(&unpack(head, &data).unwrap()), given);
        }
    }

    #[test]
    fn a_frame_cannot_claim_more_than_there_can_be() {
        let bombs = vec![0; 10_000_000];
        let frame = compress(&bombs).unwrap();
        assert_eq!(decompress(&frame, bombs.len()), None);
        assert_eq!(decompress(&frame, usize::MAX), None);
        let honest = compress(&[7; 1000]).unwrap();
        assert_eq!(decompress(&honest, 1000).unwrap(), [7; 1000]);
        assert_eq!(decompress(&honest, 999), None);
        assert_eq!(decompress(&honest, 1001), None);
    }
}
