//! What a point takes on disk.

use serde_json::{Value, json};

use crate::Figure;
use crate::archive::Archive;
use crate::bench::{Bench, Measured, Row, Table, count, float, short};
use crate::data::{bulks, delays, dice, metadata};

pub(crate) const FIGURE: Figure = Figure {
    name: "disk",
    title: "Archive: disk",
    about: "The whole directory of the archive after it was stopped, divided by its points. Values look like chance \
            (throughputs of up to ten digits, doubles of 52 bits); times are 10 seconds apart, give or take 3. \
            Histograms are one-way delays of 600 packets a minute.",
    measure,
};

/// A series to store.
struct Kind {
    what: &'static str,
    event_type: &'static str,
    windows: &'static [(&'static str, usize)],
    value: fn(usize) -> String,
    goal: f64,
}

const NUMBERS: [Kind; 3] = [
    Kind {
        what: "a float",
        event_type: "time-error-estimates",
        windows: &[],
        #[expect(clippy::cast_precision_loss, reason = "a float is what is asked for")]
        value: |n| format!("{:?}", dice(n) as f64 / u64::MAX as f64),
        goal: 16.0,
    },
    Kind {
        what: "a ratio (packet loss)",
        event_type: "packet-loss-rate",
        windows: &[],
        value: loss,
        goal: 16.0,
    },
    Kind {
        what: "a ratio with aggregations of 300, 3600 and 86400 s",
        event_type: "packet-loss-rate",
        windows: &[
            ("aggregation", 300),
            ("aggregation", 3600),
            ("aggregation", 86_400),
        ],
        value: loss,
        goal: 16.0,
    },
];

const HISTOGRAMS: [Kind; 2] = [
    Kind {
        what: "a histogram",
        event_type: "histogram-owdelay",
        windows: &[],
        value: |n| delays(n).to_string(),
        goal: 1.2,
    },
    Kind {
        what: "a histogram with aggregation 86400, statistics 0 and 86400",
        event_type: "histogram-owdelay",
        windows: &[
            ("aggregation", 86_400),
            ("statistics", 0),
            ("statistics", 86_400),
        ],
        value: |n| delays(n).to_string(),
        goal: 1.2,
    },
];

/// Most losses are none.
fn loss(n: usize) -> String {
    let lost = match dice(n) % 20 {
        0 => dice(n) >> 8 & 15,
        _ => 0,
    };
    format!("{{\"numerator\":{lost},\"denominator\":600}}")
}

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let mut table = Table::new(
        "How it grows: integers",
        ["points", "bytes", "bytes a point"],
    );
    for points in bench.sizes() {
        let bytes = bench.store(points).bytes;
        let each = each(bytes, points);
        table.line([count(points), size(bytes), short(each)]);
        if points == bench.sizes()[2] {
            measured
                .rows
                .push(Row::new("an integer", size(bytes)).at_most(each, 16.0, "bytes"));
        }
    }
    measured.tables.push(table);
    let points = bench.size(1_000_000);
    for kind in &NUMBERS {
        let bytes = stored(bench, kind, points);
        let row = Row::new(kind.what, size(bytes));
        measured
            .rows
            .push(row.at_most(each(bytes, points), kind.goal, "bytes"));
    }
    let points = bench.size(20_000);
    let texts: usize = (0..points).map(|n| delays(n).to_string().len()).sum();
    let json = float(texts) / float(points);
    for kind in &HISTOGRAMS {
        let bytes = stored(bench, kind, points);
        let each = each(bytes, points);
        measured.rows.push(
            Row::new(kind.what, format!("{} bytes", short(each)))
                .against(format!("its compact JSON: {} bytes", short(json)))
                .at_most(each / json, kind.goal, "× its JSON"),
        );
    }
    measured
}

/// Stores points of a kind and returns the bytes of the archive.
fn stored(bench: &Bench, kind: &Kind, points: usize) -> u64 {
    let mut archive = Archive::start(bench.scratch());
    let summaries = kind
        .windows
        .iter()
        .map(|(name, window)| json!({"summary-type": name, "summary-window": window}));
    let summaries: Vec<Value> = summaries.collect();
    let event_types = json!([{"event-type": kind.event_type, "summaries": summaries}]);
    let record = archive.create(&metadata(0, &event_types));
    let mut connection = archive.connect();
    for body in bulks(kind.event_type, 0..points, 1000, kind.value) {
        connection.send(&archive.put(&record, &body), 201);
    }
    drop(connection);
    archive.restart()
}

fn each(bytes: u64, points: usize) -> f64 {
    crate::process::megabytes(bytes) * 1e6 / float(points)
}

fn size(bytes: u64) -> String {
    format!("{} MB in all", short(crate::process::megabytes(bytes)))
}
