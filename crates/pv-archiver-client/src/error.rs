//! What can go wrong between a program and a server.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::InvalidCommand;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause.
pub type BoxedError = Box<dyn StdError + Send + Sync + 'static>;

/// Why something could not be asked of a server, or was not answered.
///
/// The cause is in [`source`](StdError::source) and not repeated in the text. The
/// words of a server are on one line, without control characters, and shortened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server cannot be used.
    #[error("`{address}` is no address of a server: {reason}")]
    Address {
        /// The address as given, without user and password.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting of the connection cannot be used.
    #[error("{setting} cannot be used")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// Why, where something can be told without showing a secret.
        source: Option<BoxedError>,
    },
    /// A command, or a list of them, that the server would refuse; nothing has been
    /// sent.
    #[error(transparent)]
    Command(#[from] InvalidCommand),
    /// Something that the server cannot be asked; nothing has been sent.
    #[error("{what} cannot be asked for: {reason}")]
    Unaskable {
        /// What.
        what: String,
        /// Why not.
        reason: String,
    },
    /// A change without credentials; nothing has been sent.
    #[error("changes need a user and a password, and none were given")]
    NoCredentials,
    /// A file of configuration could not be read or written, or there is nothing in
    /// it.
    #[error("the configuration file cannot be {action}")]
    ConfigurationFile {
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        source: BoxedError,
    },
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
    /// Nothing came for as long as the time limit.
    #[error("no data from {url} within {} s", timeout.as_secs_f64())]
    Timeout {
        /// What was asked for.
        url: String,
        /// The limit.
        timeout: Duration,
    },
    /// The exchange broke off, or the other side does not speak HTTP.
    #[error("reading {url} failed")]
    Read {
        /// What was asked for.
        url: String,
        /// Why.
        source: BoxedError,
    },
    /// The server leads elsewhere. Redirects are not followed: a command would get
    /// lost on the way, and credentials would go astray.
    #[error("{url} leads to `{location}`: give that address if it is right")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where it leads.
        location: String,
    },
    /// What was asked for does not exist (404).
    #[error("there is no {what} ({url} answers 404)")]
    NotFound {
        /// What, such as ``channel `x` ``.
        what: String,
        /// What was asked for.
        url: String,
    },
    /// The administrative API refuses access (403). The passwords are in the
    /// database of the server, so this is also what it answers while that is down.
    #[error(
        "{url} refuses access (403): wrong user or password, or the server cannot reach its database{}",
        words(message)
    )]
    Forbidden {
        /// What was asked for.
        url: String,
        /// The server's own words; empty when it gave none.
        message: String,
    },
    /// The server refuses a whole list of commands (400): it finds at least one of
    /// them malformed. Nothing has been run.
    #[error(
        "{url} refuses the commands as malformed (400); none was run, and the reason is in the server's log{}",
        words(message)
    )]
    BatchRefused {
        /// What was asked for.
        url: String,
        /// The server's own words; it mostly gives none.
        message: String,
    },
    /// Any other answer that is no success.
    #[error("{url} answers {status}{}", words(message))]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// The server's own words; empty when it gave none.
        message: String,
    },
    /// The answer is no JSON by its content type: most likely this is another
    /// program.
    #[error("{url} answers with {}, not JSON", content_type.as_deref().unwrap_or("no content type"))]
    ContentType {
        /// What was asked for.
        url: String,
        /// The content type, if there was one.
        content_type: Option<String>,
    },
    /// The answer is not the JSON that such a server sends.
    #[error("the answer of {url} is not as expected at `{path}`")]
    Json {
        /// What was asked for.
        url: String,
        /// Where, such as `channels[3].enabled`; `.` is the answer as a whole.
        path: String,
        /// What was found.
        source: BoxedError,
    },
    /// The answer ended before it was complete.
    #[error("the answer of {url} ends in the middle")]
    Truncated {
        /// What was asked for.
        url: String,
    },
    /// Samples came in an order that no such server sends, when it was too late to
    /// sort them.
    #[error("{url} sends a sample of {time} ns after one of {previous} ns")]
    Order {
        /// What was asked for.
        url: String,
        /// The later time, which came first, in nanoseconds since 1970.
        previous: i64,
        /// The earlier time.
        time: i64,
    },
    /// The answer, or one sample of it, is larger than it should ever be.
    #[error("the answer of {url} holds more than {limit} bytes at once")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The bound, in bytes.
        limit: usize,
    },
}

impl Error {
    /// Returns the status that the server answered, if it did and it was no success.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::NotFound { .. } => Some(StatusCode::NOT_FOUND),
            Self::Forbidden { .. } => Some(StatusCode::FORBIDDEN),
            Self::BatchRefused { .. } => Some(StatusCode::BAD_REQUEST),
            _ => None,
        }
    }

    /// Tells whether what was asked for does not exist (404).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Tells whether access was refused (403), which may also mean that the database
    /// of the server is down.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// Tells whether the server is there, and cannot answer at present (503): its
    /// database is down, or it has just been started.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.status() == Some(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Tells whether nothing was sent, because of what was asked: a mistake of the
    /// caller rather than of the server.
    #[must_use]
    pub const fn is_refused_before_sending(&self) -> bool {
        matches!(
            self,
            Self::Address { .. }
                | Self::Setting { .. }
                | Self::Command(_)
                | Self::Unaskable { .. }
                | Self::NoCredentials
        )
    }

    /// Tells whether the same question may be answered a little later: connection
    /// errors, time limits, and the statuses 429, 502, 503 and 504.
    ///
    /// A command that met one of these may have been run all the same.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Read { .. }
            | Self::Truncated { .. } => true,
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

/// An error of the HTTP library, told by its innermost cause: the layers around it
/// repeat each other and the address.
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
