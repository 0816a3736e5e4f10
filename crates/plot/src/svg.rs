//! SVG.
//!
//! A document of its own as well as a part of an HTML page: no style sheets, no
//! scripts, no identifiers that could clash, nothing from elsewhere.

use std::fmt::Write as _;

use crate::panel::Chart;
use crate::scene::{Anchor, Colour, Scene, Shape};

const FONTS: &str = "'DejaVu Sans',Verdana,Geneva,sans-serif";

impl Chart {
    /// Draws the chart as an SVG element of this size in pixels; see
    /// [`usual_height`](Self::usual_height). Sizes below 200 by 100 are taken as
    /// these.
    #[must_use]
    pub fn svg(&self, width: u32, height: u32) -> String {
        write(&self.scene(width, height))
    }
}

fn write(scene: &Scene) -> String {
    let mut out = String::new();
    let (width, height) = (scene.width, scene.height);
    let title = escaped(&scene.title);
    let description = escaped(&scene.description);
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\" \
         font-family=\"{FONTS}\">\n<title>{title}</title>\n<desc>{description}</desc>\n"
    );
    for shape in &scene.shapes {
        write_shape(&mut out, shape);
    }
    out.push_str("</svg>\n");
    out
}

fn write_shape(out: &mut String, shape: &Shape) {
    let _ = match shape {
        Shape::Group(class) => writeln!(out, "<g class=\"{class}\">"),
        Shape::GroupEnd => writeln!(out, "</g>"),
        Shape::Rect {
            class,
            x,
            y,
            width,
            height,
            fill,
        } => writeln!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
            number(*x),
            number(*y),
            number(*width),
            number(*height),
            colour(*fill)
        ),
        Shape::Line {
            class,
            points,
            stroke,
            width,
        } => writeln!(
            out,
            "<polyline class=\"{class}\" points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            places(points),
            colour(*stroke),
            number(*width)
        ),
        Shape::Area {
            class,
            points,
            fill,
            opacity,
        } => writeln!(
            out,
            "<polygon class=\"{class}\" points=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>",
            places(points),
            colour(*fill),
            number(*opacity)
        ),
        Shape::Dot { x, y, radius, fill } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"/>",
            number(*x),
            number(*y),
            number(*radius),
            colour(*fill)
        ),
        Shape::Text {
            x,
            y,
            size,
            anchor,
            fill,
            turned,
            text,
        } => {
            let (x, y) = (number(*x), number(*y));
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let turn = if *turned {
                format!(" transform=\"rotate(-90 {x} {y})\"")
            } else {
                String::new()
            };
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor} fill=\"{}\"{turn}>{}</text>",
                number(*size),
                colour(*fill),
                escaped(text)
            )
        }
    };
}

fn places(points: &[(f32, f32)]) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for (x, y) in points {
        let separator = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{separator}{},{}", number(*x), number(*y));
    }
    out
}

fn number(value: f32) -> String {
    crate::unit::trim_zeros(format!("{value:.2}"))
}

fn colour(colour: Colour) -> String {
    format!("#{colour:06x}")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
