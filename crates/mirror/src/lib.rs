//! Copies a remote measurement archive into a store: metadata, points, and the
//! summaries whose points the remote archive does not hold any more.
//!
//! Reads classic esmond archives, archives of perfSONAR 5 and ours, with the
//! client, and writes to any [`Store`](esmond_ps_store::Store):
//!
//! ```no_run
//! # async fn example(store: &dyn esmond_ps_store::Store, now: i64)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use esmond_ps_client::{Archive, model::MetadataFilters};
//! use esmond_ps_mirror::{Options, State, mirror};
//!
//! let archive = Archive::builder("https://ps.example.org/").build()?;
//! let state = State::open(Path::new("/var/lib/mirror"), &archive)?;
//! let (all, options) = (MetadataFilters::new(), Options::new(now));
//! let never = std::future::pending();
//! let report = mirror(&archive, store, &all, &options, state, |_| {}, never).await?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! - **Again.** A run starts where the last one ended, as its [`State`] says,
//!   and looks at an [overlap](Options::overlap) again for results that came
//!   late. Points that are there already are found as there. So a run can be
//!   killed at any moment and started again, and every point is stored, and
//!   counted in its summaries, exactly once.
//! - **Summaries** of what was copied are computed by the store, as those of
//!   any other point. Windows whose points the remote archive has removed are
//!   taken over as readers see them there; so are those of ratios of which the
//!   remote archive does not tell numerator and denominator.
//! - **Faults.** A series that cannot be read is named in the [`Report`] and
//!   read again in the next run; the others go on. When nothing answers any
//!   more, the run ends with an error and the report so far.
//! - **What is here stays.** A point that differs from the one that is stored
//!   is a conflict, which the report names. A point that retention removed here
//!   may come back, but is not counted in summaries again.
//!
//! # Limits
//!
//! An archive does not tell when a record was created, nor by whom it was
//! written, nor parameters' underscores: names of parameters have dashes.
//! Summaries of window 0 are views of points, and go where their points went.
//! In memory are the keys of all tests, the state, and a few pages of points.

mod error;
mod fraction;
mod points;
mod record;
mod report;
mod run;
mod series;
mod state;
mod summaries;
mod text;
mod value;

use std::time::Duration;

use esmond_ps_model::Registry;

pub use error::{Error, Stopped};
pub use report::{Failure, Place, Report};
pub use run::mirror;
pub use state::{State, StateError};

/// How a mirror run goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Present time in Unix seconds. Points of the future are copied, but looked
    /// at again in the next run.
    pub now: i64,
    /// The event types that are known here. One that is not is stored as what
    /// the remote archive tells, or else as JSON documents. Default: the
    /// standard ones.
    pub registry: Registry,
    /// Only tests updated since, and their points since, in Unix seconds.
    /// Default: everything. A later run with an earlier time copies what is
    /// missing.
    pub since: Option<i64>,
    /// How far before the last copied point a run looks again, in seconds.
    /// Default: an hour.
    pub overlap: i64,
    /// How many tests are copied at once, at least 1. Default: 4.
    pub at_once: usize,
    /// How often the state is written, at most. A run that is killed repeats
    /// what it did since. Default: 10 s.
    pub save_every: Duration,
}

impl Options {
    /// Returns the defaults.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            registry: Registry::standard(),
            since: None,
            overlap: 3600,
            at_once: 4,
            save_every: Duration::from_secs(10),
        }
    }
}
