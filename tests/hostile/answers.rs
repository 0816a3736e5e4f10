//! Answers that are JSON, and not those of an archive.

use esmond_ps_tests::http::{Asked, Reply, Served};
use serde_json::{Value, json};

use crate::runs::{ASKERS, DATA_READERS, LISTERS, LOADER, PIPE, READERS, ROOT, attack, each, test};

fn body(text: impl Into<String>) -> Reply {
    Reply::new(200, "application/json", text.into())
}

/// Lists: what is answered, and what is said of it.
fn lists() -> Vec<(String, &'static str)> {
    let with = |name: &str, value: Value| {
        let mut test = test("0a");
        test[name] = value;
        json!([test]).to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    vec![
        (String::new(), "not as expected"),
        ("nonsense".to_owned(), "not as expected"),
        ("null".to_owned(), "not as expected"),
        ("{}".to_owned(), "not as expected"),
        ("5".to_owned(), "not as expected"),
        ("\"\\u001b[2J\"".to_owned(), "not as expected"),
        (
            format!("[\"\u{1b}[2J\u{202e}{}\"]", "x".repeat(10_000_000)),
            "not as expected",
        ),
        ("[5]".to_owned(), "`[0]`"),
        ("[null]".to_owned(), "`[0]`"),
        ("[[]]".to_owned(), "`[0]`"),
        ("[{}]".to_owned(), "metadata-key"),
        (
            "[{\"metadata-key\": \"\\ud800\"}]".to_owned(),
            "not as expected",
        ),
        (
            "[{\"metadata-key\": 1e999999999999}]".to_owned(),
            "not as expected",
        ),
        (with("metadata-key", json!(5)), "metadata-key"),
        (with("metadata-key", json!({"a": "b"})), "metadata-key"),
        (
            with("metadata-key", json!("k".repeat(10_000_000))),
            "metadata-key",
        ),
        (with("event-types", json!({"throughput": {}})), "`[0]`"),
        (with("event-types", json!("throughput")), "`[0]`"),
        (with("event-types", json!([5])), "`[0]`"),
        (
            with("event-types", json!([{"event-type": 5}])),
            "event-type",
        ),
        (
            with(
                "event-types",
                json!([{"event-type": "e".repeat(10_000_000)}]),
            ),
            "event-types",
        ),
        (
            with(
                "event-types",
                json!([{"event-type": "x", "summaries": {"a": 1}}]),
            ),
            "`[0]`",
        ),
        (deep.clone(), "not as expected"),
        ("[".repeat(100_000), "not as expected"),
        ("{\"a\":".repeat(100_000), "not as expected"),
        (
            format!("[{{\"metadata-key\":\"0a\",\"x\":{deep}}}]"),
            "recursion limit",
        ),
        (
            format!(
                "[{{\"metadata-key\":\"0a\",\"x\":[{}[]]}}]",
                "[],".repeat(15_000_000)
            ),
            "more than 2000000 values",
        ),
        (
            format!("[{}[]]", "[],".repeat(15_000_000)),
            "more than 2000000 values",
        ),
        (
            format!("[{{{}}}]", "\"\u{1b}\":".repeat(1_000)),
            "not as expected",
        ),
    ]
}

#[test]
fn a_list_that_is_none_is_told_by_its_place() {
    for (text, words) in lists() {
        println!("{text:.60}");
        let served = Served::start(move |_, _| body(text.clone()));
        each(LISTERS, |program| {
            let attacked = attack(program, &served.url, &[]);
            attacked.assert_clear(1, &[words]);
            assert_eq!(attacked.delivered(), "", "{program}");
        });
    }
}

#[test]
fn an_answer_to_what_was_posted_that_is_none_loses_nothing() {
    for (text, words) in lists() {
        // A record is answered alone.
        let is_list = text.starts_with("[{") && text.ends_with("}]");
        let text = if is_list {
            text[1..text.len() - 1].to_owned()
        } else {
            text
        };
        let words = words.replace("[0]", ".");
        println!("{text:.60}");
        if text == "{}" || text == "5" || text == "null" {
            continue;
        }
        let served = Served::start(move |_, _| body(text.clone()));
        for program in [LOADER, PIPE] {
            let words = if words.starts_with('`') || words.starts_with("event") {
                "not as expected"
            } else {
                words.as_str()
            };
            attack(program, &served.url, &[]).assert_clear(1, &[words]);
        }
    }
}

fn series(data: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Served {
    Served::start(move |asked, before| {
        if asked.path != ROOT {
            return data(asked, before);
        }
        let is_first = asked.number("offset").is_none();
        Reply::json(&if is_first {
            json!([test("0a")])
        } else {
            json!([])
        })
    })
}

#[test]
fn data_that_is_none_is_told_by_its_place() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let point = |value: &str| format!("[{{\"ts\":1500000000,\"val\":{value}}}]");
    for (text, words) in [
        (String::new(), "not as expected"),
        ("null".to_owned(), "not as expected"),
        ("{\"ts\":1,\"val\":1}".to_owned(), "not as expected"),
        ("[5]".to_owned(), "`[0]`"),
        ("[{\"val\":1}]".to_owned(), "`[0]`"),
        ("[{\"ts\":null,\"val\":1}]".to_owned(), "`[0].ts`"),
        (
            "[{\"ts\":\"soon\\u001b[2J\",\"val\":1}]".to_owned(),
            "`[0].ts`",
        ),
        ("[{\"ts\":1e400,\"val\":1}]".to_owned(), "`[0].ts`"),
        ("[{\"ts\":{},\"val\":1}]".to_owned(), "`[0].ts`"),
        (
            format!("[{{\"ts\":\"{}\",\"val\":1}}]", "9".repeat(10_000_000)),
            "`[0].ts`",
        ),
        (point(&deep), "recursion limit"),
        (point(&"[".repeat(100_000)), "not as expected"),
        (
            point(&format!("[{}[]]", "[],".repeat(15_000_000))),
            "more than 2000000 values",
        ),
        (
            format!("[{}{{\"ts\":1}}]", "{\"ts\":1},".repeat(5_000_000)),
            "more than 1000000 points",
        ),
    ] {
        println!("{text:.60}");
        let served = series(move |_, _| body(text.clone()));
        each(ASKERS, |program| {
            let attacked = attack(program, &served.url, &[]);
            attacked.assert_status(1);
            assert!(
                attacked.told().contains(words),
                "{program} {}",
                attacked.told()
            );
            attacked.assert_harmless();
            attacked.assert_nothing_half_done();
            assert!(
                attacked.told().contains("0a"),
                "{program} {}",
                attacked.told()
            );
        });
    }
}

#[test]
fn times_are_read_in_every_spelling_and_a_missing_value_is_none() {
    let text = r#"[{"ts":"1500000000","val":1},{"ts":1500000001.5,"val":2},{"ts":1500000002}]"#;
    let served = series(move |_, _| body(text));
    let attacked = attack(DATA_READERS[0], &served.url, &["-o", "jsonl"]);
    assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
    let values = attacked.run.stdout.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("a row");
        row["value"].clone()
    });
    assert_eq!(
        values.collect::<Vec<_>>(),
        [json!(1), json!(2), Value::Null]
    );
}

#[test]
fn long_texts_are_data_and_take_no_more_memory_for_many_rows() {
    let long = "x".repeat(10_000_000);
    let text = long.clone();
    let served = Served::start(move |asked, _| {
        if asked.path != ROOT {
            let points = (0..60).map(|n| json!({"ts": 1_500_000_000 + n, "val": n}));
            return Reply::json(&points.collect());
        }
        let mut test = test("0a");
        test["tool-name"] = json!(text);
        Reply::json(&if asked.number("offset").is_none() {
            json!([test])
        } else {
            json!([])
        })
    });
    // The tool is in each of the rows: more than the memory that there is.
    let attacked = attack_counting(&served.url);
    assert_eq!(attacked, 60);
    let endpoints = attack(READERS[0], &served.url, &["-o", "json"]);
    assert_eq!(endpoints.run.status, Some(0), "{}", endpoints.run.stderr);
    let rows: Value = serde_json::from_str(&endpoints.run.stdout).expect("JSON");
    assert_eq!(rows[0]["tool_name"], long.as_str());
}

/// Reads the data in human form, and counts the rows without keeping them.
fn attack_counting(url: &str) -> usize {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let mut child = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 400000 && exec \"$@\"", "sh"])
        .arg(esmond_ps_tests::binary(DATA_READERS[0]))
        .args(["-I", "-S", "2014-05-01", "-s", "10.0.0.1", "-d", "10.0.0.2"])
        .args(["-e", "throughput", "-u", url])
        .env("MALLOC_ARENA_MAX", "1")
        .env("NO_PROXY", "*")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let (mut rows, mut line) = (0, Vec::new());
    while stdout.read_until(b'\n', &mut line).expect("bytes") > 0 {
        rows += usize::from(line.starts_with(b"value: "));
        line.clear();
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    rows
}
