//! An archive, and the questions that it answers.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use esmond_ps_model::{Metadata, MetadataFilters};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::de::Error as _;
use serde_json::Value;

use crate::request::{ArchiveAddress, PointsPage};
use crate::search::Search;
use crate::transport::Transport;
use crate::{ArchiveBuilder, Dialect, Error, RawPoint, RequestEvent, Result, Test, limits};

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
    /// Set by the first record.
    pub(crate) dialect: OnceLock<Dialect>,
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

    /// Returns the kind of archive, as soon as a record has told it; nothing is
    /// asked for that.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        self.inner.dialect.get().copied()
    }

    /// Finds the tests that match all filters, in the archive's order, each of
    /// them once. In the original library this is `ApiConnect.get_metadata`.
    ///
    /// Pages are read as the stream is; a page is all that is held, plus the
    /// keys of the tests already seen. A `limit` among the filters sets the
    /// size of the pages. The stream ends with the first error.
    ///
    /// DIFFERENCE: filters that perfSONAR 5 archives answer wrongly (those of
    /// tools, names as given, summaries, parameters and some event types) are
    /// not left to them but applied here, by the rules of classic archives;
    /// there, `tool-name` matches without `pscheduler/`, too, and numbers match
    /// however they are written.
    /// Before the kind of the archive is known, that can take another request.
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
        let state = Search::new(self.clone(), filters, page_size);
        let archive = self.clone();
        let pages = stream::try_unfold(state, move |mut search| {
            let archive = archive.clone();
            async move {
                let Some(page) = search.next().await? else {
                    return Ok(None);
                };
                let tests: Vec<_> = page
                    .into_iter()
                    .map(|record| Test::new(archive.clone(), record))
                    .collect();
                Ok(Some((tests, search)))
            }
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
        refuse_long_names(
            address.metadata_by_key(key, false).url.as_str(),
            &record,
            "",
        )?;
        self.learn(&record);
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

    /// Learns from a record which kind of archive this is.
    fn learn(&self, record: &Metadata) {
        let dialect = Dialect::of(record);
        if self.inner.dialect.set(dialect).is_ok() {
            let event = RequestEvent::Recognised { dialect };
            self.inner.transport.observe(&event);
        }
    }

    pub(crate) async fn metadata_page(
        &self,
        filters: &MetadataFilters,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<Metadata>> {
        let request = self.inner.address.metadata_page(filters, limit, offset);
        let page: Vec<Metadata> = self.inner.transport.read(&request).await?;
        for (position, record) in page.iter().enumerate() {
            refuse_long_names(request.url.as_str(), record, &format!("[{position}]"))?;
        }
        self.inner.transport.observe(&RequestEvent::Page {
            url: request.url.as_str(),
            results: page.len(),
        });
        if let Some(record) = page.first() {
            self.learn(record);
        }
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

/// Refuses names that nobody could have given: they are remembered, sent back and
/// shown.
pub(crate) fn refuse_long_names(url: &str, record: &Metadata, place: &str) -> Result<()> {
    let is_long = |name: &str| name.len() > limits::NAME;
    let of_event_types = record.event_types.iter();
    let name = if is_long(&record.metadata_key) {
        "metadata-key"
    } else if of_event_types
        .flat_map(|entry| {
            let summaries = entry.summaries.iter();
            summaries
                .map(|summary| summary.summary_type.as_str())
                .chain([entry.event_type.as_str()])
        })
        .any(is_long)
    {
        "event-types"
    } else {
        return Ok(());
    };
    Err(Error::Json {
        url: url.to_owned(),
        path: format!("{place}.{name}"),
        source: serde_json::Error::custom("a name of more than 1000 bytes"),
    })
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
