//! The client against a perfSONAR 5 archive, as recorded: a search or a series
//! that was recorded gets its recorded answer.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex};

use esmond_ps_client::model::{DataType, MetadataFilters, RowLayout, SummaryType, TimeArguments};
use esmond_ps_client::{Archive, Dialect, Error, GapKind, RequestEvent, Series, Test};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::server::{Asked, Reply, Server, record};

const ROOT: &str = "/esmond/perfsonar/archive/";

/// Time of the recordings.
const DAY: i64 = 1_740_787_200;

#[derive(Deserialize)]
struct Recording {
    records: Vec<Value>,
    searches: Vec<Search>,
    answers: Vec<Answer>,
}

/// An answer to a search: keys of `records`, or the page of an error.
#[derive(Deserialize)]
struct Search {
    query: String,
    status: u16,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
struct Answer {
    method: String,
    path: String,
    query: String,
    status: u16,
    #[serde(rename = "type")]
    content_type: String,
    body: Value,
}

static RECORDING: LazyLock<Recording> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/elmond.json")).unwrap());

fn pairs(query: &str) -> BTreeSet<(String, String)> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn page_of(records: Vec<&Value>) -> Reply {
    let total = records.len();
    let mut page: Vec<Value> = records.into_iter().cloned().collect();
    if let Some(first) = page.first_mut() {
        first["metadata-count-total"] = json!(total);
    }
    Reply::json(&page.into())
}

/// Answers a search that was recorded, or one of addresses and times alone.
fn search(asked: &Asked) -> Reply {
    if asked.argument("offset").is_some() {
        return Reply::json(&json!([]));
    }
    let limit: usize = asked.argument("limit").unwrap().parse().unwrap();
    let query: BTreeSet<_> = asked
        .query
        .iter()
        .filter(|(name, _)| name != "limit")
        .cloned()
        .collect();
    let recorded = RECORDING.searches.iter();
    let recorded = recorded.rev().find(|known| pairs(&known.query) == query);
    let records = RECORDING.records.iter();
    if let Some(known) = recorded {
        if known.status != 200 {
            return Reply::new(known.status, "text/html; charset=utf-8", known.body.clone());
        }
        let is_meant = |record: &&Value| {
            let key = record["metadata-key"].as_str().unwrap();
            known.keys.iter().any(|known| known == key)
        };
        return page_of(records.filter(is_meant).take(limit).collect());
    }
    let meets = |record: &&Value| {
        query.iter().all(|(name, value)| match name.as_str() {
            "source" | "destination" | "measurement-agent" => record[name] == value.as_str(),
            "time-start" => true,
            other => panic!("{other} was not to be sent"),
        })
    };
    page_of(records.filter(meets).take(limit).collect())
}

fn series(asked: &Asked) -> Reply {
    let recorded = RECORDING.answers.iter();
    let known = recorded
        .filter(|known| known.method == "GET" && known.query.is_empty())
        .find(|known| known.path == asked.path);
    let Some(known) = known else {
        panic!("{} was not recorded", asked.path)
    };
    let mut body = known.body.clone();
    if let Value::Array(points) = &mut body {
        let start = asked.number("time-start").unwrap_or(0);
        let end = asked.number("time-end").unwrap_or(i64::MAX);
        points.retain(|point| (start..=end).contains(&point["ts"].as_i64().unwrap()));
        return Reply::json(&body);
    }
    Reply::new(known.status, &known.content_type, body.as_str().unwrap())
}

async fn elmond() -> Server {
    Server::start(|asked, _| match asked.path.as_str() {
        ROOT => search(asked),
        _ => series(asked),
    })
    .await
}

fn archive(server: &Server) -> Archive {
    Archive::builder(server.url()).retries(0).build().unwrap()
}

fn filters(query: &str) -> MetadataFilters {
    let mut filters = MetadataFilters::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        filters.set(name, value);
    }
    filters
}

async fn tests(archive: &Archive, query: &str) -> Vec<Test> {
    archive
        .metadata(&filters(query))
        .try_collect()
        .await
        .unwrap()
}

/// The first four digits of the keys that are found, in the archive's order.
async fn found(archive: &Archive, query: &str) -> String {
    let tests = tests(archive, query).await;
    let keys: Vec<&str> = tests.iter().map(|test| &test.metadata_key()[..4]).collect();
    keys.join(" ")
}

async fn the_series(archive: &Archive, key: &str, event_type: &str) -> Series {
    let tests = tests(archive, "").await;
    let test = tests
        .iter()
        .find(|test| test.metadata_key().starts_with(key));
    test.unwrap().event_type(event_type).unwrap().base()
}

fn day() -> TimeArguments {
    TimeArguments {
        time_start: Some(DAY),
        time_end: Some(DAY + 3 * 86_400),
        ..TimeArguments::default()
    }
}

#[tokio::test]
async fn filters_find_what_they_would_find_on_a_classic_archive() {
    // DIFFERENCE: with the original library most of these find nothing, or fail.
    for (query, expected) in [
        ("tool-name=pscheduler%2Fparis-traceroute", "991f"),
        ("tool-name=powstream", "5b9a"),
        ("tool-name=bwctl%2Fiperf3", ""),
        ("input-source=thr-a.example.org", "804b"),
        ("input-source=LATA.example.org", ""),
        ("input-source=2001%3Adb8%3Aa%3A%3A10", "7f0b"),
        ("input-source=192.0.2.50", "c892"),
        ("subject-type=network-element", "93f8 c892"),
        ("subject-type=bogus", ""),
        ("pscheduler-test-type=disk-to-disk", "fd4d"),
        ("trace-algorithm=paris-traceroute", "991f"),
        ("time-duration=14", "804b"),
        ("bw-parallel-streams=4", "8947"),
        ("bw-parallel-streams=four", ""),
        ("ip-transport-protocol=tcp", "8947 804b"),
        ("ip-transport-protocol=UDP", ""),
        ("no-such-parameter=x", ""),
        ("event-type=throughput", "8947 804b af34 fd4d"),
        ("event-type=packet-trace-multi", "991f"),
        ("event-type=pscheduler-raw", "c892 fd4d"),
        ("event-type=no-such-event", ""),
        ("summary-type=average", "8947 804b af34 fd4d"),
        ("summary-type=aggregations", ""),
        ("summary-window=60", ""),
        ("event-type=histogram-owdelay&summary-type=aggregation", ""),
        ("event-type=packet-trace&summary-window=300", ""),
        (
            "event-type=histogram-owdelay&summary-type=statistics&summary-window=3600",
            "5b9a 7f0b",
        ),
    ] {
        let server = elmond().await;
        let archive = archive(&server);
        assert_eq!(found(&archive, query).await, expected, "{query}");
        // The kind of the archive is known by now.
        let before = server.asked().len();
        assert!(before <= 3, "{query}: {before} requests");
        assert_eq!(found(&archive, query).await, expected, "{query}, again");
        assert_eq!(server.asked().len(), before + 1, "{query}");
    }
}

#[tokio::test]
async fn a_search_for_an_event_type_finds_all_tests_that_list_it() {
    let lists = |record: &Value, name: &str| {
        let entries = record["event-types"].as_array().unwrap();
        entries.iter().any(|entry| entry["event-type"] == name)
    };
    let names: BTreeSet<&str> = RECORDING
        .records
        .iter()
        .flat_map(|record| record["event-types"].as_array().unwrap())
        .map(|entry| entry["event-type"].as_str().unwrap())
        .collect();
    let server = elmond().await;
    let archive = archive(&server);
    assert_eq!(tests(&archive, "").await.len(), 11);
    for name in names {
        let expected: Vec<&str> = RECORDING
            .records
            .iter()
            .filter(|record| lists(record, name))
            .map(|record| &record["metadata-key"].as_str().unwrap()[..4])
            .collect();
        let query = format!("event-type={name}");
        assert_eq!(found(&archive, &query).await, expected.join(" "), "{name}");
    }
}

#[tokio::test]
async fn filters_that_are_not_sent_come_on_top_of_those_that_are() {
    let server = elmond().await;
    let archive = archive(&server);
    tests(&archive, "").await;
    let query = "source=192.0.2.10&tool-name=iperf3&ip-transport-protocol=tcp&time-start=1";
    assert_eq!(found(&archive, query).await, "8947 804b");
    assert_eq!(
        server.asked()[1].arguments(),
        ["source=192.0.2.10", "time-start=1", "limit=1000"]
    );
    // What counts all tests of the answer does not count those that match.
    let tests = tests(&archive, query).await;
    assert!(tests.iter().all(|test| test.paging.is_none()));
}

#[tokio::test]
async fn a_search_that_nothing_can_match_ends_without_knowing_the_archive() {
    let server = elmond().await;
    let archive = archive(&server);
    // A server error with both filters, nothing with the first alone.
    let server_error = Server::start(|asked, _| match asked.argument("event-type") {
        Some(_) => Reply::new(500, "text/html", "<p>oops</p>"),
        None => Reply::json(&json!([])),
    })
    .await;
    let other = Archive::builder(server_error.url()).build().unwrap();
    assert_eq!(
        found(&other, "source=192.0.2.99&event-type=failures").await,
        ""
    );
    assert_eq!(other.dialect(), None);
    assert_eq!(found(&archive, "source=192.0.2.99").await, "");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_archive_that_is_down_is_told_so_in_its_own_words() {
    let server =
        Server::start(|_, _| Reply::new(500, "text/html", "<h1>x</h1><p>The server is tired.</p>"))
            .await;
    let archive = archive(&server);
    let mut tests = archive.metadata(&filters("event-type=failures"));
    let error = tests.try_next().await.unwrap_err();
    assert!(
        error.to_string().ends_with("Error: The server is tired."),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_no_answer_while_the_kind_of_the_archive_cannot_be_learnt() {
    let server = Server::start(|asked, _| match asked.argument("tool-name") {
        Some(_) => Reply::json(&json!([])),
        None => Reply::status(500),
    })
    .await;
    let archive = archive(&server);
    let mut tests = archive.metadata(&filters("tool-name=a-b"));
    assert!(tests.try_next().await.is_err());
}

#[tokio::test]
async fn classic_archives_keep_their_filters_to_themselves() {
    let server = Server::start(|asked, _| match asked.argument("tool-name") {
        Some("none") => Reply::json(&json!([])),
        _ => Reply::json(&json!([record("0a", "x")])),
    })
    .await;
    let archive = archive(&server);
    let first = archive
        .metadata(&filters("tool-name=t"))
        .try_next()
        .await
        .unwrap();
    assert_eq!(first.unwrap().metadata_key(), "0a");
    assert_eq!(archive.dialect(), Some(Dialect::Classic));
    assert_eq!(server.asked()[0].arguments(), ["tool-name=t", "limit=1000"]);
    assert_eq!(found(&archive, "tool-name=none").await, "");
    assert_eq!(server.asked().len(), 2);
    // Before it is known, nothing found is looked at once more.
    let unknown = Archive::builder(server.url()).build().unwrap();
    assert_eq!(found(&unknown, "tool-name=none").await, "");
    assert_eq!(found(&unknown, "tool-name=none").await, "");
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn the_kind_of_the_archive_is_told_once() {
    let server = elmond().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let archive = Archive::builder(server.url())
        .on_request(move |event| {
            if let RequestEvent::Recognised { dialect } = event {
                log.lock().unwrap().push(*dialect);
            }
        })
        .build()
        .unwrap();
    assert_eq!(archive.dialect(), None);
    tests(&archive, "tool-name=powstream").await;
    tests(&archive, "").await;
    assert_eq!(archive.dialect(), Some(Dialect::PerfSonar5));
    assert_eq!(*told.lock().unwrap(), [Dialect::PerfSonar5]);
}

#[tokio::test]
async fn every_recorded_series_is_read_as_it_was_answered() {
    let server = elmond().await;
    let archive = archive(&server);
    let mut read = 0;
    for test in tests(&archive, "").await {
        for event_type in test.all_event_types() {
            let mut all: Vec<Series> = event_type.all_summaries().collect();
            all.push(event_type.base());
            for series in all {
                let recorded = RECORDING.answers.iter();
                let Some(recorded) = recorded
                    .filter(|known| known.query.is_empty() && known.status == 200)
                    .find(|known| known.path == series.uri())
                else {
                    continue;
                };
                let points = series.payload(&day()).await.unwrap();
                let points: Vec<Value> = points
                    .data
                    .iter()
                    .map(|point| json!({"ts": point.ts_epoch, "val": point.val}))
                    .collect();
                assert_eq!(Value::from(points), recorded.body, "{}", series.uri());
                read += 1;
            }
        }
    }
    assert!(read > 60, "{read}");
}

#[tokio::test]
async fn what_is_listed_and_not_held_is_known_or_shows_in_the_values() {
    let server = elmond().await;
    let archive = archive(&server);
    let mut known = 0;
    for test in tests(&archive, "").await {
        for event_type in test.all_event_types() {
            let mut all: Vec<Series> = event_type.all_summaries().collect();
            all.push(event_type.base());
            for series in all {
                let recorded = RECORDING.answers.iter();
                let Some(recorded) = recorded
                    .filter(|known| known.query.is_empty())
                    .find(|known| known.path == series.uri())
                else {
                    continue;
                };
                let uri = series.uri();
                let points = recorded.body.as_array().map_or(&[][..], Vec::as_slice);
                let held = points
                    .iter()
                    .filter(|point| !series.is_blank(&point["val"]));
                let held = held.count();
                match series.gap().map(|gap| gap.kind) {
                    Some(GapKind::SomeParts) => assert!(held > 0, "{uri}"),
                    Some(_) => assert_eq!(held, 0, "{uri}"),
                    // Windows in which every run failed are all that may be
                    // blank elsewhere.
                    None => assert_eq!(held, points.len(), "{uri}"),
                }
                known += usize::from(series.gap().is_some());
            }
        }
    }
    assert!(known >= 8, "{known}");
}

#[tokio::test]
async fn a_listed_series_that_is_refused_is_one_that_is_not_held() {
    let server = elmond().await;
    let archive = archive(&server);
    let series = the_series(&archive, "93f8", "histogram-ttl-reverse").await;
    let error = series.payload(&day()).await.unwrap_err();
    assert!(error.is_not_held(), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("Unrecognized event type histogram-ttl-reverse"),
        "{error}"
    );
    assert_eq!(series.gap().unwrap().kind, GapKind::Refused);
}

#[tokio::test]
async fn a_refusal_in_the_midst_of_a_series_is_an_error() {
    let key = "5f".repeat(32);
    let mut only = record(&key, "failures");
    only["event-types"][0]["base-uri"] = json!("/x/failures/base/0");
    let server = Server::start(move |asked, number| match asked.path.as_str() {
        ROOT if asked.argument("offset").is_none() => Reply::json(&json!([only])),
        ROOT => Reply::json(&json!([])),
        _ if number < 3 => Reply::json(&json!([{"ts": DAY + 5, "val": {"error": "x"}}])),
        _ => Reply::new(400, "text/html", "<p>no</p>"),
    })
    .await;
    let archive = archive(&server);
    let test = tests(&archive, "").await.remove(0);
    let series = test.event_type("failures").unwrap().base();
    let error = series.payload(&day()).await.unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error}");
}

#[tokio::test]
async fn a_range_without_a_whole_window_is_not_asked_for() {
    let server = elmond().await;
    let archive = archive(&server);
    let series = the_series(&archive, "5b9a", "packet-count-sent").await;
    let summary = series
        .event_type()
        .summary(SummaryType::Aggregation, 3600)
        .unwrap();
    let before = server.asked().len();
    let times = TimeArguments {
        time_start: Some(DAY + 1),
        time_end: Some(DAY + 3599),
        ..TimeArguments::default()
    };
    assert_eq!(summary.payload(&times).await.unwrap().data, []);
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn the_words_of_every_error_page_are_told_without_their_markup() {
    let pages: Vec<(u16, String, String)> = RECORDING
        .answers
        .iter()
        .filter(|known| known.status >= 400)
        .map(|known| {
            let body = known.body.as_str().unwrap().to_owned();
            (known.status, known.content_type.clone(), body)
        })
        .collect();
    let replies = pages.clone();
    let server = Server::start(move |_, number| {
        let (status, content_type, body) = &replies[number];
        Reply::new(*status, content_type, body.clone())
    })
    .await;
    let archive = archive(&server);
    for (status, _, body) in &pages {
        let error = archive.get_json("", &[]).await.unwrap_err();
        let Error::Status {
            status: answered,
            message,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(answered.as_u16(), *status);
        let (_, paragraph) = body.split_once("<p>").unwrap();
        let paragraph = paragraph.split("</p>").next().unwrap();
        let first = paragraph.split_whitespace().next().unwrap();
        assert!(message.starts_with(first), "{message}");
        assert!(!message.contains(['<', '\n']), "{message}");
        assert!(!message.contains(status.to_string().as_str()), "{message}");
    }
}

#[tokio::test]
async fn one_record_is_read_by_its_key_and_tells_the_kind() {
    let key = RECORDING.records[0]["metadata-key"].as_str().unwrap();
    let path = format!("{ROOT}{key}");
    let server = Server::start(move |asked, _| {
        assert_eq!(asked.path, path);
        Reply::json(&RECORDING.records[0])
    })
    .await;
    let archive = archive(&server);
    let test = archive.metadata_by_key(key).await.unwrap();
    assert_eq!(test.property("bw-parallel-streams").as_deref(), Some("4"));
    assert_eq!(archive.dialect(), Some(Dialect::PerfSonar5));
}

#[tokio::test]
async fn an_added_event_type_is_what_the_archive_says() {
    let types = [
        (
            json!({"data-type": "integer", "client-layout": "numeric"}),
            DataType::Integer,
            RowLayout::Numeric,
        ),
        (
            json!({"data-type": "histogram"}),
            DataType::Histogram,
            RowLayout::Histogram,
        ),
        (
            json!({"data-type": "json", "client-layout": "number-list"}),
            DataType::Json,
            RowLayout::NumberList,
        ),
        (
            json!({"data-type": "quaternion", "client-layout": "spiral"}),
            DataType::Json,
            RowLayout::Value,
        ),
        (
            json!({"data-type": 5, "client-layout": null}),
            DataType::Json,
            RowLayout::Value,
        ),
        (json!({}), DataType::Json, RowLayout::Value),
    ];
    for (members, data_type, layout) in types {
        let mut car = json!({
            "metadata-key": "0a", "subject-type": "car", "car-vin": "V", "uri": "/u/0a/",
            "event-types": [
                {"event-type": "process-count", "base-uri": "/u/0a/process-count/base"},
                {"event-type": "throughput", "base-uri": "/u/0a/throughput/base"}]
        });
        for (name, value) in members.as_object().unwrap() {
            car["event-types"][0][name] = value.clone();
            // What is standard stays so, whatever an archive says.
            car["event-types"][1][name] = json!("json");
        }
        let server = Server::start(move |_, _| Reply::json(&json!([car]))).await;
        let archive = archive(&server);
        let test = archive
            .metadata(&MetadataFilters::new())
            .try_next()
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (test.source(), test.property("car-vin")),
            (None, Some("V".to_owned()))
        );
        let added = test.event_type("process-count").unwrap();
        assert_eq!((added.data_type(), added.row_layout()), (data_type, layout));
        let standard = test.event_type("throughput").unwrap();
        assert_eq!(standard.data_type(), DataType::Integer);
        assert_eq!(standard.row_layout(), RowLayout::Numeric);
    }
}
