//! What is left of a request's body when its answer is there.
//!
//! A refusal often comes before anybody has read the body. The next request of the
//! connection follows that body, so the rest of a small one is read and forgotten;
//! of any other the connection is closed, and the answer says so.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, EXPECT, HeaderValue};
use axum::http::{HeaderMap, Version};
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::timeout;

use crate::limits::SMALL;

/// How long the rest of a body is waited for.
const WAIT: Duration = Duration::from_secs(1);

/// The place where a body goes that nobody reads any more.
type Place = Arc<Mutex<Option<Incoming>>>;

/// A body that is kept when it is given up before its end.
pub(crate) struct Watched {
    body: Option<Incoming>,
    place: Place,
}

/// The body that a request may leave behind.
pub(crate) struct Unread {
    place: Place,
    /// Whether the client waits to be told before it sends the body.
    expects: bool,
}

/// Watches the body of a request, if there is anything to be left of it. In HTTP/2
/// no request stands in another's way.
pub(crate) fn watched(request: Request<Incoming>) -> (Request<Body>, Option<Unread>) {
    if request.body().is_end_stream() || request.version() >= Version::HTTP_2 {
        return (request.map(Body::new), None);
    }
    let place = Place::default();
    let unread = Unread {
        place: Arc::clone(&place),
        expects: request.headers().contains_key(EXPECT),
    };
    let watch = |body| {
        Body::new(Watched {
            body: Some(body),
            place,
        })
    };
    (request.map(watch), Some(unread))
}

impl Unread {
    /// Makes way for the next request, or tells the client that none can follow.
    pub(crate) async fn pass(self, answer: &mut Response) {
        let left = self
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(body) = left else {
            return;
        };
        if self.expects || !is_small(body).await {
            close(answer.headers_mut());
        }
    }
}

/// Reads the rest of a body, if it is small and comes soon.
async fn is_small(mut body: Incoming) -> bool {
    let mut left = SMALL as u64;
    let read = async {
        while body.size_hint().lower() <= left {
            match body.frame().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(less) = left.checked_sub(length) else {
                        return false;
                    };
                    left = less;
                }
            }
        }
        false
    };
    timeout(WAIT, read).await.unwrap_or(false)
}

fn close(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        // After an error the connection is of no more use anyway.
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some(body);
        }
    }
}
