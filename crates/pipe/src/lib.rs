//! Stores what bwctl, iperf3 and pScheduler print in a measurement archive.
//!
//! The input is read line by line ([`lines`]) and cut into tests ([`reader`]): those in
//! the output of [`bwctl`], or JSON [`documents`]. A test becomes a [`measurement`], with
//! what the system knows ([`lookup`]), and is posted ([`record`], [`run`]); one that could not be is
//! [`saved`]. Never more than one test is held, of at most [`lines::LIMIT`] bytes.
//!
//! The library is for the program and its tests; its interface may change.

pub mod bwctl;
pub mod documents;
pub mod lines;
pub mod lookup;
pub mod measurement;
pub mod options;
pub mod reader;
pub mod record;
pub mod run;
pub mod saved;
