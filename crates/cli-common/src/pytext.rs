//! How values look in the output: the text forms of the original, Python
//! programs.
//!
//! The original programs were written in Python and their users parse what they
//! print, so `None`, `True` and `7016320000.0` are part of the contract. This
//! module knows those spellings; which rows and columns there are is the subject
//! of [`crate::layout`], where they go that of [`crate::output`].
//!
//! Numbers are taken from the text that the archive sent ([`number`]), never
//! through a type that could not hold them.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// Returns a value as `human` output shows it.
///
/// None is `None`, booleans are `True` and `False`, numbers as [`number`] says,
/// strings as they are, a list its elements joined by `, `, an object (and a list
/// within a list) compact JSON. What could act on a terminal is made visible, see
/// [`printable`].
pub fn human(value: &Value) -> Cow<'_, str> {
    match plain(value) {
        Cow::Borrowed(text) => printable(text),
        Cow::Owned(text) => match printable(&text) {
            Cow::Owned(visible) => Cow::Owned(visible),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

/// Returns a value as a `csv` field holds it: as in [`human`], except that none is
/// the empty field and that no character is replaced. Quoting is not done here.
pub fn csv(value: &Value) -> Cow<'_, str> {
    if value.is_null() {
        return Cow::Borrowed("");
    }
    plain(value)
}

fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("None"),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::Number(n) => number(n.as_str()),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(elements) => {
            let texts: Vec<_> = elements.iter().map(element).collect();
            Cow::Owned(texts.join(", "))
        }
        // DIFFERENCE: the originals print a Python dict, which nothing but Python
        // can read.
        Value::Object(_) => Cow::Owned(compact_json(value)),
    }
}

/// A list within a list is JSON: joined as well, nobody could tell where it ends.
fn element(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Array(_) => Cow::Owned(compact_json(value)),
        _ => plain(value),
    }
}

/// Returns the output form of a number, given its JSON text.
///
/// An integer keeps its digits, however many. A number with a fraction or an
/// exponent is printed as Python prints a float: the shortest digits that read back
/// as the same double, `1e+16`, `1e-05`, `0.0001`, `5.0`.
///
/// DIFFERENCE: where a double cannot hold the number, the text is kept:
/// `9007199254740993.0` (archives answer integers this way) stays itself instead of
/// becoming `9007199254740992.0`, and `1e999` does not become `inf`.
pub fn number(text: &str) -> Cow<'_, str> {
    if !text.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(text);
    }
    if is_shortest(text) {
        return Cow::Borrowed(text);
    }
    let Ok(value) = text.parse::<f64>() else {
        return Cow::Borrowed(text);
    };
    if !value.is_finite() {
        return Cow::Borrowed(text);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.bytes().all(|digit| digit == b'0')
        && beyond_double(whole, value)
    {
        return Cow::Owned(format!("{whole}.0"));
    }
    Cow::Owned(float(value))
}

/// Tells whether a number with a fraction is already printed as Python would
/// print it. True for what archives send nearly always, and far quicker to see
/// than to compute: a decimal of up to fifteen digits is the shortest of its
/// double.
fn is_shortest(text: &str) -> bool {
    let Some((whole, fraction)) = text.trim_start_matches('-').split_once('.') else {
        return false;
    };
    let is_short = whole.len() + fraction.len() <= 15;
    let are_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let ends_well = fraction == "0" || !fraction.ends_with('0');
    let is_small = whole == "0" && fraction.starts_with("0000");
    is_short && are_digits && ends_well && !is_small
}

fn beyond_double(whole: &str, value: f64) -> bool {
    // A double holds every integer of up to fifteen digits.
    whole.len() > 15 && format!("{value:.0}") != whole
}

/// Rust's `{:?}` and Python's `repr` choose the same digits and the same limits for
/// the exponent form (below 1e-4, from 1e16); only the exponent is written differently.
fn float(value: f64) -> String {
    let text = format!("{value:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

/// Returns text with everything that could mislead a reader, or act on the
/// terminal, made visible: `\x1b`, `\u{202e}`.
///
/// That is: control characters (C0, DEL, C1), bidirectional controls, zero-width and
/// other invisible format characters, line and paragraph separators. Newline and tab
/// stay: messages in archives do hold them, and human output shows them byte for byte
/// as the originals do.
///
/// DIFFERENCE: the originals print control characters as they come.
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly all text is plain ASCII, which is seen many bytes at a time.
    if are_all(text, |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
        || !text.chars().any(misleads)
    {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = match (misleads(c), code) {
            (false, _) => visible.write_char(c),
            (true, ..0x100) => write!(visible, "\\x{code:02x}"),
            (true, _) => write!(visible, "\\u{{{code:x}}}"),
        };
    }
    Cow::Owned(visible)
}

/// Tells whether all bytes of a text are of a kind. All are looked at whatever the first
/// are: without ways out on the way, the processor takes many at once.
fn are_all(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & kind(byte))
}

/// Returns text as one line: as [`printable`], with newlines and tabs visible, too.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let visible = printable(text);
    if visible.contains(['\n', '\t']) {
        return Cow::Owned(visible.replace('\n', "\\n").replace('\t', "\\t"));
    }
    visible
}

fn misleads(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\n' && c != '\t';
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns JSON without blanks, as cells of human and csv output hold it. Text beyond
/// ASCII stays readable; numbers are as in [`number`].
pub fn compact_json(value: &Value) -> String {
    let mut text = String::new();
    push_value(&mut text, value, &COMPACT);
    text
}

/// Appends JSON as the `json` format writes it: on one line, `", "` and `": "` between
/// the parts, everything but printable ASCII escaped, numbers as in [`number`].
pub fn push_json(text: &mut String, value: &Value) {
    push_value(text, value, &LINE);
}

/// Appends a JSON object in the form of [`push_json`].
pub fn push_json_object<'a>(
    text: &mut String,
    members: impl Iterator<Item = (&'a str, &'a Value)>,
) {
    push_object(text, members, &LINE);
}

struct Style {
    between: &'static str,
    after_key: &'static str,
    ascii: bool,
}

const LINE: Style = Style {
    between: ", ",
    after_key: ": ",
    ascii: true,
};

const COMPACT: Style = Style {
    between: ",",
    after_key: ":",
    ascii: false,
};

fn push_value(text: &mut String, value: &Value, style: &Style) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(n) => text.push_str(&number(n.as_str())),
        Value::String(s) => push_string(text, s, style),
        Value::Array(elements) => {
            text.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    text.push_str(style.between);
                }
                push_value(text, element, style);
            }
            text.push(']');
        }
        Value::Object(map) => push_object(text, map.iter().map(|(k, v)| (k.as_str(), v)), style),
    }
}

fn push_object<'a>(
    text: &mut String,
    members: impl Iterator<Item = (&'a str, &'a Value)>,
    style: &Style,
) {
    text.push('{');
    for (position, (key, value)) in members.enumerate() {
        if position > 0 {
            text.push_str(style.between);
        }
        push_string(text, key, style);
        text.push_str(style.after_key);
        push_value(text, value, style);
    }
    text.push('}');
}

fn push_string(text: &mut String, string: &str, style: &Style) {
    text.push('"');
    if are_all(string, |byte| {
        matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
    }) {
        text.push_str(string);
    } else {
        push_characters(text, string, style);
    }
    text.push('"');
}

/// Appends the inside of a string, each character as the style writes it.
fn push_characters(text: &mut String, string: &str, style: &Style) {
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            c if c < ' ' || (style.ascii && c > '~') => push_escaped(text, c),
            c => text.push(c),
        }
    }
}

fn push_escaped(text: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}
