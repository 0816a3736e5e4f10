//! What the programs share that write to an archive: to an esmond archive or, since
//! those of perfSONAR 5 have no write API, to the Logstash input of such a one.
//!
//! A loader goes through these steps: [`main`] reads the options ([`args`]),
//! opens the [`log`], and calls the program with a [`Session`]; the program
//! turns its input into [`Record`]s and gives them to the [`Poster`], looking at
//! [`Stop`] between two of them; its [`Ending`] becomes the exit status.

pub mod args;
mod frame;
mod hint;
pub mod log;
mod poster;
mod recent;
mod record;
mod stop;

pub use args::LoaderArgs;
pub use frame::{Ending, Options, Program, Session, main};
pub use poster::{PostError, PostedRecord, Poster, Tally};
pub use record::{Document, Points, Record, Target};
pub use stop::Stop;
