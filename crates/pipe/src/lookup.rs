//! What the system knows: addresses of names, and its own ones.
//!
//! DIFFERENCE: the original finds no address of its own where the destination has
//! IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use esmond_ps_results::{Addresses, address};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long the lookup of a name may take: 10 seconds.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Knows addresses.
pub trait Lookup: Clone + Send + 'static {
    /// Returns the addresses of a name; none when there are none, or when they cannot be
    /// found out. May take its time.
    fn addresses(&self, name: &str) -> Vec<IpAddr>;

    /// Returns the address that this host uses towards another one.
    fn local_address_towards(&self, destination: IpAddr) -> Option<IpAddr>;
}

/// Asks the system: hosts file, DNS, routes.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Lookup for System {
    fn addresses(&self, name: &str) -> Vec<IpAddr> {
        dns_lookup::lookup_host(name).map_or_else(|_| Vec::new(), Iterator::collect)
    }

    fn local_address_towards(&self, destination: IpAddr) -> Option<IpAddr> {
        let any: IpAddr = match destination {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Connecting a UDP socket sends nothing; it only chooses a route.
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((destination, 80)).ok()?;
        let own = socket.local_addr().ok()?.ip();
        (!own.is_unspecified()).then_some(own)
    }
}

/// Finds out the addresses of hosts, each within [`TIME_LIMIT`].
pub async fn addresses(lookup: &impl Lookup, hosts: Vec<String>) -> Addresses {
    let mut known = Addresses::default();
    for host in hosts.into_iter().filter(|host| address(host).is_none()) {
        let found = all(lookup, &host).await;
        known.insert(host, found);
    }
    known
}

/// Finds out the first address of a name, within [`TIME_LIMIT`].
pub(crate) async fn first(lookup: &impl Lookup, name: &str) -> Option<IpAddr> {
    all(lookup, name).await.into_iter().next()
}

async fn all(lookup: &impl Lookup, name: &str) -> Vec<IpAddr> {
    if name.is_empty() {
        return Vec::new();
    }
    let (lookup, name) = (lookup.clone(), name.to_owned());
    let answer = spawn_blocking(move || lookup.addresses(&name));
    let found = timeout(TIME_LIMIT, answer).await;
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    found.into_iter().map(|one| one.to_canonical()).collect()
}
