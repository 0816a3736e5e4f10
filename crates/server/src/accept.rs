//! Content negotiation: the archive speaks JSON, and only that.
//!
//! DIFFERENCE: the original answers browsers with HTML pages; ours gives them
//! JSON.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::error::Error;
use crate::query::Query;

const ACCEPTED: [&str; 5] = [
    "*/*",
    "application/*",
    "application/json",
    "text/*",
    "text/html",
];

/// Checks that the client takes what it will get.
pub(crate) fn check(query: &Query, headers: &HeaderMap) -> Result<(), Error> {
    if !matches!(query.get("format"), None | Some("" | "json" | "api")) {
        return Err(Error::not_found());
    }
    let mut given = headers.get_all(ACCEPT).iter().peekable();
    let acceptable = given.peek().is_none()
        || given
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|range| {
                let range = range.split(';').next().unwrap_or_default().trim();
                ACCEPTED.iter().any(|name| range.eq_ignore_ascii_case(name))
            });
    if acceptable {
        Ok(())
    } else {
        Err(Error::not_acceptable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, StatusCode};

    fn status(format: &str, accept: Option<&'static str>) -> Option<StatusCode> {
        let headers = accept
            .map(|value| (ACCEPT, HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        check(&Query::parse(Some(format)), &headers)
            .err()
            .map(|error| error.status())
    }

    #[test]
    fn whoever_takes_json_or_html_is_answered() {
        // DIFFERENCE: browsers get JSON, too.
        for accept in [
            "*/*",
            "application/json; indent=2",
            "Application/JSON",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/*",
        ] {
            assert_eq!(status("", Some(accept)), None, "{accept}");
        }
        assert_eq!(status("", None), None);
        for accept in ["application/xml", "", "bogus"] {
            let refused = Some(StatusCode::NOT_ACCEPTABLE);
            assert_eq!(status("", Some(accept)), refused, "{accept}");
        }
    }

    #[test]
    fn an_unknown_format_is_not_found() {
        assert_eq!(status("format=json", None), None);
        assert_eq!(status("format=", None), None);
        assert_eq!(status("format=xml", None), Some(StatusCode::NOT_FOUND));
    }
}
