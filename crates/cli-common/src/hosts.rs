//! Checks that a host named on the command line exists.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::names::in_own_thread;

/// How long a lookup may take: 10 seconds.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Tells whether a text is an address of either family, or a name that has
/// one.
///
/// A name that cannot be looked up within [`TIME_LIMIT`] does not exist.
///
/// DIFFERENCE: the originals know hosts by IPv4 alone.
pub async fn exists(host: &str) -> bool {
    if host.is_empty() {
        return false;
    }
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.to_owned();
    let lookup = in_own_thread(move || {
        dns_lookup::lookup_host(&name).is_ok_and(|mut addresses| addresses.next().is_some())
    });
    timeout(TIME_LIMIT, lookup)
        .await
        .ok()
        .flatten()
        .unwrap_or(false)
}
