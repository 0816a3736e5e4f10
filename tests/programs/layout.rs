//! How values become rows, as the pages for users say it.

use serde_json::{Value, json};

/// The rows of a value, by the layout of its event type.
pub(crate) fn columns(event_type: &str, summary: &str, value: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let interval = |part: &Value| json!({"start": part["start"], "duration": part["duration"], "value": part["val"]});
    let of_streams = |rows: &dyn Fn(&Value) -> Vec<Value>| {
        let streams = list(value).into_iter().enumerate();
        let rows = streams.flat_map(|(number, stream)| {
            let rows = rows(&stream).into_iter();
            rows.map(move |mut row| {
                row["stream_num"] = json!(number);
                row
            })
        });
        rows.collect()
    };
    match event_type {
        "failures" => vec![json!({"msg": value["error"]})],
        _ if summary == "statistics" => vec![json!({
            "min": value["minimum"], "median": value["median"], "max": value["maximum"],
            "mean": value["mean"], "standard_deviation": value["standard-deviation"],
            "variance": value["variance"], "percentile_25": value["percentile-25"],
            "percentile_75": value["percentile-75"], "percentile_95": value["percentile-95"],
        })],
        "packet-trace" => {
            let hops = list(value).into_iter().map(|hop| {
                json!({
                    "ttl": hop["ttl"], "query": hop["query"], "success": hop["success"],
                    "ip": hop["ip"], "rtt": hop["rtt"], "mtu": hop["mtu"],
                    "error_message": hop["error-message"],
                })
            });
            hops.collect()
        }
        "streams-throughput-subintervals" | "streams-packet-retransmits-subintervals" => {
            of_streams(&|stream| list(stream).iter().map(interval).collect())
        }
        "throughput-subintervals" | "packet-retransmits-subintervals" => {
            list(value).iter().map(interval).collect()
        }
        "streams-throughput" | "streams-packet-retransmits" => {
            // A stream without a value is none.
            let held = |stream: &Value| (!stream.is_null()).then(|| json!({"value": stream}));
            of_streams(&|stream| held(stream).into_iter().collect())
        }
        _ => vec![json!({"value": value})],
    }
}

/// A value as human and csv show it, apart from none.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}
