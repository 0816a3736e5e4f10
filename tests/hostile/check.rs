//! A check, a diagnosis and a grid of archives that mean harm: somebody is told of
//! them, on a terminal and by a monitoring system.

use std::fs;

use esmond_ps_tests::http::{Reply, Served};
use esmond_ps_tests::wire::{Wire, json_head, send, send_for_ever, wait_for_ever};
use serde_json::{Value, json};

use crate::runs::{CHECK, ROOT, attack, each, test};
use crate::text::evil;

#[test]
fn nothing_that_an_archive_says_acts_on_a_terminal_or_forges_performance_data() {
    let served = Served::start(|asked, _| evil(asked));
    for more in [
        &["-e", "failures"][..],
        &["-e", "failures", "-v", "--stat", "count"],
        &["-e", "failures", "-o", "json"],
        &["-e", "failures", "-T", "average", "-W", "300"],
        &["--doctor"],
        &["--doctor", "-v", "-o", "json"],
        &["--grid", "-e", "failures"],
        &["--grid", "-e", "failures", "-o", "json"],
    ] {
        println!("{more:?}");
        let attacked = attack(CHECK, &served.url, more);
        attacked.assert_harmless();
        let lines: Vec<&str> = attacked.run.stdout.lines().collect();
        assert!(!lines.is_empty(), "{attacked:?}");
        let forged = lines.iter().any(|line| line.starts_with("error: forged"));
        assert!(!forged, "{attacked:?}");
        if more.contains(&"json") {
            assert!(
                serde_json::from_str::<Value>(&attacked.run.stdout).is_ok(),
                "{attacked:?}"
            );
        } else if !more.contains(&"--doctor") && !more.contains(&"--grid") {
            let bars = attacked.run.stdout.matches('|').count();
            assert_eq!(bars, 1, "{attacked:?}");
            assert!(attacked.run.stdout.contains("\\x1b[2J"), "{attacked:?}");
        }
    }
}

#[test]
fn the_page_of_a_grid_runs_nothing_that_an_archive_says() {
    let evil = "</td></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    let served = Served::start(move |asked, _| {
        if asked.path != ROOT {
            return Reply::json(&json!([{"ts": 1_500_000_000, "val": 5_000}]));
        }
        let mut test = test("0a");
        for name in ["metadata-key", "source", "destination", "tool-name"] {
            test[name] = json!(format!("{evil}{name}"));
        }
        let is_first = asked.number("offset").is_none();
        Reply::json(&if is_first { json!([test]) } else { json!([]) })
    });
    let attacked = attack(
        CHECK,
        &served.url,
        &["--grid", "--grid-file", "grid.html", "-s", "", "-d", ""],
    );
    attacked.assert_harmless();
    let page = fs::read_to_string(attacked.directory.path().join("grid.html"));
    let page = page.unwrap_or_else(|error| panic!("{error}: {attacked:?}"));
    assert!(page.contains("&lt;/script&gt;"), "{page}");
    for forged in ["<script>alert", "<img src=x", "</td></script>"] {
        assert!(!page.contains(forged), "{page}");
    }
}

#[test]
fn a_fault_that_passes_is_no_failure_of_a_check() {
    let served = Served::start(|asked, before| match (asked.path.as_str(), before) {
        (_, 0) => Reply::status(503).retry_at_once(),
        (ROOT, _) if asked.number("offset").is_none() => Reply::json(&json!([test("0a")])),
        (ROOT, _) => Reply::json(&json!([])),
        _ => Reply::json(&json!([{"ts": 1_500_000_000, "val": 5_000_000}])),
    });
    let more = ["--retries", "2", "-w", "1:"];
    let attacked = attack(CHECK, &served.url, &more);
    assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
    assert!(attacked.run.stdout.starts_with("OK - "), "{attacked:?}");
    attacked.assert_harmless();
}

#[test]
fn half_of_the_values_are_not_judged() {
    // The first page is good, what follows is not.
    let served = Served::start(|asked, _| {
        let is_first = asked.number("offset").is_none();
        match asked.path.as_str() {
            ROOT if is_first => Reply::json(&json!([test("0a"), test("0b")])),
            ROOT => Reply::json(&json!([])),
            path if path.contains("0a") => {
                Reply::json(&json!([{"ts": 1_500_000_000, "val": 5_000_000}]))
            }
            _ => Reply::status(500),
        }
    });
    let attacked = attack(CHECK, &served.url, &["-w", "1:"]);
    attacked.assert_clear(3, &["500", "0b"]);
}

#[test]
fn a_deadline_ends_a_check_whatever_the_archive_does() {
    // Each of these goes on for longer than the test has patience.
    let more = ["--timeout", "1000", "--deadline", "2s", "--retries", "9"];
    let silent = Wire::start(|_, stream| wait_for_ever(stream));
    let mute = Wire::start_blind(wait_for_ever);
    let endless = Wire::start(|_, stream| {
        send_for_ever(
            stream,
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000).as_bytes(),
        );
    });
    let refusing = Wire::start(|_, stream| {
        send(
            stream,
            b"HTTP/1.1 429 X\r\nRetry-After: 100\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    });
    let of_data = Wire::start(|head, stream| {
        if head.contains("/base") {
            return wait_for_ever(stream);
        }
        json_head(stream, "");
        let list = json!([test("0a")]).to_string();
        let is_first = !head.contains("offset=");
        send(stream, if is_first { list.as_bytes() } else { b"[]" });
    });
    for wire in [silent, mute, endless, refusing, of_data] {
        let attacked = attack(CHECK, &wire.url, &more);
        attacked.assert_unknown();
        attacked.assert_harmless();
        assert!(
            attacked.told().contains("no result within 2 s"),
            "{attacked:?}"
        );
    }
}

#[test]
fn an_unknown_state_is_json_where_that_was_asked_for() {
    let served = Served::start(|_, _| Reply::new(500, "text/plain", "\u{1b}[2J|no".to_owned()));
    let attacked = attack(CHECK, &served.url, &["-o", "json"]);
    assert_eq!(attacked.run.status, Some(3), "{attacked:?}");
    attacked.assert_harmless();
    let told: Value = serde_json::from_str(&attacked.run.stdout).expect("JSON");
    assert_eq!(told["state"], "UNKNOWN");
    let message = told["message"].as_str().expect("a text");
    assert!(message.contains("500"), "{message}");
}

/// What a host does with a connection.
type Act = fn(&mut std::net::TcpStream);

#[test]
fn a_diagnosis_and_a_grid_end_whatever_the_archive_does() {
    const ACTS: [Act; 6] = [
        |_| (),
        wait_for_ever,
        |stream| {
            json_head(stream, "");
            send(stream, b"[");
            send_for_ever(stream, &[b' '; 1 << 16]);
        },
        |stream| {
            send(stream, b"HTTP/1.1 200 OK\r\nX: ");
            send_for_ever(stream, &[b'x'; 1 << 16]);
        },
        |stream| {
            json_head(stream, "");
            send(stream, "[".repeat(100_000).as_bytes());
        },
        |stream| {
            send(
                stream,
                &[0, 0xff, 0x1b, b'[', b'2', b'J', 7, 0x80].repeat(1000),
            );
        },
    ];
    each(["--doctor", "--grid"], |job| {
        for (number, act) in ACTS.into_iter().enumerate() {
            let wire = Wire::start(move |_, stream| act(stream));
            let attacked = attack(CHECK, &wire.url, &[job, "--timeout", "1"]);
            println!("{job} {number}");
            attacked.assert_harmless();
            if job == "--grid" {
                attacked.assert_unknown();
            } else {
                assert_eq!(attacked.run.status, Some(2), "{attacked:?}");
                let mut lines = attacked.run.stdout.lines();
                assert!(lines.any(|line| line.starts_with("fail  ")), "{attacked:?}");
            }
        }
    });
}
