//! What ends a run.

use thiserror::Error;

use crate::{Report, StateError};

/// Why a run cannot go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The list of tests could not be read.
    #[error("the list of tests cannot be read")]
    List(#[source] esmond_ps_client::Error),
    /// One request after the other failed, or the archive lets nobody in.
    #[error("the archive is away")]
    Away(#[source] esmond_ps_client::Error),
    /// The store failed.
    #[error("the copy cannot be stored")]
    Store(#[from] esmond_ps_store::Error),
    /// The state of the run could not be written.
    #[error("the state of the run cannot be kept")]
    State(#[from] StateError),
}

/// A run that ended before its end, and what it did until then. The next run
/// goes on from there.
#[derive(Debug, Error)]
#[error("{report}")]
pub struct Stopped {
    /// What was done.
    pub report: Box<Report>,
    /// Why it ended.
    pub source: Error,
}

/// What keeps one series from being copied.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Something with this series: the others go on.
    Series(esmond_ps_client::Error),
    /// Something with this series, here.
    Here(esmond_ps_store::Error),
    /// Nothing can go on.
    Fatal(Error),
}

impl From<esmond_ps_client::Error> for Trouble {
    fn from(error: esmond_ps_client::Error) -> Self {
        Self::Series(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

impl From<esmond_ps_store::Error> for Trouble {
    fn from(error: esmond_ps_store::Error) -> Self {
        use esmond_ps_store::Error as E;
        match error {
            E::UnknownRecord(_) | E::KeyTaken(_) | E::Misfit { .. } | E::Corrupt(_) => {
                Self::Here(error)
            }
            error => Self::Fatal(error.into()),
        }
    }
}
