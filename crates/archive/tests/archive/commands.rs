//! The command line: exit status, what goes to stdout, messages.

use std::net::TcpListener;
use std::process::Output;

use serde_json::json;

use crate::process::{Server, add_user, client, command, point_to_point, run};

fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_key_is_shown_once_and_nothing_changes_for_a_user_who_has_one() {
    let data = tempfile::tempdir().unwrap();
    let first = run(data.path(), &["user", "add", "perfsonar"]);
    assert!(first.status.success());
    let shown = String::from_utf8(first.stdout.clone()).unwrap();
    let key = shown.strip_prefix("Key: ").unwrap().trim_end();
    assert!(key.len() == 40 && key.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    assert_eq!(shown.lines().count(), 1);
    assert!(notes(&first).contains("User perfsonar does not exist - creating"));

    let second = run(data.path(), &["user", "add", "perfsonar"]);
    assert!(second.status.success());
    assert!(second.stdout.is_empty());
    let text = notes(&second);
    assert!(text.contains("User perfsonar exists"), "{text}");
    assert!(text.contains("already has api key"), "{text}");
}

#[tokio::test]
async fn users_are_managed_while_the_archive_is_served() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let key = add_user(data.path(), "perfsonar");
    let create = async |token: Option<&str>| {
        let mut request = client().post(&server.url).json(&point_to_point());
        if let Some(token) = token {
            request = request.header("authorization", format!("Token {token}"));
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(create(Some(&key)).await, 201);
    assert_eq!(create(None).await, 401);
    assert!(
        run(data.path(), &["user", "disable", "perfsonar"])
            .status
            .success()
    );
    assert_eq!(create(Some(&key)).await, 401);
    assert!(
        run(data.path(), &["user", "enable", "perfsonar"])
            .status
            .success()
    );
    assert_eq!(create(Some(&key)).await, 201);
    let added = run(
        data.path(),
        &["user", "ip", "add", "perfsonar", "127.0.0.1"],
    );
    assert!(added.status.success());
    assert!(notes(&added).contains("Creating entry for IP 127.0.0.1/32 belonging to perfsonar"));
    assert_eq!(create(None).await, 201);
}

#[test]
fn help_is_enough_to_run_it_and_usage_errors_are_2() {
    let data = tempfile::tempdir().unwrap();
    let help = run(data.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for part in [
        "serve",
        "user add",
        "Exit status",
        "--data",
        "XDG_DATA_HOME",
        "RUST_LOG",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let help = run(data.path(), &["serve", "--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    for part in [
        "127.0.0.1:8080",
        "SIGTERM",
        "--trusted-proxy",
        "[default: esmond]",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for arguments in [
        &["serve", "--listen", "nonsense"][..],
        &["serve", "--trusted-proxy", "x"],
        &["user", "ip", "add", "perfsonar"],
        &["bogus"],
        &[],
    ] {
        assert_eq!(
            run(data.path(), arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn what_stops_the_archive_from_starting_is_said_with_a_remedy() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(data.path(), &["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let text = notes(&output);
    assert!(
        text.contains(&address) && text.contains("--listen"),
        "{text}"
    );
    assert!(text.to_lowercase().contains("in use"), "{text}");

    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&file.join("below"), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    let text = notes(&output);
    assert!(
        text.contains("file/below") && text.contains("--data"),
        "{text}"
    );
}

#[tokio::test]
async fn a_signal_ends_the_archive_cleanly_and_no_key_is_ever_logged() {
    let data = tempfile::tempdir().unwrap();
    let key = add_user(data.path(), "perfsonar");
    for signal in ["-TERM", "-INT"] {
        let port_file = data.path().join("port");
        let mut serve = command(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
        serve.arg("--port-file").arg(&port_file);
        serve.env("RUST_LOG", "trace");
        let server = Server::spawn(serve);
        let port = std::fs::read_to_string(&port_file).unwrap();
        assert!(
            server
                .url
                .contains(&format!(":{}/esmond/", port.trim_end()))
        );
        // The client keeps its connection open.
        let client = client();
        let request = client.post(&server.url).json(&point_to_point());
        let request = request.header("authorization", format!("Token {key}"));
        assert_eq!(request.send().await.unwrap().status(), 201);
        let query = format!("{}?username=perfsonar&api_key={key}", server.url);
        let answer = client.get(query).send().await.unwrap();
        assert_eq!(
            answer.json::<serde_json::Value>().await.unwrap()[0]["metadata-count-total"],
            json!(1)
        );
        let wrong = format!("{}?username=other&api_key={key}", server.url);
        assert_eq!(client.get(wrong).send().await.unwrap().status(), 401);
        let (status, log) = server.signal(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("stopped"), "{log}");
        assert!(!log.contains(&key), "{log}");
    }
}
