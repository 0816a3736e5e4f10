//! The program, against a server that replays recorded answers.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod apply;
mod get;
mod listing;
mod page;
mod server;
mod site;
mod transfer;
