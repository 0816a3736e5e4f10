//! The query programs and the client against the real archive; the query
//! programs compared with what the originals printed for the same data.

mod bulk;
mod bulk_faults;
mod bulk_runs;
mod endings;
mod recorded;
mod served;
mod writing;
