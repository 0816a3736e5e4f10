//! `apply`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::site::{
    NOWHERE, OTHER, Run, SERVER, ended, forbidden, program, recorded, run, signal, site, site_with,
};

/// Applies a text, from stdin.
fn apply(server: &Server, text: &str, words: &[&str]) -> Run {
    let mut command = program(server);
    command
        .args(["apply", "-"])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    child.stdin.take().unwrap().write_all(text.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn table() -> String {
    format!(
        "commandType,channelName,oldChannelName,newChannelName,controlSystemType,serverId,\
         newServerId,expectedOldServerId,enabled,decimationLevels,options\n\
         add_channel,new_channel,,,channel_access,{SERVER},,,true,0:864000 30:31536000 900:0,monitorMask=value|alarm\n\
         add_or_update_channel,maybe,,,channel_access,{SERVER},,,false,,\n\
         move_channel,moved,,,,,{SERVER},{OTHER},,,\n\
         refresh_channel,some,,,,{SERVER},,,,,\n\
         remove_channel,old,,,,,,,,,\n\
         rename_channel,,before,after,,,,,,,\n\
         update_channel,existing,,,,,,,true,0:0;30:0;500:0,\n"
    )
}

fn list() -> Value {
    json!([
        {"commandType": "add_channel", "channelName": "new_channel",
            "controlSystemType": "channel_access", "decimationLevels": ["0", "30", "900"],
            "decimationLevelToRetentionPeriod": {"0": "864000", "30": "31536000", "900": "0"},
            "enabled": true, "options": {"monitorMask": "value|alarm"}, "serverId": SERVER},
        {"commandType": "add_or_update_channel", "channelName": "maybe",
            "controlSystemType": "channel_access", "enabled": false, "serverId": SERVER},
        {"commandType": "move_channel", "channelName": "moved", "newServerId": SERVER,
            "expectedOldServerId": OTHER},
        {"commandType": "refresh_channel", "channelName": "some", "serverId": SERVER},
        {"commandType": "remove_channel", "channelName": "old"},
        {"commandType": "rename_channel", "oldChannelName": "before", "newChannelName": "after"},
        {"commandType": "update_channel", "channelName": "existing", "enabled": true,
            "decimationLevels": [0, 30, 500],
            "decimationLevelToRetentionPeriod": {"0": 0, "30": 0, "500": 0}},
    ])
}

const DONE: &str = "\
add_channel new_channel: done
add_or_update_channel maybe: done
move_channel moved: done
refresh_channel some: done
remove_channel old: done
rename_channel before -> after: done
update_channel existing: done
";

#[test]
fn all_commands_are_run_from_csv_and_from_json_alike() {
    // DIFFERENCE: servers group the results by server.
    let site = site();
    let request = json!({"commands": list()}).to_string();
    for text in [table(), list().to_string(), request] {
        let made = apply(&site, &text, &[]);
        assert_eq!(made.status, Some(0), "{made:?}");
        // In the order of the file, whatever that of the server is.
        assert_eq!((made.out.as_str(), made.err.as_str()), (DONE, ""));
    }
    let changes = site.changes();
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[0].json(), changes[1].json());
    assert_eq!(changes[1].json(), changes[2].json());
    let sent = changes[0].json();
    assert_eq!(sent["commands"][0], list()[0]);
    assert_eq!(sent["commands"][2], list()[2]);
}

#[test]
fn commands_of_which_some_failed_end_with_3_and_all_with_1() {
    let site = site();
    let one = r#"{"commandType":"remove_channel","channelName":"odd failure"}"#;
    let other = r#"{"commandType":"remove_channel","channelName":"a"}"#;
    let both = format!("[{one},{other}]");
    let made = apply(&site, &both, &[]);
    assert_eq!(made.status, Some(3));
    // Newlines and escapes of a server cannot mislead.
    let lines = "remove_channel odd failure: FAILED: There is no \\x1b[31msuch channel.\nremove_channel a: done\n";
    assert_eq!(made.out, lines);
    let made = apply(&site, &both, &["-o", "json"]);
    let rows: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(made.status, Some(3));
    assert_eq!(rows[0]["command"]["channelName"], "odd failure");
    assert_eq!(
        (&rows[0]["success"], &rows[1]["success"]),
        (&json!(false), &json!(true))
    );
    let made = apply(&site, &both, &["-o", "csv"]);
    assert!(
        made.out.contains("\r\nremove_channel,a,True,\r\n"),
        "{made:?}"
    );
    let made = apply(&site, &format!("[{one}]"), &[]);
    assert_eq!(made.status, Some(1));
    assert!(
        made.err.contains("none of the 1 commands succeeded"),
        "{made:?}"
    );
}

#[test]
fn a_result_that_is_missing_is_no_success() {
    let site = site_with(|asked| {
        let odd = r#"{"errorMessage":"odd","results":[{"command":{"commandType":"remove_channel",
            "channelName":"b"},"success":true},5]}"#;
        (asked.method == "POST").then(|| Reply::json(200, odd))
    });
    let text = "commandType,channelName\nremove_channel,a\nremove_channel,b\n";
    let made = apply(&site, text, &[]);
    assert_eq!(made.status, Some(3), "{made:?}");
    assert!(
        made.out.starts_with("remove_channel a: UNKNOWN: "),
        "{made:?}"
    );
    assert!(made.err.contains("the server says: odd"), "{made:?}");
    assert!(made.err.contains("a result of no command: 5"), "{made:?}");
}

#[test]
fn a_dry_run_checks_and_changes_nothing() {
    let site = site();
    let mut command = program(&site);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("commands.csv");
    fs::write(&path, table()).unwrap();
    // It needs no password.
    command
        .env_remove("PV_ARCHIVER_PASSWORD")
        .args(["apply", "--dry-run"]);
    let made = ended(command.arg(&path));
    assert_eq!(made.status, Some(0), "{made:?}");
    assert_eq!(made.out, DONE.replace("done", "would be run"));
    let wrong = table().replace(SERVER, NOWHERE);
    assert_eq!(apply(&site, &wrong, &["--dry-run"]).status, Some(1));
    let made = apply(&site, &table(), &["--dry-run", "-o", "json"]).json();
    assert_eq!(
        made[0],
        json!({"command": list()[0], "success": null, "errorMessage": null})
    );
    assert!(site.changes().is_empty());
}

#[test]
fn servers_and_types_that_there_are_not_stop_everything() {
    // DIFFERENCE: neither the Python client nor the server looks.
    let site = site();
    let known = format!("{SERVER} (myserver)");
    for (from, to, expected) in [
        (SERVER, NOWHERE, &["there is no server", &known][..]),
        (OTHER, NOWHERE, &["move_channel moved: there is no server"]),
        (
            "channel_access",
            "chanel_access",
            &[
                "add_channel new_channel: no channel has",
                "channel_access, foo_bar",
            ],
        ),
    ] {
        let made = apply(&site, &table().replace(from, to), &[]);
        assert_eq!((made.status, made.out.as_str()), (Some(1), ""));
        for expected in expected {
            assert!(made.err.contains(expected), "{expected} {made:?}");
        }
    }
    assert!(site.changes().is_empty());
    // A type that some channel has is known.
    let made = apply(&site, &table().replace("channel_access", "foo_bar"), &[]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let made = apply(&site, &table().replace(SERVER, NOWHERE), &["--unchecked"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let offline = "8c6959e2-0388-4854-8ebf-88a752375962";
    let made = apply(&site, &table().replace(OTHER, offline), &[]);
    assert!(made.err.contains("(thirdserver) is offline"), "{made:?}");
}

#[test]
fn levels_without_a_period_are_warned_of_and_run() {
    // DIFFERENCE: the Python client can send nothing else.
    let site = site();
    let text = r#"[{"commandType":"update_channel","channelName":"existing_channel",
        "decimationLevels":[0,30,500]}]"#;
    let made = apply(&site, text, &[]);
    assert_eq!(made.status, Some(0));
    assert!(made.err.contains("kept for ever"), "{made:?}");
}

#[test]
fn rubbish_is_refused_before_anything_is_asked() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("commands");
    for text in [
        &b""[..],
        b"[]",
        b"hello",
        b"[{\"commandType\":\"remove_chanel\",\"channelName\":\"a\"}]",
        b"[{\"commandType\":\"remove_channel\",\"channelName\":\"a\"}",
        b"commandType,channelName\nremove_channel\n",
        b"commandType,channelName\nremove_channel,\n",
        b"commandType\xff\n",
        b"\x00\x01\x02",
    ] {
        fs::write(&path, text).unwrap();
        let made = run(&site, &["apply", path.to_str().unwrap()]);
        assert_eq!((made.status, made.out.as_str()), (Some(1), ""), "{text:?}");
        assert!(made.err.contains(path.to_str().unwrap()), "{made:?}");
    }
    assert_eq!(run(&site, &["apply", "/"]).status, Some(1));
    assert!(site.asked().is_empty());
}

#[test]
fn a_server_that_refuses_everything_is_a_failure() {
    let page = recorded("cmd_400_empty_name");
    for (reply, expected) in [
        (forbidden(), "refuses access (403)"),
        (recorded("cmd_database_down"), "Database access error"),
        (page, "none was run"),
        (Reply::new(401, None, ""), "401"),
        (Reply::new(500, Some("text/html"), "<html>oops"), "500"),
    ] {
        let site = site_with(move |asked| (asked.method == "POST").then(|| reply.clone()));
        let made = apply(&site, &table(), &[]);
        assert_eq!((made.status, made.out.as_str()), (Some(1), ""));
        assert!(made.err.contains(expected), "{expected} {made:?}");
        assert!(!made.err.contains("mysecret"), "{made:?}");
    }
}

#[test]
fn a_signal_ends_the_waiting_and_says_what_that_means() {
    let (sender, arrived) = mpsc::channel();
    let sender = Mutex::new(sender);
    let site = site_with(move |asked| {
        let is_change = asked.method == "POST";
        is_change.then(|| {
            sender.lock().unwrap().send(()).unwrap();
            Reply::unfinished("")
        })
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("commands.csv");
    fs::write(&path, table()).unwrap();
    let mut command = program(&site);
    command.arg("apply").arg(&path).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    arrived.recv().unwrap();
    signal(child.id(), "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("the server does all the same"), "{err}");
}
