//! The recorded cluster, and runs of the program against it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server};

/// Two servers of the recorded cluster, and one that it does not have.
pub(crate) const SERVER: &str = "7cf8f393-cd00-46ae-9343-53e9cb5793fd";
pub(crate) const OTHER: &str = "6fc4efe0-ea4a-438e-9b0a-b5e5654cbed9";
pub(crate) const NOWHERE: &str = "00000000-0000-0000-0000-000000000000";

/// The answer of a recorded pair.
pub(crate) fn recorded(name: &str) -> Reply {
    let pair = pairs().into_iter().find(|pair| pair["name"] == name);
    reply(&pair.unwrap())
}

fn pairs() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/pairs.json")).unwrap()
}

fn reply(pair: &Value) -> Reply {
    let status = pair["status"].as_u64().unwrap().try_into().unwrap();
    let body = pair["body"].as_str().unwrap();
    Reply::new(status, pair["contentType"].as_str(), body)
}

/// A server that answers as the recorded one: questions by their target, samples for any
/// time, and changes with a result for each command, of which those fail that are about
/// a channel with `fail` in its name.
pub(crate) fn site() -> Server {
    let pairs = pairs();
    Server::start(move |asked| replay(&pairs, asked))
}

/// A site that answers some requests in another way.
pub(crate) fn site_with(
    special: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let pairs = pairs();
    Server::start(move |asked| special(asked).unwrap_or_else(|| replay(&pairs, asked)))
}

fn replay(pairs: &[Value], asked: &Asked) -> Reply {
    if asked.method == "POST" {
        if asked.header("Authorization") != Some("Basic YWRtaW46bXlzZWNyZXQ=") {
            return forbidden();
        }
        return changed(pairs, asked);
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let is_count = query.contains("count=");
    let is_it = |pair: &&Value| {
        let target = pair["target"].as_str().unwrap();
        let (known, known_query) = target.split_once('?').unwrap_or((target, ""));
        known == path
            && (!is_count || known_query == query)
            && known_query.contains("count=") == is_count
            // Of one target recorded several times, the answer that is good.
            && (pair["status"] == 200 || target.contains("nope") || target.contains("noSupport"))
    };
    match pairs.iter().find(is_it) {
        Some(pair) if query.is_empty() || is_count || pair["status"] != 200 => reply(pair),
        Some(pair) => Reply::json(200, between(pair["body"].as_str().unwrap(), query)),
        // For the examples of the page.
        None if path.ends_with("/types%7Cempty") => Reply::json(200, r#"["empty","types"]"#),
        None if path.contains("channels-by-pattern") => Reply::json(200, "[]"),
        None => reply(
            pairs
                .iter()
                .find(|pair| pair["name"] == "admin_channel_404")
                .unwrap(),
        ),
    }
}

pub(crate) fn forbidden() -> Reply {
    let page = "<html><body><p><b>Type</b> Status Report</p><p><b>Message</b> Access Denied</p>";
    Reply::new(403, Some("text/html;charset=utf-8"), page)
}

/// The samples of a time, with one more at each end, as the server chooses them.
pub(crate) fn between(samples: &str, query: &str) -> String {
    let number = |name: &str| -> i64 {
        let mut members = query.split('&').filter_map(|part| part.split_once('='));
        let found = members.find(|(known, _)| *known == name).unwrap();
        found.1.parse().unwrap()
    };
    let (start, end) = (number("start"), number("end"));
    let all: Vec<&RawValue> = serde_json::from_str(samples).unwrap();
    let time = |sample: &RawValue| {
        let value: Value = serde_json::from_str(sample.get()).unwrap();
        value["time"].as_i64().unwrap()
    };
    let from = all.iter().rposition(|sample| time(sample) <= start);
    let to = all.iter().position(|sample| time(sample) >= end);
    let from = from.unwrap_or(0);
    let to = to.map_or(all.len(), |to| to + 1);
    let chosen: Vec<&str> = all[from..to.max(from)]
        .iter()
        .map(|raw| raw.get())
        .collect();
    format!("[{}]", chosen.join(","))
}

fn changed(pairs: &[Value], asked: &Asked) -> Reply {
    let request = asked.json();
    if asked.target.ends_with("/import") {
        let name = match (&request["simulate"], &request["removeChannels"]) {
            (Value::Bool(true), Value::Bool(true)) => "import_remove_simulated",
            (Value::Bool(true), _) => "import_simulate",
            _ => "import_add_only_one_fails",
        };
        return reply(pairs.iter().find(|pair| pair["name"] == name).unwrap());
    }
    let commands = request["commands"].as_array().unwrap();
    // Real servers group them.
    let results: Vec<Value> = commands
        .iter()
        .rev()
        .map(|command| {
            let text = command.to_string();
            if text.contains("fail") {
                let odd = if text.contains("odd") {
                    "\u{1b}[31m"
                } else {
                    ""
                };
                let message = format!("There is no {odd}such channel.");
                json!({"command": command, "success": false, "errorMessage": message})
            } else {
                json!({"command": command, "success": true})
            }
        })
        .collect();
    let failed = results.iter().any(|result| result["success"] == false);
    let body = json!({"errorMessage": null, "results": results}).to_string();
    Reply::json(if failed { 500 } else { 200 }, body)
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The results, as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The program, set to ask a server, with the right password.
pub(crate) fn program(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pv-archiver"));
    command
        .env_clear()
        .env("PV_ARCHIVER_URL", &server.url)
        .env("PV_ARCHIVER_PASSWORD", "mysecret")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(server: &Server, words: &[&str]) -> Run {
    ended(program(server).args(words))
}

pub(crate) fn ended(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The names in a directory, hidden ones included.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}
