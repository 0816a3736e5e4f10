//! Moves the data of an archive through one file.
//!
//! [`export()`] writes records with their points and summaries to a compressed
//! stream of JSON lines, [`verify()`] checks such a file without storing
//! anything, and [`import()`] stores it in any [`Store`](esmond_ps_store::Store),
//! also one that holds a part of it already:
//!
//! ```no_run
//! # async fn example(
//! #     from: &dyn esmond_ps_store::Store,
//! #     to: &dyn esmond_ps_store::Store,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use std::fs::File;
//! use std::future::pending;
//!
//! use esmond_ps_exchange::{Export, Import, Limits, export, import, verify};
//!
//! let mut file = File::create_new("archive.jsonl.gz")?;
//! let what = Export::everything("my-program 1.0", 1_400_000_000);
//! let written = export(from, &what, &mut file, |_| {}, pending()).await?;
//! file.sync_all()?;
//!
//! let checked = verify(File::open("archive.jsonl.gz")?, Limits::default(), |_| {}, pending());
//! assert_eq!(checked.await?.totals, written);
//!
//! let file = File::open("archive.jsonl.gz")?;
//! let report = import(to, file, &Import::default(), |_| {}, pending()).await?;
//! println!("{} points are new", report.points_new);
//! # Ok(())
//! # }
//! ```
//!
//! - [`format`](mod@format): what the file looks like.
//! - [`report`]: what was found, stored, and left as it was.
//!
//! Users and their keys are not part of a file: those who may read the data
//! need not be those who may write them. A backup of the store has them.
//!
//! Memory does not grow with the data: what is held is one part of a record, of
//! some megabytes, or one point when that is larger. Reading and writing the
//! stream blocks the thread; a server should give these functions one.

mod data;
mod error;
mod export;
mod filter;
pub mod format;
mod import;
mod lines;
mod merge;
mod parts;
pub mod report;
mod stop;
mod values;
mod verify;
mod writer;

pub use error::{Error, ImportError, Result};
pub use export::{Export, export};
pub use format::{Header, Limits};
pub use import::{Import, import};
pub use report::{Refused, Report, Totals};
pub use verify::{Verified, verify};
