//! `kill -9` while several clients write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::process::{Server, add_user, client, point_to_point};

const CLIENTS: i64 = 4;
/// Points of one bulk write.
const BULK: i64 = 25;
/// Acknowledged writes after which the archive is killed.
const ENOUGH: usize = 120;

/// What one write meant to store: seconds, each with the value 1 and a
/// histogram with one count.
type Write = std::ops::Range<i64>;

#[derive(Default)]
struct Written {
    acknowledged: Vec<Write>,
    unanswered: Vec<Write>,
}

struct Progress {
    acknowledged: AtomicUsize,
    enough: Notify,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_point_survives_kill_9_and_counts_once() {
    let data = tempfile::tempdir().unwrap();
    let key = add_user(data.path(), "perfsonar");
    let mut record = None;
    let mut all = Written::default();
    for round in 0..3 {
        let server = Server::start(data.path());
        let url = match &record {
            Some(record) => format!("{}{record}/", server.url),
            None => {
                let made = make_record(&server.url, &key).await;
                let url = format!("{}{made}/", server.url);
                record = Some(made);
                url
            }
        };
        check(&url, &all).await;
        let progress = Arc::new(Progress {
            acknowledged: AtomicUsize::new(0),
            enough: Notify::new(),
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                // Every client and round has seconds of its own.
                let first = (round * CLIENTS + number) * 1_000_000;
                tokio::spawn(write_until_killed(
                    url.clone(),
                    key.clone(),
                    first,
                    progress.clone(),
                ))
            })
            .collect();
        progress.enough.notified().await;
        server.kill();
        for client in clients {
            let written = client.await.unwrap();
            all.acknowledged.extend(written.acknowledged);
            all.unanswered.extend(written.unanswered);
        }
        assert!(all.acknowledged.len() >= ENOUGH);
    }
    let server = Server::start(data.path());
    check(&format!("{}{}/", server.url, record.unwrap()), &all).await;
    let (status, log) = server.signal("-TERM");
    assert!(status.success(), "{log}");
}

async fn make_record(url: &str, key: &str) -> String {
    let mut body = point_to_point();
    body["event-types"] = json!([
        {"event-type": "throughput", "summaries": [
            {"summary-type": "aggregation", "summary-window": 60},
            {"summary-type": "aggregation", "summary-window": 86400}
        ]},
        {"event-type": "histogram-owdelay", "summaries": [
            {"summary-type": "aggregation", "summary-window": 86400}
        ]}
    ]);
    let request = client().post(url).json(&body);
    let request = request.header("authorization", format!("Token {key}"));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["metadata-key"].as_str().unwrap().to_owned()
}

/// Writes single points and bulks in turn, until the archive is gone.
async fn write_until_killed(
    url: String,
    key: String,
    first: i64,
    progress: Arc<Progress>,
) -> Written {
    let client = client();
    let token = format!("Token {key}");
    let mut written = Written::default();
    let mut next = first;
    loop {
        let single = (next / BULK) % 2 == 0 && next % BULK != BULK - 1;
        let seconds = next..next + if single { 1 } else { BULK };
        next = seconds.end;
        let request = if single {
            let point = json!({"ts": seconds.start, "val": 1});
            client.post(format!("{url}throughput/base")).json(&point)
        } else {
            let items: Vec<Value> = seconds
                .clone()
                .map(|ts| {
                    json!({"ts": ts, "val": [
                        {"event-type": "throughput", "val": 1},
                        {"event-type": "histogram-owdelay", "val": {"1": 1}}
                    ]})
                })
                .collect();
            client.put(&url).json(&json!({ "data": items }))
        };
        match request.header("authorization", &token).send().await {
            Ok(answer) => {
                assert_eq!(answer.status(), 201);
                written.acknowledged.push(seconds);
                if progress.acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
                    progress.enough.notify_one();
                }
            }
            Err(_) => {
                written.unanswered.push(seconds);
                return written;
            }
        }
    }
}

async fn check(url: &str, all: &Written) {
    let base = series(url, "throughput/base").await;
    let histograms = series(url, "histogram-owdelay/base").await;
    for write in &all.acknowledged {
        for ts in write.clone() {
            assert!(base.contains_key(&ts), "{ts} of {write:?} is lost");
        }
    }
    for write in &all.unanswered {
        let found = write.clone().filter(|ts| base.contains_key(ts)).count();
        let whole = write.clone().count();
        assert!(found == 0 || found == whole, "{found} of {write:?}");
    }
    let known = all
        .acknowledged
        .iter()
        .chain(&all.unanswered)
        .flat_map(Clone::clone)
        .filter(|ts| base.contains_key(ts))
        .count();
    assert_eq!(base.len(), known, "points that nobody wrote");

    for window in [60, 86400] {
        let mut expected: BTreeMap<i64, f64> = BTreeMap::new();
        for ts in base.keys() {
            *expected.entry(ts - ts % window).or_default() += 1.0;
        }
        let counted = series(url, &format!("throughput/aggregations/{window}")).await;
        let counted: BTreeMap<i64, f64> = counted
            .iter()
            .map(|(ts, val)| (*ts, val.as_f64().unwrap()))
            .collect();
        assert_eq!(counted, expected, "window {window}");
    }
    let counted: i64 = series(url, "histogram-owdelay/aggregations/86400")
        .await
        .values()
        .map(|val| val["1"].as_i64().unwrap())
        .sum();
    assert_eq!(usize::try_from(counted).unwrap(), histograms.len());
}

async fn series(url: &str, path: &str) -> BTreeMap<i64, Value> {
    let url = format!("{url}{path}?limit=1000000&time-start=0");
    let points: Vec<Value> = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let count = points.len();
    let points: BTreeMap<i64, Value> = points
        .into_iter()
        .map(|point| (point["ts"].as_i64().unwrap(), point["val"].clone()))
        .collect();
    assert_eq!(points.len(), count, "a ts comes twice");
    points
}
