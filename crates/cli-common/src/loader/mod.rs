//! What the programs share that write to an archive.
//!
//! A loader goes through these steps: [`main`] reads the options ([`args`]),
//! opens the [`log`], and calls the program with a [`Session`]; the program
//! turns its input into records and gives them to the [`Poster`], looking at
//! [`Stop`] between two of them; its [`Ending`] becomes the exit status.

pub mod args;
mod frame;
pub mod log;
mod poster;
mod recent;
mod stop;

pub use args::LoaderArgs;
pub use frame::{Ending, Options, Program, Session, main};
pub use poster::{PostError, PostedRecord, Poster, Tally};
pub use stop::Stop;
