//! Addresses of the servers that logs name.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a lookup may take: 10 seconds.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How many answers are kept. Logs name few servers, but they may name any number.
const REMEMBERED: usize = 1024;

/// Address families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Returns the family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// Returns its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// The name service cannot tell now; later it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name service does not answer")]
pub struct NoAnswer;

/// Knows the addresses of names.
pub trait Lookup: Send + Sync + 'static {
    /// Returns the first address of that family; none when there is none. May take
    /// its time.
    ///
    /// # Errors
    ///
    /// When it cannot be found out now.
    fn address(&self, name: &str, family: Family) -> Result<Option<IpAddr>, NoAnswer>;
}

/// What the system knows: hosts file, DNS.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn address(&self, name: &str, family: Family) -> Result<Option<IpAddr>, NoAnswer> {
        let hints = AddrInfoHints {
            address: match family {
                Family::V4 => AddrFamily::Inet.into(),
                Family::V6 => AddrFamily::Inet6.into(),
            },
            socktype: SockType::Stream.into(),
            ..AddrInfoHints::default()
        };
        match dns_lookup::getaddrinfo(Some(name), None, Some(hints)) {
            Ok(answers) => Ok(answers
                .filter_map(Result::ok)
                .map(|answer| answer.sockaddr.ip())
                .find(|address| Family::of(*address) == family)),
            Err(error) if matches!(error.kind(), LookupErrorKind::Again) => Err(NoAnswer),
            Err(_) => Ok(None),
        }
    }
}

/// Asks for each name once, as long as there is an answer.
#[derive(Debug)]
pub struct Hosts<L> {
    lookup: Arc<L>,
    known: HashMap<(String, Family), Option<IpAddr>>,
}

impl<L: Lookup> Hosts<L> {
    /// Makes one that knows nothing yet.
    #[must_use]
    pub fn new(lookup: L) -> Self {
        Self {
            lookup: Arc::new(lookup),
            known: HashMap::new(),
        }
    }

    /// Returns the address of a host for talking to a peer of that family. A host
    /// that is an address stands for itself.
    ///
    /// DIFFERENCE: the original takes the first address of whatever family; with
    /// JSON logs, whose hosts are addresses, it does not look names up at all.
    ///
    /// # Errors
    ///
    /// When it cannot be found out now.
    pub async fn address(
        &mut self,
        host: &str,
        family: Family,
    ) -> Result<Option<IpAddr>, NoAnswer> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Some(address.to_canonical()));
        }
        if host.is_empty() {
            return Ok(None);
        }
        let key = (host.to_owned(), family);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let answer = self.ask(host.to_owned(), family).await?;
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, answer);
        Ok(answer)
    }

    /// A lookup cannot be interrupted, so it gets a thread that nobody waits for
    /// after the time limit.
    async fn ask(&self, name: String, family: Family) -> Result<Option<IpAddr>, NoAnswer> {
        let (answer, result) = oneshot::channel();
        let lookup = Arc::clone(&self.lookup);
        let work = move || {
            // Nobody waits for an answer after the time limit.
            answer.send(lookup.address(&name, family)).ok();
        };
        thread::Builder::new()
            .name(String::from("name-lookup"))
            .spawn(work)
            .map_err(|_| NoAnswer)?;
        let answer = timeout(TIME_LIMIT, result).await;
        answer.map_err(|_| NoAnswer)?.map_err(|_| NoAnswer)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl Lookup for Counting {
        fn address(&self, name: &str, family: Family) -> Result<Option<IpAddr>, NoAnswer> {
            self.0.fetch_add(1, Ordering::SeqCst);
            match name {
                "a" if family == Family::V4 => Ok(Some(IpAddr::from([192, 0, 2, 1]))),
                "later" => Err(NoAnswer),
                _ => Ok(None),
            }
        }
    }

    #[tokio::test]
    async fn each_name_is_asked_for_once_also_when_it_has_no_address() {
        let mut hosts = Hosts::new(Counting(AtomicUsize::new(0)));
        for _ in 0..2 {
            assert_eq!(
                hosts.address("a", Family::V4).await,
                Ok(Some([192, 0, 2, 1].into()))
            );
            assert_eq!(hosts.address("a", Family::V6).await, Ok(None));
            assert_eq!(hosts.address("b", Family::V4).await, Ok(None));
        }
        assert_eq!(hosts.lookup.0.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_name_service_that_does_not_answer_is_asked_again() {
        let mut hosts = Hosts::new(Counting(AtomicUsize::new(0)));
        for _ in 0..2 {
            assert_eq!(hosts.address("later", Family::V4).await, Err(NoAnswer));
        }
        assert_eq!(hosts.lookup.0.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn addresses_are_not_looked_up() {
        let mut hosts = Hosts::new(Counting(AtomicUsize::new(0)));
        let plain = hosts.address("::ffff:192.0.2.7", Family::V6).await;
        assert_eq!(plain, Ok(Some([192, 0, 2, 7].into())));
        assert_eq!(hosts.address("", Family::V4).await, Ok(None));
        assert_eq!(hosts.lookup.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_system_knows_this_host_in_the_family_asked_for() {
        // DIFFERENCE: the original takes the first address of any family.
        let address = SystemLookup.address("localhost", Family::V4);
        assert_eq!(address, Ok(Some([127, 0, 0, 1].into())));
    }
}
