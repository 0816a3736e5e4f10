//! The program, and an archive that only records.

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A request that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// Serves statuses on a free port.
pub(crate) struct Archive {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Archive {
    /// Answers every request with what a function says: status and body.
    pub(crate) fn answering(
        answer: impl Fn(&Request, usize) -> (u16, Value) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let log = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let Some(request) = receive(&mut stream) else {
                    continue;
                };
                let number = log.lock().unwrap().len();
                let (status, body) = answer(&request, number);
                log.lock().unwrap().push(request);
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.get_mut().write_all((head + &body).as_bytes()).ok();
            }
        });
        Self { url, requests }
    }

    /// Takes everything.
    pub(crate) fn taking_all() -> Self {
        Self::answering(taken)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// The answer of an archive that takes a request.
pub(crate) fn taken(request: &Request, number: usize) -> (u16, Value) {
    if request.method == "PUT" {
        return (201, json!(""));
    }
    let key = format!("{number:032x}");
    let mut record = request.body.clone();
    let event_types = record["event-types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let name = entry["event-type"].as_str().unwrap();
            let base = format!("{}{key}/{name}/base", request.path);
            json!({"base-uri": base, "event-type": name, "time-updated": null, "summaries": []})
        });
    let event_types: Vec<_> = event_types.collect();
    record["event-types"] = json!(event_types);
    record["metadata-key"] = json!(key);
    record["uri"] = json!(format!("{}{key}/", request.path));
    (201, record)
}

fn receive(stream: &mut impl std::io::BufRead) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    Some(Request {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        authorization: header("authorization"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    /// Events and texts of the log; other lines of stderr as they are.
    pub(crate) log: Vec<String>,
    pub(crate) stderr: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esmond-ps-pipe"));
    for name in [
        "ESMOND_URL",
        "ESMOND_USER",
        "ESMOND_KEY",
        "ESMOND_KEY_FILE",
        "ESMOND_PS_ARCHIVE",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    command
        .env("NO_PROXY", "*")
        .env("ESMOND_PS_CONFIG", "/dev/null")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = command(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    Run {
        status: output.status.code().unwrap(),
        log: stderr.lines().map(event).collect(),
        stderr,
    }
}

/// Runs the program on an archive with a user and a key.
pub(crate) fn run_on(url: &str, more: &[&str], input: &str) -> Run {
    let mut arguments = vec!["-U", url, "-u", "u", "-k", "k", "--retries", "1"];
    arguments.extend(more);
    run(&arguments, input.as_bytes())
}

/// Takes the times out of a line of the log.
pub(crate) fn event(line: &str) -> String {
    let event = line
        .split_once(" event=")
        .filter(|(time, _)| time.starts_with("ts="))
        .and_then(|(_, rest)| rest.split_once(" id="))
        .and_then(|(event, rest)| Some((event, rest.split_once(' ')?.1)));
    match event {
        Some((event, text)) => format!("{event} {text}"),
        None => line.to_owned(),
    }
}
