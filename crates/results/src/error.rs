//! What can be wrong with a result.

/// Why a result could not be mapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not one JSON object.
    #[error("the result is no JSON object")]
    Json(#[from] serde_json::Error),

    /// A part without which nothing can be stored is missing or makes no sense.
    #[error("the result has no usable {0}")]
    Missing(&'static str),

    /// A host's address is not known.
    #[error("no address is known for {host}{family}")]
    NoAddress {
        /// Host as the result names it.
        host: String,
        /// Family that was wanted, as words to follow the host; empty for any.
        family: &'static str,
    },

    /// The policy allows mapped results alone, and this kind of test has no mapping.
    #[error("tests of type {0} have no mapping, and the formatting policy is mapped-only")]
    NotMapped(String),
}

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
