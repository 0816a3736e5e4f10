//! The client against a scripted archive on the loopback interface.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod elmond;
mod errors;
mod logstash;
mod paging;
mod posting;
mod recorded_posts;
mod records;
mod retries;
mod server;
mod tls;
