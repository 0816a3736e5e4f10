//! The table of departures.
//!
//! Scenario, exchanges, what ours answers, why. DIFFERENCE: all of them.

use serde_json::json;

use super::Ours::{Changed, Joined, Like, NoSuchPath, Refused, Shows, Undecodable};
use super::Which::{Named, Where};
use super::edit::{created, insert, keep, record, rekey, replace, revalue, without};
use super::{Departure, Ours, Which, allow, has, set};

type Row = (&'static str, Which, Ours, &'static str);

/// Returns all rows. Those for single exchanges come first.
pub(crate) fn all() -> Vec<Departure> {
    let parts = [
        creation(),
        refused_records(),
        searches(),
        values(),
        writes(),
        reads(),
        statistics(),
        methods_and_paths(),
        authentication(),
        everywhere(),
    ];
    parts
        .into_iter()
        .flatten()
        .map(|(scenario, exchanges, ours, reason)| Departure {
            scenario,
            exchanges,
            ours,
            reason,
        })
        .collect()
}

fn creation() -> Vec<Row> {
    vec![
        (
            "01",
            Named(&["create-ipv6-unnormalised"]),
            Changed(|expected| {
                let pairs = [
                    ("2001:DB8:0:0::1", "2001:db8::1"),
                    ("2001:db8::0002", "2001:db8::2"),
                ];
                replace(expected, &pairs);
            }),
            "addresses are canonical in every answer",
        ),
        (
            "01",
            Named(&["recreate-ipv6-normalised-spelling"]),
            Changed(|expected| rekey(expected, 6, 5)),
            "addresses are canonical before records are compared",
        ),
        (
            "01",
            Named(&["create-value-types", "detail-value-types", "list-all"]),
            Changed(|expected| {
                let pairs = [
                    ("{'k': 1, 'n': None}", r#"{\"k\":1,\"n\":null}"#),
                    ("[1, 'b', None]", r#"[1,\"b\",null]"#),
                ];
                replace(expected, &pairs);
            }),
            "nested values are compact JSON",
        ),
        (
            "01",
            Named(&["filter-underscore-param-dash"]),
            Like("filter-underscore-param-underscore"),
            "a filter takes either spelling of a parameter",
        ),
        (
            "01",
            Named(&["create-underscore-shadows-subject"]),
            Refused(400, "tool_name is not allowed to be specified"),
            "a parameter must not hide a field of the record (principle)",
        ),
        (
            "01",
            Named(&["create-param-named-uri"]),
            Refused(400, "uri is not allowed to be specified"),
            "a parameter must not hide an address of the record",
        ),
        (
            "01",
            Named(&["create-param-named-url"]),
            Refused(400, "url is not allowed to be specified"),
            "a parameter must not replace the addresses of the record",
        ),
        (
            "01",
            Named(&["create-dup-event-types", "detail-dup-event-types"]),
            Changed(|expected| {
                let summaries = &mut expected.body["event-types"][0]["summaries"];
                summaries.as_array_mut().unwrap().truncate(1);
            }),
            "what is listed twice counts once",
        ),
        (
            "01",
            Named(&["create-windows-mixed-types"]),
            Changed(|expected| created(expected, mixed_windows())),
            "windows are integers before they are compared",
        ),
        (
            "01",
            Named(&["create-window-negative"]),
            Refused(400, "Summary window must not be negative"),
            "there are no negative windows",
        ),
        (
            "01",
            Named(&["create-windows-900-3600-strings"]),
            Changed(|expected| rekey(expected, 18, 17)),
            "windows are integers before records are compared",
        ),
        (
            "01",
            Named(&["create-window-float"]),
            Refused(400, "Summary window must be an integer"),
            "a fractional window is an error",
        ),
        (
            "01",
            Named(&["list-all"]),
            Changed(|expected| {
                let kept = [1, 2, 3, 4, 5, 7, 8, 12, 13, 14, 16, 17, 20, 21, 22, 23, 24];
                keep(expected, &kept);
                let duplicate = &mut expected.body[7]["event-types"][0]["summaries"];
                duplicate.as_array_mut().unwrap().truncate(1);
                insert(expected, 9, mixed_windows());
            }),
            "the records that ours refused, found or created above",
        ),
    ]
}

fn mixed_windows() -> serde_json::Value {
    let mut mixed = record(101, &[("wf", "1")]);
    let path = "/esmond/perfsonar/archive/{{metadata_key:101}}/throughput/averages";
    mixed["event-types"][0]["summaries"] = ["60", "61"]
        .map(|window| {
            json!({
                "uri": format!("{path}/{window}"), "summary-type": "average",
                "summary-window": window, "time-updated": null
            })
        })
        .into();
    mixed
}

fn refused_records() -> Vec<Row> {
    const CRASHES: &str = "bad input that crashes the original is a 400";
    const NOT_STORED: &str = "nothing is stored of what is refused";
    const REQUIRED: &str = "all fields of a subject are required";
    const PARSER: &str = "the words of another JSON parser";
    vec![
        (
            "02",
            Named(&["subject-type-list"]),
            Refused(400, "Invalid subject type [\"point-to-point\"]"),
            CRASHES,
        ),
        (
            "02",
            Named(&[
                "event-types-string-containing",
                "event-types-list-of-numbers",
                "event-types-list-of-null",
            ]),
            Refused(400, "No event-type defined"),
            CRASHES,
        ),
        (
            "02",
            Named(&[
                "summary-window-null",
                "summary-window-list",
                "window-beyond-64-bit",
            ]),
            Refused(400, "Summary window must be an integer"),
            CRASHES,
        ),
        (
            "02",
            Named(&["summaries-null"]),
            Changed(|expected| created(expected, record(101, &[]))),
            "null is no summaries",
        ),
        (
            "02",
            Named(&["summaries-dict"]),
            Refused(400, "Summary must contain summary-type"),
            CRASHES,
        ),
        (
            "02",
            Named(&["body-number", "body-true"]),
            Refused(400, "Missing subject-type field in request"),
            CRASHES,
        ),
        (
            "02",
            Named(&["body-invalid-json"]),
            Refused(
                400,
                "JSON parse error - EOF while parsing a value at line 1 column 17",
            ),
            PARSER,
        ),
        (
            "02",
            Named(&["body-invalid-utf8"]),
            Refused(
                400,
                "JSON parse error - invalid unicode code point at line 1 column 8",
            ),
            PARSER,
        ),
        (
            "02",
            Named(&["body-bom"]),
            Refused(400, "JSON parse error - expected value at line 1 column 1"),
            PARSER,
        ),
        (
            "02",
            Named(&["body-nan"]),
            Refused(
                400,
                "JSON parse error - expected value at line 1 column 231",
            ),
            PARSER,
        ),
        (
            "02",
            Named(&[
                "source-hostname",
                "source-hostname-again",
                "source-out-of-range",
            ]),
            Refused(400, "source must be an IP address"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["destination-empty"]),
            Refused(400, "destination must be an IP address"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["destination-null", "p2p-missing-destination"]),
            Refused(400, "Missing destination field in request"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["measurement-agent-hostname"]),
            Refused(400, "measurement-agent must be an IP address"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["source-prefix"]),
            Refused(400, "source must be an IP address"),
            "a network is no address",
        ),
        (
            "02",
            Named(&["p2p-missing-source", "ne-missing-source"]),
            Refused(400, "Missing source field in request"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&[
                "p2p-missing-measurement-agent",
                "ne-missing-measurement-agent",
            ]),
            Refused(400, "Missing measurement-agent field in request"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&[
                "p2p-missing-tool-name",
                "ne-missing-tool-name",
                "tool-name-null",
            ]),
            Refused(400, "Missing tool-name field in request"),
            REQUIRED,
        ),
        (
            "02",
            Named(&["p2p-missing-input-source", "ne-missing-input-source"]),
            Refused(400, "Missing input-source field in request"),
            REQUIRED,
        ),
        (
            "02",
            Named(&["p2p-missing-input-destination"]),
            Refused(400, "Missing input-destination field in request"),
            REQUIRED,
        ),
        (
            "02",
            Named(&["ne-with-destination"]),
            Refused(
                400,
                "destination is not a field of subject type network-element",
            ),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["ne-with-input-destination"]),
            Refused(
                400,
                "input-destination is not a field of subject type network-element",
            ),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["tool-name-129"]),
            Refused(400, "tool-name must not have more than 128 characters"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["input-source-object", "list-after"]),
            Changed(|expected| replace(expected, &[("{'a': 1}", r#"{\"a\":1}"#)])),
            "nested values are compact JSON",
        ),
        (
            "02",
            Named(&["param-null", "param-null-again"]),
            Refused(400, "m must not be null"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["param-name-129"]),
            Refused(
                400,
                "Names must have at most 128 characters and no NUL character",
            ),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["param-nul-char"]),
            Refused(400, "m must not contain a NUL character"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["list-shows-orphan"]),
            Like("list-before-orphans"),
            NOT_STORED,
        ),
        (
            "02",
            Named(&["list-after"]),
            Changed(|expected| keep(expected, &[1, 9, 10, 11])),
            "the records that ours refused above",
        ),
        (
            "02",
            Named(&[
                "list-after-400s",
                "list-before-orphans",
                "list-shows-orphan",
                "list-after",
            ]),
            Changed(|expected| insert(expected, 0, record(101, &[]))),
            "the record with null for no summaries",
        ),
    ]
}

fn searches() -> Vec<Row> {
    const YEARS: &str = "years beyond 9999 are times like others";
    vec![
        (
            "03",
            Named(&["filter-summary-window-text", "filter-summary-window-empty"]),
            Refused(400, "Summary window parameter must be an integer"),
            "bad input that crashes the original is a 400",
        ),
        (
            "03",
            Named(&["filter-nul-tool"]),
            Shows("[]"),
            "a text that nothing can have matches nothing",
        ),
        (
            "04",
            Named(&["limit-huge"]),
            Like("limit-2000"),
            "a limit beyond 64 bits is no limit",
        ),
        ("05", Named(&["start-huge"]), Shows("[]"), YEARS),
        (
            "05",
            Named(&["end-year-10000"]),
            Like("end-year-9999"),
            YEARS,
        ),
        ("11", Named(&["start-huge"]), Shows("[]"), YEARS),
        ("11", Named(&["end-huge"]), Like("end-year-9999"), YEARS),
    ]
}

fn values() -> Vec<Row> {
    const CRASHES: &str = "bad input that crashes the original is a 400";
    const COUNTS: &str = "a histogram is an object with counts of 64 bits";
    vec![
        (
            "07",
            Named(&["int-null", "int-list", "int-object"]),
            Refused(400, "Value must be an integer"),
            CRASHES,
        ),
        (
            "07",
            Named(&[
                "float-null",
                "float-list",
                "float-object",
                "float-inf-string",
            ]),
            Refused(400, "Value must be a floating point number"),
            CRASHES,
        ),
        (
            "07",
            Named(&["perc-number", "perc-float-value", "perc-null"]),
            Refused(400, "Missing required field 'numerator'"),
            CRASHES,
        ),
        (
            "",
            Where(|exchange, _| {
                let sent = exchange.request.sent();
                let text = String::from_utf8_lossy(&sent);
                exchange.request.path.contains("/base")
                    && (text.contains("NaN") || text.contains("Infinity"))
            }),
            Undecodable,
            "NaN and Infinity are not JSON",
        ),
        (
            "07",
            Named(&["json-nan-get"]),
            Shows("[]"),
            "NaN was not stored",
        ),
        (
            "07",
            Named(&["json-base-after-nan"]),
            Joined(&[
                "json-duplicate-get",
                "json-string-get",
                "json-number-get",
                "json-float-get",
                "json-null-get",
                "json-list-get",
                "json-false-get",
                "json-empty-get",
                "json-unicode-get",
                "json-big-int-get",
                "json-ctrl-get",
                "json-order-get",
                "json-nested-get",
            ]),
            "NaN was not stored",
        ),
        (
            "07",
            Named(&[
                "float-get",
                "float-duplicate-get",
                "float-5-decimals-get",
                "float-tiny-get",
                "float-tiny-negative-get",
                "float-below-precision-get",
                "float-binary-error-get",
                "float-large-get",
                "all-time-error-estimates",
            ]),
            Changed(|expected| {
                let exact = [
                    (1_398_966_209, json!(0.0012)),
                    (1_398_966_269, json!(1.23456)),
                    (1_398_966_279, json!(0.00019)),
                    (1_398_966_289, json!(-0.00019)),
                    (1_398_966_299, json!(9e-5)),
                    (1_398_966_309, json!(0.0003)),
                    (1_398_966_339, json!(123_456_789.987_65)),
                ];
                revalue(expected, &exact);
            }),
            "floats are kept exactly",
        ),
        (
            "07",
            Named(&["hist-big"]),
            Refused(400, "Value of histogram must be an integer"),
            COUNTS,
        ),
        (
            "07",
            Named(&[
                "hist-empty-list",
                "hist-list-0",
                "hist-list-01",
                "hist-empty-string",
            ]),
            Refused(400, "Invalid histogram provided"),
            COUNTS,
        ),
        (
            "07",
            Named(&[
                "hist-big-get",
                "hist-empty-list-get",
                "hist-list-0-get",
                "hist-list-01-get",
                "hist-empty-string-get",
                "all-histogram-owdelay",
            ]),
            Changed(|expected| {
                let refused = [
                    1_398_966_559,
                    1_398_966_569,
                    1_398_966_579,
                    1_398_966_589,
                    1_398_966_599,
                ];
                without(expected, &refused);
            }),
            COUNTS,
        ),
    ]
}

fn writes() -> Vec<Row> {
    const CRASHES: &str = "bad input that crashes the original is a 400";
    const UNKNOWN: &str = "an unknown key is told, not ignored";
    const CHECKED: &str = "values are checked before anything else is looked at";
    const BYTES: &str = "the body is shown as text, not as Python bytes";
    const YEARS: &str = "years beyond 9999 are refused, not a 500";
    const TS: &str = "ts is checked in bulk writes, too";
    vec![
        (
            "06",
            Named(&[
                "et-post",
                "et-post-no-slash",
                "et-post-unknown-md",
                "et-post-bad-json",
                "et-post-empty",
                "et-post-ctype",
            ]),
            Refused(405, "Method \"POST\" not allowed."),
            "a POST that does nothing is not accepted",
        ),
        (
            "",
            Named(&["post-bad-json", "post-bad-utf8", "body-bad-json"]),
            Undecodable,
            BYTES,
        ),
        (
            "08",
            Named(&["post-number", "post-null"]),
            Undecodable,
            CRASHES,
        ),
        (
            "08",
            Named(&["post-ts-year-10000", "post-ts-huge", "post-ts-millis"]),
            Refused(400, "Time must be a unix timestamp"),
            YEARS,
        ),
        (
            "08",
            Named(&["url-unknown-md", "url-unknown-md-again"]),
            Refused(404, "Not found."),
            UNKNOWN,
        ),
        (
            "08",
            Named(&["invalid-value-unknown-md"]),
            Refused(400, "Value must be an integer"),
            CHECKED,
        ),
        (
            "08",
            Named(&["invalid-value-unregistered"]),
            Refused(400, "Missing required field 'numerator'"),
            CHECKED,
        ),
        (
            "08",
            Named(&["detail-after"]),
            Changed(|expected| {
                let path = "/esmond/perfsonar/archive/{{metadata_key:1}}/packet-trace/base";
                let added = json!({
                    "base-uri": path, "event-type": "packet-trace",
                    "time-updated": "{{now}}", "summaries": []
                });
                let event_types = expected.body["event-types"].as_array_mut().unwrap();
                event_types.insert(2, added);
            }),
            "an event type that the record does not list is added to it",
        ),
        (
            "09",
            Named(&["ok-no-slash"]),
            Like("empty-data"),
            "a path without its slash is served, not redirected",
        ),
        (
            "09",
            Named(&["unknown-md"]),
            Refused(404, "Not found."),
            UNKNOWN,
        ),
        (
            "09",
            Named(&["unknown-md-invalid-value", "null-value-int"]),
            Refused(400, "Value must be an integer"),
            CHECKED,
        ),
        (
            "09",
            Named(&["unregistered-et-get"]),
            Shows(r#"[{"ts": 1398965989, "val": []}]"#),
            "an event type that the record does not list is stored",
        ),
        (
            "09",
            Named(&["dup-of-stored"]),
            Changed(|expected| {
                expected.body["conflicts"] =
                    json!([{ "event-type": "throughput", "ts": 1_398_965_989 }]);
            }),
            "a bulk write names its conflicts",
        ),
        (
            "09",
            Named(&["item-string", "item-number"]),
            Refused(400, "Missing ts field in provided data list at position 1"),
            CRASHES,
        ),
        (
            "09",
            Named(&["val-number", "val-string-names"]),
            Refused(400, "Missing event-type field at data item 1 in value 1 "),
            CRASHES,
        ),
        (
            "09",
            Named(&["bad-event-type"]),
            Refused(400, "Invalid event type bogus"),
            CRASHES,
        ),
        (
            "09",
            Named(&["null-event-type"]),
            Refused(400, "Invalid event type None"),
            CRASHES,
        ),
        (
            "09",
            Named(&["ts-text", "ts-text-json", "ts-null", "ts-text-unregistered"]),
            Refused(400, "Time must be a unix timestamp"),
            TS,
        ),
        (
            "09",
            Named(&["body-string", "body-number", "body-null"]),
            Refused(400, "Request must contain 'data' element"),
            CRASHES,
        ),
    ]
}

fn reads() -> Vec<Row> {
    const LIMITS: &str = "odd limits and offsets are as if not given, as for metadata";
    const LINKS: &str = "the next link is there when there is more";
    vec![
        (
            "11",
            Named(&["limit-2-one-year"]),
            Changed(|expected| {
                let link = "<http://archive.example.org/esmond/perfsonar/archive/{{metadata_key:1}}/throughput/base?limit=2&offset=2&time-start=1388534400>; rel=\"next\"";
                set(expected, "link", link);
            }),
            LINKS,
        ),
        (
            "11",
            Named(&["limit-2-offset-1-one-year"]),
            Changed(|expected| {
                let url = "http://archive.example.org/esmond/perfsonar/archive/{{metadata_key:1}}/throughput/base";
                let links = format!(
                    "<{url}?limit=2&offset=3&time-start=1388534400>; rel=\"next\", <{url}?limit=2&time-start=1388534400>; rel=\"prev\""
                );
                set(expected, "link", &links);
            }),
            LINKS,
        ),
        (
            "11",
            Named(&["limit-0", "limit-text", "limit-empty", "limit-float"]),
            Like("all"),
            LIMITS,
        ),
        ("11", Named(&["offset-text"]), Like("limit-1"), LIMITS),
    ]
}

fn statistics() -> Vec<Row> {
    const NONE: &str = "a histogram without statistics is stored, with {} for them";
    const COUNTS: &str = "a histogram is an object with counts of 64 bits";
    vec![
        (
            "13",
            Named(&["statistics-0"]),
            Changed(|expected| revalue(expected, &[(1_398_904_800, json!({}))])),
            "digits of other scripts are not numbers",
        ),
        (
            "13",
            Named(&[
                "odd-empty",
                "odd-all-zero",
                "odd-cancelling",
                "odd-range-error",
                "odd-negative-one-count",
                "odd-negative-first-count",
                "odd-negative-total",
                "odd-negative-variance",
            ]),
            Like("odd-flush"),
            NONE,
        ),
        (
            "13",
            Named(&["odd-empty-list", "odd-list-0", "odd-empty-string"]),
            Refused(400, "Invalid histogram provided"),
            COUNTS,
        ),
        (
            "13",
            Named(&["odd-huge"]),
            Refused(400, "Value of histogram must be an integer"),
            COUNTS,
        ),
        (
            "13",
            Named(&["odd-base", "odd-base-after-flush", "odd-aggregations"]),
            Changed(|expected| {
                let refused = [1_399_002_408, 1_399_002_409, 1_399_002_410, 1_399_002_416];
                without(expected, &refused);
            }),
            COUNTS,
        ),
        (
            "13",
            Named(&["odd-statistics"]),
            Changed(|expected| {
                let points = expected.body.as_array_mut().unwrap();
                for ts in [5, 6, 7, 11, 12, 13, 14, 15].into_iter().rev() {
                    points.insert(0, json!({ "ts": 1_399_002_400 + ts, "val": {} }));
                }
            }),
            NONE,
        ),
        (
            "13",
            Named(&["nan-key-get"]),
            Shows(r#"[{"ts": 1398902424, "val": {}}]"#),
            NONE,
        ),
        (
            "13",
            Named(&["inf-key-get"]),
            Shows(r#"[{"ts": 1398902426, "val": {}}]"#),
            NONE,
        ),
    ]
}

fn methods_and_paths() -> Vec<Row> {
    const SLASH: &str = "a path without its slash is served, not redirected";
    const ANCHORED: &str = "only the alias and no alias are served";
    const SUFFIX: &str = "no suffix for a format: its answers have broken addresses";
    const HTML: &str = "browsers get JSON";
    vec![
        (
            "15",
            Named(&["md-PATCH", "md-PATCH-unknown"]),
            Refused(405, "Method \"PATCH\" not allowed."),
            "PATCH is not a method of the archive",
        ),
        (
            "15",
            Named(&["slash-list-0", "slash-list-0-query"]),
            Like("slash-list-1"),
            SLASH,
        ),
        ("15", Named(&["slash-md-0"]), Like("slash-md-1"), SLASH),
        (
            "15",
            Named(&["slash-list-POST"]),
            Changed(|expected| created(expected, record(101, &[("x", "1")]))),
            SLASH,
        ),
        ("15", Named(&["slash-md-DELETE"]), Like("md-DELETE"), SLASH),
        (
            "15",
            Named(&["url-perfsonar-no-slash"]),
            Like("url-perfsonar"),
            SLASH,
        ),
        ("15", Named(&["url-prefix"]), NoSuchPath, ANCHORED),
        (
            "15",
            Named(&["url-admin"]),
            NoSuchPath,
            "there are no admin pages",
        ),
        (
            "15",
            Named(&[
                "url-suffix-json",
                "url-suffix-api",
                "url-suffix-md-json",
                "url-suffix-md-json-slash",
                "url-suffix-md-xml",
                "url-suffix-perfsonar-json",
            ]),
            NoSuchPath,
            SUFFIX,
        ),
        (
            "15",
            Named(&[
                "accept-html-list",
                "accept-browser-list",
                "accept-text-any-list",
                "format-api-list",
            ]),
            Like("accept-json-list"),
            HTML,
        ),
        (
            "15",
            Named(&["format-api-list"]),
            Changed(|expected| {
                let url = expected.body[0]["url"].as_str().unwrap();
                expected.body[0]["url"] = json!(format!("{url}?format=api"));
            }),
            "as for other formats, the one asked for stays in the addresses",
        ),
        (
            "15",
            Named(&[
                "accept-html-base",
                "accept-browser-base",
                "accept-text-any-base",
                "format-api-base",
            ]),
            Like("accept-json-base"),
            HTML,
        ),
        (
            "15",
            Named(&["accept-html-404"]),
            Refused(404, "Not found."),
            HTML,
        ),
        (
            "15",
            Named(&["post-accept-html"]),
            Changed(|expected| created(expected, record(2, &[("h", "1")]))),
            HTML,
        ),
        (
            "15",
            Named(&[
                "url-double",
                "url-encoded",
                "accept-json-list",
                "accept-any-list",
                "accept-html-list",
                "accept-browser-list",
                "accept-json-indent-list",
                "accept-json-q-list",
                "accept-json-charset-list",
                "accept-text-any-list",
                "format-json-list",
                "format-api-list",
                "format--list",
                "range-header",
            ]),
            Changed(|expected| insert(expected, 1, record(101, &[("x", "1")]))),
            "the record that was posted without the slash",
        ),
        (
            "18",
            Named(&["esmond-prefix", "any-prefix", "esmond-prefix-post"]),
            NoSuchPath,
            ANCHORED,
        ),
        (
            "18",
            Named(&["forwarded-host"]),
            Changed(|expected| {
                keep(expected, &[1]);
                replace(expected, &[("https://", "http://")]);
            }),
            "forwarded headers count only from trusted proxies",
        ),
        ("18", Named(&["no-slash"]), Shows("[]"), SLASH),
    ]
}

fn authentication() -> Vec<Row> {
    const OLDER: &str = "the older form of a key is accepted";
    const LAST: &str = "the last untrusted entry of X-Forwarded-For counts";
    const UNREADABLE: &str = "an unreadable X-Forwarded-For makes the client unknown";
    vec![
        (
            "16",
            Named(&["post-apikey-old"]),
            Changed(|expected| created(expected, record(101, &[("n", "apikey-old")]))),
            OLDER,
        ),
        (
            "16",
            Named(&["get-param-key"]),
            Like("get-empty"),
            "user name and key in the query are credentials, not filters",
        ),
        (
            "16",
            Named(&["get-bare", "get-empty", "get-param-key"]),
            Changed(|expected| insert(expected, 5, record(101, &[("n", "apikey-old")]))),
            OLDER,
        ),
        (
            "17",
            Named(&["post-xff-list"]),
            Changed(|expected| created(expected, record(101, &[("n", "list")]))),
            LAST,
        ),
        (
            "17",
            Named(&["post-xff-bogus"]),
            Refused(401, "Authentication credentials were not provided."),
            UNREADABLE,
        ),
        (
            "17",
            Named(&["post-xff-with-port"]),
            Changed(|expected| created(expected, record(102, &[("n", "with-port")]))),
            "an entry with a port is an address",
        ),
        (
            "17",
            Named(&["get-xff-list"]),
            Like("get-xff-no-match"),
            LAST,
        ),
        (
            "17",
            Named(&["get-xff-bogus"]),
            Like("get-xff-no-match"),
            UNREADABLE,
        ),
        (
            "17",
            Named(&[
                "get-xff-list",
                "get-xff-bogus",
                "get-xff-no-match",
                "get-xff-list-with-token",
            ]),
            Changed(|expected| {
                insert(expected, 2, record(101, &[("n", "list")]));
                insert(expected, 3, record(102, &[("n", "with-port")]));
            }),
            "the records posted with such entries",
        ),
    ]
}

fn everywhere() -> Vec<Row> {
    vec![
        (
            "",
            Where(|exchange, expected| {
                exchange.request.method == "OPTIONS" && expected.status == 200
            }),
            Changed(|expected| {
                expected.body = json!({
                    "name": "{{text}}", "description": "{{text}}",
                    "renders": ["application/json"], "parses": ["application/json"]
                });
            }),
            "resources are described in our own words",
        ),
        (
            "",
            Where(|_, expected| {
                expected.status == 404 && has(expected, "content-type", "text/html")
            }),
            NoSuchPath,
            "every error is JSON",
        ),
        (
            "06",
            Named(&["md-dot"]),
            NoSuchPath,
            "a key has no dot, so the path names nothing",
        ),
        (
            "",
            Where(|_, expected| has(expected, "allow", "GET, PUT, PATCH, HEAD, OPTIONS")),
            Changed(|expected| set(expected, "allow", "GET, PUT, HEAD, OPTIONS")),
            "PATCH crashes the original, so ours does not offer it",
        ),
        (
            "",
            Where(|exchange, expected| {
                let ours = "GET, HEAD, OPTIONS";
                expected.headers.contains_key("allow")
                    && allow(&exchange.request.path) == Some(ours)
                    && !has(expected, "allow", ours)
            }),
            Changed(|expected| set(expected, "allow", "GET, HEAD, OPTIONS")),
            "POST to an event type does nothing in the original, so ours does not offer it",
        ),
    ]
}
