//! Settings: command line over environment over file over defaults.

use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::process::{Server, client, command, run};

/// A directory with a configuration file.
fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.toml");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

fn shown(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The line of a setting, its value and its source.
fn setting<'a>(shown: &'a str, key: &str) -> (&'a str, &'a str) {
    let line = shown
        .lines()
        .find(|line| {
            line.trim_start_matches("# ")
                .starts_with(&format!("{key} ="))
        })
        .unwrap_or_else(|| panic!("no {key} in {shown}"));
    let (setting, source) = line.rsplit_once(" # ").unwrap();
    (setting.trim_end(), source)
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    // DIFFERENCE: the original has one file, of another form.
    let (directory, path) = file(
        "listen = \"[::1]:1\"\nbody-limit = 3\nidle-timeout = 7\n\
         trusted-proxy = [\"192.0.2.1\", \"10.0.0.0/8\"]\nrequire-auth-for-reads = true\n",
    );
    let data = directory.path();
    let mut command = command(data, &["serve", "--show-config", "--listen", "127.0.0.1:0"]);
    command
        .env("ESMOND_ARCHIVE_CONFIG", &path)
        .env("ESMOND_ARCHIVE_LISTEN", "127.0.0.1:2")
        .env("ESMOND_ARCHIVE_BODY_LIMIT", "4");
    let text = shown(&command.output().unwrap());
    let place = |line: usize| format!("{}:{line}", path.display());
    for (key, value, source) in [
        ("listen", "listen = \"127.0.0.1:0\"", "--listen"),
        (
            "body-limit",
            "body-limit = 4",
            "environment, ESMOND_ARCHIVE_BODY_LIMIT",
        ),
        ("idle-timeout", "idle-timeout = 7", &place(3)),
        (
            "trusted-proxy",
            "trusted-proxy = [\"192.0.2.1\", \"10.0.0.0/8\"]",
            &place(4),
        ),
        (
            "require-auth-for-reads",
            "require-auth-for-reads = true",
            &place(5),
        ),
        ("script-alias", "script-alias = \"esmond\"", "default"),
        ("tls-cert", "# tls-cert =", "not set"),
        (
            "data",
            &format!("data = \"{}\"", data.display()),
            "environment, ESMOND_ARCHIVE_DATA",
        ),
    ] {
        assert_eq!(setting(&text, key), (value, source), "{text}");
    }
    // Showing opens no archive.
    assert_eq!(std::fs::read_dir(data).unwrap().count(), 1);
}

#[test]
fn what_is_shown_is_a_configuration_file_that_says_the_same() {
    let data = tempfile::tempdir().unwrap();
    let options = [
        "serve",
        "--show-config",
        "--trusted-proxy",
        "::1,10.0.0.0/8",
        "--access-log",
        "a \"quoted\" name",
        "--require-auth-for-reads",
        "--log",
        "warn,h2=off",
    ];
    let first = shown(&run(data.path(), &options));
    let (_directory, path) = file(&first);
    let mut again = command(data.path(), &["serve", "--show-config", "--config"]);
    again.arg(&path).env_remove("ESMOND_ARCHIVE_DATA");
    let second = shown(&again.output().unwrap());
    let settings = |text: &str| -> Vec<String> {
        let lines = text.lines();
        lines
            .map(|line| line.rsplit_once(" # ").unwrap().0.to_owned())
            .collect()
    };
    assert_eq!(settings(&first), settings(&second));
    assert!(
        second.contains(&format!("{}:1\n", path.display())),
        "{second}"
    );
}

#[test]
fn a_wrong_file_is_named_with_the_line_and_nothing_starts() {
    let data = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (
            "\n\nlistne = \"[::]:80\"\n",
            ":3: unknown key \"listne\"; did you mean \"listen\"?",
        ),
        ("listen = 80\n", ":1: invalid value '80' for 'listen': "),
        ("log = \"a=b=c\"\n", ":1: invalid value 'a=b=c' for 'log': "),
        ("data = [\n", ":"),
    ] {
        let (_directory, path) = file(text);
        for arguments in [&["serve"][..], &["user", "add", "x"]] {
            let mut command = command(data.path(), arguments);
            let output = command.arg("--config").arg(&path).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{text}");
            let notes = String::from_utf8(output.stderr).unwrap();
            let expected = format!("esmond-ps-archive: {}{expected}", path.display());
            assert!(notes.starts_with(&expected), "{notes}");
        }
    }
    let output = run(data.path(), &["serve", "--config", "/nonexistent/x.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(
        notes.contains("configuration file /nonexistent/x.toml"),
        "{notes}"
    );
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_archive_is_served_and_its_users_are_managed_by_the_file_alone() {
    let (directory, path) = file("");
    let data = directory.path().join("data");
    let text = format!(
        "data = \"{}\"\nlisten = \"127.0.0.1:0\"\nscript-alias = \"/\"\n\
         require-auth-for-reads = true\n",
        data.display()
    );
    std::fs::write(&path, text).unwrap();
    let prepared = |arguments: &[&str]| {
        let mut command = command(Path::new(""), arguments);
        command
            .env_remove("ESMOND_ARCHIVE_DATA")
            .env("ESMOND_ARCHIVE_CONFIG", &path);
        command
    };
    let output = prepared(&["user", "add", "reader"]).output().unwrap();
    let shown = shown(&output);
    let key = shown.trim_end().strip_prefix("Key: ").unwrap();
    let server = Server::spawn(prepared(&["serve"]));
    assert!(
        server.url.ends_with("/perfsonar/archive/"),
        "{}",
        server.url
    );
    assert!(data.is_dir());
    let status = async |token: Option<&str>| {
        let mut request = client().get(&server.url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Token {token}"));
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(None).await, 401);
    assert_eq!(status(Some(key)).await, 200);
    drop(server);
    // A flag without a value would be "true"; the file's "true" can be taken back.
    let server = Server::spawn(prepared(&["serve", "--require-auth-for-reads=false"]));
    let answer = client().get(&server.url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[test]
fn summaries_and_types_are_checked_before_the_archive_listens() {
    let types = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        types.path(),
        "[event-types.process-count]\ndata-type = \"integer\"\n",
    )
    .unwrap();
    let summary = "[{ summary-type = \"average\", summary-window = 60 }]";
    let serve = |text: &str| {
        let (directory, path) = file(text);
        let mut command = command(directory.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--config").arg(&path);
        (directory, command)
    };
    let with_types = format!("types = \"{}\"\n", types.path().display());
    for (text, place, expected) in [
        (
            format!("[summaries]\nbogus = {summary}\n"),
            1,
            "bogus is no event type",
        ),
        (
            format!("[summaries]\nprocess-count = {summary}\n"),
            1,
            "process-count is no event type",
        ),
        (
            format!("{with_types}[summaries]\nhistogram-rtt = {summary}\n"),
            2,
            "histogram-rtt has no summaries of type average",
        ),
    ] {
        let (_directory, mut command) = serve(&text);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(
            notes.contains(&format!("archive.toml:{place}: ")),
            "{notes}"
        );
        assert!(
            notes.contains(expected) && !notes.contains("listening"),
            "{notes}"
        );
    }
    let text = format!("{with_types}[summaries]\nprocess-count = {summary}\n");
    let (_directory, command) = serve(&text);
    drop(Server::spawn(command));

    let (_directory, mut command) = serve("types = \"/nonexistent/types.toml\"\n");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("/nonexistent/types.toml"), "{notes}");
}

#[test]
fn every_mistake_in_the_types_has_a_line_and_nothing_was_made() {
    let (directory, types) = file("[event-types.x]\n[event-types.y]\n");
    let data = directory.path().join("data");
    for command_line in [&["serve", "--listen", "127.0.0.1:0"][..], &["import", "-"]] {
        let mut command = command(&data, command_line);
        let output = command.arg("--types").arg(&types).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command_line:?}");
        let notes = String::from_utf8(output.stderr).unwrap();
        let places: Vec<&str> = notes.lines().collect();
        assert_eq!(places.len(), 2, "{notes}");
        for (line, note) in (1..).zip(places) {
            let place = format!("esmond-ps-archive: {}:{line}:", types.display());
            assert!(note.starts_with(&place), "{notes}");
        }
        assert!(!data.exists());
    }
}
