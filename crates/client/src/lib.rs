//! Client for perfSONAR measurement archives with the esmond REST API.
//!
//! Reads from classic esmond archives and from perfSONAR 5 archives alike:
//! finds tests by their metadata, and streams their points, whole, with memory
//! for one page. Writes to classic archives and to ours: creates tests, and
//! stores their points in bulk.
//!
//! ```no_run
//! use esmond_ps_client::model::{MetadataFilters, TimeArguments};
//! use esmond_ps_client::{Archive, Result};
//! use futures_util::TryStreamExt;
//!
//! # async fn example() -> Result<()> {
//! let archive = Archive::builder("https://ps.example.org/").build()?;
//! let filters = MetadataFilters::new()
//!     .source("198.51.100.30")
//!     .event_type("throughput")
//!     .time_range(86_400);
//! let last_day = TimeArguments {
//!     time_range: Some(86_400),
//!     ..TimeArguments::default()
//! };
//!
//! let mut tests = archive.metadata(&filters);
//! while let Some(test) = tests.try_next().await? {
//!     let Some(throughput) = test.event_type("throughput") else {
//!         continue;
//!     };
//!     let mut points = throughput.base().points(&last_day);
//!     while let Some(point) = points.try_next().await? {
//!         println!("{:?} {} {}", test.destination(), point.ts_epoch, point.val);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | here | in the original library | what it is |
//! |---|---|---|
//! | [`MetadataFilters`](model::MetadataFilters), [`TimeArguments`](model::TimeArguments) | `ApiFilters` | what is looked for |
//! | [`Archive`], [`ArchiveBuilder`] | `ApiConnect` | the archive, and how to reach it |
//! | [`Test`] | `Metadata` | a test and its parameters |
//! | [`EventType`] | `EventType` | a kind of result of a test |
//! | [`Series`] | `EventType`, `Summary` | points as posted, or derived from them |
//! | [`Pages`], [`RawPoint`] | | points as text, a page at a time, for who copies many |
//! | [`DataPoint`], [`DataPayload`] | `DataPoint`, `DataHistogram`, `DataPayload` | results |
//! | [`NewMetadata`], [`Archive::post_metadata`] | `MetadataPost` | creating a test |
//! | [`PointWriter`], [`Archive::post_point`] | `EventTypeBulkPost`, `EventTypePost` | storing points |
//! | [`Logstash`] | | results for perfSONAR 5 archives |
//! | [`request`] | | requests as values, without a connection |
//! | [`Dialect`], [`Gap`] | | the kind of archive, and what it lacks |
//! | [`RequestEvent`] | `verbose` | what happens meanwhile |
//! | [`Error`] | warnings | what went wrong |
//! | [`limits`] | | how much is taken from an archive |
//!
//! # Differences from the original library
//!
//! - Nothing is empty because something failed: every failure is an [`Error`].
//! - Certificates are verified unless
//!   [switched off](ArchiveBuilder::danger_accept_invalid_certs).
//! - Requests are sent again when it can help: see [`RetryPolicy`]. That is safe
//!   for writing, too: nothing is stored twice (but see [`Logstash`]).
//! - A point that is already there is no failure, and keeps no other point from
//!   being stored: see [`PointWriter::flush`].
//! - A short page is not taken for the end, a second is not cut in two by a
//!   page, and a test is given once: see [`Series::points`] and
//!   [`Archive::metadata`].
//! - Filters mean the same on both kinds of archives; what an archive answers
//!   wrongly is filtered here.
//!
//! # Limits
//!
//! Needs a Tokio runtime. What a perfSONAR 5 archive lists is not always what it
//! holds: see [`Gap`].

mod archive;
mod builder;
mod credentials;
mod dialect;
mod error;
mod event;
mod gap;
mod gate;
pub mod limits;
mod listing;
mod message;
mod pages;
mod point;
mod post;
pub mod request;
mod retry;
mod search;
mod selection;
mod series;
mod test;
mod tls;
mod transport;
mod walk;

pub use archive::Archive;
pub use builder::ArchiveBuilder;
pub use credentials::Credentials;
pub use dialect::Dialect;
pub use error::{BoxedError, Error, Result};
pub use esmond_ps_model as model;
pub use event::RequestEvent;
pub use gap::{Gap, GapKind};
pub use pages::Pages;
pub use point::{DataPayload, DataPoint, RawPoint};
pub use post::{Logstash, NewMetadata, PointWriter, Posted, Taken};
pub use retry::RetryPolicy;
pub use series::Series;
pub use test::{EventType, Test};
