//! Commands: what can be made, what is sent, and what is made of the results.

use pv_archiver_client::{
    CHANNEL_ACCESS, ChannelDefinition, Command, Commands, DecimationLevels, Error, InvalidCommand,
    LevelChanges, MoveChannel, OptionChanges, Outcome, RefreshChannel, RemoveChannel,
    RenameChannel, UpdateChannel, Uuid,
};
use serde_json::{Value, json};

use crate::data::{OTHER, SERVER, pairs};
use crate::server::{Reply, Server};

fn server() -> Uuid {
    SERVER.parse().unwrap()
}

fn refused(json: Value) -> String {
    serde_json::from_value::<Command>(json)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_command_that_the_server_was_recorded_to_refuse_is_refused_with_a_reason() {
    let mut refused = 0;
    for pair in pairs() {
        let (name, request) = (pair["name"].as_str().unwrap(), &pair["request"]);
        let Some(what) = name.strip_prefix("cmd_") else {
            continue;
        };
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        let commands = serde_json::from_value::<Commands>(body["commands"].clone());
        match what.strip_prefix("400_") {
            Some(what) => {
                let error = commands.unwrap_err().to_string();
                let reason = match what {
                    "add_and_remove_level" => "the decimation level 30 is added and removed",
                    "bad_uuid" => "UUID",
                    "both_level_forms" => "the decimation levels are given as a whole and",
                    "both_option_forms" => "the options are given as a whole and",
                    "empty_name" => "a channel name or a control-system type is empty",
                    "missing_enabled" => "missing field `enabled`",
                    "negative_level" => "\"-1\" is no whole number of seconds",
                    "null_enabled" => "null",
                    "retention_order" => "the decimation level 30 is kept 10 s",
                    "unknown_field" => "unknown field `foo`",
                    "unknown_type" => "unknown variant `ADD_CHANNEL`",
                    other => panic!("{other}"),
                };
                assert!(error.contains(reason), "{what}: {error}");
                refused += 1;
            }
            None => assert!(commands.is_ok(), "{what}: {commands:?}"),
        }
    }
    assert!(refused > 9, "{refused}");
}

#[test]
fn what_the_server_would_drop_or_run_in_any_order_is_refused() {
    // DIFFERENCE: the original client sends it.
    for (json, reason) in [
        (
            json!({"commandType": "update_channel", "channelName": "u",
                "decimationLevels": ["0"], "decimationLevelToRetentionPeriod": {"30": "5"}}),
            "the decimation level 30 has a retention period, and is not among the levels",
        ),
        (
            json!({"commandType": "update_channel", "channelName": "u",
                "removeDecimationLevels": ["0"]}),
            "raw samples (level 0) cannot be removed",
        ),
        (
            json!({"commandType": "update_channel", "channelName": "u",
                "addOptions": {"a": "1"}, "removeOptions": ["a"]}),
            "the option `a` is added and removed at the same time",
        ),
        (
            json!({"commandType": "update_channel", "channelName": "u",
                "addDecimationLevels": [30.7]}),
            "30.7 is no whole number of seconds from 0 to 2147483647",
        ),
        (
            json!({"commandType": "rename_channel", "oldChannelName": "u",
                "newChannelName": "u"}),
            "the channel `u` is renamed to its own name",
        ),
        (
            // DIFFERENCE: with the original client this text counts as true.
            json!({"commandType": "add_channel", "channelName": "u", "enabled": "false",
                "controlSystemType": "x", "serverId": SERVER}),
            "invalid type: string \"false\", expected a boolean",
        ),
    ] {
        let error = refused(json);
        assert!(error.contains(reason), "{reason}: {error}");
    }

    let mut commands = Commands::new();
    commands
        .push(RenameChannel::new("a", "b").unwrap())
        .unwrap();
    for second in ["a", "b"] {
        assert_eq!(
            commands.push(RemoveChannel::new(second).unwrap()),
            Err(InvalidCommand::TwoCommands(second.to_owned()))
        );
    }
    commands.push(RemoveChannel::new("A").unwrap()).unwrap();
    assert_eq!(commands.as_slice().len(), 2);
    let changes = LevelChanges::new().add(30, 100).keep(900, 10);
    assert!(
        UpdateChannel::new("u")
            .unwrap()
            .change_levels(changes)
            .is_err()
    );
}

#[test]
fn every_command_is_read_as_it_is_written() {
    let levels = DecimationLevels::new([(0, 864_000), (30, 31_536_000), (300, 0)]).unwrap();
    let definition = ChannelDefinition::new("a", CHANNEL_ACCESS, server())
        .unwrap()
        .levels(levels.clone())
        .option("monitorMask", "value");
    let update = || UpdateChannel::new("u").unwrap().enabled(false);
    let changes = LevelChanges::new().add(30, 5).remove(900).keep(0, 5);
    let options = OptionChanges::new().set("a", "1").remove("b");
    let commands: Vec<Command> = vec![
        definition.clone().add(),
        definition.enabled(false).add_or_update(),
        MoveChannel::new("m", server())
            .unwrap()
            .expect_server(OTHER.parse().unwrap())
            .into(),
        RefreshChannel::new("r", server()).unwrap().into(),
        RemoveChannel::new("d").unwrap().into(),
        RenameChannel::new("o", "n")
            .unwrap()
            .expect_server(server())
            .into(),
        update()
            .replace_levels(levels)
            .replace_options([("a", "b")])
            .into(),
        update()
            .change_levels(changes)
            .unwrap()
            .change_options(options)
            .unwrap()
            .into(),
        update()
            .expect_control_system_type("x")
            .unwrap()
            .expect_server(server())
            .into(),
    ];
    for command in commands {
        let json = serde_json::to_value(&command).unwrap();
        assert_eq!(json["commandType"], command.command_type());
        assert_eq!(serde_json::from_value::<Command>(json).unwrap(), command);
    }
}

#[tokio::test]
async fn results_are_matched_to_commands_by_what_they_are_about() {
    // DIFFERENCE: the original client gives them as they come.
    // The real server lists the results of one server after those of another.
    let body = json!({"errorMessage": null, "results": [
        {"command": {"commandType": "rename_channel", "newChannelName": "n",
            "oldChannelName": "o"}, "success": true},
        {"command": {"commandType": "remove_channel", "channelName": "stranger"},
            "success": true},
        {"command": {"commandType": "refresh_channel", "channelName": "r",
            "serverId": OTHER}, "success": false},
        {"command": {"commandType": "remove_channel", "channelName": "d"},
            "success": false, "errorMessage": "Channel \"d\" does not exist."},
    ]});
    let replay = Server::saying(Reply::new(500, Some("application/json"), body.to_string())).await;
    let mut commands = Commands::new();
    commands.push(RemoveChannel::new("d").unwrap()).unwrap();
    commands
        .push(RefreshChannel::new("r", server()).unwrap())
        .unwrap();
    commands
        .push(RemoveChannel::new("forgotten").unwrap())
        .unwrap();
    commands
        .push(RenameChannel::new("o", "n").unwrap())
        .unwrap();
    let report = replay.admin().run(&commands).await.unwrap();
    let outcomes: Vec<_> = report
        .results
        .iter()
        .map(|result| (result.command.channels()[0], result.outcome.clone()))
        .collect();
    assert_eq!(
        outcomes,
        [
            (
                "d",
                Outcome::Failed(Some("Channel \"d\" does not exist.".to_owned()))
            ),
            ("r", Outcome::Failed(None)),
            ("forgotten", Outcome::NotReported),
            ("o", Outcome::Succeeded),
        ]
    );
    assert_eq!(report.unexpected.len(), 1);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["results"][0]["errorMessage"],
        "Channel \"d\" does not exist."
    );
    assert_eq!(
        json["results"][1],
        json!({
            "command": {"commandType": "refresh_channel", "channelName": "r", "serverId": SERVER},
            "success": false,
        })
    );
    assert_eq!(json["results"][2]["success"], Value::Null);
    assert!(!report.all_succeeded());
    assert_eq!(report.failed().count(), 3);
}

#[tokio::test]
async fn changes_without_credentials_are_not_sent() {
    // DIFFERENCE: the original client sends an empty password.
    let replay = Server::saying(Reply::json("{}")).await;
    let client = pv_archiver_client::AdminClient::new(
        &replay.url,
        &pv_archiver_client::Connection::default(),
    )
    .unwrap();
    let result = client.run(&Commands::new()).await;
    assert!(matches!(result, Err(Error::NoCredentials)));
    let result = client
        .import_configuration(server(), b"x".to_vec(), &Default::default())
        .await;
    assert!(matches!(result, Err(Error::NoCredentials)));
    assert!(replay.asked().is_empty());
}
