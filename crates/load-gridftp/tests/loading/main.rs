//! The loader without an archive: what it would post, and how it goes on.

mod inputs;
mod pickles;
mod recorded;
mod resuming;
mod support;
