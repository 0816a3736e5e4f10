//! What an archive can be told when it starts.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use esmond_ps_model::Registry;
use esmond_ps_results::pscheduler::Summaries;
use ipnet::IpNet;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::access_log::AccessLog;

/// Settings of an archive. The default is that of the original packages:
/// served below `/esmond`, no proxy trusted.
#[derive(Clone)]
pub struct Config {
    /// Path below which the archive is served, besides being served without
    /// it. Default `esmond`; empty or `/` for none.
    pub script_alias: String,
    /// Networks of the proxies whose `X-Forwarded-*` headers count. Default
    /// none.
    pub trusted_proxies: Vec<IpNet>,
    /// The event types and subject types to accept. Default the standard ones.
    pub registry: Registry,
    /// The summaries that are made of results of pScheduler (`/logstash`), unless
    /// they ask for others. Default those of pScheduler's own archiver. What the
    /// [`registry`](Self::registry) does not allow is left out, with a warning for
    /// each result: [check](Summaries::check) them first.
    pub summaries: Summaries,
    /// Largest request body in bytes. Default 64 MiB.
    pub body_limit: usize,
    /// How many writes may be under way at the same time, their bodies still
    /// coming included; further ones are 503. Default 128.
    pub most_writes: usize,
    /// How many other requests may be under way at the same time, until their
    /// answers are sent; further ones are 503. Default 256.
    pub most_reads: usize,
    /// Whether reading needs credentials, too (not `/healthz`). Default no.
    pub require_auth_for_reads: bool,
    /// Who is told of every request. Default nobody.
    pub access_log: Option<AccessLog>,
    /// The archive's clock, in Unix seconds. Default the system's.
    pub clock: Clock,
    /// How names in filters become addresses. Default the system's resolver.
    pub resolver: Arc<dyn Resolver>,
}

/// A clock, in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

impl Default for Config {
    fn default() -> Self {
        Self {
            script_alias: "esmond".to_owned(),
            trusted_proxies: Vec::new(),
            registry: Registry::standard(),
            summaries: Summaries::default(),
            body_limit: 64 << 20,
            most_writes: 128,
            most_reads: 256,
            require_auth_for_reads: false,
            access_log: None,
            clock: Arc::new(system_seconds),
            resolver: Arc::new(SystemResolver),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("script_alias", &self.script_alias)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("body_limit", &self.body_limit)
            .field("most_writes", &self.most_writes)
            .field("most_reads", &self.most_reads)
            .field("require_auth_for_reads", &self.require_auth_for_reads)
            .finish_non_exhaustive()
    }
}

/// Finds the addresses of a host name.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// Returns all addresses of the host, of both families; none when it has
    /// none or cannot be found in time.
    async fn lookup(&self, host: &str) -> Vec<IpAddr>;
}

/// The resolver of the operating system, with a limit of five seconds a name, and
/// of 64 names at the same time.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// A look-up holds a thread for as long as the system tries, also when nobody waits
/// for it any more. Anybody can ask for names; the threads are everybody's.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let host = host.to_owned();
        let lookup = tokio::spawn(async move {
            let _turn = LOOKUPS.acquire().await;
            let found = tokio::net::lookup_host((host, 0)).await;
            found.map(|addresses| addresses.map(|address| address.ip()).collect())
        });
        match timeout(LOOKUP_LIMIT, lookup).await {
            Ok(Ok(Ok(addresses))) => addresses,
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Vec::new(),
        }
    }
}

fn system_seconds() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_up_waits_its_turn_for_five_seconds() {
        let slow_ones = LOOKUPS.acquire_many(64).await.unwrap();
        let began = tokio::time::Instant::now();
        assert!(SystemResolver.lookup("localhost").await.is_empty());
        assert_eq!(began.elapsed().as_secs(), LOOKUP_LIMIT.as_secs());
        drop(slow_ones);
        assert!(!SystemResolver.lookup("localhost").await.is_empty());
    }
}
