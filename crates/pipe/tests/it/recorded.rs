//! The runs of the original program, made again with ours.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::data::{recordings, same};
use crate::program::{Archive, Request, event, run};

fn recording(name: &str) -> Value {
    let all = recordings();
    all.into_iter().find(|one| one["name"] == name).unwrap()
}

/// Makes a recorded run again; a recorded status answers each request.
fn again(case: &Value, number: usize) -> (crate::program::Run, Vec<Request>) {
    let recorded = &case["runs"][number];
    let answers: Vec<u64> = recorded["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["status"].as_u64().unwrap())
        .collect();
    let archive = Archive::answering(move |request, number| match answers.get(number) {
        Some(201) | None => crate::program::taken(request, number),
        Some(409) => (
            409,
            json!({"detail": "there", "conflicts": [{"event-type": "throughput", "ts": 1}]}),
        ),
        Some(status) => (
            u16::try_from(*status).unwrap(),
            json!({"detail": "Invalid token."}),
        ),
    });
    let arguments: Vec<String> = recorded["argv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().replace("{{url}}", &archive.url))
        .collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The original has no such option, and gives up at once.
    if !arguments.is_empty() && !arguments.contains(&"--bogus") {
        arguments.extend(["--retries", "0"]);
    }
    let run = run(&arguments, case["stdin"].as_str().unwrap().as_bytes());
    (run, archive.requests())
}

/// What the original posted, in the form in which it is correct.
fn corrected(recorded: &Value) -> Value {
    let mut body = recorded.clone();
    let udp = body["ip-transport-protocol"] == "UDP";
    if let Some(metadata) = body
        .as_object_mut()
        .filter(|map| map.contains_key("event-types"))
    {
        // DIFFERENCE: the documented spelling of protocol and of this parameter.
        let protocol = metadata["ip-transport-protocol"]
            .as_str()
            .unwrap()
            .to_lowercase();
        metadata.insert("ip-transport-protocol".to_owned(), json!(protocol));
        let omitted = metadata.shift_remove("bw_ignore_first_seconds").unwrap();
        metadata.insert("bw-ignore-first-seconds".to_owned(), omitted);
        let types = metadata["event-types"].as_array().unwrap().iter();
        let mut types: BTreeSet<String> = types
            .map(|entry| entry["event-type"].as_str().unwrap().to_owned())
            .collect();
        // DIFFERENCE: failures are always declared; UDP has no retransmits.
        types.insert("failures".to_owned());
        types.retain(|name| !(udp && name.contains("retransmits")));
        metadata.insert("event-types".to_owned(), json!(types));
    }
    if let Some(points) = body
        .pointer_mut("/data/0/val")
        .and_then(Value::as_array_mut)
    {
        // DIFFERENCE: nulls are not sent.
        points.retain(|point| !point["val"].to_string().contains("null"));
        for point in points.iter_mut() {
            let name = point["event-type"].as_str().unwrap().to_owned();
            if name.starts_with("streams-") && name.ends_with("-subintervals") {
                point["val"] = per_stream(&point["val"]);
            }
        }
        points.sort_by_key(|point| point["event-type"].to_string());
    }
    same(&body)
}

/// DIFFERENCE: a list per stream with `val`, not one per interval with other names.
fn per_stream(intervals: &Value) -> Value {
    let intervals = intervals.as_array().unwrap();
    let streams = intervals[0].as_array().unwrap().len();
    let stream = |stream: usize| -> Value {
        let one = intervals.iter().map(|interval| {
            let entry = &interval[stream];
            let value = ["retransmits", "throughput"]
                .iter()
                .find_map(|name| entry.get(*name));
            json!({"start": entry["start"], "duration": entry["duration"], "val": value})
        });
        one.collect()
    };
    (0..streams).map(stream).collect()
}

/// What ours posted, with lists whose order does not matter in one order.
fn ordered(sent: &Value) -> Value {
    let mut body = sent.clone();
    if let Some(types) = body.get("event-types").and_then(Value::as_array) {
        let types: BTreeSet<_> = types
            .iter()
            .map(|entry| entry["event-type"].to_string())
            .collect();
        let types: Vec<Value> = types
            .iter()
            .map(|name| serde_json::from_str(name).unwrap())
            .collect();
        body["event-types"] = json!(types);
    }
    if let Some(points) = body
        .pointer_mut("/data/0/val")
        .and_then(Value::as_array_mut)
    {
        points.sort_by_key(|point| point["event-type"].to_string());
    }
    same(&body)
}

#[test]
fn runs_that_stored_something_send_the_same_requests_and_log_the_same_lines() {
    let cases = [
        "tcp1",
        "tcp4",
        "udp",
        "tcp-omit",
        "tcp-reverse",
        "names",
        "tcp4-verbose",
        "script-alias",
        "twice",
    ];
    for name in cases {
        let case = recording(name);
        for number in 0..case["runs"].as_array().unwrap().len() {
            let recorded = &case["runs"][number];
            let (run, requests) = again(&case, number);
            assert_eq!(run.status, 0, "{name}: {run:?}");
            let wanted = recorded["requests"].as_array().unwrap();
            assert_eq!(requests.len(), wanted.len(), "{name}: {requests:?}");
            for (sent, wanted) in requests.iter().zip(wanted) {
                assert_eq!(sent.method, wanted["method"].as_str().unwrap(), "{name}");
                assert_eq!(
                    sent.authorization.as_deref(),
                    wanted["authorization"].as_str()
                );
                if sent.method == "POST" {
                    assert_eq!(sent.path, wanted["path"].as_str().unwrap(), "{name}");
                }
                assert_eq!(ordered(&sent.body), corrected(&wanted["body"]), "{name}");
            }
            let lines = recorded["log"].as_array().unwrap().iter();
            // DIFFERENCE: what is there already is no warning.
            let lines: Vec<String> = lines
                .map(|line| event(line.as_str().unwrap()))
                .filter(|line| !line.starts_with("write.warning"))
                .collect();
            let (mut ours, mut theirs) = (run.log, lines);
            // Requests are told with -v, and event types in an order of their own.
            ours.retain(|line| !line.starts_with("request.debug"));
            for log in [&mut ours, &mut theirs] {
                log.sort();
            }
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

#[test]
fn input_without_a_test_is_told_in_the_same_lines() {
    for name in ["no-start", "empty"] {
        let case = recording(name);
        let (run, requests) = again(&case, 0);
        assert!(requests.is_empty(), "{name}");
        let lines = case["runs"][0]["log"].as_array().unwrap().iter();
        let lines: Vec<_> = lines
            .map(|line| event(line.as_str().unwrap()).trim_end().to_owned())
            .collect();
        let ours: Vec<_> = run
            .log
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(ours, lines, "{name}");
        // DIFFERENCE: 1, not 255.
        assert_eq!(run.status, 1, "{name}");
    }
}

#[test]
fn usage_errors_are_the_same() {
    for name in [
        "args-no-args",
        "args-no-key",
        "args-missing-log-dir",
        "args-unknown-option",
    ] {
        let case = recording(name);
        let (run, _) = again(&case, 0);
        let complaint = case["runs"][0]["log"].as_array().unwrap().last().unwrap();
        let complaint = complaint
            .as_str()
            .unwrap()
            .trim_start_matches("esmond-ps-pipe: error: ");
        assert_eq!(run.status, 2, "{name}");
        assert!(
            run.stderr.trim_end().ends_with(complaint),
            "{name}: {}",
            run.stderr
        );
    }
}

/// Everything that the original crashes at, gives up at, or leaves out.
///
/// DIFFERENCE: in each of these cases.
#[test]
fn runs_that_lost_something_store_it_or_end_with_status_1() {
    let posted = |requests: &[Request]| -> Vec<Map<String, Value>> {
        let puts = requests.iter().filter(|request| request.method == "PUT");
        puts.map(|put| {
            let points = put.body["data"][0]["val"].as_array().unwrap().iter();
            let entry = |point: &Value| {
                (
                    point["event-type"].as_str().unwrap().to_owned(),
                    point["val"].clone(),
                )
            };
            points.map(entry).collect()
        })
        .collect()
    };
    let result = |name: &str, status: i32, tests: usize| {
        let (run, requests) = again(&recording(name), 0);
        assert_eq!(run.status, status, "{name}: {run:?}");
        let posted = posted(&requests);
        assert_eq!(posted.len(), tests, "{name}: {run:?}");
        let last = if status == 0 {
            "main.exit success"
        } else {
            "main.fatal exiting"
        };
        assert_eq!(run.log.last().map(String::as_str), Some(last), "{name}");
        (run, requests, posted)
    };
    // More streams than one of UDP; another spelling of the time; a host of bwctl's own;
    // IPv6; names that have no address; no line of bwctl about the ends; no end.
    for name in [
        "udp2",
        "bad-time",
        "local-side",
        "ipv6-receiver",
        "unresolvable",
        "no-headers",
        "no-stop",
    ] {
        let (_, _, posted) = result(name, 0, 1);
        assert!(posted[0].contains_key("throughput"), "{name}");
        assert!(!posted[0].contains_key("failures"), "{name}");
    }
    let (_, _, posted) = result("udp2", 0, 1);
    assert_eq!(posted[0]["streams-throughput"].as_array().unwrap().len(), 2);
    let (_, _, posted) = result("two-tests", 0, 2);
    assert!(
        posted
            .iter()
            .all(|values| values.contains_key("throughput"))
    );
    // Plain output of iperf3 has all that is needed.
    let (_, requests, _) = result("plain-json", 0, 1);
    assert_eq!(requests[0].body["tool-name"], "iperf3");
    assert_eq!(requests[0].body["input-destination"], "127.0.0.1");
    // Tests that failed.
    for (name, error) in [
        ("error", "unable to connect to server: Connection refused"),
        ("bad-json", "iperf3 printed no whole result"),
        ("empty-json", "iperf3 printed no result"),
    ] {
        let (run, _, posted) = result(name, 1, 1);
        assert_eq!(posted[0]["failures"], json!({"error": error}), "{name}");
        let line = format!("main.fatal the test failed: {error}");
        assert!(run.log.contains(&line), "{name}: {run:?}");
    }
    let (run, _, _) = result("bad-json", 1, 1);
    assert!(run.log[1].starts_with("id_and_extract.error could not load json_block: {"));
    // What cannot be stored.
    let (run, _, _) = result("other-tool", 1, 0);
    assert_eq!(
        run.log[1],
        "main.fatal there is no handler for input type: nuttcp"
    );
    for name in ["bad-key", "refused"] {
        let (mut run, _, _) = result(name, 1, 0);
        // DIFFERENCE: ours says which option may help.
        let all = run.log.len();
        run.log.retain(|line| !line.starts_with("main.warn hint: "));
        assert_eq!(run.log.len(), all - 1, "{name}: {run:?}");
        let start = "process_iperf3.error MetadataPost failed, abort processing, \
                     not updating record state - ERROR: ";
        assert!(run.log[2].starts_with(start), "{name}: {run:?}");
        assert!(
            run.log[3].starts_with(
                "process_iperf3.error not stored: the bwctl/iperf3 test from 127.0.0.1"
            ),
            "{name}: {run:?}"
        );
        assert!(!run.stderr.contains("bad\n"), "no key in the log");
    }
}

#[test]
fn the_log_can_go_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let archive = Archive::taking_all();
    let case = recording("log-dir");
    let input = case["stdin"].as_str().unwrap();
    let run = crate::program::run_on(&archive.url, &["-l", path], input);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let log = std::fs::read_to_string(directory.path().join("esmond-ps-pipe.log")).unwrap();
    let events: Vec<_> = log.lines().map(event).collect();
    assert_eq!(
        events.first().map(String::as_str),
        Some("main.start reading input")
    );
    assert_eq!(events.last().map(String::as_str), Some("main.exit success"));
}
