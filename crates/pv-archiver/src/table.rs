//! Commands as CSV: a header line with the names that the members have in JSON, and a
//! line for each command. Empty cells are left out.

use anyhow::bail;
use csv::{ReaderBuilder, StringRecord};
use esmond_ps_cli_common::report::chain;
use serde_json::{Map, Value};

use crate::commands::{Read, wrong};

/// Columns that hold a text as it is.
const TEXTS: [&str; 10] = [
    "commandType",
    "channelName",
    "oldChannelName",
    "newChannelName",
    "controlSystemType",
    "expectedControlSystemType",
    "serverId",
    "newServerId",
    "expectedServerId",
    "expectedOldServerId",
];
/// Columns that hold something else; see [`put`].
const OTHERS: [&str; 8] = [
    "enabled",
    "decimationLevels",
    "addDecimationLevels",
    "removeDecimationLevels",
    PERIODS,
    "options",
    "addOptions",
    "removeOptions",
];
const PERIODS: &str = "decimationLevelToRetentionPeriod";

/// Reads a table; a command that is wrong is in the list with what is wrong with it.
pub(crate) fn read(text: &str) -> anyhow::Result<Vec<(String, Read)>> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header: Vec<String> = reader
        .headers()?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    for (position, name) in header.iter().enumerate() {
        if !TEXTS.contains(&name.as_str()) && !OTHERS.contains(&name.as_str()) {
            let known = [&TEXTS[..], &OTHERS[..]].concat().join(", ");
            bail!(
                "it begins neither as JSON nor with the header line of CSV: there is no column `{name}` (there are: {known})"
            );
        }
        if header[..position].contains(name) {
            bail!("there are two columns `{name}`");
        }
    }
    reader
        .records()
        .map(|record| {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            Ok((format!("line {line}"), command(&header, &record)))
        })
        .collect()
}

fn command(header: &[String], record: &StringRecord) -> Read {
    let mut object = Map::new();
    for (name, cell) in header.iter().zip(record) {
        if cell.trim().is_empty() {
            continue;
        }
        if TEXTS.contains(&name.as_str()) {
            object.insert(name.clone(), cell.into());
        } else {
            let named = |reason: String| format!("{name}: {reason}");
            put(&mut object, name, cell.trim()).map_err(named)?;
        }
    }
    let object = Value::Object(object);
    let command = serde_json::from_value(object.clone()).map_err(|error| wrong(&error, &object))?;
    Ok((command, object))
}

/// Puts what a cell says into the object of a command:
/// - `enabled`: `true` or `false`;
/// - levels: `0:864000 30:31536000 900`, each with its retention period if it has one;
/// - options: `name=value;name=value`, or JSON;
/// - names of options: `name;name`, or JSON.
fn put(object: &mut Map<String, Value>, name: &str, cell: &str) -> Result<(), String> {
    let value = match name {
        _ if cell.starts_with(['{', '[']) => {
            serde_json::from_str(cell).map_err(|error| chain(&error))?
        }
        "enabled" if cell.eq_ignore_ascii_case("true") => Value::Bool(true),
        "enabled" if cell.eq_ignore_ascii_case("false") => Value::Bool(false),
        "enabled" => return Err(format!("`{cell}` is neither `true` nor `false`")),
        "options" | "addOptions" => parts(cell)
            .map(|part| {
                let pair = part.split_once('=');
                let (name, value) = pair.ok_or_else(|| format!("`{part}` has no `=`"))?;
                Ok((name.trim().to_owned(), Value::from(value)))
            })
            .collect::<Result<Map<_, _>, String>>()?
            .into(),
        "removeOptions" => parts(cell).collect(),
        _ => return levels(object, name, cell),
    };
    object.insert(name.to_owned(), value);
    Ok(())
}

fn levels(object: &mut Map<String, Value>, name: &str, cell: &str) -> Result<(), String> {
    let mut levels = Vec::new();
    for part in cell.split(|c: char| c.is_whitespace() || c == ';') {
        if part.is_empty() {
            continue;
        }
        let (level, period) = match part.split_once(':') {
            Some((level, period)) => (level, Some(period)),
            None => (part, None),
        };
        if let Some(period) = period {
            let periods = object
                .entry(PERIODS)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(periods) = periods
                && periods.insert(level.to_owned(), period.into()).is_some()
            {
                return Err(format!("the level {level} has two retention periods"));
            }
        } else if name == PERIODS {
            return Err(format!("`{part}` has no `:` and retention period"));
        }
        levels.push(Value::from(level));
    }
    if name != PERIODS {
        object.insert(name.to_owned(), levels.into());
    }
    Ok(())
}

fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(columns: &str, cells: &str) -> Result<Value, String> {
        let text = format!("commandType,channelName,{columns}\nupdate_channel,a,{cells}\n");
        let (place, read) = read(&text).unwrap().pop().unwrap();
        assert_eq!(place, "line 2");
        read.map(|(_, object)| object)
    }

    #[test]
    fn cells_become_members() {
        for (columns, cells, expected) in [
            ("enabled", "FALSE", json!({"enabled": false})),
            ("enabled,addOptions", ",", json!({})),
            (
                "addDecimationLevels,removeDecimationLevels",
                "30:5; 60:0,900",
                json!({"addDecimationLevels": ["30", "60"], "removeDecimationLevels": ["900"],
                    PERIODS: {"30": "5", "60": "0"}}),
            ),
            (
                "addOptions,removeOptions",
                "a=b=c; d=,e;f g",
                json!({"addOptions": {"a": "b=c", "d": ""}, "removeOptions": ["e", "f g"]}),
            ),
            (
                "options",
                r#""{""a"":""x;y""}""#,
                json!({"options": {"a": "x;y"}}),
            ),
            (PERIODS, "30:60", json!({PERIODS: {"30": "60"}})),
        ] {
            let Value::Object(mut members) = object(columns, cells).unwrap() else {
                panic!("{columns} makes no object");
            };
            members.remove("commandType");
            members.remove("channelName");
            assert_eq!(Value::Object(members), expected, "{columns}");
        }
    }

    #[test]
    fn cells_that_say_nothing_clear_are_refused() {
        for (columns, cells, expected) in [
            ("enabled", "1", "enabled: `1` is neither"),
            ("addOptions", "x", "`x` has no `=`"),
            ("decimationLevels", "30:5;30:6", "two retention periods"),
            ("decimationLevels", "x", "no whole number"),
            (PERIODS, "30", "has no `:`"),
            ("expectedServerId", "x", "expectedServerId"),
            ("options", "{", "EOF"),
            ("newServerId", "x", "newServerId"),
        ] {
            let error = object(columns, cells).unwrap_err();
            assert!(error.contains(expected), "{columns} {error}");
        }
    }

    #[test]
    fn what_is_no_table_of_commands_is_refused() {
        for text in [
            "hello",
            "commandType,commandType\n",
            "commandType\na,b\n",
            "<xml/>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
