//! From a chart to the shapes of a picture.

use std::iter::zip;

use crate::axis::{self, Tick, Values};
use crate::bands::Bands;
use crate::line::{Column, Line};
use crate::panel::{Chart, Kind, Panel};
use crate::scene::{Anchor, Colour, Scene, Shape};
use crate::strip::Strip;
use crate::text::{clean, cut};

/// Room for the axis of numbers.
const LEFT: f32 = 76.0;
const RIGHT: f32 = 18.0;
/// Room for the title, when there is one.
const TITLE: f32 = 30.0;
const EDGE: f32 = 8.0;
/// Room for the line above a panel.
const HEAD: f32 = 22.0;
/// Room below a panel.
const FOOT: f32 = 12.0;
/// Room for the axis of time.
const AXIS: f32 = 32.0;
/// Height of a panel of numbers that fits most of them.
const USUAL: f32 = 190.0;
const STRIP: f32 = 26.0;
/// Height of a line of the key to a strip.
const KEY: f32 = 17.0;
/// Most paths that the key names.
const MOST_KEYS: usize = 6;
const SMALL: f32 = 11.0;
const NORMAL: f32 = 12.0;
const LARGE: f32 = 15.0;

const INK: Colour = 0x22_22_22;
const GREY: Colour = 0x66_66_66;
const GRID: Colour = 0xe2_e2_e2;
const SHADE: Colour = 0xf0_f0_f0;
const WHITE: Colour = 0xff_ff_ff;
/// Those of Okabe and Ito, which colour-blind people can tell apart.
const BLUE: Colour = 0x00_72_b2;
const VERMILION: Colour = 0xd5_5e_00;
const SKY: Colour = 0x56_b4_e9;
const PATHS: [Colour; 7] = [
    SKY, 0xe6_9f_00, 0x00_9e_73, 0xf0_e4_42, 0xcc_79_a7, VERMILION, BLUE,
];
const MIXED: Colour = 0x44_44_44;

impl Chart {
    /// Returns a height that suits the panels, in pixels.
    #[must_use]
    pub fn usual_height(&self) -> u32 {
        let panels: f32 = self
            .panels
            .iter()
            .map(|panel| fixed(panel).unwrap_or(USUAL))
            .sum();
        (self.head() + panels + between(self.panels.len()) + AXIS + EDGE).ceil() as u32
    }

    fn head(&self) -> f32 {
        if self.title.is_empty() {
            EDGE
        } else {
            TITLE + EDGE
        }
    }

    /// Lays the chart out for a size in pixels.
    pub(crate) fn scene(&self, width: u32, height: u32) -> Scene {
        let (width, height) = (width.max(200), height.max(100));
        let title = clean(&self.title);
        let mut drawing = Drawing {
            shapes: Vec::new(),
            left: LEFT,
            right: width as f32 - RIGHT,
            span: self.span(),
            ticks: Vec::new(),
        };
        let most = (drawing.right - drawing.left) / 80.0;
        let (from, to) = drawing.span;
        drawing.ticks = axis::times(from, to, most as usize);
        drawing.rect("paper", 0.0, 0.0, width as f32, height as f32, WHITE);
        if !title.is_empty() {
            let room = fitting(width as f32 - 2.0 * EDGE, LARGE);
            drawing.text(
                EDGE,
                EDGE + LARGE,
                LARGE,
                Anchor::Start,
                INK,
                cut(&title, room, "…"),
            );
        }
        let taken: f32 = self.panels.iter().filter_map(fixed).sum();
        let flexible = self
            .panels
            .iter()
            .filter(|panel| fixed(panel).is_none())
            .count();
        let room = height as f32 - self.head() - between(self.panels.len()) - AXIS - EDGE - taken;
        let share = (room / flexible.max(1) as f32).max(30.0);
        let mut y = self.head();
        for panel in &self.panels {
            let height = fixed(panel).unwrap_or(share);
            drawing.shapes.push(Shape::Group("panel"));
            drawing.panel(panel, y, height);
            drawing.shapes.push(Shape::GroupEnd);
            y += HEAD + height + FOOT;
        }
        let is_numbers = self
            .panels
            .last()
            .is_some_and(|panel| fixed(panel).is_none());
        // The lower edge of the last panel, where that has one.
        drawing.time_axis(if is_numbers { y - FOOT } else { y - FOOT + 2.0 });
        Scene {
            width,
            height,
            title: if title.is_empty() {
                self.span_told()
            } else {
                title
            },
            description: clean(&self.described()),
            shapes: drawing.shapes,
        }
    }
}

/// Returns the height of a panel that cannot choose it.
fn fixed(panel: &Panel) -> Option<f32> {
    let Kind::Strip(strip) = &panel.kind else {
        return None;
    };
    let keys = strip.paths().len();
    let more = usize::from(keys > MOST_KEYS);
    Some(STRIP + KEY * (keys.min(MOST_KEYS) + more) as f32 + 4.0)
}

fn between(panels: usize) -> f32 {
    (HEAD + FOOT) * panels as f32
}

/// Returns about how many characters fit.
fn fitting(width: f32, size: f32) -> usize {
    (width / (size * 0.6)).max(0.0) as usize
}

struct Drawing {
    shapes: Vec<Shape>,
    left: f32,
    right: f32,
    span: (i64, i64),
    ticks: Vec<Tick>,
}

/// Where the numbers of a panel lie.
struct Field<'a> {
    axis: &'a Values,
    divisor: f64,
    top: f32,
    height: f32,
}

impl Field<'_> {
    fn y(&self, value: f64) -> f32 {
        self.top + self.height * (1.0 - self.axis.place(value / self.divisor) as f32)
    }

    fn bottom(&self) -> f32 {
        self.top + self.height
    }
}

impl Drawing {
    fn x(&self, ts: i64) -> f32 {
        let (from, to) = self.span;
        let span = to.saturating_sub(from) as f64;
        let place = ts.saturating_sub(from) as f64 / span;
        self.left + (self.right - self.left) * place.clamp(0.0, 1.0) as f32
    }

    /// How many columns a line is reduced to: one for each pixel.
    fn columns(&self) -> usize {
        (self.right - self.left).max(1.0) as usize
    }

    fn rect(&mut self, class: &'static str, x: f32, y: f32, width: f32, height: f32, fill: Colour) {
        self.shapes.push(Shape::Rect {
            class,
            x,
            y,
            width,
            height,
            fill,
        });
    }

    fn line(&mut self, class: &'static str, points: Vec<(f32, f32)>, stroke: Colour, width: f32) {
        self.shapes.push(Shape::Line {
            class,
            points,
            stroke,
            width,
        });
    }

    fn text(&mut self, x: f32, y: f32, size: f32, anchor: Anchor, fill: Colour, text: String) {
        self.shapes.push(Shape::Text {
            x,
            y,
            size,
            anchor,
            fill,
            turned: false,
            text,
        });
    }

    fn panel(&mut self, panel: &Panel, y: f32, height: f32) {
        let room = match &panel.kind {
            Kind::Bands(bands) => self.band_key(bands, y + 15.0) - self.left,
            _ => self.right - self.left,
        };
        let mut head = panel.summary();
        if !panel.label.is_empty() {
            head = format!("{}: {head}", panel.label);
        }
        if matches!(panel.kind, Kind::Strip(_)) {
            head = format!("{}, {head}", panel.quantity);
        }
        let head = cut(&clean(&head), fitting(room, NORMAL), "…");
        self.text(self.left, y + 15.0, NORMAL, Anchor::Start, INK, head);
        let top = y + HEAD;
        match &panel.kind {
            Kind::Strip(strip) => self.strip(strip, top),
            _ => self.numbers(panel, top, height),
        }
    }

    fn numbers(&mut self, panel: &Panel, top: f32, height: f32) {
        let scale = panel.scale();
        let (low, high) = panel.extremes().unwrap_or((0.0, 0.0));
        let marks = (height / 30.0).clamp(2.0, 8.0) as usize;
        let (low, high) = (low / scale.divisor, high / scale.divisor);
        let axis = Values::new(low, high, panel.unit.begins_at_zero(), marks);
        let field = Field {
            axis: &axis,
            divisor: scale.divisor,
            top,
            height,
        };
        match &panel.kind {
            Kind::Line(line) => self.gaps(line, &field),
            Kind::Bars(line) if panel.has_zeros() => self.gaps(line, &field),
            Kind::Bands(bands) => {
                if let Some(line) = bands.lowest() {
                    self.gaps(line, &field);
                }
            }
            _ => {}
        }
        self.time_grid(top, height);
        for (value, text) in &axis.ticks {
            let y = field.y(value * scale.divisor);
            self.line("grid", vec![(self.left, y), (self.right, y)], GRID, 1.0);
            self.text(
                self.left - 6.0,
                y + 4.0,
                SMALL,
                Anchor::End,
                GREY,
                text.clone(),
            );
        }
        self.axis_label(panel, &scale.unit, top, height);
        match &panel.kind {
            Kind::Line(line) => self.curve("line", line, &field, BLUE, 1.5),
            Kind::Bars(line) => self.bars(line, &field, panel.has_zeros()),
            Kind::Bands(bands) => self.bands(bands, &field),
            Kind::Strip(_) => {}
        }
        let (left, right, bottom) = (self.left, self.right, field.bottom());
        self.line(
            "axis",
            vec![(left, top), (left, bottom), (right, bottom)],
            GREY,
            1.0,
        );
        if panel.is_empty() {
            let (x, y) = ((left + right) / 2.0, top + height / 2.0);
            self.text(
                x,
                y,
                NORMAL,
                Anchor::Middle,
                GREY,
                "No data found.".to_owned(),
            );
        }
    }

    fn axis_label(&mut self, panel: &Panel, unit: &str, top: f32, height: f32) {
        let quantity = clean(&panel.quantity);
        let full = if unit.is_empty() {
            quantity
        } else {
            format!("{quantity} ({unit})")
        };
        let room = fitting(height + 10.0, SMALL);
        let text = if full.chars().count() > room && !unit.is_empty() {
            unit.to_owned()
        } else {
            cut(&full, room, "…")
        };
        self.shapes.push(Shape::Text {
            x: 16.0,
            y: top + height / 2.0,
            size: SMALL,
            anchor: Anchor::Middle,
            fill: INK,
            turned: true,
            text,
        });
    }

    /// Shades the time in which there is nothing although there should be.
    fn gaps(&mut self, line: &Line, field: &Field<'_>) {
        let Some(longest) = line.longest_step() else {
            return;
        };
        let ends = line
            .runs()
            .into_iter()
            .filter_map(|run| Some((run.first()?.first.ts, run.last()?.last.ts)));
        let (from, to) = self.span;
        let mut before = from;
        for (first, last) in ends.chain([(to, to)]) {
            let (start, end) = (self.x(before), self.x(first));
            if first.saturating_sub(before) as f64 > longest && end - start > 1.0 {
                self.rect("gap", start, field.top, end - start, field.height, SHADE);
                if end - start > 60.0 {
                    let (x, y) = ((start + end) / 2.0, field.top + 14.0);
                    self.text(x, y, SMALL, Anchor::Middle, GREY, "no data".to_owned());
                }
            }
            before = last;
        }
    }

    fn curve(
        &mut self,
        class: &'static str,
        line: &Line,
        field: &Field<'_>,
        stroke: Colour,
        width: f32,
    ) {
        let (from, to) = self.span;
        let runs = line.fitted(from, to, self.columns());
        let shown: usize = runs.iter().map(Vec::len).sum();
        let dots = shown * 14 < self.columns();
        for run in runs {
            let points: Vec<(f32, f32)> = run
                .iter()
                .flat_map(Column::samples)
                .map(|sample| (self.x(sample.ts), field.y(sample.value)))
                .collect();
            let alone = points.len() == 1;
            if dots || alone {
                for &(x, y) in &points {
                    let radius = if alone { 2.8 } else { 2.2 };
                    self.shapes.push(Shape::Dot {
                        x,
                        y,
                        radius,
                        fill: stroke,
                    });
                }
            }
            if !alone {
                self.line(class, points, stroke, width);
            }
        }
    }

    fn bars(&mut self, line: &Line, field: &Field<'_>, has_zeros: bool) {
        let (from, to) = self.span;
        let zero = field.y(0.0);
        for run in line.fitted(from, to, self.columns()) {
            if let (Some(first), Some(last), true) = (run.first(), run.last(), has_zeros) {
                let (start, end) = (self.x(first.first.ts), self.x(last.last.ts));
                // So that nothing counted is told from nothing known.
                self.line(
                    "zero",
                    vec![(start - 1.0, zero), (end + 1.0, zero)],
                    BLUE,
                    3.0,
                );
            }
            for column in run {
                for sample in [column.low, column.high] {
                    if sample.value != 0.0 {
                        let x = self.x(sample.ts);
                        self.line(
                            "bar",
                            vec![(x, zero), (x, field.y(sample.value))],
                            BLUE,
                            2.0,
                        );
                    }
                    if column.low == column.high {
                        break;
                    }
                }
            }
        }
    }

    fn bands(&mut self, bands: &Bands, field: &Field<'_>) {
        let lines: Vec<&Line> = bands.lines().map(|(_, line)| line).collect();
        match lines.as_slice() {
            [low, middle, upper, high] => {
                self.between(low, high, field, 0.22);
                self.between(middle, upper, field, 0.35);
                self.curve("upper", upper, field, VERMILION, 1.2);
                self.curve("line", middle, field, BLUE, 1.6);
            }
            [low, middle, high] => {
                self.between(low, high, field, 0.35);
                self.curve("line", middle, field, BLUE, 1.6);
            }
            _ => {}
        }
    }

    fn between(&mut self, low: &Line, high: &Line, field: &Field<'_>, opacity: f32) {
        let (from, to) = self.span;
        let count = self.columns();
        for (low, high) in zip(low.fitted(from, to, count), high.fitted(from, to, count)) {
            let mut above = Vec::new();
            let mut below = Vec::new();
            for (low, high) in zip(&low, &high) {
                for ts in [low.first.ts, low.last.ts] {
                    above.push((self.x(ts), field.y(high.high.value)));
                    below.push((self.x(ts), field.y(low.low.value)));
                }
            }
            // A point alone is as wide as its dot.
            if let ([first, ..], [.., last]) = (above.as_mut_slice(), below.as_mut_slice())
                && low.len() == 1
            {
                first.0 -= 2.0;
                last.0 += 2.0;
                if let (Some(above), Some(below)) = (above.last_mut(), below.first_mut()) {
                    above.0 += 2.0;
                    below.0 -= 2.0;
                }
            }
            below.reverse();
            above.extend(below);
            above.dedup();
            self.shapes.push(Shape::Area {
                class: "band",
                points: above,
                fill: SKY,
                opacity,
            });
        }
    }

    /// Draws the key to bands and returns where it begins.
    fn band_key(&mut self, bands: &Bands, y: f32) -> f32 {
        let names: Vec<&str> = bands.lines().map(|(name, _)| name).collect();
        let (Some(low), Some(high)) = (names.first(), names.last()) else {
            return self.right;
        };
        let inner = names.get(1..names.len() - 1).unwrap_or_default();
        let mut x = self.right;
        let mut room = |name: &str| {
            let text = x - name.chars().count() as f32 * SMALL * 0.64;
            x = text - 40.0;
            text
        };
        let range = format!("{low} to {high}");
        let text = room(&range);
        self.rect("key", text - 26.0, y - 9.0, 20.0, 9.0, 0xcc_e8_f9);
        self.text(text, y, SMALL, Anchor::Start, GREY, range);
        for (index, name) in inner.iter().enumerate().rev() {
            let text = room(name);
            let stroke = if index == 0 { BLUE } else { VERMILION };
            let ends = vec![(text - 26.0, y - 4.0), (text - 6.0, y - 4.0)];
            self.line("key", ends, stroke, 1.6);
            self.text(text, y, SMALL, Anchor::Start, GREY, (*name).to_owned());
        }
        x
    }

    fn strip(&mut self, strip: &Strip, top: f32) {
        let (left, right) = (self.left, self.right);
        self.rect("gap", left, top, right - left, STRIP, SHADE);
        let runs = strip.runs();
        for run in &runs {
            self.segments(run, strip, top);
        }
        for pair in runs.windows(2) {
            let end = pair[0]
                .last()
                .map_or(0, |cell| cell.to.saturating_add(strip.reach()));
            let start = pair[1].first().map_or(0, |cell| cell.from);
            let (end, start) = (self.x(end), self.x(start));
            if start - end > 60.0 {
                let x = (start + end) / 2.0;
                self.text(
                    x,
                    top + 17.0,
                    SMALL,
                    Anchor::Middle,
                    GREY,
                    "no data".to_owned(),
                );
            }
        }
        if strip.paths().is_empty() {
            let x = (left + right) / 2.0;
            self.text(
                x,
                top + 17.0,
                NORMAL,
                Anchor::Middle,
                GREY,
                "No data found.".to_owned(),
            );
        }
        self.path_key(strip, top + STRIP + 4.0);
    }

    fn segments(&mut self, run: &[crate::strip::Cell], strip: &Strip, top: f32) {
        let mut cells = run.iter().peekable();
        let mut is_first = true;
        while let Some(cell) = cells.next() {
            let mut end = cell.to;
            if cell.changes == 0 {
                while let Some(next) =
                    cells.next_if(|next| next.changes == 0 && next.first == cell.last)
                {
                    end = next.to;
                }
            }
            let until = match cells.peek() {
                Some(next) => next.from,
                None => end.saturating_add(strip.reach()),
            };
            let start = self.x(cell.from);
            let width = (self.x(until) - start).max(1.5);
            let colour = if cell.changes > 0 {
                MIXED
            } else {
                PATHS[cell.first % PATHS.len()]
            };
            self.rect("path", start, top, width, STRIP, colour);
            if cell.changes == 0 && width > 12.0 {
                let letter = Strip::letter(cell.first).to_string();
                let ink = if colour == BLUE || colour == VERMILION {
                    WHITE
                } else {
                    INK
                };
                self.text(
                    start + width / 2.0,
                    top + 17.0,
                    NORMAL,
                    Anchor::Middle,
                    ink,
                    letter,
                );
            }
            if !is_first {
                self.line(
                    "change",
                    vec![(start, top - 4.0), (start, top + STRIP)],
                    INK,
                    1.2,
                );
            }
            is_first = false;
        }
    }

    fn path_key(&mut self, strip: &Strip, top: f32) {
        let paths = strip.by_use();
        let main = paths.first().map_or(0, |(index, _)| *index);
        let room = fitting(self.right - self.left - 18.0, SMALL);
        for (row, (index, _)) in paths.iter().take(MOST_KEYS).enumerate() {
            let y = top + KEY * row as f32;
            self.rect(
                "key",
                self.left,
                y + 3.0,
                12.0,
                10.0,
                PATHS[index % PATHS.len()],
            );
            let text = cut(&clean(&strip.describe(*index, main)), room, "…");
            self.text(self.left + 18.0, y + 12.0, SMALL, Anchor::Start, INK, text);
        }
        if paths.len() > MOST_KEYS {
            let more = format!("and {} more paths", paths.len() - MOST_KEYS);
            let y = top + KEY * MOST_KEYS as f32 + 12.0;
            self.text(self.left + 18.0, y, SMALL, Anchor::Start, GREY, more);
        }
    }

    fn time_grid(&mut self, top: f32, height: f32) {
        let places: Vec<f32> = self.ticks.iter().map(|tick| self.x(tick.ts)).collect();
        for x in places {
            self.line("grid", vec![(x, top), (x, top + height)], GRID, 1.0);
        }
    }

    fn time_axis(&mut self, y: f32) {
        let ticks = std::mem::take(&mut self.ticks);
        self.shapes.push(Shape::Group("time"));
        let (left, right) = (self.left, self.right);
        self.line("axis", vec![(left, y), (right, y)], GREY, 1.0);
        self.text(
            left - 34.0,
            y + 16.0,
            SMALL,
            Anchor::End,
            INK,
            "UTC".to_owned(),
        );
        for tick in &ticks {
            let x = self.x(tick.ts);
            self.line("tick", vec![(x, y), (x, y + 4.0)], GREY, 1.0);
            // A label at the edge stays within the picture.
            let middle = x.min(right - 14.0);
            self.text(
                middle,
                y + 16.0,
                SMALL,
                Anchor::Middle,
                INK,
                tick.label.clone(),
            );
            if let Some(context) = &tick.context {
                let middle = x.min(right - 24.0);
                self.text(
                    middle,
                    y + 30.0,
                    SMALL,
                    Anchor::Middle,
                    GREY,
                    context.clone(),
                );
            }
        }
        self.shapes.push(Shape::GroupEnd);
    }
}
