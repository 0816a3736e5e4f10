//! Wire types and rules of the esmond perfSONAR archive API.
//!
//! Everything here is pure: no I/O, no HTTP, no command line. The client
//! library, the programs and the archive server all speak through these types,
//! so the shape of a metadata record or of a point exists once.
//!
//! ```
//! use esmond_ps_model::{DataType, Metadata, MetadataFilters, PointValue, Registry, SummaryType};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What an archive is asked:
//! let filters = MetadataFilters::new().source("198.51.100.30").time_range(86_400);
//! let query = filters.to_query();
//! assert_eq!(query[0], ("source".to_owned(), "198.51.100.30".to_owned()));
//!
//! // What it answers. Windows and parameters may be text or numbers.
//! let test: Metadata = serde_json::from_value(json!({
//!     "metadata-key": "6b056f8d98115191db95163233cb9569",
//!     "subject-type": "point-to-point",
//!     "uri": "/esmond/perfsonar/archive/6b056f8d98115191db95163233cb9569/",
//!     "time-duration": "30",
//!     "event-types": [{
//!         "event-type": "histogram-owdelay",
//!         "base-uri": "/esmond/perfsonar/archive/6b0/histogram-owdelay/base",
//!         "summaries": [],
//!     }],
//! }))?;
//! assert_eq!(test.property("time-duration").as_deref(), Some("30"));
//!
//! // What its values mean:
//! let registry = Registry::standard();
//! let delays = registry.event_type(&test.event_types[0].event_type).ok_or("unknown")?;
//! assert_eq!(delays.data_type, DataType::Histogram);
//! let value = PointValue::new(delays.data_type, SummaryType::Base, json!({"5.1": 3, "5.3": 1}));
//! let PointValue::Histogram(histogram) = value else { return Err("no histogram".into()) };
//! let statistics = histogram.statistics().ok_or("no packets")?;
//! assert_eq!(statistics.minimum, 5.1);
//! # Ok(())
//! # }
//! ```
//!
//! - [`registry`]: the known event types, data types and subject types.
//! - [`summary`]: summary types in their JSON and URL spellings.
//! - [`metadata`]: metadata records as an archive answers them.
//! - [`point`]: points as an archive answers them, and bulk write requests.
//! - [`value`]: what a point's `val` means, by data type.
//! - [`histogram`]: histograms, their merging and their statistics.
//! - [`quantile`]: quantiles and sums as numpy computes them.
//! - [`time`]: the time arguments of a request.
//! - [`filter`]: the filters of a metadata search.
//! - [`integer`] and [`float`]: numbers in the spellings that archives accept.

pub mod filter;
pub mod float;
pub mod histogram;
pub mod integer;
pub mod metadata;
pub mod point;
pub mod quantile;
pub mod registry;
pub mod summary;
pub mod time;
pub mod value;

pub use filter::MetadataFilters;
pub use histogram::{Histogram, Statistics};
pub use metadata::Metadata;
pub use point::Point;
pub use registry::{DataType, EventTypeDefinition, Registry, RowLayout};
pub use summary::{Summary, SummaryType};
pub use time::{TimeArguments, TimeRange};
pub use value::PointValue;

/// Path of the archive below its script alias, without slashes at the ends.
pub const ARCHIVE_PATH: &str = "perfsonar/archive";
