//! Requests that ask nothing of whoever answers: no credentials, no verified
//! certificate, no redirects. For looking at what is there only.

use std::time::Duration;

use anyhow::Context as _;
use esmond_ps_cli_common::report::chain;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use serde_json::Value;
use url::Url;

/// How much of an answer is looked at, in bytes.
const MOST: usize = 1 << 20;

/// Asks without conditions.
#[derive(Debug)]
pub(crate) struct Probe {
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// The clock of the host, Unix seconds.
    pub(crate) date: Option<i64>,
    /// Where it redirects to.
    pub(crate) location: Option<String>,
    /// The certificate of the host, as DER.
    pub(crate) certificate: Option<Vec<u8>>,
    /// The body as JSON, where it is.
    pub(crate) json: Option<Value>,
}

impl Answer {
    /// Tells whether this is the list of tests of an archive.
    pub(crate) fn is_archive(&self) -> bool {
        self.status == 200
            && self.content_type.contains("json")
            && matches!(self.json, Some(Value::Array(_)))
    }
}

impl Probe {
    pub(crate) fn new(seconds: u64) -> anyhow::Result<Self> {
        // Another one may have been chosen before; any will do.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .tls_info(true)
            .redirect(Policy::none())
            .timeout(Duration::from_secs(seconds))
            .user_agent(concat!("esmond-ps-check/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("preparing requests")?;
        Ok(Self { client })
    }

    /// Asks for the list of tests, one of them.
    pub(crate) async fn list(
        &self,
        root: &Url,
        authorization: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let mut url = root.clone();
        url.query_pairs_mut().append_pair("limit", "1");
        self.get(url, authorization).await
    }

    /// Asks for anything.
    pub(crate) async fn get(
        &self,
        url: Url,
        authorization: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.get(url).header("Accept", "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut response = request.send().await?;
        let header = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let date = header(DATE).and_then(|text| httpdate::parse_http_date(&text).ok());
        let date = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
        let certificate = response
            .extensions()
            .get::<TlsInfo>()
            .and_then(TlsInfo::peer_certificate)
            .map(<[u8]>::to_vec);
        let mut answer = Answer {
            status: response.status().as_u16(),
            content_type: header(CONTENT_TYPE).unwrap_or_default(),
            date: date.and_then(|date| i64::try_from(date.as_secs()).ok()),
            location: header(LOCATION),
            certificate,
            json: None,
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Ok(answer);
            }
        }
        answer.json = serde_json::from_slice(&body).ok();
        Ok(answer)
    }
}

/// Says why nothing came back, and what to do.
pub(crate) fn explain(root: &Url, error: &reqwest::Error) -> (String, String) {
    let message = chain(&error_without_url(error));
    let next = if error.is_timeout() {
        "raise --timeout, or look at the load of the archive".to_owned()
    } else if root.scheme() == "https" {
        "perhaps nobody speaks TLS on this port: try http:// in --url".to_owned()
    } else {
        "perhaps only TLS is spoken on this port: try https:// in --url".to_owned()
    };
    (message, next)
}

/// The address has been told; what is left is the innermost cause.
fn error_without_url(error: &reqwest::Error) -> std::io::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    std::io::Error::other(cause.to_string())
}
