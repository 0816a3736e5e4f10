//! How much one request, and all requests together, may ask of the archive.
//!
//! The layer refuses what is too long before anybody reads it, and gives every
//! request one of a limited number of places until its answer is sent. Writes
//! have places of their own, so that readers are answered while writers crowd,
//! and the other way round. Whoever finds no place is told to come again; nobody
//! waits in a queue. `/healthz` stands outside. Only what large bodies say waits for
//! room: it takes many times the memory of the body itself.
//!
//! DIFFERENCE: the original has no such limits of its own.
//!
//! The other limits: of bodies in `body`, of connections and heads of requests in
//! `connections`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::config::Config;
use crate::context::App;
use crate::dispatch::finish;
use crate::error::Error;
use crate::kept::{Witness, keeping};
use crate::logstash;
use crate::query::Query;

/// Longest path and query of a request together, in bytes.
const URL: usize = 8 << 10;

/// Most parameters in a query.
const PARAMETERS: usize = 100;

/// Longest body that needs no room, in bytes.
pub(crate) const SMALL: usize = 64 << 10;

/// Places of requests that are under way.
#[derive(Debug)]
pub(crate) struct Places {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    /// For large bodies, in KiB: as much as one body may have.
    room: Semaphore,
}

impl Places {
    pub(crate) fn new(config: &Config) -> Self {
        let places = |most: usize| Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            reads: places(config.most_reads),
            writes: places(config.most_writes),
            room: Semaphore::new((config.body_limit >> 10).min(Semaphore::MAX_PERMITS)),
        }
    }

    /// Waits until there is room for what a body of this length says. It is to be
    /// kept until that is stored.
    pub(crate) async fn room(&self, length: usize) -> Option<SemaphorePermit<'_>> {
        if length <= SMALL {
            return None;
        }
        let wanted = u32::try_from(length >> 10).unwrap_or(u32::MAX);
        // Never closed, and never asked for more than there is.
        self.room.acquire_many(wanted).await.ok()
    }

    fn take(&self, method: &Method) -> Result<Place, Error> {
        let is_read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let places = if is_read { &self.reads } else { &self.writes };
        let place = places.clone().try_acquire_owned();
        place.map(Place).map_err(|_| Error::too_many(is_read))
    }
}

/// Kept until the answer is sent.
struct Place(#[expect(dead_code, reason = "dropping it is what it is for")] OwnedSemaphorePermit);

impl Witness for Place {}

/// The layer.
pub(crate) async fn within(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let taken = check(request.uri()).and_then(|()| app.places.take(request.method()));
    let error = match taken {
        Ok(place) => {
            let response = next.run(request).await;
            // A refusal is done. It may wait for the rest of its request, but not in a place.
            if response.status().is_client_error() {
                return response;
            }
            return response.map(|body| keeping(body, place));
        }
        Err(error) => error,
    };
    let path = request.uri().path();
    error.log(request.method(), path);
    let mut response = if logstash::is_at(path) {
        error.into_logstash().into_response()
    } else {
        error.into_response()
    };
    finish(response.headers_mut(), None);
    response
}

fn check(uri: &Uri) -> Result<(), Error> {
    let query = uri.query().unwrap_or_default();
    if uri.path().len() + query.len() > URL {
        return Err(Error::uri_too_long(URL));
    }
    if Query::pieces(query).count() > PARAMETERS {
        let detail = format!("The query has more than {PARAMETERS} parameters");
        return Err(Error::bad_request(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_room_and_small_ones_do_not() {
        let places = Places::new(&Config {
            body_limit: 1 << 20,
            ..Config::default()
        });
        let whole = places.room(1 << 20).await;
        assert!(whole.is_some());
        assert!(places.room(SMALL).await.is_none());
        let day = std::time::Duration::from_secs(86_400);
        let another = tokio::time::timeout(day, places.room(SMALL + 1024));
        assert!(another.await.is_err());
        drop(whole);
        let halves = (places.room(1 << 19).await, places.room(1 << 19).await);
        assert!(halves.0.is_some() && halves.1.is_some());
    }
}
