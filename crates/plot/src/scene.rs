//! A picture as shapes: what SVG and PNG have in common.

/// A colour as `#RRGGBB`.
pub(crate) type Colour = u32;

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Begin of a group of shapes, and what it is.
    Group(&'static str),
    /// End of the group.
    GroupEnd,
    /// A filled rectangle.
    Rect {
        class: &'static str,
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        fill: Colour,
    },
    /// A line through points.
    Line {
        class: &'static str,
        points: Vec<(f32, f32)>,
        stroke: Colour,
        width: f32,
    },
    /// A filled polygon, half transparent.
    Area {
        class: &'static str,
        points: Vec<(f32, f32)>,
        fill: Colour,
        opacity: f32,
    },
    /// A filled circle.
    Dot {
        x: f32,
        y: f32,
        radius: f32,
        fill: Colour,
    },
    /// A text on one line; `y` is its base line. A turned one reads upwards.
    Text {
        x: f32,
        y: f32,
        size: f32,
        anchor: Anchor,
        fill: Colour,
        turned: bool,
        text: String,
    },
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Name of the picture.
    pub(crate) title: String,
    /// What it shows, in words.
    pub(crate) description: String,
    /// Shapes, the later ones in front.
    pub(crate) shapes: Vec<Shape>,
}
