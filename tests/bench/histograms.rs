//! What a histogram costs as the bucket of its day fills.

use std::time::Instant;

use serde_json::json;

use crate::Figure;
use crate::archive::Archive;
use crate::bench::{Bench, Measured, Row, Table, count, seconds};
use crate::data::{delays, metadata};

pub(crate) const FIGURE: Figure = Figure {
    name: "histograms",
    title: "Archive: histograms over a day",
    about: "One client posts a one-way delay histogram of 600 packets for each minute of a day, to a test with \
            aggregation 86400 and statistics 0 and 86400. The last hundred posts are held against the first hundred \
            (the median of each).",
    measure,
};

const EVENT_TYPE: &str = "histogram-owdelay";

const MINUTES: usize = 24 * 60;

/// The beginning of a day.
const MIDNIGHT: usize = 1_400_025_600;

fn measure(bench: &Bench) -> Measured {
    let minutes = bench.size(MINUTES).max(40);
    let part = (minutes / 14).max(10);
    let mut best: Vec<f64> = vec![f64::MAX; minutes];
    for _ in 0..bench.rounds(3) {
        for (best, time) in best.iter_mut().zip(day(bench, minutes)) {
            *best = best.min(time);
        }
    }
    let mut table = Table::new(
        "How it grows: time of a post, by posts before",
        ["posts before", "median"],
    );
    let parts: Vec<f64> = best.chunks_exact(part).map(median).collect();
    for (n, time) in parts.iter().enumerate() {
        table.line([count(n * part), seconds(*time)]);
    }
    let (first, last) = (median(&best[..part]), median(&best[minutes - part..]));
    let row = Row::new(
        format!("the last {part} of {} posts", count(minutes)),
        seconds(last),
    );
    let row = row.against(format!("the first {part}: {}", seconds(first)));
    Measured {
        rows: vec![row.at_most(last / first, 1.2, "× their time")],
        tables: vec![table],
    }
}

/// Posts a day, and returns the seconds of each post.
fn day(bench: &Bench, minutes: usize) -> Vec<f64> {
    let archive = Archive::start(bench.scratch());
    let summaries = [
        ("aggregation", 86_400),
        ("statistics", 0),
        ("statistics", 86_400),
    ]
    .map(|(name, window)| json!({"summary-type": name, "summary-window": window}));
    let event_types = json!([{"event-type": EVENT_TYPE, "summaries": summaries}]);
    let record = archive.create(&metadata(0, &event_types));
    let mut connection = archive.connect();
    let posts = (0..minutes).map(|minute| {
        let body = json!({"ts": MIDNIGHT + 60 * minute, "val": delays(minute)});
        let request = archive.post(&record, EVENT_TYPE, &body.to_string());
        let start = Instant::now();
        connection.send(&request, 201);
        start.elapsed().as_secs_f64()
    });
    posts.collect()
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
