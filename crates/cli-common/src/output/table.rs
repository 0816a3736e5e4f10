//! Aligned columns for a terminal. DIFFERENCE: the originals have no such format.
//!
//! Columns are sized by their names, by what the layouts need at least, and by the
//! first 200 rows, which alone are held. What does not fit ends in `…`: a value that
//! is longer than its column, and, on a narrow screen, a line whose less important
//! columns are left out. The header is printed once.

use std::io::{self, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthChar as _;

use super::Screen;
use crate::pytext::{human, one_line};
use crate::rows::Row;

/// How many rows columns are sized by.
const SAMPLE: usize = 200;

/// Widest column, also where nothing limits the line: one long text would else widen
/// every line.
const WIDEST: usize = 250;

/// Spaces between columns.
const GAP: usize = 2;

/// What stands for the columns that do not fit, and for the rest of a value.
const MORE: char = '…';

/// Columns that a narrow screen can do without, the least important first: they are
/// mostly the same in all rows. After these the last ones go.
const DISPENSABLE: [&str; 10] = [
    "summary_window",
    "summary_type",
    "event_type",
    "tool",
    "input_destination",
    "input_source",
    "measurement_agent",
    "tool_name",
    "source",
    "destination",
];

pub(super) struct Writer<W> {
    out: W,
    names: Vec<&'static str>,
    screen: Screen,
    sample: Vec<Vec<Cell>>,
    columns: Option<Columns>,
    line: String,
}

/// The text of a value, cut to [`WIDEST`].
struct Cell {
    text: String,
    width: usize,
    is_number: bool,
}

/// How lines are laid out.
struct Columns {
    shown: Vec<Column>,
    is_complete: bool,
}

#[derive(Clone, Copy)]
struct Column {
    /// Place among all columns.
    place: usize,
    width: usize,
    /// Below this a column is rather left out.
    least: usize,
    is_number: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(names: &[&'static str], screen: Screen, out: W) -> Self {
        Self {
            out,
            names: names.to_vec(),
            screen,
            sample: Vec::new(),
            columns: None,
            line: String::new(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        let names = self.names.iter().enumerate();
        let cells: Vec<Cell> = names
            .map(|(place, name)| Cell::new(row.near(place, name)))
            .collect();
        if let Some(columns) = &self.columns {
            return print(&mut self.out, &mut self.line, columns, &cells);
        }
        self.sample.push(cells);
        if self.sample.len() >= SAMPLE {
            return self.start();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.columns.is_none() {
            if self.sample.is_empty() {
                self.out.write_all(b"No data found.\n")?;
                return self.out.flush();
            }
            self.start()?;
        }
        self.out.flush()
    }

    /// Sizes the columns, and prints the header and what was held.
    fn start(&mut self) -> io::Result<()> {
        let columns = Columns::fit(&self.names, &self.sample, self.screen.width);
        let names: Vec<Cell> = self.names.iter().map(|name| Cell::text(name)).collect();
        if self.screen.colour {
            self.out.write_all(b"\x1b[1m")?;
        }
        columns.push_line(&mut self.line, &names);
        self.out.write_all(self.line.as_bytes())?;
        if self.screen.colour {
            self.out.write_all(b"\x1b[0m")?;
        }
        self.out.write_all(b"\n")?;
        columns.push_rule(&mut self.line);
        self.out.write_all(self.line.as_bytes())?;
        for cells in self.sample.drain(..) {
            print(&mut self.out, &mut self.line, &columns, &cells)?;
        }
        self.columns = Some(columns);
        Ok(())
    }
}

fn print(
    out: &mut impl Write,
    line: &mut String,
    columns: &Columns,
    cells: &[Cell],
) -> io::Result<()> {
    columns.push_line(line, cells);
    line.push('\n');
    out.write_all(line.as_bytes())
}

impl Cell {
    fn new(value: Option<&Value>) -> Self {
        let mut cell = match value {
            None | Some(Value::Null) => Self::text("-"),
            Some(value) => Self::text(&one_line(&human(value))),
        };
        cell.is_number = matches!(value, Some(Value::Number(_)));
        cell
    }

    fn text(text: &str) -> Self {
        let mut cell = Self {
            text: String::new(),
            width: 0,
            is_number: false,
        };
        cell.width = push_cut(&mut cell.text, text, WIDEST);
        cell
    }
}

impl Columns {
    fn fit(names: &[&str], sample: &[Vec<Cell>], limit: Option<usize>) -> Self {
        let all = names.iter().enumerate();
        let all: Vec<Column> = all
            .map(|(place, name)| Column::new(place, name, sample))
            .collect();
        let mut columns = Self {
            shown: all,
            is_complete: true,
        };
        let Some(limit) = limit else {
            return columns;
        };
        let mut dispensable = DISPENSABLE.iter();
        while columns.shown.len() > 1 && columns.sum(|column| column.least) > limit {
            let place = dispensable
                .by_ref()
                .find_map(|name| columns.shown.iter().position(|c| names[c.place] == *name));
            columns
                .shown
                .remove(place.unwrap_or(columns.shown.len() - 1));
            columns.is_complete = false;
        }
        // The widest gives way first.
        while columns.sum(|column| column.width) > limit {
            let can_give = columns.shown.iter_mut().filter(|c| c.width > c.least);
            match can_give.max_by_key(|column| column.width) {
                Some(column) => column.width -= 1,
                None => break,
            }
        }
        if columns.shown.len() == 1 {
            columns.squeeze(limit);
        }
        columns
    }

    /// Cuts the only column that is left to what there is, if need be without the sign
    /// that others are left out.
    fn squeeze(&mut self, limit: usize) {
        let more = self.sum(|_| 0);
        self.is_complete |= limit <= more;
        let room = if self.is_complete {
            limit
        } else {
            limit - more
        };
        for only in &mut self.shown {
            only.width = only.width.min(room);
        }
    }

    /// Returns the width of a line whose columns have these widths.
    fn sum(&self, width: impl Fn(&Column) -> usize) -> usize {
        let gaps = GAP * self.shown.len().saturating_sub(1);
        let more = if self.is_complete { 0 } else { GAP + 1 };
        self.shown.iter().map(width).sum::<usize>() + gaps + more
    }

    fn push_line(&self, line: &mut String, cells: &[Cell]) {
        line.clear();
        for (number, column) in self.shown.iter().enumerate() {
            if number > 0 {
                push_times(line, ' ', GAP);
            }
            let cell = &cells[column.place];
            if cell.width > column.width {
                let width = push_cut(line, &cell.text, column.width);
                push_times(line, ' ', column.width - width);
                continue;
            }
            let pad = column.width - cell.width;
            if column.is_number {
                push_times(line, ' ', pad);
                line.push_str(&cell.text);
            } else {
                line.push_str(&cell.text);
                push_times(line, ' ', pad);
            }
        }
        self.push_end(line);
    }

    fn push_rule(&self, line: &mut String) {
        line.clear();
        for (number, column) in self.shown.iter().enumerate() {
            if number > 0 {
                push_times(line, ' ', GAP);
            }
            push_times(line, '─', column.width);
        }
        self.push_end(line);
        line.push('\n');
    }

    fn push_end(&self, line: &mut String) {
        if !self.is_complete {
            push_times(line, ' ', GAP);
            line.push(MORE);
        }
    }
}

impl Column {
    fn new(place: usize, name: &str, sample: &[Vec<Cell>]) -> Self {
        let cells = || sample.iter().map(|cells| &cells[place]);
        let longest = cells().map(|cell| cell.width).max().unwrap_or(0);
        let has_number = cells().any(|cell| cell.is_number);
        let is_number = has_number && cells().all(|cell| cell.is_number || cell.text == "-");
        // Later rows may have longer ones than the first.
        let floor = match name {
            "timestamp" => 19,
            "value" => 12,
            _ => 3,
        };
        let width = longest.max(floor).max(name.len());
        let least = match name {
            "timestamp" => 19,
            _ if is_number => longest.max(floor),
            "source" | "destination" | "ip" => width.min(10),
            "value" => width.min(12),
            _ => width.min(8),
        };
        Self {
            place,
            width,
            least,
            is_number,
        }
    }
}

/// Appends a text of at most some width, and returns the width. What is longer ends in
/// an ellipsis.
fn push_cut(line: &mut String, text: &str, most: usize) -> usize {
    let mut width = 0;
    let start = line.len();
    // Where a text with an ellipsis would have to end.
    let (mut cut, mut cut_width) = (start, 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if width + wide > most {
            line.truncate(cut);
            line.push(MORE);
            return cut_width + 1;
        }
        line.push(c);
        width += wide;
        if width < most {
            (cut, cut_width) = (line.len(), width);
        }
    }
    width
}

fn push_times(line: &mut String, c: char, times: usize) {
    line.extend(std::iter::repeat_n(c, times));
}
