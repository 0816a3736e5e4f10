//! Users, their keys and their networks.

use std::net::IpAddr;

use esmond_ps_store::{Error, KeyHash, Result, User};
use ipnet::IpNet;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::backend;

pub(crate) const CHANGING: &str = "changing a user";
const READING: &str = "reading users";

const BY_NAME: &str = "SELECT name, active, key_hash IS NOT NULL FROM user WHERE name = ?1";
const BY_KEY: &str = "SELECT name, active, TRUE FROM user WHERE key_hash = ?1";
// Of the networks that hold an address, the most specific is the one that
// starts last and ends first: networks lie inside each other or apart.
const BY_ADDRESS: &str = "SELECT name, active, key_hash IS NOT NULL \
     FROM network JOIN user ON user.name = network.user \
     WHERE family = ?1 AND first <= ?2 AND last >= ?2 \
     ORDER BY first DESC, last ASC LIMIT 1";
const ALL: &str = "SELECT name, active, key_hash IS NOT NULL FROM user ORDER BY name";
const NETWORKS: &str = "SELECT user, first, last FROM network";
const NETWORKS_OF: &str = "SELECT user, first, last FROM network WHERE user = ?1";

/// Adds a user, or gives an existing one this key.
pub(crate) fn put(connection: &Connection, name: &str, key: Option<&KeyHash>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO user (name, key_hash) VALUES (?1, ?2) ON CONFLICT (name) \
             DO UPDATE SET key_hash = coalesce(excluded.key_hash, key_hash)",
        )
        .and_then(|mut statement| statement.execute(params![name, key.map(KeyHash::as_bytes)]))
        .map_err(backend(CHANGING))?;
    Ok(())
}

/// Allows or forbids a user to authenticate.
pub(crate) fn set_active(connection: &Connection, name: &str, active: bool) -> Result<()> {
    let changed = connection
        .execute(
            "UPDATE user SET active = ?2 WHERE name = ?1",
            params![name, active],
        )
        .map_err(backend(CHANGING))?;
    if changed == 0 {
        return Err(Error::UnknownUser(name.to_owned()));
    }
    Ok(())
}

/// Gives a network to a user.
pub(crate) fn add_network(connection: &Connection, user: &str, network: IpNet) -> Result<()> {
    if by_name(connection, user)?.is_none() {
        return Err(Error::UnknownUser(user.to_owned()));
    }
    let (family, first, last) = ends(network);
    connection
        .execute(
            "INSERT INTO network (family, first, last, user) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET user = excluded.user",
            params![family, first, last, user],
        )
        .map_err(backend(CHANGING))?;
    Ok(())
}

/// Takes a network from a user; false when it is not theirs.
pub(crate) fn remove_network(connection: &Connection, user: &str, network: IpNet) -> Result<bool> {
    let (family, first, last) = ends(network);
    let removed = connection
        .execute(
            "DELETE FROM network WHERE family = ?1 AND first = ?2 AND last = ?3 AND user = ?4",
            params![family, first, last, user],
        )
        .map_err(backend(CHANGING))?;
    Ok(removed > 0)
}

/// Removes a user; key and networks go with the row.
pub(crate) fn delete(connection: &Connection, name: &str) -> Result<()> {
    let removed = connection
        .execute("DELETE FROM user WHERE name = ?1", [name])
        .map_err(backend(CHANGING))?;
    if removed == 0 {
        return Err(Error::UnknownUser(name.to_owned()));
    }
    Ok(())
}

/// Returns all users, sorted by name.
pub(crate) fn all(connection: &Connection) -> Result<Vec<User>> {
    connection
        .prepare_cached(ALL)
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(backend(READING))
}

/// Returns networks with their users, sorted.
pub(crate) fn networks(
    connection: &Connection,
    user: Option<&str>,
) -> Result<Vec<(String, IpNet)>> {
    let read = |row: &Row<'_>| {
        let (first, last): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        Ok((row.get::<_, String>(0)?, first, last))
    };
    let rows: Vec<_> = match user {
        Some(user) => connection
            .prepare_cached(NETWORKS_OF)
            .and_then(|mut statement| statement.query_map([user], read)?.collect()),
        None => connection
            .prepare_cached(NETWORKS)
            .and_then(|mut statement| statement.query_map([], read)?.collect()),
    }
    .map_err(backend(READING))?;
    let mut networks = Vec::with_capacity(rows.len());
    for (user, first, last) in rows {
        match network(&first, &last) {
            Some(network) => networks.push((user, network)),
            None => return Err(Error::Corrupt(format!("network of user {user}"))),
        }
    }
    networks.sort_unstable();
    Ok(networks)
}

/// Returns the user of this name.
pub(crate) fn by_name(connection: &Connection, name: &str) -> Result<Option<User>> {
    one(connection, BY_NAME, [name])
}

/// Returns the user with this key.
pub(crate) fn by_key(connection: &Connection, key: &KeyHash) -> Result<Option<User>> {
    one(connection, BY_KEY, [key.as_bytes()])
}

/// Returns the user of the most specific network that holds an address.
pub(crate) fn by_address(connection: &Connection, address: IpAddr) -> Result<Option<User>> {
    // A listener for both families sees IPv4 hosts as mapped IPv6 addresses.
    let (family, bytes) = bytes(address.to_canonical());
    one(connection, BY_ADDRESS, params![family, bytes])
}

fn one(connection: &Connection, sql: &str, parameters: impl Params) -> Result<Option<User>> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(parameters, read).optional())
        .map_err(backend(READING))
}

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        name: row.get(0)?,
        active: row.get(1)?,
        has_key: row.get(2)?,
    })
}

/// Returns the family of a network and its first and last address.
fn ends(network: IpNet) -> (i64, Vec<u8>, Vec<u8>) {
    let (family, first) = bytes(network.network());
    let (_, last) = bytes(network.broadcast());
    (family, first, last)
}

/// Returns the network of these first and last addresses.
fn network(first: &[u8], last: &[u8]) -> Option<IpNet> {
    let same = first
        .iter()
        .zip(last)
        .position(|(a, b)| a != b)
        .map_or(first.len() * 8, |at| {
            at * 8 + (first[at] ^ last[at]).leading_zeros() as usize
        });
    let address = match first.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(first).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(first).ok()?),
    };
    IpNet::new(address, u8::try_from(same).ok()?).ok()
}

/// Returns the family of an address and its bytes, whose order is that of the
/// addresses.
fn bytes(address: IpAddr) -> (i64, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (4, address.octets().to_vec()),
        IpAddr::V6(address) => (6, address.octets().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};

    #[test]
    fn users_are_found_by_indexes() {
        let (_dir, connection) = database();
        for sql in [BY_NAME, BY_KEY, BY_ADDRESS, NETWORKS_OF] {
            let plan = plan(&connection, sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
        }
    }
}
