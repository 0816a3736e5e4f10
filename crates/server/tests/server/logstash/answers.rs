//! What the answer says, and what is done about results that are odd.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::{archive, basic, record, records, send, send_text, sent, smallest, stored, value};
use crate::support::Archive;

#[tokio::test]
async fn the_same_result_twice_changes_nothing_and_succeeds() {
    // DIFFERENCE: the original archive has nothing like `/logstash`.
    let archive = archive().await;
    let first = stored(&archive, &smallest(), &[]).await;
    let before = records(&archive).await;
    assert_eq!(stored(&archive, &smallest(), &[]).await, first);
    assert_eq!(records(&archive).await, before);
    let key = first["metadata-key"].as_str().unwrap();
    let path = format!("{key}/throughput/averages/86400");
    let day = archive.get(&path).await.json();
    assert_eq!(day, json!([{"ts": 1_740_787_200, "val": 9_412_345_678.0}]));
}

#[tokio::test]
async fn the_same_result_many_times_at_once_is_one() {
    let archive = archive().await;
    let (_, body) = sent().swap_remove(0);
    let one = || stored(&archive, &body, &[("x-ps-observer", "192.0.2.50")]);
    let answers = futures_util::future::join_all((0..16).map(|_| one())).await;
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0]["conflicts"], json!([]));
    assert_eq!(records(&archive).await.len(), 1);
}

/// A run of another task than `smallest` has.
fn of_task(task: &str, bits: u64) -> Value {
    let mut body = smallest();
    body["run"]["task-href"] = json!(format!("https://ps.example.org/pscheduler/tasks/{task}"));
    body["run"]["href"] = json!(format!("https://ps.example.org/pscheduler/runs/{task}"));
    body["result"]["summary"]["summary"]["throughput-bits"] = json!(bits);
    body
}

#[tokio::test]
async fn runs_of_two_tasks_in_one_second_are_both_kept() {
    // DIFFERENCE: the original archiver makes one record of both.
    let archive = archive().await;
    let first = stored(&archive, &of_task("1", 100), &[]).await;
    let second = stored(&archive, &of_task("2", 200), &[]).await;
    assert_ne!(first["metadata-key"], second["metadata-key"]);
    let named = json!([
        {"event-type": "throughput", "ts": 1_740_830_400},
        {"event-type": "pscheduler-run-href", "ts": 1_740_830_400}
    ]);
    assert_eq!(second["conflicts"], named);
    let note = second["notes"][0].as_str().unwrap();
    assert!(
        note.contains(first["metadata-key"].as_str().unwrap()),
        "{note}"
    );
    let read = async |answer| value(&archive, answer, "throughput").await;
    assert_eq!(read(&first).await, Some(json!(100.0)));
    assert_eq!(read(&second).await, Some(json!(200.0)));
    let (one, other) = (
        record(&archive, &first).await,
        record(&archive, &second).await,
    );
    assert_eq!(one["pscheduler-task-href"], Value::Null);
    let task = "https://ps.example.org/pscheduler/tasks/2";
    assert_eq!(other["pscheduler-task-href"], task);
    // Sent again, both are where they were.
    assert_eq!(stored(&archive, &of_task("2", 200), &[]).await, second);
    assert_eq!(stored(&archive, &of_task("1", 100), &[]).await, first);
    assert_eq!(records(&archive).await.len(), 2);
}

#[tokio::test]
async fn runs_of_no_task_in_one_second_are_told_apart_by_what_they_call_themselves() {
    let archive = archive().await;
    let run = |id: &str, bits: u64| {
        let mut body = smallest();
        body["id"] = json!(id);
        body["result"]["summary"]["summary"]["throughput-bits"] = json!(bits);
        body
    };
    let first = stored(&archive, &run("a", 100), &[]).await;
    let second = stored(&archive, &run("b", 200), &[]).await;
    let read = async |answer| value(&archive, answer, "throughput").await;
    assert_eq!(read(&first).await, Some(json!(100.0)));
    assert_eq!(read(&second).await, Some(json!(200.0)));
    assert_eq!(record(&archive, &second).await["pscheduler-run-id"], "b");
    assert_eq!(stored(&archive, &run("b", 200), &[]).await, second);
    assert_eq!(records(&archive).await.len(), 2);
}

#[tokio::test]
async fn other_values_that_have_no_place_are_conflicts_and_replace_nothing() {
    // DIFFERENCE: in other writes documents and histograms replace each other.
    let archive = archive().await;
    let mut body = smallest();
    body["result"]["intervals"] =
        json!([{"summary": {"start": 0, "end": 1, "throughput-bits": 5}}]);
    let first = stored(&archive, &body, &[]).await;
    body["result"]["summary"]["summary"]["throughput-bits"] = json!(1);
    body["result"]["intervals"][0]["summary"]["throughput-bits"] = json!(6);
    let second = stored(&archive, &body, &[]).await;
    assert_eq!(second["metadata-key"], first["metadata-key"]);
    assert_eq!(second["event-types"], json!(["packet-retransmits"]));
    let conflicts = second["conflicts"].as_array().unwrap();
    let names: Vec<_> = conflicts.iter().map(|one| &one["event-type"]).collect();
    assert_eq!(names, ["throughput", "throughput-subintervals"]);
    let read = value(&archive, &first, "throughput-subintervals").await;
    assert_eq!(read, Some(json!([{"start": 0, "duration": 1.0, "val": 5}])));
}

#[tokio::test]
async fn a_failed_run_and_a_good_one_have_one_record() {
    // DIFFERENCE: the original archiver makes two.
    let archive = archive().await;
    let (_, good) = sent().swap_remove(0);
    let first = stored(&archive, &good, &[]).await;
    let mut failed = good.clone();
    failed["schedule"]["start"] = json!("2025-03-01T13:00:00Z");
    failed["result"] = json!({"succeeded": false, "error": "no route"});
    let second = stored(&archive, &failed, &[]).await;
    assert_eq!(first["metadata-key"], second["metadata-key"]);
    let read = value(&archive, &second, "failures").await;
    assert_eq!(read, Some(json!({"error": "no route"})));
    failed["schedule"]["start"] = json!("2025-03-01T14:00:00Z");
    failed["result"] = Value::Null;
    let third = stored(&archive, &failed, &[]).await;
    let read = value(&archive, &third, "failures").await.unwrap();
    assert!(
        read["error"]
            .as_str()
            .unwrap()
            .starts_with("The test failed")
    );
}

#[tokio::test]
async fn who_measured_is_the_first_that_has_an_address() {
    let agent = async |body: &Value, observer: Option<&str>| {
        let archive = archive().await;
        let headers: Vec<_> = observer
            .map(|name| ("x-ps-observer", name))
            .into_iter()
            .collect();
        let answer = stored(&archive, body, &headers).await;
        let record = record(&archive, &answer).await;
        let agent = record["measurement-agent"].as_str().unwrap().to_owned();
        (agent, answer["notes"].as_array().unwrap().len())
    };
    let mut body = smallest();
    assert_eq!(
        agent(&body, Some("2001:DB8::5")).await,
        ("2001:db8::5".into(), 0)
    );
    // Of a name, the address in the family of the test.
    body["test"]["spec"]["ip-version"] = json!(4);
    let named = agent(&body, Some("thr-a.example.org")).await;
    assert_eq!(named, ("192.0.2.100".into(), 0));
    // A template that nobody filled in is nobody's name.
    let template = agent(&body, Some("{% scheduled_by_address %}")).await;
    assert_eq!(template, ("192.0.2.10".into(), 1));
    assert_eq!(agent(&body, None).await, ("192.0.2.10".into(), 0));
    body["task"]["href"] = json!("https://toolkit.example.org/pscheduler/tasks/1");
    assert_eq!(agent(&body, None).await, ("192.0.2.60".into(), 0));
    assert_eq!(
        agent(&body, Some("192.0.2.5")).await,
        ("192.0.2.5".into(), 0)
    );
    let envelope = json!({"data": {"measurement-agent": "192.0.2.61"}, "result": body});
    assert_eq!(agent(&envelope, None).await, ("192.0.2.61".into(), 0));
    // Tests send from 127.0.0.1.
    body["task"] = Value::Null;
    body["participants"] = Value::Null;
    body["test"]["spec"]["source"] = json!("gone.example.org");
    assert_eq!(agent(&body, None).await, ("127.0.0.1".into(), 1));
}

#[tokio::test]
async fn hosts_without_an_address_do_not_lose_a_result() {
    // DIFFERENCE: with the original archiver they do.
    for (source, destination) in [
        ("192.0.2.10", "gone.example.org"),
        ("gone.example.org", "198.51.100.20"),
        // Both have addresses, but none of one family.
        ("192.0.2.10", "only6.example.org"),
    ] {
        let archive = archive().await;
        let mut body = smallest();
        body["test"]["spec"]["source"] = json!(source);
        body["test"]["spec"]["dest"] = json!(destination);
        let answer = stored(&archive, &body, &[("x-ps-observer", "192.0.2.50")]).await;
        let notes = answer["notes"].as_array().unwrap();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let note = notes[0].as_str().unwrap();
        assert!(note.contains("no address is known"), "{note}");
        let shown = record(&archive, &answer).await;
        assert_eq!(shown["subject-type"], "network-element");
        assert_eq!(shown["source"], "192.0.2.50");
        assert_eq!(shown["measurement-agent"], "192.0.2.50");
        assert_eq!(shown["input-source"], source);
        assert_eq!(shown["input-destination"], destination);
        assert_eq!(shown["destination"], Value::Null);
        assert!(value(&archive, &answer, "throughput").await.is_some());
        let found = archive
            .get(&format!("?input-destination={destination}"))
            .await;
        assert_eq!(found.json().as_array().unwrap().len(), 1);
        assert_eq!(
            stored(&archive, &body, &[("x-ps-observer", "192.0.2.50")]).await,
            answer
        );
        assert_eq!(records(&archive).await.len(), 1);
    }
}

#[tokio::test]
async fn names_are_resolved_in_the_family_that_the_test_asks_for() {
    for (version, source, destination) in [
        (json!(4), "192.0.2.100", "198.51.100.100"),
        (json!(6), "2001:db8:100::a", "2001:db8:100::b"),
        (Value::Null, "2001:db8:100::a", "2001:db8:100::b"),
    ] {
        let archive = archive().await;
        let (_, mut body) = sent().swap_remove(0);
        body["test"]["spec"]["ip-version"] = version;
        let answer = stored(&archive, &body, &[]).await;
        let record = record(&archive, &answer).await;
        assert_eq!(record["source"], source);
        assert_eq!(record["destination"], destination);
        assert_eq!(record["input-source"], "thr-a.example.org");
    }
}

#[tokio::test]
async fn what_is_no_result_is_refused_with_the_reason() {
    let archive = archive().await;
    let mut no_time = smallest();
    no_time["run"] = json!({"start-time": "soon"});
    let mut no_type = smallest();
    no_type["test"] = json!({"spec": {}});
    let mut long_name = smallest();
    long_name["test"]["spec"]["source"] = json!("192.0.2.10");
    long_name["tool"]["name"] = json!("x".repeat(200));
    for (body, said) in [
        (String::new(), "one JSON object"),
        ("{not json".to_owned(), "one JSON object"),
        ("\u{1}".to_owned(), "one JSON object"),
        (
            json!([smallest()]).to_string(),
            "send each result by itself",
        ),
        ("5".to_owned(), "single value"),
        ("{}".to_owned(), "no usable result"),
        (
            json!({"result": {}, "data": {}}).to_string(),
            "no usable test",
        ),
        (no_type.to_string(), "no usable test type"),
        (no_time.to_string(), "no usable start time"),
        (
            long_name.to_string(),
            "tool-name must not have more than 128",
        ),
        (
            r#"{"$serde_json::private::Number": "1"}"#.to_owned(),
            "must not begin",
        ),
    ] {
        let answer = send_text(&archive, &body, &[]).await;
        assert_eq!(answer.status, 400, "{body}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{body}: {detail}");
    }
    assert!(records(&archive).await.is_empty());
}

#[tokio::test]
async fn results_come_by_put_or_post_with_any_content_type_and_with_or_without_slash() {
    let archive = archive().await;
    for (at, (method, path, content_type)) in [
        (Method::PUT, "/logstash", "application/json"),
        (Method::POST, "/logstash", "text/plain"),
        (
            Method::PUT,
            "/logstash/",
            "application/x-www-form-urlencoded",
        ),
        (Method::POST, "/logstash/", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = smallest();
        body["run"]["start-time"] = json!(format!("2025-03-01T12:0{at}:00Z"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", basic())
            .header("accept", "text/plain")
            .header("content-type", content_type)
            .body(Body::from(body.to_string()));
        let answer = archive.ask(request.unwrap()).await;
        assert_eq!(answer.status, 200, "{path} {content_type}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(records(&archive).await.len(), 1);
    for method in [Method::GET, Method::DELETE, Method::HEAD] {
        let request = Request::builder()
            .method(method)
            .uri("/logstash")
            .header("authorization", basic())
            .body(Body::empty());
        let answer = archive.ask(request.unwrap()).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("PUT, POST"));
    }
}

#[tokio::test]
async fn it_is_served_whatever_the_script_alias_is() {
    for alias in ["", "ma", "logstash"] {
        let mut config = super::settings();
        config.script_alias = alias.to_owned();
        let archive = Archive::with(config).await;
        let answer = send(&archive, &smallest(), &[]).await;
        assert_eq!(answer.status, 200, "{alias}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let mut config = super::settings();
    config.body_limit = 100;
    let archive = Archive::with(config).await;
    assert_eq!(send(&archive, &smallest(), &[]).await.status, 413);
}
