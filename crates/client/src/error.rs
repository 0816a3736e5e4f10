//! What can go wrong between a program and an archive.
//!
//! DIFFERENCE: where a request fails, the original library warns, and goes on as if
//! nothing had been found.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use esmond_ps_model::time::TimeError;
use http::StatusCode;
use thiserror::Error;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be read from an archive, or written to it.
///
/// Each text names the address (never with credentials); the cause is in
/// [`source`](StdError::source) and not repeated. The words of an archive are
/// on one line, without control characters, and shortened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the archive cannot be used.
    #[error("`{address}` is no address of an archive: {reason}")]
    ArchiveAddress {
        /// The address as given, without user and password.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An address that the archive gave cannot be used: it is missing,
    /// malformed, or leads to another host.
    #[error("the archive at {archive} gives the address `{address}`: {reason}")]
    ForeignAddress {
        /// The archive.
        archive: String,
        /// The address that it gave.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting of the builder cannot be used.
    #[error("{setting} cannot be used")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// Why, where something can be told without showing a secret.
        source: Option<BoxedError>,
    },
    /// The time arguments contradict each other.
    #[error("the time range cannot be used")]
    Time(#[from] TimeError),
    /// No connection could be made.
    #[error("cannot connect to {url}")]
    Connect {
        /// What was asked for.
        url: String,
        /// Why.
        source: BoxedError,
    },
    /// The certificate of the host is not trusted.
    #[error("the certificate of {url} is not trusted")]
    Certificate {
        /// What was asked for.
        url: String,
        /// Why.
        source: BoxedError,
    },
    /// Nothing came for as long as the time-out of the archive.
    #[error("no data from {url} within {} s", timeout.as_secs_f64())]
    Timeout {
        /// What was asked for.
        url: String,
        /// The time-out.
        timeout: Duration,
    },
    /// A redirect that is not followed: to another host, from https to http,
    /// or one too many.
    #[error("a redirect of {url} is not followed")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Why.
        source: BoxedError,
    },
    /// The exchange broke off, or the other side does not speak HTTP.
    #[error("reading {url} failed")]
    Read {
        /// What was asked for.
        url: String,
        /// Why.
        source: BoxedError,
    },
    /// The archive answered with a status that is no success.
    #[error("{url} answers {status}{}", words(message))]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// The archive's own words; empty when it gave none.
        message: String,
    },
    /// A series that the archive lists, and refuses to answer (400): it does
    /// not hold it. Known of perfSONAR 5 archives, for `histogram-ttl-reverse`.
    #[error("{url} is listed, but the archive does not hold it{}", words(message))]
    NotHeld {
        /// What was asked for.
        url: String,
        /// The archive's own words; empty when it gave none.
        message: String,
    },
    /// The archive cannot be written to (405), as all archives of perfSONAR 5.
    #[error(
        "{url} cannot be written to: it seems to be a perfSONAR 5 archive, which has no write API"
    )]
    NoWriteApi {
        /// Where it should have been written.
        url: String,
    },
    /// Credentials would go over the network for everybody to read; nothing has
    /// been sent.
    #[error("credentials are not sent to {url}: without https anybody on the way could read them")]
    PlainCredentials {
        /// Where they would have been sent.
        url: String,
    },
    /// Something that no archive would take; it has not been sent.
    #[error("{what} cannot be sent: {reason}")]
    Unsendable {
        /// What.
        what: String,
        /// Why not.
        reason: &'static str,
    },
    /// The answer is no JSON by its content type, or a page for people where
    /// something was put: most likely this is no archive.
    #[error("{url} answers with {}, not JSON{}", content_type.as_deref().unwrap_or("no content type"), words(message))]
    ContentType {
        /// What was asked for.
        url: String,
        /// The content type, if there was one.
        content_type: Option<String>,
        /// Beginning of the answer as plain text.
        message: String,
    },
    /// The answer is not the JSON that an archive sends.
    #[error("the answer of {url} is not as expected at `{path}`")]
    Json {
        /// What was asked for.
        url: String,
        /// Where, such as `[3].ts`; `.` is the answer as a whole.
        path: String,
        /// What was found.
        source: serde_json::Error,
    },
    /// The answer is larger than any page should be; see [`limits`](crate::limits).
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The bound, in bytes.
        limit: usize,
    },
    /// The answer holds more than any page should; see [`limits`](crate::limits).
    #[error("the answer of {url} holds more than {limit} {what}")]
    TooMany {
        /// What was asked for.
        url: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The answer comes, but so slowly that it would take hours; see
    /// [`limits`](crate::limits).
    #[error("the answer of {url} is too slow: {bytes} bytes in {} s", time.as_secs())]
    TooSlow {
        /// What was asked for.
        url: String,
        /// How much had come.
        bytes: usize,
        /// In how much time.
        time: Duration,
    },
    /// Pages follow on pages without an end; see [`limits`](crate::limits).
    #[error("the pages of {url} have no end: {reason}")]
    Endless {
        /// What was asked for, without the place of the page.
        url: String,
        /// What there is too much of.
        reason: &'static str,
    },
}

/// A cause.
pub type BoxedError = Box<dyn StdError + Send + Sync + 'static>;

impl Error {
    /// Returns the status that the archive answered, if it did.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::NoWriteApi { .. } => Some(StatusCode::METHOD_NOT_ALLOWED),
            Self::NotHeld { .. } => Some(StatusCode::BAD_REQUEST),
            _ => None,
        }
    }

    /// Tells whether the archive does not have what was asked for (404).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Tells whether the archive lists a series, but does not hold it: no
    /// failure, there is just nothing.
    #[must_use]
    pub const fn is_not_held(&self) -> bool {
        matches!(self, Self::NotHeld { .. })
    }

    /// Tells whether the archive refuses the credentials, or misses them (401,
    /// 403).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(
            self.status(),
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        )
    }

    /// Tells whether no data came in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Tells whether no connection could be made (an untrusted certificate is
    /// not meant; see [`is_certificate`](Self::is_certificate)).
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }

    /// Tells whether the certificate of the host is not trusted. A private one
    /// is trusted with
    /// [`ArchiveBuilder::ca_certificate`](crate::ArchiveBuilder::ca_certificate).
    #[must_use]
    pub const fn is_certificate(&self) -> bool {
        matches!(self, Self::Certificate { .. })
    }

    /// Tells whether the same request may succeed a little later: connection
    /// errors, time-outs, and the statuses 429, 502, 503 and 504.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Read { .. } => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            _ => false,
        }
    }
}

fn words(message: &str) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| match message {
        "" => Ok(()),
        message => write!(f, ": {message}"),
    })
}

/// An error of the HTTP library, told by its innermost cause: the layers
/// around it repeat each other and the address.
#[derive(Debug)]
pub(crate) struct Innermost(pub(crate) reqwest::Error);

impl fmt::Display for Innermost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut innermost: &dyn StdError = &self.0;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        write!(f, "{innermost}")
    }
}

impl StdError for Innermost {}
