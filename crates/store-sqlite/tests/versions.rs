//! Files of older versions are opened, brought up to date and used.
//!
//! `tests/data/vN/archive.sqlite.gz` was made by the program whose schema was
//! version N, with [`fill`]. Whoever changes the schema adds the file of the new
//! version with `make_a_file_of_this_version`; those of older ones stay as they are.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::path::Path;

use esmond_ps_model::{Histogram, Summary, SummaryType, TimeRange};
use esmond_ps_store::{Bucket, KeyHash, NewPoint, NewRecord, Page, Search, Store, Value};
use esmond_ps_store_sqlite::SqliteStore;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::Connection;

/// The version of today.
const VERSION: u32 = 4;

const NOW: i64 = 1_700_000_000;
const ALWAYS: TimeRange = TimeRange {
    begin: i64::MIN,
    end: None,
};
const ALL: Page = Page {
    offset: 0,
    limit: u64::MAX,
};

fn key(number: u32) -> String {
    format!("{number:032x}")
}

fn histogram(buckets: &[(&str, i64)]) -> Histogram {
    Histogram::new(buckets.iter().map(|(text, n)| ((*text).to_owned(), *n)))
}

fn record(source: &str) -> NewRecord {
    let texts = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let hourly = [SummaryType::Aggregation, SummaryType::Average].map(|summary_type| Summary {
        summary_type,
        window: 3600,
    });
    let statistics = Summary {
        summary_type: SummaryType::Statistics,
        window: 3600,
    };
    let event_types = [
        ("failures", vec![]),
        ("histogram-rtt", vec![statistics]),
        ("ntp-offset", hourly.to_vec()),
        ("packet-loss-rate", vec![hourly[0]]),
        ("throughput", hourly.to_vec()),
    ];
    NewRecord {
        subject_type: "point-to-point".to_owned(),
        subject: texts(&[("source", source), ("destination", "10.0.0.2")]),
        parameters: texts(&[("time-duration", "30"), ("ünï_code", "x")]),
        event_types: event_types
            .map(|(name, summaries)| (name.to_owned(), summaries.into_iter().collect()))
            .into(),
    }
}

/// Two points of each kind, in one hour.
fn points() -> Vec<NewPoint> {
    let ratio = |numerator, denominator| Value::Ratio {
        numerator,
        denominator,
    };
    let document = |text: &str| Value::Document(text.to_owned());
    [
        ("throughput", 10, Value::Integer(i64::MAX)),
        ("throughput", 20, Value::Integer(1)),
        ("ntp-offset", 10, Value::Float(0.1)),
        ("ntp-offset", 20, Value::Float(-3.0)),
        ("packet-loss-rate", 10, ratio(1, 600)),
        ("packet-loss-rate", 20, ratio(0, 600)),
        (
            "histogram-rtt",
            10,
            Value::Histogram(histogram(&[("41.0", 2)])),
        ),
        (
            "histogram-rtt",
            20,
            Value::Histogram(histogram(&[("41.00", 1), ("41.0", 1)])),
        ),
        ("failures", 10, document(r#"{"error":"é"}"#)),
        ("failures", 20, document("null")),
        // Not listed by the record.
        ("streams-packet", 10, document("[1.50]")),
    ]
    .map(|(event_type, ts, value)| NewPoint {
        event_type: event_type.to_owned(),
        ts,
        value,
    })
    .into()
}

/// Stores what [`assert_filled`] looks for.
async fn fill(store: &SqliteStore) {
    for (number, source) in [(1, "10.0.0.1"), (2, "2001:db8::1"), (3, "empty")] {
        store.create(&key(number), &record(source)).await.unwrap();
    }
    for number in [1, 2] {
        store.write(&key(number), points(), NOW).await.unwrap();
    }
    let hash = KeyHash::of("secret");
    store.put_user("ann", Some(&hash)).await.unwrap();
    store.put_user("bob", None).await.unwrap();
    store.set_user_active("bob", false).await.unwrap();
    for network in ["10.1.0.0/16", "2001:db8::/32"] {
        let network = network.parse().unwrap();
        store.add_network("bob", network).await.unwrap();
    }
}

async fn assert_filled(store: &SqliteStore) {
    let records = store.search(&Search::default(), None, ALL).await.unwrap();
    assert_eq!(records.len(), 3);
    for (record, number) in records.iter().zip([1, 2, 3]) {
        assert_eq!(record.key, key(number));
        assert_eq!(record.parameters["ünï_code"], "x");
        let updated = (number != 3).then_some(NOW);
        for entry in &record.event_types {
            assert_eq!(entry.time_updated, updated, "{}", entry.name);
            assert_eq!(
                entry.summaries.len(),
                match entry.name.as_str() {
                    "ntp-offset" | "throughput" => 2,
                    "histogram-rtt" | "packet-loss-rate" => 1,
                    _ => 0,
                }
            );
        }
    }
    let (existing, new) = store.create(&key(9), &record("10.0.0.1")).await.unwrap();
    assert_eq!((existing.key, new), (key(1), false));

    for key in [1, 2].map(key) {
        for point in points() {
            let second = TimeRange {
                begin: point.ts,
                end: Some(point.ts),
            };
            let found = store.points(&key, &point.event_type, second, ALL);
            assert_eq!(found.await.unwrap(), [(point.ts, point.value)]);
        }
        let bucket = async |event_type: &str| {
            let buckets = store.buckets(&key, event_type, 3600, ALWAYS, ALL);
            let buckets = buckets.await.unwrap();
            assert_eq!(buckets.len(), 1, "{event_type}");
            assert_eq!(buckets[0].0, 0);
            buckets[0].1.clone()
        };
        let sum = i128::from(i64::MAX) + 1;
        assert_eq!(
            bucket("throughput").await,
            Bucket::Integer { sum, count: 2 }
        );
        let (numerator, denominator) = (1, 1200);
        assert_eq!(
            bucket("packet-loss-rate").await,
            Bucket::Ratio {
                numerator,
                denominator,
            }
        );
        assert_eq!(
            bucket("histogram-rtt").await,
            Bucket::Histogram(histogram(&[("41.0", 3), ("41.00", 1)]))
        );
        let Bucket::Float {
            sum,
            compensation,
            count: 2,
        } = bucket("ntp-offset").await
        else {
            panic!("the bucket of floats");
        };
        assert_eq!(sum + compensation, -2.9);
    }

    let ann = store.user_by_key(&KeyHash::of("secret")).await.unwrap();
    assert!(ann.is_some_and(|user| user.name == "ann" && user.active));
    for address in ["10.1.2.3", "2001:db8::1"] {
        let address: IpAddr = address.parse().unwrap();
        let bob = store.user_by_address(address).await.unwrap();
        assert!(bob.is_some_and(|user| user.name == "bob" && !user.active));
    }
}

/// A data directory with the file of a version.
fn old_directory(version: u32) -> tempfile::TempDir {
    let from = format!("tests/data/v{version}/archive.sqlite.gz");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    let dir = tempfile::tempdir().unwrap();
    let mut gz = GzDecoder::new(File::open(from).unwrap());
    let mut file = File::create(dir.path().join("archive.sqlite")).unwrap();
    io::copy(&mut gz, &mut file).unwrap();
    dir
}

fn connection(dir: &Path) -> Connection {
    Connection::open(dir.join("archive.sqlite")).unwrap()
}

fn pragma(dir: &Path, name: &str) -> i64 {
    connection(dir)
        .pragma_query_value(None, name, |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn a_file_of_version_1_is_brought_up_to_date_and_used() {
    let dir = old_directory(1);
    assert_eq!(pragma(dir.path(), "user_version"), 1);
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.version().await.unwrap(), VERSION);
    assert_filled(&store).await;
    assert_eq!(store.verify().await.unwrap(), [""; 0]);
    // Nobody knows when these were stored, or that anything was removed.
    let old = store.record(&key(1)).await.unwrap().unwrap();
    assert_eq!(old.created, None);
    assert_eq!(old.identity, record("10.0.0.1").identity());
    let horizons = old.event_types.iter().map(|entry| entry.removed_until);
    assert!(horizons.flatten().next().is_none());

    let point = NewPoint {
        event_type: "throughput".to_owned(),
        ts: 30,
        value: Value::Integer(5),
    };
    let outcome = store.write(&key(1), vec![point], NOW + 1).await.unwrap();
    assert_eq!(outcome.conflicts, []);
    let removed = store.remove_points(&key(1), "throughput", 25, 9).await;
    assert_eq!(removed.unwrap(), 2);
    let (new, _) = store.create(&key(4), &record("new")).await.unwrap();
    assert!(new.created.is_some());
    drop(store);

    // The file can shrink now, and opening again changes nothing.
    assert_eq!(pragma(dir.path(), "auto_vacuum"), 2);
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let changed = store.record(&key(1)).await.unwrap().unwrap();
    let throughput = changed.event_type("throughput").unwrap();
    assert_eq!(throughput.time_updated, Some(NOW + 1));
    assert_eq!(throughput.removed_until, Some(25));
    let buckets = store
        .buckets(&key(1), "throughput", 3600, ALWAYS, ALL)
        .await;
    let sum = i128::from(i64::MAX) + 6;
    assert_eq!(buckets.unwrap(), [(0, Bucket::Integer { sum, count: 3 })]);
}

#[tokio::test]
async fn every_version_has_a_file_that_is_brought_up_to_date() {
    for version in 1..=VERSION {
        let dir = old_directory(version);
        let store = SqliteStore::open(dir.path()).await.unwrap();
        assert_filled(&store).await;
        assert_eq!(store.verify().await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_the_way_back_to_it() {
    let dir = old_directory(1);
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("archive.sqlite");
    SqliteStore::backup(dir.path(), &copy).await.unwrap();
    for dir in [dir.path(), copies.path()] {
        assert_eq!(pragma(dir, "user_version"), 1);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    }
    let store = SqliteStore::open(copies.path()).await.unwrap();
    assert_filled(&store).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_up_to_date_stays_as_it_was() {
    let dir = old_directory(1);
    // The second change of the second version fails, after the first was made.
    connection(dir.path())
        .execute_batch("ALTER TABLE event_type ADD COLUMN removed_until INTEGER")
        .unwrap();
    let before = schema(dir.path());
    let error = SqliteStore::open(dir.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "opening the data directory");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("schema of "), "{cause}");
    assert_eq!(pragma(dir.path(), "user_version"), 1);
    assert_eq!(schema(dir.path()), before);
}

#[tokio::test]
async fn damage_in_an_old_file_stays_there_and_keeps_nobody_from_the_rest() {
    for version in [1, 2] {
        let dir = old_directory(version);
        let of = |name: &str| format!("(SELECT min(id) FROM event_type WHERE name = '{name}')");
        connection(dir.path())
            .execute_batch(&format!(
                "PRAGMA foreign_keys = OFF; \
                 UPDATE point SET value = 'fast' WHERE event_type = {} AND ts = 10; \
                 UPDATE point SET value = 'h{{\"41.0\":' WHERE event_type = {} AND ts = 20; \
                 INSERT INTO point VALUES (999, 10, 7), (999, 20, x'ff'); \
                 INSERT INTO bucket VALUES (999, 60, 0, 'i1/1'); \
                 UPDATE bucket SET state = 'none' WHERE event_type = {};",
                of("throughput"),
                of("histogram-rtt"),
                of("packet-loss-rate"),
            ))
            .unwrap();
        let store = SqliteStore::open(dir.path()).await.unwrap();
        assert_eq!(store.version().await.unwrap(), VERSION);
        let record = format!("metadata record {}", key(1));
        assert_eq!(
            store.verify().await.unwrap(),
            [
                "a row of block belongs to no event_type".to_owned(),
                "a row of bucket belongs to no event_type".to_owned(),
                format!(
                    "the points of histogram-rtt of the {record} from 10 to 20 have no value at 20"
                ),
                format!(
                    "the points of throughput of the {record} from 10 to 20 have no value at 10"
                ),
                "the points of the unknown event type 999 from 10 to 20 have no value at 20"
                    .to_owned(),
                format!(
                    "the summary of packet-loss-rate of the {record}, window 3600, at 0 is none"
                ),
            ]
        );
        // The points beside those that are damaged.
        for (event_type, ts) in [
            ("throughput", 20),
            ("histogram-rtt", 10),
            ("ntp-offset", 10),
        ] {
            let second = TimeRange {
                begin: ts,
                end: Some(ts),
            };
            let found = store.points(&key(1), event_type, second, ALL).await;
            assert_eq!(found.unwrap().len(), 1, "{event_type}");
        }
        let found = store.points(&key(1), "throughput", ALWAYS, ALL).await;
        let text = found.unwrap_err().to_string();
        assert!(
            text.ends_with(&format!("throughput of the {record} from 10 to 10")),
            "{text}"
        );
        // What belongs to nothing does not come to belong to what is new.
        let names: Vec<_> = (0..1000).map(|n| format!("new-{n}")).collect();
        let new = NewRecord {
            event_types: names.iter().map(|name| (name.clone(), [].into())).collect(),
            ..NewRecord::default()
        };
        store.create("new", &new).await.unwrap();
        for name in &names {
            let found = store.points("new", name, ALWAYS, ALL).await.unwrap();
            assert!(found.is_empty(), "{name}");
        }
    }
}

/// The schema, as text.
fn schema(dir: &Path) -> Vec<String> {
    let connection = connection(dir);
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[tokio::test]
async fn a_newer_file_is_refused_in_plain_words() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).await.unwrap());
    connection(dir.path())
        .pragma_update(None, "user_version", VERSION + 1)
        .unwrap();
    let error = SqliteStore::open(dir.path()).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let expected = "was made by a newer version of esmond-ps-archive: \
        its schema is version 5, this program knows 4 and older";
    assert!(cause.ends_with(expected), "{cause}");
    let copy = dir.path().join("copy");
    let error = SqliteStore::backup(dir.path(), &copy).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.ends_with(expected), "{cause}");
    assert!(!copy.exists());
}

#[tokio::test]
#[ignore = "writes into the source tree; see the head of this file"]
async fn make_a_file_of_this_version() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    fill(&store).await;
    assert_filled(&store).await;
    drop(store);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let to = data.join(format!("v{VERSION}"));
    fs::create_dir_all(&to).unwrap();
    let to = to.join("archive.sqlite.gz");
    let mut gz = GzEncoder::new(File::create(to).unwrap(), Compression::best());
    let mut file = File::open(dir.path().join("archive.sqlite")).unwrap();
    io::copy(&mut file, &mut gz).unwrap();
    gz.finish().unwrap();
}
