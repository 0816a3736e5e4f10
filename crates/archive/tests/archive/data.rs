//! An archive with data in it, and what it answers.

use std::path::Path;

use esmond_ps_model::TimeRange;
use esmond_ps_store::{Page, Store, Value as Stored};
use esmond_ps_store_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::process::{Server, add_user, client};

/// A time with all its windows to itself.
pub(crate) const START: i64 = 1_750_000_000 / 86_400 * 86_400;

/// A writer of an archive that is served.
pub(crate) struct Writer {
    pub(crate) url: String,
    key: String,
}

impl Writer {
    pub(crate) fn new(data: &Path, server: &Server) -> Self {
        Self {
            url: server.url.clone(),
            key: add_user(data, "writer"),
        }
    }

    /// Makes a record of this source, with summaries, and returns its key.
    pub(crate) async fn record(&self, source: &str) -> String {
        let summaries = |types: &[(&str, u32)]| -> Vec<Value> {
            let types = types.iter();
            types
                .map(|(name, window)| json!({"summary-type": name, "summary-window": window}))
                .collect()
        };
        let record = json!({
            "subject-type": "point-to-point", "source": source, "destination": "10.1.1.2",
            "measurement-agent": source, "tool-name": "bwctl/iperf3",
            "input-source": source, "input-destination": "host2.example.net",
            "ip-transport-protocol": "tcp",
            "event-types": [
                {"event-type": "throughput", "summaries":
                    summaries(&[("average", 3600), ("aggregation", 3600), ("average", 86400)])},
                {"event-type": "packet-loss-rate", "summaries": summaries(&[("aggregation", 3600)])},
                {"event-type": "histogram-rtt", "summaries":
                    summaries(&[("aggregation", 3600), ("statistics", 3600), ("statistics", 0)])},
                {"event-type": "failures"},
            ],
        });
        let request = client().post(&self.url).json(&record);
        let answer = request.header("authorization", format!("Token {}", self.key));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        answer["metadata-key"].as_str().unwrap().to_owned()
    }

    /// Writes a point of each event type at each of these times.
    pub(crate) async fn write(&self, key: &str, times: impl IntoIterator<Item = i64>) {
        let points = times.into_iter().map(|ts| {
            json!({"ts": ts, "val": [
                {"event-type": "throughput", "val": 7_000_000 + ts % 997},
                {"event-type": "packet-loss-rate", "val":
                    {"numerator": ts % 7, "denominator": 600}},
                {"event-type": "histogram-rtt", "val": {"1.50": 590, format!("{}.25", ts % 9): 10}},
                {"event-type": "failures", "val": {"error": format!("at {ts}")}},
            ]})
        });
        let body = json!({"data": points.collect::<Vec<_>>()});
        let request = client().put(format!("{}{key}/", self.url)).json(&body);
        let request = request.header("authorization", format!("Token {}", self.key));
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
}

/// Fills a directory with two records of `points` points of each event type, ten
/// minutes apart, and returns their keys.
pub(crate) async fn fill(data: &Path, points: i64) -> Vec<String> {
    let server = Server::start(data);
    let writer = Writer::new(data, &server);
    let mut keys = Vec::new();
    for source in ["10.1.1.1", "2001:db8::1"] {
        let key = writer.record(source).await;
        writer
            .write(&key, (0..points).map(|n| START + n * 600))
            .await;
        keys.push(key);
    }
    assert!(server.signal("-TERM").0.success());
    keys
}

/// Changes points of an archive that is not served, and nothing else.
pub(crate) async fn change_points(
    data: &Path,
    key: &str,
    event_type: &str,
    change: impl FnOnce(&mut Vec<(i64, Stored)>),
) {
    let always = TimeRange {
        begin: i64::MIN,
        end: None,
    };
    let all = Page {
        offset: 0,
        limit: u64::MAX,
    };
    let store = SqliteStore::open(data).await.unwrap();
    let mut points = store.points(key, event_type, always, all).await.unwrap();
    let count = points.len() as u64;
    let removed = store.remove_points(key, event_type, i64::MAX, u64::MAX);
    assert_eq!(removed.await.unwrap(), count);
    change(&mut points);
    let restored = store.restore_points(key, event_type, points);
    assert_eq!(restored.await.unwrap().conflicts, []);
    drop(store);
    rusqlite::Connection::open(data.join("archive.sqlite"))
        .unwrap()
        .execute("UPDATE event_type SET removed_until = NULL", [])
        .unwrap();
}

/// What an archive answers to a list of requests, free of its own address.
pub(crate) async fn answers(server: &Server, keys: &[String]) -> Vec<String> {
    let mut paths = vec![
        String::new(),
        "?source=2001:db8::1".to_owned(),
        "?event-type=failures&limit=1".to_owned(),
        "?ip-transport-protocol=tcp".to_owned(),
        "?summary-window=86400".to_owned(),
    ];
    for key in keys {
        for path in [
            "",
            "throughput",
            "throughput/base",
            "throughput/averages/3600",
            "throughput/aggregations/3600",
            "throughput/averages/86400",
            "packet-loss-rate/base",
            "packet-loss-rate/aggregations/3600",
            "histogram-rtt/base",
            "histogram-rtt/aggregations/3600",
            "histogram-rtt/statistics/3600",
            "histogram-rtt/statistics/0",
            "failures/base",
            "throughput/base?time-start=1750000000&limit=2",
        ] {
            paths.push(format!("{key}/{path}"));
        }
    }
    let mut answers = Vec::new();
    for path in paths {
        let answer = client().get(format!("{}{path}", server.url)).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.unwrap();
        answers.push(format!(
            "{path} {}",
            text.replace(&server.at_root(""), "ORIGIN")
        ));
    }
    answers
}
