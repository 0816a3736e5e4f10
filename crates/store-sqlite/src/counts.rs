//! Histograms of windows as they lie in their column, and adding to them.
//!
//! The histogram of a day can have thousands of buckets. A new histogram
//! changes a few of them: what is stored is not made a [`Histogram`] for that.
//!
//! The first byte is the format, 1. For each bucket follow the length of its
//! text, the text, and its count; numbers lie as in [blocks](crate::packed).

use std::collections::HashMap;

use esmond_ps_model::Histogram;

use crate::packed::{Input, put_signed, put_unsigned};

const FORMAT: u8 = 1;

/// How often all buckets are gone through, before a map of them is worth it.
const ROUNDS: usize = 8;

/// Counts by bucket, in stored order.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// The texts of the buckets are in here.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    end: usize,
    count: i64,
}

impl Counts {
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let mut counts = Self {
            bytes: Vec::new(),
            entries: Vec::new(),
        };
        for (bucket, count) in histogram.buckets() {
            counts.push(bucket, count);
        }
        counts
    }

    /// Reads a column; `None` when it is none.
    pub(crate) fn decode(column: &[u8]) -> Option<Self> {
        let (&FORMAT, body) = column.split_first()? else {
            return None;
        };
        let mut input = Input(body);
        let mut entries = Vec::new();
        while !input.0.is_empty() {
            let length = usize::try_from(input.unsigned()?).ok()?;
            let start = column.len() - input.0.len();
            input.0 = input.0.get(length..)?;
            entries.push(Entry {
                start,
                end: start + length,
                count: input.signed()?,
            });
        }
        Some(Self {
            bytes: column.to_owned(),
            entries,
        })
    }

    /// Returns the column.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut column = Vec::with_capacity(self.bytes.len() + 16);
        column.push(FORMAT);
        for entry in &self.entries {
            put_unsigned(&mut column, (entry.end - entry.start) as u64);
            column.extend(self.text(entry));
            put_signed(&mut column, entry.count);
        }
        column
    }

    /// Returns the histogram; `None` when it is damaged.
    pub(crate) fn histogram(&self) -> Option<Histogram> {
        let buckets = self.entries.iter().map(|entry| {
            let text = std::str::from_utf8(self.text(entry)).ok()?;
            Some((text.to_owned(), entry.count))
        });
        Some(Histogram::new(buckets.collect::<Option<Vec<_>>>()?))
    }

    /// Adds the counts of a histogram, as [`Histogram::merge`] does.
    pub(crate) fn merge(&mut self, histogram: &Histogram) {
        let places = self.places(histogram);
        for ((bucket, count), place) in histogram.buckets().zip(places) {
            match place {
                Some(at) => {
                    let entry = &mut self.entries[at];
                    entry.count = entry.count.saturating_add(count);
                }
                None => self.push(bucket, count),
            }
        }
    }

    /// Returns where each bucket of a histogram is, if it is there.
    fn places(&self, histogram: &Histogram) -> Vec<Option<usize>> {
        // Buckets mostly follow each other as they did before, and few are new.
        let mut next = 0;
        let mut rounds = 0;
        let mut all: Option<HashMap<&[u8], usize>> = None;
        let place = |(bucket, _): (&str, i64)| {
            let bucket = bucket.as_bytes();
            if rounds == ROUNDS {
                let all = all.get_or_insert_with(|| {
                    let texts = self.entries.iter().map(|entry| self.text(entry));
                    texts.zip(0..).collect()
                });
                return all.get(bucket).copied();
            }
            let is_it = |entry: &Entry| self.text(entry) == bucket;
            let (before, behind) = self.entries.split_at(next);
            let found = match behind.iter().position(is_it) {
                Some(at) => Some(next + at),
                None => {
                    rounds += 1;
                    before.iter().position(is_it)
                }
            };
            next = found.map_or(next, |at| at + 1);
            found
        };
        histogram.buckets().map(place).collect()
    }

    fn push(&mut self, bucket: &str, count: i64) {
        let start = self.bytes.len();
        self.bytes.extend(bucket.as_bytes());
        self.entries.push(Entry {
            start,
            end: self.bytes.len(),
            count,
        });
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.end]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram() -> impl Strategy<Value = Histogram> {
        let count = prop_oneof![-3_i64..1000, Just(i64::MAX), Just(i64::MIN)];
        prop::collection::vec(("[0-3.é\"]{0,2}", count), 0..30).prop_map(Histogram::new)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn histograms_are_merged_and_read_back_in_their_order(
            histograms in prop::collection::vec(histogram(), 1..5),
        ) {
            let mut expected = Histogram::default();
            let mut counts = Counts::of(&expected);
            for histogram in histograms {
                expected.merge(&histogram);
                counts.merge(&histogram);
                counts = Counts::decode(&counts.encode()).unwrap();
                prop_assert_eq!(counts.histogram().unwrap(), expected.clone());
            }
        }

        #[test]
        fn many_new_buckets_among_many_are_merged_the_same(
            histograms in prop::collection::vec(
                prop::collection::vec((0_u32..300, 0_i64..9), 0..200), 2..4,
            ),
        ) {
            let mut expected = Histogram::default();
            let mut counts = Counts::of(&expected);
            for buckets in histograms {
                let buckets = buckets.into_iter().map(|(n, count)| (n.to_string(), count));
                let histogram = Histogram::new(buckets);
                expected.merge(&histogram);
                counts.merge(&histogram);
                prop_assert_eq!(counts.histogram().unwrap(), expected.clone());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            bytes.insert(0, FORMAT);
            if let Some(counts) = Counts::decode(&bytes) {
                drop(counts.histogram());
            }
        }
    }

    #[test]
    fn the_format_stays_as_it_is() {
        let given = Histogram::new([("1.5".to_owned(), 2), ("é".to_owned(), -1)]);
        let column = [1, 3, b'1', b'.', b'5', 4, 2, 0xc3, 0xa9, 1];
        assert_eq!(Counts::of(&given).encode(), column);
        assert_eq!(Counts::decode(&column).unwrap().histogram(), Some(given));
        for damaged in [&[][..], &[2], &column[..9], &[1, 1, 0xff, 2]] {
            let found = Counts::decode(damaged).and_then(|counts| counts.histogram());
            assert_eq!(found, None, "{damaged:?}");
        }
    }
}
