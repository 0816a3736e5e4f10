//! Loads the transfer logs of GridFTP servers into a measurement archive.
//!
//! A line of a log ([`lines`], [`input`]) becomes a [`transfer`] ([`netlogger`] or
//! [`json_log`], [`clock`]), with the addresses of both ends ([`resolve`]) a
//! [`measurement`], and that is posted. How far a log was loaded is a [`position`],
//! kept in the [`state`] file ([`pickle`] and [`original`] for those of the original
//! program), found again after [`rotation`], and guarded by a [`lock`]. [`sources`]
//! puts these together to what is left to read, [`load`] reads and posts it.
//!
//! The library is for the program and its tests; its interface may change.

pub mod clock;
mod digits;
pub mod input;
pub mod journal;
pub mod json_log;
pub mod lines;
pub mod load;
pub mod lock;
pub mod measurement;
pub mod netlogger;
pub mod options;
pub mod original;

pub mod pickle;
mod plain;
pub mod position;

pub mod post;
pub mod rejects;
pub mod reply;
pub mod resolve;
pub mod rotation;

pub mod run;
pub mod sources;
pub mod state;
pub mod transfer;
pub mod twins;
