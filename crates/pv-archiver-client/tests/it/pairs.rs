//! Every recorded pair: the call that belongs to its request sends that request, and
//! makes of the answer what is in it.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::GzDecoder;
use pv_archiver_client::{
    Commands, Error, ImportOptions, Outcome, RefreshChannel, Result, SampleQuery, Uuid,
};
use serde_json::{Value, json};

use crate::data::{SERVER, comparable, comparable_text, pairs};
use crate::server::{Reply, Server};

/// What a call comes to: JSON as in the answer, or the error.
type Called = Result<Value>;

fn decoded(text: &str, escape: u8) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == escape {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Makes the call that a request to the archive access API belongs to.
async fn access(server: &Server, target: &str) -> Called {
    let client = server.archive();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path
        .strip_prefix("/archive-access/api/1.0/archive/")
        .unwrap();
    if path.is_empty() {
        return client.archives().await.map(comparable);
    }
    let (kind, name) = path.strip_prefix("1/").unwrap().split_once('/').unwrap();
    let name = decoded(name, b'%');
    match kind {
        "channels-by-pattern" => client.channels_by_pattern(&name).await.map(comparable),
        "channels-by-regexp" => client.channels_by_regexp(&name).await.map(comparable),
        "samples" => {
            let argument = |name: &str| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                let found = pairs.find(|(known, _)| *known == name);
                found.map(|(_, value)| value.parse::<i64>().unwrap())
            };
            let mut query = SampleQuery::new(argument("start").unwrap(), argument("end").unwrap())?;
            if let Some(count) = argument("count") {
                query = query.count(count.try_into().unwrap())?;
            }
            let samples = client.samples(&name, &query).await?;
            samples.collect().await.map(comparable)
        }
        other => panic!("{other}"),
    }
}

/// Makes the call that a request to the administrative API belongs to.
async fn admin(server: &Server, target: &str, body: Option<&str>) -> Called {
    let client = server.admin();
    let path = target.strip_prefix("/admin/api/1.0/").unwrap();
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let id = || parts[2].parse::<Uuid>();
    match parts.as_slice() {
        ["channels", "all"] => {
            let channels = client.channels().await;
            channels.map(|channels| comparable(json!({ "channels": channels })))
        }
        ["channels", "all", "by-name", name] => {
            client.channel(&decoded(name, b'~')).await.map(comparable)
        }
        ["channels", "by-server", _] => client.server_channels(id().unwrap()).await.map(comparable),
        ["channels", "by-server", _, "by-name", name] => {
            let name = decoded(name, b'~');
            let channel = client.channel_of_server(id().unwrap(), &name).await;
            channel.map(comparable)
        }
        ["channels", "by-server", _, "export"] => {
            let file = client
                .export_configuration(id().unwrap())
                .await?
                .bytes()
                .await?;
            Ok(json!({ "configurationFile": BASE64.encode(file) }))
        }
        ["channels", "by-server", _, "import"] => {
            let body: Value = serde_json::from_str(body.unwrap()).unwrap();
            // What this client cannot say is sent as something else, for the answer.
            let id = id().unwrap_or(SERVER.parse().unwrap());
            let file = body["configurationFile"].as_str();
            let file = file.and_then(|text| BASE64.decode(text).ok());
            let file = file.unwrap_or(b"<xml/>".to_vec());
            let flag = |name: &str| body[name].as_bool().unwrap_or_default();
            let options = ImportOptions {
                add_channels: flag("addChannels"),
                remove_channels: flag("removeChannels"),
                update_channels: flag("updateChannels"),
                simulate: flag("simulate"),
            };
            let report = client.import_configuration(id, file, &options).await;
            report.map(comparable)
        }
        ["cluster-status"] => client.cluster_status().await.map(comparable),
        ["server-status", "this-server"] => client.server_status().await.map(comparable),
        ["run-archive-configuration-commands"] => {
            let body: Value = serde_json::from_str(body.unwrap()).unwrap();
            let commands = serde_json::from_value(body["commands"].clone());
            // What this client refuses is sent as something else, for the answer.
            let commands: Commands = commands.unwrap_or_else(|_| {
                let mut commands = Commands::new();
                let server = SERVER.parse().unwrap();
                commands
                    .push(RefreshChannel::new("c", server).unwrap())
                    .unwrap();
                commands
            });
            let report = client.run(&commands).await?;
            assert!(report.unexpected.is_empty(), "{report:?}");
            let results = report.results.iter().map(|result| match &result.outcome {
                Outcome::Succeeded => json!({ "success": true }),
                Outcome::Failed(message) => {
                    comparable(json!({ "success": false, "errorMessage": message }))
                }
                Outcome::NotReported => panic!("{result:?}"),
            });
            Ok(json!({ "results": results.collect::<Vec<_>>() }))
        }
        other => panic!("{other:?}"),
    }
}

/// What the answer of a pair comes to.
fn expected(response: &Value) -> Value {
    let text = match &response["body_base64"] {
        Value::Null => response["body"].as_str().unwrap_or_default().to_owned(),
        base64 => {
            let gzip = BASE64.decode(base64.as_str().unwrap()).unwrap();
            let mut text = String::new();
            GzDecoder::new(gzip.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            text
        }
    };
    let mut value = comparable_text(&text);
    if let Some(samples) = value.as_array_mut()
        && samples.iter().all(|sample| sample["time"].is_number())
    {
        samples.sort_by_key(|sample| sample["time"].as_i64());
    }
    if let Some(results) = value.get_mut("results").and_then(Value::as_array_mut) {
        for result in results {
            result.as_object_mut().unwrap().remove("command");
        }
    }
    if value.get("addOrUpdateSucceeded").is_some() {
        for name in ["addOrUpdateFailed", "removeFailed"] {
            // Null with `simulate`; here nothing failed then.
            let members = value.as_object_mut().unwrap();
            members.entry(name).or_insert_with(|| json!({}));
        }
    }
    value
}

/// The server's own words.
fn words(response: &Value) -> String {
    let body = response["body"].as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(body) {
        Ok(json) => json["errorMessage"].as_str().unwrap().to_owned(),
        Err(_) => body
            .split_once("<b>Message</b> ")
            .map(|(_, rest)| rest.split_once("</p>").unwrap().0.to_owned())
            .unwrap_or_default(),
    }
}

#[tokio::test]
async fn every_recorded_answer_is_understood() {
    let pairs = pairs();
    for pair in &pairs {
        let (name, request) = (pair["name"].as_str().unwrap(), &pair["request"]);
        let response = &pair["response"];
        let server = Server::saying(Reply::recorded(response)).await;
        let target = request["target"].as_str().unwrap();
        let is_admin = target.starts_with("/admin/");
        let called = if is_admin {
            admin(&server, target, request["body"].as_str()).await
        } else {
            access(&server, target).await
        };
        let status = response["status"].as_u64().unwrap();
        let is_json = response["headers"][0][1] == "application/json;charset=UTF-8";
        let is_result = status == 200 || status == 500 && is_json;
        match called {
            Ok(value) => {
                assert!(is_result, "{name}: {value}");
                assert_eq!(value, expected(response), "{name}");
            }
            // What the server would refuse is not sent at all.
            Err(error) if error.is_refused_before_sending() => {
                assert_eq!(status, 400, "{name}: {error}");
                assert!(server.asked().is_empty(), "{name}");
            }
            // It refuses an empty file as if its database were down.
            Err(Error::ConfigurationFile { .. }) => assert_eq!(name, "import_empty_file"),
            Err(error) => {
                assert!(!is_result, "{name}: {error}");
                assert_eq!(
                    error.status().unwrap().as_u16() as u64,
                    status,
                    "{name}: {error}"
                );
                assert!(
                    error.to_string().ends_with(&words(response)),
                    "{name}: {error}"
                );
                let is_bad_batch = matches!(error, Error::BatchRefused { .. });
                assert_eq!(is_bad_batch, name.starts_with("cmd_400"), "{name}: {error}");
            }
        }
    }
    assert!(pairs.len() > 70, "some are missing");
}

#[tokio::test]
async fn every_request_is_sent_as_recorded_where_it_can_be_answered() {
    let mut compared = 0;
    for pair in pairs() {
        let (name, request) = (pair["name"].as_str().unwrap(), &pair["request"]);
        let status = pair["response"]["status"].as_u64().unwrap();
        // A pair of status 400 is what this client never sends; one has an argument
        // that is of no use.
        if status == 400 || name.ends_with("_pretty") || name == "import_empty_file" {
            continue;
        }
        let server = Server::saying(Reply::recorded(&pair["response"])).await;
        let target = request["target"].as_str().unwrap();
        if name == "import_bad_uuid" {
            continue;
        }
        if target.starts_with("/admin/") {
            let _ = admin(&server, target, request["body"].as_str()).await;
        } else {
            let _ = access(&server, target).await;
        }
        let asked = server.only();
        assert_eq!(asked.method, request["method"], "{name}");
        assert_eq!(asked.target, target, "{name}");
        assert_eq!(asked.header("Accept"), Some("application/json"), "{name}");
        if let Some(body) = request["body"].as_str() {
            let mut expected = comparable_text(body);
            if asked.target.ends_with("/import") {
                for flag in [
                    "addChannels",
                    "removeChannels",
                    "simulate",
                    "updateChannels",
                ] {
                    let members = expected.as_object_mut().unwrap();
                    members.entry(flag).or_insert(Value::Bool(false));
                }
            }
            assert_eq!(comparable(asked.json()), expected, "{name}");
            let header = asked.header("Authorization");
            assert_eq!(header, Some("Basic YWRtaW46YWRtaW4="), "{name}");
        } else {
            assert_eq!(asked.header("Authorization"), None, "{name}");
        }
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}
