//! How runs end when the world does not play along.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use esmond_ps_tests::{TestArchive, command, run};
use serde_json::json;

/// An archive with one test that has more points than a pipe holds.
fn archive_with_many_points() -> TestArchive {
    let archive = TestArchive::start();
    let key = archive.create(&json!({
        "subject-type": "point-to-point", "source": "10.5.0.1", "destination": "10.5.0.2",
        "measurement-agent": "10.5.0.1", "tool-name": "iperf3", "input-source": "a",
        "input-destination": "b", "event-types": [{"event-type": "throughput"}],
    }));
    let point = |ts: u32| json!({"ts": ts, "val": [{"event-type": "throughput", "val": ts}]});
    let points: Vec<_> = (1_400_000_000..1_400_005_000).map(point).collect();
    archive.write(&key, &json!(points));
    archive
}

/// Starts to read all of them, into a pipe.
fn reading(archive: &TestArchive, arguments: &[&str]) -> Child {
    command("esmond-ps-get")
        .args(["-u", &archive.url, "-S", "2014-05-01", "-I"])
        .args(["-s", "10.5.0.1", "-d", "10.5.0.2", "-e", "throughput"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_run_quietly() {
    // DIFFERENCE: the originals end with a traceback.
    let archive = archive_with_many_points();
    for format in ["human", "json", "jsonl", "csv"] {
        let mut child = reading(&archive, &["-o", format]);
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut seen = vec![0; 100];
        stdout.read_exact(&mut seen).expect("some output");
        drop(stdout);
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_reader_that_pauses_for_longer_than_an_archive_may_gets_everything() {
    let archive = archive_with_many_points();
    let mut child = reading(
        &archive,
        &["-o", "jsonl", "--timeout", "2", "--retries", "0"],
    );
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut lines = String::new();
    stdout.read_line(&mut lines).expect("a line");
    // The pipe is full, and what the archive answers meanwhile is not looked at: the
    // pause itself is what is tested.
    thread::sleep(Duration::from_secs(3));
    stdout.read_to_string(&mut lines).expect("the rest");
    let output = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
    assert_eq!(lines.lines().count(), 5000);
}

/// Answers each connection with the next of these texts, then stops listening.
fn scripted(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            while lines
                .next()
                .and_then(Result::ok)
                .is_some_and(|line| !line.is_empty())
            {}
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    url
}

fn answer(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

const TEST: &str = r#"{"metadata-key":"KEY","subject-type":"point-to-point","source":"10.0.0.1",
    "destination":"10.0.0.2","tool-name":"t","uri":"/a/KEY/","event-types":[{"event-type":"throughput",
    "base-uri":"/a/KEY/throughput/base","time-updated":1,"summaries":[]}],"metadata-count-total":2}"#;

fn get(url: &str, more: &[&str]) -> esmond_ps_tests::Run {
    let mut arguments = vec![
        "-u",
        url,
        "-I",
        "-s",
        "10.0.0.1",
        "-d",
        "10.0.0.2",
        "-e",
        "throughput",
        "-S",
        "2014-05-01",
        "--retries",
        "0",
    ];
    arguments.extend(more);
    run("esmond-ps-get", &arguments)
}

#[test]
fn a_series_that_fails_is_named_and_the_others_are_printed() {
    // DIFFERENCE: the originals end with 255, or as if nothing had happened.
    let tests = format!(
        "[{},{}]",
        TEST.replace("KEY", "aa"),
        TEST.replace("KEY", "bb")
    );
    let good = r#"[{"ts":1400000000,"val":5.0}]"#;
    let json = "application/json";
    let url = scripted(vec![
        answer("200 OK", json, &tests),
        answer(
            "500 Internal Server Error",
            json,
            r#"{"detail":"disk \u001b[31mfull"}"#,
        ),
        answer("200 OK", json, good),
        answer("200 OK", json, good),
    ]);
    let run = get(&url, &["-o", "jsonl"]);
    assert_eq!(run.status, Some(3), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    assert!(
        run.stderr
            .contains("test aa from 10.0.0.1 to 10.0.0.2 by t"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("500") && run.stderr.contains("disk"),
        "{run:?}"
    );
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}

#[test]
fn a_run_that_gets_nothing_prints_nothing_and_fails() {
    for (status, content_type, body, expected) in [
        (
            "503 Service Unavailable",
            "text/html",
            "<h1>Down for repair</h1>",
            "Down for repair",
        ),
        (
            "200 OK",
            "text/html",
            "<html>a login page</html>",
            "text/html",
        ),
        ("200 OK", "application/json", "[{]", "not as expected"),
        (
            "401 Unauthorized",
            "application/json",
            r#"{"detail":"Invalid token."}"#,
            "Invalid token.",
        ),
    ] {
        let run = get(
            &scripted(vec![answer(status, content_type, body)]),
            &["-o", "json"],
        );
        assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.contains(expected), "{run:?}");
        let mut rest = run.stderr.lines().skip(1);
        assert!(rest.all(|line| line.starts_with("hint: ")), "{run:?}");
    }
}

#[test]
fn a_key_never_shows() {
    let run = get(
        "http://127.0.0.1:9",
        &["-v", "--user", "me", "--key", "s3cr3t"],
    );
    assert_eq!(run.status, Some(1));
    assert!(!run.stderr.contains("s3cr3t"), "{run:?}");
    for url in ["http://me:s3cr3t@127.0.0.1:9", "me:s3cr3t@127.0.0.1:9"] {
        let run = get(url, &["-v"]);
        assert_eq!(run.status, Some(2));
        assert!(!run.stderr.contains("s3cr3t"), "{run:?}");
    }
}

#[test]
fn the_longest_time_out_is_no_overflow() {
    // DIFFERENCE: without the option the originals wait for ever, ours 20 seconds.
    let url = scripted(vec![answer("200 OK", "application/json", "[]"); 2]);
    let run = get(&url, &["-o", "json", "--timeout", &i64::MAX.to_string()]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "[]\n"),
        "{run:?}"
    );
}

#[test]
fn a_summary_that_no_test_has_is_said_so_and_base_data_is_not_printed() {
    // DIFFERENCE: the originals print base data under the summary's label.
    let archive = archive_with_many_points();
    let arguments = [
        "-u",
        &archive.url,
        "-S",
        "2014-05-01",
        "-I",
        "-s",
        "10.5.0.1",
        "-d",
        "10.5.0.2",
    ];
    let series = [
        "-e",
        "throughput",
        "-T",
        "average",
        "-W",
        "300",
        "-o",
        "csv",
    ];
    let run = run("esmond-ps-get", &[&arguments[..], &series].concat());
    assert_eq!(run.status, Some(0));
    assert_eq!(
        run.stdout.lines().filter(|line| !line.is_empty()).count(),
        1,
        "{run:?}"
    );
    assert!(
        run.stderr.contains("no average of 300 s of throughput"),
        "{run:?}"
    );
    assert!(run.stderr.contains("10.5.0.1 to 10.5.0.2"), "{run:?}");
}

#[test]
fn an_event_type_of_an_extended_archive_is_printed_and_others_are_refused() {
    // DIFFERENCE: the originals refuse what they do not know.
    let test = TEST
        .replace("KEY", "aa")
        .replace("throughput", "process-count");
    let json = "application/json";
    let list = format!("[{test}]");
    let url = scripted(vec![
        answer("200 OK", json, &list),
        answer("200 OK", json, &list),
        answer("200 OK", json, r#"[{"ts":1400000000,"val":{"a":[1,2]}}]"#),
        answer("200 OK", json, r#"[{"ts":1400000000,"val":{"a":[1,2]}}]"#),
    ]);
    let known = get(&url, &["-e", "process-count", "-o", "csv"]);
    assert_eq!(known.status, Some(0), "{known:?}");
    assert!(known.stdout.contains(r#""{""a"":[1,2]}""#), "{known:?}");
    let url = scripted(vec![answer("200 OK", json, "[]"); 4]);
    let unknown = get(&url, &["-e", "troughput"]);
    assert_eq!(
        (unknown.status, unknown.stdout.as_str()),
        (Some(2), ""),
        "{unknown:?}"
    );
    assert!(
        unknown.stderr.contains("did you mean throughput?"),
        "{unknown:?}"
    );
}
