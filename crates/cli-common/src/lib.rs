//! What the esmond-ps programs share.
//!
//! A query program goes through these steps, one module each: the command line
//! in the manners of the original programs ([`optparse`], [`args`]) becomes a
//! [`plan`] ([`dates`], filters, formats), the [`app`] opens a session on the
//! archive ([`connection`], [`hosts`]), the program turns what it reads into
//! [`rows`] ([`layout`], [`records`]), the [`emit`]ter gives them [`names`] and
//! has one of the [`output`] writers print them ([`pytext`]), [`gaps`] collects
//! what an archive turns out not to hold, and [`report`] ends the run with a message and an exit status.
//!
//! The programs that write have a frame of their own: [`loader`].

pub mod app;
pub mod args;
mod command_line;
pub mod connection;
pub mod dates;
pub mod emit;
pub mod gaps;
pub mod hosts;
pub mod layout;
pub mod loader;
pub mod names;
pub mod optparse;
pub mod output;
pub mod plan;
mod proxy;
pub mod pytext;
pub mod records;
pub mod report;
pub mod rows;
mod runtime;
