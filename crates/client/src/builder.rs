//! The settings of a connection to an archive.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};

use crate::archive::Inner;
use crate::event::Observer;
use crate::gate::Gate;
use crate::request::ArchiveAddress;
use crate::transport::{self, Transport};
use crate::walk::LARGEST_LIMIT;
use crate::{Archive, Credentials, Error, Logstash, RequestEvent, Result, RetryPolicy, tls};

/// Builds an [`Archive`]; made by [`Archive::builder`].
///
/// In the original library these are the arguments of `ApiConnect`, and
/// `timeout`, `ssl_verify` and `verbose` of `ApiFilters`.
///
/// Proxies are those of the HTTP library: `HTTP_PROXY`, `HTTPS_PROXY` and
/// `NO_PROXY` of the environment, as usual for programs.
#[derive(Debug, Clone)]
pub struct ArchiveBuilder {
    address: String,
    script_alias: String,
    credentials: Option<Credentials>,
    timeout: Duration,
    retry: RetryPolicy,
    user_agent: String,
    page_size: u64,
    rate_limit: Option<f64>,
    ca_certificates: Vec<Vec<u8>>,
    accept_invalid_certs: bool,
    observer: Observer,
}

impl ArchiveBuilder {
    pub(crate) fn new(address: String) -> Self {
        Self {
            address,
            script_alias: "esmond".to_owned(),
            credentials: None,
            timeout: Duration::from_secs(20),
            retry: RetryPolicy::default(),
            user_agent: concat!("esmond-ps-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            page_size: 1000,
            rate_limit: None,
            ca_certificates: Vec::new(),
            accept_invalid_certs: false,
            observer: Observer::default(),
        }
    }

    /// Where the archive is mounted on its host. Default `esmond`; slashes at
    /// both ends do not count, and an empty alias means none. Not used when the
    /// address is that of the archive itself.
    #[must_use]
    pub fn script_alias(mut self, alias: impl Into<String>) -> Self {
        self.script_alias = alias.into();
        self
    }

    /// Who is asking. Default: nobody, which is enough for reading from most
    /// archives.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// How long to wait for a connection, and for data: a slow answer is fine
    /// for as long as something comes. Default 20 s, at most a year.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        // The clock cannot count to the end of every duration.
        self.timeout = timeout.min(Duration::from_secs(366 * 24 * 3600));
        self
    }

    /// How often a failed request is sent again. Default 3.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retry.retries = retries;
        self
    }

    /// When and after which pauses a failed request is sent again, including the
    /// number of retries.
    #[must_use]
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The `User-Agent` header. Default: name and version of this crate.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How many points or records to ask for at a time: from 1 to 10 000, the
    /// most that perfSONAR 5 archives answer. Default 1000. Memory grows with
    /// it; where points are large, less is asked for after the first page.
    #[must_use]
    pub fn page_size(mut self, page_size: u64) -> Self {
        self.page_size = page_size.clamp(1, LARGEST_LIMIT);
        self
    }

    /// Sends at most this many requests per second, repeated ones included, and
    /// spreads them evenly. Default: no limit, which is also what anything but
    /// a positive number means.
    #[must_use]
    pub fn rate_limit(mut self, requests_per_second: f64) -> Self {
        self.rate_limit = Some(requests_per_second);
        self
    }

    /// Trusts the certificates of a PEM file, beside those of the system: a
    /// private authority, or the self-signed certificate of a host.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(pem.into());
        self
    }

    /// Switches the verification of certificates off: anybody on the way can
    /// then read and change everything, including credentials. Default `false`.
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.accept_invalid_certs = accept;
        self
    }

    /// Tells this function about everything that is sent, sent again, or read.
    /// It must not block.
    #[must_use]
    pub fn on_request(
        mut self,
        observer: impl Fn(&RequestEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Observer(Arc::new(observer));
        self
    }

    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::ArchiveAddress`] or [`Error::Setting`], naming what cannot be
    /// used.
    pub fn build(self) -> Result<Archive> {
        let address = ArchiveAddress::parse(&self.address, &self.script_alias)?;
        let authorization = self.credentials.as_ref().map(Credentials::header);
        let page_size = self.page_size;
        Ok(Archive::from_inner(Inner {
            address,
            page_size,
            dialect: OnceLock::new(),
            transport: self.transport(authorization, Proxies::OfSystem)?,
        }))
    }

    /// Takes the address for that of the Logstash input of a perfSONAR 5
    /// archive, as [`Logstash`] describes. The script alias and the page size
    /// do not matter there. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::ArchiveAddress`] or [`Error::Setting`], naming what cannot be
    /// used, and [`Error::PlainCredentials`] for credentials that anybody on the
    /// way could read.
    pub fn build_logstash(self) -> Result<Logstash> {
        let address = Logstash::address_of(&self.address)?;
        if self.credentials.is_some() && !Logstash::is_private(&address) {
            return Err(Error::PlainCredentials {
                url: address.into(),
            });
        }
        let authorization = self.credentials.as_ref().map(Credentials::basic);
        // A proxy would read what goes to this very host in the clear.
        let proxies = match address.scheme() {
            "http" if self.credentials.is_some() => Proxies::None,
            _ => Proxies::OfSystem,
        };
        let transport = self.transport(authorization, proxies)?;
        Ok(Logstash::new(address, transport))
    }

    /// Makes the connection; `authorization` is none inside when there are
    /// credentials that no header can carry.
    fn transport(
        self,
        authorization: Option<Option<HeaderValue>>,
        proxies: Proxies,
    ) -> Result<Transport> {
        let mut trusted = Vec::new();
        for pem in &self.ca_certificates {
            trusted.extend(tls::certificates(pem)?);
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(header) = authorization {
            let header = header.ok_or(Error::Setting {
                setting: "the key",
                source: None,
            })?;
            headers.insert(AUTHORIZATION, header);
        }
        let client = match proxies {
            Proxies::OfSystem => reqwest::Client::builder(),
            Proxies::None => reqwest::Client::builder().no_proxy(),
        };
        let client = client
            .tls_backend_preconfigured(tls::config(trusted, self.accept_invalid_certs)?)
            .redirect(transport::redirects())
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout)
            .user_agent(self.user_agent)
            .build()
            .map_err(|error| Error::Setting {
                setting: "the HTTP configuration",
                source: Some(error.into()),
            })?;
        Ok(Transport {
            client,
            headers,
            timeout: self.timeout,
            gate: Gate::new(self.rate_limit),
            retry: self.retry,
            observer: self.observer,
        })
    }
}

/// Which proxies are used.
#[derive(Clone, Copy)]
enum Proxies {
    OfSystem,
    None,
}
