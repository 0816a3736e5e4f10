//! How often something was done, and how long it took.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What one client, or all of them, did.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Microseconds until the whole answer was there, by what was asked for. Of a
    /// write that was put off, until it was acknowledged.
    times: BTreeMap<&'static str, Vec<u32>>,
    /// Answers 503 and 429 with `Retry-After`.
    pub(crate) put_off: u64,
    /// What was not answered as it should.
    pub(crate) failures: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, kind: &'static str, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.times.entry(kind).or_default().push(micros);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, times) in other.times {
            self.times.entry(kind).or_default().extend(times);
        }
        self.put_off += other.put_off;
        self.failures.extend(other.failures);
    }

    /// Returns how often anything was done.
    pub(crate) fn count(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }

    /// Returns a table: a line for all under a name, and one for each kind.
    pub(crate) fn table(&self, name: &str, seconds: f64) -> String {
        let all: Vec<u32> = self.times.values().flatten().copied().collect();
        let mut table = Row::of(name.to_owned(), all, seconds).to_string();
        for (kind, times) in &self.times {
            table += &Row::of(format!("  {kind}"), times.clone(), seconds).to_string();
        }
        table
    }
}

/// Head of the tables.
pub(crate) const HEAD: &str = "                   a second    median      99 %      most\n";

struct Row {
    name: String,
    rate: f64,
    milliseconds: [f64; 3],
}

impl Row {
    fn of(name: String, mut times: Vec<u32>, seconds: f64) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times
                .get(place)
                .map_or(0.0, |&micros| f64::from(micros) / 1e3)
        };
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let rate = times.len() as f64 / seconds;
        Self {
            name,
            rate,
            milliseconds: [at(50), at(99), at(100)],
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, slow, slowest] = self.milliseconds;
        writeln!(
            f,
            "{:17} {:9.1} {median:6.1} ms {slow:6.1} ms {slowest:6.0} ms",
            self.name, self.rate
        )
    }
}
