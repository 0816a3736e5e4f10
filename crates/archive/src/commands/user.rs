//! The commands that manage who may write.
//!
//! DIFFERENCE: the original has no command that lists or removes users, or gives
//! a new key; and what its commands say goes to stdout, notices included.

use std::io::{self, Write};

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use esmond_ps_store::{KeyHash, Store, User as StoredUser};
use ipnet::IpNet;
use serde::Serialize;

use super::{Outcome, note, plural, print_json};
use crate::cli::network;
use crate::home::Home;
use crate::logging::escaped;
use crate::table::{Side, table};

/// Manage who may write; works while the archive is served
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  esmond-ps-archive user add perfsonar
  esmond-ps-archive user ip add perfsonar 192.0.2.0/24 2001:db8::7
  esmond-ps-archive user list

A key is shown when it is made, and never again: only a hash of it is stored. Each command can be
repeated.")]
pub(crate) enum User {
    /// Make a user with a key. The key is printed to stdout, once: only a hash
    /// is stored
    Add(Named),
    /// List the users with their networks
    List(Listing),
    /// Give a user a new key, printed to stdout, once; the old one ends at once
    Rotate(Named),
    /// Forbid a user to authenticate
    Disable(Named),
    /// Allow a user to authenticate again
    Enable(Named),
    /// Remove a user with key and networks. What the user wrote stays
    Delete(Named),
    /// Let hosts write as a user by their address, without a key
    #[command(subcommand)]
    Ip(Ip),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ip {
    /// Register networks of a user; a network has one user, the last one
    Add(Networks),
    /// List the networks, with their users
    List {
        /// Only those of this user
        name: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Take networks from a user
    Delete(Networks),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Name of the user
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Networks {
    /// Name of the user
    name: String,
    /// Addresses, or networks such as 192.0.2.0/24
    #[arg(required = true, value_name = "NET", value_parser = network)]
    networks: Vec<IpNet>,
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Runs a command. What a script wants goes to stdout, the rest to stderr.
pub(crate) async fn run(command: &User, home: &Home) -> Result<Outcome> {
    let store = match command {
        User::Add(_) => home.open_or_make().await?,
        _ => home.open().await?,
    };
    let store = store.as_ref();
    match command {
        User::Add(Named { name }) => add(name, store).await?,
        User::List(listing) => list(listing, store).await?,
        User::Rotate(Named { name }) => {
            require(name, store).await?;
            show_new_key(name, store).await?;
            note(format_args!(
                "User {name} has a new key; an older one is not valid any more"
            ));
        }
        User::Disable(Named { name }) => set_active(name, false, store).await?,
        User::Enable(Named { name }) => set_active(name, true, store).await?,
        User::Delete(Named { name }) => delete(name, store).await?,
        User::Ip(Ip::Add(Networks { name, networks })) => {
            add_networks(name, networks, store).await?;
        }
        User::Ip(Ip::List { name, listing }) => {
            list_networks(name.as_deref(), listing, store).await?;
        }
        User::Ip(Ip::Delete(Networks { name, networks })) => {
            return delete_networks(name, networks, store).await;
        }
    }
    Ok(Outcome::Done)
}

async fn add(name: &str, store: &dyn Store) -> Result<()> {
    if name.trim().is_empty() {
        bail!("a user must have a name");
    }
    let existing = store.user(name).await?;
    match &existing {
        None => note(format_args!("User {name} does not exist - creating")),
        Some(_) => note(format_args!("User {name} exists")),
    }
    if existing.is_some_and(|user| user.has_key) {
        note(format_args!(
            "User {name} already has api key, skipping creation (keys are stored hashed and shown \
             once; for a new one: esmond-ps-archive user rotate {name})"
        ));
        return Ok(());
    }
    note(format_args!(
        "User {name} does not have an api key - creating"
    ));
    show_new_key(name, store).await
}

/// Gives a user a key and prints it.
async fn show_new_key(name: &str, store: &dyn Store) -> Result<()> {
    let key = new_key();
    store.put_user(name, Some(&KeyHash::of(&key))).await?;
    let mut out = io::stdout().lock();
    let shown = writeln!(out, "Key: {key}").and_then(|()| out.flush());
    // No cause of its own: a pipe that is closed is a failure here.
    shown.map_err(|error| {
        anyhow!(
            "the key could not be shown and is lost: {error} (for a new one: \
             esmond-ps-archive user rotate {name})"
        )
    })
}

/// What is listed of a user.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    name: String,
    active: bool,
    has_key: bool,
    networks: Vec<String>,
}

async fn list(listing: &Listing, store: &dyn Store) -> Result<()> {
    let networks = store.networks(None).await?;
    let users = store.users().await?.into_iter().map(|user| {
        let own = networks.iter().filter(|(owner, _)| *owner == user.name);
        Listed {
            networks: own.map(|(_, network)| network.to_string()).collect(),
            name: user.name,
            active: user.active,
            has_key: user.has_key,
        }
    });
    let users: Vec<Listed> = users.collect();
    if listing.json {
        return print_json(&users);
    }
    if users.is_empty() {
        note("No users found");
        return Ok(());
    }
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows: Vec<Vec<String>> = users
        .into_iter()
        .map(|user| {
            vec![
                user.name,
                yes(user.active),
                yes(user.has_key),
                user.networks.join(", "),
            ]
        })
        .collect();
    let head = ["user", "active", "key", "networks"].map(|title| (title, Side::Left));
    io::stdout().write_all(table(&head, &rows).as_bytes())?;
    Ok(())
}

async fn set_active(name: &str, active: bool, store: &dyn Store) -> Result<()> {
    require(name, store).await?;
    store.set_user_active(name, active).await?;
    let state = if active { "enabled" } else { "disabled" };
    note(format_args!("User {name} is {state}"));
    Ok(())
}

async fn delete(name: &str, store: &dyn Store) -> Result<()> {
    let user = require(name, store).await?;
    let networks = store.networks(Some(name)).await?;
    store.delete_user(name).await?;
    let key = if user.has_key { "its key" } else { "no key" };
    let mut line = format!("Deleted user {name}, {key} and ");
    line.push_str(&plural(networks.len() as u64, "network", "networks"));
    let names: Vec<String> = networks
        .iter()
        .map(|(_, network)| network.to_string())
        .collect();
    if !names.is_empty() {
        line.push_str(&format!(": {}", names.join(", ")));
    }
    note(line);
    Ok(())
}

// DIFFERENCE: the original does not say from whom a network is taken.
async fn add_networks(name: &str, networks: &[IpNet], store: &dyn Store) -> Result<()> {
    require(name, store).await?;
    for network in networks {
        let all = store.networks(None).await?;
        let owner = all.into_iter().find(|(_, known)| known == network);
        match owner {
            Some((owner, _)) if owner == name => {
                note(format_args!(
                    "IP {network} already assigned to {name}, skipping creation"
                ));
                continue;
            }
            Some((owner, _)) => note(format_args!("Taking IP {network} from {owner}")),
            None => {}
        }
        store.add_network(name, *network).await?;
        note(format_args!(
            "Creating entry for IP {network} belonging to {name}"
        ));
    }
    Ok(())
}

async fn list_networks(name: Option<&str>, listing: &Listing, store: &dyn Store) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        user: String,
        network: String,
    }
    if let Some(name) = name {
        require(name, store).await?;
    }
    let rows = store
        .networks(name)
        .await?
        .into_iter()
        .map(|(user, network)| Row {
            user,
            network: network.to_string(),
        });
    let rows: Vec<Row> = rows.collect();
    if listing.json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        let whose = name.map(|name| format!(" belonging to user {name}"));
        note(format_args!(
            "No IP addresses found{}",
            whose.unwrap_or_default()
        ));
    }
    let mut out = io::stdout().lock();
    for Row { user, network } in rows {
        writeln!(out, "{} {network}", escaped(&user, |_| false))?;
    }
    Ok(())
}

async fn delete_networks(name: &str, networks: &[IpNet], store: &dyn Store) -> Result<Outcome> {
    require(name, store).await?;
    let mut outcome = Outcome::Done;
    for network in networks {
        if store.remove_network(name, *network).await? {
            note(format_args!("Deleted IP {network} for user {name}"));
        } else {
            note(format_args!("Unable to find {network} belonging to {name}"));
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

async fn require(name: &str, store: &dyn Store) -> Result<StoredUser> {
    let Some(user) = store.user(name).await? else {
        bail!("User {name} does not exist (make one with: esmond-ps-archive user add {name})");
    };
    Ok(user)
}

/// Makes a key: 160 random bits as hexadecimal digits.
fn new_key() -> String {
    let bits: [u8; 20] = rand::random();
    bits.iter().map(|byte| format!("{byte:02x}")).collect()
}
