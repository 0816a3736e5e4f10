//! Mirrors of archives that are served on this machine: ours as a classic one,
//! with and without faults, and a mock of those of perfSONAR 5.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers, too"
)]

mod classic;
mod faults;
mod perfsonar5;
mod resuming;
mod support;
