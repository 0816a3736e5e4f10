//! How much of a result is mapped.

use serde_json::{Map, Value};

/// The `data-formatting-policy` of an archiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Policy {
    /// Mapped where there is a mapping, else raw. The default.
    #[default]
    PreferMapped,
    /// Mapped where there is a mapping, and raw in any case.
    MappedAndRaw,
    /// Mapped; what has no mapping is an error.
    MappedOnly,
    /// Raw in any case.
    RawOnly,
}

impl Policy {
    /// Reads the policy of an envelope's `data`; an unknown one is the default.
    pub(super) fn of(data: &Map<String, Value>) -> Self {
        match data.get("data-formatting-policy").and_then(Value::as_str) {
            Some("mapped-and-raw") => Self::MappedAndRaw,
            Some("mapped-only") => Self::MappedOnly,
            Some("raw-only") => Self::RawOnly,
            _ => Self::PreferMapped,
        }
    }
}
