//! Addresses of the hosts that a result names, and who measured.
//!
//! DIFFERENCE: the original mapping fails where a host has no address.

use std::net::IpAddr;

use esmond_ps_results::Addresses;
use esmond_ps_results::pscheduler::Run;
use futures_util::future::join_all;

use super::address;
use crate::config::Resolver;

/// Longest name that is looked up, in bytes: that of a host name.
const LONGEST: usize = 255;

/// What is known about the hosts of a run.
pub(super) struct Hosts {
    pub(super) addresses: Addresses,
    /// Who measured; `None` when nobody has an address.
    pub(super) agent: Option<Agent>,
    pub(super) notes: Vec<String>,
}

/// Who measured.
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) address: IpAddr,
}

/// Finds the hosts of a run, all at the same time.
///
/// Who measured is the first of these that has an address: `observer`, those that
/// the document names, the client that sent it, the source, the destination.
pub(super) async fn find(
    run: &Run,
    observer: Option<String>,
    client: Option<IpAddr>,
    resolver: &dyn Resolver,
) -> Hosts {
    let observer = observer.filter(|name| !name.is_empty());
    let ends = run.ends();
    let candidates: Vec<String> = observer
        .iter()
        .chain(run.agents())
        .cloned()
        .chain(client.map(|address| address.to_string()))
        .chain(ends.iter().cloned())
        .collect();
    // After one that is an address nobody else is asked.
    let literal = candidates.iter().position(|name| address(name).is_some());
    let asked = candidates.iter().take(literal.unwrap_or(candidates.len()));
    let mut names: Vec<&String> = asked
        .chain(&ends)
        .filter(|name| address(name).is_none())
        .collect();
    names.sort();
    names.dedup();
    let found = join_all(names.into_iter().map(|name| async move {
        let addresses = if is_name(name) {
            resolver.lookup(name).await
        } else {
            Vec::new()
        };
        let addresses: Vec<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
        (name, addresses)
    }))
    .await;
    let agent = candidates.iter().find_map(|name| {
        let known = || found.iter().find(|(known, _)| *known == name);
        let address = address(name).or_else(|| known()?.1.first().copied())?;
        let name = name.clone();
        Some(Agent { name, address })
    });
    let notes = match (&observer, &agent) {
        (Some(observer), Some(agent)) if *observer != agent.name => vec![format!(
            "no address is known for {observer}, which x-ps-observer names: the measurement agent is {}",
            agent.name
        )],
        _ => Vec::new(),
    };
    let mut addresses = Addresses::default();
    for (name, list) in found {
        addresses.insert(name, list);
    }
    Hosts {
        addresses,
        agent,
        notes,
    }
}

/// Tells whether a text can be asked for: it comes from anybody.
fn is_name(text: &str) -> bool {
    let usual = |c: char| !c.is_control() && !c.is_whitespace();
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(usual)
}
