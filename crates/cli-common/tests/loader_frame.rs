//! How a loader behaves as a process: its log, its exit statuses, signals. The
//! loader is `examples/loader.rs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

fn loader() -> Command {
    let own = std::env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join("examples/loader");
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --examples -p esmond-ps-cli-common` first",
        path.display()
    );
    let mut command = Command::new(path);
    for name in ["ESMOND_URL", "ESMOND_USER", "ESMOND_KEY", "ESMOND_KEY_FILE"] {
        command.env_remove(name);
    }
    command.env_remove("ESMOND_PS_ARCHIVE");
    command.env("ESMOND_PS_CONFIG", "/dev/null");
    command.env("NO_PROXY", "*").stdin(Stdio::null());
    command
}

/// A directory of this test, empty.
fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_dir_all(&path).ok();
    fs::create_dir_all(&path).unwrap();
    path
}

/// Reads a request to its end and answers it.
fn answer(stream: &mut BufReader<TcpStream>, (status, body): (u16, &str)) {
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        line.clear();
    }
    io::copy(&mut stream.take(length), &mut io::sink()).unwrap();
    let length = body.len();
    let head = "X\r\nContent-Type: application/json\r\nContent-Length:";
    let answer = format!("HTTP/1.1 {status} {head} {length}\r\n\r\n{body}");
    stream.get_mut().write_all(answer.as_bytes()).ok();
}

/// An archive that answers each request with the next of these, the last one
/// for ever.
fn archive(answers: &'static [(u16, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut answers = answers.iter();
        let mut last = (500, "");
        while stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
            last = *answers.next().unwrap_or(&last);
            answer(&mut stream, last);
        }
    });
    url
}

const RECORD: (u16, &str) = (
    201,
    r#"{"metadata-key":"0a","subject-type":"point-to-point","event-types":[],"uri":"/perfsonar/archive/0a/"}"#,
);

/// Checks the form of each line and returns what varies not: event and text.
fn events(log: &str) -> Vec<String> {
    log.lines()
        .map(|line| {
            let rest = line.strip_prefix("ts=").unwrap_or_else(|| panic!("{line}"));
            let (ts, rest) = rest.split_once(" event=").unwrap();
            let (event, rest) = rest.split_once(" id=").unwrap();
            let (id, text) = rest.split_once(' ').unwrap();
            assert_eq!(
                (ts.len(), &ts[10..11], &ts[19..20]),
                (23, " ", ","),
                "{line}"
            );
            assert!(id.parse::<u64>().is_ok(), "{line}");
            format!("{event} {text}")
        })
        .collect()
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(stdout.is_empty());
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_run_is_logged_and_ends_with_the_status_of_what_became_of_it() {
    // DIFFERENCE: the originals end with 0, or with 255.
    let directory = directory("statuses");
    let file = directory.join("numbers");
    fs::write(&file, "1 5\nrubbish\x1b[2J\n2 6\n").unwrap();
    let file = file.to_str().unwrap();
    let good: &[(u16, &str)] = &[RECORD, (201, r#""""#)];
    let refused: &[(u16, &str)] = &[RECORD, (400, r#"{"detail":"no\nmore"}"#), (201, r#""""#)];
    let broken: &[(u16, &str)] = &[RECORD, (500, r#"{"detail":"disk full"}"#)];
    let start = format!("main.start read {file}");
    let skipped = "load.error skipping rubbish\\x1b[2J".to_owned();
    for (answers, status, rest) in [
        (good, 0, &["load.end Loaded 2 records"][..]),
        (
            refused,
            1,
            &[
                "load.warning posting data failed: URL/perfsonar/archive/0a/ answers 400 Bad Request: no more",
                "load.end Loaded 1 records",
            ],
        ),
        (
            broken,
            1,
            &[
                "main.fatal posting data failed: URL/perfsonar/archive/0a/ answers 500 Internal Server Error: disk full",
            ],
        ),
    ] {
        let url = archive(answers);
        let (code, stderr) = run(loader().args(["-f", file, "-U", &url]));
        let mut told = events(&stderr.replace(&url, "URL"));
        assert_eq!(code, Some(status), "{stderr}");
        assert_eq!(told.remove(0), start);
        told.retain(|line| *line != skipped);
        assert_eq!(told, rest);
    }
}

#[test]
fn an_archive_that_is_away_is_waited_for_and_then_given_up() {
    let directory = directory("away");
    let file = directory.join("numbers");
    fs::write(&file, "1 5\n2 6\n").unwrap();
    let (code, stderr) = run(loader()
        .args(["-U", "http://127.0.0.1:9", "--retries", "1", "-f"])
        .arg(&file));
    assert_eq!(code, Some(1), "{stderr}");
    let told = events(&stderr);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(
        told[1].starts_with("request.warning [again in "),
        "{told:?}"
    );
    assert!(
        told[2].starts_with("main.warn hint: is the archive there? --url"),
        "{told:?}"
    );
    assert!(
        told[3].starts_with("main.fatal posting metadata failed: cannot connect"),
        "{told:?}"
    );
}

#[test]
fn the_log_goes_to_the_end_of_a_file_when_asked_for() {
    let directory = directory("file");
    let log = directory.join("loader.log");
    fs::write(&log, "before\n").unwrap();
    let (code, stderr) = run(loader().args([
        "--log_dir",
        directory.to_str().unwrap(),
        "-f",
        "/no/such/file",
    ]));
    // Somebody should see a failure without looking for it.
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("loader: error: reading /no/such/file: "),
        "{stderr}"
    );
    let log = fs::read_to_string(&log).unwrap();
    let told = events(log.strip_prefix("before\n").unwrap());
    assert!(
        told[0].starts_with("main.fatal reading /no/such/file: "),
        "{told:?}"
    );
    let (code, stderr) = run(loader().args(["-l", "/no/such/dir"]));
    assert_eq!(
        (code, stderr.as_str()),
        (Some(2), "/no/such/dir log path does not exist.\n")
    );
}

/// Starts a loader of three records, and waits until its first request is here.
/// It and the next one are answered when the channel says so.
fn waiting(name: &str) -> (Child, Sender<()>) {
    let file = directory(name).join("numbers");
    fs::write(&file, "1 5\n2 6\n3 7\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let child = loader()
        .args(["-U", &url, "--retries", "0", "-f"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let (go, wait) = mpsc::channel();
    thread::spawn(move || {
        if wait.recv().is_ok() {
            // The answer about the metadata serves for the data as well.
            answer(&mut stream, RECORD);
            answer(&mut stream, RECORD);
        }
    });
    (child, go)
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([name, &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_signal_ends_a_run_at_a_record() {
    // DIFFERENCE: the original does so at SIGINT alone.
    for name in ["-INT", "-TERM"] {
        let (child, go) = waiting("record");
        signal(&child, name);
        go.send(()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = events(&String::from_utf8(output.stderr).unwrap());
        assert_eq!(told.last().unwrap(), "load.end Loaded 1 records");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_second_signal_ends_a_run_wherever_it_is() {
    let (mut child, _never) = waiting("hurry");
    // Two that come at once may count as one, so there are some more.
    let status = loop {
        signal(&child, "-TERM");
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(143));
}
