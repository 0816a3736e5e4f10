//! Requests that write.

use http::Method;

use crate::post::NewMetadata;
use crate::request::{ArchiveAddress, Request};
use crate::{Result, post::buffer::Bulk};

/// Addresses end in a slash where classic archives redirect without it: a
/// request that writes is lost in a redirect.
impl ArchiveAddress {
    /// Returns the request that creates a test.
    ///
    /// # Errors
    ///
    /// As [`NewMetadata::to_json`].
    pub fn new_metadata(&self, metadata: &NewMetadata) -> Result<Request> {
        Ok(Request {
            method: Method::POST,
            url: self.url().clone(),
            body: Some(metadata.to_json()?.to_string()),
        })
    }

    /// Returns the request that stores one point, its value being JSON.
    #[must_use]
    pub(crate) fn new_point(&self, key: &str, event_type: &str, ts: i64, value: &str) -> Request {
        Request {
            method: Method::POST,
            url: self.below(&[key, event_type, "base"]),
            body: Some(format!(r#"{{"ts":{ts},"val":{value}}}"#)),
        }
    }

    /// Returns the request that stores points in bulk.
    #[must_use]
    pub(crate) fn bulk(&self, key: &str, bulk: &Bulk) -> Request {
        Request {
            method: Method::PUT,
            url: self.below(&[key, ""]),
            body: Some(bulk.body.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_or_an_event_type_cannot_leave_the_archive() {
        let archive = ArchiveAddress::parse("http://h", "/").unwrap();
        let url = |key, event_type| archive.new_point(key, event_type, 1, "1").url.to_string();
        let root = "http://h/perfsonar/archive";
        assert_eq!(
            url("0a", "throughput"),
            format!("{root}/0a/throughput/base")
        );
        assert_eq!(url("a/b?c", "#"), format!("{root}/a%2Fb%3Fc/%23/base"));
        assert!(url("..", "..").starts_with(root));
    }
}
