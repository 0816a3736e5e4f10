//! Results for the Logstash input of a perfSONAR 5 archive.

use std::time::Duration;

use esmond_ps_client::{Credentials, Error, Logstash, RetryPolicy};
use serde_json::{Value, json};

use crate::server::{Reply, Server};

/// What Apache answers there without credentials.
const UNAUTHORIZED: &str = r#"<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head>
<title>401 Unauthorized</title>
</head><body>
<h1>Unauthorized</h1>
<p>This server could not verify that you
are authorized to access the document
requested.</p>
</body></html>
"#;

fn input(server: &Server) -> Logstash {
    Logstash::builder(server.url())
        .credentials(Credentials::token("perfsonar", "secret"))
        .retry_policy(RetryPolicy {
            first_pause: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
        .build_logstash()
        .unwrap()
}

fn result() -> Value {
    json!({"test": {"type": "throughput"}, "big": 9_007_199_254_740_993_i64})
}

fn ok() -> Reply {
    Reply::new(200, "text/plain", "ok")
}

#[tokio::test]
async fn a_result_is_put_with_who_measured_and_who_sends() {
    // DIFFERENCE: the originals cannot write to these archives.
    let server = Server::start(|_, _| ok()).await;
    let taken = input(&server).post("192.0.2.50", &result()).await.unwrap();
    assert!(!taken.already_there);
    let asked = &server.asked()[0];
    assert_eq!((&*asked.method, &*asked.path), ("PUT", "/logstash"));
    for (name, value) in [
        ("authorization", "Basic cGVyZnNvbmFyOnNlY3JldA=="),
        ("content-type", "application/json"),
        ("x-ps-observer", "192.0.2.50"),
    ] {
        assert_eq!(asked.header(name), Some(value));
    }
    assert_eq!(asked.body.to_string(), result().to_string());
}

#[tokio::test]
async fn what_is_not_known_is_not_sent() {
    let server = Server::start(|_, _| ok()).await;
    let input = Logstash::builder(format!("{}/input", server.url()));
    let input = input.build_logstash().unwrap();
    for observer in ["", "a\r\nb: c"] {
        input.post(observer, &result()).await.unwrap();
    }
    for asked in server.asked() {
        assert_eq!(asked.path, "/input");
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.header("x-ps-observer"), None);
        assert_eq!(asked.header("b"), None);
    }
}

#[tokio::test]
async fn every_success_is_one_whatever_comes_with_it() {
    let server = Server::start(|_, number| match number {
        0 => Reply::new(200, "application/octet-stream", "ok"),
        1 => Reply::json(&json!({"metadata-key": "0a"})).header("x", "y"),
        2 => Reply::new(202, "text/plain", ""),
        3 => Reply::status(204),
        // The result is taken, though the answer breaks off.
        4 => Reply::new(200, "text/plain", "ok ok ok").cut(),
        _ => Reply::new(409, "application/json", r#"{"detail":"known"}"#),
    })
    .await;
    let input = input(&server);
    for number in 0..6 {
        let taken = input.post("192.0.2.50", &result()).await.unwrap();
        assert_eq!(taken.already_there, number == 5, "{number}");
        let key = (number == 1).then_some("0a");
        assert_eq!(taken.answer["metadata-key"].as_str(), key);
    }
    assert_eq!(server.asked().len(), 6, "each of them was sent once");
}

#[tokio::test]
async fn a_page_for_people_is_no_success() {
    // DIFFERENCE: whatever its status.
    // Such as the form of a proxy that wants people to log in.
    let server =
        Server::start(|_, _| Reply::new(200, "Text/HTML; charset=utf-8", "<p>Please log in</p>"))
            .await;
    let error = input(&server).post("192.0.2.50", &result()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::ContentType { .. }), "{error:?}");
    assert!(error.to_string().ends_with("Please log in"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_input_that_is_backed_up_or_down_is_waited_for() {
    let server = Server::start(|_, number| match number {
        0 => Reply::new(429, "text/plain", "busy").header("Retry-After", "0"),
        1 => Reply::new(503, "text/html", "<p>Service Unavailable</p>"),
        2 => Reply::status(429),
        _ => ok(),
    })
    .await;
    input(&server).post("192.0.2.50", &result()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    for again in &asked[1..] {
        assert_eq!(again.body, asked[0].body);
        assert_eq!(again.header("x-ps-observer"), Some("192.0.2.50"));
    }
}

#[tokio::test]
async fn refusals_are_told_in_the_words_of_the_archive_and_not_repeated() {
    for (status, body, words) in [
        (
            401,
            UNAUTHORIZED,
            "could not verify that you are authorized",
        ),
        (
            403,
            "<p>You don't have permission to access this resource.</p>",
            "permission",
        ),
        (413, "<h1>Request Entity Too Large</h1>", "Too Large"),
        (400, r#"{"detail":"no test type"}"#, "no test type"),
        (
            405,
            "<p>The method is not allowed for the requested URL.</p>",
            "not allowed",
        ),
    ] {
        let server = Server::start(move |_, _| Reply::new(status, "text/html", body)).await;
        let error = input(&server)
            .post("192.0.2.50", &result())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.is_unauthorized(), matches!(status, 401 | 403));
        assert!(!matches!(error, Error::NoWriteApi { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_taken_for_a_success() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/logstash" => Reply::status(301).header("Location", "/elsewhere"),
        _ => ok(),
    })
    .await;
    let error = input(&server)
        .post("192.0.2.50", &result())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
}
