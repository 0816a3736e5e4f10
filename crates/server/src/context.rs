//! What handlers know besides the request body.

use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use esmond_ps_model::ARCHIVE_PATH;
use esmond_ps_store::Store;

use crate::config::Config;
use crate::keys::Keys;
use crate::query::Query;

/// What all requests share.
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
}

impl App {
    /// Returns the archive's time in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        (self.config.clock)()
    }

    /// Returns the script alias without slashes at its ends.
    pub(crate) fn alias(&self) -> &str {
        self.config.script_alias.trim_matches('/')
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// One request, apart from its body.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) app: Arc<App>,
    /// Scheme and host as the client sees them.
    pub(crate) origin: String,
    /// The script alias with its slash, if the request came by it.
    pub(crate) prefix: String,
    /// The path as it came, percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
}

impl Context {
    /// Returns the path of the archive, with a slash at the end.
    pub(crate) fn archive_path(&self) -> String {
        format!("{}/{ARCHIVE_PATH}/", self.prefix)
    }

    /// Returns the absolute address of a path.
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Returns the address of this request, without its query.
    pub(crate) fn url(&self) -> String {
        self.absolute(&self.path)
    }
}
