//! Sending one request: time-outs, retries, redirects, and bounds on what
//! comes back.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use reqwest::{Response, redirect};
use serde::de::{DeserializeOwned, Error as _};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::error::{BoxedError, Innermost};
use crate::event::Observer;
use crate::gate::Gate;
use crate::request::Request;
use crate::{Error, RequestEvent, Result, RetryPolicy, limits, message, retry};

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

/// JSON for something that is no archive by its manners.
#[derive(Debug)]
pub(crate) struct Put<'a> {
    pub(crate) url: &'a Url,
    /// Beside those of all requests.
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Ask(&'a Request),
    Put(&'a Put<'a>),
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
        let (_, body) = self.send(What::Ask(request), requests).await?;
        Ok(body)
    }

    /// Sends a request that writes, as often as the retry policy allows: an
    /// archive that has seen it already does nothing.
    pub(crate) async fn write(&self, request: &Request) -> Result<Written> {
        let (status, body) = self.send(What::Ask(request), &mut 0).await?;
        Ok(match status {
            StatusCode::CONFLICT => Written::Conflict(body),
            _ => Written::Stored(body),
        })
    }

    /// Puts JSON, as often as the retry policy allows, where any success will do,
    /// whatever is answered with it but a page for people; returns the answer. A
    /// conflict is none: who asks knows what it means.
    pub(crate) async fn put(&self, document: &Put<'_>) -> Result<Vec<u8>> {
        let (_, body) = self.send(What::Put(document), &mut 0).await?;
        Ok(body)
    }

    /// Returns a status that is an answer, and what was answered.
    async fn send(&self, what: What<'_>, requests: &mut u64) -> Result<(StatusCode, Vec<u8>)> {
        let url = match what {
            What::Ask(request) => request.url.as_str(),
            What::Put(document) => document.url.as_str(),
        };
        let mut attempt = 1;
        loop {
            self.gate.pass().await;
            *requests += 1;
            tracing::debug!(url, attempt, "sending request");
            self.observe(&RequestEvent::Sending { url, attempt });
            let result = match what {
                What::Ask(request) => self.attempt(request).await,
                What::Put(document) => self.attempt_put(document).await,
            };
            let failure = match result {
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
        if writes {
            stays(&request.url, &response)?;
        }
        let status = response.status();
        // DIFFERENCE: the original library does not tell such archives from others.
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
            return Err(self.refusal(url, response).await);
        }
        let content_type = header(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        if !content_type.as_deref().is_some_and(is_json) {
            return Err(Failure::from(Error::ContentType {
                url: url.to_owned(),
                content_type: content_type.map(|text| message::words(text.as_bytes())),
                message: self.first_words(&mut response).await,
            }));
        }
        Ok((status, self.whole(url, &mut response).await?))
    }

    async fn attempt_put(&self, document: &Put<'_>) -> Result<(StatusCode, Vec<u8>), Failure> {
        let url = document.url.as_str();
        let json = HeaderValue::from_static("application/json");
        let sending = self
            .client
            .put(document.url.clone())
            .headers(self.headers.clone())
            .headers(document.headers.clone())
            .header(CONTENT_TYPE, json)
            .body(document.body.clone());
        let response = sending.send().await;
        let mut response = response.map_err(|error| self.failed(url, error))?;
        stays(document.url, &response)?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(url, response).await);
        }
        let content_type = header(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        if content_type.as_deref().is_some_and(is_page) {
            return Err(Failure::from(Error::ContentType {
                url: url.to_owned(),
                content_type: content_type.map(|text| message::words(text.as_bytes())),
                message: self.first_words(&mut response).await,
            }));
        }
        // It is taken already, so an answer that breaks off is no reason to put
        // it again.
        Ok((status, self.first_bytes(&mut response).await))
    }

    /// Reads an answer to its end.
    async fn whole(&self, url: &str, response: &mut Response) -> Result<Vec<u8>> {
        let pace = Pace::start(self.timeout);
        let mut body = Vec::new();
        loop {
            let chunk = timeout_at(pace.deadline(body.len()), response.chunk()).await;
            let Ok(chunk) = chunk else {
                return Err(Error::TooSlow {
                    url: url.to_owned(),
                    bytes: body.len(),
                    time: pace.started.elapsed(),
                });
            };
            let Some(chunk) = chunk.map_err(|error| self.failed(url, error))? else {
                return Ok(body);
            };
            if body.len() + chunk.len() > limits::ANSWER {
                return Err(Error::TooLarge {
                    url: url.to_owned(),
                    limit: limits::ANSWER,
                });
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Reads the beginning of an answer that is not what was asked for, as words.
    async fn first_words(&self, response: &mut Response) -> String {
        message::words(&self.first_bytes(response).await)
    }

    /// Reads the beginning of an answer. What cannot be read does not matter: the
    /// status has already been told.
    async fn first_bytes(&self, response: &mut Response) -> Vec<u8> {
        let pace = Pace::start(self.timeout);
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) =
            timeout_at(pace.deadline(body.len()), response.chunk()).await
        {
            body.extend_from_slice(&chunk);
            if body.len() >= limits::REFUSAL {
                body.truncate(limits::REFUSAL);
                break;
            }
        }
        body
    }

    /// Reads an answer with a status that is no success.
    async fn refusal(&self, url: &str, mut response: Response) -> Failure {
        let retry_after = header(response.headers(), &RETRY_AFTER)
            .and_then(|text| retry::retry_after(text, SystemTime::now()));
        let error = Error::Status {
            url: url.to_owned(),
            status: response.status(),
            message: self.first_words(&mut response).await,
        };
        Failure { error, retry_after }
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

/// How long an answer may take. The HTTP library's time-out is one for each
/// read, so it never ends an answer that drips.
struct Pace {
    started: Instant,
    patience: Duration,
}

impl Pace {
    fn start(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            patience: timeout.saturating_mul(limits::PATIENCE),
        }
    }

    /// Returns when more than these bytes must have come.
    fn deadline(&self, bytes: usize) -> Instant {
        let seconds = u64::try_from(bytes / limits::SLOWEST).unwrap_or(u64::MAX);
        self.started + self.patience + Duration::from_secs(seconds)
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
        if attempt.previous().len() > limits::REDIRECTS {
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
    let refused = |path: String, source| Error::Json {
        url: url.to_owned(),
        path: limits::shortened(&path),
        source: short(source),
    };
    if limits::holds_more(body, limits::VALUES, usize::MAX) {
        return Err(Error::TooMany {
            url: url.to_owned(),
            what: "values",
            limit: limits::VALUES,
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refused(error.path().to_string(), error.into_inner()))?;
    deserializer
        .end()
        .map_err(|error| refused(".".to_owned(), error))?;
    Ok(value)
}

/// Shortens what is wrong with JSON: it may repeat a text of the archive.
pub(crate) fn short(error: serde_json::Error) -> serde_json::Error {
    let text = error.to_string();
    let short = limits::shortened(&text);
    if short == text {
        error
    } else {
        serde_json::Error::custom(short)
    }
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

/// Tells whether an answer is a page for people: a form to log in, or what a web
/// server shows of itself.
fn is_page(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|page| media_type.trim().eq_ignore_ascii_case(page))
}

/// Refuses a redirect: what was to be written may have got lost on the way.
///
/// DIFFERENCE: the original library follows redirects of writes, which can turn
/// them into reads.
fn stays(url: &Url, response: &Response) -> Result<(), Failure> {
    if response.url() == url {
        return Ok(());
    }
    let source = format!("it leads to {}", response.url());
    Err(Failure::from(Error::Redirect {
        url: url.to_string(),
        source: source.into(),
    }))
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
