//! An archive, and the questions that it answers.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use esmond_ps_model::{Metadata, MetadataFilters};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::listing::Listing;
use crate::request::{ArchiveAddress, PointsPage};
use crate::transport::Transport;
use crate::{ArchiveBuilder, RawPoint, RequestEvent, Result, Test};

/// A measurement archive.
///
/// Cheap to clone: clones share one pool of connections. In the original
/// library this is `ApiConnect`.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) address: ArchiveAddress,
    pub(crate) transport: Transport,
    pub(crate) page_size: u64,
}

impl Archive {
    /// Starts the settings of a connection to the archive on this host, such as
    /// `https://host/`; see [`ArchiveBuilder`].
    #[must_use]
    pub fn builder(address: impl Into<String>) -> ArchiveBuilder {
        ArchiveBuilder::new(address.into())
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the address of the archive.
    #[must_use]
    pub fn address(&self) -> &ArchiveAddress {
        &self.inner.address
    }

    /// Returns how many points or records are asked for at a time.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        self.inner.page_size
    }

    /// Finds the tests that match all filters, in the archive's order, each of
    /// them once. In the original library this is `ApiConnect.get_metadata`.
    ///
    /// Pages are read as the stream is; a page is all that is held, plus the
    /// keys of the tests already seen. A `limit` among the filters sets the
    /// size of the pages. The stream ends with the first error.
    ///
    /// # Errors
    ///
    /// Any [`Error`](crate::Error) of reading a page.
    pub fn metadata(&self, filters: &MetadataFilters) -> BoxStream<'static, Result<Test>> {
        let page_size = filters
            .get("limit")
            .and_then(|text| text.parse().ok())
            .filter(|limit| *limit > 0)
            .unwrap_or(self.inner.page_size);
        let state = (self.clone(), filters.clone(), Listing::new(page_size));
        let pages = stream::try_unfold(state, |(archive, filters, mut listing)| async move {
            let Some((limit, offset)) = listing.next_page() else {
                return Ok(None);
            };
            let page = archive.metadata_page(&filters, limit, offset).await?;
            let tests: Vec<_> = listing
                .accept(page)
                .into_iter()
                .map(|record| Test::new(archive.clone(), record))
                .collect();
            Ok(Some((tests, (archive, filters, listing))))
        });
        flatten(pages)
    }

    /// Reads the test with this key.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](crate::Error::is_not_found) when the archive has no such
    /// test, or any other [`Error`](crate::Error) of reading.
    pub async fn metadata_by_key(&self, key: &str) -> Result<Test> {
        let Inner {
            address, transport, ..
        } = &*self.inner;
        let answer = transport.read(&address.metadata_by_key(key, false)).await;
        let record: Metadata = match answer {
            Err(error) if error.is_not_found() => {
                transport.read(&address.metadata_by_key(key, true)).await?
            }
            answer => answer?,
        };
        Ok(Test::new(self.clone(), record))
    }

    /// Reads anything else as JSON: an address that the archive gave, or a path
    /// relative to the archive (the empty one is the archive itself).
    ///
    /// ```no_run
    /// # async fn example(archive: esmond_ps_client::Archive) -> esmond_ps_client::Result<()> {
    /// let listing = archive.get_json("0a1b2c/throughput", &[("format", "json")]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ForeignAddress`](crate::Error::ForeignAddress) for an address on
    /// another host, or any other [`Error`](crate::Error) of reading.
    pub async fn get_json(&self, uri: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let request = self.inner.address.raw(uri, parameters)?;
        self.inner.transport.read(&request).await
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    async fn metadata_page(
        &self,
        filters: &MetadataFilters,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<Metadata>> {
        let request = self.inner.address.metadata_page(filters, limit, offset);
        let page: Vec<Metadata> = self.inner.transport.read(&request).await?;
        self.inner.transport.observe(&RequestEvent::Page {
            url: request.url.as_str(),
            results: page.len(),
        });
        Ok(page)
    }

    /// Reads one page of points; returns them and the size of the answer.
    /// Counts every attempt in `requests`.
    pub(crate) async fn points_page(
        &self,
        uri: &str,
        page: PointsPage,
        requests: &mut u64,
    ) -> Result<(Vec<RawPoint>, usize)> {
        let request = self.inner.address.points_page(uri, page)?;
        let body = self.inner.transport.fetch(&request, requests).await?;
        let size = body.len();
        let points = RawPoint::parse_page(request.url.as_str(), body)?;
        self.inner.transport.observe(&RequestEvent::Page {
            url: request.url.as_str(),
            results: points.len(),
        });
        Ok((points, size))
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("address", &self.inner.address.to_string())
            .finish_non_exhaustive()
    }
}

/// Turns a stream of pages into one of their items.
pub(crate) fn flatten<T: Send + 'static>(
    pages: impl stream::Stream<Item = Result<Vec<T>>> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    pages
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// Returns the current Unix time in seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
