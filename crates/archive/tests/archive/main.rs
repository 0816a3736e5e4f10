//! The program `esmond-ps-archive` as its users run it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers, too"
)]

mod check;
mod commands;
mod configuration;
mod crash;
mod data;
mod https;
mod mirror;
mod moving;
mod operation;
mod process;
mod retention;
mod shipped;
mod stats;
mod users;
