//! `channels`, `channel`, `cluster`, `server`, and how a server is reached.

use serde_json::Value;

use crate::server::{Reply, Server};
use crate::site::{NOWHERE, OTHER, SERVER, ended, program, recorded, run, site};

fn member(list: &Value, name: &str) -> Vec<String> {
    let objects = list.as_array().unwrap().iter();
    objects
        .map(|object| object[name].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn json_holds_the_objects_of_the_api() {
    let site = site();
    for (words, recording, pointer) in [
        (&["channels"][..], "admin_channels_all", "/channels"),
        (
            &["channels", "--server", SERVER],
            "admin_channels_by_server",
            "/channels",
        ),
        (&["channel", "someChannel"], "admin_channel", ""),
        (&["server"], "admin_server_status", ""),
    ] {
        let expected: Value = serde_json::from_slice(&recorded(recording).body).unwrap();
        let expected = match expected.pointer(pointer).unwrap() {
            list @ Value::Array(_) => list.clone(),
            object => Value::Array(vec![object.clone()]),
        };
        let made = run(&site, &[words, &["-o", "json"]].concat()).json();
        assert_eq!(made, expected, "{words:?}");
        let lines = run(&site, &[words, &["-o", "jsonl"]].concat()).out;
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(Value::Array(lines), expected, "{words:?}");
    }
}

#[test]
fn csv_has_a_line_for_each() {
    let site = site();
    let made = run(&site, &["channels", "-o", "csv"]);
    let mut lines = made.out.split("\r\n");
    let header = "channelName,serverName,serverId,controlSystemType,controlSystemName,\
                  decimationLevels,channelDataId";
    assert_eq!(lines.next(), Some(header));
    let named = |line: &&str| line.starts_with("stitched,myserver,");
    let line = lines.find(named).unwrap();
    assert!(line.contains(r#","0, 30, 900","#), "{line}");
    let made = run(&site, &["channel", "someChannel", "-o", "csv"]);
    assert!(made.out.contains("\r\nsomeChannel,myserver,"), "{made:?}");
}

#[test]
fn servers_are_sorted_and_can_be_named() {
    let site = site();
    let made = run(&site, &["cluster"]);
    let names: Vec<&str> = made
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("serverName: "))
        .collect();
    assert_eq!(names, ["myserver", "otherserver", "thirdserver"]);
    assert!(
        made.out
            .contains("lastOnlineTime: 2017-03-27T17:07:10.220Z\n"),
        "{made:?}"
    );
    let made = run(
        &site,
        &["channels", "--server", "otherserver", "-o", "json"],
    );
    assert_eq!(member(&made.json(), "channelName"), ["remoteChannel"]);
    assert!(
        made.err.contains("cannot be asked for the state"),
        "{made:?}"
    );
    let made = run(&site, &["channels", "--server", "noserver"]);
    assert_eq!(made.status, Some(2));
    assert!(
        made.err.contains(&format!("{OTHER} (otherserver)")),
        "{made:?}"
    );
}

#[test]
fn channels_are_found_by_pattern_and_by_expression() {
    let site = site();
    let made = run(
        &site,
        &["channels", "--regexp", "some.*Channel", "-o", "json"],
    );
    let names = ["someChannel", "someOtherChannel"];
    assert_eq!(member(&made.json(), "channelName"), names);
    let words = ["channels", "--server", SERVER, "--regexp", "some.*Channel"];
    let made = run(&site, &[&words[..], &["-o", "json"]].concat()).json();
    assert_eq!(member(&made, "channelName"), names);
    assert_eq!(member(&made, "state"), ["ok", "error"]);
    let made = run(&site, &["channels", "--glob", "nothing*"]);
    assert_eq!(
        (made.status, made.out.as_str()),
        (Some(0), "No data found.\n")
    );
    let made = run(&site, &["channels", "--glob", r"a\d"]);
    assert_eq!(made.status, Some(2));
    assert!(made.err.contains("backslash"), "{made:?}");
    assert_eq!(
        run(&site, &["channels", "--glob", "a", "--regexp", "b"]).status,
        Some(2)
    );
}

#[test]
fn what_fails_says_why() {
    let site = site();
    let missing = format!("there is no server {NOWHERE}");
    for (words, expected) in [
        (&["channel", "nope"][..], "there is no channel `nope`"),
        (&["channels", "--server", NOWHERE], &missing),
    ] {
        let made = run(&site, words);
        assert_eq!((made.status, made.out.as_str()), (Some(1), ""));
        assert!(made.err.starts_with("pv-archiver: error: "), "{made:?}");
        assert!(made.err.contains(expected), "{made:?}");
    }
    let down = Server::start(|_| recorded("admin_cluster_status_503"));
    for words in [
        &["cluster"][..],
        &["channels"],
        &["server"],
        &["channel", "a"],
    ] {
        let made = run(&down, words);
        assert_eq!(made.status, Some(1));
        assert!(made.err.contains("503"), "{made:?}");
    }
    let down = Server::start(|_| recorded("access_pattern_503"));
    assert_eq!(run(&down, &["channels", "--glob", "*"]).status, Some(1));
    let page = Server::start(|_| Reply::new(200, Some("text/html"), "<html>hello"));
    assert!(run(&page, &["cluster"]).err.contains("not JSON"));
}

#[test]
fn control_characters_are_made_visible() {
    let body = r#"{"servers":[{"lastOnlineTime":"0","online":true,
        "serverId":"7cf8f393-cd00-46ae-9343-53e9cb5793fd","serverName":"a\u001b[2Jb"}]}"#;
    let odd = Server::start(move |_| Reply::json(200, body));
    let made = run(&odd, &["cluster"]);
    assert!(made.out.contains("serverName: a\\x1b[2Jb\n"), "{made:?}");
}

#[test]
fn a_command_line_that_is_wrong_is_a_usage_error() {
    let site = site();
    for words in [
        &[][..],
        &["nothing"],
        &["channel"],
        &["channels", "-o", "xml"],
        &["cluster", "--timeout", "0"],
        &["cluster", "--url", "ftp://host"],
        &["get"],
        &["get", "a", "--glob", "b"],
        &["get", "a", "-D", "."],
        &["get", "a", "--count", "0"],
        &["import", SERVER, "file"],
        &["export"],
    ] {
        let made = run(&site, words);
        assert_eq!((made.status, made.out.as_str()), (Some(2), ""), "{words:?}");
    }
    assert!(site.asked().is_empty());
    let made = run(&site, &["--help"]);
    assert_eq!(made.status, Some(0));
    assert!(made.out.contains("Exit status: 0 done"), "{made:?}");
}

#[test]
fn two_apis_may_be_at_two_places() {
    let (admin, access) = (site(), site());
    let words = ["--archive-url", &access.url, "--regexp", "some.*Channel"];
    let words = [&["channels", "--server", SERVER][..], &words].concat();
    assert_eq!(run(&admin, &words).status, Some(0));
    assert_eq!((admin.asked().len(), access.asked().len()), (1, 1));
}

#[test]
fn files_of_trust_and_passwords_have_to_be_there() {
    let site = site();
    for words in [
        ["cluster", "--cacert", "no/such/file"],
        ["cluster", "--password-file", "no/such/file"],
        ["cluster", "--password-file", "/dev/null"],
    ] {
        let made = run(&site, &words);
        assert_eq!(made.status, Some(1));
        assert!(made.err.contains(words[2]), "{made:?}");
    }
    let made = run(&site, &["cluster", "--insecure"]);
    assert_eq!(made.status, Some(0));
    assert!(made.err.contains("not verified"), "{made:?}");
}

#[test]
fn a_password_is_never_shown() {
    let closed = site();
    let mut command = program(&closed);
    command.env("PV_ARCHIVER_URL", "http://user:mysecret@127.0.0.1:9/");
    let made = ended(command.arg("cluster"));
    assert_eq!(made.status, Some(2));
    assert!(!made.err.contains("mysecret"), "{made:?}");
    let made = run(&closed, &["--help"]);
    assert!(!made.out.contains("mysecret"), "{made:?}");
}
