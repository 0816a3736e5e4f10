//! Refusals and failures, as the JSON that a client gets.
//!
//! DIFFERENCE: the original answers bad input that it did not expect with an HTML
//! page and 500; here it is 400, in JSON.

use std::error::Error as _;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use esmond_ps_store as store;
use esmond_ps_store::Conflict;
use serde_json::{Value, json};
use thiserror::Error;

/// The content type of every answer. Clients compare the text, so it has no
/// charset.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request was not answered as asked. What the client reads is the JSON
/// object with `detail`; what went wrong inside stays in `source`, for the log.
#[derive(Debug, Error)]
#[error("{status}: {body}")]
pub struct Error {
    status: StatusCode,
    body: Value,
    source: Option<store::Error>,
    /// Whether another try is worth it soon.
    put_off: bool,
    /// Whether a client that is not known is asked for HTTP Basic.
    asks_basic: bool,
}

const TOKEN: HeaderValue = HeaderValue::from_static("Token");
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"perfSONAR archive\"");

/// Longest detail in characters: it may repeat what a client wrote.
const LONGEST: usize = 2000;

/// After how many seconds a request is worth another try when there are too many.
const SOON: HeaderValue = HeaderValue::from_static("1");

impl Error {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST) {
            detail.truncate(end);
            detail.push('…');
        }
        Self {
            status,
            body: json!({ "detail": detail }),
            source: None,
            put_off: false,
            asks_basic: false,
        }
    }

    /// 400: the request is wrong, and `detail` says where.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 400: the body is JSON `null`.
    pub(crate) fn no_data() -> Self {
        Self {
            body: json!({ "non_field_errors": ["No data provided"] }),
            ..Self::bad_request("")
        }
    }

    /// 401: who asks may not do this, or is not who they say they are.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 404: there is nothing of this name.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found.")
    }

    /// 405: the resource exists, but not for this method.
    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        let detail = format!("Method \"{method}\" not allowed.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// 406: the client accepts nothing that the archive speaks.
    pub(crate) fn not_acceptable() -> Self {
        let detail = "Could not satisfy the request Accept header.";
        Self::new(StatusCode::NOT_ACCEPTABLE, detail)
    }

    /// 408: the rest of the body did not come.
    ///
    /// DIFFERENCE: the original leaves this to its web server.
    pub(crate) fn timed_out() -> Self {
        let detail = "The rest of the request body did not come in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 409: these points are there already.
    pub(crate) fn conflict(first: &Conflict) -> Self {
        let Conflict { event_type, ts } = first;
        let detail =
            format!("Time series value already exists with event type {event_type} at time {ts}");
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 409 of a bulk write, which names every point that was not stored.
    pub(crate) fn conflicts(first: &Conflict, all: &[Conflict]) -> Self {
        let mut error = Self::conflict(first);
        error.body["conflicts"] = all
            .iter()
            .map(|Conflict { event_type, ts }| json!({ "event-type": event_type, "ts": ts }))
            .collect();
        error
    }

    /// 413: the body is larger than this many bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("Request body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 413: the body holds more JSON values than this.
    pub(crate) fn too_many_values(limit: usize) -> Self {
        let detail = format!("Request body holds more than {limit} values; send it in parts");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 414: path and query are longer than this many bytes.
    pub(crate) fn uri_too_long(limit: usize) -> Self {
        let detail = format!("Path and query are longer than {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, detail)
    }

    /// 415: the body is of a kind that the archive does not read.
    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        let detail = format!("Unsupported media type \"{media_type}\" in request.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 503: more writes wait than the archive can do soon; nothing of this one is
    /// stored.
    fn busy() -> Self {
        let detail = "Too many writes are waiting. Nothing of this one is stored; try again soon.";
        Self {
            put_off: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// 503: as many reads, or writes, are under way as there may be.
    pub(crate) fn too_many(reads: bool) -> Self {
        let detail = if reads {
            "Too many requests are under way; try again soon."
        } else {
            "Too many writes are under way. Nothing of this one is stored; try again soon."
        };
        Self {
            put_off: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// 503: nothing can be written until somebody looks after the archive.
    fn read_only() -> Self {
        let detail = "The archive can only be read now. Nothing of this request is stored.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 507: there is no room for what is to be stored.
    fn full() -> Self {
        let detail = "The archive has no space left. Nothing of this request is stored.";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    /// 500: a defect of the archive itself.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.")
    }

    /// Returns the error as those know it who write to Logstash: HTTP Basic is how to
    /// authenticate, and 429 is the answer of one that is busy.
    pub(crate) fn into_logstash(mut self) -> Self {
        self.asks_basic = true;
        if self.put_off {
            self.status = StatusCode::TOO_MANY_REQUESTS;
        }
        self
    }

    /// Returns what the client reads.
    #[must_use]
    pub fn detail(&self) -> String {
        match self.body.get("detail").and_then(Value::as_str) {
            Some(detail) => detail.to_owned(),
            None => self.body.to_string(),
        }
    }

    /// Returns the status that the client gets.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Logs a failure of the archive (not a refusal) as one line.
    pub(crate) fn log(&self, method: &Method, path: &str) {
        if self.put_off {
            tracing::warn!(%method, path, "request put off: {}", self.detail());
        } else if self.status.is_server_error() {
            let reason = self.reason();
            tracing::error!(%method, path, reason, "request failed with {}", self.status);
        } else {
            tracing::debug!(%method, path, "request refused with {self}");
        }
    }

    /// Returns the causes, outermost first, in one line.
    pub(crate) fn reason(&self) -> String {
        let mut reason = String::new();
        let mut cause = self.source();
        while let Some(error) = cause {
            if !reason.is_empty() {
                reason.push_str(": ");
            }
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        reason
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::UnknownRecord(_) => Self::not_found(),
            store::Error::Misfit { event_type, ts } => Self::bad_request(format!(
                "Value of event type {event_type} at time {ts} is of another data type \
                 than those that are stored. Nothing of this request is stored."
            )),
            busy @ store::Error::Busy => Self {
                source: Some(busy),
                ..Self::busy()
            },
            full @ store::Error::Full { .. } => Self {
                source: Some(full),
                ..Self::full()
            },
            read_only @ store::Error::ReadOnly { .. } => Self {
                source: Some(read_only),
                ..Self::read_only()
            },
            source => Self {
                source: Some(source),
                ..Self::internal()
            },
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = if self.asks_basic { BASIC } else { TOKEN };
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if self.put_off {
            headers.insert(RETRY_AFTER, SOON);
        }
        response
    }
}
