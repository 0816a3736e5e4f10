use std::sync::{Arc, Mutex};
use std::time::Duration;

use esmond_ps_client::model::MetadataFilters;
use esmond_ps_client::{Archive, RequestEvent, RetryPolicy};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::server::{Reply, Server, record};

/// What one search came to: the number of tests or the error, the number of
/// requests, and the pauses between them.
struct Run {
    result: Result<usize, String>,
    requests: usize,
    pauses: Vec<Duration>,
    events: Vec<String>,
}

/// Searches an archive that gives these answers one after the other, and then
/// one test.
async fn search(policy: RetryPolicy, replies: Vec<Reply>) -> Run {
    let server = Server::start(move |asked, number| {
        if asked.argument("offset").is_some() {
            return Reply::json(&json!([]));
        }
        let success = || Reply::json(&json!([record("0a", "throughput")]));
        replies.get(number).cloned().unwrap_or_else(success)
    })
    .await;
    let log = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let seen = log.clone();
    let archive = Archive::builder(server.url())
        .retry_policy(policy)
        .on_request(move |event| {
            let mut log = seen.lock().unwrap();
            match event {
                RequestEvent::Sending { attempt, .. } => log.0.push(format!("sending {attempt}")),
                RequestEvent::Retrying { pause, error, .. } => {
                    log.0.push(format!(
                        "retrying after {}",
                        error.status().map_or(0, |status| status.as_u16())
                    ));
                    log.1.push(*pause);
                }
                RequestEvent::Page { results, .. } => log.0.push(format!("{results} results")),
                _ => {}
            }
        })
        .build()
        .unwrap();
    let tests = archive.metadata(&MetadataFilters::new());
    let result = tests.try_collect::<Vec<_>>().await;
    let (events, pauses) = log.lock().unwrap().clone();
    Run {
        result: result
            .map(|tests| tests.len())
            .map_err(|error| error.to_string()),
        requests: server.asked().len(),
        pauses,
        events,
    }
}

fn quick() -> RetryPolicy {
    RetryPolicy {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        longest_retry_after: Duration::from_millis(3),
        ..RetryPolicy::default()
    }
}

#[tokio::test]
async fn what_passes_is_asked_for_again() {
    // DIFFERENCE: the original library asks once.
    let run = search(quick(), vec![Reply::status(503), Reply::status(429)]).await;
    assert_eq!(run.result, Ok(1));
    // Two failures, the page, and the empty page at the end of the list.
    assert_eq!(run.requests, 4);
    assert_eq!(
        run.events,
        [
            "sending 1",
            "retrying after 503",
            "sending 2",
            "retrying after 429",
            "sending 3",
            "1 results",
            "sending 1",
            "0 results"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_as_a_whole() {
    let broken = Reply::json(&json!([record("0a", "throughput")])).cut();
    let run = search(quick(), vec![broken]).await;
    assert_eq!((run.result, run.requests), (Ok(1), 3));
}

#[tokio::test]
async fn after_the_last_retry_the_error_is_told() {
    let run = search(quick(), vec![Reply::status(502); 4]).await;
    assert!(run.result.unwrap_err().contains("502 Bad Gateway"));
    assert_eq!(run.requests, 4);
    let none = RetryPolicy {
        retries: 0,
        ..quick()
    };
    assert_eq!(search(none, vec![Reply::status(502)]).await.requests, 1);
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_for_again() {
    for status in [400, 401, 404, 405, 500] {
        let run = search(quick(), vec![Reply::status(status)]).await;
        assert!(run.result.is_err());
        assert_eq!(run.requests, 1, "{status}");
    }
}

#[tokio::test]
async fn the_archive_can_say_how_long_to_wait_up_to_a_bound() {
    let wait = |value| Reply::status(503).header("Retry-After", value);
    let run = search(
        quick(),
        vec![
            wait("0"),
            wait("3600"),
            wait("Mon, 01 Jan 2001 00:00:00 GMT"),
        ],
    )
    .await;
    assert_eq!(run.result, Ok(1));
    assert_eq!(
        run.pauses,
        [Duration::ZERO, Duration::from_millis(3), Duration::ZERO]
    );
}
