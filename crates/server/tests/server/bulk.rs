//! Bulk writes: everything is checked, all that is new is stored, the rest is
//! named.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Archive, NOW};

fn item(ts: i64, event_type: &str, val: &Value) -> Value {
    json!({ "ts": ts, "val": [{ "event-type": event_type, "val": val }] })
}

async fn put(archive: &Archive, key: &str, items: &[Value]) -> (u16, Value) {
    let body = json!({ "data": items });
    let answer = archive.write(Method::PUT, &format!("{key}/"), &body).await;
    (answer.status.as_u16(), answer.json())
}

async fn points(archive: &Archive, key: &str, series: &str) -> Value {
    archive.get(&format!("{key}/{series}")).await.json()
}

async fn with_throughput() -> (Archive, String) {
    let archive = Archive::new().await;
    let summaries = json!([{"summary-type": "aggregation", "summary-window": 300}]);
    let event_types = json!([{"event-type": "throughput", "summaries": summaries}]);
    let key = archive.record(&event_types).await;
    (archive, key)
}

#[tokio::test]
async fn conflicts_are_named_and_the_rest_is_stored() {
    // DIFFERENCE: the original stops at the first.
    let (archive, key) = with_throughput().await;
    let first = [
        item(0, "throughput", &json!(1)),
        item(10, "throughput", &json!(2)),
    ];
    assert_eq!(put(&archive, &key, &first).await, (201, json!("")));

    let second = [
        item(10, "throughput", &json!(99)),
        item(20, "throughput", &json!(4)),
        item(0, "throughput", &json!(1)),
    ];
    let (status, body) = put(&archive, &key, &second).await;
    assert_eq!(status, 409);
    assert_eq!(
        body,
        json!({
            "detail": "Time series value already exists with event type throughput at time 10",
            "conflicts": [
                {"event-type": "throughput", "ts": 10},
                {"event-type": "throughput", "ts": 0}
            ]
        })
    );
    assert_eq!(
        points(&archive, &key, "throughput/base").await,
        json!([{"ts": 0, "val": 1.0}, {"ts": 10, "val": 2.0}, {"ts": 20, "val": 4.0}])
    );
    assert_eq!(
        points(&archive, &key, "throughput/aggregations/300").await,
        json!([{"ts": 0, "val": 7.0}])
    );
}

#[tokio::test]
async fn one_bad_value_and_nothing_is_stored() {
    let (archive, key) = with_throughput().await;
    let items = [
        item(0, "throughput", &json!(1)),
        item(10, "failures", &json!({"error": "e"})),
        item(20, "throughput", &json!("abc")),
    ];
    let (status, body) = put(&archive, &key, &items).await;
    assert_eq!(
        (status, body),
        (400, json!({"detail": "Value must be an integer"}))
    );
    assert_eq!(points(&archive, &key, "throughput/base").await, json!([]));
    assert_eq!(points(&archive, &key, "failures/base").await, json!([]));
    let record = archive.get(&key).await.json();
    assert_eq!(record["event-types"][0]["time-updated"], Value::Null);
}

#[tokio::test]
async fn of_two_values_for_one_point_the_first_wins() {
    // DIFFERENCE: the original adds the two up.
    let (archive, key) = with_throughput().await;
    let items = [
        item(5, "throughput", &json!(10)),
        item(5, "throughput", &json!(15)),
    ];
    let (status, body) = put(&archive, &key, &items).await;
    assert_eq!(status, 409);
    assert_eq!(
        body["conflicts"],
        json!([{"event-type": "throughput", "ts": 5}])
    );
    assert_eq!(
        points(&archive, &key, "throughput/aggregations/300").await,
        json!([{"ts": 0, "val": 10.0}])
    );
}

#[tokio::test]
async fn histograms_of_one_request_and_replaced_ones_count_once() {
    let archive = Archive::new().await;
    let summaries = json!([
        {"summary-type": "aggregation", "summary-window": 300},
        {"summary-type": "statistics", "summary-window": 300}
    ]);
    let event_types = json!([{"event-type": "histogram-owdelay", "summaries": summaries}]);
    let key = archive.record(&event_types).await;
    let name = "histogram-owdelay";
    let items = [
        item(0, name, &json!({"1": 1})),
        item(60, name, &json!({"2": 1})),
    ];
    assert_eq!(put(&archive, &key, &items).await.0, 201);
    let replaced = [item(60, name, &json!({"3": 1}))];
    assert_eq!(put(&archive, &key, &replaced).await.0, 201);
    assert_eq!(
        points(&archive, &key, "histogram-owdelay/aggregations/300").await,
        json!([{"ts": 0, "val": {"1": 1, "3": 1}}])
    );
    let statistics = points(&archive, &key, "histogram-owdelay/statistics/300").await;
    assert_eq!(statistics[0]["val"]["mean"], json!(2.0));
}

#[tokio::test]
async fn a_float_aggregation_is_the_sum_however_the_points_came() {
    // DIFFERENCE: that of the original is now and then the average.
    let archive = Archive::new().await;
    let summaries = json!([
        {"summary-type": "aggregation", "summary-window": 300},
        {"summary-type": "average", "summary-window": 300}
    ]);
    let event_types = json!([{"event-type": "time-error-estimates", "summaries": summaries}]);
    let key = archive.record(&event_types).await;
    let items = [0.25, 0.5, 0.75].map(|val| {
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let ts = (val * 4.0) as i64;
        item(ts, "time-error-estimates", &json!(val))
    });
    assert_eq!(put(&archive, &key, &items).await.0, 201);
    for (series, expected) in [("aggregations", 1.5), ("averages", 0.5)] {
        let series = format!("time-error-estimates/{series}/300");
        assert_eq!(
            points(&archive, &key, &series).await,
            json!([{"ts": 0, "val": expected}])
        );
    }
}

#[tokio::test]
async fn an_unknown_record_is_not_found_even_with_nothing_to_store() {
    // DIFFERENCE: the original answers 201.
    let archive = Archive::new().await;
    let missing = (404, json!({"detail": "Not found."}));
    assert_eq!(put(&archive, "0123", &[]).await, missing);
    let items = [item(0, "throughput", &json!(1))];
    assert_eq!(put(&archive, "0123", &items).await, missing);
}

#[tokio::test]
async fn an_event_type_that_is_not_listed_is_added_without_summaries() {
    let (archive, key) = with_throughput().await;
    let items = [item(0, "packet-trace", &json!([]))];
    assert_eq!(put(&archive, &key, &items).await.0, 201);
    let record = archive.get(&key).await.json();
    assert_eq!(record["event-types"][0]["event-type"], "packet-trace");
    assert_eq!(record["event-types"][0]["time-updated"], json!(NOW));
    assert_eq!(record["event-types"][0]["summaries"], json!([]));
    assert_eq!(record["event-types"][1]["time-updated"], Value::Null);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_json() {
    let mut config = crate::support::config();
    config.body_limit = 1000;
    let archive = Archive::with(config).await;
    let key = archive.record(&json!([])).await;
    let body = format!("{{\"data\": [{}]}}", " ".repeat(1000));
    let path = format!("{key}/");
    let answer = archive.write_text(Method::PUT, &path, &body).await;
    assert_eq!(answer.status, 413);
    let detail = json!("Request body is larger than 1000 bytes");
    assert_eq!(answer.json()["detail"], detail);
    let answer = archive.write_text(Method::POST, "", &body).await;
    assert_eq!(answer.status, 413);
}
