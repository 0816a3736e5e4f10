//! Exports and imports between real stores.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod damage;
mod files;
mod merging;
mod support;
mod whole;
