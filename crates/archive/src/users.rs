//! The commands that manage who may write.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use esmond_ps_store::{KeyHash, Store, User as StoredUser};

use crate::cli::{Ip, User};

/// Runs a command. What a script wants goes to `out`, the rest to `notes`.
pub(crate) async fn run(
    command: &User,
    store: &dyn Store,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<()> {
    match command {
        User::Add { name } => add(name, store, out, notes).await,
        User::Disable { name } => set_active(name, false, store, notes).await,
        User::Enable { name } => set_active(name, true, store, notes).await,
        User::Ip(Ip::Add { name, networks }) => {
            require(name, store).await?;
            for network in networks {
                store.add_network(name, *network).await?;
                writeln!(notes, "Creating entry for IP {network} belonging to {name}")?;
            }
            Ok(())
        }
    }
}

async fn add(
    name: &str,
    store: &dyn Store,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<()> {
    if name.trim().is_empty() {
        bail!("a user must have a name");
    }
    let existing = store.user(name).await?;
    match &existing {
        None => writeln!(notes, "User {name} does not exist - creating")?,
        Some(_) => writeln!(notes, "User {name} exists")?,
    }
    if existing.is_some_and(|user| user.has_key) {
        writeln!(
            notes,
            "User {name} already has api key, skipping creation (keys are stored hashed and shown once)"
        )?;
        return Ok(());
    }
    writeln!(notes, "User {name} does not have an api key - creating")?;
    let key = new_key();
    store.put_user(name, Some(&KeyHash::of(&key))).await?;
    writeln!(out, "Key: {key}").context("the key could not be shown")?;
    out.flush().context("the key could not be shown")
}

async fn set_active(
    name: &str,
    active: bool,
    store: &dyn Store,
    notes: &mut dyn Write,
) -> Result<()> {
    require(name, store).await?;
    store.set_user_active(name, active).await?;
    let state = if active { "enabled" } else { "disabled" };
    writeln!(notes, "User {name} is {state}")?;
    Ok(())
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

/// Runs a command with the process's own streams.
pub(crate) async fn run_here(command: &User, store: &dyn Store) -> Result<()> {
    let (mut out, mut notes) = (io::stdout(), io::stderr());
    run(command, store, &mut out, &mut notes).await
}
