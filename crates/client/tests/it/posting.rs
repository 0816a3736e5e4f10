use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use esmond_ps_client::{Archive, Credentials, Error, NewMetadata, Posted, RetryPolicy};
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server, record};

fn archive(server: &Server) -> Archive {
    Archive::builder(server.url())
        .credentials(Credentials::token("u", "k"))
        .retry_policy(RetryPolicy {
            first_pause: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
        .build()
        .unwrap()
}

fn test() -> NewMetadata {
    NewMetadata::point_to_point("10.1.1.1", "10.1.1.2", "10.1.1.1", "t", "a", "b")
        .event_type("throughput")
}

fn stored() -> Reply {
    Reply::new(201, "application/json", r#""""#)
}

fn conflict(body: &Value) -> Reply {
    Reply::new(409, "application/json", body.to_string())
}

/// Event type, time and value of the points of a request.
fn points(asked: &Asked) -> Vec<(String, i64, Value)> {
    if asked.method == "POST" {
        let event_type = asked.path.rsplit('/').nth(1).unwrap().to_owned();
        let ts = asked.body["ts"].as_i64().unwrap();
        return vec![(event_type, ts, asked.body["val"].clone())];
    }
    let items = asked.body["data"].as_array().unwrap();
    items
        .iter()
        .flat_map(|item| {
            item["val"].as_array().unwrap().iter().map(|value| {
                let event_type = value["event-type"].as_str().unwrap().to_owned();
                (
                    event_type,
                    item["ts"].as_i64().unwrap(),
                    value["val"].clone(),
                )
            })
        })
        .collect()
}

/// The original archive as far as conflicts go: it stops at the first point
/// that it has, holds those before back until the next success, and adds up what
/// it is given twice meanwhile.
#[derive(Default)]
struct Original {
    sums: BTreeMap<(String, i64), i64>,
    held_back: Vec<(String, i64, Value)>,
}

impl Original {
    fn answer(&mut self, asked: &Asked) -> Reply {
        for (event_type, ts, value) in points(asked) {
            if self.sums.contains_key(&(event_type.clone(), ts)) {
                let detail = format!(
                    "Time series value already exists with event type {event_type} at time {ts}"
                );
                return conflict(&json!({ "detail": detail }));
            }
            self.held_back.push((event_type, ts, value));
        }
        for (event_type, ts, value) in self.held_back.drain(..) {
            *self.sums.entry((event_type, ts)).or_default() += value.as_i64().unwrap();
        }
        stored()
    }
}

#[tokio::test]
async fn at_an_original_archive_a_conflict_neither_loses_nor_doubles_other_points() {
    let original = Arc::new(Mutex::new(Original::default()));
    let server = Server::start({
        let original = original.clone();
        move |asked, _| original.lock().unwrap().answer(asked)
    })
    .await;
    let archive = archive(&server);
    for (ts, value) in [(3, 300), (5, 500)] {
        let value = json!(value);
        archive.post_point("0a", "x", ts, &value).await.unwrap();
    }
    let mut writer = archive.writer("0a");
    for ts in 1..=6 {
        writer.add("x", ts, 10).unwrap();
        writer.add("y", ts, 20).unwrap();
    }
    let posted = writer.flush().await.unwrap();
    let expected = Posted {
        stored: 10,
        already_there: 2,
    };
    assert_eq!(posted, expected);
    let original = original.lock().unwrap();
    assert!(original.held_back.is_empty());
    assert_eq!(original.sums.len(), 12);
    for ((event_type, ts), sum) in &original.sums {
        let expected = match (event_type.as_str(), ts) {
            ("x", 3 | 5) => ts * 100,
            ("x", _) => 10,
            _ => 20,
        };
        assert_eq!(*sum, expected, "{event_type} at {ts}");
    }
}

#[tokio::test]
async fn an_archive_that_names_its_conflicts_gets_no_further_request() {
    let server = Server::start(|_, _| {
        conflict(&json!({
            "detail": "Time series value already exists with event type x at time 2",
            "conflicts": [{"event-type": "x", "ts": 2}],
        }))
    })
    .await;
    let mut writer = archive(&server).writer("0a");
    for ts in 1..=3 {
        writer.add("x", ts, 1).unwrap();
    }
    let posted = writer.flush().await.unwrap();
    let expected = Posted {
        stored: 2,
        already_there: 1,
    };
    assert_eq!(posted, expected);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_conflict_in_other_words_is_sorted_out_point_by_point() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "POST" if asked.body["ts"] != 2 => stored(),
        _ => conflict(&json!({"detail": "dup"})),
    })
    .await;
    let mut writer = archive(&server).writer("0a");
    for ts in 1..=3 {
        writer.add("x", ts, 1).unwrap();
    }
    let posted = writer.flush().await.unwrap();
    let expected = Posted {
        stored: 2,
        already_there: 1,
    };
    assert_eq!(posted, expected);
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn bulks_are_bounded_and_what_failed_stays_to_be_sent() {
    // DIFFERENCE: the original library sends everything, and again.
    let down = Arc::new(Mutex::new(true));
    let server = Server::start({
        let down = down.clone();
        move |_, number| {
            if number == 1 && std::mem::take(&mut *down.lock().unwrap()) {
                return Reply::new(400, "application/json", r#"{"detail":"no"}"#);
            }
            stored()
        }
    })
    .await;
    let mut writer = archive(&server).writer("0a");
    for ts in 0..2500 {
        writer.add("x", ts, ts).unwrap();
    }
    let error = writer.flush().await.unwrap_err();
    assert!(
        error.to_string().ends_with("400 Bad Request: no"),
        "{error}"
    );
    assert_eq!(writer.len(), 1500);
    let posted = writer.flush().await.unwrap();
    assert_eq!((posted.stored, writer.len()), (1500, 0));
    let sent: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| points(asked).len())
        .collect();
    assert_eq!(sent, [1000, 1000, 1000, 500]);
    // Each of them with its own points, the refused ones again.
    let first = |number: usize| points(&server.asked()[number])[0].1;
    assert_eq!(
        [first(0), first(1), first(2), first(3)],
        [0, 1000, 1000, 2000]
    );
}

#[tokio::test]
async fn what_passes_is_sent_again_and_what_does_not_is_not() {
    // DIFFERENCE: the original library sends once.
    let server = Server::start(|asked, number| match number {
        0 => Reply::status(503),
        1 => Reply::status(504),
        2 if asked.method == "POST" => Reply::new(
            201,
            "application/json",
            record("0a", "throughput").to_string(),
        ),
        _ => Reply::new(500, "application/json", r#"{"detail":"disk full"}"#),
    })
    .await;
    let archive = archive(&server);
    let created = archive.post_metadata(&test()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2].path, "/esmond/perfsonar/archive/");
    assert_eq!(asked[0].body, asked[2].body);
    let mut writer = created.writer();
    writer.add("throughput", 1, 1).unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(error.to_string().ends_with(": disk full"), "{error}");
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(
        (asked[3].method.as_str(), asked[3].path.as_str()),
        ("PUT", "/esmond/perfsonar/archive/0a/")
    );
}

#[tokio::test]
async fn a_perfsonar_5_archive_is_told_by_its_405() {
    // DIFFERENCE: the original library does not know such archives.
    let server = Server::start(|_, _| Reply::new(405, "text/html", "<p>not allowed</p>")).await;
    let error = archive(&server).post_metadata(&test()).await.unwrap_err();
    assert!(matches!(error, Error::NoWriteApi { .. }), "{error}");
    assert!(error.to_string().contains("perfSONAR 5"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_redirect_or_a_page_in_html_is_no_success() {
    // DIFFERENCE: the original library follows redirects of writes.
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/esmond/perfsonar/archive/moved/" => {
            Reply::status(301).header("Location", "/esmond/perfsonar/archive/")
        }
        "/esmond/perfsonar/archive/login/" => Reply::new(200, "text/html", "<p>log in</p>"),
        _ => Reply::json(&json!([])),
    })
    .await;
    let archive = archive(&server);
    let write = async |key: &str| {
        let mut writer = archive.writer(key);
        writer.add("x", 1, 1).unwrap();
        writer.flush().await.unwrap_err()
    };
    let redirect = write("moved").await;
    assert!(matches!(redirect, Error::Redirect { .. }), "{redirect}");
    let page = write("login").await;
    assert!(matches!(page, Error::ContentType { .. }), "{page}");
}

#[tokio::test]
async fn refusals_are_told_in_the_words_of_the_archive() {
    let server = Server::start(|_, _| {
        let body = r#"{"detail":"Authentication credentials were not provided."}"#;
        Reply::new(401, "application/json", body)
    })
    .await;
    let error = archive(&server).post_metadata(&test()).await.unwrap_err();
    assert!(error.is_unauthorized());
    assert!(
        error
            .to_string()
            .ends_with("credentials were not provided."),
        "{error}"
    );
    let in_vain = archive(&server)
        .post_metadata(&test().parameter("url", "x"))
        .await
        .unwrap_err();
    assert!(matches!(in_vain, Error::Unsendable { .. }), "{in_vain}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn old_archives_get_their_own_form_of_credentials() {
    let server = Server::start(|_, _| stored()).await;
    let archive = Archive::builder(server.url())
        .credentials(Credentials::api_key("u", "k"))
        .build()
        .unwrap();
    archive.post_point("0a", "x", 1, &json!(1)).await.unwrap();
    assert_eq!(
        server.asked()[0].header("authorization"),
        Some("ApiKey u:k")
    );
}
