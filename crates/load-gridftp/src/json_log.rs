//! The JSON log: one object a line, of which those with `event_type`
//! `Transfer-End` are transfers.
//!
//! No real log of this kind was ever seen; its keys are known from programs that read
//! it. So types are taken as they come: numbers may be text, and what is missing or
//! odd is left out, except for what a measurement cannot do without.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::clock;
use crate::netlogger::without_brackets;
use crate::transfer::{Direction, Figure, Line, Style, Transfer};

/// Groups of figures and their event types. Inside them keys are normalised.
const GROUPS: [(&str, &str); 3] = [
    ("iostat", "iostat"),
    ("mpstat", "mpstat"),
    ("getrusage", "rusage"),
];

/// Key of the TCP figures of a stream.
const TCP_INFO: &str = "TCPinfo";

/// Reads one line, without its newline.
///
/// DIFFERENCE: an end of the original is a skipped line here: a line that is no
/// object (it crashed), a command other than `RETR` and `STOR` (it stopped at this
/// record in every run).
#[must_use]
pub fn parse(line: &str) -> Line<'static> {
    let line = line.trim();
    if line.is_empty() {
        return Line::Other;
    }
    let Ok(value) = serde_json::from_str::<Value>(line) else {
        return Line::broken("log line is not valid json");
    };
    let Value::Object(object) = value else {
        return Line::broken("log line is not a json object");
    };
    if text(&object, "event_type").as_deref() != Some("Transfer-End") {
        return Line::Other;
    }
    match transfer(&object) {
        Ok(transfer) => Line::Transfer(Box::new(transfer)),
        Err(why) => Line::Broken(why),
    }
}

fn transfer(object: &Map<String, Value>) -> Result<Transfer<'static>, String> {
    let required = |key: &str| text(object, key).ok_or_else(|| format!("{key} is missing"));
    let optional = |key: &str| text(object, key).map(Cow::Owned);
    let command = required("cmd_type")?;
    let direction = Direction::of_command(&command)
        .ok_or_else(|| format!("cmd_type {command} is neither RETR nor STOR"))?;
    // A spurious newline was seen in host.
    let host = required("host")?.trim().to_owned().into();
    let start_us = time(object, "start_timestamp")?.ok_or("start_timestamp is missing")?;
    let streams = streams(object);
    // DIFFERENCE: the original does not look at the code and takes failures for
    // measurements. A record without a code is taken as it takes all of them.
    let code = optional("ret_code").unwrap_or(Cow::Borrowed(Transfer::SUCCESS));
    Ok(Transfer {
        style: Style::Json,
        direction,
        host,
        peer: without_brackets(required("dest")?.trim()).to_owned().into(),
        start_us,
        end_us: time(object, "end_timestamp")?,
        code,
        bytes: number(object, "nbytes"),
        streams: number(object, "nstreams"),
        stripes: Some(stripes(&streams)),
        block_size: number(object, "globus_blocksize"),
        window_size: number(object, "tcp_bufsize"),
        program: optional("prog"),
        file: optional("file"),
        user: optional("user"),
        volume: optional("volume"),
        retransmits: retransmits(&streams).unwrap_or_default(),
        details: details(object, streams),
    })
}

/// Returns a field as text, numbers in their digits; null is a missing field.
fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a field as a number, which may be written as text.
fn number(object: &Map<String, Value>, key: &str) -> Option<Figure> {
    as_number(object.get(key)?).map(Figure::Exact)
}

fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn time(object: &Map<String, Value>, key: &str) -> Result<Option<i64>, String> {
    let value = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let seconds = as_number(value).and_then(|number| number.as_f64());
    let time = seconds.and_then(clock::from_seconds);
    time.map(Some)
        .ok_or_else(|| format!("{key} {value} is no time"))
}

/// Returns the stream objects with the keys of their TCP figures normalised.
fn streams(object: &Map<String, Value>) -> Vec<Value> {
    let mut streams = match object.get("streams") {
        Some(Value::Array(streams)) => streams.clone(),
        _ => Vec::new(),
    };
    for stream in &mut streams {
        if let Some(Value::Object(figures)) = stream.get_mut(TCP_INFO) {
            *figures = normalised(figures);
        }
    }
    streams
}

fn stripes(streams: &[Value]) -> Figure {
    let numbers = streams
        .iter()
        .filter_map(|stream| as_number(stream.get("stripe")?)?.as_u64());
    Figure::from(numbers.max().unwrap_or(0).saturating_add(1))
}

/// Returns the retransmits of all streams; none when one of them does not tell.
fn retransmits(streams: &[Value]) -> Option<Vec<Figure>> {
    let of_stream = |stream: &Value| {
        let figure = stream.get(TCP_INFO)?.get("total_retrans")?;
        as_number(figure).map(Figure::Exact)
    };
    streams.iter().map(of_stream).collect()
}

fn details(object: &Map<String, Value>, streams: Vec<Value>) -> Map<String, Value> {
    let mut details = Map::new();
    for (key, event_type) in GROUPS {
        if let Some(Value::Object(figures)) = object.get(key)
            && !figures.is_empty()
        {
            details.insert(event_type.to_owned(), Value::Object(normalised(figures)));
        }
    }
    if !streams.is_empty() {
        details.insert(String::from("streams-tcpinfo"), Value::Array(streams));
    }
    details
}

/// Lower case, `/` becomes `_`, `%` goes: `Blk_read/s` is `blk_read_s`.
fn normalised(figures: &Map<String, Value>) -> Map<String, Value> {
    let renamed = figures.iter().map(|(key, value)| {
        let key = key.to_lowercase().replace('/', "_").replace('%', "");
        (key, value.clone())
    });
    renamed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Value {
        json!({"event_type": "Transfer-End", "start_timestamp": "1442333000.5",
            "end_timestamp": 1_442_333_004.5, "nbytes": "1000", "nstreams": 1, "dest": "203.0.113.81",
            "cmd_type": "STOR", "ret_code": 226, "host": "198.51.100.10\n"})
    }

    fn with(changes: &Value) -> Line<'static> {
        let mut record = record();
        for (key, value) in changes.as_object().unwrap() {
            record[key] = value.clone();
        }
        parse(&record.to_string())
    }

    fn transfer(changes: &Value) -> Transfer<'static> {
        match with(changes) {
            Line::Transfer(transfer) => *transfer,
            other => panic!("{other:?} for {changes}"),
        }
    }

    #[test]
    fn numbers_may_be_text() {
        let read = transfer(&json!({}));
        assert_eq!(read.start_us, 1_442_333_000_500_000);
        assert_eq!(read.throughput(), Some(2000.0));
        assert_eq!(read.bytes, Some(Figure::Exact(1000.into())));
        assert_eq!(read.host, "198.51.100.10");
        assert_eq!(transfer(&json!({"ret_code": "426"})).code, "426");
    }

    #[test]
    fn what_is_missing_is_left_out() {
        // DIFFERENCE: the original posts nulls and empty objects.
        let read = transfer(&json!({
            "nbytes": null, "nstreams": "many", "iostat": {}, "mpstat": [], "streams": [],
            "end_timestamp": null, "ret_code": null, "prog": null
        }));
        assert!(read.succeeded());
        assert_eq!(
            (read.throughput(), read.bytes, read.streams),
            (None, None, None)
        );
        assert_eq!((read.program, read.stripes), (None, Some(Figure::Whole(1))));
        assert_eq!((read.details, read.retransmits), (Map::new(), vec![]));
    }

    #[test]
    fn retransmits_are_those_of_all_streams_or_none() {
        let streams = json!({"streams": [
            {"stripe": 3, "TCPinfo": {"Total_Retrans": 7, "Snd/CWND%": 1}}, {"stripe": "1"}]});
        let read = transfer(&streams);
        assert!(read.retransmits.is_empty());
        assert_eq!(read.stripes, Some(Figure::Whole(4)));
        let figures = json!({"total_retrans": 7, "snd_cwnd": 1});
        assert_eq!(read.details["streams-tcpinfo"][0]["TCPinfo"], figures);
        let one = json!({"streams": [{"TCPinfo": {"total_retrans": 7}}]});
        assert_eq!(transfer(&one).retransmits, [Figure::Exact(7.into())]);
    }

    #[test]
    fn what_cannot_be_a_measurement_is_named() {
        // DIFFERENCE: the original ends there, or takes a failure for a
        // measurement.
        for (changes, why) in [
            (
                json!({"cmd_type": "MLSD"}),
                "cmd_type MLSD is neither RETR nor STOR",
            ),
            (json!({"cmd_type": null}), "cmd_type is missing"),
            (json!({"host": null}), "host is missing"),
            (json!({"dest": []}), "dest is missing"),
            (
                json!({"start_timestamp": null}),
                "start_timestamp is missing",
            ),
            (
                json!({"start_timestamp": "x"}),
                "start_timestamp \"x\" is no time",
            ),
            (
                json!({"end_timestamp": 1e300}),
                "end_timestamp 1e+300 is no time",
            ),
        ] {
            assert_eq!(with(&changes), Line::broken(why));
        }
        for line in ["5", "null", "[]", "\"x\"", "{", "{this is not json"] {
            assert!(matches!(parse(line), Line::Broken(_)), "{line}");
        }
        for line in ["", "  ", r#"{"event_type": "Transfer-Start"}"#, "{}"] {
            assert_eq!(parse(line), Line::Other, "{line}");
        }
    }
}
