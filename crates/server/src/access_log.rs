//! What was asked and how it was answered, one [`Access`] a request.
//!
//! The layer stands outside all others, so it sees what the client gets; it
//! also feeds the metrics. A request is noted when its answer is sent, or when
//! the client is gone. What a client wrote (path, query, names) is noted as it
//! came, apart from credentials: whoever writes it down makes control characters
//! harmless.
//!
//! DIFFERENCE: the original leaves this to its web server.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::{Request, State};
use axum::http::header::{HeaderName, REFERER, USER_AGENT};
use axum::http::{HeaderMap, Method, Version};
use axum::middleware::Next;
use axum::response::Response;
use url::form_urlencoded;

use crate::auth::Caller;
use crate::context::App;
use crate::error::Error;
use crate::kept::{Witness, keeping};
use crate::query::CREDENTIALS;
use crate::site::Site;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Access {
    /// When the request came.
    pub time: SystemTime,
    /// From the head of the request to the end of the answer.
    pub duration: Duration,
    /// The client, behind trusted proxies; `None` when it is not known.
    pub client: Option<IpAddr>,
    /// The user that the client is known as.
    pub user: Option<String>,
    /// Method.
    pub method: Method,
    /// Path, percent-encoded as it came.
    pub path: String,
    /// Query without credentials; empty for none.
    pub query: String,
    /// Version of HTTP.
    pub version: Version,
    /// Status of the answer.
    pub status: u16,
    /// Length of the answer's body as it was sent, in bytes.
    pub bytes: u64,
    /// Whether the answer was handed over whole; false when the client left or
    /// the store failed halfway.
    pub complete: bool,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
    /// The header `Referer`.
    pub referer: Option<String>,
}

/// Takes what was asked. It is called in the middle of serving and should not
/// take long.
pub type AccessLog = Arc<dyn Fn(&Access) + Send + Sync>;

/// What a handler tells the layer, beside its answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Kind of the resource; one of a few fixed words.
    resource: &'static str,
    user: Option<String>,
}

impl Answered {
    pub(crate) fn new(resource: &'static str, caller: &Result<Caller, Error>) -> Self {
        Self {
            resource,
            user: match caller {
                Ok(Caller::Known(writer)) => Some(writer.name().to_owned()),
                Ok(Caller::Anonymous) | Err(_) => None,
            },
        }
    }

    pub(crate) const fn anonymous(resource: &'static str) -> Self {
        Self {
            resource,
            user: None,
        }
    }
}

/// The layer.
pub(crate) async fn observe(
    State(app): State<Arc<App>>,
    site: Site,
    request: Request,
    next: Next,
) -> Response {
    app.metrics.began();
    let mut note = Note {
        started: Instant::now(),
        resource: "other",
        access: Access {
            time: SystemTime::now(),
            duration: Duration::ZERO,
            client: site.client,
            user: None,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: without_credentials(request.uri().query().unwrap_or_default()),
            version: request.version(),
            // When the client leaves before there is an answer.
            status: 499,
            bytes: 0,
            complete: false,
            user_agent: text_of(request.headers(), USER_AGENT),
            referer: text_of(request.headers(), REFERER),
        },
        app,
    };
    let response = next.run(request).await;
    note.access.status = response.status().as_u16();
    note.access.complete = note.access.method == Method::HEAD;
    if let Some(answered) = response.extensions().get::<Answered>() {
        note.resource = answered.resource;
        note.access.user.clone_from(&answered.user);
    }
    response.map(|body| {
        note.access.complete |= axum::body::HttpBody::is_end_stream(&body);
        keeping(body, note)
    })
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Writes itself down when it is dropped.
struct Note {
    app: Arc<App>,
    started: Instant,
    resource: &'static str,
    access: Access,
}

impl Witness for Note {
    fn sent(&mut self, bytes: usize) {
        self.access.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    fn ended(&mut self) {
        self.access.complete = true;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let access = &mut self.access;
        access.duration = self.started.elapsed();
        let metrics = &self.app.metrics;
        metrics.ended(
            &access.method,
            self.resource,
            access.status,
            access.duration,
        );
        if let Some(log) = &self.app.config.access_log {
            log(access);
        }
    }
}

/// Returns a query string without user name and key, however they are spelled.
fn without_credentials(query: &str) -> String {
    let is_secret = |piece: &&str| {
        form_urlencoded::parse(piece.as_bytes())
            .any(|(name, _)| CREDENTIALS.contains(&name.as_ref()))
    };
    let mut kept = String::new();
    for piece in query.split(['&', ';']).filter(|piece| !is_secret(piece)) {
        if !kept.is_empty() {
            kept.push('&');
        }
        kept.push_str(piece);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn credentials_are_left_out_however_they_are_spelled() {
        for (query, expected) in [
            ("", ""),
            ("time-start=1&source=a%20b", "time-start=1&source=a%20b"),
            ("username=x&api_key=y", ""),
            ("a=1&api_key=y&b=2;username=x", "a=1&b=2"),
            ("a=1;api%5fkey=y", "a=1"),
            ("api_key", ""),
            ("%61pi_key=y&user=z", "user=z"),
        ] {
            assert_eq!(without_credentials(query), expected, "{query}");
        }
    }
}
