//! Streams of documents.

use serde_json::{Value, json};

use crate::captures::posts;
use crate::data::capture;
use crate::program::{Archive, run_on};

fn run_of_pscheduler(start: &str, result: &Value) -> Value {
    json!({
        "schedule": {"start": start, "duration": "PT11S"},
        "test": {"type": "trace", "spec": {"source": "192.0.2.1", "dest": "192.0.2.2"}},
        "tool": {"name": "traceroute", "version": "1.0"},
        "participants": ["192.0.2.1"],
        "result": result,
        "run": {"href": "https://192.0.2.1/pscheduler/tasks/1/runs/2"},
    })
}

#[test]
fn results_of_pscheduler_come_in_any_stream() {
    // DIFFERENCE: the original does not read them.
    let good = json!({"succeeded": true, "paths": [[{"ip": "192.0.2.2", "rtt": "PT0.001S"}]]});
    let bad = json!({"succeeded": false, "error": "no route"});
    let runs = [
        run_of_pscheduler("2024-03-05T14:30:00Z", &good),
        run_of_pscheduler("2024-03-05T14:31:00Z", &bad),
    ];
    let lines = format!("{}\n{}\n", runs[0], runs[1]);
    let framed = format!("\u{1e}{}\n\u{1e}{}\n", runs[0], runs[1]);
    let pretty = format!("{:#}\n{:#}\n", runs[0], runs[1]);
    let list = format!("{:#}\n", json!(runs));
    for input in [lines, framed, pretty, list] {
        let archive = Archive::taking_all();
        let run = run_on(&archive.url, &[], &input);
        // A failed run of pScheduler is a result like any other.
        assert_eq!(run.status, 0, "{run:?}");
        let requests = archive.requests();
        // Good and failed runs share their metadata.
        assert_eq!(requests.len(), 3, "{run:?}");
        assert_eq!(requests[0].body["tool-name"], "pscheduler/traceroute");
        assert_eq!(requests[0].body["measurement-agent"], "192.0.2.1");
        let values = |at: usize| requests[at].body["data"][0].clone();
        assert_eq!(values(1)["ts"], 1_709_649_000);
        assert_eq!(values(1)["val"][0]["event-type"], "packet-trace");
        assert_eq!(values(2)["val"][0]["val"]["error"], "no route");
        assert_eq!(run.log[1], "process_pscheduler.start begin");
    }
}

#[test]
fn an_odd_document_does_not_stop_the_stream() {
    let good = json!({"succeeded": true, "paths": [[{"ip": "192.0.2.2"}]]});
    let good = run_of_pscheduler("2024-03-05T14:30:00Z", &good);
    let mut odd = good.clone();
    odd["schedule"]["start"] = json!("soon");
    let archive = Archive::taking_all();
    let run = run_on(&archive.url, &[], &format!("{odd}\n{{\"cut\": [\n{good}\n"));
    assert_eq!(run.status, 1);
    assert_eq!(archive.requests().len(), 2);
    assert!(
        run.log
            .contains(&"main.fatal 2 of 3 tests not stored".to_owned()),
        "{run:?}"
    );
}

#[tokio::test]
async fn tests_of_iperf3_follow_each_other_with_text_between() {
    // DIFFERENCE: the original reads the output of bwctl, and one test of it.
    let text = capture("tcp-p1-3.12");
    let start = text.find("\n{").unwrap();
    let end = text.rfind("\n}").unwrap();
    let document = &text[start..end + 2];
    let input = format!("warning: x{document}\nwarning: x{document}\n");
    let posts = posts(&input).await;
    assert_eq!(posts.len(), 2);
    let first = posts[0].as_ref().unwrap();
    assert_eq!(first["metadata"]["tool-name"], "iperf3");
    assert_eq!(first["metadata"]["measurement-agent"], "127.0.0.2");
    assert_eq!(first["values"][0][0], "throughput");
}
