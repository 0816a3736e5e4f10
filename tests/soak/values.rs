//! What is written: every value follows from its writer and its time, so that a
//! reader can tell whether it is the right one, and nobody has to remember it.

use std::sync::atomic::{AtomicI64, Ordering};

use esmond_ps_tests::eras::{DAY, Eras};
use serde_json::{Value, json};

pub(crate) const HOUR: i64 = 3600;

/// Results of one test; those that follow are of the next one, so that tests
/// become more as time goes by.
pub(crate) const RESULTS_OF_A_TEST: i64 = 100;

/// When the points of a run are: one a second, from the first second of an era on.
pub(crate) fn eras() -> Eras {
    Eras::at(chrono::Utc::now().timestamp(), 300)
}

/// A writer, as those see it who read what it wrote.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) number: i64,
    /// Key of its metadata.
    pub(crate) key: String,
    /// Acknowledged points that were posted one by one, all of them young.
    pub(crate) posted: Count,
    /// Acknowledged points of bulk writes, of two event types each.
    pub(crate) young: Count,
    pub(crate) old: Count,
    /// Acknowledged results of pScheduler.
    pub(crate) results: Count,
}

/// How much of a kind was acknowledged. A writer sends one thing after the other, so
/// it is the first ones, without a gap.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicI64);

impl Count {
    pub(crate) fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn add(&self, count: i64) {
        self.0.fetch_add(count, Ordering::Release);
    }
}

impl Lane {
    pub(crate) fn new(number: i64, key: String) -> Self {
        Self {
            number,
            key,
            posted: Count::default(),
            young: Count::default(),
            old: Count::default(),
            results: Count::default(),
        }
    }

    /// Returns how many points were acknowledged.
    pub(crate) fn points(&self) -> i64 {
        self.posted.get() + 2 * (self.young.get() + self.old.get()) + 2 * self.results.get()
    }

    pub(crate) fn throughput(&self, ts: i64) -> i64 {
        1_000_000 + (ts * 7919 + self.number * 104_729).rem_euclid(1_000_003)
    }

    pub(crate) fn sent(&self, ts: i64) -> i64 {
        600 + (ts * 31 + self.number * 7).rem_euclid(601)
    }

    pub(crate) fn histogram(&self, ts: i64) -> Value {
        let bucket = format!("{}.5", (ts + self.number).rem_euclid(7));
        json!({bucket: 1 + ts % 5, "50.25": 2})
    }

    /// Returns the value of an event type.
    ///
    /// # Panics
    ///
    /// When it is none that is written.
    pub(crate) fn value(&self, event_type: &str, ts: i64) -> Value {
        match event_type {
            "throughput" => json!(self.throughput(ts)),
            "packet-count-sent" => json!(self.sent(ts)),
            "histogram-owdelay" => self.histogram(ts),
            "packet-retransmits" => json!(ts % 5),
            other => panic!("{other} is not written"),
        }
    }

    /// An item of a bulk write.
    pub(crate) fn item(&self, ts: i64) -> Value {
        json!({"ts": ts, "val": [
            {"event-type": "packet-count-sent", "val": self.sent(ts)},
            {"event-type": "histogram-owdelay", "val": self.histogram(ts)},
        ]})
    }

    /// Source address of the results.
    pub(crate) fn source(&self) -> String {
        format!("10.9.{}.{}", self.number / 200, 1 + self.number % 200)
    }

    /// Destination address of the results of a test.
    pub(crate) fn destination(test: i64) -> String {
        format!("10.10.{}.{}", test / 200, 1 + test % 200)
    }

    /// A result of pScheduler.
    pub(crate) fn result(&self, n: i64, ts: i64) -> Value {
        let start = chrono::DateTime::from_timestamp(ts, 0).expect("a time");
        let (source, destination) = (self.source(), Self::destination(n / RESULTS_OF_A_TEST));
        let test = json!({"type": "throughput", "spec": {
            "schema": 1, "source": source, "dest": destination, "duration": "PT2S",
        }});
        json!({
            "id": format!("{}-{n}", self.number),
            "schedule": {"start": start.to_rfc3339(), "duration": "PT23S"},
            "test": test,
            "tool": {"name": "iperf3", "version": "1.0"},
            "participants": [source, destination],
            "result": {
                "schema": 1, "succeeded": true, "intervals": [],
                "summary": {"streams": [], "summary": {
                    "start": 0, "end": 2.0, "throughput-bits": self.throughput(ts),
                    "throughput-bytes": self.throughput(ts) / 4, "retransmits": ts % 5,
                }},
            },
            "reference": null,
        })
    }
}

/// The metadata of a writer.
pub(crate) fn metadata(number: i64) -> Value {
    let windows = json!([
        {"summary-type": "aggregation", "summary-window": HOUR},
        {"summary-type": "aggregation", "summary-window": DAY},
    ]);
    let event_types = ["throughput", "packet-count-sent", "histogram-owdelay"]
        .map(|name| json!({"event-type": name, "summaries": windows}));
    json!({
        "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
        "measurement-agent": "10.1.1.1", "tool-name": "bwctl/iperf3",
        "input-source": "host1.example.net", "input-destination": "host2.example.net",
        "soak-writer": number, "event-types": event_types,
    })
}
