//! Request bodies.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::time::timeout;
use tower_http::timeout::TimeoutError;
use url::form_urlencoded;

use crate::error::Error;
use crate::limits::SMALL;

/// How much of a body that cannot be read is repeated in the refusal.
const SHOWN_CHARACTERS: usize = 200;

/// How long a body may take, however steadily it comes.
const WHOLE: Duration = Duration::from_secs(600);

/// Most JSON values in a body. Each takes some hundred bytes of memory, however
/// few it takes in the body; six of them are a point of a bulk write.
const VALUES: usize = 4_000_000;

/// Most JSON values, or fields of a form, in a metadata request.
const METADATA_VALUES: usize = 10_000;

/// Longest body of a metadata request, in bytes: what it says is in every list.
pub(crate) const METADATA: usize = 1 << 20;

/// Reads a whole body. One that is announced as too long is not waited for.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |it| it > limit)) {
        return Err(Error::too_large(limit));
    }
    let Ok(read) = timeout(WHOLE, Limited::new(body, limit).collect()).await else {
        return Err(Error::timed_out());
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::too_large(limit)),
        Err(error) if is_stalled(error.as_ref()) => Err(Error::timed_out()),
        Err(error) => Err(Error::bad_request(format!(
            "Request body could not be read: {error}"
        ))),
    }
}

/// Reads what a body of some length says: where it came when it is small, which
/// takes less than a millisecond, else outside the async threads.
pub(crate) async fn reading<T: Send + 'static>(
    length: usize,
    reading: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if length <= SMALL {
        return reading();
    }
    let read = tokio::task::spawn_blocking(reading).await;
    read.unwrap_or_else(|error| {
        tracing::error!("reading a body: {error}");
        Err(Error::internal())
    })
}

/// Refuses more JSON values than there may be, before they take memory.
fn few_enough(json: &[u8], most: usize) -> Result<(), Error> {
    // Each but the first takes a byte at least.
    if json.len() < most {
        return Ok(());
    }
    let (mut count, mut in_text, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            b'"' if !escaped => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped;
    }
    if count > most {
        return Err(Error::too_many_values(most));
    }
    Ok(())
}

/// Tells whether a body could not be read since nothing more of it came.
fn is_stalled(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<TimeoutError>)
}

/// Reads the body of a metadata request: JSON, or a form.
pub(crate) fn metadata(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let media_type = media_type(headers);
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        if bytes.iter().filter(|byte| **byte == b'&').count() >= METADATA_VALUES {
            return Err(Error::too_many_values(METADATA_VALUES));
        }
        let fields = form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        return Ok(Value::Object(fields.collect()));
    }
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::unsupported_media_type(&media_type));
    }
    few_enough(bytes, METADATA_VALUES)?;
    // DIFFERENCE: the parser's words are those of another parser.
    let value = serde_json::from_slice(bytes)
        .map_err(|error| Error::bad_request(format!("JSON parse error - {error}")))?;
    refuse_private_names(bytes)?;
    Ok(value)
}

/// Checks that the body of a data request is said to be JSON.
pub(crate) fn said_to_be_json(headers: &HeaderMap) -> Result<(), Error> {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if media_type.is_some_and(|media_type| media_type.starts_with(b"application/json")) {
        return Ok(());
    }
    Err(Error::bad_request(
        "Must post content-type: application/json header and json-formatted payload.",
    ))
}

/// Returns the text of a data request.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    if bytes.is_empty() {
        return Err(Error::bad_request("No data payload POSTed."));
    }
    let text = decoded(bytes).ok_or_else(|| undecodable(bytes))?;
    few_enough(text.as_bytes(), VALUES)?;
    Ok(text)
}

/// Reads what the text of a data request says; `bytes` are the text as it came.
///
/// DIFFERENCE: NaN and infinities are no JSON; the original takes them.
pub(crate) fn data(text: &str, bytes: &[u8]) -> Result<Value, Error> {
    let value = serde_json::from_str(text).map_err(|_| undecodable(bytes))?;
    refuse_private_names(text.as_bytes())?;
    Ok(value)
}

/// Reads the body of a request that is one JSON object, whatever it is said to be.
pub(crate) fn result(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let refused = |what: &dyn std::fmt::Display| {
        Error::bad_request(format!("The request must be one JSON object: {what}"))
    };
    let text = decoded(bytes).ok_or_else(|| refused(&"it is no text in UTF-8"))?;
    few_enough(text.as_bytes(), VALUES)?;
    let value = serde_json::from_str(&text).map_err(|error| refused(&error))?;
    refuse_private_names(text.as_bytes())?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Array(_) => Err(refused(&"it is a list; send each result by itself")),
        _ => Err(refused(&"it is a single value")),
    }
}

/// Refuses objects with names by which the parser hands numbers with all their
/// digits to itself: it takes `{"$serde_json::private::Number": "1"}` for the
/// number 1, and such an object would be altered in silence.
///
/// `json` is a document that the parser has taken.
///
/// DIFFERENCE: to the original these are names like others.
pub(crate) fn refuse_private_names(json: &[u8]) -> Result<(), Error> {
    let mut rest = json;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let length = text_length(&rest[start + 1..]);
        let (text, after) = rest[start..].split_at(length + 2);
        rest = after;
        let is_name = rest.trim_ascii_start().starts_with(b":");
        // The name may be spelled with escapes, but it has its length.
        if is_name && text.len() >= PRIVATE_NAMES.len() + 2 && is_private(text) {
            return Err(Error::bad_request(format!(
                "Names must not begin with {PRIVATE_NAMES}"
            )));
        }
    }
    Ok(())
}

const PRIVATE_NAMES: &str = "$serde_json::private::";

/// Returns how long a JSON text is, from after its first quote to its last.
fn text_length(after_quote: &[u8]) -> usize {
    let mut escaped = false;
    let end = after_quote.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(after_quote.len().saturating_sub(1))
}

fn is_private(quoted: &[u8]) -> bool {
    // A text without escapes begins as it is spelled.
    match quoted.get(1) {
        Some(b'$' | b'\\') => serde_json::from_slice::<String>(quoted)
            .is_ok_and(|name| name.starts_with(PRIVATE_NAMES)),
        _ => false,
    }
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
fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let units: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let text = std::str::from_utf8(bytes).ok()?;
            return Some(text.strip_prefix('\u{feff}').unwrap_or(text).into());
        }
    };
    let (pairs, rest) = bytes.get(2..)?.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|pair| units(*pair)))
        .collect::<Result<String, _>>()
        .ok()
        .map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn typed(media_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))])
    }

    /// Reads the body of a data request.
    fn data(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Error> {
        said_to_be_json(headers)?;
        super::data(&text(bytes)?, bytes)
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
        // DIFFERENCE: the original repeats it whole.
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
    fn names_that_mean_something_to_the_parser_are_refused() {
        // DIFFERENCE: to the original they are names like others.
        let json_type = typed("application/json");
        for body in [
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"[1,{"a\"b": {"\u0024serde_json::priv\u0061te::Number" : "1e5"}}]"#,
            r#"{"$serde_json::private::RawValue":"[1]"}"#,
        ] {
            for refused in [
                data(&json_type, body.as_bytes()),
                metadata(&json_type, body.as_bytes()),
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.status(), 400, "{body}");
                assert!(error.to_string().contains("must not begin"), "{error}");
            }
        }
        for body in [
            r#"["$serde_json::private::Number", {"$serde": "\\"}]"#,
            r#"{"a":"\"$serde_json::private::Number\":1"}"#,
        ] {
            let value = data(&json_type, body.as_bytes()).unwrap();
            assert_eq!(
                value.to_string(),
                body.replace(", ", ",").replace(": ", ":")
            );
        }
    }

    #[test]
    fn values_are_counted_before_they_are_read_and_texts_are_one() {
        for (json, count) in [
            ("1", 1),
            ("[]", 2),
            ("[1]", 2),
            ("[1,{\"a\":[2,3]}]", 6),
            (r#"["a,[{\\",",\"{,"]"#, 3),
        ] {
            assert!(few_enough(json.as_bytes(), count).is_ok(), "{json}");
            let error = few_enough(json.as_bytes(), count - 1).unwrap_err();
            assert_eq!(error.status(), 413, "{json}");
        }
    }

    #[test]
    fn nan_is_no_json() {
        // DIFFERENCE: the original takes it.
        assert!(data(&typed("application/json"), b"{\"ts\":1,\"val\":NaN}").is_err());
    }
}
