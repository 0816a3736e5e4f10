//! A metadata search, page by page, whichever kind of archive answers.
//!
//! Which kind it is shows in the first record. Until then a search goes out
//! with all its filters, which is right for classic archives. When the answer
//! turns out to be that of a perfSONAR 5 archive, or cannot be trusted before
//! that is known (nothing, or an error), the search starts again with the
//! filters that such an archive answers rightly; the others are applied here.

use esmond_ps_model::{Metadata, MetadataFilters};
use http::StatusCode;

use crate::listing::Listing;
use crate::selection::Selection;
use crate::{Archive, Dialect, Error, Result};

/// Records that are asked for to learn the kind of an archive. More than one:
/// perfSONAR 5 archives leave out some tests after counting them, such as all
/// those of a host whose address they could not find, and these may have run
/// last.
const FEW: u64 = 200;

/// A search that is under way.
#[derive(Debug)]
pub(crate) struct Search {
    archive: Archive,
    filters: MetadataFilters,
    selection: Selection,
    page_size: u64,
    listing: Listing,
    /// Whether only the filters that can be trusted are sent.
    narrow: bool,
}

impl Search {
    pub(crate) fn new(archive: Archive, filters: &MetadataFilters, page_size: u64) -> Self {
        let selection = Selection::of(filters);
        let narrow = archive.dialect() == Some(Dialect::PerfSonar5) && !selection.is_all_sent();
        Self {
            filters: filters.clone(),
            selection,
            page_size,
            listing: Listing::new(page_size),
            narrow,
            archive,
        }
    }

    /// Reads the next page: records that match, each once. A page may be
    /// empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Metadata>>> {
        let Some((limit, offset)) = self.listing.next_page() else {
            return Ok(None);
        };
        let filters = if self.narrow {
            self.selection.sent()
        } else {
            &self.filters
        };
        let mut answer = self.archive.metadata_page(filters, limit, offset).await;
        if !self.narrow && offset == 0 && !self.selection.is_all_sent() {
            answer = self.judge(answer).await?;
            if self.narrow {
                return Ok(Some(Vec::new()));
            }
        }
        let mut page = self.listing.accept(answer?);
        if let Some(reason) = self.listing.endless() {
            return Err(Error::Endless {
                url: self.archive.address().to_string(),
                reason,
            });
        }
        if self.narrow {
            page.retain(|record| self.selection.matches(record));
            // The counts of the archive are not those of this search.
            page.iter_mut().for_each(|record| record.paging = None);
        }
        Ok(Some(page))
    }

    /// Looks at the first answer to all filters: either it stands, or the
    /// search starts again with those that can be trusted.
    async fn judge(&mut self, answer: Result<Vec<Metadata>>) -> Result<Result<Vec<Metadata>>> {
        let is_trusted = match &answer {
            Ok(page) => !page.is_empty(),
            Err(error) => !is_about_the_query(error),
        };
        if !is_trusted && self.archive.dialect().is_none() {
            let probe = self.archive.metadata_page(self.selection.sent(), FEW, 0);
            match (probe.await, &answer) {
                // Where fewer filters find nothing, more of them find nothing.
                (Ok(page), Err(error)) if page.is_empty() && is_server_error(error) => {
                    return Ok(Ok(page));
                }
                (Ok(_), _) => {}
                (Err(_), Err(_)) => return Ok(answer),
                // Nothing found, but nobody knows whether that is true.
                (Err(error), Ok(_)) => return Err(error),
            }
        }
        if self.archive.dialect() == Some(Dialect::PerfSonar5) {
            self.narrow = true;
            self.listing = Listing::new(self.page_size);
        }
        Ok(answer)
    }
}

/// Tells whether a perfSONAR 5 archive answers this way to filters that it
/// cannot deal with.
fn is_about_the_query(error: &Error) -> bool {
    error.status() == Some(StatusCode::BAD_REQUEST) || is_server_error(error)
}

fn is_server_error(error: &Error) -> bool {
    error.status() == Some(StatusCode::INTERNAL_SERVER_ERROR)
}
