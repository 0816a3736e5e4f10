//! Reading a file of commands.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use esmond_ps_cli_common::report::{chain, told};
use pv_archiver_client::{Command, Commands, Uuid};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::table;

/// A command, where it stands, and the object that it was made of.
pub(crate) type Read = Result<(Command, Value), String>;

/// Commands, and what should be said about them.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) commands: Commands,
    pub(crate) warnings: Vec<String>,
}

/// Reads a file, or stdin for `-`. Every command that is wrong is named in the error.
pub(crate) fn read(path: &Path) -> anyhow::Result<Batch> {
    let mut bytes = Vec::new();
    let name = if path == Path::new("-") {
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("reading stdin")?;
        "stdin".to_owned()
    } else {
        let name = path.display().to_string();
        bytes = fs::read(path).with_context(|| format!("reading {name}"))?;
        name
    };
    let text = String::from_utf8(bytes).ok();
    let text = text.with_context(|| format!("{name} is no text in UTF-8"))?;
    parse(&text).with_context(|| format!("{name} is no file of commands"))
}

/// Reads JSON, which begins with a bracket, or else CSV.
fn parse(text: &str) -> anyhow::Result<Batch> {
    let text = text.trim_start_matches('\u{feff}');
    let read = if text.trim_start().starts_with(['[', '{']) {
        json(text)?
    } else {
        table::read(text)?
    };
    let mut batch = Batch {
        commands: Commands::new(),
        warnings: Vec::new(),
    };
    let mut wrong = Vec::new();
    for (place, command) in read {
        match command {
            Ok((command, object)) => {
                batch.warnings.extend(kept_for_ever(&command, &object));
                if let Err(error) = batch.commands.push(command) {
                    wrong.push(format!("{place}: {error}"));
                }
            }
            Err(error) => wrong.push(format!("{place}: {error}")),
        }
    }
    if !wrong.is_empty() {
        bail!("{}", told(&wrong.join("; ")));
    }
    if batch.commands.as_slice().is_empty() {
        bail!("there is no command in it");
    }
    Ok(batch)
}

/// Reads a list of commands, or the request of the API that holds one.
fn json(text: &str) -> anyhow::Result<Vec<(String, Read)>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request<'a> {
        #[serde(borrow)]
        commands: Vec<&'a RawValue>,
    }
    let list: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        serde_json::from_str::<Request<'_>>(text)?.commands
    };
    let read = |raw: &RawValue| {
        let object = serde_json::from_str(raw.get()).map_err(|error| chain(&error))?;
        // Not from the object, which has lost what is said twice.
        match serde_json::from_str(raw.get()) {
            Ok(command) => Ok((command, object)),
            Err(error) => Err(wrong(&error, &object)),
        }
    };
    let numbered = list.into_iter().zip(1..);
    Ok(numbered
        .map(|(raw, number)| (format!("command {number}"), read(raw)))
        .collect())
}

/// Says why an object is no command. Of an ID that is none, the reading does not say
/// which.
pub(crate) fn wrong(error: &serde_json::Error, object: &Value) -> String {
    let mut members = object.as_object().into_iter().flatten();
    let odd = members.find_map(|(name, value)| {
        let text = value.as_str().filter(|_| name.ends_with("Id"))?;
        text.parse::<Uuid>().is_err().then_some((name, text))
    });
    match odd {
        Some((name, text)) => format!("{name}: `{text}` is no ID of a server"),
        None => chain(error),
    }
}

/// Tells which levels of a command are kept for ever only because nothing is said: the
/// original client could not say how long, so its lists have no periods.
///
/// DIFFERENCE: the Python client can send nothing else, and does not say so.
fn kept_for_ever(command: &Command, object: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.parse::<u32>().ok(),
        value => value.to_string().parse().ok(),
    };
    let list = |name: &str| object.get(name).and_then(Value::as_array);
    let (whole, added) = (list("decimationLevels"), list("addDecimationLevels"));
    let mut levels: BTreeSet<u32> = [whole, added]
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(text)
        .collect();
    // Raw samples are always there, and lose their period beside a whole list.
    levels.extend(whole.map(|_| 0));
    let periods = object.get("decimationLevelToRetentionPeriod");
    let periods = periods.and_then(Value::as_object);
    for level in periods.into_iter().flat_map(serde_json::Map::keys) {
        if let Ok(level) = level.parse() {
            levels.remove(&level);
        }
    }
    if levels.is_empty() {
        return None;
    }
    let levels: Vec<String> = levels.iter().map(u32::to_string).collect();
    Some(told(&format!(
        "warning: {} {}: samples of the levels {} (s) are kept for ever, as no retention period \
         is given",
        command.command_type(),
        command.channels().join(" -> "),
        levels.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "7cf8f393-cd00-46ae-9343-53e9cb5793fd";

    #[test]
    fn json_is_a_list_or_the_request_of_the_api() {
        let list = r#"[{"commandType":"remove_channel","channelName":"a"}]"#;
        let request = format!("\u{feff} {{\"commands\":{list}}}");
        for text in [list, &request] {
            assert_eq!(parse(text).unwrap().commands.as_slice().len(), 1, "{text}");
        }
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = format!(
            "commandType,channelName,controlSystemType,serverId,enabled,decimationLevels,options\n\
             add_channel,a,channel_access,{SERVER},true,0:864000 30:0,monitorMask=value|alarm\n"
        );
        let json = format!(
            r#"[{{"commandType":"add_channel","channelName":"a","controlSystemType":"channel_access",
            "serverId":"{SERVER}","enabled":true,"decimationLevels":["0","30"],
            "decimationLevelToRetentionPeriod":{{"0":"864000","30":0}},"options":{{"monitorMask":"value|alarm"}}}}]"#
        );
        let (csv, json) = (parse(&csv).unwrap(), parse(&json).unwrap());
        assert_eq!(csv.commands, json.commands);
        assert!(csv.warnings.is_empty() && json.warnings.is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        for (text, expected) in [
            ("[", "EOF"),
            ("[]", "no command"),
            (r#"{"comands":[]}"#, "comands"),
            (r#"[{"commandType":"remove_channel"}, 5]"#, "command 1: "),
            (r#"[{"commandType":"remove_channel"}, 5]"#, "command 2: "),
            (
                r#"[{"commandType":"remove_channel","channelName":"a","enabled":true}]"#,
                "unknown field `enabled`",
            ),
            (
                r#"[{"commandType":"remove_channel","channelName":"a","channelName":"b"}]"#,
                "duplicate",
            ),
            (
                "commandType,channelName\nremove_channel,a\nrefresh_channel,\nremove_channel,a\n",
                "line 4: there are two commands for the channel `a`",
            ),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expected), "{text} {error}");
        }
    }

    #[test]
    fn levels_without_a_period_are_warned_of() {
        let warning = |members: &str| {
            let text =
                format!(r#"[{{"commandType":"update_channel","channelName":"a"{members}}}]"#);
            parse(&text).unwrap().warnings.pop().unwrap_or_default()
        };
        assert!(warning(r#","decimationLevels":[0,"30",500]"#).contains("levels 0, 30, 500 (s)"));
        let some =
            r#","decimationLevels":[30,900],"decimationLevelToRetentionPeriod":{"0":5,"30":10}"#;
        assert!(warning(some).contains("levels 900 (s)"));
        assert!(warning(r#","addDecimationLevels":[30]"#).contains("levels 30 (s)"));
        let all = r#","addDecimationLevels":[30],"decimationLevelToRetentionPeriod":{"30":0}"#;
        assert_eq!(warning(all), "");
        assert_eq!(warning(r#","enabled":false"#), "");
    }
}
