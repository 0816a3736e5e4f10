//! Conditions of a metadata search.

use esmond_ps_model::{SummaryType, TimeRange};

/// Conditions of a metadata search; all of them must hold. The default is
/// none: every record matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The one record with this key.
    pub key: Option<String>,
    /// Kind of subject.
    pub subject_type: Option<String>,
    /// Conditions on the fields of the subject.
    pub subject: Vec<SubjectSearch>,
    /// Free-form parameters with exactly this value. Dashes and underscores in
    /// names are the same.
    pub parameters: Vec<(String, String)>,
    /// Conditions on the event types.
    pub series: SeriesSearch,
}

/// One of some fields of a subject has one of some values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectSearch {
    /// Names of the fields, with dashes.
    pub fields: Vec<String>,
    /// Values, compared exactly.
    pub values: Vec<String>,
}

/// Conditions that one and the same series of a record must meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesSearch {
    /// Name of the event type.
    pub event_type: Option<String>,
    /// Kind of series; every event type has a base series.
    pub summary_type: Option<SummaryType>,
    /// Window in seconds; base series have window 0.
    pub window: Option<i64>,
    /// Unix seconds of the last write; a series never written does not match.
    pub updated: Option<TimeRange>,
}

impl SeriesSearch {
    /// Tells whether there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
