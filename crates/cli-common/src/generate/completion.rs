//! Completions for shells.

use clap::builder::PossibleValuesParser;
use clap::{Command, ValueHint};
use clap_complete::Shell;
use esmond_ps_model::SummaryType;
use esmond_ps_model::registry::listed_event_types;

/// Returns the script for a shell; `None` for one that is not known.
pub(super) fn script(command: &Command, shell: &str) -> Option<Vec<u8>> {
    let shell: Shell = match shell {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => return None,
    };
    let mut command = with_values(command.clone());
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    if shell == Shell::Bash {
        return Some(with_one_name(script, &name));
    }
    Some(script)
}

/// Gives the program the same name everywhere in a script for bash: clap_complete 4.6
/// takes a dash in it for the beginning of a subcommand in one of two places, and then
/// options of subcommands are not found (<https://github.com/clap-rs/clap/issues/6421>).
fn with_one_name(script: Vec<u8>, name: &str) -> Vec<u8> {
    match String::from_utf8(script) {
        Ok(text) => {
            let wrong = name.replace('-', "__subcmd__");
            text.replace(&wrong, &name.replace('-', "__")).into_bytes()
        }
        Err(error) => error.into_bytes(),
    }
}

/// Names values that the programs check themselves, in the words of the originals.
fn with_values(mut command: Command) -> Command {
    let summary_types = SummaryType::DERIVED.map(SummaryType::name);
    let known: [(&str, Vec<&'static str>); 2] = [
        ("event_type", listed_event_types().collect()),
        ("summary_type", summary_types.to_vec()),
    ];
    for (id, values) in known {
        if command.get_arguments().any(|option| option.get_id() == id) {
            command = command.mut_arg(id, |option| {
                option.value_parser(PossibleValuesParser::new(values))
            });
        }
    }
    let hints = [
        ("src", ValueHint::Hostname),
        ("dest", ValueHint::Hostname),
        ("agent", ValueHint::Hostname),
        ("url", ValueHint::Url),
        ("user", ValueHint::Other),
        ("key", ValueHint::Other),
    ];
    for (id, hint) in hints {
        if command.get_arguments().any(|option| option.get_id() == id) {
            command = command.mut_arg(id, |option| option.value_hint(hint));
        }
    }
    command
}
