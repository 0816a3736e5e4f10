//! The query programs and the client against the real archive; the query
//! programs compared with what the originals printed for the same data.

mod bulk;
mod bulk_faults;
mod bulk_runs;
mod elmond;
mod elmond_model;
mod elmond_paging;
mod elmond_queries;
mod elmond_values;
mod endings;
mod layout;
mod logstash;
mod recorded;
mod served;
mod writing;
