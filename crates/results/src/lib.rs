//! Maps results of measurement tools to what an archive stores.
//!
//! - [`iperf3`]: what `iperf3 --json` prints, alone or inside bwctl's output.
//! - [`pscheduler`]: a run of pScheduler, as its archivers get it.
//! - [`document`]: the way back, for archives that take results of pScheduler alone.
//!
//! ```
//! use esmond_ps_results::iperf3::{Context, Report, measurement};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let document = r#"{
//!     "start": {
//!         "connected": [{"local_host": "192.0.2.1", "remote_host": "192.0.2.2"}],
//!         "timestamp": {"timesecs": 1500000000},
//!         "test_start": {"protocol": "TCP", "num_streams": 1, "duration": 10}
//!     },
//!     "end": {"sum_received": {"bits_per_second": 9412345678.0}}
//! }"#;
//! let context = Context { tool_name: "iperf3".to_owned(), ..Context::default() };
//! let measured = measurement(Some(&Report::parse(document)?), &context)?;
//! assert_eq!(measured.ts, 1_500_000_000);
//! assert_eq!(measured.subject.source.to_string(), "192.0.2.1");
//! assert!(measured.values.iter().any(|(event_type, _)| event_type == "throughput"));
//! // What an archive is told of the test itself:
//! assert_eq!(measured.metadata()["subject-type"], "point-to-point");
//! # Ok(())
//! # }
//! ```
//!
//! Both end in a [`Measurement`]: the metadata of a test and its values at one time.
//! Everything here is pure. What a result does not tell, such as the addresses of the
//! hosts that it names, is an argument.

mod addresses;
pub mod document;
mod error;
pub mod iperf3;
mod measurement;
mod object;
pub mod pscheduler;

pub use addresses::Addresses;
pub use error::{Error, Result};
pub use measurement::{EventType, Measurement, Subject, address};

/// Whose result a JSON document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `iperf3 --json`.
    Iperf3,
    /// pScheduler, with or without the envelope of an archiver.
    Pscheduler,
}

impl Kind {
    /// Recognises a document by the names of its parts; `None` when it is neither, or
    /// no JSON object.
    #[must_use]
    pub fn of(document: &str) -> Option<Self> {
        let object = object::Object::parse(document).ok()?;
        let has = |names: &[&str]| names.iter().all(|name| object.has(name));
        let bare = has(&["test", "schedule"]) || has(&["test", "run"]) || has(&["test", "result"]);
        if bare || has(&["result", "run-href"]) || has(&["result", "data"]) {
            Some(Self::Pscheduler)
        } else if has(&["start"]) || has(&["intervals"]) || has(&["end"]) {
            Some(Self::Iperf3)
        } else {
            None
        }
    }
}
