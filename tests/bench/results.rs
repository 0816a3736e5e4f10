//! What was measured, kept between runs, so that a partial run replaces only its figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bench::Measured;
use crate::machine::Circumstances;

/// The results by the name of their figure.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results(BTreeMap<String, Entry>);

/// A figure as it was measured last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) circumstances: Circumstances,
    pub(crate) measured: Measured,
}

impl Results {
    /// Reads what former runs left; nothing when there is none, or none of this version.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) fn write(&self, path: &Path) {
        let text = serde_json::to_string_pretty(self).expect("JSON");
        fs::write(path, text).expect("the results are kept");
    }

    /// Takes a figure's results, unless it was skipped.
    pub(crate) fn replace(&mut self, name: &str, measured: Measured, at: &Circumstances) {
        if !measured.rows.is_empty() {
            let circumstances = at.clone();
            let entry = Entry {
                circumstances,
                measured,
            };
            self.0.insert(name.to_owned(), entry);
        }
    }

    pub(crate) fn of(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }
}
