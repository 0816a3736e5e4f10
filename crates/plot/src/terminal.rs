//! Text for a terminal: dots of Braille, or ASCII where that cannot be shown.
//!
//! Everything can be told without colours.

use crate::axis::{self, Values};
use crate::canvas::{Canvas, Layer};
use crate::line::{Column, Line};
use crate::panel::{Chart, Kind, Panel};
use crate::strip::Strip;
use crate::text::{clean, cut};

/// A terminal to draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Characters in a line; fewer than 30 are taken as 30.
    pub columns: usize,
    /// Lines; what is drawn leaves one for the prompt. Panels are at least eight
    /// lines high, even when that makes them more than the screen can show at once.
    pub lines: usize,
    /// Whether to use colours (ANSI).
    pub colour: bool,
    /// Whether it shows Unicode; else ASCII alone is used.
    pub unicode: bool,
}

/// Lines of a panel beside its plot: head, axis, labels.
const AROUND: usize = 4;
const LEAST: usize = 4;
const MOST_KEYS: usize = 4;

impl Chart {
    /// Draws the chart as lines of text, each with its newline.
    #[must_use]
    pub fn terminal(&self, screen: Screen) -> String {
        let screen = Screen {
            columns: screen.columns.max(30),
            ..screen
        };
        let mut page = Page {
            screen,
            span: self.span(),
            out: String::new(),
        };
        if !self.title.is_empty() {
            page.text(&self.title);
        }
        let titles = usize::from(!self.title.is_empty());
        let fixed = |panel: &Panel| match &panel.kind {
            Kind::Strip(strip) => Some(1 + AROUND + strip.paths().len().min(MOST_KEYS)),
            _ => None,
        };
        let taken: usize = self.panels.iter().filter_map(fixed).sum();
        let keys = self
            .panels
            .iter()
            .filter(|panel| matches!(panel.kind, Kind::Bands(_)))
            .count();
        let flexible = self
            .panels
            .iter()
            .filter(|panel| fixed(panel).is_none())
            .count();
        let room = screen.lines.saturating_sub(1 + titles + taken + keys) / flexible.max(1);
        let height = room.saturating_sub(AROUND).max(LEAST);
        for panel in &self.panels {
            page.head(panel);
            match &panel.kind {
                Kind::Strip(strip) => page.strip(strip),
                _ => page.numbers(panel, height),
            }
        }
        page.out
    }
}

struct Page {
    screen: Screen,
    span: (i64, i64),
    out: String,
}

impl Page {
    fn text(&mut self, text: &str) {
        let mark = if self.screen.unicode { "…" } else { "..." };
        let text = cut(&self.shown(&clean(text)), self.screen.columns, mark);
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Replaces what the screen cannot show.
    fn shown(&self, text: &str) -> String {
        if self.screen.unicode {
            return text.to_owned();
        }
        text.chars()
            .map(|character| if character.is_ascii() { character } else { '?' })
            .collect()
    }

    fn head(&mut self, panel: &Panel) {
        let quantity = match panel.scale().unit.as_str() {
            "" => panel.quantity.clone(),
            unit => format!("{} ({unit})", panel.quantity),
        };
        let quantity = match &panel.kind {
            Kind::Strip(_) => panel.quantity.clone(),
            _ => quantity,
        };
        let head = match panel.label.as_str() {
            "" => format!("{quantity}: {}", panel.summary()),
            label => format!("{quantity}, {label}: {}", panel.summary()),
        };
        self.text(&head);
    }

    fn numbers(&mut self, panel: &Panel, height: usize) {
        let scale = panel.scale();
        let (low, high) = panel.extremes().unwrap_or((0.0, 0.0));
        let marks = (height / 3).clamp(2, 6);
        let axis = Values::new(
            low / scale.divisor,
            high / scale.divisor,
            panel.unit.begins_at_zero(),
            marks,
        );
        let widest = axis
            .ticks
            .iter()
            .map(|(_, text)| text.chars().count())
            .max()
            .unwrap_or(0);
        let gutter = widest.max(3) + 1;
        let width = self.screen.columns.saturating_sub(gutter + 1).max(10);
        let mut canvas = Canvas::new(width, height, self.screen.unicode);
        let mut pen = Pen {
            canvas: &mut canvas,
            axis: &axis,
            divisor: scale.divisor,
            span: self.span,
        };
        match &panel.kind {
            Kind::Line(line) => pen.curve(line, Layer::Main),
            Kind::Bars(line) => pen.bars(line),
            Kind::Bands(bands) => {
                let lines: Vec<&Line> = bands.lines().map(|(_, line)| line).collect();
                if let (Some(low), Some(high)) = (lines.first(), lines.last()) {
                    pen.range(low, high);
                }
                if let [_, _, upper, _] = lines.as_slice() {
                    pen.curve(upper, Layer::Upper);
                }
                if let Some(middle) = lines.get(1) {
                    pen.curve(middle, Layer::Main);
                }
            }
            Kind::Strip(_) => {}
        }
        // The row of each mark; two marks never share one.
        let mut labels = vec![None; height];
        for (value, text) in &axis.ticks {
            let row = ((1.0 - axis.place(*value)) * (height - 1) as f64).round() as usize;
            if let Some(label) = labels.get_mut(row) {
                *label = Some(text.as_str());
            }
        }
        let (mark, edge) = if self.screen.unicode {
            ('┤', '│')
        } else {
            ('+', '|')
        };
        for (row, label) in labels.iter().enumerate() {
            let edge = if label.is_some() { mark } else { edge };
            let plot = canvas.row(row, self.screen.colour);
            let line = format!("{:>gutter$}{edge}{plot}", label.unwrap_or_default());
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
        self.time_axis(gutter, width);
        if let Kind::Bands(bands) = &panel.kind {
            let names: Vec<&str> = bands.lines().map(|(name, _)| name).collect();
            self.text(&self.band_key(&names));
        }
    }

    fn band_key(&self, names: &[&str]) -> String {
        let signs = if self.screen.unicode {
            ["line", "upper line", "dotted"]
        } else {
            ["*", "+", ":"]
        };
        match names {
            [low, middle, upper, high] => format!(
                "{}: {middle}   {}: {upper}   {}: {low} to {high}",
                signs[0], signs[1], signs[2]
            ),
            [low, middle, high] => {
                format!("{}: {middle}   {}: {low} to {high}", signs[0], signs[2])
            }
            _ => String::new(),
        }
    }

    fn strip(&mut self, strip: &Strip) {
        const GUTTER: usize = 4;
        let width = self.screen.columns - GUTTER - 1;
        let gap = if self.screen.unicode { '·' } else { '.' };
        let mut letters: Vec<Option<usize>> = vec![None; width];
        let mut several = vec![false; width];
        for run in strip.runs() {
            for (position, cell) in run.iter().enumerate() {
                let until = match run.get(position + 1) {
                    Some(next) => next.from,
                    None => cell.to.saturating_add(strip.reach()),
                };
                let (first, last) = (self.column(cell.from, width), self.column(until, width));
                for at in first..=last.max(first) {
                    // The next stretch begins in the last one.
                    let shared = at == last && first != last;
                    let other = letters[at].is_some_and(|held| held != cell.first);
                    if !shared || letters[at].is_none() {
                        several[at] |= cell.changes > 0 || (other && first == last);
                        letters[at] = Some(cell.first);
                    }
                }
            }
        }
        let mixed = several.contains(&true);
        let mut row = String::new();
        for (letter, several) in letters.iter().zip(several) {
            let (sign, colour) = match letter {
                None => (gap, 0),
                Some(_) if several => ('#', 0),
                Some(index) => (Strip::letter(*index), PATHS[index % PATHS.len()]),
            };
            if self.screen.colour && colour != 0 {
                row.push_str(&format!("\x1b[{colour}m{sign}\x1b[0m"));
            } else {
                row.push(sign);
            }
        }
        let edge = if self.screen.unicode { '│' } else { '|' };
        self.out.push_str(&format!("{:>GUTTER$}{edge}{row}\n", ""));
        self.time_axis(GUTTER, width);
        let paths = strip.by_use();
        let main = paths.first().map_or(0, |(index, _)| *index);
        for (index, _) in paths.iter().take(MOST_KEYS) {
            self.text(&strip.describe(*index, main));
        }
        if mixed {
            self.text("#  more than one path");
        }
        if paths.len() > MOST_KEYS {
            self.text(&format!("and {} more paths", paths.len() - MOST_KEYS));
        }
    }

    fn column(&self, ts: i64, width: usize) -> usize {
        let (from, to) = self.span;
        let place = ts.saturating_sub(from) as f64 / to.saturating_sub(from) as f64;
        ((place.clamp(0.0, 1.0) * width as f64) as usize).min(width - 1)
    }

    fn time_axis(&mut self, gutter: usize, width: usize) {
        let (corner, bar, mark) = if self.screen.unicode {
            ('└', '─', '┬')
        } else {
            ('+', '-', '+')
        };
        let (from, to) = self.span;
        let ticks = axis::times(from, to, (width / 12).max(2));
        let mut line = vec![bar; width];
        let mut labels = Labels::new(self.screen.columns, "UTC", gutter);
        let mut contexts = Labels::new(self.screen.columns, "", gutter);
        for tick in &ticks {
            let at = self.column(tick.ts, width);
            line[at] = mark;
            labels.put(&tick.label, gutter + 1 + at);
            if let Some(context) = &tick.context {
                contexts.put(context, gutter + 1 + at);
            }
        }
        let line: String = line.into_iter().collect();
        self.out
            .push_str(&format!("{:>gutter$}{corner}{line}\n", ""));
        for labels in [labels, contexts] {
            self.out.push_str(labels.told().trim_end());
            self.out.push('\n');
        }
    }
}

/// Colours of paths that are seen on dark and on light ground.
const PATHS: [u8; 6] = [36, 33, 35, 32, 94, 91];

/// A line of texts around places.
struct Labels {
    cells: Vec<char>,
    taken: usize,
}

impl Labels {
    fn new(width: usize, head: &str, gutter: usize) -> Self {
        let mut cells = vec![' '; width];
        for (cell, character) in cells.iter_mut().zip(head.chars()) {
            *cell = character;
        }
        Self {
            cells,
            taken: gutter.min(width),
        }
    }

    fn put(&mut self, text: &str, middle: usize) {
        let length = text.chars().count();
        let start = middle.saturating_sub(length / 2);
        let start = start.min(self.cells.len().saturating_sub(length));
        let start = start.max(if self.taken == 0 { 0 } else { self.taken + 1 });
        // Where it does not fit it would be in the way of its neighbour.
        if start > middle || start + length > self.cells.len() {
            return;
        }
        for (cell, character) in self.cells[start..].iter_mut().zip(text.chars()) {
            *cell = character;
        }
        self.taken = start + length;
    }

    fn told(&self) -> String {
        self.cells.iter().collect()
    }
}

struct Pen<'a> {
    canvas: &'a mut Canvas,
    axis: &'a Values,
    divisor: f64,
    span: (i64, i64),
}

impl Pen<'_> {
    fn x(&self, ts: i64) -> usize {
        let (from, to) = self.span;
        let place = ts.saturating_sub(from) as f64 / to.saturating_sub(from) as f64;
        let dots = self.canvas.width();
        ((place.clamp(0.0, 1.0) * dots as f64) as usize).min(dots - 1)
    }

    fn y(&self, value: f64) -> usize {
        let place = 1.0 - self.axis.place(value / self.divisor);
        (place * (self.canvas.height() - 1) as f64).round() as usize
    }

    fn fitted(&self, line: &Line) -> Vec<Vec<Column>> {
        let (from, to) = self.span;
        line.fitted(from, to, self.canvas.width())
    }

    fn curve(&mut self, line: &Line, layer: Layer) {
        for run in self.fitted(line) {
            let mut before = None;
            for sample in run.iter().flat_map(Column::samples) {
                let here = (self.x(sample.ts), self.y(sample.value));
                self.canvas.line(before.unwrap_or(here), here, layer);
                before = Some(here);
            }
        }
    }

    fn bars(&mut self, line: &Line) {
        let zero = self.y(0.0);
        for column in self.fitted(line).into_iter().flatten() {
            for sample in [column.low, column.high] {
                let x = self.x(sample.ts);
                self.canvas
                    .line((x, zero), (x, self.y(sample.value)), Layer::Main);
            }
        }
    }

    fn range(&mut self, low: &Line, high: &Line) {
        for (low, high) in self.fitted(low).into_iter().zip(self.fitted(high)) {
            let mut before: Option<(usize, usize, usize)> = None;
            for (low, high) in low.iter().zip(&high) {
                let x = self.x(low.first.ts);
                let (top, bottom) = (self.y(high.high.value), self.y(low.low.value));
                let (from, from_top, from_bottom) = before.unwrap_or((x, top, bottom));
                for at in from..=x {
                    let part = |one: usize, two: usize| {
                        let done = (at - from) as f64 / (x - from).max(1) as f64;
                        (one as f64 + (two as f64 - one as f64) * done).round() as usize
                    };
                    self.canvas
                        .column(at, part(from_top, top), part(from_bottom, bottom));
                }
                before = Some((x, top, bottom));
            }
        }
    }
}
