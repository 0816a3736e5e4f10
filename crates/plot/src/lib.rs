//! Pictures of the results of perfSONAR tests.
//!
//! A [`Chart`] has [`Panel`]s, one above the other on one axis of time. A panel
//! takes the points of a series as an archive answers them, in the order of time, and
//! keeps what a picture can show of them: memory does not grow with the points.
//! The chart then becomes an [SVG picture](Chart::svg), a [PNG
//! picture](Chart::png) (feature `png`) or [text](Chart::terminal) for a terminal.
//!
//! Everything here is pure: no files, no network, no environment. Texts may come
//! from archives: they are cut, and nothing in them is taken for markup or for
//! orders to a terminal.
//!
//! ```
//! use esmond_ps_model::{RowLayout, SummaryType};
//! use esmond_ps_plot::{Chart, Panel};
//! use serde_json::json;
//!
//! let mut panel = Panel::of("iperf3", "throughput", RowLayout::Numeric, SummaryType::Base)
//!     .expect("numbers can be drawn");
//! for (ts, value) in [(1_398_965_989, 9.4e9), (1_398_987_589, 9.1e9)] {
//!     panel.add(ts, &json!(value));
//! }
//! let chart = Chart {
//!     title: "throughput from lbl.example to bnl.example".to_owned(),
//!     from: 1_398_960_000,
//!     to: 1_399_000_000,
//!     panels: vec![panel],
//! };
//! assert!(chart.svg(800, chart.usual_height()).starts_with("<svg "));
//! ```
//!
//! # Limits
//!
//! The unit of event types that are none of the standard ones is not known.
//! Values that are documents ([`RowLayout::Value`](esmond_ps_model::RowLayout))
//! are not drawn.

mod axis;
mod bands;
mod canvas;
mod draw;
mod line;
mod panel;
#[cfg(feature = "png")]
mod raster;
mod scene;
mod steps;
mod strip;
mod svg;
mod terminal;
mod text;
mod unit;
mod values;

pub use bands::Bands;
pub use line::{Column, Line, Sample};
pub use panel::{Chart, Kind, Panel, chart};
#[cfg(feature = "png")]
pub use raster::PngError;
pub use strip::{Cell, Path, Strip};
pub use terminal::Screen;
pub use unit::{Scale, Unit};
pub use values::{counts, each_number, number};
