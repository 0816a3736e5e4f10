//! One row of output: named values in column order.
//!
//! A row is where the steps of a query program meet: [`crate::layout`] and
//! [`crate::records`] make rows, [`crate::names`] replaces addresses in them,
//! [`crate::output`] prints them.

use std::borrow::Cow;

use serde_json::Value;

/// Named values in the order in which they are printed.
///
/// Names are expected to differ; [`Row::get`] finds the first.
///
/// ```
/// use esmond_ps_cli_common::rows::Row;
///
/// let row = Row::new().with("source", "10.1.1.1").with("value", 5);
/// assert_eq!(row.get("value"), Some(&5.into()));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    cells: Vec<(Cow<'static, str>, Value)>,
}

impl Row {
    /// Returns a row without cells.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the row with one more cell at its end.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.push(name, value);
        self
    }

    /// Adds a cell at the end.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        self.cells.push((name.into(), value.into()));
    }

    /// Returns the value at a position, to be changed.
    pub(crate) fn value_at(&mut self, position: usize) -> Option<&mut Value> {
        self.cells.get_mut(position).map(|(_, value)| value)
    }

    /// Returns about how much memory the row takes, in bytes.
    pub fn weight(&self) -> usize {
        let cells = self.cells.iter();
        cells.map(|(_, value)| CELL + weight(value)).sum()
    }

    /// Drops the cells after the first `length`.
    pub fn truncate(&mut self, length: usize) {
        self.cells.truncate(length);
    }

    /// Returns the value of the cell with this name, which is probably at this
    /// position.
    pub(crate) fn near(&self, position: usize, name: &str) -> Option<&Value> {
        match self.cells.get(position) {
            Some((cell, value)) if cell == name => Some(value),
            _ => self.get(name),
        }
    }

    /// Returns the value of the cell with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter()
            .find_map(|(cell, value)| (cell == name).then_some(value))
    }

    /// Returns the value of the cell with this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.cells
            .iter_mut()
            .find_map(|(cell, value)| (cell == name).then_some(value))
    }

    /// Returns names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.cells
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
    }
}

/// What a cell takes beside what its value holds elsewhere, in bytes.
const CELL: usize = size_of::<(Cow<'static, str>, Value)>();

/// Returns about how much memory is behind a value, in bytes.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(|value| CELL + weight(value)).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| CELL + name.len() + weight(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
