//! Addresses of the hosts that a result names.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::{Error, Result, address};

/// Known addresses by name; addresses themselves need not be listed.
#[derive(Debug, Clone, Default)]
pub struct Addresses(HashMap<String, Vec<IpAddr>>);

impl Addresses {
    /// Adds what is known about a host, best address first.
    pub fn insert(&mut self, host: impl Into<String>, addresses: Vec<IpAddr>) {
        self.0.insert(host.into(), addresses);
    }

    fn all(&self, host: &str) -> Vec<IpAddr> {
        match address(host) {
            Some(literal) => vec![literal],
            None => self.0.get(host).cloned().unwrap_or_default(),
        }
    }

    /// Returns a host's address of that family.
    pub(crate) fn of(&self, host: &str, family: Family) -> Result<IpAddr> {
        let mut all = self.all(host).into_iter();
        all.find(|address| family.holds(*address))
            .ok_or_else(|| Error::NoAddress {
                host: host.to_owned(),
                family: family.words(),
            })
    }

    /// Returns addresses of two hosts of one family: the one that is asked for, or else
    /// IPv6 when both have it, or else IPv4.
    ///
    /// # Errors
    ///
    /// [`Error::NoAddress`] for the host that lacks one.
    pub fn pair(
        &self,
        source: &str,
        destination: &str,
        version: Option<i64>,
    ) -> Result<(IpAddr, IpAddr)> {
        let pair = |family| Ok((self.of(source, family)?, self.of(destination, family)?));
        match version {
            Some(6) => pair(Family::V6),
            Some(4) => pair(Family::V4),
            _ => pair(Family::V6).or_else(|_| {
                // One without any address is told as such, and not to lack IPv4.
                self.of(source, Family::Any)?;
                self.of(destination, Family::Any)?;
                pair(Family::V4)
            }),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Family {
    V4,
    V6,
    Any,
}

impl Family {
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    fn holds(self, address: IpAddr) -> bool {
        match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
            Self::Any => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::V4 => " in IPv4",
            Self::V6 => " in IPv6",
            Self::Any => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn both_ends_get_addresses_of_one_family() {
        let mut known = Addresses::default();
        known.insert(
            "dual",
            vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        );
        known.insert("four", vec!["192.0.2.4".parse().unwrap()]);
        known.insert(
            "both",
            vec!["2001:db8::2".parse().unwrap(), "192.0.2.2".parse().unwrap()],
        );
        let p = |source, destination, version| {
            known
                .pair(source, destination, version)
                .map(|(source, destination)| format!("{source} {destination}"))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            p("dual", "both", None).as_deref(),
            Ok("2001:db8::1 2001:db8::2")
        );
        assert_eq!(
            p("dual", "both", Some(4)).as_deref(),
            Ok("192.0.2.1 192.0.2.2")
        );
        assert_eq!(
            p("dual", "four", None).as_deref(),
            Ok("192.0.2.1 192.0.2.4")
        );
        assert_eq!(
            p("198.51.100.7", "four", None).as_deref(),
            Ok("198.51.100.7 192.0.2.4")
        );
        assert_eq!(
            p("four", "both", Some(6)).unwrap_err(),
            "no address is known for four in IPv6"
        );
        for ends in [("nobody", "both"), ("four", "nobody")] {
            assert_eq!(
                p(ends.0, ends.1, None).unwrap_err(),
                "no address is known for nobody"
            );
        }
        assert_eq!(
            p("four", "2001:db8::9", None).unwrap_err(),
            "no address is known for 2001:db8::9 in IPv4"
        );
    }
}
