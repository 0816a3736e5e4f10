//! Running an archive for long: health, metrics, logs, signals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Server, add_user, client, command, point_to_point, run};

async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn health_and_metrics_are_at_the_root() {
    let data = tempfile::tempdir().unwrap();
    let key = add_user(data.path(), "perfsonar");
    let server = Server::start_with(data.path(), &["--script-alias", "/"]);
    let request = client().post(&server.url).json(&point_to_point());
    let request = request.header("authorization", format!("Token {key}"));
    assert_eq!(request.send().await.unwrap().status(), 201);
    let (status, text) = get(&server.at_root("/healthz")).await;
    assert_eq!((status, text.as_str()), (200, "{\"status\":\"ok\"}"));
    let (status, text) = get(&server.at_root("/metrics")).await;
    assert_eq!(status, 200);
    let created = text.lines().find(|line| line.contains("method=\"POST\""));
    assert!(created.unwrap().ends_with(" 1"), "{text}");
    assert!(text.contains("esmond_ps_build_info{version=\""), "{text}");
}

/// A write whose body does not come, once the archive waits for it.
fn begun_write(server: &Server, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /perfsonar/archive/ HTTP/1.1\r\nhost: x\r\nauthorization: Token {key}\r\n\
         content-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn limits_of_requests_are_those_of_the_settings() {
    let data = tempfile::tempdir().unwrap();
    let key = add_user(data.path(), "perfsonar");
    let server = Server::start_with(data.path(), &["--max-writes", "1", "--max-reads", "1"]);
    let _slow = begun_write(&server, &key);
    let post = client().post(&server.url).json(&point_to_point());
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(get(&server.url).await.0, 200);
    drop(server);

    let server = Server::start_with(data.path(), &["--request-timeout", "1"]);
    let mut slow = begun_write(&server, &key);
    let mut rest = Vec::new();
    // Minutes before the body itself would have been given up, which is told.
    let closed = slow.read_to_end(&mut rest);
    assert!(closed.is_ok() && rest.is_empty(), "{closed:?} {rest:?}");
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_request_and_survives_rotation() {
    // DIFFERENCE: the original leaves this to its web server.
    let data = tempfile::tempdir().unwrap();
    let key = add_user(data.path(), "perfsonar");
    let log = data.path().join("access.log");
    let mut server = Server::start_with(data.path(), &["--access-log", log.to_str().unwrap()]);
    let query = format!("{}?limit=5&username=perfsonar&api_key={key}", server.url);
    assert_eq!(get(&query).await.0, 200);
    assert_eq!(get(&server.at_root("/a%0Ab%22")).await.0, 404);
    let moved = data.path().join("access.log.1");
    std::fs::rename(&log, &moved).unwrap();
    server.send("-HUP");
    server.wait_for("read again at SIGHUP");
    assert_eq!(get(&server.at_root("/healthz")).await.0, 200);
    let (status, text) = server.signal("-TERM");
    assert!(status.success(), "{text}");
    let before = lines(&moved);
    assert_eq!(before.len(), 2, "{before:?}");
    let (start, rest) = before[0].split_once(" [").unwrap();
    assert_eq!(start, "127.0.0.1 - perfsonar");
    let expected = "\"GET /esmond/perfsonar/archive/?limit=5 HTTP/1.1\" 200 ";
    assert!(rest.contains(expected), "{rest}");
    assert!(
        before[1].contains("\"GET /a%0Ab%22 HTTP/1.1\" 404 "),
        "{before:?}"
    );
    let after = lines(&log);
    assert!(
        after.len() == 1 && after[0].contains("/healthz"),
        "{after:?}"
    );
    assert!(before.iter().all(|line| !line.contains(&key)));
}

#[tokio::test]
async fn logs_can_be_json() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--access-log", "-", "--log-format", "json"];
    let mut command = command(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let out = data.path().join("stdout");
    command
        .args(options)
        .stdout(std::fs::File::create(&out).unwrap());
    let server = Server::spawn(command);
    assert_eq!(
        get(&format!("{}?source=192.0.2.1", server.url)).await.0,
        200
    );
    let (status, log) = server.signal("-TERM");
    assert!(status.success(), "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "INFO", "{log}");
    }
    let accesses = lines(&out);
    assert_eq!(accesses.len(), 1);
    let access: Value = serde_json::from_str(&accesses[0]).unwrap();
    assert_eq!(access["path"], "/esmond/perfsonar/archive/");
    assert_eq!(access["query"], "source=192.0.2.1");
    assert_eq!(
        (&access["status"], &access["user"]),
        (&json!(200), &Value::Null)
    );
}

#[tokio::test]
async fn a_hangup_changes_what_is_logged_and_tells_what_needs_a_start() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("archive.toml");
    std::fs::write(&file, "log = \"info\"\n").unwrap();
    let mut server = Server::start_with(data.path(), &["--config", file.to_str().unwrap()]);
    let refused = "request refused";
    assert_eq!(get(&format!("{}first/", server.url)).await.0, 404);

    std::fs::write(&file, "log = \"debug\"\nbody-limit = 5\n").unwrap();
    server.send("-HUP");
    server.wait_for("read again at SIGHUP; logging debug");
    let line = server.wait_for("take effect at the next start");
    assert!(line.ends_with("only: body-limit"), "{line}");
    assert_eq!(get(&format!("{}second/", server.url)).await.0, 404);
    let line = server.wait_for(refused);
    assert!(line.contains("second"), "{line}");

    std::fs::write(&file, "log = \"loud\"\nbody-limit = 5\n").unwrap();
    server.send("-HUP");
    let line = server.wait_for("the settings stay as they are");
    assert!(line.contains("archive.toml:1: invalid value"), "{line}");
    assert_eq!(get(&format!("{}third/", server.url)).await.0, 404);
    server.wait_for(refused);

    std::fs::write(&file, "log = \"warn\"\n").unwrap();
    server.send("-HUP");
    // At that level nothing tells that it was read, but only then it is silent:
    // a second one is read after the first.
    std::fs::write(&file, "log = \"warn\"\nbody-limit = 6\n").unwrap();
    server.send("-HUP");
    server.wait_for("only: body-limit");
    assert_eq!(get(&format!("{}fourth/", server.url)).await.0, 404);
    let (status, log) = server.signal("-TERM");
    assert!(status.success(), "{log}");
    assert_eq!(log.matches(refused).count(), 2, "{log}");
}

#[tokio::test]
async fn a_service_manager_is_told_when_the_archive_is_ready_and_when_it_stops() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let mut command = command(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path);
    let server = Server::spawn(command);
    let mut buffer = [0; 100];
    let mut told = || {
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(told().trim_end(), "READY=1");
    assert!(server.signal("-TERM").0.success());
    assert_eq!(told().trim_end(), "STOPPING=1");
}

#[test]
fn a_log_that_cannot_be_written_stops_the_start() {
    let data = tempfile::tempdir().unwrap();
    let options = [
        "serve",
        "--access-log",
        "/nonexistent/access.log",
        "--listen",
        "127.0.0.1:0",
    ];
    let output = run(data.path(), &options);
    assert_eq!(output.status.code(), Some(1));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("/nonexistent/access.log"), "{notes}");
}
