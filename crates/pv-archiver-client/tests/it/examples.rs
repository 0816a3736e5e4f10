//! The examples, each tried against recorded answers.

use pv_archiver_client::Uuid;

use crate::data::{OTHER, SERVER, pair};
use crate::server::{Reply, Server};

macro_rules! example {
    ($name:ident, $path:literal) => {
        #[path = $path]
        #[expect(dead_code, reason = "its main function is not called")]
        mod $name;
    };
}

example!(channels, "../../examples/channels.rs");
example!(commands, "../../examples/commands.rs");
example!(configuration, "../../examples/configuration.rs");
example!(samples, "../../examples/samples.rs");
example!(status, "../../examples/status.rs");

async fn replay(name: &str) -> Server {
    Server::saying(Reply::recorded(&pair(name)["response"])).await
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn lines(out: &[u8]) -> Vec<&str> {
    std::str::from_utf8(out).unwrap().lines().collect()
}

#[tokio::test]
async fn the_examples_of_status_print_it() {
    let mut out = Vec::new();
    let client = replay("admin_cluster_status").await.admin();
    status::cluster_status(&client, &mut out).await.unwrap();
    assert_eq!(lines(&out)[0], format!("{SERVER} myserver online"));
    assert_eq!(lines(&out).len(), 3);
    let client = replay("admin_server_status").await.admin();
    status::server_status(&client, &mut out).await.unwrap();
    let expected = "myserver: 26 channels, 1 disconnected, 2 in error";
    assert_eq!(lines(&out)[3..], [expected]);
}

#[tokio::test]
async fn the_examples_of_channels_print_them() {
    let mut out = Vec::new();
    let client = replay("admin_channel").await.admin();
    channels::channel(&client, "someChannel", &mut out)
        .await
        .unwrap();
    assert_eq!(
        lines(&out)[..2],
        ["someChannel is ok", "level 0 s, kept 864000 s"]
    );
    out.clear();
    let client = replay("admin_channels_all").await.admin();
    channels::all_channels(&client, &mut out).await.unwrap();
    assert_eq!(
        lines(&out)[0],
        format!("There are {} channels.", lines(&out).len() - 1)
    );
    out.clear();
    let client = replay("admin_channels_by_server_no_status").await.admin();
    channels::channels_of_server(&client, id(OTHER), &mut out)
        .await
        .unwrap();
    assert_eq!(
        lines(&out)[1..],
        ["The server has 1 channels.", "remoteChannel None "]
    );
}

#[tokio::test]
async fn the_examples_of_configuration_export_and_import_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.xml");
    let client = replay("admin_export_remote").await.admin();
    configuration::export(&client, id(OTHER), &file)
        .await
        .unwrap();
    let exported = std::fs::read(&file).unwrap();
    assert_eq!(exported, include_bytes!("../data/xml/export_small.xml"));
    let mut out = Vec::new();
    let server = replay("import_add_only_one_fails").await;
    configuration::import(&server.admin(), id(SERVER), &file, &mut out)
        .await
        .unwrap();
    assert_eq!(lines(&out)[0], "newChannel: done");
    assert!(
        lines(&out)[1].contains("cannot be added because"),
        "{out:?}"
    );
    assert_eq!(server.only().json()["addChannels"], true);
}

#[tokio::test]
async fn the_example_of_commands_sends_one_of_each_kind() {
    let server = Server::saying(Reply::json(
        r#"{"results":[{"command":{"commandType":"remove_channel","channelName":"channel_to_be_deleted"},"success":true}]}"#,
    ))
    .await;
    let mut out = Vec::new();
    commands::run(&server.admin(), id(SERVER), id(OTHER), &mut out)
        .await
        .unwrap();
    assert_eq!(
        server.only().json()["commands"].as_array().unwrap().len(),
        7
    );
    assert_eq!(lines(&out)[0], "add_channel new_channel: unknown");
    assert_eq!(lines(&out)[4], "remove_channel channel_to_be_deleted: done");
}

#[tokio::test]
async fn the_examples_of_samples_print_them() {
    let mut out = Vec::new();
    let client = replay("access_samples_types").await.archive();
    samples::raw_samples(&client, "types", &mut out)
        .await
        .unwrap();
    assert_eq!(lines(&out)[0], "1468429059824011000 NO_ALARM Double([7.0])");
    out.clear();
    let client = replay("access_samples_count_decimated").await.archive();
    samples::decimated_samples(&client, "c", &mut out)
        .await
        .unwrap();
    assert!(lines(&out)[0].starts_with("c: "), "{out:?}");
}
