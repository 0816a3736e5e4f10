//! What a program can show while it waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Dialect, Error};

/// Something that happened on the way to an archive, for `--verbose` lines and
/// progress. Each [`Sending`](Self::Sending) is followed by one of
/// [`Retrying`](Self::Retrying), [`Answered`](Self::Answered) and
/// [`Failed`](Self::Failed), unless whoever waits for it gives up. Addresses
/// never hold credentials.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestEvent<'a> {
    /// A request is about to be sent.
    Sending {
        /// What is asked for.
        url: &'a str,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// An attempt failed, and another one follows after a pause.
    Retrying {
        /// What is asked for.
        url: &'a str,
        /// Number of the attempt that failed, from 1.
        attempt: u32,
        /// How long until the next one.
        pause: Duration,
        /// Why it failed.
        error: &'a Error,
    },
    /// The archive has answered, whole, with what was asked for.
    Answered {
        /// What was asked for.
        url: &'a str,
        /// Size of the answer after decompression.
        bytes: usize,
    },
    /// The last attempt failed; the request is given up.
    Failed {
        /// What was asked for.
        url: &'a str,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Why it failed.
        error: &'a Error,
    },
    /// A page of records or points has been read.
    Page {
        /// What was asked for.
        url: &'a str,
        /// Number of results on the page, before repeated ones are dropped.
        results: usize,
    },
    /// The first record has told which kind of archive this is; comes once.
    Recognised {
        /// The kind.
        dialect: Dialect,
    },
}

/// Where events go.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) Arc<dyn Fn(&RequestEvent<'_>) + Send + Sync>);

impl Default for Observer {
    fn default() -> Self {
        Self(Arc::new(|_| ()))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
