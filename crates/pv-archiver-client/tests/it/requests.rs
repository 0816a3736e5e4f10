//! Every recorded call of the original client: where that sends a request that the
//! server takes, this one sends the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pv_archiver_client::{
    AdminClient, CHANNEL_ACCESS, ChannelDefinition, Command, Commands, Connection, Credentials,
    DecimationLevels, Error, ImportOptions, LevelChanges, MoveChannel, OptionChanges,
    RefreshChannel, RemoveChannel, RenameChannel, SampleQuery, UpdateChannel, Uuid,
};
use serde_json::Value;

use crate::data::{OTHER, SERVER, comparable, requests};
use crate::server::{Reply, Server};

const ODD: &str = "SR:BPM 1/x.VAL+ü~%é€😀";

fn one() -> Uuid {
    SERVER.parse().unwrap()
}

fn other() -> Uuid {
    OTHER.parse().unwrap()
}

fn definition(name: &str) -> ChannelDefinition {
    ChannelDefinition::new(name, CHANNEL_ACCESS, one()).unwrap()
}

fn update() -> UpdateChannel {
    UpdateChannel::new("u").unwrap()
}

/// The commands of a recorded call.
fn commands(name: &str, recorded: &Value) -> Vec<Command> {
    let levels = |levels: [u32; 3]| DecimationLevels::kept_for_ever(levels).unwrap();
    let rename = || RenameChannel::new("old_name", "new_name").unwrap();
    vec![match name {
        "add_channel" => definition("new_channel").add(),
        "add_channel_levels" => definition("new_channel")
            .levels(levels([0, 30, 300]))
            .enabled(false)
            .add(),
        "add_or_update_channel" => definition("maybe").enabled(false).add_or_update(),
        "move_channel" => MoveChannel::new("m", one())
            .unwrap()
            .expect_server(other())
            .into(),
        "move_channel_unconditional" => MoveChannel::new("m", one()).unwrap().into(),
        "refresh_channel" => RefreshChannel::new("r", one()).unwrap().into(),
        "remove_channel" => RemoveChannel::new("d").unwrap().into(),
        "remove_channel_expected" => RemoveChannel::new("d").unwrap().expect_server(one()).into(),
        "rename_channel" => rename().into(),
        "rename_channel_expected" => rename().expect_server(one()).into(),
        "update_channel" => update().into(),
        "update_channel_levels" => update().replace_levels(levels([0, 30, 500])).into(),
        // Read rather than built: a level is added without a word on how long it is
        // kept, and the batch is long.
        "update_channel_differential" | "batch" => {
            return serde_json::from_value(recorded["commands"].clone()).unwrap();
        }
        "empty_batch" => return Vec::new(),
        other => panic!("{other}"),
    }]
}

async fn call(server: &Server, name: &str, recorded: &Value) {
    let (admin, archive) = (server.admin(), server.archive());
    let admin = admin.with_credentials(Credentials::admin("mysecret").unwrap());
    let query = SampleQuery::new(1_567_823_452_000_000_000, 1_568_967_971_000_000_000).unwrap();
    let all = SampleQuery::new(0, i64::MAX).unwrap();
    // The stub's answers are mostly too short to be understood.
    let failed = |error: Error| assert!(!error.is_refused_before_sending(), "{name}: {error}");
    if let Some(name) = name.strip_prefix("cmd_") {
        let commands = Commands::try_from(commands(name, &recorded["body"])).unwrap();
        let _ = admin.run(&commands).await.map_err(failed);
        return;
    }
    match name {
        "export_server_configuration" | "export_server_configuration_to_file" => {
            admin
                .export_configuration(one())
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
        }
        "get_channel" => drop(admin.channel("someChannel").await.map_err(failed)),
        "get_channel_by_server" => {
            drop(admin.channel_of_server(one(), "a:b").await.map_err(failed));
        }
        "get_channel_odd_name" => drop(admin.channel(ODD).await.map_err(failed)),
        "get_cluster_status" => drop(admin.cluster_status().await.map_err(failed)),
        "get_server_status" => drop(admin.server_status().await.map_err(failed)),
        "list_all_channels" => drop(admin.channels().await.unwrap()),
        "list_channels_for_server" => drop(admin.server_channels(one()).await.unwrap()),
        "find_channels_by_pattern" => {
            archive.channels_by_pattern("my_prefix:*").await.unwrap();
        }
        "find_channels_by_pattern_odd" => drop(archive.channels_by_pattern(ODD).await.unwrap()),
        "get_samples_count" => {
            let query = query.count(600).unwrap();
            archive.samples("my_channel", &query).await.unwrap();
        }
        "get_samples_raw" => drop(archive.samples("my_channel", &query).await.unwrap()),
        "get_samples_odd_name" => drop(archive.samples(ODD, &all).await.unwrap()),
        name => {
            let body = &recorded["body"];
            let file = BASE64
                .decode(body["configurationFile"].as_str().unwrap())
                .unwrap();
            let (client, options) = match name {
                "import_server_configuration_defaults" => (admin, (true, false, true, false)),
                "import_server_configuration_utf8_credentials" => {
                    let credentials = Credentials::new("opérateur", "p:ä€ß").unwrap();
                    let client = AdminClient::new(&server.url, &Connection::default());
                    let client = client.unwrap().with_credentials(credentials);
                    (client, (true, false, true, false))
                }
                "import_server_configuration_all_flags" => (admin, (false, true, false, true)),
                other => panic!("{other}"),
            };
            let (add_channels, remove_channels, update_channels, simulate) = options;
            let options = ImportOptions {
                add_channels,
                remove_channels,
                update_channels,
                simulate,
            };
            let report = client.import_configuration(one(), file, &options).await;
            assert_eq!(report.unwrap().add_or_update_succeeded, ["a"]);
        }
    }
}

#[tokio::test]
async fn what_the_original_client_sends_rightly_is_sent_alike() {
    let mut compared = 0;
    for call_of_python in requests() {
        let name = call_of_python["name"].as_str().unwrap();
        let recorded = &call_of_python["request"];
        // These are the business of `differences`.
        let is_wrong = matches!(
            name,
            "get_samples_float_time" | "get_samples_negative_count"
        );
        if recorded.is_null() || is_wrong {
            continue;
        }
        let answer = call_of_python["answer"].to_string();
        let server = Server::saying(Reply::json(answer)).await;
        call(&server, name, recorded).await;
        let asked = server.only();
        assert_eq!(asked.method, recorded["method"], "{name}");
        let (path, query) = match asked.target.split_once('?') {
            Some((path, query)) => (path, Value::from(query)),
            None => (asked.target.as_str(), Value::Null),
        };
        // DIFFERENCE: the original client encodes the slash, and is refused.
        let is_access = path.starts_with("/archive-access");
        let expected = recorded["path"].as_str().unwrap();
        let expected = if is_access {
            expected.replace("%2F", "/")
        } else {
            expected.to_owned()
        };
        assert_eq!(path, expected, "{name}");
        assert_eq!(query, recorded["query"], "{name}");
        for header in recorded["headers"].as_array().unwrap() {
            let (header, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
            let sent = asked.header(header).unwrap();
            // Other crates of a program may bring further encodings.
            let is_alike = match header {
                "Accept-Encoding" => sent.contains(value),
                _ => sent == value,
            };
            assert!(is_alike, "{name}: {header}: {sent}");
        }
        if recorded["body"].is_null() {
            assert!(asked.body.is_empty(), "{name}");
        } else {
            assert_eq!(
                comparable(asked.json()),
                comparable(&recorded["body"]),
                "{name}"
            );
        }
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

#[tokio::test]
async fn what_the_original_client_cannot_send_is_sent_as_the_server_takes_it() {
    // DIFFERENCE: each of these raises a TypeError in the original client.
    let levels = DecimationLevels::new([(0, 864_000)]).unwrap();
    let options = OptionChanges::new().set("monitorMask", "value");
    let changes = LevelChanges::new().add(30, 31_536_000);
    for (command, member, expected) in [
        (
            definition("c").option("k", "v").add(),
            "options",
            r#"{"k":"v"}"#,
        ),
        (
            definition("c").levels(levels).add(),
            "decimationLevelToRetentionPeriod",
            r#"{"0":"864000"}"#,
        ),
        (
            update().change_options(options).unwrap().into(),
            "addOptions",
            r#"{"monitorMask":"value"}"#,
        ),
        (
            update().change_levels(changes).unwrap().into(),
            "decimationLevelToRetentionPeriod",
            r#"{"30":"31536000"}"#,
        ),
        (
            // The original's README leaves the server out, which cannot be done.
            RefreshChannel::new("some_channel", one()).unwrap().into(),
            "serverId",
            "\"7cf8f393-cd00-46ae-9343-53e9cb5793fd\"",
        ),
    ] {
        let server = Server::saying(Reply::json(r#"{"results":[]}"#)).await;
        let mut commands = Commands::new();
        commands.push(command).unwrap();
        server.admin().run(&commands).await.unwrap();
        let sent = server.only().json()["commands"][0][member].to_string();
        assert_eq!(sent, expected);
    }
}
