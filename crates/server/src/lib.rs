//! A perfSONAR measurement archive that speaks the esmond REST API.
//!
//! The library makes an axum [`router`] out of any
//! [`Store`](esmond_ps_store::Store) and a [`Config`], and [`serve`]s it on a
//! listener, so that a test or another program owns the port and the stop. The
//! program `esmond-ps-archive` adds a command line and the SQLite store.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use esmond_ps_server::{Config, Connections, router, serve};
//! use esmond_ps_store_sqlite::SqliteStore;
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open(Path::new("/var/lib/archive")).await?;
//! let config = Config { require_auth_for_reads: true, ..Config::default() };
//! let listener = TcpListener::bind("127.0.0.1:8080").await?;
//! // Until this future is done: here, for ever.
//! let stop = std::future::pending();
//! serve(listener, router(Arc::new(store), config), Connections::default(), stop).await;
//! # Ok(())
//! # }
//! ```
//!
//! It answers JSON only (no browsable pages), checks every request completely
//! before it stores anything, and keeps no state of its own besides the store.
//! Where it deliberately answers otherwise than the original archive, the code
//! says `DIFFERENCE`. What it takes can be extended by a file ([`types`]).
//!
//! How a request goes through the modules: `dispatch` resolves the path
//! ([`paths`]), negotiates (`accept`) and authenticates (`auth`, `lookups`); `records`
//! answers metadata (`create`, `keys`, `search`), `series_read` and `series_write`
//! points (`plain`, `validate`); `stream` sends lists without holding them. Around them:
//! `logstash` takes results of pScheduler, `connections` takes connections
//! (`overdue`, `tls`, `unread`), `limits` refuses what is too much, `access_log` notes requests, `health` and
//! `metrics` tell how the archive is, and `openapi` how it is asked.

mod accept;
mod access_log;
mod auth;
mod body;
pub mod config;
mod connections;
mod context;
mod create;
mod dispatch;
pub mod error;
mod health;
mod kept;
mod keys;
mod limits;
mod logstash;
mod lookups;
mod metrics;
mod number;
mod openapi;
mod overdue;
mod paging;
pub mod paths;
mod plain;
mod query;
mod records;
mod render;
mod search;
mod series_read;
mod series_write;
mod server;
mod site;
mod stream;
mod tls;
pub mod types;
mod unread;
mod validate;

pub use access_log::{Access, AccessLog};
pub use config::{Config, Resolver};
pub use connections::{Connections, serve};
pub use error::Error;
pub use esmond_ps_results::pscheduler::Summaries;
pub use search::conditions;
pub use server::router;
pub use tls::{Tls, TlsError};
