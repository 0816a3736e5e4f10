//! Whether the archive holds what it acknowledged, and nothing else.

use std::collections::BTreeMap;

use esmond_ps_tests::eras::{DAY, Eras};
use esmond_ps_tests::values::is_like;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::archive::Archive;
use crate::readers::{compare, get};
use crate::values::{Lane, RESULTS_OF_A_TEST};

const PAGE: i64 = 10_000;
/// Stands for the bucket of what has none.
const NUMBER: &str = "";

/// Compares everything that a writer wrote with what is there, after `prune`.
/// Returns how many points were compared, or the first that is lost, wrong or
/// invented.
pub(crate) fn audit(
    archive: &Archive,
    client: &Client,
    lane: &Lane,
    eras: Eras,
) -> Result<i64, String> {
    let audit = Audit {
        archive,
        client,
        lane,
    };
    let (posted, young) = (lane.posted.get(), lane.young.get());
    audit.points(&lane.key, "throughput", eras.young, posted)?;
    for event_type in ["packet-count-sent", "histogram-owdelay"] {
        audit.points(&lane.key, event_type, eras.young, young)?;
        // Removed; the sums of their days are below.
        let before = eras.young - 1;
        let path = format!(
            "{}/{event_type}/base?time-start=0&time-end={before}&limit=10",
            lane.key
        );
        let left = audit.list(&path)?;
        if !left.is_empty() {
            return Err(format!("{path}: not removed: {left:?}"));
        }
    }
    audit.days("throughput", &[(eras.young, posted)])?;
    let both = [(eras.old, lane.old.get()), (eras.young, young)];
    audit.days("packet-count-sent", &both)?;
    audit.days("histogram-owdelay", &both)?;
    audit.results(eras)?;
    Ok(lane.points())
}

struct Audit<'a> {
    archive: &'a Archive,
    client: &'a Client,
    lane: &'a Lane,
}

impl Audit<'_> {
    /// So many points, one a second, and no more.
    fn points(&self, key: &str, event_type: &str, first: i64, count: i64) -> Result<(), String> {
        let mut next = first;
        loop {
            let path = format!("{key}/{event_type}/base?time-start={next}&limit={PAGE}");
            let points = self.list(&path)?;
            compare(self.lane, event_type, next, &points)
                .map_err(|text| format!("{path}: {text}"))?;
            next += i64::try_from(points.len()).unwrap_or(i64::MAX);
            if points.is_empty() {
                break;
            }
        }
        let there = next - first;
        let wrong = || format!("{key}/{event_type}: {there} points, not {count}");
        (there == count).then_some(()).ok_or_else(wrong)
    }

    /// The sums of the days are those of all points, of removed ones as well.
    fn days(&self, event_type: &str, runs: &[(i64, i64)]) -> Result<(), String> {
        let mut sums: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
        for ts in runs.iter().flat_map(|(first, count)| *first..first + count) {
            let sum = sums.entry(ts - ts % DAY).or_default();
            let parts = match self.lane.value(event_type, ts) {
                Value::Object(buckets) => buckets.into_iter().collect(),
                number => vec![(NUMBER.to_owned(), number)],
            };
            for (part, number) in parts {
                *sum.entry(part).or_default() += number.as_i64().unwrap_or_default();
            }
        }
        let path = format!(
            "{}/{event_type}/aggregations/86400?time-start=0&limit=10000",
            self.lane.key
        );
        let there = self.list(&path)?;
        let is_right = |((ts, sum), there): ((&i64, &BTreeMap<String, i64>), &Value)| {
            let number = sum.get(NUMBER).map(|number| json!(number));
            let expected = number.unwrap_or_else(|| json!(sum));
            there["ts"] == *ts && is_like(&expected, &there["val"])
        };
        let are_right = there.len() == sums.len() && sums.iter().zip(&there).all(is_right);
        let wrong = || format!("{path}: {there:?}, not {sums:?}");
        are_right.then_some(()).ok_or_else(wrong)
    }

    /// Every test has its results.
    fn results(&self, eras: Eras) -> Result<(), String> {
        let count = self.lane.results.get();
        let tests = (count + RESULTS_OF_A_TEST - 1) / RESULTS_OF_A_TEST;
        let source = self.lane.source();
        for test in 0..tests {
            let destination = Lane::destination(test);
            let path = format!("?source={source}&destination={destination}");
            let found = self.list(&path)?;
            let key = match found.as_slice() {
                [record] => record["metadata-key"].as_str().unwrap_or_default(),
                _ => return Err(format!("{path}: {found:?}")),
            };
            let first = test * RESULTS_OF_A_TEST;
            let of_test = RESULTS_OF_A_TEST.min(count - first);
            for event_type in ["throughput", "packet-retransmits"] {
                self.points(key, event_type, eras.young + first, of_test)?;
            }
        }
        let path = format!("?source={source}&limit=1000000");
        let found = i64::try_from(self.list(&path)?.len()).unwrap_or(i64::MAX);
        let wrong = || format!("{path}: {found} tests, not {tests}");
        (found == tests).then_some(()).ok_or_else(wrong)
    }

    fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        let text = get(self.client, &self.archive.address(path))?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
    }
}
