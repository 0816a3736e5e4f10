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
//!
//! [`command_line`] also reads the configuration files with their named archives, which
//! count less than what is typed. [`help`] is what the helps have in common, and
//! [`generate`] makes manual pages and completions of them.

pub mod app;
pub mod args;
pub mod columns;
pub mod command_line;
mod config;
pub mod connection;
pub mod dates;
pub mod emit;
pub mod gaps;
pub mod generate;
pub mod help;
mod hint;
pub mod hosts;
pub mod layout;
pub mod loader;
pub mod names;
mod nearest;
pub mod offer;
pub mod optparse;
pub mod output;
pub mod plan;
pub mod problem;
mod proxy;
pub mod pytext;
pub mod records;
pub mod report;
pub mod rows;
pub mod runtime;
