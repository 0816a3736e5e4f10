//! One JSON object a line, for programs that read while we write. DIFFERENCE: the
//! originals have no such format.

use std::io::{self, Write};

use crate::pytext::push_json_object;
use crate::rows::Row;

pub(super) struct Writer<W> {
    out: W,
    text: String,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            text: String::new(),
        }
    }
}

impl<W: Write> Writer<W> {
    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        self.text.clear();
        push_json_object(&mut self.text, row.iter());
        self.text.push('\n');
        self.out.write_all(self.text.as_bytes())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
