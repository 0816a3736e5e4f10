//! Whole inputs, through the library and through the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod captures;
mod data;
#[path = "../../../results/tests/elmond/mod.rs"]
mod elmond;
mod endings;
mod input;
mod logstash;
mod program;
mod recorded;
mod streams;
