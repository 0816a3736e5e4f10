//! Results for the archives of perfSONAR 5, which have no write API: they take
//! results of pScheduler, one a request, through an input of Logstash.
//!
//! DIFFERENCE: the originals cannot write to these archives.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use url::{Host, Url};

use crate::transport::{Put, Transport};
use crate::{ArchiveBuilder, Error, Result};

/// Names the host that measured, for Logstash.
const OBSERVER: &str = "x-ps-observer";

/// Where the input is on its host.
const PATH: &str = "/logstash";

/// The Logstash input of a perfSONAR 5 archive; made by
/// [`ArchiveBuilder::build_logstash`].
///
/// ```no_run
/// # async fn example() -> esmond_ps_client::Result<()> {
/// use esmond_ps_client::{Credentials, Logstash};
/// let archive = Logstash::builder("https://archive.example/")
///     .credentials(Credentials::token("perfsonar", "the password"))
///     .build_logstash()?;
/// let result = serde_json::json!({"test": {"type": "throughput"}});
/// archive.post("192.0.2.10", &result).await?;
/// # Ok(()) }
/// ```
///
/// The address is that of the input; of a host alone it is taken to be
/// `/logstash`, as perfSONAR installs it. Credentials go as `Authorization:
/// Basic`, the key being the password, and never over plain http except to this
/// very host.
///
/// # Limits
///
/// Logstash checks nothing and knows no result again: what it takes may be
/// dropped later, and what is sent twice is there twice. A request whose answer
/// got lost is sent again, so a result arrives at least once. Archives of this
/// project have the same input, and store a result once.
///
/// Cheap to clone: clones share one pool of connections.
#[derive(Clone)]
pub struct Logstash {
    inner: Arc<Inner>,
}

struct Inner {
    address: Url,
    transport: Transport,
}

/// What an input said to a result that it took.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Taken {
    /// Whether the result was there before (409); Logstash never tells.
    pub already_there: bool,
    /// The answer where it is JSON: archives of this project say what they
    /// stored. Not trusted text. Null otherwise.
    pub answer: Value,
}

impl Logstash {
    /// Starts the settings of a connection; end them with
    /// [`build_logstash`](ArchiveBuilder::build_logstash).
    #[must_use]
    pub fn builder(address: impl Into<String>) -> ArchiveBuilder {
        ArchiveBuilder::new(address.into())
    }

    pub(crate) fn new(address: Url, transport: Transport) -> Self {
        Self {
            inner: Arc::new(Inner { address, transport }),
        }
    }

    /// Returns the address of the input.
    #[must_use]
    pub fn address(&self) -> &Url {
        &self.inner.address
    }

    /// Sends the result of one run of a test, in the form in which pScheduler
    /// hands it to its archivers. `observer` is the address of the host that
    /// measured, `measurement-agent` in the archive; where it is empty, or no
    /// text for a header, the archive has to find out itself.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of sending: [`is_unauthorized`](Error::is_unauthorized) for
    /// wrong or missing credentials; other refusals in the words of the archive.
    pub async fn post(&self, observer: &str, result: &Value) -> Result<Taken> {
        let mut headers = HeaderMap::new();
        if let Some(observer) = observer_header(observer) {
            headers.insert(OBSERVER, observer);
        }
        let document = Put {
            url: self.address(),
            headers,
            body: result.to_string(),
        };
        match self.inner.transport.put(&document).await {
            Ok(answer) => Ok(Taken {
                already_there: false,
                answer: serde_json::from_slice(&answer).unwrap_or_default(),
            }),
            Err(error) if error.status() == Some(http::StatusCode::CONFLICT) => Ok(Taken {
                already_there: true,
                answer: Value::Null,
            }),
            Err(error) => Err(error),
        }
    }

    /// Reads an address, as people give it.
    pub(crate) fn address_of(text: &str) -> Result<Url> {
        // The rules for hosts, schemes and passwords are those of archives.
        let archive = crate::request::ArchiveAddress::parse(text, "")?;
        let mut url = Url::parse(text.trim()).unwrap_or_else(|_| archive.url().clone());
        let path = url.path().trim_end_matches('/').to_owned();
        if path.contains(esmond_ps_model::ARCHIVE_PATH) {
            url.set_path(PATH);
            return Err(Error::ArchiveAddress {
                address: text.trim().to_owned(),
                reason: format!("results for perfSONAR 5 go to its Logstash input, {url}"),
            });
        }
        url.set_path(if path.is_empty() { PATH } else { &path });
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }

    /// Tells whether nobody on the way can read what goes there.
    pub(crate) fn is_private(address: &Url) -> bool {
        address.scheme() == "https"
            || match address.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
                None => false,
            }
    }
}

fn observer_header(observer: &str) -> Option<HeaderValue> {
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".:-_%".contains(letter);
    let observer = observer.trim();
    if observer.is_empty() || !observer.chars().all(is_host) {
        return None;
    }
    HeaderValue::from_str(observer).ok()
}

impl fmt::Debug for Logstash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logstash")
            .field("address", &self.address().as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    #[test]
    fn the_address_is_that_of_the_input() {
        let p = |text| Logstash::address_of(text).map(String::from);
        for (text, expected) in [
            ("https://h/", "https://h/logstash"),
            (" https://h:8443 ", "https://h:8443/logstash"),
            ("https://h/logstash", "https://h/logstash"),
            ("https://h/logstash/?x#y", "https://h/logstash"),
            (
                "http://[::1]:8080/proxy/input",
                "http://[::1]:8080/proxy/input",
            ),
        ] {
            assert_eq!(p(text).unwrap(), expected, "{text}");
        }
        let pasted = p("https://h/esmond/perfsonar/archive/").unwrap_err();
        assert!(
            pasted.to_string().ends_with("https://h/logstash"),
            "{pasted}"
        );
        for text in ["h", "ftp://h/", "https://u:s3cret@h/", ""] {
            let error = p(text).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn credentials_go_to_nobody_in_the_clear() {
        // DIFFERENCE: the originals send them over plain http, too.
        let build = |address: &str| {
            Logstash::builder(address)
                .credentials(Credentials::token("u", "s3cret"))
                .build_logstash()
        };
        for address in [
            "https://h/",
            "http://localhost:8080",
            "http://127.0.0.53/logstash",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(build(address).is_ok(), "{address}");
        }
        for address in [
            "http://h/",
            "http://192.0.2.1/",
            "http://[2001:db8::1]/logstash",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
        ] {
            let error = build(address).unwrap_err();
            assert!(matches!(error, Error::PlainCredentials { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
            // Where the archive knows this host by its address there are none.
            assert!(Logstash::builder(address).build_logstash().is_ok());
        }
    }

    #[test]
    fn only_what_looks_like_a_host_names_the_observer() {
        for good in ["192.0.2.1", "2001:db8::1", "ps1.example.org"] {
            assert_eq!(observer_header(good).unwrap(), good);
        }
        for bad in ["", "  ", "a b", "x\r\ny: z", "ü"] {
            assert_eq!(observer_header(bad), None, "{bad}");
        }
    }
}
