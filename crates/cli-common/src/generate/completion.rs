//! Completions for shells.

use clap::Command;
use clap::builder::PossibleValuesParser;
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
    clap_complete::generate(shell, &mut command, name, &mut script);
    Some(script)
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
    command
}
