//! Maps results of measurement tools to what an archive stores.
//!
//! - [`iperf3`]: what `iperf3 --json` prints, alone or inside bwctl's output.
//! - [`pscheduler`]: a run of pScheduler, as its archivers get it.
//! - [`document`]: the way back, for archives that take results of pScheduler alone.
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
