//! The query programs and the client against the real archive; the query
//! programs compared with what the originals printed for the same data.

mod bench;
mod bulk;
mod bulk_faults;
mod bulk_runs;
mod check;
mod check_doctor;
mod check_grid;
mod configuration;
mod elmond;
mod elmond_model;
mod elmond_paging;
mod elmond_queries;
mod elmond_values;
mod endings;
mod examples;
mod formats;
mod formats_influx;
mod formats_parquet;
mod generated;
mod layout;
mod logstash;
mod plots;
mod recorded;
mod served;
mod writing;
