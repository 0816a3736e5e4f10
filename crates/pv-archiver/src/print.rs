//! What the API says, as rows.
//!
//! `json` and `jsonl` have the objects of the API as they are: whoever read them with
//! the original client finds all members where they were. `human` has times that can
//! be read, and `csv` the columns that it is given.

use std::io::Write;

use chrono::{DateTime, SecondsFormat};
use esmond_ps_cli_common::output::{self, Format, RowWriter};
use esmond_ps_cli_common::rows::Row;
use serde::Serialize;
use serde_json::Value;

/// Returns a writer for stdout or a file. Text ends in a line of its own for people, in
/// a newline for JSON, and in its last record for CSV.
pub(crate) fn writer<W: Write>(format: Format, columns: &[&'static str], out: W) -> RowWriter<W> {
    match format {
        Format::Csv => output::file_writer(format, columns, out),
        _ => output::writer(format, columns, out),
    }
}

/// Members that hold milliseconds since 1970, as texts.
const TIMES: [&str; 2] = ["lastOnlineTime", "serverLastOnlineTime"];

/// Returns an object of the API as a row.
pub(crate) fn row(object: &impl Serialize, format: Format) -> serde_json::Result<Row> {
    let mut row = Row::new();
    if let Value::Object(members) = serde_json::to_value(object)? {
        for (name, value) in members {
            let readable = (format == Format::Human && TIMES.contains(&name.as_str()))
                .then(|| date_of_milliseconds(&value))
                .flatten();
            row.push(name, readable.map_or(value, Value::from));
        }
    }
    Ok(row)
}

fn date_of_milliseconds(value: &Value) -> Option<String> {
    let milliseconds = value.as_str()?.parse().ok().filter(|time| *time != 0)?;
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_people_get_readable_times() {
        let object = json!({"lastOnlineTime": "1490634430220", "serverLastOnlineTime": "0"});
        let json = row(&object, Format::Json).unwrap();
        assert_eq!(json.get("lastOnlineTime"), Some(&"1490634430220".into()));
        let human = row(&object, Format::Human).unwrap();
        let date = "2017-03-27T17:07:10.220Z";
        assert_eq!(human.get("lastOnlineTime"), Some(&date.into()));
        assert_eq!(human.get("serverLastOnlineTime"), Some(&"0".into()));
    }
}
