//! What a perfSONAR 5 archive lists and does not hold, told once a run and
//! kind rather than printed blank.

use std::collections::{BTreeMap, BTreeSet};

use esmond_ps_client::{EventType, Gap, GapKind, Series};
use esmond_ps_model::SummaryType;

/// What came of reading a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    /// Values that hold something.
    pub values: u64,
    /// Values that hold nothing and are not shown; see
    /// [`Series::is_blank`].
    pub blank: u64,
    /// Whether the archive refused the series that it lists; see
    /// [`Error::is_not_held`](esmond_ps_client::Error::is_not_held).
    pub refused: bool,
}

/// Collects what a run does not find. Held are a text for each kind, and the
/// keys of its tests.
#[derive(Debug, Default)]
pub struct Gaps {
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Gaps {
    /// Takes what came of a series.
    pub fn add(&mut self, series: &Series, read: Read) {
        let gap = series.gap();
        let is_gap = |gap: &Gap| match gap.kind {
            GapKind::SomeParts => read.values > 0,
            // An archive that has it after all is no longer at fault.
            _ => read.values == 0,
        };
        let event_type = series.event_type().name();
        let text = if let Some(gap) = gap.filter(is_gap) {
            not_held(gap.what, "listed")
        } else if read.refused {
            not_held(event_type, "listed")
        } else if read.blank > 0 {
            let what = match series.window() {
                0 => event_type.to_owned(),
                window => format!("{} of {window} s of {event_type}", series.summary_name()),
            };
            format!("this perfSONAR 5 archive has empty values of {what}, left out for")
        } else {
            return;
        };
        self.count(text, series.event_type());
    }

    /// Takes an event type that lacks the summary asked for.
    pub fn add_lacking(&mut self, event_type: &EventType, summary_type: SummaryType) {
        let gap = event_type.gap(summary_type);
        if let Some(gap) = gap.filter(|gap| gap.kind == GapKind::NotListed) {
            self.count(not_held(gap.what, "asked"), event_type);
        }
    }

    fn count(&mut self, text: String, event_type: &EventType) {
        let key = event_type.test().metadata_key().to_owned();
        self.tests.entry(text).or_default().insert(key);
    }

    /// Returns a line for each kind.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.tests.iter().map(|(text, tests)| {
            let number = tests.len();
            let noun = if number == 1 { "test" } else { "tests" };
            crate::pytext::printable(&format!("{text} {number} {noun}")).into_owned()
        })
    }
}

fn not_held(what: &str, how: &str) -> String {
    format!("this perfSONAR 5 archive does not hold {what}, {how} for")
}
