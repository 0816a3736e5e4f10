//! `export` and `import`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::server::{Reply, Server};
use crate::site::{
    NOWHERE, OTHER, SERVER, ended, forbidden, names, program, recorded, run, site, site_with,
};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/import_two_channels.xml"
);

fn exported() -> Vec<u8> {
    let answer: Value = serde_json::from_slice(&recorded("admin_export_remote").body).unwrap();
    BASE64
        .decode(answer["configurationFile"].as_str().unwrap())
        .unwrap()
}

#[test]
fn a_configuration_is_exported_byte_by_byte() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.xml");
    let made = run(&site, &["export", "otherserver", path.to_str().unwrap()]);
    assert_eq!((made.status, made.out.as_str()), (Some(0), ""), "{made:?}");
    assert_eq!(fs::read(&path).unwrap(), exported());
    // As others could read any new file.
    fs::write(directory.path().join("new"), "").unwrap();
    let mode = |name| {
        let metadata = fs::metadata(directory.path().join(name)).unwrap();
        metadata.permissions().mode()
    };
    assert_eq!(mode("server.xml"), mode("new"));
    for words in [&["export", OTHER][..], &["export", OTHER, "-"]] {
        assert_eq!(run(&site, words).out.as_bytes(), exported());
    }
    let made = run(&site, &["export", OTHER, "/dev/stderr"]);
    assert_eq!(made.err.as_bytes(), exported());
}

#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.xml");
    fs::write(&path, "before").unwrap();
    let body = recorded("admin_export_remote").body;
    let cut = Server::start(move |_| Reply::cut(&body[..body.len() / 2]));
    let missing = Server::start(|_| recorded("admin_export_404"));
    for server in [cut, missing] {
        let made = run(&server, &["export", OTHER, path.to_str().unwrap()]);
        assert_eq!(made.status, Some(1), "{made:?}");
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(names(directory.path()), ["server.xml"]);
    }
}

#[test]
fn the_file_and_the_flags_arrive() {
    // DIFFERENCE: the Python client adds and updates unless told otherwise.
    let site = site();
    for (flags, expected) in [
        (&["--add-channels"][..], [true, false, false, false]),
        (
            &["--update-channels", "--simulate"],
            [false, true, false, true],
        ),
        (
            &[
                "--add-channels",
                "--update-channels",
                "--remove-channels",
                "--simulate",
            ],
            [true, true, true, true],
        ),
    ] {
        run(&site, &[&["import", "myserver", FILE], flags].concat());
        let change = site.changes().pop().unwrap();
        assert!(change.target.contains(SERVER), "{}", change.target);
        let request = change.json();
        let members = [
            "addChannels",
            "updateChannels",
            "removeChannels",
            "simulate",
        ];
        assert_eq!(
            members.map(|name| request[name].as_bool().unwrap()),
            expected
        );
        let file = BASE64.decode(request["configurationFile"].as_str().unwrap());
        assert_eq!(file.unwrap(), fs::read(FILE).unwrap());
    }
}

#[test]
fn an_import_of_which_a_part_failed_says_which() {
    let site = site();
    let words = ["import", SERVER, FILE, "--add-channels"];
    let made = run(&site, &words);
    assert_eq!(made.status, Some(3));
    let lines = "newChannel: added or updated\n\
        someExistingChannel: FAILED: Channel \"someExistingChannel\" cannot be added because a \
        channel with the same name already exists.\n";
    assert_eq!(made.out, lines);
    let made = run(&site, &[&words[..], &["-o", "jsonl"]].concat());
    let rows: Vec<Value> = made
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["success"], true);
    assert_eq!(rows[1]["channelName"], "someExistingChannel");
    assert_eq!(rows[1]["action"], "addOrUpdate");
    let made = run(&site, &[&words[..], &["--simulate"]].concat());
    assert_eq!(made.status, Some(0));
    assert!(
        made.out.contains("newChannel: would be added or updated\n"),
        "{made:?}"
    );
    let made = run(
        &site,
        &[&words[..], &["--simulate", "--remove-channels"]].concat(),
    );
    assert!(made.out.contains(": would be removed\n"), "{made:?}");
}

#[test]
fn an_import_that_is_refused_says_why() {
    for (recording, expected) in [
        ("import_not_xml", "Content is not allowed in prolog"),
        ("import_database_down", "503"),
    ] {
        let server = site_with(move |asked| (asked.method == "POST").then(|| recorded(recording)));
        let made = run(&server, &["import", SERVER, FILE, "--add-channels"]);
        assert_eq!((made.status, made.out.as_str()), (Some(1), ""));
        assert!(made.err.contains(expected), "{made:?}");
    }
    let server = site_with(|asked| (asked.method == "POST").then(forbidden));
    let made = run(&server, &["import", SERVER, FILE, "--add-channels"]);
    assert!(made.err.contains("wrong user or password"), "{made:?}");
    assert!(!made.err.contains("mysecret"), "{made:?}");
}

#[test]
fn a_server_that_is_not_in_the_cluster_gets_nothing() {
    let site = site();
    let words = ["import", NOWHERE, FILE, "--add-channels"];
    let made = run(&site, &words);
    assert_eq!(made.status, Some(1));
    assert!(
        made.err.contains(&format!("{SERVER} (myserver)")),
        "{made:?}"
    );
    assert!(site.changes().is_empty());
    run(&site, &[&words[..], &["--unchecked"]].concat());
    assert_eq!(site.changes().len(), 1);
    let made = run(&site, &["import", "thirdserver", FILE, "--add-channels"]);
    assert!(made.err.contains("is offline"), "{made:?}");
}

#[test]
fn files_that_mislead_are_warned_of_and_unreadable_ones_refused() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trap.xml");
    fs::write(&path, r#"<x><channel name="a" enabled="1"/></x>"#).unwrap();
    let made = run(
        &site,
        &["import", SERVER, path.to_str().unwrap(), "--add-channels"],
    );
    assert!(made.err.contains("read as false"), "{made:?}");
    assert!(made.err.contains("the first is `a`"), "{made:?}");
    let before = site.changes().len();
    fs::write(&path, "").unwrap();
    for path in [path.to_str().unwrap(), "no/such/file", "/"] {
        let made = run(&site, &["import", SERVER, path, "--add-channels"]);
        assert_eq!(made.status, Some(1), "{path}");
    }
    assert_eq!(site.changes().len(), before);
}

#[test]
fn the_password_comes_from_the_environment_or_a_file() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    fs::write(&path, "mysecret\nmore\n").unwrap();
    let words = ["import", SERVER, FILE, "--add-channels", "--simulate"];
    let made = ended(
        program(&site)
            .env_remove("PV_ARCHIVER_PASSWORD")
            .args(words),
    );
    assert_eq!(made.status, Some(2));
    assert!(made.err.contains("--password-file"), "{made:?}");
    assert!(site.asked().is_empty());
    let mut command = program(&site);
    command.env("PV_ARCHIVER_PASSWORD", "wrong").args(words);
    command.args(["--password-file", path.to_str().unwrap()]);
    assert_eq!(ended(&mut command).status, Some(0));
    let made = ended(
        program(&site)
            .env("PV_ARCHIVER_PASSWORD", "wrong")
            .args(words),
    );
    assert_eq!(made.status, Some(1));
    let made = run(&site, &[&words[..], &["--user", "other"]].concat());
    assert_eq!(made.status, Some(1), "{made:?}");
}

#[test]
fn the_password_of_the_environment_goes_to_the_server_of_the_environment_alone() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    fs::write(&path, "mysecret\n").unwrap();
    let words = ["import", SERVER, FILE, "--add-channels", "--simulate"];
    let asking = |named: &str| {
        let mut command = program(&site);
        command.env("PV_ARCHIVER_URL", named);
        command.args(words).args(["--url", &site.url]);
        command
    };
    let mut done = 0;
    for named in ["other.example.org", "http://127.0.0.1:1", "https://a:b@c"] {
        let made = ended(&mut asking(named));
        assert_eq!(made.status, Some(2), "{made:?}");
        assert!(
            made.err.contains("is not sent to http://127.0.0.1"),
            "{made:?}"
        );
        assert!(made.err.contains("--password-file"), "{made:?}");
        assert!(!made.err.contains("a:b"), "{made:?}");
        assert_eq!(site.asked().len(), done);
        let file = ["--password-file", path.to_str().unwrap()];
        assert_eq!(ended(asking(named).args(file)).status, Some(0));
        done = site.asked().len();
    }
    for named in ["", &site.url, &format!("{}/", site.url)] {
        let made = ended(&mut asking(named));
        assert_eq!(made.status, Some(0), "{named}: {made:?}");
    }
}
