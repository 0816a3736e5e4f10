//! Requests that nobody means: the archive refuses them, and never fails itself.

use std::rc::Rc;

use axum::body::Body;
use axum::http::{Method, Request, Uri};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::openapi::DESCRIPTION;
use crate::support::{Answer, Archive, KEY};

/// One archive for all cases of a test; each writes what it can into it.
struct Stage {
    runtime: Runtime,
    archive: Archive,
    key: String,
}

/// Returns that of this test, which ends with its thread: a static of the process is
/// never dropped, and its directory would stay.
fn stage() -> Rc<Stage> {
    thread_local! {
        static STAGE: Rc<Stage> = Rc::new(Stage::new());
    }
    STAGE.with(Rc::clone)
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (archive, key) = runtime.block_on(async {
            let archive = Archive::new().await;
            let event_types = [
                "throughput",
                "histogram-owdelay",
                "packet-loss-rate",
                "pscheduler-raw",
            ];
            let event_types = event_types.map(|name| json!({"event-type": name}));
            let key = archive.record(&json!(event_types)).await;
            (archive, key)
        });
        Self {
            runtime,
            archive,
            key,
        }
    }

    /// Asks, and checks what holds for every answer.
    fn ask(&self, method: &Method, target: &str, body: Vec<u8>) -> Result<Answer, TestCaseError> {
        let uri: Uri = match target.parse() {
            Ok(uri) => uri,
            // Nothing like this reaches the archive.
            Err(_) => return Err(TestCaseError::reject("no address")),
        };
        let path = uri.path().to_owned();
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Token {KEY}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let answer = self.runtime.block_on(self.archive.ask(request));
        prop_assert!(
            !answer.status.is_server_error(),
            "{} {target}",
            answer.status
        );
        if method != Method::HEAD && path != "/metrics" {
            let content: Value = serde_json::from_slice(&answer.bytes)
                .map_err(|error| TestCaseError::fail(format!("{error}: {target}")))?;
            let is_error =
                content.get("detail").is_some() || content.get("non_field_errors").is_some();
            prop_assert_eq!(
                is_error,
                answer.status.is_client_error(),
                "{} {}",
                target,
                content
            );
        }
        if let Err(difference) = DESCRIPTION.check(method.as_str(), &path, &answer) {
            return Err(TestCaseError::fail(difference));
        }
        Ok(answer)
    }
}

fn methods() -> impl Strategy<Value = Method> {
    let usual = select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::HEAD,
        Method::OPTIONS,
    ]);
    let odd = "[A-Z]{1,8}".prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap());
    prop_oneof![8 => usual, 1 => odd]
}

/// Parts of paths: known names, escapes, anything that may stand in an address.
fn segments() -> impl Strategy<Value = String> {
    let known = select(vec![
        "KEY",
        "throughput",
        "base",
        "averages",
        "aggregations",
        "statistics",
        "300",
        "0",
        "@300",
        "-1",
        "99999999999999999999",
        "archive",
        "perfsonar",
        "esmond",
        "",
        ".",
        "..",
        "%2F",
        "%00",
        "%FF",
        "%e2%82",
        "%F0%9F%92%A9",
        "logstash",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => "[!-~&&[^#?/\\\\\"<>^`{|}%]]{0,12}", 1 => "(%[0-9A-F]{2}){1,6}"]
}

fn targets() -> impl Strategy<Value = String> {
    let place = select(vec![
        "/esmond/perfsonar/archive",
        "/perfsonar/archive",
        "",
        "/esmond",
    ]);
    (place, vec(segments(), 0..6)).prop_map(|(place, rest)| {
        let path = rest
            .iter()
            .fold(place.to_owned(), |path, part| format!("{path}/{part}"));
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    })
}

fn queries() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => select(vec![
            "limit", "offset", "time", "time-start", "time-end", "time-range", "format", "source",
            "destination", "dns-match-rule", "metadata-key", "event-type", "summary-type",
            "summary-window", "subject-type", "tool-name", "username", "api_key",
        ]).prop_map(str::to_owned),
        1 => "[a-z%_+-]{0,10}",
    ];
    let value = prop_oneof![
        3 => select(vec![
            "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
            "1e400", "NaN", "1.5", "%00", "%FF", "+1", "%2B1", "json", "api", "xml", "average", "base", "",
            "only-v6", "::1", "::ffff:1.2.3.4", "localhost", "300", "%D9%A3",
        ]).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => "[!-~&&[^#\\\\\"<>^`{|}]]{0,20}",
    ];
    let separator = select(vec!["&", ";"]);
    vec((name, value, separator), 0..6).prop_map(|parts| {
        parts
            .iter()
            .map(|(name, value, separator)| format!("{name}={value}{separator}"))
            .collect()
    })
}

/// Any JSON, with the names and values that mean something here.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![
            "1e400",
            "-0",
            "0.1",
            "1750000000",
            "253402300800",
            "123456789012345678901234567890",
            "1e-400",
            "-1",
            "9223372036854775808",
        ])
        .prop_map(|number| serde_json::from_str(number).unwrap()),
        select(vec![
            "throughput",
            "histogram-owdelay",
            "packet-loss-rate",
            "average",
            "statistics",
            "base",
            "point-to-point",
            "10.1.1.1",
            "::1",
            "300",
            "\u{0}",
            "",
            "PT0.5S",
            "PT1e400S",
            "2025-06-15T15:06:40Z",
            "99999999-99-99T99:99:99Z",
        ])
        .prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        3 => select(vec![
            "ts", "val", "data", "event-type", "event-types", "summaries", "summary-type",
            "summary-window", "subject-type", "source", "destination", "measurement-agent",
            "tool-name", "input-source", "input-destination", "numerator", "denominator", "start",
            "duration", "test", "spec", "type", "schedule", "result", "participants", "tool", "name",
            "succeeded", "intervals", "paths", "metadata-key",
        ]).prop_map(str::to_owned),
        1 => ".{0,6}",
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name.clone(), inner), 0..7)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A document in the place of one part of a good request.
fn altered(good: &Value, at: usize, other: Value) -> Value {
    fn places(value: &Value, here: &str, all: &mut Vec<String>) {
        all.push(here.to_owned());
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    places(value, &format!("{here}/{name}"), all);
                }
            }
            Value::Array(list) => {
                for (i, value) in list.iter().enumerate() {
                    places(value, &format!("{here}/{i}"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(good, "", &mut all);
    let mut altered = good.clone();
    *altered.pointer_mut(&all[at % all.len()]).unwrap() = other;
    altered
}

fn good() -> Vec<(Method, &'static str, Value)> {
    let mut record = crate::support::point_to_point();
    record["event-types"] = json!([{"event-type": "throughput",
        "summaries": [{"summary-type": "average", "summary-window": 300}]}]);
    let bulk = json!({"data": [{"ts": 1, "val": [
        {"event-type": "throughput", "val": 1},
        {"event-type": "packet-loss-rate", "val": {"numerator": 1, "denominator": 2}},
        {"event-type": "histogram-owdelay", "val": {"1.5": 2}}]}]});
    let result = json!({
        "test": {"type": "throughput", "spec": {"source": "10.1.1.1", "dest": "10.1.1.2", "duration": "PT5S"}},
        "schedule": {"start": "2025-06-15T15:06:40Z", "duration": "PT5S"},
        "participants": ["10.1.1.1", "10.1.1.2"], "tool": {"name": "iperf3"},
        "result": {"succeeded": true, "intervals": [{"summary": {"start": 0, "end": 1, "throughput-bits": 9},
            "streams": [{"start": 0, "end": 1, "throughput-bits": 9, "stream-id": 1}]}],
            "summary": {"summary": {"start": 0, "end": 1, "throughput-bits": 9}, "streams": []}}});
    vec![
        (Method::POST, "/perfsonar/archive/", record),
        (Method::PUT, "/perfsonar/archive/KEY/", bulk),
        (
            Method::POST,
            "/perfsonar/archive/KEY/throughput/base",
            json!({"ts": 1, "val": 1}),
        ),
        (
            Method::POST,
            "/perfsonar/archive/KEY/packet-loss-rate/base",
            json!({"ts": 1, "val": {"numerator": 1, "denominator": 2}}),
        ),
        (
            Method::POST,
            "/perfsonar/archive/KEY/histogram-owdelay/base",
            json!({"ts": 1, "val": {"1.5": 2}}),
        ),
        (
            Method::POST,
            "/perfsonar/archive/KEY/pscheduler-raw/base",
            json!({"ts": 1, "val": {}}),
        ),
        (Method::PUT, "/logstash", result),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_path_and_query_is_answered_or_refused(method in methods(), path in targets(), query in queries()) {
        let stage = stage();
        let target = format!("{path}?{query}").replace("KEY", &stage.key);
        stage.ask(&method, &target, Vec::new())?;
    }

    #[test]
    fn any_json_is_stored_or_refused(of in 0_usize..7, at in any::<usize>(), other in documents()) {
        let stage = stage();
        let (method, path, good) = good().swap_remove(of);
        let body = altered(&good, at, other).to_string();
        stage.ask(&method, &path.replace("KEY", &stage.key), body.into_bytes())?;
    }

    #[test]
    fn any_bytes_are_refused(of in 0_usize..7, at in any::<usize>(), bytes in vec(any::<u8>(), 0..20)) {
        let stage = stage();
        let (method, path, good) = good().swap_remove(of);
        let mut body = good.to_string().into_bytes();
        let at = at % body.len();
        body.splice(at..at, bytes);
        stage.ask(&method, &path.replace("KEY", &stage.key), body)?;
    }
}

#[test]
fn what_the_cases_alter_is_taken_as_it_is() {
    let stage = stage();
    for (method, path, good) in good() {
        let path = path.replace("KEY", &stage.key);
        let answer = stage
            .ask(&method, &path, good.to_string().into_bytes())
            .unwrap();
        let status = answer.status.as_u16();
        assert!(
            matches!(status, 200 | 201 | 409),
            "{status} {path} {}",
            answer.json()
        );
    }
}
