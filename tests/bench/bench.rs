//! What a run has, and what comes out of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::options::place;
use crate::stores::Store;

/// By what a quick run is smaller.
const QUICK: usize = 100;

/// A run: how large everything is, and the stores that figures share.
pub(crate) struct Bench {
    is_quick: bool,
    scratch: TempDir,
    stores: RefCell<BTreeMap<usize, Rc<Store>>>,
}

impl Bench {
    pub(crate) fn new(is_quick: bool) -> Self {
        let place = place();
        fs::create_dir_all(&place).expect("a directory for the data");
        let scratch = TempDir::with_prefix_in("data-", &place).expect("a directory for the data");
        Self {
            is_quick,
            scratch,
            stores: RefCell::default(),
        }
    }

    /// Directory for whatever is written meanwhile.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Returns a number of points or records, smaller in a quick run.
    pub(crate) fn size(&self, full: usize) -> usize {
        if self.is_quick {
            (full / QUICK).max(1)
        } else {
            full
        }
    }

    /// Returns a number of rounds, or of seconds; one in a quick run.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        if self.is_quick { 1 } else { full }
    }

    /// The sizes at which figures of the archive are taken: 10^4 to 10^7 points.
    pub(crate) fn sizes(&self) -> [usize; 4] {
        [10_000, 100_000, 1_000_000, 10_000_000].map(|full| self.size(full))
    }

    /// Returns the store with so many points, which is filled when it is first asked for.
    pub(crate) fn store(&self, points: usize) -> Rc<Store> {
        let mut stores = self.stores.borrow_mut();
        let store = stores
            .entry(points)
            .or_insert_with(|| Rc::new(Store::fill(self.scratch(), points)));
        Rc::clone(store)
    }
}

/// What a figure is made of.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    pub(crate) tables: Vec<Table>,
}

/// One thing that has a goal, or is shown beside those that have.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What is measured; the page finds the note about it by this.
    pub(crate) what: String,
    /// What was measured of ours, with its unit.
    pub(crate) ours: String,
    /// The limit that it is held against, as measured.
    pub(crate) limit: String,
    /// What is compared with the goal.
    pub(crate) value: String,
    /// The goal; empty for none.
    pub(crate) goal: String,
    pub(crate) is_met: Option<bool>,
}

impl Row {
    /// Makes a row that has no goal yet.
    pub(crate) fn new(what: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ours: ours.into(),
            limit: String::new(),
            value: String::new(),
            goal: String::new(),
            is_met: None,
        }
    }

    /// Names the limit.
    pub(crate) fn against(mut self, limit: impl Into<String>) -> Self {
        self.limit = limit.into();
        self
    }

    /// Says what is compared, without a goal.
    pub(crate) fn value(mut self, value: f64, unit: &str) -> Self {
        self.value = format!("{} {unit}", short(value));
        self
    }

    /// The value should not be more.
    pub(crate) fn at_most(self, value: f64, goal: f64, unit: &str) -> Self {
        self.judged("≤", value <= goal, value, goal, unit)
    }

    /// The value should not be less.
    pub(crate) fn at_least(self, value: f64, goal: f64, unit: &str) -> Self {
        self.judged("≥", value >= goal, value, goal, unit)
    }

    fn judged(self, sign: &str, is_met: bool, value: f64, goal: f64, unit: &str) -> Self {
        let mut row = self.value(value, unit);
        row.goal = format!("{sign} {goal} {unit}");
        row.is_met = Some(is_met);
        row
    }
}

/// How a figure grows, or of what it is made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) lines: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(title: &str, head: [&str; N]) -> Self {
        Self {
            title: title.to_owned(),
            head: head.map(str::to_owned).to_vec(),
            lines: Vec::new(),
        }
    }

    pub(crate) fn line<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(cells.into());
    }
}

/// A number with about three digits; two where it is small.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size > 0.0 && size < 0.1 {
        return format!("{value:.4}");
    }
    if size >= 1000.0 {
        thousands(value)
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A time, in the unit that suits it.
pub(crate) fn seconds(value: f64) -> String {
    if value >= 1.0 {
        format!("{} s", short(value))
    } else if value >= 1e-3 {
        format!("{} ms", short(value * 1e3))
    } else {
        format!("{} µs", short(value * 1e6))
    }
}

/// How many a second.
pub(crate) fn rate(value: f64) -> String {
    format!("{} /s", short(value))
}

/// A whole number, readable.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of points, readable.
pub(crate) fn count(value: usize) -> String {
    thousands(float(value))
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "for ratios")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
