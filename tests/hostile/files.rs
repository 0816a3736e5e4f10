//! Names that would lead out of a directory, and what bulk reads make of them.

use std::fs;

use esmond_ps_tests::http::{Reply, Served};
use serde_json::json;

use crate::runs::{DATA_READERS, ROOT, attack, names, test};

#[test]
fn no_name_leads_out_of_the_directory() {
    let long = "n".repeat(900);
    let evil = [
        "../../evil",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a\0b",
        "C:\\x",
        "\u{1b}[2J",
        ".hidden",
        "-rf",
        "~",
        "$(id)",
        "con",
        "é\u{202e}",
        &long,
        "a\nb",
    ];
    let tests: Vec<_> = evil
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let mut test = test(&format!("{name}{n}"));
            for field in ["source", "destination", "tool-name"] {
                test[field] = json!(name);
            }
            test["event-types"][0]["event-type"] = json!(name);
            test["event-types"][0]["base-uri"] = json!(format!("/data/{n}"));
            test
        })
        .collect();
    let number = tests.len();
    let served = Served::start(move |asked, _| {
        if asked.path != ROOT {
            return Reply::json(&json!([{"ts": 1_500_000_000, "val": 1}]));
        }
        let is_first = asked.number("offset").is_none();
        Reply::json(&if is_first { json!(tests) } else { json!([]) })
    });
    let attacked = attack(DATA_READERS[1], &served.url, &["--report", "report.json"]);
    assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
    attacked.assert_harmless();
    let beside = names(attacked.directory.path());
    assert_eq!(beside, ["g.log", "out", "report.json"]);
    let out = attacked.directory.path().join("out");
    let files = names(&out);
    assert_eq!(files.len(), number, "{files:?}");
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    for file in &files {
        assert!(
            file.chars().all(is_safe) && !file.starts_with('-'),
            "{file}"
        );
        assert!(file.len() <= 255);
        let text = fs::read_to_string(out.join(file)).expect("a file");
        assert_eq!(text.lines().count(), 1, "{file}");
    }
}

#[test]
fn tests_that_share_a_name_and_a_key_overwrite_nothing() {
    // Keys that differ behind the part that is in a name, and not at all.
    let keys = [
        "../../../../k/1",
        "../../../../k/2",
        "........................",
        "-",
    ];
    let tests: Vec<_> = keys.iter().map(|key| test(key)).collect();
    let served = Served::start(move |asked, _| {
        if asked.path != ROOT {
            return Reply::json(&json!([{"ts": 1_500_000_000, "val": asked.path.len()}]));
        }
        let is_first = asked.number("offset").is_none();
        Reply::json(&if is_first { json!(tests) } else { json!([]) })
    });
    let attacked = attack(DATA_READERS[1], &served.url, &[]);
    assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
    assert_eq!(
        names(&attacked.directory.path().join("out")).len(),
        keys.len()
    );
}
