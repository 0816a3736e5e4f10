//! The settings that both clients share.

use std::time::Duration;

use reqwest::redirect;

use crate::{Error, Result, tls};

/// How to reach a server: time limits and trust.
///
/// ```
/// use std::time::Duration;
/// use pv_archiver_client::Connection;
///
/// let patient = Connection::default().timeout(Duration::from_secs(300));
/// ```
///
/// Proxies are those of the HTTP library: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`
/// of the environment, as usual for programs.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(crate) timeout: Option<Duration>,
    pub(crate) command_timeout: Option<Duration>,
    pub(crate) user_agent: String,
    ca_certificates: Vec<Vec<u8>>,
    accept_invalid_certs: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(60)),
            command_timeout: None,
            user_agent: concat!("pv-archiver-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_certificates: Vec::new(),
            accept_invalid_certs: false,
        }
    }
}

impl Connection {
    /// How long to wait for a connection, and for data of an answer: a slow answer is
    /// fine for as long as something comes. Default 60 s: a server may first have to
    /// ask another one. `None` waits for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into().map(countable);
        self
    }

    /// How long to wait for data after something that changes the configuration was
    /// sent. Default: for ever. The server answers when all is done, which can take
    /// more than 15 minutes, and whoever gives up does not know what was done.
    #[must_use]
    pub fn command_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.command_timeout = timeout.into().map(countable);
        self
    }

    /// The `User-Agent` header. Default: name and version of this crate.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Trusts the authorities of a PEM file, beside those of the system.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(pem.into());
        self
    }

    /// Switches the verification of certificates off: anybody on the way can then
    /// read and change everything, including the password. Default `false`.
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.accept_invalid_certs = accept;
        self
    }

    pub(crate) fn http_client(&self) -> Result<reqwest::Client> {
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(
                &self.ca_certificates,
                self.accept_invalid_certs,
            )?)
            .redirect(redirect::Policy::none())
            .user_agent(&self.user_agent);
        if let Some(timeout) = self.timeout {
            client = client.connect_timeout(timeout);
        }
        client.build().map_err(|error| Error::Setting {
            setting: "the HTTP configuration",
            source: Some(error.into()),
        })
    }
}

/// The clock cannot count to the end of every duration.
fn countable(timeout: Duration) -> Duration {
    timeout.min(Duration::from_secs(366 * 24 * 3600))
}
