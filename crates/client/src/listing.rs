//! Reading a metadata search to its end, page by page.
//!
//! The offset grows by what was asked for, never by what came: perfSONAR 5
//! archives leave out records after counting them. Their list is in order of
//! the last run and moves while it is being read, so keys that come again are
//! dropped, and a list of several pages is read again until that brings nothing
//! new; the keys are all that is remembered.
//!
//! DIFFERENCE: the original library goes on by the size of the first page, and
//! so gives tests of perfSONAR 5 archives twice.
//!
//! Pure: what to ask next, and what to make of the answer.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use esmond_ps_model::Metadata;
use esmond_ps_model::metadata::Paging;

use crate::{Dialect, limits};

/// Up to here the total of a perfSONAR 5 archive can be relied upon: it is
/// OpenSearch's count of distinct values, which is approximate above its
/// default threshold.
const EXACT_TOTAL: u64 = 3_000;

/// Most times that a list is read again for tests that have moved.
const MOST_PASSES: u32 = 4;

/// How far the reading of a search has come.
#[derive(Debug)]
pub(crate) struct Listing {
    limit: u64,
    offset: u64,
    seen: Seen,
    dialect: Option<Dialect>,
    /// What the archive told last.
    total: Option<u64>,
    /// Passes before this one.
    passes: u32,
    /// Pages of this pass that held anything.
    pages: u32,
    /// Whether this pass brought anything new.
    has_news: bool,
    /// Pages in a row, this pass and those before, without anything new.
    without_news: u32,
    finished: bool,
}

/// Keys of tests. They may be of any length, and there may be many: what is kept
/// of each is sixteen bytes that an archive cannot foresee.
#[derive(Debug, Default)]
struct Seen {
    hashers: [RandomState; 2],
    keys: HashSet<[u64; 2]>,
}

impl Seen {
    /// Tells whether a key is new.
    fn insert(&mut self, key: &str) -> bool {
        let hash = self.hashers.each_ref().map(|hasher| hasher.hash_one(key));
        self.keys.insert(hash)
    }
}

impl Listing {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            offset: 0,
            seen: Seen::default(),
            dialect: None,
            total: None,
            passes: 0,
            pages: 0,
            has_news: false,
            without_news: 0,
            finished: false,
        }
    }

    /// Returns limit and offset of the next page; `None` at the end.
    pub(crate) fn next_page(&self) -> Option<(u64, u64)> {
        (!self.finished).then_some((self.limit, self.offset))
    }

    /// Says why the list is to be taken for one without an end, if it is.
    pub(crate) fn endless(&self) -> Option<&'static str> {
        let found = u64::try_from(self.seen.keys.len()).unwrap_or(u64::MAX);
        if found > limits::TESTS {
            Some("there are more than 1000000 tests")
        } else if self.without_news > limits::PAGES_WITHOUT_NEWS {
            Some("more than 1000 of them brought nothing new")
        } else {
            None
        }
    }

    /// Takes the answer and returns its records without those seen before.
    pub(crate) fn accept(&mut self, mut page: Vec<Metadata>) -> Vec<Metadata> {
        let paging = page.first().and_then(|first| first.paging.clone());
        if let Some(first) = page.first() {
            self.dialect.get_or_insert(Dialect::of(first));
            self.total = paging.as_ref().map(|paging| paging.total);
            self.pages += 1;
        }
        let was_empty = page.is_empty();
        self.offset = self.offset.saturating_add(self.step(paging.as_ref()));
        page.retain(|record| self.seen.insert(&record.metadata_key));
        self.has_news |= !page.is_empty();
        self.without_news = match page.len() {
            0 => self.without_news + 1,
            _ => 0,
        };

        let is_behind = |total| self.offset >= total;
        let is_end = if was_empty && self.dialect != Some(Dialect::PerfSonar5) {
            true
        } else if page.is_empty() {
            // Repeated keys only, or all of the page left out: with more to
            // come by the archive's own count, or else there is no more.
            self.total.is_none_or(is_behind)
        } else {
            self.total
                .filter(|total| self.is_exact(*total))
                .is_some_and(is_behind)
        };
        if is_end {
            self.end_pass();
        }
        page
    }

    /// At the end of a list that moves, what has moved from the part that was
    /// still to be read to the part that was read is missing: the list is read
    /// again until that brings nothing new.
    fn end_pass(&mut self) {
        let moves = self.dialect == Some(Dialect::PerfSonar5) && self.pages > 1;
        if moves && self.has_news && self.passes < MOST_PASSES {
            self.offset = 0;
            self.passes += 1;
            self.pages = 0;
            self.has_news = false;
        } else {
            self.finished = true;
        }
    }

    fn is_exact(&self, total: u64) -> bool {
        self.dialect != Some(Dialect::PerfSonar5) || total <= EXACT_TOTAL
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
    fn a_list_that_promises_more_for_ever_ends() {
        // Records that come again, and pages of which all is left out.
        for perfsonar_5 in [false, true] {
            let mut listing = Listing::new(2);
            let mut pages = 0;
            while listing.endless().is_none() {
                assert!(listing.next_page().is_some() && pages < 2_000);
                pages += 1;
                listing.accept(match perfsonar_5 {
                    true if pages > 1 => vec![],
                    true => moving(&[1, 2], u64::MAX >> 1),
                    false => vec![record("a", Some(u64::MAX >> 1), None)],
                });
            }
        }
        // Ever new ones.
        let mut listing = Listing::new(1000);
        for page in 0_u64.. {
            if listing.endless().is_some() {
                assert_eq!(page, 11);
                break;
            }
            let first = page * 100_000;
            let keys = (first..first + 100_000).map(|key| record(&key.to_string(), None, None));
            assert_eq!(listing.accept(keys.collect()).len(), 100_000);
        }
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

    fn moving(keys: &[u64], total: u64) -> Vec<Metadata> {
        keys.iter()
            .map(|key| record(&format!("{key:064x}"), Some(total), None))
            .collect()
    }

    #[test]
    fn a_test_that_moves_to_the_front_meanwhile_is_not_missed() {
        // DIFFERENCE: the original library misses it.
        let mut listing = Listing::new(2);
        assert_eq!(listing.accept(moving(&[1, 2], 4)).len(), 2);
        // 4 ran, and is first now.
        assert_eq!(listing.accept(moving(&[2, 3], 4)).len(), 1);
        assert_eq!(listing.next_page(), Some((2, 0)));
        assert_eq!(listing.accept(moving(&[4, 1], 4)).len(), 1);
        assert_eq!(listing.accept(moving(&[2, 3], 4)).len(), 0);
        // That pass brought something, so there may be more.
        assert_eq!(listing.next_page(), Some((2, 0)));
        listing.accept(moving(&[4, 1], 4));
        listing.accept(moving(&[2, 3], 4));
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn a_list_of_one_page_is_read_once() {
        let mut listing = Listing::new(2);
        listing.accept(moving(&[1, 2], 2));
        assert_eq!(listing.next_page(), None);
    }

    #[test]
    fn a_list_that_never_rests_ends() {
        let mut listing = Listing::new(2);
        let mut next = 0;
        while listing.next_page().is_some() {
            next += 2;
            assert!(next < 100);
            listing.accept(moving(&[next, next + 1], 4));
        }
    }

    #[test]
    fn a_page_of_which_all_is_left_out_is_not_the_end() {
        let mut listing = Listing::new(2);
        listing.accept(moving(&[1, 2], 6));
        assert_eq!(listing.accept(vec![]), []);
        assert_eq!(listing.next_page(), Some((2, 4)));
        assert_eq!(listing.accept(moving(&[3], 6)).len(), 1);
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
