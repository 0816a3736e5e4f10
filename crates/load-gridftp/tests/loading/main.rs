//! The loader without an archive: what it would post, and how it goes on; and with the
//! input of a perfSONAR 5 archive.

#[path = "../../../results/tests/elmond/mod.rs"]
mod elmond;
#[path = "../../../pipe/tests/it/input.rs"]
mod input;
mod inputs;
mod logstash;
mod pickles;
mod recorded;
mod resuming;
mod support;
