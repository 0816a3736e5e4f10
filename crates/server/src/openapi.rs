//! `GET /openapi.json`: this API, described for programs (OpenAPI 3.1).
//!
//! The description is the file `openapi.json` beside this one, with the script
//! alias that is configured. It tells nothing about what is stored, so anybody may
//! read it.
//!
//! DIFFERENCE: the original has nothing of the kind.

use axum::http::Method;
use axum::response::{IntoResponse, Response};

use crate::access_log::Answered;
use crate::dispatch::finish;
use crate::error::Error;

const DOCUMENT: &str = include_str!("openapi.json");

/// The address that stands in the file for that below the script alias.
const BELOW_ALIAS: &str = r#""url": "/esmond""#;

/// Returns the description of an archive with this script alias.
pub(crate) fn document(alias: &str) -> String {
    let path = format!("/{}", alias.trim_matches('/'));
    let address = serde_json::Value::from(path);
    DOCUMENT.replace(BELOW_ALIAS, &format!("\"url\": {address}"))
}

/// Answers `/openapi.json`.
pub(crate) async fn answer(method: Method, document: String) -> Response {
    let mut response = if method == Method::GET || method == Method::HEAD {
        document.into_response()
    } else {
        Error::method_not_allowed(&method).into_response()
    };
    finish(response.headers_mut(), Some("GET, HEAD"));
    response
        .extensions_mut()
        .insert(Answered::anonymous("openapi"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn servers(alias: &str) -> Value {
        let document: Value = serde_json::from_str(&document(alias)).unwrap();
        document["servers"][0]["url"].clone()
    }

    #[test]
    fn the_description_names_the_alias_that_is_configured() {
        assert_eq!(servers("esmond"), "/esmond");
        assert_eq!(servers("/a/b/"), "/a/b");
        assert_eq!(servers("a\"b"), "/a\"b");
        assert_eq!(servers("/"), "/");
    }

    #[test]
    fn the_description_has_the_version_of_the_archive() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
