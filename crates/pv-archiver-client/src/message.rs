//! The server's own words, out of an answer that is no success.
//!
//! The kinds of bodies: nothing, JSON with an `errorMessage`, and HTML pages of
//! Tomcat or of a proxy. None of it is trusted: the result is one short line of text
//! without control characters.

use serde_json::Value;

/// Longest text that is kept, in characters.
const LONGEST: usize = 1000;

/// Returns the words of a body; empty when there are none.
pub(crate) fn words(body: &[u8], is_json: bool) -> String {
    let text = String::from_utf8_lossy(body);
    if is_json {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        return match value.get("errorMessage") {
            Some(Value::String(message)) => one_line(message),
            _ => String::new(),
        };
    }
    if !text.trim_start().starts_with('<') {
        return one_line(&text);
    }
    // A page of Tomcat without this paragraph says nothing beyond the status; for
    // other pages the title has to do.
    let found = between(&text, "<b>Message</b>", "</p>").or_else(|| {
        let is_tomcat = text.contains("<b>Type</b>");
        between(&text, "<title>", "</title>").filter(|_| !is_tomcat)
    });
    one_line(&unescape(found.unwrap_or_default()))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end).map_or(rest, |(inner, _)| inner))
}

fn unescape(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}

/// Makes one short line of any text.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_words_are_found_in_every_kind_of_body() {
        for (is_json, body, expected) in [
            (
                true,
                r#"{"errorMessage":"Database access error: x"}"#,
                "Database access error: x",
            ),
            (true, r#"{"errorMessage":null}"#, ""),
            (true, "[", ""),
            (false, "", ""),
            (
                false,
                "<html><p><b>Type</b> Status Report</p><p><b>Message</b> no &lt;b&gt; &amp;amp;</p></html>",
                "no <b> &amp;",
            ),
            (
                false,
                "<html><title>HTTP Status 404</title><p><b>Type</b> x</p>",
                "",
            ),
            (false, "<title>502 Bad\nGateway</title>", "502 Bad Gateway"),
            (false, " try\x1b later ", "try later"),
        ] {
            assert_eq!(words(body.as_bytes(), is_json), expected, "{body}");
        }
        let long = words("é".repeat(5000).as_bytes(), false);
        assert_eq!(long.chars().count(), 1003);
    }
}
