//! Reading a metadata search to its end, page by page.
//!
//! The offset grows by what was asked for, never by what came: perfSONAR 5
//! archives leave out records after counting them. Their list is in order of
//! the last run and moves while it is being read, so keys that come again are
//! dropped; the keys are all that is remembered.
//!
//! DIFFERENCE: the original library goes on by the size of the first page, and
//! so gives tests of perfSONAR 5 archives twice.
//!
//! Pure: what to ask next, and what to make of the answer.

use std::collections::HashSet;

use esmond_ps_model::Metadata;
use esmond_ps_model::metadata::Paging;

use crate::Dialect;

/// Up to here the total of a perfSONAR 5 archive can be relied upon: it is
/// OpenSearch's count of distinct values, which is approximate above its
/// default threshold.
const EXACT_TOTAL: u64 = 3_000;

/// How far the reading of a search has come.
#[derive(Debug)]
pub(crate) struct Listing {
    limit: u64,
    offset: u64,
    seen: HashSet<String>,
    finished: bool,
}

impl Listing {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            offset: 0,
            seen: HashSet::new(),
            finished: false,
        }
    }

    /// Returns limit and offset of the next page; `None` at the end.
    pub(crate) fn next_page(&self) -> Option<(u64, u64)> {
        (!self.finished).then_some((self.limit, self.offset))
    }

    /// Takes the answer and returns its records without those seen before.
    pub(crate) fn accept(&mut self, mut page: Vec<Metadata>) -> Vec<Metadata> {
        let Some(first) = page.first() else {
            self.finished = true;
            return page;
        };
        let paging = first.paging.clone();
        let is_exact = |total| match Dialect::of(first) {
            Dialect::Classic => true,
            Dialect::PerfSonar5 => total <= EXACT_TOTAL,
        };
        let total = paging.as_ref().map(|paging| paging.total);
        let reliable_total = total.filter(|total| is_exact(*total));

        self.offset = self.offset.saturating_add(self.step(paging.as_ref()));
        page.retain(|record| self.seen.insert(record.metadata_key.clone()));
        self.finished = if page.is_empty() {
            // Repeated keys only: with more to come by the archive's own
            // count, or else it does not know offsets.
            total.is_none_or(|total| self.offset >= total)
        } else {
            reliable_total.is_some_and(|total| self.offset >= total)
        };
        page
    }

    /// Returns how far to go: by the limit asked for, or less where the archive
    /// says that its pages are smaller. Nothing else in its links is used,
    /// since behind a proxy their host may be wrong.
    fn step(&self, paging: Option<&Paging>) -> u64 {
        let next = paging.and_then(|paging| paging.next.as_deref());
        next.and_then(offset_of)
            .and_then(|offset| offset.checked_sub(self.offset))
            .filter(|step| (1..self.limit).contains(step))
            .unwrap_or(self.limit)
    }
}

fn offset_of(link: &str) -> Option<u64> {
    let (_, query) = link.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "offset")
        .and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(key: &str, total: Option<u64>, next: Option<&str>) -> Metadata {
        let mut record = json!({"metadata-key": key});
        if let Some(total) = total {
            record["metadata-count-total"] = json!(total);
            record["metadata-next-page"] = json!(next);
        }
        serde_json::from_value(record).unwrap()
    }

    fn keys(page: &[Metadata]) -> Vec<&str> {
        page.iter()
            .map(|record| record.metadata_key.as_str())
            .collect()
    }

    #[test]
    fn the_offset_grows_by_what_was_asked_for() {
        // DIFFERENCE: the original goes on by what came on the first page.
        let mut listing = Listing::new(3);
        listing.accept(vec![record("a", Some(8), None), record("b", None, None)]);
        assert_eq!(listing.next_page(), Some((3, 3)));
        listing.accept(vec![record("c", Some(8), None)]);
        assert_eq!(listing.next_page(), Some((3, 6)));
        listing.accept(vec![record("d", Some(8), None)]);
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn without_a_total_an_empty_page_is_the_end() {
        let mut listing = Listing::new(2);
        listing.accept(vec![record("a", None, None)]);
        assert_eq!(listing.next_page(), Some((2, 2)));
        assert_eq!(listing.accept(vec![]), []);
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn keys_that_come_again_are_dropped() {
        let mut listing = Listing::new(2);
        listing.accept(vec![record("a", Some(6), None), record("b", None, None)]);
        let page = listing.accept(vec![record("b", Some(6), None), record("c", None, None)]);
        assert_eq!(keys(&page), ["c"]);
        let page = listing.accept(vec![record("b", Some(7), None), record("c", None, None)]);
        assert!(page.is_empty());
        assert_eq!(listing.next_page(), Some((2, 6)));
    }

    #[test]
    fn an_archive_that_does_not_know_offsets_does_not_loop() {
        let mut listing = Listing::new(2);
        listing.accept(vec![record("a", None, None)]);
        assert!(listing.accept(vec![record("a", None, None)]).is_empty());
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn a_list_that_shrinks_ends() {
        let mut listing = Listing::new(2);
        listing.accept(vec![record("a", Some(5), None), record("b", None, None)]);
        listing.accept(vec![record("c", Some(3), None)]);
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn a_large_total_of_a_perfsonar_5_archive_is_not_the_last_word() {
        let key = |n: u64| format!("{n:064x}");
        let mut listing = Listing::new(4_000);
        listing.accept(vec![record(&key(1), Some(3_900), None)]);
        assert_eq!(listing.next_page(), Some((4_000, 4_000)));
        let mut listing = Listing::new(4_000);
        listing.accept(vec![record(&key(1), Some(2_000), None)]);
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn an_archive_with_smaller_pages_is_followed() {
        let next = "http://wrong.example/?limit=2&offset=2";
        let mut listing = Listing::new(1000);
        listing.accept(vec![
            record("a", Some(3), Some(next)),
            record("b", None, None),
        ]);
        assert_eq!(listing.next_page(), Some((1000, 2)));
    }
}
