//! What an archive can be told when it starts.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use esmond_ps_model::Registry;
use ipnet::IpNet;

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
    /// Largest request body in bytes. Default 64 MiB.
    pub body_limit: usize,
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
            body_limit: 64 << 20,
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

/// The resolver of the operating system, with a limit of five seconds a name.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let lookup = tokio::net::lookup_host((host, 0));
        match tokio::time::timeout(LOOKUP_LIMIT, lookup).await {
            Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}

fn system_seconds() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
