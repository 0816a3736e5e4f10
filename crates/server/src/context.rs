//! What handlers know besides the request body.

use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use esmond_ps_model::ARCHIVE_PATH;
use esmond_ps_store::{self as store, NewPoint, Store, WriteOutcome};

use crate::auth::Caller;
use crate::config::Config;
use crate::error::Error;
use crate::keys::Keys;
use crate::limits::Places;
use crate::logstash::Turns;
use crate::lookups::Lookups;
use crate::metrics::Metrics;
use crate::query::Query;

/// What all requests share.
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) lookups: Lookups,
    pub(crate) metrics: Metrics,
    /// Of those who store results.
    pub(crate) turns: Turns,
    pub(crate) places: Places,
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

    /// Checks that a caller may read.
    ///
    /// DIFFERENCE: the original lets everybody read.
    ///
    /// # Errors
    ///
    /// 401 when reading needs credentials and the caller is anonymous.
    pub(crate) fn may_read(&self, caller: &Caller) -> Result<(), Error> {
        if self.config.require_auth_for_reads {
            caller.clone().writer()?;
        }
        Ok(())
    }

    /// Stores points of a record, and counts them.
    pub(crate) async fn write(
        &self,
        key: &str,
        points: Vec<NewPoint>,
    ) -> store::Result<WriteOutcome> {
        let count = points.len();
        let outcome = self.store.write(key, points, self.now()).await?;
        self.metrics.points(count, outcome.conflicts.len());
        Ok(outcome)
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
