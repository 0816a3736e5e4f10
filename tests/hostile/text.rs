//! Text that acts on a terminal, or pretends to be something else.

use esmond_ps_tests::http::{Asked, Reply, Served};
use serde_json::{Value, json};

use crate::runs::{CHECK, DATA_READERS, LOADER, PIPE, READERS, ROOT, attack, each};

/// Clears a terminal, sets its title, turns the direction of writing around,
/// hides; and a formula of a spreadsheet.
const EVIL: &str =
    "=1+1\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{8}\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{0}e";

fn evil_test() -> Value {
    let mut test = json!({
        "metadata-key": format!("k{EVIL}\nerror: forged"), "uri": format!("/x{EVIL}"),
        "event-types": [{
            "event-type": "failures", "base-uri": "/data", "time-updated": EVIL,
            "summaries": [{"uri": EVIL, "summary-type": format!("average{EVIL}"), "summary-window": "300"}],
        }, {
            "event-type": format!("e{EVIL}"), "base-uri": "/data", "summaries": [],
        }],
    });
    for name in [
        "subject-type",
        "source",
        "destination",
        "tool-name",
        "measurement-agent",
        "input-source",
        "input-destination",
        "sample-bucket-width",
        "url",
    ] {
        test[name] = json!(format!("{EVIL}{name}"));
    }
    test[format!("p{EVIL}")] = json!({EVIL: [EVIL, {EVIL: EVIL}]});
    test
}

pub(crate) fn evil(asked: &Asked) -> Reply {
    if asked.path != ROOT {
        return Reply::json(&json!([{"ts": 1_500_000_000, "val": {"error": EVIL, EVIL: EVIL}}]));
    }
    let is_first = asked.number("offset").is_none();
    Reply::json(&if is_first {
        json!([evil_test()])
    } else {
        json!([])
    })
}

#[test]
fn nothing_that_an_archive_says_acts_on_a_terminal() {
    let served = Served::start(|asked, _| evil(asked));
    for format in ["human", "json", "jsonl"] {
        for (program, more) in [
            (READERS[0], &["-o", format][..]),
            (READERS[1], &["-o", format]),
            (READERS[1], &["-M", "-v", "-o", format]),
            (READERS[2], &["-v", "-e", "failures", "-o", format]),
            (READERS[3], &["-v", "-o", format]),
            (READERS[3], &["--dry-run", "-o", format]),
        ] {
            if program == READERS[3] && format == "human" {
                continue;
            }
            let attacked = attack(program, &served.url, more);
            assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
            attacked.assert_harmless();
            let shown = &attacked.run.stdout;
            if program != READERS[3] {
                let mark = if format == "human" {
                    "\\x1b[2J"
                } else {
                    "\\u001b[2J"
                };
                assert!(shown.contains(mark), "{program} {shown}");
                let mark = if format == "human" {
                    "\\u{202e}"
                } else {
                    "\\u202e"
                };
                assert!(shown.contains(mark), "{program} {shown}");
            }
        }
    }
}

#[test]
fn csv_holds_the_text_as_it_is() {
    // It is for programs; formulas are for whoever opens it to fear.
    let served = Served::start(|asked, _| evil(asked));
    let attacked = attack(
        DATA_READERS[0],
        &served.url,
        &["-e", "failures", "-o", "csv"],
    );
    assert_eq!(attacked.run.status, Some(0));
    assert!(attacked.run.stdout.contains(EVIL), "{attacked:?}");
}

#[test]
fn errors_are_told_on_one_line_however_an_archive_words_them() {
    let words = format!("{EVIL}\r\n\nerror: forged\u{2028}{}", "w".repeat(60_000));
    for (status, body) in [
        (400, json!({"detail": words}).to_string()),
        (500, words.clone()),
        (404, format!("<p>{words}</p>")),
        (403, json!({EVIL: {EVIL: words}}).to_string()),
    ] {
        for program in [READERS[0], READERS[2], READERS[3], CHECK, LOADER, PIPE] {
            let body = body.clone();
            let served =
                Served::start(move |_, _| Reply::new(status, "text/\u{9b}31mx", body.clone()));
            let attacked = attack(program, &served.url, &[]);
            // A record that the archive refuses is no failure of the archive.
            if status != 400 || program != LOADER {
                attacked.assert_clear(1, &[&status.to_string()]);
            }
            attacked.assert_harmless();
            let forged = attacked
                .run
                .stderr
                .lines()
                .any(|line| line.starts_with("error: forged"));
            assert!(!forged, "{program} {}", attacked.run.stderr);
        }
    }
}

#[test]
fn a_series_that_fails_is_named_on_one_harmless_line() {
    each(DATA_READERS, |program| {
        let served = Served::start(|asked, _| match asked.path.as_str() {
            ROOT => evil(asked),
            _ => Reply::json(&json!({EVIL: EVIL})),
        });
        let attacked = attack(program, &served.url, &["-e", "failures"]);
        attacked.assert_clear(1, &["not as expected", "\\x1b[2j"]);
        let forged = attacked
            .run
            .stderr
            .lines()
            .any(|line| line.starts_with("error: forged"));
        assert!(!forged, "{}", attacked.run.stderr);
        // And so is one that lacks a summary.
        let attacked = attack(
            program,
            &served.url,
            &["-e", "failures", "-T", "aggregation", "-W", "86400"],
        );
        attacked.assert_harmless();
        assert!(
            attacked.run.stderr.contains("no aggregation"),
            "{attacked:?}"
        );
        let forged = attacked
            .run
            .stderr
            .lines()
            .any(|line| line.starts_with("error: forged"));
        assert!(!forged, "{}", attacked.run.stderr);
    });
}
