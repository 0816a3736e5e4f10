//! Dots on a terminal.

/// What a dot belongs to; the later ones lie in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Nothing.
    Empty,
    /// What lies between the smallest and the largest value.
    Range,
    /// The line above the main one.
    Upper,
    /// The line.
    Main,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// The dots that are set, a bit each.
    dots: u8,
    layer: Layer,
}

/// A field of characters with dots inside: eight of Braille, or one of ASCII.
#[derive(Debug)]
pub(crate) struct Canvas {
    cells: Vec<Cell>,
    columns: usize,
    rows: usize,
    unicode: bool,
}

impl Canvas {
    /// Returns an empty field of so many characters.
    pub(crate) fn new(columns: usize, rows: usize, unicode: bool) -> Self {
        let empty = Cell {
            dots: 0,
            layer: Layer::Empty,
        };
        Self {
            cells: vec![empty; columns * rows],
            columns,
            rows,
            unicode,
        }
    }

    /// Returns how many dots there are in a row.
    pub(crate) fn width(&self) -> usize {
        self.columns * if self.unicode { 2 } else { 1 }
    }

    /// Returns how many rows of dots there are.
    pub(crate) fn height(&self) -> usize {
        self.rows * if self.unicode { 4 } else { 1 }
    }

    fn set(&mut self, x: usize, y: usize, layer: Layer) {
        let (column, row, bit) = if self.unicode {
            // As Unicode counts the dots: downwards, the last row comes last.
            const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
            (x / 2, y / 4, BITS[x % 2][y % 4])
        } else {
            (x, y, 1)
        };
        if column >= self.columns || row >= self.rows {
            return;
        }
        let cell = &mut self.cells[row * self.columns + column];
        if layer > cell.layer {
            // A line is clearer without what lies behind it.
            *cell = Cell { dots: bit, layer };
        } else if layer == cell.layer {
            cell.dots |= bit;
        }
    }

    /// Draws a line from dot to dot.
    pub(crate) fn line(&mut self, from: (usize, usize), to: (usize, usize), layer: Layer) {
        let distance = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        for step in 0..=distance {
            let part = |one: usize, two: usize| {
                let done = step as f64 / distance.max(1) as f64;
                (one as f64 + (two as f64 - one as f64) * done).round() as usize
            };
            self.set(part(from.0, to.0), part(from.1, to.1), layer);
        }
    }

    /// Shades a column from `top` to `bottom`: its ends, and every other dot.
    pub(crate) fn column(&mut self, x: usize, top: usize, bottom: usize) {
        for y in top..=bottom {
            if !self.unicode
                || y == top
                || y == bottom
                || (x.is_multiple_of(2) && y.is_multiple_of(2))
            {
                self.set(x, y, Layer::Range);
            }
        }
    }

    /// Returns a row of characters.
    pub(crate) fn row(&self, row: usize, colour: bool) -> String {
        let cells = self.cells.chunks(self.columns).nth(row).unwrap_or_default();
        let mut out = String::new();
        for run in cells.chunk_by(|one, two| one.layer == two.layer) {
            let layer = run.first().map_or(Layer::Empty, |cell| cell.layer);
            let code = match layer {
                Layer::Empty => "",
                Layer::Range => "\x1b[34m",
                Layer::Upper => "\x1b[33m",
                Layer::Main => "\x1b[36m",
            };
            let is_coloured = colour && !code.is_empty();
            if is_coloured {
                out.push_str(code);
            }
            out.extend(run.iter().map(|cell| self.sign(*cell)));
            if is_coloured {
                out.push_str("\x1b[0m");
            }
        }
        out
    }

    fn sign(&self, cell: Cell) -> char {
        match cell.layer {
            Layer::Empty => ' ',
            _ if self.unicode => char::from_u32(0x2800 + u32::from(cell.dots)).unwrap_or(' '),
            Layer::Range => ':',
            Layer::Upper => '+',
            Layer::Main => '*',
        }
    }
}
