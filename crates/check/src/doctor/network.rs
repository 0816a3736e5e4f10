//! The name of a host, and which of its addresses can be reached.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use esmond_ps_cli_common::hosts;
use esmond_ps_cli_common::names::in_own_thread;
use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::doctor::Report;

/// How long a connection may take, in seconds, if `--timeout` is not shorter.
const PATIENCE: u64 = 5;

/// Ports on which archives are found.
const USUAL_PORTS: [(u16, &str); 4] = [
    (443, "https"),
    (80, "http"),
    (8080, "http"),
    (8443, "https"),
];

/// Tells about name and addresses; returns whether to go on.
pub(crate) async fn examine(root: &Url, seconds: u64, report: &mut Report<'_>) -> io::Result<bool> {
    let limit = Duration::from_secs(seconds.min(PATIENCE));
    let port = root.port_or_known_default().unwrap_or(443);
    let is_proxied = is_proxied(root);
    let addresses = match root.host() {
        Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
        Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
        Some(Host::Domain(name)) => resolve(name).await,
        None => Vec::new(),
    };
    let host = root.host_str().unwrap_or_default();
    if addresses.is_empty() {
        let message = format!("{host} has no address here");
        if is_proxied {
            report.warn(
                "name",
                message,
                "the proxy may know it; otherwise check its spelling",
            )?;
            return Ok(true);
        }
        report.fail(
            "name",
            message,
            "check the spelling, and the name server of this machine",
        )?;
        return Ok(false);
    }
    if matches!(root.host(), Some(Host::Domain(_))) {
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        report.ok(
            "name",
            format!("{host} is {} ({})", list.join(", "), families(&addresses)),
        )?;
    }
    let tries = addresses.iter().map(async |address| {
        let result = connect(SocketAddr::new(*address, port), limit).await;
        (*address, result)
    });
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for (address, result) in join_all(tries).await {
        match result {
            Ok(()) => open.push(address),
            Err(error) => closed.push((address, error)),
        }
    }
    let failures: Vec<String> = closed
        .iter()
        .map(|(address, error)| format!("{address} port {port}: {error}"))
        .collect();
    if open.is_empty() {
        let message = failures.join("; ");
        if is_proxied {
            report.warn("reach", message, "fine if only the proxy gets there")?;
            return Ok(true);
        }
        let next = other_ports(host, &addresses, port, limit).await;
        report.fail("reach", message, next)?;
        return Ok(false);
    }
    if closed.is_empty() {
        report.ok("reach", format!("port {port} is open, {}", families(&open)))?;
    } else {
        let working = families(&open);
        let next = format!(
            "only {working} works: have the others opened or taken out of the DNS; programs may \
             lose seconds on them"
        );
        report.warn("reach", failures.join("; "), next)?;
    }
    Ok(true)
}

/// Looks a name up, in both families.
async fn resolve(name: &str) -> Vec<IpAddr> {
    let name = name.to_owned();
    let lookup = in_own_thread(move || {
        let found = dns_lookup::lookup_host(&name);
        found.map(Iterator::collect::<Vec<_>>).unwrap_or_default()
    });
    let found = timeout(hosts::TIME_LIMIT, lookup).await;
    let mut addresses = found.ok().flatten().unwrap_or_default();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

async fn connect(address: SocketAddr, limit: Duration) -> Result<(), String> {
    match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::ConnectionRefused => "nobody listens".to_owned(),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                "no way there from here".to_owned()
            }
            _ => error.to_string(),
        }),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

/// Says what to do when a port is closed.
async fn other_ports(host: &str, addresses: &[IpAddr], port: u16, limit: Duration) -> String {
    let others = USUAL_PORTS.iter().filter(|(other, _)| *other != port);
    let tries = others.map(async |(other, scheme)| {
        let tries = addresses
            .iter()
            .map(|address| connect(SocketAddr::new(*address, *other), limit));
        let is_open = join_all(tries).await.iter().any(Result::is_ok);
        is_open.then(|| format!("{scheme}://{host}:{other}"))
    });
    let open: Vec<String> = join_all(tries).await.into_iter().flatten().collect();
    if open.is_empty() {
        return "check that the archive runs, and the firewalls on the way".to_owned();
    }
    format!("other ports are open: try --url {}", open.join(" or "))
}

fn families(addresses: &[IpAddr]) -> &'static str {
    let has = |wanted: fn(&IpAddr) -> bool| addresses.iter().any(wanted);
    match (has(IpAddr::is_ipv4), has(IpAddr::is_ipv6)) {
        (true, true) => "IPv4 and IPv6",
        (_, true) => "IPv6",
        _ => "IPv4",
    }
}

/// Tells whether requests probably go through a proxy of the environment: then what
/// this machine reaches by itself does not matter.
fn is_proxied(root: &Url) -> bool {
    let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let scheme = root.scheme();
    let names = [
        format!("{scheme}_proxy"),
        format!("{}_PROXY", scheme.to_uppercase()),
        "all_proxy".to_owned(),
        "ALL_PROXY".to_owned(),
    ];
    let excluded = ["no_proxy", "NO_PROXY"].iter().any(|name| {
        let list = std::env::var(name).unwrap_or_default();
        let host = root.host_str().unwrap_or_default();
        list.split(',').map(str::trim).any(|entry| {
            let entry = entry.trim_start_matches('.');
            entry == "*" || (!entry.is_empty() && host.ends_with(entry))
        })
    });
    !excluded && names.iter().any(|name| is_set(name))
}
