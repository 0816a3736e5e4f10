//! The programs that write, against the real archive.

mod gridftp;
mod logrotate;
mod pipe;
mod support;
