//! Request bodies.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::error::Error;

/// How much of a body that cannot be read is repeated in the refusal.
const SHOWN_CHARACTERS: usize = 200;

/// Reads a whole body.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, Error> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::too_large(limit)),
        Err(error) => Err(Error::bad_request(format!(
            "Request body could not be read: {error}"
        ))),
    }
}

/// Reads the body of a metadata request: JSON, or a form.
pub(crate) fn metadata(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let media_type = media_type(headers);
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        return Ok(Value::Object(fields.collect()));
    }
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::unsupported_media_type(&media_type));
    }
    // DIFFERENCE: the parser's words are those of another parser.
    serde_json::from_slice(bytes)
        .map_err(|error| Error::bad_request(format!("JSON parse error - {error}")))
}

/// Reads the body of a data request.
pub(crate) fn data(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Error> {
    if !media_type(headers).starts_with("application/json") {
        return Err(Error::bad_request(
            "Must post content-type: application/json header and json-formatted payload.",
        ));
    }
    if bytes.is_empty() {
        return Err(Error::bad_request("No data payload POSTed."));
    }
    decoded(bytes)
        .and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| undecodable(bytes))
}

/// The refusal of a body that is not what it should be.
///
/// DIFFERENCE: the original shows the whole body, as a Python bytes literal;
/// ours its beginning, as text.
pub(crate) fn undecodable(bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Error::bad_request(format!(
        "POST data payload could not be decoded to a JSON object - given: {shown}"
    ))
}

fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// Decodes UTF-8, or UTF-16 that says so with a byte order mark.
fn decoded(bytes: &[u8]) -> Option<String> {
    let units: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let text = std::str::from_utf8(bytes).ok()?;
            return Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned());
        }
    };
    let (pairs, rest) = bytes.get(2..)?.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|pair| units(*pair)))
        .collect::<Result<_, _>>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::json;

    fn typed(media_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))])
    }

    #[test]
    fn data_may_come_in_utf_16_and_with_a_byte_order_mark() {
        let json_type = typed("application/json");
        let utf_16: Vec<u8> = "\u{feff}[\"é\"]"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(data(&json_type, &utf_16).unwrap(), json!(["é"]));
        assert!(data(&json_type, &utf_16[..5]).is_err());
        assert_eq!(data(&json_type, b"\xef\xbb\xbf[]").unwrap(), json!([]));
    }

    #[test]
    fn a_large_body_that_is_no_json_is_not_repeated_whole() {
        let body = "é".repeat(100_000);
        let error = data(&typed("application/json"), body.as_bytes()).unwrap_err();
        assert!(error.to_string().len() < 1000, "{error}");
    }

    #[test]
    fn documents_too_deep_for_the_parser_are_refused() {
        let body = "[".repeat(100_000) + &"]".repeat(100_000);
        let json_type = typed("application/json");
        assert!(data(&json_type, body.as_bytes()).is_err());
        assert!(metadata(&json_type, body.as_bytes()).is_err());
    }

    #[test]
    fn nan_is_no_json() {
        assert!(data(&typed("application/json"), b"{\"ts\":1,\"val\":NaN}").is_err());
    }
}
