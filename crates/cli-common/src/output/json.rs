//! One list of flat objects on one line, spelt as Python spells JSON.

use std::io::{self, Write};

use crate::pytext::push_json_object;
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
        self.text.push_str(if self.is_empty { "[" } else { ", " });
        self.is_empty = false;
        push_json_object(&mut self.text, row.iter());
        self.out.write_all(self.text.as_bytes())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        // DIFFERENCE: the originals print one object, {"msg": "No data found."}, that
        // every reader would have to tell from a row.
        let close = if self.is_empty { "[]" } else { "]" };
        self.out.write_all(close.as_bytes())?;
        self.out.write_all(self.end.as_bytes())?;
        self.out.flush()
    }
}
