//! Tests of the whole archive: against recordings of the original, and of what
//! ours does better.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers, too"
)]

mod access;
mod auth;
mod bulk;
mod departures;
mod double;
mod extending;
mod faults;
mod forms;
mod hostile;
mod limits;
mod logstash;
mod lookups;
mod openapi;
mod reading;
mod records;
mod replay;
mod serving;
mod support;
mod watching;
