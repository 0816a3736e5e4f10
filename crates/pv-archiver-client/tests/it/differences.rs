//! Each bug of the original client, and that this one does not have it. Further ones
//! are where their subjects are, with the word DIFFERENCE.

use pv_archiver_client::{ImportOptions, RenameChannel, SampleQuery};

use crate::data::requests;
use crate::server::{Reply, Server};

/// What the original client did for a recorded call.
fn original(name: &str) -> serde_json::Value {
    requests()
        .into_iter()
        .find(|call| call["name"] == name)
        .unwrap()
}

#[tokio::test]
async fn channels_are_found_by_a_regular_expression() {
    // DIFFERENCE: the original client always fails.
    let original = original("find_channels_by_regexp_BUG");
    assert_eq!(original["python_result"]["raised"], "NameError");
    let server = Server::saying(Reply::json(r#"["my_prefix:1:x"]"#)).await;
    let found = server
        .archive()
        .channels_by_regexp("my_prefix:[0-9]+:.*")
        .await;
    assert_eq!(found.unwrap(), ["my_prefix:1:x"]);
    let prefix = "/archive-access/api/1.0/archive/1/channels-by-regexp/";
    let expected = format!("{prefix}my_prefix%3A%5B0-9%5D%2B%3A.%2A");
    assert_eq!(server.only().target, expected);
}

#[tokio::test]
async fn a_slash_in_a_pattern_stays_a_slash() {
    // DIFFERENCE: the original client sends `%2F`, which the server refuses.
    let server = Server::saying(Reply::json(r#"["a/b"]"#)).await;
    assert_eq!(
        server.archive().channels_by_pattern("a/?").await.unwrap(),
        ["a/b"]
    );
    assert!(server.only().target.ends_with("/channels-by-pattern/a/%3F"));
}

#[tokio::test]
async fn samples_without_a_count_are_all_raw_samples() {
    // DIFFERENCE: `count=None` is a TypeError in the original client.
    let original = original("get_samples_count_none_BUG");
    assert_eq!(original["python_result"]["raised"], "TypeError");
    let server = Server::saying(Reply::json("[]")).await;
    let query = SampleQuery::new(0, 1).unwrap();
    server.archive().samples("c", &query).await.unwrap();
    assert!(server.only().target.ends_with("/samples/c?start=0&end=1"));
}

#[tokio::test]
async fn times_are_whole_numbers_up_to_the_largest() {
    // DIFFERENCE: the original client sends floating-point times as `1.5e+18`, which
    // the server refuses; here they are not taken.
    let original = original("get_samples_float_time");
    assert!(
        original["request"]["query"]
            .as_str()
            .unwrap()
            .contains("e+18")
    );
    let server = Server::saying(Reply::json("[]")).await;
    let query = SampleQuery::new(9_007_199_254_740_993, i64::MAX).unwrap();
    server.archive().samples("c", &query).await.unwrap();
    let expected = "/samples/c?start=9007199254740993&end=9223372036854775807";
    assert!(server.only().target.ends_with(expected));
}

#[test]
fn the_old_name_comes_first() {
    // DIFFERENCE: in the original client the new name does.
    let command = RenameChannel::new("old", "new").unwrap();
    assert_eq!((command.old_name(), command.new_name()), ("old", "new"));
}

#[test]
fn an_import_does_nothing_that_was_not_asked_for() {
    // DIFFERENCE: the original client adds and updates by default.
    let options = ImportOptions::default();
    assert!(!options.add_channels && !options.update_channels && !options.remove_channels);
}

#[tokio::test]
async fn the_channels_of_a_server_come_with_whether_it_could_be_asked() {
    // DIFFERENCE: the original client throws this away.
    let server = Server::saying(Reply::json(r#"{"channels":[],"statusAvailable":false}"#)).await;
    let id = crate::data::SERVER.parse().unwrap();
    assert!(
        !server
            .admin()
            .server_channels(id)
            .await
            .unwrap()
            .status_available
    );
}
