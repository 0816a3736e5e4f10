//! Summary types and summaries.

use std::fmt;

/// Kind of a series: the points as posted, or one of the derived kinds.
///
/// The order is the alphabetical one in which archives list summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SummaryType {
    /// Sum of the values of a window (histograms: counts added per bucket).
    Aggregation,
    /// Arithmetic mean of the values of a window.
    Average,
    /// The points as posted.
    Base,
    /// Statistics of the histogram of a window.
    Statistics,
}

impl SummaryType {
    /// The derived kinds, in the order of the programs' messages.
    pub const DERIVED: [Self; 3] = [Self::Aggregation, Self::Average, Self::Statistics];

    /// Returns the singular form, used in JSON and in filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Aggregation => "aggregation",
            Self::Average => "average",
            Self::Statistics => "statistics",
        }
    }

    /// Returns the form used in URLs.
    #[must_use]
    pub const fn url_name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Aggregation => "aggregations",
            Self::Average => "averages",
            Self::Statistics => "statistics",
        }
    }

    /// Reads the singular form; case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Reads the form used in URLs; case matters.
    #[must_use]
    pub fn from_url_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.url_name() == name)
    }

    fn all() -> impl Iterator<Item = Self> {
        [
            Self::Base,
            Self::Aggregation,
            Self::Average,
            Self::Statistics,
        ]
        .into_iter()
    }
}

impl fmt::Display for SummaryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A derived series of an event type: how it is made, and its window in
/// seconds (0: one value per point).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Summary {
    /// How the values of a window become one.
    pub summary_type: SummaryType,
    /// Window in seconds.
    pub window: i64,
}

impl Summary {
    /// Returns the start of the window that holds `ts` (windows are aligned
    /// to the epoch, also before 1970).
    #[must_use]
    pub const fn window_start(window: i64, ts: i64) -> i64 {
        if window > 0 {
            ts.saturating_sub(ts.rem_euclid(window))
        } else {
            ts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Summary, SummaryType};

    #[test]
    fn json_and_url_spellings_are_told_apart() {
        assert_eq!(
            SummaryType::from_name("average"),
            Some(SummaryType::Average)
        );
        assert_eq!(SummaryType::from_name("averages"), None);
        assert_eq!(
            SummaryType::from_url_name("averages"),
            Some(SummaryType::Average)
        );
        assert_eq!(SummaryType::from_url_name("average"), None);
        assert_eq!(SummaryType::from_url_name("Base"), None);
    }

    #[test]
    fn windows_are_aligned_to_the_epoch_on_both_sides_of_it() {
        assert_eq!(Summary::window_start(300, 601), 600);
        assert_eq!(Summary::window_start(300, 600), 600);
        assert_eq!(Summary::window_start(300, -1), -300);
        assert_eq!(Summary::window_start(0, 17), 17);
        assert_eq!(Summary::window_start(300, i64::MIN), i64::MIN);
    }
}
