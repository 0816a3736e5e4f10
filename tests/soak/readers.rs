//! Clients that read while others write, and find what was acknowledged before they
//! asked.

use std::time::Instant;

use esmond_ps_tests::eras::Eras;
use esmond_ps_tests::values::is_like;
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::archive::Archive;
use crate::figures::Figures;
use crate::values::{HOUR, Lane};

const PAGE: i64 = 1000;

/// Reads until the end, or until something is not answered as it should.
pub(crate) fn read(
    archive: &Archive,
    client: &Client,
    lanes: &[Lane],
    eras: Eras,
    dice: StdRng,
    end: Instant,
) -> Figures {
    let mut reader = Reader {
        archive,
        client,
        eras,
        dice,
        figures: Figures::default(),
    };
    while Instant::now() < end {
        let lane = &lanes[reader.dice.random_range(0..lanes.len())];
        let read = match reader.dice.random_range(0..10) {
            0..2 => reader.search(lane),
            2..6 => reader.page(lane),
            6..8 => reader.summary(lane),
            8 => reader.plain("healthz", "/healthz"),
            _ => reader.plain("metrics", "/metrics"),
        };
        if let Err(failure) = read {
            reader.figures.failures.push(format!("reader: {failure}"));
            break;
        }
    }
    reader.figures
}

struct Reader<'a> {
    archive: &'a Archive,
    client: &'a Client,
    eras: Eras,
    dice: StdRng,
    figures: Figures,
}

impl Reader<'_> {
    /// A writer is found by its number; its results are of so many tests.
    fn search(&mut self, lane: &Lane) -> Result<(), String> {
        let is_of_results = self.dice.random_range(0..2) == 0;
        let (filter, least) = if is_of_results {
            let tests = i64::from(lane.results.get() > 0);
            (format!("source={}&limit=50", lane.source()), tests)
        } else {
            (format!("soak-writer={}", lane.number), 1)
        };
        let url = self.archive.address(&format!("?{filter}"));
        let found = self.list("searches", &url)?;
        let enough = usize::try_from(least).is_ok_and(|least| found.len() >= least);
        enough
            .then_some(())
            .ok_or_else(|| format!("?{filter}: {found:?}"))
    }

    /// A page has what was acknowledged, without a gap, and the values are right.
    fn page(&mut self, lane: &Lane) -> Result<(), String> {
        let (event_type, count) = match self.dice.random_range(0..3) {
            0 => ("throughput", &lane.posted),
            1 => ("packet-count-sent", &lane.young),
            _ => ("histogram-owdelay", &lane.young),
        };
        let known = count.get();
        let skipped = self.dice.random_range(0..=known);
        let first = self.eras.young + skipped;
        let path = format!(
            "{}/{event_type}/base?time-start={first}&limit={PAGE}",
            lane.key
        );
        let points = self.list("base pages", &self.archive.address(&path))?;
        compare(lane, event_type, first, &points).map_err(|text| format!("{path}: {text}"))?;
        let expected = PAGE.min(known - skipped);
        let enough = i64::try_from(points.len()).is_ok_and(|there| there >= expected);
        let lost = || format!("{path}: {} of {expected}", points.len());
        enough.then_some(()).ok_or_else(lost)
    }

    /// The sum of an hour whose points were all acknowledged is right.
    fn summary(&mut self, lane: &Lane) -> Result<(), String> {
        let hours = lane.young.get() / HOUR;
        let hour = self.dice.random_range(0..hours.max(1));
        let first = self.eras.young + hour * HOUR;
        let path = format!(
            "{}/packet-count-sent/aggregations/3600?time-start={first}&limit=100",
            lane.key
        );
        let sums = self.list("summaries", &self.archive.address(&path))?;
        if hours == 0 {
            return Ok(());
        }
        let expected: i64 = (first..first + HOUR).map(|ts| lane.sent(ts)).sum();
        let there = sums.first().cloned().unwrap_or_default();
        let is_right = there["ts"] == first && is_like(&json!(expected), &there["val"]);
        let wrong = || format!("{path}: {there}, not {expected}");
        is_right.then_some(()).ok_or_else(wrong)
    }

    fn plain(&mut self, kind: &'static str, path: &str) -> Result<(), String> {
        let url = format!("{}{path}", self.archive.url);
        self.text(kind, &url).map(|_| ())
    }

    fn list(&mut self, kind: &'static str, url: &str) -> Result<Vec<Value>, String> {
        let text = self.text(kind, url)?;
        serde_json::from_str(&text).map_err(|error| format!("{kind}: {error}"))
    }

    fn text(&mut self, kind: &'static str, url: &str) -> Result<String, String> {
        let start = Instant::now();
        let text = get(self.client, url)?;
        self.figures.add(kind, start.elapsed());
        Ok(text)
    }
}

/// Reads an address.
pub(crate) fn get(client: &Client, url: &str) -> Result<String, String> {
    let answer = client.get(url).send();
    let answer = answer.map_err(|error| format!("{url}: {error:?}"))?;
    let status = answer.status().as_u16();
    let body = answer.text().map_err(|error| format!("{url}: {error:?}"))?;
    let refused = || format!("{url}: {status} {body}");
    if status == 200 {
        Ok(body)
    } else {
        Err(refused())
    }
}

/// Tells what is wrong with points that should be one a second, from a first one on.
pub(crate) fn compare(
    lane: &Lane,
    event_type: &str,
    first: i64,
    points: &[Value],
) -> Result<(), String> {
    for (ts, point) in (first..).zip(points) {
        let expected = lane.value(event_type, ts);
        if point["ts"] != ts || !is_like(&expected, &point["val"]) {
            return Err(format!("{point}, not {expected} at {ts}"));
        }
    }
    Ok(())
}
