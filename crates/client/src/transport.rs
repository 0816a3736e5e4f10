//! Sending one request: time-outs, retries, redirects, and bounds on what
//! comes back.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use reqwest::redirect;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{BoxedError, Innermost};
use crate::event::Observer;
use crate::gate::Gate;
use crate::request::Request;
use crate::{Error, RequestEvent, Result, RetryPolicy, message, retry};

/// Largest answer that is taken, in bytes after decompression. The largest page
/// of the largest histograms is far below; beyond it something is wrong.
const LARGEST_ANSWER: usize = 256 << 20;

/// How much of an error answer is looked at, in bytes.
const LARGEST_ERROR: usize = 64 << 10;

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 5;

/// The way to an archive.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) client: reqwest::Client,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) gate: Gate,
    pub(crate) retry: RetryPolicy,
    pub(crate) observer: Observer,
}

/// What became of a request that writes.
#[derive(Debug)]
pub(crate) enum Written {
    /// All was stored; this is the answer.
    Stored(Vec<u8>),
    /// Some of it was there already (409); this is the answer.
    Conflict(Vec<u8>),
}

struct Failure {
    error: Error,
    retry_after: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl Transport {
    /// Sends a request that only reads, as often as the retry policy allows,
    /// and parses the answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let body = self.fetch(request, &mut 0).await?;
        parse(request.url.as_str(), &body)
    }

    /// Sends a request that only reads, as often as the retry policy allows,
    /// and returns the answer. Counts every attempt in `requests`.
    pub(crate) async fn fetch(&self, request: &Request, requests: &mut u64) -> Result<Vec<u8>> {
        let (_, body) = self.send(request, requests).await?;
        Ok(body)
    }

    /// Sends a request that writes, as often as the retry policy allows: an
    /// archive that has seen it already does nothing.
    pub(crate) async fn write(&self, request: &Request) -> Result<Written> {
        let (status, body) = self.send(request, &mut 0).await?;
        Ok(match status {
            StatusCode::CONFLICT => Written::Conflict(body),
            _ => Written::Stored(body),
        })
    }

    /// Returns a status that is an answer, and what was answered.
    async fn send(&self, request: &Request, requests: &mut u64) -> Result<(StatusCode, Vec<u8>)> {
        let url = request.url.as_str();
        let mut attempt = 1;
        loop {
            self.gate.pass().await;
            *requests += 1;
            tracing::debug!(url, attempt, "sending request");
            self.observe(&RequestEvent::Sending { url, attempt });
            let failure = match self.attempt(request).await {
                Ok((status, body)) => {
                    let bytes = body.len();
                    self.observe(&RequestEvent::Answered { url, bytes });
                    return Ok((status, body));
                }
                Err(failure) => failure,
            };
            let Failure { error, retry_after } = failure;
            let pause = self
                .retry
                .pause(attempt, retry_after, rand::random())
                .filter(|_| error.is_transient());
            let Some(pause) = pause else {
                self.observe(&RequestEvent::Failed {
                    url,
                    attempt,
                    error: &error,
                });
                return Err(error);
            };
            // The archive is short of breath: not only this request has to wait.
            if matches!(
                error.status().map(|status| status.as_u16()),
                Some(429 | 503)
            ) {
                self.gate.hold(pause);
            }
            tracing::debug!(url, attempt, ?pause, %error, "request failed, trying again");
            self.observe(&RequestEvent::Retrying {
                url,
                attempt,
                pause,
                error: &error,
            });
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    pub(crate) fn observe(&self, event: &RequestEvent<'_>) {
        (self.observer.0)(event);
    }

    async fn attempt(&self, request: &Request) -> Result<(StatusCode, Vec<u8>), Failure> {
        let url = request.url.as_str();
        let mut sending = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &request.body {
            let json = HeaderValue::from_static("application/json");
            sending = sending.header(CONTENT_TYPE, json).body(body.clone());
        }
        let mut response = sending
            .send()
            .await
            .map_err(|error| self.failed(url, error))?;
        let writes = request.body.is_some();
        if writes && response.url() != &request.url {
            // What was to be written may have got lost on the way.
            let source = format!("it leads to {}", response.url());
            return Err(Failure::from(Error::Redirect {
                url: url.to_owned(),
                source: source.into(),
            }));
        }
        let status = response.status();
        if writes && status == StatusCode::METHOD_NOT_ALLOWED {
            return Err(Failure::from(Error::NoWriteApi {
                url: url.to_owned(),
            }));
        }
        let is_answer = match status {
            StatusCode::OK => true,
            StatusCode::CREATED | StatusCode::CONFLICT => writes,
            _ => false,
        };
        if !is_answer {
            let retry_after = header(response.headers(), &RETRY_AFTER)
                .and_then(|text| retry::retry_after(text, SystemTime::now()));
            let error = Error::Status {
                url: url.to_owned(),
                status,
                message: first_words(&mut response).await,
            };
            return Err(Failure { error, retry_after });
        }
        let content_type = header(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        if !content_type.as_deref().is_some_and(is_json) {
            return Err(Failure::from(Error::ContentType {
                url: url.to_owned(),
                content_type: content_type.map(|text| message::words(text.as_bytes())),
                message: first_words(&mut response).await,
            }));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failed(url, error))?
        {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Failure::from(Error::TooLarge {
                    url: url.to_owned(),
                    limit: LARGEST_ANSWER,
                }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    /// Says what an error of the HTTP library means.
    fn failed(&self, url: &str, error: reqwest::Error) -> Error {
        let url = url.to_owned();
        if error.is_timeout() {
            return Error::Timeout {
                url,
                timeout: self.timeout,
            };
        }
        if let Some(certificate) = certificate_error(&error) {
            let source = BoxedError::from(certificate.clone());
            return Error::Certificate { url, source };
        }
        let (is_redirect, is_connect) = (error.is_redirect(), error.is_connect());
        let source = BoxedError::from(Innermost(error.without_url()));
        if is_redirect {
            Error::Redirect { url, source }
        } else if is_connect {
            Error::Connect { url, source }
        } else {
            Error::Read { url, source }
        }
    }
}

/// Returns the rule for redirects: on the same origin, or from http to https of
/// the same host. (The HTTP library takes the credentials off wherever the
/// origin changes.)
pub(crate) fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let Some(previous) = attempt.previous().last() else {
            return attempt.follow();
        };
        if attempt.previous().len() > MOST_REDIRECTS {
            attempt.error("there are too many of them")
        } else if may_follow(previous, attempt.url()) {
            attempt.follow()
        } else {
            let origin = attempt.url().origin().ascii_serialization();
            attempt.error(format!("it leads to {origin}"))
        }
    })
}

fn may_follow(previous: &Url, next: &Url) -> bool {
    let is_upgrade = previous.scheme() == "http"
        && next.scheme() == "https"
        && previous.host_str() == next.host_str();
    (is_upgrade || previous.origin() == next.origin())
        && next.username().is_empty()
        && next.password().is_none()
}

pub(crate) fn parse<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T> {
    let refused = |path, source| Error::Json {
        url: url.to_owned(),
        path,
        source,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refused(error.path().to_string(), error.into_inner()))?;
    deserializer
        .end()
        .map_err(|error| refused(".".to_owned(), error))?;
    Ok(value)
}

fn header<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// DIFFERENCE: the original library takes `application/json` alone; parameters
/// such as a charset, which proxies add, are fine here.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

/// Reads the beginning of an answer that is not what was asked for. What cannot
/// be read does not matter: the status has already been told.
async fn first_words(response: &mut reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= LARGEST_ERROR {
            body.truncate(LARGEST_ERROR);
            break;
        }
    }
    message::words(&body)
}

/// Finds out whether a connection failed because of the host's certificate.
fn certificate_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<rustls::Error>() {
            Some(tls @ rustls::Error::InvalidCertificate(_)) => return Some(tls),
            // What the verifier says when the system has no roots.
            Some(tls @ rustls::Error::General(_)) => return Some(tls),
            _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_its_media_type_alone() {
        // DIFFERENCE: a charset is no reason to refuse an answer.
        for accepted in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=UTF-8",
        ] {
            assert!(is_json(accepted), "{accepted}");
        }
        for refused in ["text/html", "application/json-seq", "text/json", ""] {
            assert!(!is_json(refused), "{refused}");
        }
    }

    #[test]
    fn redirects_stay_on_the_host() {
        for (previous, next, followed) in [
            ("http://h/a", "http://h/b", true),
            ("http://h/a", "https://h/a", true),
            ("http://h:8080/a", "https://h:8443/a", true),
            ("https://h/a", "http://h/a", false),
            ("http://h/a", "http://h:81/a", false),
            ("http://h/a", "https://evil/a", false),
            ("http://h/a", "http://h.evil/a", false),
            ("https://h/a", "https://u:p@h/a", false),
        ] {
            let [from, to] = [previous, next].map(|text| Url::parse(text).unwrap());
            assert_eq!(may_follow(&from, &to), followed, "{previous} {next}");
        }
    }

    #[test]
    fn wrong_json_is_told_by_its_place() {
        let error = parse::<Vec<esmond_ps_model::Point>>(
            "http://h/x",
            br#"[{"ts":1,"val":1},{"ts":"soon"}]"#,
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer of http://h/x is not as expected at `[1].ts`"
        );
        for broken in ["[", "[] []", "{}", ""] {
            let result = parse::<Vec<esmond_ps_model::Point>>("u", broken.as_bytes());
            assert!(matches!(result, Err(Error::Json { .. })), "{broken}");
        }
    }
}
