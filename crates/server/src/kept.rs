//! A body that keeps something until it has been sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// What a body keeps, and tells how it is sent. It is dropped with the body:
/// when all is sent, or when the client has gone.
pub(crate) trait Witness: Send + Unpin + 'static {
    /// So many bytes more were handed to the connection.
    fn sent(&mut self, _bytes: usize) {}

    /// The body came to its end.
    fn ended(&mut self) {}
}

/// Returns the body with its witness.
pub(crate) fn keeping(body: Body, witness: impl Witness) -> Body {
    Body::new(Kept { body, witness })
}

struct Kept<W> {
    body: Body,
    witness: W,
}

impl<W: Witness> HttpBody for Kept<W> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                self.witness.sent(frame.data_ref().map_or(0, Bytes::len));
                // Whoever knows the length does not ask for what follows it.
                if self.body.is_end_stream() {
                    self.witness.ended();
                }
            }
            Some(Err(_)) => {}
            None => self.witness.ended(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
