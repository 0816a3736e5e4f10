//! Lists that are sent in pages, so that memory does not grow with them.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde::Serialize;

use crate::error::Error;

/// A list that comes in pages.
pub(crate) trait Pages: Send + 'static {
    /// What the list holds.
    type Item: Serialize + Send;

    /// Returns the next page. It is not called again after the last one.
    fn next(&mut self) -> impl Future<Output = Result<Page<Self::Item>, Error>> + Send;
}

/// Some elements of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Whether the list ends here.
    pub(crate) last: bool,
}

/// Returns the body of a JSON array, with `first` as its first page. An error
/// on a later page breaks the connection off, so that a client does not take
/// what it has for the whole.
pub(crate) fn json_array<P: Pages>(first: &Page<P::Item>, pages: P) -> Result<Body, Error> {
    let start = chunk(&first.items, true, first.last)?;
    if first.last {
        return Ok(Body::from(start));
    }
    let state = State {
        pages,
        start: Some(start),
        done: false,
    };
    Ok(Body::from_stream(stream::try_unfold(state, State::step)))
}

struct State<P> {
    pages: P,
    start: Option<Bytes>,
    done: bool,
}

impl<P: Pages> State<P> {
    async fn step(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if let Some(start) = self.start.take() {
            return Ok(Some((start, self)));
        }
        if self.done {
            return Ok(None);
        }
        let page = match self.pages.next().await {
            Ok(page) => chunk(&page.items, false, page.last).map(|bytes| (bytes, page.last)),
            Err(error) => Err(error),
        };
        match page {
            Ok((bytes, last)) => {
                self.done = last;
                Ok(Some((bytes, self)))
            }
            Err(error) => {
                let reason = error.reason();
                tracing::error!(reason, "answer broken off: {error}");
                Err(io::Error::other(error))
            }
        }
    }
}

fn chunk<T: Serialize>(items: &[T], first: bool, last: bool) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    for (at, item) in items.iter().enumerate() {
        bytes.push(if first && at == 0 { b'[' } else { b',' });
        serde_json::to_writer(&mut bytes, item).map_err(|_| Error::internal())?;
    }
    if first && items.is_empty() {
        bytes.push(b'[');
    }
    if last {
        bytes.push(b']');
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    struct Counting {
        left: Vec<Result<Page<u32>, Error>>,
    }

    impl Pages for Counting {
        type Item = u32;

        async fn next(&mut self) -> Result<Page<u32>, Error> {
            self.left.remove(0)
        }
    }

    fn page(items: &[u32], last: bool) -> Page<u32> {
        let items = items.to_vec();
        Page { items, last }
    }

    async fn text(
        first: &Page<u32>,
        left: Vec<Result<Page<u32>, Error>>,
    ) -> Result<String, axum::Error> {
        let body = json_array(first, Counting { left }).unwrap();
        let bytes = body.collect().await?.to_bytes();
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn pages_join_to_one_array() {
        let left = vec![
            Ok(page(&[3], false)),
            Ok(page(&[], false)),
            Ok(page(&[4], true)),
        ];
        let body = text(&page(&[1, 2], false), left).await.unwrap();
        assert_eq!(body, "[1,2,3,4]");
        assert_eq!(text(&page(&[], true), Vec::new()).await.unwrap(), "[]");
        let left = vec![Ok(page(&[], true))];
        assert_eq!(text(&page(&[7], false), left).await.unwrap(), "[7]");
    }

    #[tokio::test]
    async fn an_error_on_a_later_page_is_no_end() {
        let left = vec![Ok(page(&[3], false)), Err(Error::internal())];
        assert!(text(&page(&[1, 2], false), left).await.is_err());
    }
}
