use esmond_ps_client::model::{MetadataFilters, SummaryType, TimeArguments};
use esmond_ps_client::{Archive, DataPoint, Error, Test};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server, points, record};

const ROOT: &str = "/esmond/perfsonar/archive/";

fn archive(server: &Server) -> Archive {
    Archive::builder(server.url()).retries(0).build().unwrap()
}

async fn keys(archive: &Archive, filters: &MetadataFilters) -> Vec<String> {
    let tests: Vec<Test> = archive.metadata(filters).try_collect().await.unwrap();
    tests
        .iter()
        .map(|test| test.metadata_key().to_owned())
        .collect()
}

fn range(start: i64, end: i64) -> TimeArguments {
    TimeArguments {
        time_start: Some(start),
        time_end: Some(end),
        ..TimeArguments::default()
    }
}

/// Serves the record at the root and hands every other path to `series`.
async fn serve(record: Value, series: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked, _| match asked.path.as_str() {
        ROOT if asked.argument("offset").is_none() => Reply::json(&json!([record])),
        ROOT => Reply::json(&json!([])),
        _ => series(asked),
    })
    .await
}

async fn the_test(archive: &Archive) -> Test {
    let filters = MetadataFilters::new();
    let mut tests: Vec<Test> = archive.metadata(&filters).try_collect().await.unwrap();
    assert_eq!(tests.len(), 1);
    tests.remove(0)
}

fn values(points: &[DataPoint]) -> Vec<(i64, i64)> {
    points
        .iter()
        .map(|point| (point.ts_epoch, point.val.as_i64().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_search_asks_page_after_page_with_all_its_filters() {
    let server = Server::start(|asked, _| {
        let page = match asked.argument("offset") {
            None => vec![record("a", "throughput"), record("b", "throughput")],
            // The list has moved on: one comes again, one is left out.
            Some("3") => vec![record("b", "throughput"), record("c", "throughput")],
            Some("6") => vec![record("d", "throughput")],
            Some(other) => panic!("nobody asked for offset {other}"),
        };
        let mut page = json!(page);
        page[0]["metadata-count-total"] = json!(9);
        page[0]["metadata-next-page"] = json!("http://wrong.example/?offset=99");
        Reply::json(&page)
    })
    .await;
    let archive = Archive::builder(server.url()).page_size(3).build().unwrap();
    let filters = MetadataFilters::new().tool_name("a b").source("::1");
    assert_eq!(keys(&archive, &filters).await, ["a", "b", "c", "d"]);

    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(
        asked
            .iter()
            .all(|asked| asked.path == ROOT && asked.method == "GET")
    );
    assert_eq!(
        asked[0].arguments(),
        ["tool-name=a b", "source=::1", "limit=3"]
    );
    assert_eq!(
        asked[2].arguments(),
        ["tool-name=a b", "source=::1", "limit=3", "offset=6"]
    );
}

#[tokio::test]
async fn pages_are_read_only_as_far_as_somebody_looks() {
    // DIFFERENCE: the original library reads all of them first.
    let server =
        Server::start(|_, number| Reply::json(&json!([record(&number.to_string(), "x")]))).await;
    let archive = archive(&server);
    let mut tests = archive.metadata(&MetadataFilters::new());
    tests.try_next().await.unwrap().unwrap();
    drop(tests);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_limit_among_the_filters_is_the_size_of_the_pages() {
    let server = Server::start(|asked, _| {
        Reply::json(&match asked.argument("offset") {
            None => json!([record("a", "x"), record("b", "x")]),
            Some(_) => json!([]),
        })
    })
    .await;
    let filters = MetadataFilters::new().parameter("limit", "2");
    assert_eq!(keys(&archive(&server), &filters).await, ["a", "b"]);
    assert_eq!(server.asked()[1].arguments(), ["limit=2", "offset=2"]);
}

#[tokio::test]
async fn points_are_read_where_the_archive_says_to_the_end_of_the_range() {
    let mut record = record("0a", "throughput");
    record["event-types"][0]["base-uri"] = json!("/some/where/else");
    let runs: Vec<(i64, Value)> = (0..25).map(|n| (100 + n * 10, json!(n))).collect();
    let expected: Vec<(i64, i64)> = (0..21).map(|n| (100 + n * 10, n)).collect();
    let server = serve(record, move |asked| {
        assert_eq!(asked.path, "/some/where/else");
        points(&runs, asked)
    })
    .await;
    let archive = Archive::builder(server.url())
        .page_size(10)
        .build()
        .unwrap();
    let series = the_test(&archive)
        .await
        .event_type("throughput")
        .unwrap()
        .base();
    let read: Vec<DataPoint> = series.points(&range(50, 300)).try_collect().await.unwrap();
    assert_eq!(values(&read), expected);

    let asked = server.asked();
    let asked: Vec<_> = asked.iter().filter(|asked| asked.path != ROOT).collect();
    assert_eq!(
        asked[0].arguments(),
        ["time-start=50", "time-end=300", "limit=10"]
    );
    assert_eq!(
        asked[1].arguments(),
        ["time-start=190", "time-end=300", "limit=10"]
    );
    assert!(
        asked
            .iter()
            .all(|asked| asked.argument("time-end") == Some("300"))
    );
}

#[tokio::test]
async fn without_times_none_are_sent_until_a_page_tells_where_to_go_on() {
    let server = serve(record("0a", "throughput"), |asked| {
        points(&[(7, json!(1)), (8, json!(2))], asked)
    })
    .await;
    let archive = archive(&server);
    let series = the_test(&archive)
        .await
        .event_type("throughput")
        .unwrap()
        .base();
    let payload = series.payload(&TimeArguments::default()).await.unwrap();
    assert_eq!(values(&payload.data), [(7, 1), (8, 2)]);
    assert_eq!(payload.data_type.name(), "integer");
    assert_eq!(server.asked()[2].arguments(), ["limit=1000"]);
    assert_eq!(
        server.asked()[3].arguments(),
        ["time-start=8", "limit=1000"]
    );
}

#[tokio::test]
async fn an_outage_on_a_perfsonar_5_archive_hides_nothing() {
    let key = "5f".repeat(32);
    let mut record = record(&key, "histogram-owdelay");
    let base = format!("{ROOT}{key}/histogram-owdelay/base/0");
    record["event-types"][0]["base-uri"] = json!(base);
    // A test a minute; a day and a bit without a value.
    let runs: Vec<(i64, Value)> = (0..4_000)
        .map(|n| {
            (
                n * 60,
                if (1_000..2_500).contains(&n) {
                    Value::Null
                } else {
                    json!(n)
                },
            )
        })
        .collect();
    let expected: Vec<(i64, i64)> = runs
        .iter()
        .filter_map(|(ts, val)| Some((*ts, val.as_i64()?)))
        .collect();
    let server = serve(record, move |asked| points(&runs, asked)).await;
    let archive = archive(&server);
    let test = the_test(&archive).await;
    let series = test.event_type("histogram-owdelay").unwrap().base();
    let read: Vec<DataPoint> = series
        .points(&range(0, 300_000))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(values(&read), expected);
    assert!(server.asked().len() < 12, "{}", server.asked().len());
}

#[tokio::test]
async fn summaries_are_found_by_number_and_asked_for_in_whole_windows() {
    let key = "5f".repeat(32);
    // DIFFERENCE: the original compares windows as texts, and cuts the first.
    for (key, window, start, end) in [
        ("0a", json!("300"), "301", "899"),
        (&key, json!(300), "600", "899"),
    ] {
        let mut record = record(key, "packet-count-sent");
        record["event-types"][0]["summaries"] = json!([
            {"uri": "/s/3600", "summary-type": "aggregation", "summary-window": "3600"},
            {"uri": "/s/300", "summary-type": "aggregation", "summary-window": window},
        ]);
        let server = serve(record, |asked| points(&[(600, json!(1))], asked)).await;
        let archive = archive(&server);
        let event_type = the_test(&archive)
            .await
            .event_type("packet-count-sent")
            .unwrap();
        assert_eq!(
            event_type.summary(SummaryType::Average, 300).map(|_| ()),
            None
        );
        let series = event_type.summary(SummaryType::Aggregation, 300).unwrap();
        assert_eq!(
            (series.summary_name(), series.window()),
            ("aggregation", 300)
        );
        let times = range(301, 899);
        let read: Vec<DataPoint> = series.points(&times).try_collect().await.unwrap();
        assert_eq!(values(&read), [(600, 1)]);

        let asked = server.asked();
        let asked = asked.iter().find(|asked| asked.path == "/s/300").unwrap();
        assert_eq!(asked.argument("time-start"), Some(start));
        assert_eq!(asked.argument("time-end"), Some(end));
    }
}

#[tokio::test]
async fn a_series_on_another_host_is_not_read() {
    let elsewhere = Server::start(|_, _| Reply::json(&json!([]))).await;
    let mut record = record("0a", "throughput");
    record["event-types"][0]["base-uri"] = json!(format!("{}/x", elsewhere.url()));
    let server = serve(record, |_| panic!("not asked")).await;
    let archive = archive(&server);
    let series = the_test(&archive)
        .await
        .event_type("throughput")
        .unwrap()
        .base();
    let error = series.payload(&TimeArguments::default()).await.unwrap_err();
    assert!(matches!(error, Error::ForeignAddress { .. }), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins_is_refused_without_asking() {
    let server = serve(record("0a", "throughput"), |_| panic!("not asked")).await;
    let archive = archive(&server);
    let series = the_test(&archive)
        .await
        .event_type("throughput")
        .unwrap()
        .base();
    let error = series.payload(&range(9, 8)).await.unwrap_err();
    assert!(matches!(error, Error::Time(_)), "{error}");
}

#[tokio::test]
async fn one_record_is_read_by_its_key_from_both_kinds_of_archives() {
    // Classic: the slash is wanted, by a redirect or by a plain 404.
    for without_slash in [301, 404] {
        let server = Server::start(move |asked, _| match asked.path.as_str() {
            "/esmond/perfsonar/archive/0a" => {
                Reply::status(without_slash).header("Location", "/esmond/perfsonar/archive/0a/")
            }
            "/esmond/perfsonar/archive/0a/" => Reply::json(&record("0a", "throughput")),
            other => panic!("{other}"),
        })
        .await;
        let test = archive(&server).metadata_by_key("0a").await.unwrap();
        assert_eq!(test.metadata_key(), "0a");
        assert_eq!(server.asked().len(), 2);
    }
    // perfSONAR 5: no slash.
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/esmond/perfsonar/archive/0a" => Reply::json(&record("0a", "throughput")),
        _ => Reply::status(404),
    })
    .await;
    let archive = archive(&server);
    assert!(archive.metadata_by_key("0a").await.is_ok());
    assert_eq!(server.asked().len(), 1);
    let error = archive.metadata_by_key("0b").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn anything_else_is_read_as_json() {
    let server = Server::start(|_, _| Reply::json(&json!({"any": [1.50]}))).await;
    let value = archive(&server)
        .get_json("0a/throughput", &[("format", "json")])
        .await
        .unwrap();
    assert_eq!(value.to_string(), r#"{"any":[1.5]}"#);
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/esmond/perfsonar/archive/0a/throughput");
    assert_eq!(asked.arguments(), ["format=json"]);
}
