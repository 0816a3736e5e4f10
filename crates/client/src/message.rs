//! The archive's own words, out of the body of an error answer.
//!
//! Classic archives answer `{"detail": ...}`, perfSONAR 5 archives and proxies
//! answer HTML. None of it is trusted: the result is one short line of text
//! without control characters.
//!
//! DIFFERENCE: the original library hands on the body of an error as it came.

use serde_json::Value;

use crate::limits::{self, shortened};

/// Returns the words of a body: `detail` or `error` of JSON, the paragraphs of
/// HTML, or the text itself. Empty when there are none.
pub(crate) fn words(body: &[u8]) -> String {
    let body = &body[..body.len().min(limits::REFUSAL)];
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return one_line(&json_words(&value));
    }
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        one_line(&html_words(&text))
    } else {
        one_line(&text)
    }
}

fn json_words(value: &Value) -> String {
    let told = ["detail", "error", "message"]
        .iter()
        .find_map(|name| value.get(name))
        .unwrap_or(value);
    match told {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn html_words(html: &str) -> String {
    // ASCII lower case keeps all positions.
    let lower = html.to_ascii_lowercase();
    let mut paragraphs = String::new();
    let mut from = 0;
    while let Some(start) = find(&lower, "<p>", from) {
        let end = find(&lower, "</p>", start).unwrap_or(html.len());
        paragraphs.push_str(&html[start..end]);
        paragraphs.push(' ');
        from = end;
    }
    if paragraphs.trim().is_empty() {
        // Without paragraphs: all that is not styling or scripts.
        let body = find(&lower, "<body", 0).unwrap_or(0);
        paragraphs.push_str(&html[body..]);
    }
    unescape(&without_tags(&paragraphs))
}

fn find(text: &str, needle: &str, from: usize) -> Option<usize> {
    Some(from + text.get(from..)?.find(needle)?)
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    shortened(&line)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_words_are_found_in_every_kind_of_answer() {
        for (body, expected) in [
            (r#"{"detail": "Not found."}"#, "Not found."),
            (r#"{"error": "x"}"#, "x"),
            (r#"{"detail": {"ts": [1]}}"#, r#"{"ts":[1]}"#),
            (r#"["a"]"#, r#"["a"]"#),
            ("null", ""),
            ("", ""),
            ("  try\n\tlater ", "try later"),
            (
                "<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>Time parameter must be an integer</p>\n",
                "Time parameter must be an integer",
            ),
            (
                "<HTML><BODY><H1>Not Found</H1><P>The URL &quot;/a&amp;b&quot; was<br />not found.</P><p>Really.</p></BODY></HTML>",
                "The URL \"/a&b\" was not found. Really.",
            ),
            (
                "<html><head><style>x{}</style></head><body class=a><h1>Server Error (500)</h1></body></html>",
                "Server Error (500)",
            ),
            ("<", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn hostile_words_become_one_short_harmless_line() {
        // DIFFERENCE: the original library hands them on.
        let text = words(b"\x1b[2J\x07evil\r\nline\xff");
        assert_eq!(text, "[2J evil line\u{fffd}");
        let long = words("é".repeat(5000).as_bytes());
        assert_eq!(long.chars().count(), 303);
    }
}
