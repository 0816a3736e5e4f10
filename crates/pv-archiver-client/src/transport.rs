//! Sending one request, and reading its answer within the time limit.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{BoxedError, Innermost};
use crate::{Connection, Credentials, Error, Result, address, message};

/// Largest answer that is held at once, in bytes after decompression: a million
/// channels are below it.
const LARGEST_ANSWER: usize = 1 << 30;

/// How much of an error page is looked at, in bytes.
const LARGEST_ERROR: usize = 256 << 10;

/// What the server takes for the first line and the headers of a request, in bytes.
const LARGEST_REQUEST: usize = 8192;

/// Which API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Admin,
    Access,
}

/// The way to an API of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Arc<str>,
    api: Api,
    /// Bytes of the headers of every request, at least.
    headers: usize,
    timeout: Option<Duration>,
    command_timeout: Option<Duration>,
}

/// What a change is sent as.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) body: reqwest::Body,
    /// In bytes, where it is known before all of the body is.
    pub(crate) length: Option<u64>,
}

impl Transport {
    // DIFFERENCE: redirects are not followed; the original client follows them in
    // silence.
    pub(crate) fn new(api: Api, address: &str, connection: &Connection) -> Result<Self> {
        let (port, path) = match api {
            Api::Admin => (4812, "/admin/api/1.0"),
            Api::Access => (9812, "/archive-access/api/1.0"),
        };
        let base = address::base(address, port, path)?;
        let headers = "accept: application/json\r\naccept-encoding: gzip\r\nhost: \r\n".len()
            + "user-agent: \r\n\r\n".len()
            + connection.user_agent.len();
        Ok(Self {
            client: connection.http_client()?,
            base: base.into(),
            api,
            headers,
            timeout: connection.timeout,
            command_timeout: connection.command_timeout,
        })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for something. `target` is what comes after the base, encoded, and
    /// `what` says it to people.
    pub(crate) async fn get(&self, target: &str, what: &str) -> Result<Answer> {
        self.send(Method::GET, target, what, None).await
    }

    /// Sends JSON that changes something.
    pub(crate) async fn post(
        &self,
        target: &str,
        what: &str,
        change: Change<'_>,
    ) -> Result<Answer> {
        self.send(Method::POST, target, what, Some(change)).await
    }

    async fn send(
        &self,
        method: Method,
        target: &str,
        what: &str,
        change: Option<Change<'_>>,
    ) -> Result<Answer> {
        let url = self.url(target, what)?;
        let mut sending = self
            .client
            .request(method, url.clone())
            .header(ACCEPT, "application/json");
        let mut limit = self.timeout;
        if let Some(change) = change {
            limit = self.command_timeout;
            sending = sending
                .header(AUTHORIZATION, change.credentials.header())
                .header(CONTENT_TYPE, "application/json;charset=UTF-8")
                .body(change.body);
            if let Some(length) = change.length {
                sending = sending.header(CONTENT_LENGTH, length);
            }
        }
        let url = String::from(url);
        tracing::debug!(url, "sending request");
        let response = within(limit, &url, sending.send()).await?;
        Ok(Answer {
            url,
            api: self.api,
            what: what.to_owned(),
            response,
            limit,
        })
    }

    fn url(&self, target: &str, what: &str) -> Result<Url> {
        let unaskable = |reason: &str| Error::Unaskable {
            what: message::one_line(what),
            reason: reason.to_owned(),
        };
        let text = format!("{}{target}", self.base);
        let url = Url::parse(&text).map_err(|error| unaskable(&error.to_string()))?;
        if url.as_str() != text {
            return Err(unaskable("its address would be changed on the way"));
        }
        let line = "GET  HTTP/1.1\r\n".len()
            + url[url::Position::BeforePath..url::Position::AfterQuery].len();
        if line + self.headers + url.authority().len() > LARGEST_REQUEST {
            return Err(unaskable("the address gets longer than the server takes"));
        }
        Ok(url)
    }
}

/// An answer of which the status and the headers have been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: String,
    api: Api,
    what: String,
    response: reqwest::Response,
    limit: Option<Duration>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.header(&CONTENT_TYPE).is_some_and(|content_type| {
            let media_type = content_type.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case("application/json")
        })
    }

    /// Tells whether it says what became of a change: that some of it failed is a 500,
    /// and 400 and 503 have the reason.
    pub(crate) fn is_outcome(&self) -> bool {
        self.is_json() && matches!(self.status().as_u16(), 400 | 500 | 503)
    }

    /// Reads the next part of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        within(self.limit, &self.url, self.response.chunk()).await
    }

    /// Lets an answer pass that is a success and JSON.
    pub(crate) async fn success(self) -> Result<Self> {
        if self.status() != StatusCode::OK {
            return Err(self.refusal().await);
        }
        self.json_only()
    }

    /// Lets an answer pass that is JSON, whatever its status is.
    ///
    /// DIFFERENCE: without a content type the original client fails with an
    /// AttributeError.
    pub(crate) fn json_only(self) -> Result<Self> {
        if self.is_json() {
            return Ok(self);
        }
        let content_type = self.header(&CONTENT_TYPE).map(message::one_line);
        Err(Error::ContentType {
            url: self.url,
            content_type,
        })
    }

    /// Reads a body to its end, and parses it as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        let body = self.body(LARGEST_ANSWER).await?;
        parse(&self.url, &body)
    }

    async fn body(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                let url = self.url.clone();
                return Err(Error::TooLarge { url, limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Says what an answer means that is no success, with the server's own words.
    ///
    /// DIFFERENCE: the original client throws the message of a 503 away.
    pub(crate) async fn refusal(mut self) -> Error {
        let status = self.status();
        if status.is_redirection() {
            let location = message::one_line(self.header(&LOCATION).unwrap_or_default());
            return Error::Redirect {
                url: self.url,
                location,
            };
        }
        let is_json = self.is_json();
        let has_type = self.header(&CONTENT_TYPE).is_some();
        // What cannot be read does not matter: the status has already been told.
        let body = self.body(LARGEST_ERROR).await.unwrap_or_default();
        let message = message::words(&body, is_json);
        let (url, what) = (self.url, self.what);
        match (self.api, status) {
            // A page instead of nothing tells that there is no such API.
            (Api::Admin, StatusCode::NOT_FOUND) if !has_type => Error::NotFound { what, url },
            (Api::Access, StatusCode::NOT_FOUND) => Error::NotFound { what, url },
            (Api::Admin, StatusCode::FORBIDDEN) => Error::Forbidden { url, message },
            _ => Error::Status {
                url,
                status,
                message,
            },
        }
    }
}

/// Waits for something of the HTTP library for as long as the limit allows.
async fn within<T>(
    limit: Option<Duration>,
    url: &str,
    exchange: impl Future<Output = reqwest::Result<T>>,
) -> Result<T> {
    let result = match limit {
        None => exchange.await,
        Some(timeout) => match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => {
                let url = url.to_owned();
                return Err(Error::Timeout { url, timeout });
            }
        },
    };
    result.map_err(|error| failed(url, limit, error))
}

/// Says what an error of the HTTP library means.
fn failed(url: &str, limit: Option<Duration>, error: reqwest::Error) -> Error {
    let url = url.to_owned();
    if let (true, Some(timeout)) = (error.is_timeout(), limit) {
        return Error::Timeout { url, timeout };
    }
    if let Some(certificate) = certificate_error(&error) {
        let source = BoxedError::from(certificate.clone());
        return Error::Certificate { url, source };
    }
    let is_connect = error.is_connect();
    let source = BoxedError::from(Innermost(error.without_url()));
    if is_connect {
        Error::Connect { url, source }
    } else {
        Error::Read { url, source }
    }
}

/// Finds out whether a connection failed because of the host's certificate.
fn certificate_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return matches!(
                tls,
                rustls::Error::InvalidCertificate(_) | rustls::Error::General(_)
            )
            .then_some(tls);
        }
        // An I/O error does not name the error that it wraps as its source.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

pub(crate) fn parse<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| (error.path().to_string(), error.into_inner()))
        .and_then(|value| match deserializer.end() {
            Ok(()) => Ok(value),
            Err(error) => Err((".".to_owned(), error)),
        });
    parsed.map_err(|(path, error)| {
        let url = url.to_owned();
        if error.is_eof() {
            return Error::Truncated { url };
        }
        let source = error.into();
        Error::Json { url, path, source }
    })
}
