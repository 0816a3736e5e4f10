//! Checks: users, keys and networks.
#![allow(missing_docs, reason = "the name of each check is its sentence")]

use std::net::IpAddr;

use ipnet::IpNet;

use super::Backend;
use crate::{Error, KeyHash, Store, User};

fn user(name: &str, has_key: bool) -> User {
    User {
        name: name.to_owned(),
        active: true,
        has_key,
    }
}

async fn put(store: &impl Store, name: &str, key: Option<&str>) {
    let key = key.map(KeyHash::of);
    store
        .put_user(name, key.as_ref())
        .await
        .expect("the user is stored");
}

async fn named(store: &impl Store, name: &str) -> Option<User> {
    store.user(name).await.expect("the user is read")
}

async fn keyed(store: &impl Store, key: &str) -> Option<User> {
    store
        .user_by_key(&KeyHash::of(key))
        .await
        .expect("the user is read")
}

async fn give(store: &impl Store, user: &str, network: &str) {
    let network: IpNet = network.parse().expect("a network");
    store
        .add_network(user, network)
        .await
        .expect("the network is stored");
}

/// Name of the user that an address belongs to.
async fn addressed(store: &impl Store, address: &str) -> Option<String> {
    let address: IpAddr = address.parse().expect("an address");
    let user = store.user_by_address(address).await;
    user.expect("the user is read").map(|user| user.name)
}

pub async fn a_user_is_found_by_name_and_key(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", Some("key-a")).await;
    put(&store, "bob", Some("key-b")).await;
    assert_eq!(named(&store, "ann").await, Some(user("ann", true)));
    assert_eq!(keyed(&store, "key-b").await, Some(user("bob", true)));
    assert_eq!(named(&store, "ANN").await, None);
    assert_eq!(keyed(&store, "key-c").await, None);
}

pub async fn a_user_without_key_is_found_by_name_only(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", None).await;
    put(&store, "bob", None).await;
    assert_eq!(named(&store, "ann").await, Some(user("ann", false)));
    assert_eq!(keyed(&store, "").await, None);
    put(&store, "ann", Some("key-a")).await;
    assert_eq!(named(&store, "ann").await, Some(user("ann", true)));
    assert_eq!(keyed(&store, "key-a").await, Some(user("ann", true)));
}

pub async fn a_new_key_replaces_the_old_one(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", Some("old")).await;
    put(&store, "ann", Some("new")).await;
    assert_eq!(keyed(&store, "old").await, None);
    assert_eq!(keyed(&store, "new").await, Some(user("ann", true)));
}

pub async fn no_key_leaves_the_key_as_it_is(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", Some("key-a")).await;
    put(&store, "ann", None).await;
    assert_eq!(keyed(&store, "key-a").await, Some(user("ann", true)));
}

pub async fn a_user_can_be_forbidden_and_allowed(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", Some("key-a")).await;
    put(&store, "bob", Some("key-b")).await;
    give(&store, "ann", "10.0.0.0/8").await;
    for active in [false, true, true] {
        let changed = store.set_user_active("ann", active).await;
        changed.expect("the user is changed");
        let by_key = keyed(&store, "key-a").await.expect("ann");
        assert_eq!(by_key.active, active);
        let address = "10.1.2.3".parse().expect("an address");
        let by_address = store.user_by_address(address).await;
        let by_address = by_address.expect("the user is read").expect("ann");
        assert_eq!(by_address.active, active);
    }
    // Being stored again does not lift the ban.
    let banned = store.set_user_active("ann", false).await;
    banned.expect("the user is changed");
    put(&store, "ann", Some("key-c")).await;
    assert!(!named(&store, "ann").await.expect("ann").active);
    assert!(named(&store, "bob").await.expect("bob").active);
}

pub async fn unknown_users_cannot_be_changed(backend: &impl Backend) {
    let store = backend.open().await;
    let network: IpNet = "10.0.0.0/8".parse().expect("a network");
    for refused in [
        store.set_user_active("nobody", false).await,
        store.add_network("nobody", network).await,
    ] {
        assert!(
            matches!(&refused, Err(Error::UnknownUser(name)) if name == "nobody"),
            "{refused:?}"
        );
    }
    assert_eq!(named(&store, "nobody").await, None);
    assert_eq!(addressed(&store, "10.0.0.1").await, None);
}

pub async fn the_most_specific_network_wins(backend: &impl Backend) {
    let store = backend.open().await;
    for (name, networks) in [
        ("wide", ["10.0.0.0/8", "2001:db8::/32"]),
        ("narrow", ["10.1.2.0/24", "2001:db8:1::/48"]),
        ("middle", ["10.1.0.0/16", "2001:db8::/33"]),
        ("host", ["10.1.2.3/32", "2001:db8:1::3/128"]),
        // Same first address as narrower ones, but wider.
        ("first", ["10.1.2.0/23", "2001:db8:1::/47"]),
    ] {
        put(&store, name, None).await;
        for network in networks {
            give(&store, name, network).await;
        }
    }
    for (address, expected) in [
        ("10.1.2.3", Some("host")),
        ("10.1.2.4", Some("narrow")),
        ("10.1.2.255", Some("narrow")),
        ("10.1.3.0", Some("first")),
        ("10.1.4.0", Some("middle")),
        ("10.2.0.0", Some("wide")),
        ("10.255.255.255", Some("wide")),
        ("11.0.0.0", None),
        ("9.255.255.255", None),
        ("2001:db8:1::3", Some("host")),
        ("2001:db8:1::4", Some("narrow")),
        ("2001:db8:7fff::1", Some("middle")),
        ("2001:db8:8000::1", Some("wide")),
        ("2001:db9::", None),
    ] {
        let found = addressed(&store, address).await;
        assert_eq!(found.as_deref(), expected, "{address}");
    }
}

pub async fn the_families_of_addresses_are_kept_apart(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "four", None).await;
    put(&store, "six", None).await;
    give(&store, "four", "32.1.13.0/24").await;
    give(&store, "six", "2001:d00::/24").await;
    assert_eq!(
        addressed(&store, "32.1.13.1").await.as_deref(),
        Some("four")
    );
    assert_eq!(
        addressed(&store, "2001:d01::").await.as_deref(),
        Some("six")
    );
    // An IPv4 host as a listener for both families sees it.
    let mapped = addressed(&store, "::ffff:32.1.13.1").await;
    assert_eq!(mapped.as_deref(), Some("four"));
    give(&store, "six", "0.0.0.0/0").await;
    assert_eq!(addressed(&store, "1.2.3.4").await.as_deref(), Some("six"));
    assert_eq!(addressed(&store, "::1").await, None);
}

pub async fn a_network_belongs_to_the_last_who_got_it(backend: &impl Backend) {
    // DIFFERENCE: the original does not say whose it was.
    let store = backend.open().await;
    put(&store, "ann", None).await;
    put(&store, "bob", None).await;
    give(&store, "ann", "10.1.0.0/16").await;
    // The same network, spelled by one of its hosts.
    give(&store, "bob", "10.1.2.3/16").await;
    assert_eq!(addressed(&store, "10.1.0.1").await.as_deref(), Some("bob"));
    give(&store, "ann", "10.1.0.0/16").await;
    assert_eq!(addressed(&store, "10.1.0.1").await.as_deref(), Some("ann"));
}

/// Networks as text, `user network`.
async fn listed(store: &impl Store, user: Option<&str>) -> Vec<String> {
    let networks = store.networks(user).await.expect("the networks are read");
    let networks = networks.into_iter();
    networks
        .map(|(user, network)| format!("{user} {network}"))
        .collect()
}

async fn take(store: &impl Store, user: &str, network: &str) -> bool {
    let network: IpNet = network.parse().expect("a network");
    let removed = store.remove_network(user, network).await;
    removed.expect("the network is looked up")
}

pub async fn users_are_listed_by_name(backend: &impl Backend) {
    let store = backend.open().await;
    let users = async || store.users().await.expect("the users are read");
    assert_eq!(users().await, []);
    put(&store, "cat", None).await;
    put(&store, "ann", Some("key-a")).await;
    put(&store, "Bob", None).await;
    let forbidden = store.set_user_active("ann", false).await;
    forbidden.expect("the user is changed");
    let ann = User {
        active: false,
        ..user("ann", true)
    };
    assert_eq!(users().await, [user("Bob", false), ann, user("cat", false)]);
}

pub async fn a_deleted_user_leaves_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", Some("key-a")).await;
    put(&store, "bob", Some("key-b")).await;
    give(&store, "ann", "10.0.0.0/8").await;
    give(&store, "bob", "10.1.0.0/16").await;
    store.delete_user("ann").await.expect("ann is deleted");
    assert_eq!(named(&store, "ann").await, None);
    assert_eq!(keyed(&store, "key-a").await, None);
    assert_eq!(addressed(&store, "10.2.0.1").await, None);
    assert_eq!(listed(&store, None).await, ["bob 10.1.0.0/16"]);
    assert_eq!(keyed(&store, "key-b").await, Some(user("bob", true)));
    let again = store.delete_user("ann").await;
    assert!(
        matches!(&again, Err(Error::UnknownUser(name)) if name == "ann"),
        "{again:?}"
    );
    // A new user of that name starts afresh.
    put(&store, "ann", None).await;
    assert_eq!(named(&store, "ann").await, Some(user("ann", false)));
    assert_eq!(addressed(&store, "10.2.0.1").await, None);
}

pub async fn networks_are_listed_by_user_and_address(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "bob", None).await;
    put(&store, "ann", None).await;
    for network in [
        "::/0",
        "2001:db8::1/128",
        "2001:db8::/29",
        "10.1.2.3/32",
        "10.1.2.3/8",
        "10.0.0.0/31",
        "0.0.0.0/0",
        "192.168.0.0/16",
    ] {
        give(&store, "ann", network).await;
    }
    give(&store, "bob", "9.0.0.0/9").await;
    let anns = [
        "ann 0.0.0.0/0",
        "ann 10.0.0.0/8",
        "ann 10.0.0.0/31",
        "ann 10.1.2.3/32",
        "ann 192.168.0.0/16",
        "ann ::/0",
        "ann 2001:db8::/29",
        "ann 2001:db8::1/128",
    ];
    assert_eq!(listed(&store, Some("ann")).await, anns);
    assert_eq!(listed(&store, Some("bob")).await, ["bob 9.0.0.0/9"]);
    let all = listed(&store, None).await;
    assert_eq!(all[..8], anns);
    assert_eq!(all[8..], ["bob 9.0.0.0/9"]);
    assert_eq!(listed(&store, Some("nobody")).await, [""; 0]);
}

pub async fn a_network_is_taken_from_its_user_only(backend: &impl Backend) {
    let store = backend.open().await;
    put(&store, "ann", None).await;
    put(&store, "bob", None).await;
    give(&store, "ann", "10.0.0.0/8").await;
    give(&store, "ann", "10.1.0.0/16").await;
    assert!(!take(&store, "bob", "10.1.0.0/16").await);
    assert!(!take(&store, "nobody", "10.1.0.0/16").await);
    assert!(!take(&store, "ann", "10.1.0.0/17").await);
    assert_eq!(addressed(&store, "10.1.2.3").await.as_deref(), Some("ann"));
    // Spelled by one of its hosts.
    assert!(take(&store, "ann", "10.1.2.3/16").await);
    assert!(!take(&store, "ann", "10.1.0.0/16").await);
    assert_eq!(listed(&store, None).await, ["ann 10.0.0.0/8"]);
}
