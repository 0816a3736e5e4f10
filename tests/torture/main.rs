//! The archive and its commands, killed at random moments; and disks that are full
//! or refuse writes.
//!
//! `ESMOND_PS_TORTURE` says how many rounds; `ESMOND_PS_SEED` repeats the dice of a
//! run (what the clients send, and about when something is killed; not how the
//! processes happen to run).

mod backups;
mod beside;
mod clients;
mod disk;
mod model;
mod rounds;
mod values;
