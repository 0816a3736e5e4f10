//! `name: value` lines, rows apart by a line of signs, an empty line at the end.

use std::io::{self, Write};

use crate::pytext::{human, printable};
use crate::rows::Row;

pub(super) struct Writer<W> {
    out: W,
    end: &'static str,
    text: String,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, end: &'static str) -> Self {
        Self {
            out,
            end,
            text: String::new(),
            is_empty: true,
        }
    }
}

impl<W: Write> Writer<W> {
    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        self.text.clear();
        if !self.is_empty {
            self.text.push_str("= + = + = + = + = + =\n");
        }
        self.is_empty = false;
        for (name, value) in row.iter() {
            self.text.push_str(&printable(name));
            self.text.push_str(": ");
            self.text.push_str(&human(value));
            self.text.push('\n');
        }
        self.out.write_all(self.text.as_bytes())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.is_empty {
            self.out.write_all(b"No data found.")?;
        }
        self.out.write_all(self.end.as_bytes())?;
        self.out.flush()
    }
}
