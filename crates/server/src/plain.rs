//! Bodies of writes in their usual form, read straight through.
//!
//! A tree of JSON values costs many times what a point does, and nearly all bodies
//! are the same but for their numbers: objects with the fields that there are, each
//! once. What is read here means what the tree of it would mean. Everything else,
//! wrong or just unusual, is `None` here, and left to `series_write`, which finds
//! the words for it.

use esmond_ps_model::Registry;
use esmond_ps_model::registry::{Rules, StorageClass, Validator};
use esmond_ps_store::{NewPoint, Value as Stored};
use serde_json::value::RawValue;

use crate::body;
use crate::number::TIMES;
use crate::validate;

/// Reads `{"ts": 1, "val": 2}`.
pub(crate) fn point(text: &str, event_type: &str, registry: &Registry) -> Option<NewPoint> {
    let rules = &registry.event_type(event_type)?.rules;
    let mut body = Cursor::new(text);
    let (mut ts, mut value) = (None, None);
    body.object(|name, body| match name {
        "ts" => once(&mut ts, body.time()?),
        "val" => once(&mut value, body.value()?),
        _ => None,
    })?;
    body.end()?;
    Some(NewPoint {
        event_type: event_type.to_owned(),
        ts: ts?,
        value: stored(rules, value?)?,
    })
}

/// Reads `{"data": [{"ts": 1, "val": [{"event-type": "throughput", "val": 2}]}]}`.
pub(crate) fn points(text: &str, registry: &Registry) -> Option<Vec<NewPoint>> {
    let mut body = Cursor::new(text);
    let mut data = None;
    body.object(|name, body| match name {
        "data" => once(&mut data, items(body, registry)?),
        _ => None,
    })?;
    body.end()?;
    data
}

fn items(body: &mut Cursor<'_>, registry: &Registry) -> Option<Vec<NewPoint>> {
    let mut points = Vec::new();
    body.array(|body| {
        let (mut ts, mut values) = (None, None);
        let start = points.len();
        body.object(|name, body| match name {
            "ts" => once(&mut ts, body.time()?),
            // Its time may follow.
            "val" => once(
                &mut values,
                body.array(|body| {
                    points.push(value(body, registry)?);
                    Some(())
                })?,
            ),
            _ => None,
        })?;
        values?;
        let ts = ts?;
        points[start..].iter_mut().for_each(|point| point.ts = ts);
        Some(())
    })?;
    Some(points)
}

/// Reads a value of a bulk write, as a point without its time.
fn value(body: &mut Cursor<'_>, registry: &Registry) -> Option<NewPoint> {
    let (mut event_type, mut value) = (None, None);
    body.object(|name, body| match name {
        "event-type" => once(&mut event_type, body.text()?),
        "val" => once(&mut value, body.value()?),
        _ => None,
    })?;
    let event_type = event_type?;
    let rules = &registry.event_type(event_type)?.rules;
    Some(NewPoint {
        event_type: event_type.to_owned(),
        ts: 0,
        value: stored(rules, value?)?,
    })
}

/// Reads a value from its JSON, as it is stored.
fn stored(rules: &Rules, json: &str) -> Option<Stored> {
    let is_document = rules.storage() == StorageClass::Document;
    if json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !is_document {
        match rules.validator() {
            Validator::Integer if !json.contains(['.', 'e', 'E']) => {
                return json.parse().ok().map(Stored::Integer);
            }
            Validator::Float => {
                let number = json.parse().ok().filter(|number: &f64| number.is_finite());
                return number.map(Stored::Float);
            }
            _ => {}
        }
    }
    body::refuse_private_names(json.as_bytes()).ok()?;
    let value = serde_json::from_str(json).ok()?;
    // The parser takes a little more than it would as part of the body.
    validate::check_depth(&value).ok()?;
    validate::value(rules, &value).ok()
}

/// Sets what must come once only.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A place in a JSON text. Everything returns `None` where the text is not what was
/// asked for.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Passes over white space, and returns what follows it.
    fn ahead(&mut self) -> &'a str {
        let is_space = |c| matches!(c, ' ' | '\n' | '\r' | '\t');
        self.rest = self.rest.trim_start_matches(is_space);
        self.rest
    }

    /// Takes a character of punctuation, if it comes next.
    fn takes(&mut self, punctuation: char) -> bool {
        match self.ahead().strip_prefix(punctuation) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, punctuation: char) -> Option<()> {
        self.takes(punctuation).then_some(())
    }

    /// Takes so many bytes.
    fn split(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes what `element` takes, again and again, with commas between.
    fn list(
        &mut self,
        close: char,
        mut element: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if self.takes(close) {
            return Some(());
        }
        loop {
            element(self)?;
            if !self.takes(',') {
                return self.take(close);
            }
        }
    }

    fn array(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take('[')?;
        self.list(']', element)
    }

    /// Takes an object; `field` takes the value of the field that it is given the
    /// name of.
    fn object(&mut self, mut field: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.take('{')?;
        self.list('}', |body| {
            let name = body.text()?;
            body.take(':')?;
            field(name, body)
        })
    }

    /// Takes a text that is spelled without escapes.
    fn text(&mut self) -> Option<&'a str> {
        self.take('"')?;
        let end = self.rest.find(['"', '\\'])?;
        let text = self.split(end)?;
        self.take('"')?;
        (!text.contains(char::is_control)).then_some(text)
    }

    /// Takes a time that is an integer.
    fn time(&mut self) -> Option<i64> {
        let ts = self.value()?.parse().ok()?;
        TIMES.contains(&ts).then_some(ts)
    }

    /// Takes any value.
    fn value(&mut self) -> Option<&'a str> {
        let ahead = self.ahead();
        let digits = ahead.bytes().take_while(u8::is_ascii_digit).count();
        let follows = ahead.as_bytes().get(digits);
        let is_whole = digits == 1 || (digits > 1 && !ahead.starts_with('0'));
        if is_whole && matches!(follows, Some(b',' | b'}' | b']')) {
            return self.split(digits);
        }
        let mut values = serde_json::Deserializer::from_str(ahead).into_iter::<&RawValue>();
        let length = values.next()?.ok()?.get().len();
        self.split(length)
    }

    fn end(&mut self) -> Option<()> {
        self.ahead().is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series_write::{many_of_tree, one_of_tree};
    use proptest::prelude::*;

    fn number(ts: i64, event_type: &str, value: Stored) -> NewPoint {
        NewPoint {
            event_type: event_type.to_owned(),
            ts,
            value,
        }
    }

    #[test]
    fn usual_bodies_are_read_here() {
        let registry = Registry::standard();
        let body = r#" { "data" : [
            {"ts":1,"val":[{"event-type":"throughput","val":7016320000},
                           {"val":-0.50,"event-type":"streams-packet-loss-rate"}]},
            {"val":[{"event-type":"packet-count-sent","val":0}], "ts":-5} ] } "#;
        let read = points(body, &registry);
        // The second is no type of ours.
        assert_eq!(read, None);
        let body = body.replace("streams-packet-loss-rate", "ntp-offset");
        let expected = [
            number(1, "throughput", Stored::Integer(7_016_320_000)),
            number(1, "ntp-offset", Stored::Float(-0.5)),
            number(-5, "packet-count-sent", Stored::Integer(0)),
        ];
        assert_eq!(points(&body, &registry).unwrap(), expected);
        assert_eq!(
            point(
                r#"{"val": 9223372036854775807, "ts": 253402300799}"#,
                "throughput",
                &registry
            ),
            Some(number(
                253_402_300_799,
                "throughput",
                Stored::Integer(i64::MAX)
            ))
        );
        for (event_type, value) in [
            ("histogram-owdelay", r#"{"1.0": 2, "é": 3}"#),
            (
                "packet-loss-rate",
                r#"{"numerator": 1, "denominator": 600}"#,
            ),
            ("packet-trace", r#"[{"ttl": 1.50, "ip": "a\"b"}]"#),
            ("failures", r#"{"error": "\u00e9"}"#),
        ] {
            let body = format!(r#"{{"ts": 1, "val": {value}}}"#);
            assert!(point(&body, event_type, &registry).is_some(), "{body}");
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_others() {
        let registry = Registry::standard();
        for body in [
            r#"{"ts": 1, "val": 2, "ts": 1}"#,
            r#"{"ts": "1", "val": 2}"#,
            r#"{"ts": 1.0, "val": 2}"#,
            r#"{"ts": 1, "val": 2, "more": 0}"#,
            r#"{"\u0074s": 1, "val": 2}"#,
            r#"{"ts": 1, "val": 02}"#,
            r#"{"ts": 1, "val": 2}."#,
            r#"{"ts": 1, "val": 2"#,
            r#"{"ts": 253402300800, "val": 2}"#,
            r#"{"ts": 1}"#,
            "[1, 2]",
            "",
        ] {
            assert_eq!(point(body, "throughput", &registry), None, "{body}");
        }
        for body in [
            r#"{"data": [[1, [["throughput", 2]]]]}"#,
            r#"{"data": [{"ts": 1, "val": [["throughput", 2]]}]}"#,
            r#"{"data": [], "data": []}"#,
            r#"{"data": [{"ts": 1, "val": [{"event-type": "no-such", "val": 1}]}]}"#,
            r#"{"data": [{"ts": 1, "val": [{"event-type": "throughput", "val": 1},]}]}"#,
        ] {
            assert_eq!(points(body, &registry), None, "{body}");
        }
        let private = r#"{"ts": 1, "val": {"$serde_json::private::Number": "1"}}"#;
        assert_eq!(point(private, "failures", &registry), None);
    }

    /// Bodies with some pieces put in the place of others.
    fn bodies() -> impl Strategy<Value = String> {
        const WHOLE: [&str; 3] = [
            r#"{"data":[{"ts":1,"val":[{"event-type":"throughput","val":20},{"event-type":"ntp-offset","val":1.5}]},{"ts":3,"val":[{"event-type":"packet-loss-rate","val":{"numerator":1,"denominator":2}}]}]}"#,
            r#"{"ts":10,"val":[{"ttl":1,"ip":"a\n"}]}"#,
            r#"{"ts":-2,"val":-12.5e-3}"#,
        ];
        const PIECES: [&str; 26] = [
            "",
            "",
            " ",
            "\"",
            "\\",
            ",",
            ":",
            "{",
            "}",
            "[",
            "]",
            "0",
            "-",
            "1",
            "9",
            ".",
            "e",
            "+",
            "null",
            "true",
            "\"ts\":1,",
            "\"val\":3,",
            "\"x\":{},",
            "\u{1}",
            "é",
            "1e400",
        ];
        let edit = (
            any::<prop::sample::Index>(),
            0_usize..3,
            prop::sample::select(&PIECES[..]),
        );
        let edits = prop::collection::vec(edit, 0..4);
        (prop::sample::select(&WHOLE[..]), edits).prop_map(|(whole, edits)| {
            let mut text = whole.to_owned();
            for (at, length, piece) in edits {
                let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
                let first = at.index(places.len().max(1));
                let place = |n: usize| places.get(n).copied().unwrap_or(text.len());
                text.replace_range(place(first)..place(first + length), piece);
            }
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_here_is_what_the_tree_says(body in bodies()) {
            let registry = Registry::standard();
            if let Some(read) = points(&body, &registry) {
                prop_assert_eq!(read, many_of_tree(&body, body.as_bytes(), &registry).unwrap(), "{}", body);
            }
            for event_type in ["throughput", "ntp-offset", "packet-trace", "failures"] {
                if let Some(read) = point(&body, event_type, &registry) {
                    let tree = one_of_tree(&body, body.as_bytes(), event_type, "base", &registry).unwrap();
                    prop_assert_eq!(read, tree, "{}", body);
                }
            }
        }
    }
}
