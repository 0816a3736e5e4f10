//! Lists that are sent in pages, so that memory does not grow with them.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;

use crate::error::Error;

/// A list that comes in pages.
pub(crate) trait Pages: Send + 'static {
    /// Returns the next page. It is not called again after the last one.
    fn next(&mut self) -> impl Future<Output = Result<Page, Error>> + Send;
}

/// Some elements of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The elements as JSON, a comma before each.
    json: Vec<u8>,
    /// Whether the list ends here.
    pub(crate) last: bool,
}

impl Page {
    /// Makes a page with room for some bytes of JSON.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            json: Vec::with_capacity(bytes),
            last: false,
        }
    }

    /// Returns the text to which the JSON of one more element is to be appended.
    pub(crate) fn element(&mut self) -> &mut Vec<u8> {
        self.json.push(b',');
        &mut self.json
    }

    fn into_chunk(self, first: bool) -> Bytes {
        let mut json = self.json;
        if first {
            match json.first_mut() {
                Some(comma) => *comma = b'[',
                None => json.push(b'['),
            }
        }
        if self.last {
            json.push(b']');
        }
        json.into()
    }
}

/// Returns the body of a JSON array, with `first` as its first page. An error
/// on a later page breaks the connection off, so that a client does not take
/// what it has for the whole.
pub(crate) fn json_array<P: Pages>(first: Page, pages: P) -> Body {
    let done = first.last;
    let start = first.into_chunk(true);
    if done {
        return Body::from(start);
    }
    let state = State {
        pages,
        start: Some(start),
        done,
    };
    Body::from_stream(stream::try_unfold(state, State::step))
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
        match self.pages.next().await {
            Ok(page) => {
                self.done = page.last;
                Ok(Some((page.into_chunk(false), self)))
            }
            Err(error) => {
                let reason = error.reason();
                tracing::error!(reason, "answer broken off: {error}");
                Err(io::Error::other(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    struct Counting {
        left: Vec<Result<Page, Error>>,
    }

    impl Pages for Counting {
        async fn next(&mut self) -> Result<Page, Error> {
            self.left.remove(0)
        }
    }

    fn page(items: &[u32], last: bool) -> Page {
        let mut page = Page {
            last,
            ..Page::default()
        };
        for item in items {
            page.element().extend(item.to_string().bytes());
        }
        page
    }

    async fn text(first: Page, left: Vec<Result<Page, Error>>) -> Result<String, axum::Error> {
        let body = json_array(first, Counting { left });
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
        let body = text(page(&[1, 2], false), left).await.unwrap();
        assert_eq!(body, "[1,2,3,4]");
        assert_eq!(text(page(&[], true), Vec::new()).await.unwrap(), "[]");
        let left = vec![Ok(page(&[], true))];
        assert_eq!(text(page(&[7], false), left).await.unwrap(), "[7]");
    }

    #[tokio::test]
    async fn an_error_on_a_later_page_is_no_end() {
        let left = vec![Ok(page(&[3], false)), Err(Error::internal())];
        assert!(text(page(&[1, 2], false), left).await.is_err());
    }
}
