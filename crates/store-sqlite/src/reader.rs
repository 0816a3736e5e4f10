//! The connections that read.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use esmond_ps_store::Result;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::{backend, schema};

/// Reads that run at the same time; further ones wait.
const READERS: usize = 8;

const READING: &str = "reading the database";

/// A pool of read-only connections, opened when first needed.
pub(crate) struct Readers {
    places: Arc<Semaphore>,
    pool: Arc<Pool>,
}

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Makes a pool of connections to a database.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            places: Arc::new(Semaphore::new(READERS)),
            pool: Arc::new(Pool {
                path,
                idle: Mutex::default(),
            }),
        }
    }

    /// Does work on one state of the database, outside the async threads.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(backend(READING))?;
        let pool = Arc::clone(&self.pool);
        let reading = tokio::task::spawn_blocking(move || {
            // Held here, so that a caller who gives up does not free the place
            // of a read that still runs.
            let _place = place;
            pool.read(work)
        });
        reading.await.map_err(backend(READING))?
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Pool {
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.path).map_err(backend(READING))?,
        };
        let result = {
            let transaction = connection.transaction().map_err(backend(READING))?;
            let result = work(&transaction);
            transaction.finish().map_err(backend(READING))?;
            result
        };
        self.idle().push(connection);
        result
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
