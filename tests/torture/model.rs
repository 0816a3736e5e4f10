//! What the archive must hold after a round, and whether it does.

use std::collections::BTreeMap;

use esmond_ps_tests::eras::Eras;
use serde_json::Value;

use crate::clients::{Target, Write};
use crate::values::{address, histogram, metadata, numbered, of_result, throughput};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Points by time, and whether there is a histogram with the throughput.
type Times = BTreeMap<i64, bool>;

type Series = BTreeMap<i64, Value>;

/// What is known to be stored of a round.
#[derive(Debug)]
pub(crate) struct Model {
    eras: Eras,
    young: Times,
    /// Written for sure; retention may have removed them.
    old: Times,
    results: BTreeMap<i64, bool>,
    records: BTreeMap<i64, Option<String>>,
    unanswered: Vec<Write>,
    /// Unanswered writes that turned out to be stored, and those that did not.
    pub(crate) found: u32,
    pub(crate) not_found: u32,
    /// Old points that retention had removed.
    pub(crate) removed: usize,
}

impl Model {
    pub(crate) fn new(eras: Eras) -> Self {
        Self {
            eras,
            young: Times::new(),
            old: Times::new(),
            results: BTreeMap::new(),
            records: BTreeMap::new(),
            unanswered: Vec::new(),
            found: 0,
            not_found: 0,
            removed: 0,
        }
    }

    /// Adds a write that was acknowledged; metadata with their key.
    pub(crate) fn acknowledged(&mut self, write: Write, key: Option<String>) {
        match write {
            Write::Point { ts } => self.add(&[ts], false),
            Write::Bulk { times } => self.add(&times, true),
            Write::Result { ts } => {
                self.results.insert(ts, true);
            }
            Write::Record { number } => {
                self.records.insert(number, key);
            }
        }
    }

    /// Adds a write of which nobody knows whether it was stored.
    pub(crate) fn unanswered(&mut self, write: Write) {
        self.unanswered.push(write);
    }

    /// Adds points with histograms that are there for sure.
    pub(crate) fn add(&mut self, times: &[i64], histograms: bool) {
        for &ts in times {
            let era = if ts < self.eras.young {
                &mut self.old
            } else {
                &mut self.young
            };
            era.insert(ts, histograms);
        }
    }

    /// Returns how many points are known to be stored.
    pub(crate) fn points(&self) -> usize {
        let both = |times: &Times| times.len() + times.values().filter(|both| **both).count();
        both(&self.young) + both(&self.old) + self.results.len() * of_result(0).len()
    }

    /// Compares an archive that nobody writes to with the model. Then sends again
    /// what was not answered, as a client does, and compares again.
    ///
    /// # Panics
    ///
    /// When something is lost, invented or half.
    pub(crate) fn verify(&mut self, target: &Target) {
        let unanswered = std::mem::take(&mut self.unanswered);
        let stored = Stored::read(target);
        let (old, others): (Vec<_>, Vec<_>) = unanswered
            .into_iter()
            .partition(|write| matches!(era(write), Some(ts) if ts < self.eras.young));
        let mut again = Vec::new();
        for write in others {
            let is_stored = self.is_whole_or_not_there(&write, &stored, target);
            self.count(is_stored);
            if is_stored {
                self.acknowledged(write.clone(), None);
            }
            again.push((write, is_stored));
        }
        self.settle_old(old, &stored);
        self.compare(&stored);
        self.compare_results(target);
        self.compare_records(target);

        let is_any = !again.is_empty();
        for (write, was_stored) in again {
            let answer = target.send(&write).expect("the archive answers");
            let status = answer.status().as_u16();
            let expected = match (&write, was_stored) {
                (Write::Point { .. } | Write::Bulk { .. }, true) => 409,
                (Write::Result { .. }, _) => 200,
                _ => 201,
            };
            assert_eq!(status, expected, "{:?}: {write:?}", answer.text());
            self.acknowledged(write, None);
        }
        if is_any {
            self.compare(&Stored::read(target));
            self.compare_results(target);
            self.compare_records(target);
        }
    }

    /// Asserts that an archive holds the points that are in the model. It may hold
    /// more of them.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub(crate) fn assert_holds_at_least(&self, target: &Target) {
        let stored = Stored::read(target);
        for (ts, both) in self.young.iter().chain(&self.old) {
            assert_eq!(stored.throughput.get(ts), Some(&throughput(*ts).into()));
            if *both {
                let expected = counts(&histogram(*ts));
                assert_eq!(stored.histograms.get(ts), Some(&expected));
            }
        }
        let results = Results::read(target);
        for ts in self.results.keys() {
            for (name, value) in of_result(*ts) {
                assert_eq!(results.0[name].get(ts), Some(&value));
            }
        }
        self.compare_records(target);
    }

    fn count(&mut self, is_stored: bool) {
        if is_stored {
            self.found += 1;
        } else {
            self.not_found += 1;
        }
    }

    fn is_whole_or_not_there(&self, write: &Write, stored: &Stored, target: &Target) -> bool {
        let parts: Vec<bool> = match write {
            Write::Point { ts } => vec![stored.throughput.contains_key(ts)],
            Write::Bulk { times } => times
                .iter()
                .flat_map(|ts| [&stored.throughput, &stored.histograms].map(|s| s.contains_key(ts)))
                .collect(),
            Write::Result { ts } => {
                let held = Results::read(target);
                let held = of_result(*ts).map(|(name, _)| held.0[name].contains_key(ts));
                held.into()
            }
            Write::Record { number } => vec![!found(target, *number).is_empty()],
        };
        let count = parts.iter().filter(|is_there| **is_there).count();
        assert!(
            count == 0 || count == parts.len(),
            "{count} of {} parts of {write:?}",
            parts.len()
        );
        count > 0
    }

    /// Finds out which old writes were stored. Their points may be gone; the sums of
    /// the days tell. Some set of them must explain all sums.
    fn settle_old(&mut self, writes: Vec<Write>, stored: &Stored) {
        let sets = 0..1_u32 << writes.len();
        let explained = sets.into_iter().find(|set| {
            let chosen = writes.iter().enumerate();
            let mut times = self.old.clone();
            for (_, write) in chosen.filter(|(n, _)| set & (1 << n) != 0) {
                times.extend(times_of(write));
            }
            let is_old = |start: &i64| *start < self.eras.young;
            of(&stored.daily, is_old) == sums(&times, DAY)
                && of(&stored.daily_histograms, is_old) == histogram_sums(&times, DAY)
        });
        let Some(set) = explained else {
            panic!(
                "the sums of old days are not those of what was written: {:?}, acknowledged {:?}, \
                 perhaps {writes:?}",
                stored.daily,
                sums(&self.old, DAY)
            );
        };
        for (n, write) in writes.into_iter().enumerate() {
            let is_stored = set & (1 << n) != 0;
            self.count(is_stored);
            if is_stored {
                self.acknowledged(write, None);
            }
        }
    }

    fn compare(&mut self, stored: &Stored) {
        let young = |ts: &i64| *ts >= self.eras.young;
        let old = |ts: &i64| *ts < self.eras.young;
        let both = |times: &Times| -> Times {
            let both = times.iter().filter(|(_, both)| **both);
            both.map(|(ts, both)| (*ts, *both)).collect()
        };

        assert_same(
            &of(&stored.throughput, young),
            &base(&self.young, |ts| throughput(ts).into()),
            "young throughput",
        );
        assert_same(
            &of(&stored.histograms, young),
            &base(&both(&self.young), |ts| counts(&histogram(ts))),
            "young histograms",
        );
        for (window, own, histograms) in [
            (HOUR, &stored.hourly, &stored.hourly_histograms),
            (DAY, &stored.daily, &stored.daily_histograms),
        ] {
            assert_same(&of(own, young), &sums(&self.young, window), "young sums");
            assert_same(
                &of(histograms, young),
                &histogram_sums(&self.young, window),
                "young sums of histograms",
            );
        }

        let there = of(&stored.throughput, old);
        let expected = base(&self.old, |ts| throughput(ts).into());
        assert_within(&there, &expected, "old throughput");
        self.removed = expected.len() - there.len();
        assert_within(
            &of(&stored.histograms, old),
            &base(&both(&self.old), |ts| counts(&histogram(ts))),
            "old histograms",
        );
        assert_same(&of(&stored.daily, old), &sums(&self.old, DAY), "old days");
        assert_same(
            &of(&stored.daily_histograms, old),
            &histogram_sums(&self.old, DAY),
            "old days of histograms",
        );
    }

    fn compare_results(&self, target: &Target) {
        let held = Results::read(target);
        for (n, (name, _)) in of_result(0).into_iter().enumerate() {
            let expected = base(&self.results, |ts| of_result(ts)[n].1.clone());
            assert_same(&held.0[name], &expected, name);
        }
    }

    fn compare_records(&self, target: &Target) {
        for (number, key) in &self.records {
            let found = found(target, *number);
            assert_eq!(found.len(), 1, "metadata {number}: {found:?}");
            let record = &found[0];
            if let Some(key) = key {
                assert_eq!(record["metadata-key"], key.as_str());
            }
            let names = |record: &Value| -> Vec<String> {
                let entries = record["event-types"].as_array().into_iter().flatten();
                let names = entries.filter_map(|entry| entry["event-type"].as_str());
                let mut names: Vec<_> = names.map(str::to_owned).collect();
                names.sort();
                names
            };
            assert_eq!(names(record), names(&numbered(*number)));
        }
    }
}

/// A time of the points of the round's record; none for the other writes.
fn era(write: &Write) -> Option<i64> {
    match write {
        Write::Point { ts } => Some(*ts),
        Write::Bulk { times } => times.first().copied(),
        Write::Result { .. } | Write::Record { .. } => None,
    }
}

fn times_of(write: &Write) -> Times {
    match write {
        Write::Point { ts } => [(*ts, false)].into(),
        Write::Bulk { times } => times.iter().map(|ts| (*ts, true)).collect(),
        Write::Result { .. } | Write::Record { .. } => Times::new(),
    }
}

fn base(times: &Times, value: impl Fn(i64) -> Value) -> Series {
    times.keys().map(|ts| (*ts, value(*ts))).collect()
}

fn sums(times: &Times, window: i64) -> Series {
    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    for ts in times.keys() {
        *sums.entry(ts - ts % window).or_default() += throughput(*ts);
    }
    sums.into_iter().map(|(ts, sum)| (ts, sum.into())).collect()
}

fn histogram_sums(times: &Times, window: i64) -> Series {
    let mut sums: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for (ts, _) in times.iter().filter(|(_, both)| **both) {
        let sum = sums.entry(ts - ts % window).or_default();
        for (bucket, count) in histogram(*ts) {
            *sum.entry(bucket).or_default() += count;
        }
    }
    let shown = sums.iter().map(|(ts, sum)| (*ts, counts(sum)));
    shown.collect()
}

/// A histogram as it is read.
fn counts(histogram: &BTreeMap<String, i64>) -> Value {
    serde_json::to_value(histogram).expect("JSON")
}

fn of(series: &Series, is_of: impl Fn(&i64) -> bool) -> Series {
    let chosen = series.iter().filter(|(ts, _)| is_of(ts));
    chosen.map(|(ts, value)| (*ts, value.clone())).collect()
}

fn assert_same(there: &Series, expected: &Series, what: &str) {
    let lost: Vec<_> = expected
        .keys()
        .filter(|ts| !there.contains_key(ts))
        .collect();
    assert!(lost.is_empty(), "{what}: lost {lost:?}");
    assert_within(there, expected, what);
}

fn assert_within(there: &Series, expected: &Series, what: &str) {
    for (ts, value) in there {
        assert_eq!(Some(value), expected.get(ts), "{what} at {ts}");
    }
}

/// What an archive holds of a round's record.
#[derive(Debug)]
struct Stored {
    throughput: Series,
    histograms: Series,
    hourly: Series,
    daily: Series,
    hourly_histograms: Series,
    daily_histograms: Series,
}

impl Stored {
    fn read(target: &Target) -> Self {
        let read = |path: &str| series(target, &target.record, path);
        Self {
            throughput: read("throughput/base"),
            histograms: read("histogram-owdelay/base"),
            hourly: read("throughput/aggregations/3600"),
            daily: read("throughput/aggregations/86400"),
            hourly_histograms: read("histogram-owdelay/aggregations/3600"),
            daily_histograms: read("histogram-owdelay/aggregations/86400"),
        }
    }
}

/// What an archive holds of a round's results, by event type.
struct Results(BTreeMap<&'static str, Series>);

impl Results {
    fn read(target: &Target) -> Self {
        let records = search(target, &format!("source={}", address(target.round)));
        assert!(records.len() < 2, "{records:?}");
        let key = records
            .first()
            .and_then(|record| record["metadata-key"].as_str());
        let read = |name: &'static str| {
            let series = key.map(|key| series(target, key, &format!("{name}/base")));
            (name, series.unwrap_or_default())
        };
        Self(of_result(0).map(|(name, _)| read(name)).into())
    }
}

fn found(target: &Target, number: i64) -> Vec<Value> {
    search(target, &format!("crash-number={number}"))
}

fn search(target: &Target, filter: &str) -> Vec<Value> {
    let url = target.address(&format!("?{filter}"));
    let answer = target.client.get(url).send();
    let answer = answer.expect("the archive answers");
    assert_eq!(answer.status(), 200);
    answer.json().expect("a list")
}

fn series(target: &Target, key: &str, path: &str) -> Series {
    let url = target.address(&format!("{key}/{path}?time-start=0&limit=1000000"));
    let answer = target.client.get(url).send().expect("the archive answers");
    if answer.status() == 404 {
        return Series::new();
    }
    assert_eq!(answer.status(), 200, "{path}");
    let points: Vec<Value> = answer.json().expect("points");
    let count = points.len();
    let series: Series = points
        .into_iter()
        .map(|point| (point["ts"].as_i64().expect("a time"), whole(&point["val"])))
        .collect();
    assert_eq!(series.len(), count, "{path}: a time comes twice");
    series
}

/// Whole numbers, also where they are answered with a fraction of 0.
fn whole(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 && !value.is_i64() => format!("{number:.0}")
            .parse::<i64>()
            .expect("a number")
            .into(),
        _ => value.clone(),
    }
}

/// Metadata of all rounds, so that an import and a registration mean the same test.
pub(crate) fn rounds(count: usize) -> impl Iterator<Item = Value> {
    (0..count).map(metadata)
}
