//! How runs end: archives that are away, signals, rubbish.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::data::capture;
use crate::program::{Archive, command, run_on, taken};

#[test]
fn what_could_not_be_stored_is_kept_and_can_be_piped_in_again() {
    // DIFFERENCE: the original keeps nothing.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("failed");
    let file = file.to_str().unwrap();
    let text = capture("var-two-tests");
    // Metadata is taken, data is not.
    let archive = Archive::answering(|request, number| match request.method.as_str() {
        "PUT" => (400, json!({"detail": "no room"})),
        _ => taken(request, number),
    });
    let run = run_on(&archive.url, &["--save-failed", file], &text);
    assert_eq!(run.status, 1);
    let end = &run.log[run.log.len() - 2..];
    assert_eq!(
        end[0],
        format!("main.fatal 2 of 2 tests not stored, kept in {file}")
    );
    assert_eq!(end[1], "main.fatal exiting");
    let warnings = run
        .log
        .iter()
        .filter(|line| line.starts_with("write.warning"));
    assert_eq!(warnings.count(), 2);
    let kept = fs::read_to_string(file).unwrap();
    let (whole, again) = (Archive::taking_all(), Archive::taking_all());
    assert_eq!(run_on(&whole.url, &[], &text).status, 0);
    assert_eq!(
        run_on(&again.url, &["--save-failed", file], &kept).status,
        0
    );
    let bodies = |archive: &Archive| -> Vec<_> {
        archive
            .requests()
            .into_iter()
            .map(|request| request.body)
            .collect()
    };
    assert_eq!(bodies(&again), bodies(&whole));
    assert_eq!(fs::read_to_string(file).unwrap(), kept, "nothing is added");
}

#[test]
fn a_file_for_failures_that_cannot_be_opened_is_told_before_anything_is_read() {
    let run = run_on(
        "http://127.0.0.1:9",
        &["--save-failed", "/no/such/file"],
        "",
    );
    assert_eq!(run.status, 1);
    assert!(
        run.stderr.contains("opening /no/such/file"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("reading input"), "{}", run.stderr);
}

#[test]
fn an_archive_that_comes_back_gets_everything() {
    let archive = Archive::answering(|request, number| match number {
        0 | 2 => (503, json!({"detail": "starting"})),
        _ => taken(request, number),
    });
    let run = run_on(&archive.url, &[], &capture("tcp-p1-3.12"));
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(archive.requests().len(), 4);
}

#[test]
fn one_test_that_the_archive_refuses_does_not_keep_the_next_one_out() {
    let archive = Archive::answering(|request, number| match number {
        0 => (400, json!({"detail": "no such host"})),
        _ => taken(request, number),
    });
    let run = run_on(&archive.url, &[], &capture("var-two-tests"));
    assert_eq!(run.status, 1);
    assert!(
        run.log
            .contains(&"main.fatal 1 of 2 tests not stored".to_owned()),
        "{run:?}"
    );
    let stored = run
        .log
        .iter()
        .filter(|line| *line == "process_iperf3.end finished");
    assert_eq!(stored.count(), 1);
}

#[test]
fn rubbish_is_told_and_nothing_is_sent() {
    let archive = Archive::taking_all();
    let long = "x".repeat(3 << 20);
    for input in [
        "\u{0}\u{1b}[31m\u{fffd}",
        "no JSON here\n{",
        "{}\n",
        "[]\n",
        "{\"a\": 1}\n",
        "{\"start\": {\"connected\": []}}\n",
        "{\"test\": {}, \"schedule\": {}}\n",
        "bwctl: \nbwctl: Using tool: \n",
        "bwctl: start_tool: x\n",
        &long,
        "what is this",
    ] {
        let run = run_on(&archive.url, &["-v"], input);
        assert_eq!(run.status, 1, "{input:.40}");
        assert!(
            run.stderr.contains("main.fatal") && run.log.last().unwrap() == "main.fatal exiting",
            "{input:.40}: {run:?}"
        );
        assert!(
            !run.stderr.contains('\u{1b}'),
            "control characters are made visible"
        );
    }
    assert!(archive.requests().is_empty());
    let run = run_on(&archive.url, &["-v"], "what is this");
    assert!(
        run.log.contains(&"main.debug what is this\\n".to_owned()),
        "{run:?}"
    );
}

#[test]
fn bytes_that_are_no_utf8_do_not_matter() {
    let archive = Archive::taking_all();
    let mut input = b"bwctl: \xff\xfe\n".to_vec();
    input.extend(
        capture("tcp-p1-3.12")
            .replace("Linux vm", "Linux \u{1}")
            .into_bytes(),
    );
    let at = input.iter().position(|byte| *byte == 1).unwrap();
    input[at] = 0xff;
    let run = crate::program::run(&["-U", &archive.url, "-u", "u", "-k", "k"], &input);
    assert_eq!(run.status, 0, "{run:?}");
}

#[test]
fn a_tool_that_is_named_is_believed() {
    let archive = Archive::taking_all();
    // Without --tool this is output of bwctl that lacks the lines about its ends.
    let input = format!(
        "bwctl: warning\n{}",
        capture("tcp-p1-3.12")
            .split_once("start_tool")
            .unwrap()
            .1
            .split_once('\n')
            .unwrap()
            .1
    );
    assert_eq!(run_on(&archive.url, &[], &input).status, 1);
    let names = [
        "--tool",
        "iperf3",
        "--input-source",
        "ps1.example.org",
        "--input-destination",
        "ps2.example.org",
    ];
    let run = run_on(&archive.url, &names, &input);
    assert_eq!(run.status, 0, "{run:?}");
    let body = &archive.requests()[0].body;
    assert_eq!(body["tool-name"], "iperf3");
    assert_eq!(body["input-source"], "ps1.example.org");
    assert_eq!(body["input-destination"], "ps2.example.org");
    assert_eq!(body["source"], "127.0.0.2");
    let run = run_on(&archive.url, &["--tool", "nuttcp"], "");
    assert_eq!(run.status, 2);
}

#[test]
fn a_failed_run_of_iperf3_is_stored_under_names_that_are_given() {
    // DIFFERENCE: the original stores no failures.
    let archive = Archive::taking_all();
    let input = "{\n\"start\":\t{\"connected\": []},\n\"intervals\": [],\n\"end\": {}\n}\n\
                 iperf3: error - unable to send control message\n";
    let run = run_on(&archive.url, &[], input);
    assert_eq!(run.status, 1);
    assert!(archive.requests().is_empty());
    assert!(run.stderr.contains("--input-source"), "{run:?}");
    let names = [
        "--input-source",
        "192.0.2.1",
        "--input-destination",
        "192.0.2.2",
    ];
    let run = run_on(&archive.url, &names, input);
    assert_eq!(run.status, 1);
    let requests = archive.requests();
    assert_eq!(requests[0].body["source"], "192.0.2.1");
    let value = &requests[1].body["data"][0]["val"][0];
    assert_eq!(
        value["val"]["error"],
        "error - unable to send control message"
    );
}

#[test]
fn a_signal_ends_the_wait_for_input() {
    let archive = Archive::taking_all();
    let mut child = command(&["-U", &archive.url, "-u", "u", "-k", "k"])
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(capture("tcp-p1-3.12").as_bytes()).unwrap();
    stdin.flush().unwrap();
    // The test is stored while the input is still open.
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("process_iperf3.end") {
        assert_ne!(
            std::io::BufRead::read_line(&mut log, &mut seen).unwrap(),
            0,
            "{seen}"
        );
    }
    let process = child.id().to_string();
    Command::new("kill")
        .args(["-TERM", &process])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
    std::io::Read::read_to_string(&mut log, &mut seen).unwrap();
    assert!(seen.contains("main.fatal id="), "{seen}");
    assert!(
        seen.contains("signal 15: the rest of the input is not stored"),
        "{seen}"
    );
}

/// As documented: stderr and stdout of bwctl joined by the shell.
#[test]
fn both_outputs_of_a_tool_come_through_one_pipe_of_a_shell() {
    let directory = tempfile::tempdir().unwrap();
    let text = capture("tcp-p1-3.12");
    let (told, printed) = text.split_at(text.find("\nSENDER START").unwrap());
    fs::write(directory.path().join("told"), told).unwrap();
    fs::write(directory.path().join("printed"), printed).unwrap();
    let archive = Archive::taking_all();
    let script = "bwctl() { cat told >&2; cat printed; }; bwctl -T iperf3 |& \"$PIPE\" -U \"$URL\" -u u -k k";
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", script])
        .current_dir(directory.path())
        .env("PIPE", env!("CARGO_BIN_EXE_esmond-ps-pipe"))
        .env("URL", &archive.url)
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(archive.requests().len(), 2);
}
