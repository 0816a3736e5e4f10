//! Command-line habits of the original programs, in front of clap.
//!
//! The originals used Python's `optparse`, and scripts lean on its manners:
//! any unambiguous prefix of a long option, a value that may start with a
//! dash (`-S -24h`), positional arguments anywhere and ignored. This module
//! rewrites a command line into one that clap reads the same way, and words
//! its complaints as `optparse` did.

use std::any::TypeId;
use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command};

use crate::nearest::did_you_mean;

/// Rewrites a command line (without the program name): long options are
/// spelled out, each value is joined to its option, positional arguments are
/// dropped.
///
/// A prefix of one option in `original` means that option, even when other
/// options share it: options that ours have in addition do not break
/// abbreviations that worked before.
///
/// # Errors
///
/// The complaint, such as `no such option: --x`.
pub fn normalise(
    arguments: &[String],
    command: &Command,
    original: &[&str],
) -> Result<Vec<String>, String> {
    let mut normalised = Vec::with_capacity(arguments.len());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, mut value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let option = find_long(name, command, original)?;
            let name = option.get_long().unwrap_or(name);
            if takes_value(option) {
                if value.is_none() {
                    value = rest.next().cloned();
                }
                let value = value.ok_or_else(|| format!("--{name} option requires 1 argument"))?;
                check(option, &format!("--{name}"), &value)?;
                normalised.push(format!("--{name}={value}"));
            } else if value.is_some() {
                return Err(format!("--{name} option does not take a value"));
            } else {
                normalised.push(format!("--{name}"));
            }
        } else if argument.len() > 1 && argument.starts_with('-') {
            for (at, letter) in argument.char_indices().skip(1) {
                let option = command
                    .get_arguments()
                    .find(|option| option.get_short() == Some(letter))
                    .ok_or_else(|| format!("no such option: -{letter}"))?;
                let long = option.get_long().unwrap_or_default();
                if !takes_value(option) {
                    normalised.push(format!("--{long}"));
                    continue;
                }
                let joined = &argument[at + letter.len_utf8()..];
                let value = if joined.is_empty() {
                    rest.next()
                        .cloned()
                        .ok_or_else(|| format!("-{letter} option requires 1 argument"))?
                } else {
                    joined.to_owned()
                };
                check(option, &format!("-{letter}"), &value)?;
                normalised.push(format!("--{long}={value}"));
                break;
            }
        }
    }
    Ok(normalised)
}

/// Checks the value of an integer option, to complain with the spelling that
/// was typed.
fn check(option: &Arg, typed: &str, value: &str) -> Result<(), String> {
    let wants_integer = option.get_value_parser().type_id() == TypeId::of::<i64>();
    if wants_integer && value.parse::<i64>().is_err() {
        return Err(format!("option {typed}: invalid integer value: '{value}'"));
    }
    Ok(())
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

fn find_long<'a>(name: &str, command: &'a Command, original: &[&str]) -> Result<&'a Arg, String> {
    // An underscore in an option name is as good as a dash.
    let name = name.replace('_', "-");
    let spelled = |option: &Arg| -> Vec<String> {
        let mut names: Vec<String> = option
            .get_long_and_visible_aliases()
            .unwrap_or_default()
            .into_iter()
            .map(ToOwned::to_owned)
            .collect();
        names.extend(
            option
                .get_all_aliases()
                .unwrap_or_default()
                .into_iter()
                .map(ToOwned::to_owned),
        );
        names.iter().map(|name| name.replace('_', "-")).collect()
    };
    let matching = |test: &dyn Fn(&str) -> bool| -> Vec<&'a Arg> {
        command
            .get_arguments()
            .filter(|option| spelled(option).iter().any(|long| test(long)))
            .collect()
    };
    if let [option] = matching(&|long| long == name)[..] {
        return Ok(option);
    }
    let of_original = matching(&|long| long.starts_with(&name) && original.contains(&long));
    let candidates = if of_original.is_empty() {
        matching(&|long| long.starts_with(&name))
    } else {
        of_original
    };
    match candidates[..] {
        [option] => Ok(option),
        [] => {
            let known = command
                .get_arguments()
                .filter(|option| !option.is_hide_set());
            let known: Vec<String> = known
                .filter_map(|option| Some(format!("--{}", option.get_long()?)))
                .collect();
            let typed = format!("--{name}");
            let near = did_you_mean(&typed, known.iter().map(String::as_str), "");
            Err(format!("no such option: {typed}{near}"))
        }
        _ => {
            let names: BTreeSet<String> = candidates
                .iter()
                .filter_map(|option| Some(format!("--{}", option.get_long()?)))
                .collect();
            let names: Vec<String> = names.into_iter().collect();
            Err(format!(
                "ambiguous option: --{name} ({}?)",
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;
    use clap::{Arg, ArgAction, Command};

    const ORIGINAL: [&str; 6] = [
        "url",
        "summary-type",
        "summary-window",
        "verbose",
        "ip",
        "output-format",
    ];

    fn command() -> Command {
        let option = |short: char, long: &'static str| Arg::new(long).short(short).long(long);
        let flag = |short, long| option(short, long).action(ArgAction::SetTrue);
        Command::new("x").args([
            option('u', "url"),
            option('T', "summary-type"),
            option('W', "summary-window").value_parser(clap::value_parser!(i64)),
            option('o', "output-format"),
            flag('v', "verbose"),
            flag('I', "ip"),
            Arg::new("user").long("user"),
            Arg::new("insecure")
                .long("insecure")
                .action(ArgAction::SetTrue),
        ])
    }

    fn p(line: &str) -> Result<String, String> {
        let arguments: Vec<String> = line.split_whitespace().map(ToOwned::to_owned).collect();
        normalise(&arguments, &command(), &ORIGINAL).map(|words| words.join(" "))
    }

    #[test]
    fn the_spellings_of_the_originals_are_understood() {
        for (line, expected) in [
            ("--url x", "--url=x"),
            ("--url=x=y", "--url=x=y"),
            ("--out json --ip", "--output-format=json --ip"),
            ("-W300 -W -3", "--summary-window=300 --summary-window=-3"),
            ("-Ivojson", "--ip --verbose --output-format=json"),
            ("-Iv -ojson", "--ip --verbose --output-format=json"),
            ("-u -x", "--url=-x"),
            ("foo -I bar", "--ip"),
            ("-I -- -v --bogus", "--ip"),
            ("-", ""),
            ("--output_format csv", "--output-format=csv"),
            // Prefixes that were unique keep their meaning beside new options.
            ("--u x", "--url=x"),
            ("--i", "--ip"),
            ("--ins", "--insecure"),
        ] {
            assert_eq!(p(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn complaints_are_worded_as_before() {
        for (line, expected) in [
            ("--bogus", "no such option: --bogus"),
            (
                "--sumary-type x",
                "no such option: --sumary-type; did you mean --summary-type?",
            ),
            ("-Ix", "no such option: -x"),
            ("-u", "-u option requires 1 argument"),
            ("--url", "--url option requires 1 argument"),
            (
                "--sum",
                "ambiguous option: --sum (--summary-type, --summary-window?)",
            ),
            ("-W abc", "option -W: invalid integer value: 'abc'"),
            (
                "--summary-w 1.5",
                "option --summary-window: invalid integer value: '1.5'",
            ),
            ("--ip=1", "--ip option does not take a value"),
        ] {
            assert_eq!(p(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn an_empty_value_stays_a_value() {
        let arguments = ["-u".to_owned(), String::new()];
        assert_eq!(
            normalise(&arguments, &command(), &ORIGINAL).unwrap(),
            ["--url="]
        );
    }
}
