//! Where a server is: a host as in the manual, or a base URL behind a proxy.

use std::net::Ipv6Addr;

use url::Url;

use crate::{Error, Result};

/// Returns the base of all addresses of an API, without a slash at its end.
///
/// `host`, `host:port`, IPv6 literals with and without brackets, each with or without
/// a path, mean plain HTTP and the port of that API. A text with `http://` or
/// `https://` in front is taken as it is, with the port that such a URL has. The path
/// of the API may be part of it.
pub(crate) fn base(address: &str, port: u16, api: &str) -> Result<String> {
    let text = address.trim();
    let refused = |reason: &str| Error::Address {
        address: without_userinfo(text),
        reason: reason.to_owned(),
    };
    if text.is_empty() {
        return Err(refused("it is empty"));
    }
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        let host_and_path = match text.parse::<Ipv6Addr>() {
            Ok(literal) => format!("[{literal}]"),
            Err(_) => text.to_owned(),
        };
        // As a URL of a scheme without a default port, a port that is written out
        // can be told from one that is not.
        Url::parse(&format!("pv://{host_and_path}")).and_then(|probe| {
            let port = probe.port().unwrap_or(port);
            let host = probe.host_str().unwrap_or_default();
            let (path, query) = (probe.path(), &probe[url::Position::AfterPath..]);
            let user = &probe[url::Position::BeforeUsername..url::Position::BeforeHost];
            Url::parse(&format!("http://{user}{host}:{port}{path}{query}"))
        })
    };
    let url = url.map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https can be used"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("user and password are given apart from it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("there is something after the path"));
    }
    let base = url.as_str().trim_end_matches('/');
    Ok(match base.strip_suffix(api) {
        Some(_) => base.to_owned(),
        None => format!("{base}{api}"),
    })
}

/// Takes user and password off: what is shown must not hold them.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    format!("{scheme}{rest}")
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn a_host_has_the_port_of_the_api_and_a_url_its_own() {
        for (address, expected) in [
            ("pv.example.org", "http://pv.example.org:4812/api"),
            (" pv ", "http://pv:4812/api"),
            ("pv:80", "http://pv/api"),
            ("pv:8080/", "http://pv:8080/api"),
            ("192.0.2.1", "http://192.0.2.1:4812/api"),
            ("2001:db8::1", "http://[2001:db8::1]:4812/api"),
            ("[2001:db8::1]:9", "http://[2001:db8::1]:9/api"),
            ("pv/archiver", "http://pv:4812/archiver/api"),
            ("http://pv:4812", "http://pv:4812/api"),
            ("https://proxy.example.org", "https://proxy.example.org/api"),
            (
                "https://proxy.example.org/pv/1/",
                "https://proxy.example.org/pv/1/api",
            ),
            (
                "https://proxy.example.org/pv/api/",
                "https://proxy.example.org/pv/api",
            ),
        ] {
            assert_eq!(base(address, 4812, "/api").unwrap(), expected, "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for address in [
            "",
            "ftp://pv",
            "http://",
            "pv:port",
            "http://admin:geheim@pv",
            "admin:geheim@pv",
            "http://admin:geheim@",
            "pv?x=1",
            "http://pv/#x",
        ] {
            let error = base(address, 4812, "/api").unwrap_err();
            assert!(error.is_refused_before_sending(), "{address}");
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }
}
