//! Many numbers, and their statistics.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

use esmond_ps_model::quantile::{between, from_order, order, pairwise_sum, position};
use tempfile::SpooledTempFile;

use crate::statistics::Statistics;

/// How much is held in memory, in bytes: a million numbers. More go to a
/// temporary file, which goes away with the program.
const IN_MEMORY: usize = 8 << 20;

/// The numbers of a series, in the order in which they came.
///
/// Eight bytes each, in a temporary file beyond the first million; they are read
/// seven times for their statistics, from the first to the last, and never sorted.
#[derive(Debug)]
pub(crate) struct Values {
    file: BufWriter<SpooledTempFile>,
    count: u64,
    min: f64,
    max: f64,
}

impl Values {
    /// Returns no numbers.
    pub(crate) fn new() -> Self {
        Self::in_memory(IN_MEMORY)
    }

    fn in_memory(bytes: usize) -> Self {
        Self {
            file: BufWriter::new(SpooledTempFile::new(bytes)),
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Takes a number; not NaN.
    pub(crate) fn add(&mut self, value: f64) -> io::Result<()> {
        // One zero, so that which of two comes first never shows.
        let value = value + 0.0;
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.file.write_all(&value.to_le_bytes())
    }

    /// Returns the statistics; `None` of no numbers.
    pub(crate) fn statistics(self) -> io::Result<Option<Statistics>> {
        let Self {
            file,
            count,
            min,
            max,
        } = self;
        if count == 0 {
            return Ok(None);
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let sum = with_all(&mut file, |mut next| pairwise_sum(count, &mut next))?;
        let mean = sum / count as f64;
        let squares = with_all(&mut file, |next| {
            pairwise_sum(count, &mut || {
                let distance = next()? - mean;
                Ok(distance * distance)
            })
        })?;
        let (rank, fraction) = position(count, 0.95);
        let ranks = [(count - 1) / 2, count / 2, rank, (rank + 1).min(count - 1)];
        let [low, high, below, above] = at_ranks(&mut file, count, ranks)?;
        Ok(Some(Statistics {
            count,
            min,
            mean,
            // Twice the same value may be more than a number can be.
            median: if low == high { low } else { (low + high) / 2.0 },
            percentile_95: between(below, above, fraction),
            max,
            standard_deviation: (squares / count as f64).sqrt(),
        }))
    }
}

/// Reads the numbers from the first.
fn with_all<T>(
    file: &mut SpooledTempFile,
    work: impl FnOnce(&mut dyn FnMut() -> io::Result<f64>) -> io::Result<T>,
) -> io::Result<T> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(64 << 10, file);
    work(&mut || {
        let mut bytes = [0; 8];
        reader.read_exact(&mut bytes)?;
        Ok(f64::from_le_bytes(bytes))
    })
}

/// Bits of a number that one reading settles.
const DIGIT: u32 = 16;

/// Returns the values of those ranks, counted from 0 in the order of size.
///
/// A rank is narrowed down bits by bits: how many numbers begin with each, then of
/// those that begin as the one that is looked for, and so on. Memory is that of the
/// counts, whatever there is to count.
fn at_ranks(file: &mut SpooledTempFile, count: u64, ranks: [u64; 4]) -> io::Result<[f64; 4]> {
    let mut found = ranks.map(|rank| (0_u64, rank));
    for settled in 0..u64::BITS / DIGIT {
        let shift = u64::BITS - (settled + 1) * DIGIT;
        let mut counts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (begin, _) in found {
            counts.entry(begin).or_insert_with(|| vec![0; 1 << DIGIT]);
        }
        with_all(file, |next| {
            for _ in 0..count {
                let order = order(next()?);
                let begin = order.checked_shr(shift + DIGIT).unwrap_or(0);
                if let Some(counts) = counts.get_mut(&begin) {
                    counts[(order >> shift) as usize & ((1 << DIGIT) - 1)] += 1;
                }
            }
            Ok(())
        })?;
        for (begin, rank) in &mut found {
            let counts = counts.get(begin).map_or(&[][..], Vec::as_slice);
            let mut digit = 0;
            for &count in counts {
                if *rank < count {
                    break;
                }
                *rank -= count;
                digit += 1;
            }
            *begin = *begin << DIGIT | digit;
        }
    }
    Ok(found.map(|(order, _)| from_order(order)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bytes: usize, numbers: impl IntoIterator<Item = f64>) -> Values {
        let mut values = Values::in_memory(bytes);
        numbers
            .into_iter()
            .for_each(|number| values.add(number).unwrap());
        values
    }

    #[test]
    fn no_numbers_have_no_statistics_and_one_is_all_of_them() {
        assert_eq!(values(100, []).statistics().unwrap(), None);
        let one = values(100, [-2.5]).statistics().unwrap().unwrap();
        assert_eq!(
            [one.min, one.mean, one.median, one.percentile_95, one.max],
            [-2.5; 5]
        );
        assert_eq!(one.standard_deviation, 0.0);
    }

    #[test]
    fn numbers_in_a_file_have_the_statistics_of_those_in_memory() {
        let numbers =
            || (0..10_000_u32).map(|n| f64::from(n.wrapping_mul(2_654_435_761)) * 0.1 - 2e8);
        let in_file = values(1000, numbers()).statistics().unwrap();
        assert_eq!(in_file, values(1 << 20, numbers()).statistics().unwrap());
    }

    #[test]
    fn ranks_are_those_of_the_sorted_numbers() {
        let mut numbers: Vec<f64> = (0..1001)
            .map(|n: i32| f64::from(n * 7919 % 1001) - 500.0)
            .collect();
        let file = values(64, numbers.clone()).file;
        numbers.sort_by(f64::total_cmp);
        let mut file = file.into_inner().unwrap();
        for rank in [0, 1, 499, 500, 999, 1000] {
            let found = at_ranks(&mut file, 1001, [rank; 4]).unwrap();
            assert_eq!(found[0], numbers[rank as usize], "{rank}");
        }
    }
}
