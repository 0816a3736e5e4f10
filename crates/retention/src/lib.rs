//! Removes from an archive what its retention policies let go.
//!
//! [`Policies`] are read from the file format of the original archive, and
//! [`prune()`] applies them to any [`Store`](esmond_ps_store::Store):
//!
//! ```no_run
//! # async fn example(store: &dyn esmond_ps_store::Store, text: &str, now: i64)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use esmond_ps_model::Registry;
//! use esmond_ps_retention::{Mode, Policies, Run, prune};
//!
//! let policies = Policies::parse(text, &Registry::standard())?;
//! let run = Run::new(Mode::DryRun, now);
//! let report = prune(store, &policies, run, |_| {}, std::future::pending()).await?;
//! for removed in report.removed() {
//!     println!("{removed}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run keeps no state of its own: whatever is old enough goes, in small
//! steps, so a run that was killed is continued by the next one, and several
//! may run at once. [`daily()`] runs it every 24 hours inside a server.
//!
//! - [`policy`]: the file of policies, and which policy holds for a series.
//! - [`report`]: what a run did, or would do.
//!
//! What a policy keeps, a run keeps; so data without a policy stay, and the
//! report says so. Series of one event type share data in a store, and shared
//! data stay as long as the longest policy says:
//!
//! - The base points also serve the summaries of window 0.
//! - All summaries of one window greater than 0 are views of the same buckets.

mod daily;
mod plan;
pub mod policy;
mod prune;
pub mod report;

pub use daily::daily;
pub use policy::{Expire, Policies, PolicyError};
pub use prune::{Mode, Run, prune};
pub use report::{Data, Removed, Report, Row};
