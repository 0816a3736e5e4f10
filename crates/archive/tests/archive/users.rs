//! The commands that manage users.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::process::{Server, add_user, client, command, point_to_point, run};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn user(data: &Path, arguments: &[&str]) -> Output {
    run(data, &[&["user"], arguments].concat())
}

/// Runs a command that succeeds, and returns stdout and stderr.
fn done(data: &Path, arguments: &[&str]) -> (String, String) {
    let output = user(data, arguments);
    assert!(output.status.success(), "{output:?}");
    (
        text(&output.stdout).to_owned(),
        text(&output.stderr).to_owned(),
    )
}

async fn create(server: &Server, key: Option<&str>) -> u16 {
    let mut request = client().post(&server.url).json(&point_to_point());
    if let Some(key) = key {
        request = request.header("authorization", format!("Token {key}"));
    }
    request.send().await.unwrap().status().as_u16()
}

#[test]
fn users_are_listed_with_networks_and_never_with_keys() {
    // DIFFERENCE: the original has no such command.
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    add_user(data, "former");
    done(data, &["delete", "former"]);
    assert_eq!(
        done(data, &["list"]),
        (String::new(), "No users found\n".to_owned())
    );
    assert_eq!(done(data, &["list", "--json"]).0, "[]\n");
    let key = add_user(data, "perfsonar");
    add_user(data, "other");
    done(data, &["disable", "other"]);
    done(
        data,
        &["ip", "add", "perfsonar", "192.0.2.7", "2001:db8::/32"],
    );
    let (list, notes) = done(data, &["list"]);
    assert_eq!(
        list,
        "user       active  key  networks\n\
         other      no      yes\n\
         perfsonar  yes     yes  192.0.2.7/32, 2001:db8::/32\n"
    );
    assert_eq!(notes, "");
    let (list, _) = done(data, &["list", "--json"]);
    assert!(!list.contains(&key));
    assert_eq!(
        serde_json::from_str::<Value>(&list).unwrap(),
        json!([
            {"name": "other", "active": false, "has-key": true, "networks": []},
            {"name": "perfsonar", "active": true, "has-key": true,
             "networks": ["192.0.2.7/32", "2001:db8::/32"]},
        ])
    );
}

#[tokio::test]
async fn a_rotated_key_takes_the_place_of_the_old_one_at_once() {
    // DIFFERENCE: the original has no such command.
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let old = add_user(data.path(), "perfsonar");
    assert_eq!(create(&server, Some(&old)).await, 201);
    let (shown, notes) = done(data.path(), &["rotate", "perfsonar"]);
    let new = shown.strip_prefix("Key: ").unwrap().trim_end();
    assert_eq!(new.len(), 40);
    assert!(!notes.contains(new));
    assert_eq!(create(&server, Some(&old)).await, 401);
    assert_eq!(create(&server, Some(new)).await, 201);
    // Again: another one.
    let (again, _) = done(data.path(), &["rotate", "perfsonar"]);
    assert_ne!(again, shown);
    assert_eq!(create(&server, Some(new)).await, 401);
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_key_and_networks() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let key = add_user(data.path(), "perfsonar");
    done(data.path(), &["ip", "add", "perfsonar", "127.0.0.1"]);
    assert_eq!(create(&server, None).await, 201);
    let (out, notes) = done(data.path(), &["delete", "perfsonar"]);
    assert_eq!(out, "");
    assert_eq!(
        notes,
        "Deleted user perfsonar, its key and 1 network: 127.0.0.1/32\n"
    );
    assert_eq!(create(&server, None).await, 401);
    assert_eq!(create(&server, Some(&key)).await, 401);
    let again = user(data.path(), &["delete", "perfsonar"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("User perfsonar does not exist"));
}

// DIFFERENCE: results go to stdout, the notices of the original to stderr.
#[test]
fn networks_are_added_listed_and_deleted_in_the_words_of_the_original() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    add_user(data, "a");
    add_user(data, "b");
    assert_eq!(done(data, &["ip", "list"]).1, "No IP addresses found\n");
    assert_eq!(
        done(data, &["ip", "list", "a"]).1,
        "No IP addresses found belonging to user a\n"
    );
    let added = ["ip", "add", "a", "192.0.2.9/24", "2001:db8::7"];
    assert_eq!(
        done(data, &added).1,
        "Creating entry for IP 192.0.2.0/24 belonging to a\n\
         Creating entry for IP 2001:db8::7/128 belonging to a\n"
    );
    assert_eq!(
        done(data, &added).1,
        "IP 192.0.2.0/24 already assigned to a, skipping creation\n\
         IP 2001:db8::7/128 already assigned to a, skipping creation\n"
    );
    assert_eq!(
        done(data, &["ip", "add", "b", "2001:db8::7"]).1,
        "Taking IP 2001:db8::7/128 from a\n\
         Creating entry for IP 2001:db8::7/128 belonging to b\n"
    );
    assert_eq!(
        done(data, &["ip", "list"]).0,
        "a 192.0.2.0/24\nb 2001:db8::7/128\n"
    );
    assert_eq!(done(data, &["ip", "list", "b"]).0, "b 2001:db8::7/128\n");
    assert_eq!(
        done(data, &["ip", "list", "b", "--json"]).0,
        "[{\"user\":\"b\",\"network\":\"2001:db8::7/128\"}]\n"
    );
    let deleted = user(data, &["ip", "delete", "a", "2001:db8::7", "192.0.2.0/24"]);
    assert_eq!(deleted.status.code(), Some(1));
    assert_eq!(
        text(&deleted.stderr),
        "Unable to find 2001:db8::7/128 belonging to a\n\
         Deleted IP 192.0.2.0/24 for user a\n"
    );
    assert_eq!(done(data, &["ip", "list"]).0, "b 2001:db8::7/128\n");
}

#[test]
fn commands_on_users_that_do_not_exist_are_an_error() {
    let data = tempfile::tempdir().unwrap();
    add_user(data.path(), "somebody");
    for arguments in [
        &["rotate", "nobody"][..],
        &["delete", "nobody"],
        &["disable", "nobody"],
        &["enable", "nobody"],
        &["ip", "add", "nobody", "192.0.2.1"],
        &["ip", "list", "nobody"],
        &["ip", "delete", "nobody", "192.0.2.1"],
    ] {
        let output = user(data.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("User nobody does not exist"));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn only_adding_a_user_makes_an_archive() {
    let directory = tempfile::tempdir().unwrap();
    let misspelt = directory.path().join("misspelt");
    for arguments in [
        &["list"][..],
        &["rotate", "a"],
        &["ip", "list"],
        &["ip", "add", "a", "192.0.2.1"],
    ] {
        let output = user(&misspelt, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("there is no archive in"));
        assert!(!misspelt.exists());
    }
}

#[test]
fn a_key_that_nobody_could_read_is_not_success() {
    let data = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut adding = command(data.path(), &["user", "add", "perfsonar"]);
    let output = adding.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let notes = text(&output.stderr);
    assert!(notes.contains("the key could not be shown"), "{notes}");
    assert!(notes.contains("user rotate perfsonar"), "{notes}");
}

#[tokio::test]
async fn an_ipv4_address_in_the_spelling_of_ipv6_lets_its_host_write() {
    // DIFFERENCE: to the original it is another address.
    let data = tempfile::tempdir().unwrap();
    add_user(data.path(), "perfsonar");
    done(data.path(), &["ip", "add", "perfsonar", "::ffff:127.0.0.1"]);
    assert_eq!(create(&Server::start(data.path()), None).await, 201);
}
