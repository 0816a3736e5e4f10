//! How the client sees the archive: scheme and host of the addresses in
//! answers, and which address the client itself has.
//!
//! `X-Forwarded-*` headers can be written by anybody, so they count only when
//! the connection comes from a configured proxy, and of each of them only what
//! the nearest proxy added.
//!
//! DIFFERENCE: the original believes them from anybody.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use ipnet::IpNet;

use crate::connections::Encrypted;
use crate::context::App;

/// Where a request came from, and to which address it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Scheme and host, such as `https://archive.example.org`.
    pub(crate) origin: String,
    /// Address of the client; `None` when it is not known.
    pub(crate) client: Option<IpAddr>,
}

impl FromRequestParts<Arc<App>> for Site {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip().to_canonical());
        let authority = parts.uri.authority().map(Authority::as_str);
        let encrypted = parts.extensions.get::<Encrypted>().is_some();
        Ok(Self::new(
            peer,
            encrypted,
            authority,
            &parts.headers,
            &app.config.trusted_proxies,
        ))
    }
}

impl Site {
    fn new(
        peer: Option<IpAddr>,
        encrypted: bool,
        authority: Option<&str>,
        headers: &HeaderMap,
        trusted: &[IpNet],
    ) -> Self {
        let proxied = peer.is_some_and(|peer| contains(trusted, peer));
        let forwarded = |name| if proxied { last(headers, name) } else { None };
        let scheme = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            None if encrypted => "https",
            Some(_) | None => "http",
        };
        let own_host = || headers.get(HOST).and_then(|value| value.to_str().ok());
        let host = forwarded("x-forwarded-host")
            .or_else(own_host)
            .or(authority)
            .filter(|host| is_host(host))
            .unwrap_or("localhost");
        Self {
            origin: format!("{scheme}://{host}"),
            client: if proxied {
                forwarded_client(headers, trusted, peer)
            } else {
                peer
            },
        }
    }
}

/// Returns the last address in `X-Forwarded-For` that is no trusted proxy.
/// Something unreadable before it makes the client unknown.
fn forwarded_client(
    headers: &HeaderMap,
    trusted: &[IpNet],
    peer: Option<IpAddr>,
) -> Option<IpAddr> {
    let mut nearest = peer;
    let lines = headers.get_all("x-forwarded-for").iter();
    for line in lines.collect::<Vec<_>>().into_iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',').map(str::trim) {
            if entry.is_empty() {
                continue;
            }
            let address = entry_address(entry)?.to_canonical();
            nearest = Some(address);
            if !contains(trusted, address) {
                return nearest;
            }
        }
    }
    nearest
}

/// Reads an address, which some proxies send with a port.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|entry| entry.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse()
        .ok()
        .or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

/// Tells whether a text can stand as host and port in an address. Anything
/// else a client sends must not end up in the answer.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn site(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, String) {
        let trusted = ["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let headers: HeaderMap = headers
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let site = Site::new(peer.parse().ok(), false, None, &headers, &trusted);
        let client = site.client.map(|address| address.to_string());
        (site.origin, client.unwrap_or_else(|| "unknown".to_owned()))
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() {
        // DIFFERENCE: the original believes anybody.
        let headers = [
            ("host", "inside:8080"),
            ("x-forwarded-host", "forged.example, a.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "203.0.113.9, 198.51.100.7, 127.0.0.2"),
        ];
        assert_eq!(
            site("127.0.0.1", &headers),
            ("https://a.example".to_owned(), "198.51.100.7".to_owned())
        );
        assert_eq!(
            site("192.0.2.1", &headers),
            ("http://inside:8080".to_owned(), "192.0.2.1".to_owned())
        );
    }

    #[test]
    fn the_last_untrusted_entry_is_the_client() {
        for (line, expected) in [
            ("10.9.1.2", "10.9.1.2"),
            (" 10.9.1.2 ", "10.9.1.2"),
            ("1.1.1.1, 10.9.1.2", "10.9.1.2"),
            ("10.9.1.2, ::1", "10.9.1.2"),
            ("2001:db8:9::5", "2001:db8:9::5"),
            ("[2001:db8:9::5]:443", "2001:db8:9::5"),
            ("[2001:db8:9::5]", "2001:db8:9::5"),
            ("10.9.1.2:80", "10.9.1.2"),
            ("::ffff:10.9.1.2", "10.9.1.2"),
            ("unknown", "unknown"),
            ("10.9.1.2, unknown", "unknown"),
            ("unknown, 10.9.1.2", "10.9.1.2"),
            ("", "127.0.0.1"),
        ] {
            let (_, client) = site("127.0.0.1", &[("x-forwarded-for", line)]);
            assert_eq!(client, expected, "{line:?}");
        }
    }

    #[test]
    fn a_host_that_is_none_is_never_repeated() {
        for host in ["a b", "x/y", "\"><script>", "user@host", ""] {
            assert_eq!(site("192.0.2.1", &[("host", host)]).0, "http://localhost");
        }
        assert_eq!(
            site("192.0.2.1", &[("host", "[::1]:80")]).0,
            "http://[::1]:80"
        );
    }
}
