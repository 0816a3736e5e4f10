//! Wire types and rules of the esmond perfSONAR archive API.
//!
//! Everything here is pure: no I/O, no HTTP, no command line. The client
//! library, the programs and the archive server all speak through these types,
//! so the shape of a metadata record or of a point exists once.
//!
//! - [`registry`]: the known event types, data types and subject types.
//! - [`summary`]: summary types in their JSON and URL spellings.
//! - [`metadata`]: metadata records as an archive answers them.
//! - [`point`]: points as an archive answers them, and bulk write requests.
//! - [`value`]: what a point's `val` means, by data type.
//! - [`histogram`]: histograms, their merging and their statistics.
//! - [`time`]: the time arguments of a request.
//! - [`filter`]: the filters of a metadata search.
//! - [`integer`] and [`float`]: numbers in the spellings that archives accept.

pub mod filter;
pub mod float;
pub mod histogram;
pub mod integer;
pub mod metadata;
pub mod point;
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
