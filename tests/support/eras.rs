//! Points that retention keeps, and points that it removes.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Points and hours go after a year, the sums of days stay.
pub const POLICIES: &str = r#"{"policies": [
    {"event_type": "*", "summary_type": "*", "summary_window": "*", "expire": "365"},
    {"event_type": "*", "summary_type": "*", "summary_window": "86400", "expire": "never"}
]}"#;

/// When points are. Both begin with a day, so that the sums of days are those of
/// whole days.
#[derive(Debug, Clone, Copy)]
pub struct Eras {
    /// First second of those that [`POLICIES`] keep.
    pub young: i64,
    /// First second of those that they remove.
    pub old: i64,
}

impl Eras {
    /// Returns those of a time; the young ones begin this many days before.
    #[must_use]
    pub fn at(now: i64, days: i64) -> Self {
        let today = now - now % DAY;
        Self {
            young: today - days * DAY,
            old: today - 800 * DAY,
        }
    }
}
