//! A stranger who reads our description of the API (`/openapi.json`) and asks what
//! it says, in many ways: schemathesis. No answer may be a failure of the archive,
//! and each has a status, a content type and a body that are described.

use std::fs;
use std::process::Command;

use esmond_ps_tests::TestArchive;
use esmond_ps_tests::tools::peer;
use serde_json::json;

/// What is looked at. That odd parameters are as if they were not given, and that a
/// generated point seldom suits its event type, is meant.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_schema_conformance,response_headers_conformance,allow_header_conformance,\
     unsupported_method";

#[test]
fn a_stranger_finds_what_the_description_says() {
    let Some((interpreter, library)) = peer("schemathesis", "schemathesis is") else {
        return;
    };
    let seconds = std::env::var("ESMOND_PS_API_SECONDS");
    let seconds = seconds.unwrap_or_else(|_| "15".to_owned());
    let archive = TestArchive::start();
    let key = archive.create(&json!({
        "subject-type": "point-to-point", "source": "10.1.1.1", "destination": "10.1.1.2",
        "measurement-agent": "10.1.1.1", "tool-name": "t", "input-source": "a",
        "input-destination": "b", "event-types": [{"event-type": "throughput",
            "summaries": [{"summary-type": "average", "summary-window": 300}]}]
    }));
    // The stranger's own files go there, too.
    let place = tempfile::tempdir().expect("a temporary directory");
    let settings = format!("[parameters]\n\"path.metadata-key\" = \"{key}\"\n");
    fs::write(place.path().join("schemathesis.toml"), settings).expect("settings");
    let output = Command::new(interpreter)
        .current_dir(place.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env(
            "PYTHONPATH",
            fs::canonicalize(&library).expect("it is there"),
        )
        .env("PYTHONIOENCODING", "utf-8")
        .env("NO_PROXY", "*")
        .args([
            "-m",
            "schemathesis.cli",
            "run",
            "--workers",
            "1",
            "--warnings",
            "off",
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--continue-on-failure",
        ])
        .args(["--max-time", &seconds, "--seed", "1", "--checks", CHECKS])
        .args(["--header", &format!("Authorization: Token {}", archive.key)])
        .args([
            "--url",
            &archive.url,
            &format!("{}/openapi.json", archive.url),
        ])
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{stderr}");
    assert!(said.contains("generated, "), "{said}");
}
