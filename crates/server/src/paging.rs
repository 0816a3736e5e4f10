//! `limit` and `offset`, and the addresses of the pages before and after.
//!
//! DIFFERENCE: in data reads of the original the link to the next page is mostly
//! missing, and `limit=0` gives nothing.

use axum::http::HeaderValue;
use esmond_ps_model::integer;

use crate::query::Query;

/// How many elements a page has when nothing else is asked for.
const DEFAULT_LIMIT: u64 = 1500;

/// The slice of a list that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) limit: u64,
    pub(crate) offset: u64,
}

impl Paging {
    /// Reads the slice; zero, negative and non-numeric values are as if they
    /// were not given.
    pub(crate) fn from_query(query: &Query) -> Self {
        let number = |name| {
            query
                .get(name)
                .and_then(integer::parse_saturating)
                .and_then(|value| u64::try_from(value).ok())
                .filter(|value| *value > 0)
        };
        Self {
            limit: number("limit").unwrap_or(DEFAULT_LIMIT),
            offset: number("offset").unwrap_or(0),
        }
    }

    /// Returns where the next page starts.
    pub(crate) fn end(self) -> u64 {
        self.offset.saturating_add(self.limit)
    }

    /// Returns the addresses of the neighbouring pages. `url` is that of the
    /// request without its query, `more` tells whether the list goes on.
    pub(crate) fn links(self, url: &str, query: &Query, more: bool) -> Links {
        let page = |offset: u64| {
            let mut query = query.clone();
            query.set("limit", &self.limit.to_string());
            query.remove("offset");
            if offset > 0 {
                query.set("offset", &offset.to_string());
            }
            format!("{url}?{}", query.encoded())
        };
        Links {
            next: more.then(|| page(self.end())),
            previous: (self.offset > 0).then(|| page(self.offset.saturating_sub(self.limit))),
        }
    }
}

/// Addresses of the neighbouring pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Links {
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
}

impl Links {
    /// Returns the `Link` header, if there is a neighbour.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let links: Vec<String> = [(&self.next, "next"), (&self.previous, "prev")]
            .into_iter()
            .filter_map(|(url, relation)| Some(format!("<{}>; rel=\"{relation}\"", url.as_ref()?)))
            .collect();
        if links.is_empty() {
            return None;
        }
        HeaderValue::from_str(&links.join(", ")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(text: &str) -> Paging {
        Paging::from_query(&Query::parse(Some(text)))
    }

    #[test]
    fn odd_limits_and_offsets_are_as_if_they_were_not_given() {
        for text in [
            "",
            "limit=0",
            "limit=-1&offset=-1",
            "limit=abc&offset=x",
            "limit=2.5",
        ] {
            let expected = Paging {
                limit: 1500,
                offset: 0,
            };
            assert_eq!(paging(text), expected, "{text}");
        }
        assert_eq!(paging("limit=3&offset=6").end(), 9);
    }

    #[test]
    fn a_limit_beyond_64_bits_is_no_limit() {
        let paging = paging("limit=99999999999999999999&offset=5");
        assert_eq!(paging.limit, u64::try_from(i64::MAX).unwrap());
        assert!(paging.end() > paging.limit);
    }

    #[test]
    fn links_keep_the_filters_sorted_and_omit_an_offset_of_zero() {
        let query = Query::parse(Some("time-start=1&offset=3&limit=5&event-type=failures"));
        let links = Paging::from_query(&query).links("http://h/x/", &query, true);
        assert_eq!(
            links.header().unwrap().to_str().unwrap(),
            "<http://h/x/?event-type=failures&limit=5&offset=8&time-start=1>; rel=\"next\", \
             <http://h/x/?event-type=failures&limit=5&time-start=1>; rel=\"prev\""
        );
        let only = Query::default();
        let links = Paging::from_query(&only).links("http://h/x/", &only, false);
        assert_eq!(links.header(), None);
    }
}
