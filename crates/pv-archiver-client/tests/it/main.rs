//! The clients against a server on the loopback interface that replays what the real
//! one was recorded to say. `data/` holds the recordings.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod commands;
mod configuration;
mod data;
mod differences;
mod errors;
mod examples;
mod pairs;
mod requests;
mod samples;
mod server;
mod tls;
