//! Requests as values: built without a connection, so that they can be looked
//! at, logged and tested.

use std::fmt;

use esmond_ps_model::{ARCHIVE_PATH, MetadataFilters};
use http::Method;
use url::Url;

use crate::{Error, Result, limits};

/// A request: method, address and, where it writes, what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Complete address, with its query.
    pub url: Url,
    /// JSON that is written; requests that only read have none.
    pub body: Option<String>,
}

/// The address of an archive, from which all requests are built.
///
/// ```
/// use esmond_ps_client::request::ArchiveAddress;
/// let address = ArchiveAddress::parse("https://host.example/", "esmond")?;
/// assert_eq!(address.to_string(), "https://host.example/esmond/perfsonar/archive/");
/// # Ok::<(), esmond_ps_client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveAddress {
    /// Ends in a slash.
    root: Url,
}

/// One page of a series: both seconds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointsPage {
    /// First second, if it is bounded.
    pub start: Option<i64>,
    /// Last second, if it is bounded.
    pub end: Option<i64>,
    /// Largest number of points.
    pub limit: u64,
}

impl ArchiveAddress {
    /// Reads the address of an archive, as people give it: the host
    /// (`https://host/`), to which the script alias and the path of the archive
    /// are added, or the archive itself pasted from somewhere
    /// (`https://host/esmond/perfsonar/archive/`, also of one of its records),
    /// where the alias is not needed.
    ///
    /// Slashes at both ends of the alias do not count; an empty alias means
    /// that the archive has none.
    ///
    /// # Errors
    ///
    /// [`Error::ArchiveAddress`] for anything but an http or https address, and
    /// for one that holds a user or password.
    pub fn parse(address: &str, script_alias: &str) -> Result<Self> {
        let refused = |address: &str, reason: String| Error::ArchiveAddress {
            address: address.to_owned(),
            reason,
        };
        let text = address.trim();
        let mut url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                refused(text, "it must start with http:// or https://".to_owned())
            }
            error => refused(without_user(text), error.to_string()),
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "user and password do not belong in the address";
            return Err(refused(without_user(text), reason.to_owned()));
        }
        if !matches!(url.scheme(), "http" | "https") {
            let reason = "it must start with http:// or https://";
            return Err(refused(text, reason.to_owned()));
        }
        let path = url.path().trim_end_matches('/');
        let root = match archive_path_end(path) {
            Some(end) => format!("{}/", &path[..end]),
            None => match script_alias.trim().trim_matches('/') {
                "" => format!("{path}/{ARCHIVE_PATH}/"),
                alias => format!("{path}/{alias}/{ARCHIVE_PATH}/"),
            },
        };
        url.set_path(&root);
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { root: url })
    }

    /// Returns the address of the archive itself; it ends in a slash.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.root
    }

    /// Returns the request for a page of a metadata search, in the order:
    /// filters, `limit`, `offset` (left out when 0). A `limit` or `offset`
    /// among the filters is not sent.
    #[must_use]
    pub fn metadata_page(&self, filters: &MetadataFilters, limit: u64, offset: u64) -> Request {
        let mut url = self.root.clone();
        {
            let mut query = url.query_pairs_mut();
            for (name, value) in filters.to_query() {
                if name != "limit" && name != "offset" {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("limit", &limit.to_string());
            if offset > 0 {
                query.append_pair("offset", &offset.to_string());
            }
        }
        get(url)
    }

    /// Returns the request for the record with this key. Classic archives want
    /// a slash at the end (and redirect), perfSONAR 5 archives refuse it.
    #[must_use]
    pub fn metadata_by_key(&self, key: &str, slash: bool) -> Request {
        let segments = if slash { &[key, ""][..] } else { &[key] };
        get(self.below(segments))
    }

    /// Returns an address below that of the archive; each segment is encoded,
    /// and an empty one at the end makes a slash.
    pub(crate) fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Returns the request for a page of the series at an address that the
    /// archive gave.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn points_page(&self, uri: &str, page: PointsPage) -> Result<Request> {
        let mut url = self.resolve(uri)?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(start) = page.start {
                query.append_pair("time-start", &start.to_string());
            }
            if let Some(end) = page.end {
                query.append_pair("time-end", &end.to_string());
            }
            query.append_pair("limit", &page.limit.to_string());
        }
        Ok(get(url))
    }

    /// Returns the request for anything else on the archive: an address that it
    /// gave, or a path relative to the archive.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn raw(&self, uri: &str, parameters: &[(&str, &str)]) -> Result<Request> {
        let mut url = if uri.is_empty() {
            self.root.clone()
        } else {
            self.resolve(uri)?
        };
        for (name, value) in parameters {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(get(url))
    }

    /// Resolves an address that the archive gave against the archive's origin.
    ///
    /// DIFFERENCE: the original library puts it after the address that the
    /// user gave, also where that has a path.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignAddress`] when it is empty, malformed, or leads to
    /// another host, port or scheme: what an archive sends is not trusted to
    /// send us elsewhere.
    pub fn resolve(&self, uri: &str) -> Result<Url> {
        let refused = |reason| Error::ForeignAddress {
            archive: self.to_string(),
            address: uri.chars().filter(|c| !c.is_control()).take(200).collect(),
            reason,
        };
        if uri.is_empty() {
            return Err(refused("it is empty"));
        }
        if uri.len() > limits::ADDRESS {
            return Err(refused("it is too long"));
        }
        let mut url = self
            .root
            .join(uri)
            .map_err(|_| refused("it is malformed"))?;
        if url.origin() != self.root.origin() {
            return Err(refused("it leads to another host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a user or password"));
        }
        url.set_fragment(None);
        Ok(url)
    }
}

impl fmt::Display for ArchiveAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

fn get(url: Url) -> Request {
    Request {
        method: Method::GET,
        url,
        body: None,
    }
}

/// Returns where `/perfsonar/archive` ends in a path, when its segments are
/// there.
fn archive_path_end(path: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(position) = path[from..].find(ARCHIVE_PATH) {
        let start = from + position;
        let end = start + ARCHIVE_PATH.len();
        let is_start = path[..start].ends_with('/');
        let is_end = path[end..].is_empty() || path[end..].starts_with('/');
        if is_start && is_end {
            return Some(end);
        }
        from = end;
    }
    None
}

/// Returns what follows the user and password of an address that is being
/// refused, so that no message shows them.
fn without_user(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> ArchiveAddress {
        ArchiveAddress::parse("https://h.example", "esmond").unwrap()
    }

    #[test]
    fn addresses_are_read_as_people_give_them() {
        for (address, alias, root) in [
            ("http://h", "esmond", "http://h/esmond/perfsonar/archive/"),
            (
                "http://h/",
                "/esmond/",
                "http://h/esmond/perfsonar/archive/",
            ),
            ("http://h:8080//", "", "http://h:8080/perfsonar/archive/"),
            ("http://h", "/", "http://h/perfsonar/archive/"),
            (
                "http://[2001:db8::1]:80/",
                "a/b",
                "http://[2001:db8::1]/a/b/perfsonar/archive/",
            ),
            (
                "https://h/proxy/",
                "esmond",
                "https://h/proxy/esmond/perfsonar/archive/",
            ),
            (
                " https://h/esmond/perfsonar/archive ",
                "esmond",
                "https://h/esmond/perfsonar/archive/",
            ),
            (
                "https://h/esmond/perfsonar/archive/",
                "esmond",
                "https://h/esmond/perfsonar/archive/",
            ),
            (
                "https://h/esmond/perfsonar/archive/0a/?x=1#y",
                "esmond",
                "https://h/esmond/perfsonar/archive/",
            ),
            (
                "https://h/perfsonar/archive",
                "esmond",
                "https://h/perfsonar/archive/",
            ),
            (
                "https://h/other/perfsonar/archive/",
                "esmond",
                "https://h/other/perfsonar/archive/",
            ),
            (
                "https://h/perfsonar/archives",
                "esmond",
                "https://h/perfsonar/archives/esmond/perfsonar/archive/",
            ),
        ] {
            let parsed = ArchiveAddress::parse(address, alias).unwrap();
            assert_eq!(parsed.to_string(), root, "{address} {alias}");
        }
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_without_showing_a_password() {
        for (address, reason) in [
            ("h.example", "http://"),
            ("h.example:8080", "http://"),
            ("ftp://h", "http://"),
            ("http://", "empty host"),
            ("http://u:s3cret@h/", "user and password"),
            ("http://u:s3cret@h:x/", "port"),
            ("", "http://"),
        ] {
            let text = ArchiveAddress::parse(address, "esmond")
                .unwrap_err()
                .to_string();
            assert!(text.contains(reason), "{address}: {text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn a_search_keeps_the_order_of_its_filters_and_encodes_them() {
        let filters = MetadataFilters::new()
            .source("2001:db8::1")
            .parameter("tool-name", "a b/c&d=é")
            .time_start(5)
            .parameter("limit", "7")
            .parameter("ip-tos", "");
        let url = |offset| {
            archive()
                .metadata_page(&filters, 1000, offset)
                .url
                .to_string()
        };
        let first = "https://h.example/esmond/perfsonar/archive/?source=2001%3Adb8%3A%3A1\
                     &tool-name=a+b%2Fc%26d%3D%C3%A9&time-start=5&ip-tos=&limit=1000";
        assert_eq!(url(0), first);
        assert_eq!(url(2000), format!("{first}&offset=2000"));
    }

    #[test]
    fn a_page_of_points_is_asked_for_at_the_address_that_the_archive_gave() {
        // DIFFERENCE: the original library puts it after the address that the user
        // gave.
        let page = |start, end| PointsPage {
            start,
            end,
            limit: 1000,
        };
        for (uri, page, url) in [
            (
                "/esmond/perfsonar/archive/0a/throughput/base",
                page(Some(5), Some(9)),
                "https://h.example/esmond/perfsonar/archive/0a/throughput/base?time-start=5&time-end=9&limit=1000",
            ),
            (
                "/elsewhere/0a/x/averages/86400",
                page(None, Some(-9)),
                "https://h.example/elsewhere/0a/x/averages/86400?time-end=-9&limit=1000",
            ),
            (
                "https://h.example:443/x?format=json",
                page(Some(0), None),
                "https://h.example/x?format=json&time-start=0&limit=1000",
            ),
            (
                "0a/x/base/0",
                page(None, None),
                "https://h.example/esmond/perfsonar/archive/0a/x/base/0?limit=1000",
            ),
        ] {
            let request = archive().points_page(uri, page).unwrap();
            assert_eq!(request.method, Method::GET);
            assert_eq!(request.url.as_str(), url);
        }
    }

    #[test]
    fn an_address_that_leads_elsewhere_is_refused() {
        // DIFFERENCE: the original library does not look.
        for uri in [
            "",
            "http://h.example/x",
            "https://h.example:444/x",
            "//evil.example/x",
            "https://evil.example/esmond",
            "https://u:p@h.example/x",
            "file:///etc/passwd",
            "https://",
        ] {
            let error = archive().resolve(uri).unwrap_err();
            assert!(matches!(error, Error::ForeignAddress { .. }), "{uri}");
        }
    }

    #[test]
    fn a_key_cannot_leave_the_archive() {
        let url = |key, slash| archive().metadata_by_key(key, slash).url.to_string();
        let root = "https://h.example/esmond/perfsonar/archive/";
        assert_eq!(url("0a", false), format!("{root}0a"));
        assert_eq!(url("0a", true), format!("{root}0a/"));
        assert_eq!(url("../x?y", false), format!("{root}..%2Fx%3Fy"));
        assert!(url("..", false).starts_with(root.trim_end_matches('/')));
    }

    #[test]
    fn anything_else_is_asked_for_by_path_and_parameters() {
        let request = archive().raw("", &[("event-type", "failures")]).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://h.example/esmond/perfsonar/archive/?event-type=failures"
        );
        let request = archive().raw("0a/failures", &[]).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://h.example/esmond/perfsonar/archive/0a/failures"
        );
    }
}
