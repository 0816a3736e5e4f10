//! PNG: the same shapes as the SVG picture, drawn with a font that is built in.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform,
};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use crate::panel::Chart;
use crate::scene::{Anchor, Colour, Scene, Shape};

/// See `assets/LICENSE`.
const FONT: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");

/// Most pixels of a picture: 64 million, 256 MB while it is drawn.
const MOST_PIXELS: f64 = 64e6;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// It would be too large, or not a pixel wide.
    #[error("a picture of {width} x {height} pixels cannot be drawn")]
    Size {
        /// Width in pixels.
        width: f64,
        /// Height in pixels.
        height: f64,
    },
    /// The built-in font cannot be read.
    #[error("the built-in font cannot be read")]
    Font(#[from] ttf_parser::FaceParsingError),
    /// The pixels could not be packed.
    #[error("the picture could not be packed")]
    Pack(#[from] std::io::Error),
}

impl Chart {
    /// Draws the chart as a PNG picture: laid out as an [SVG](Self::svg) of this
    /// size, with `scale` times as many pixels each way.
    ///
    /// # Errors
    ///
    /// A size of more than 64 million pixels.
    pub fn png(&self, width: u32, height: u32, scale: f32) -> Result<Vec<u8>, PngError> {
        let scene = self.scene(width, height);
        let pixmap = draw(&scene, scale)?;
        Ok(pack(&pixmap)?)
    }
}

fn draw(scene: &Scene, scale: f32) -> Result<Pixmap, PngError> {
    let width = f64::from(scene.width) * f64::from(scale);
    let height = f64::from(scene.height) * f64::from(scale);
    let size = PngError::Size { width, height };
    let pixels = width * height;
    if pixels.is_nan() || pixels > MOST_PIXELS {
        return Err(size);
    }
    let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or(size)?;
    let face = Face::parse(FONT, 0)?;
    let transform = Transform::from_scale(scale, scale);
    for shape in &scene.shapes {
        draw_shape(&mut pixmap, &face, transform, shape);
    }
    Ok(pixmap)
}

fn paint(colour: Colour, opacity: f32) -> Paint<'static> {
    let [_, red, green, blue] = colour.to_be_bytes();
    let mut paint = Paint::default();
    let mut colour = Color::from_rgba8(red, green, blue, 255);
    colour.apply_opacity(opacity);
    paint.set_color(colour);
    paint
}

fn draw_shape(pixmap: &mut Pixmap, face: &Face<'_>, transform: Transform, shape: &Shape) {
    match shape {
        Shape::Group(_) | Shape::GroupEnd => {}
        Shape::Rect {
            x,
            y,
            width,
            height,
            fill,
            ..
        } => {
            if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                pixmap.fill_rect(rect, &paint(*fill, 1.0), transform, None);
            }
        }
        Shape::Line {
            points,
            stroke,
            width,
            ..
        } => {
            let Some(path) = through(points, false) else {
                return;
            };
            let style = Stroke {
                width: *width,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                ..Stroke::default()
            };
            pixmap.stroke_path(&path, &paint(*stroke, 1.0), &style, transform, None);
        }
        Shape::Area {
            points,
            fill,
            opacity,
            ..
        } => {
            if let Some(path) = through(points, true) {
                let paint = paint(*fill, *opacity);
                pixmap.fill_path(&path, &paint, FillRule::Winding, transform, None);
            }
        }
        Shape::Dot { x, y, radius, fill } => {
            if let Some(path) = PathBuilder::from_circle(*x, *y, *radius) {
                let paint = paint(*fill, 1.0);
                pixmap.fill_path(&path, &paint, FillRule::Winding, transform, None);
            }
        }
        Shape::Text {
            x,
            y,
            size,
            anchor,
            fill,
            turned,
            text,
        } => {
            let mut place = transform.pre_translate(*x, *y);
            if *turned {
                place = place.pre_rotate(-90.0);
            }
            let unit = *size / f32::from(face.units_per_em());
            let length = advance(face, text) * unit;
            let start = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => -length / 2.0,
                Anchor::End => -length,
            };
            let place = place.pre_translate(start, 0.0).pre_scale(unit, -unit);
            if let Some(path) = outlines(face, text) {
                let paint = paint(*fill, 1.0);
                pixmap.fill_path(&path, &paint, FillRule::Winding, place, None);
            }
        }
    }
}

fn through(points: &[(f32, f32)], close: bool) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first.0, first.1);
    for (x, y) in rest {
        path.line_to(*x, *y);
    }
    if close {
        path.close();
    }
    path.finish()
}

fn glyph(face: &Face<'_>, character: char) -> GlyphId {
    // What the font lacks is drawn as its sign for that.
    let lacking = || face.glyph_index('\u{FFFD}').unwrap_or(GlyphId(0));
    face.glyph_index(character).unwrap_or_else(lacking)
}

fn advance(face: &Face<'_>, text: &str) -> f32 {
    let width = |character| face.glyph_hor_advance(glyph(face, character));
    text.chars().filter_map(width).map(f32::from).sum()
}

fn outlines(face: &Face<'_>, text: &str) -> Option<tiny_skia::Path> {
    let mut pen = Pen {
        path: PathBuilder::new(),
        x: 0.0,
    };
    for character in text.chars() {
        let glyph = glyph(face, character);
        face.outline_glyph(glyph, &mut pen);
        pen.x += face.glyph_hor_advance(glyph).map_or(0.0, f32::from);
    }
    pen.path.finish()
}

struct Pen {
    path: PathBuilder,
    x: f32,
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, y1, self.x + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let at = self.x;
        self.path.cubic_to(at + x1, y1, at + x2, y2, at + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// Packs pixels without transparency. Colours of such pixels stand for themselves.
fn pack(pixmap: &Pixmap) -> std::io::Result<Vec<u8>> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut line = Vec::with_capacity(width as usize * 3 + 1);
    for row in pixmap.data().chunks_exact(width as usize * 4) {
        line.clear();
        // No filter: most pixels are those beside them anyway.
        line.push(0);
        for pixel in row.chunks_exact(4) {
            line.extend_from_slice(&pixel[..3]);
        }
        packed.write_all(&line)?;
    }
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    // Eight bits for each of red, green and blue; not interlaced.
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &packed.finish()?);
    chunk(&mut out, *b"IEND", &[]);
    Ok(out)
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    // At most what 64 million pixels come to.
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(data);
    out.extend_from_slice(&name);
    out.extend_from_slice(data);
    out.extend_from_slice(&sum.sum().to_be_bytes());
}
