//! Manual pages. One page has all subcommands: they are read together.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use roff::{Inline, Roff, bold, italic, roman};

use super::Page;

/// Returns the page of a program, in the language of man.
pub(super) fn page(command: &Command, page: &Page<'_>) -> Option<Vec<u8>> {
    let mut command = command.clone();
    command.build();
    let name = command.get_name().to_owned();
    let version = command.get_version().unwrap_or_default().to_owned();
    let end = command.get_after_help().map(ToString::to_string);
    let end = End::of(&end.unwrap_or_default());
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    let mut roff = Roff::new();
    let source = format!("esmond-ps {version}");
    // A date would be that of the build.
    roff.control(
        "TH",
        [&*name.to_uppercase(), "1", " ", &source, "User Commands"],
    );
    // Names of options and files are neither stretched nor taken apart.
    roff.control("ad", ["l"]);
    roff.control("nh", []);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", lower(&about)))]);
    roff.control("SH", ["SYNOPSIS"]);
    synopsis(&mut roff, &mut command);
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, &long_about(&command), "PP");
    for text in &end.notes {
        roff.control("PP", []);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["OPTIONS"]);
    options(&mut roff, &command, |_| true);
    if command.has_subcommands() {
        roff.control("SH", ["COMMANDS"]);
        for subcommand in command.get_subcommands() {
            commands(&mut roff, subcommand);
        }
    }
    section(&mut roff, "EXIT STATUS", &end.exit_status, status);
    environment(&mut roff, &command, page);
    definitions(&mut roff, "FILES", page.files);
    section(&mut roff, "EXAMPLES", &end.examples, example);
    let others: Vec<&str> = page
        .see_also
        .iter()
        .filter(|other| other.split('(').next() != Some(&name))
        .copied()
        .collect();
    if !others.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text(see_also(&others));
    }
    Some(roff.render().into_bytes())
}

fn see_also(pages: &[&str]) -> Vec<Inline> {
    let mut line = Vec::new();
    for page in pages {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        let (name, section) = page.split_at(page.find('(').unwrap_or(page.len()));
        line.push(bold(name));
        line.push(roman(section));
    }
    line
}

/// Returns a text without the capital at its beginning, unless that is a name.
fn lower(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    let first = letters.next();
    let second_is_small = letters.next().is_some_and(|c| c.is_lowercase() || c == ' ');
    match first {
        Some(first) if second_is_small => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

fn long_about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

fn synopsis(roff: &mut Roff, command: &mut Command) {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut is_first = true;
    for line in usage.lines() {
        if !is_first {
            roff.control("br", []);
        }
        is_first = false;
        let line = line.trim();
        match line.strip_prefix(name) {
            Some(rest) => roff.text([bold(name), roman(rest)]),
            None => roff.text([roman(line)]),
        };
    }
}

/// Writes the texts of blank-line separated paragraphs. `between` is the macro that
/// begins one.
fn paragraphs(roff: &mut Roff, text: &str, between: &str) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            roff.control(between, []);
        }
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        roff.text([roman(lines.join(" "))]);
    }
}

/// Writes the options of a command below their headings, in the order of the help.
fn options(roff: &mut Roff, command: &Command, is_meant: impl Fn(&Arg) -> bool) {
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && is_meant(arg))
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &shown {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            roff.control("SS", [heading]);
        }
        let below = shown.iter().filter(|arg| arg.get_help_heading() == heading);
        for arg in below {
            option(roff, arg);
        }
    }
}

fn option(roff: &mut Roff, arg: &Arg) {
    let mut head = Vec::new();
    if let Some(letter) = arg.get_short() {
        head.push(bold(format!("-{letter}")));
    }
    if let Some(name) = arg.get_long() {
        if !head.is_empty() {
            head.push(roman(", "));
        }
        head.push(bold(format!("--{name}")));
    }
    for name in arg.get_visible_aliases().unwrap_or_default() {
        head.push(roman(", "));
        head.push(bold(format!("--{name}")));
    }
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if takes_value {
        if !head.is_empty() {
            head.push(roman(" "));
        }
        let names = arg.get_value_names().unwrap_or_default();
        let names: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
        let more = matches!(arg.get_action(), ArgAction::Append) && arg.is_positional();
        let more = if more { "..." } else { "" };
        head.push(italic(format!("{}{more}", names.join(" "))));
    }
    roff.control("TP", []);
    roff.text(head);
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    paragraphs(roff, &help, "IP");
    let mut facts = Vec::new();
    let values = arg.get_possible_values();
    let values: Vec<&str> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(PossibleValue::get_name)
        .collect();
    if takes_value && !values.is_empty() && !arg.is_hide_possible_values_set() {
        facts.push(format!("[one of: {}]", values.join(", ")));
    }
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.map(|text| text.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        facts.push(format!("[default: {}]", defaults.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        facts.push(format!("[env: {}]", variable.to_string_lossy()));
    }
    if !facts.is_empty() {
        roff.control("br", []);
        roff.text([roman(facts.join(" "))]);
    }
}

/// Writes a subcommand and those below it. Options that all of them have are told
/// once, above.
fn commands(roff: &mut Roff, command: &Command) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let mut command = command.clone();
    if !command.has_subcommands() {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let name = name.to_owned();
        roff.control("SS", [&*name]);
        synopsis(roff, &mut command);
        roff.control("PP", []);
        paragraphs(roff, &long_about(&command), "PP");
        options(roff, &command, |arg| {
            let is_common = matches!(
                arg.get_action(),
                ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
            );
            !arg.is_global_set() && !is_common
        });
        let end = command.get_after_help().map(ToString::to_string);
        let end = End::of(&end.unwrap_or_default());
        for text in &end.notes {
            roff.control("PP", []);
            roff.text([roman(text)]);
        }
        for text in &end.exit_status {
            roff.control("PP", []);
            roff.text([roman(format!("Exit status: {text}"))]);
        }
        if !end.examples.is_empty() {
            roff.control("PP", []);
            roff.text([italic("Examples:")]);
            example(roff, &end.examples);
        }
    }
    for subcommand in command.get_subcommands() {
        commands(roff, subcommand);
    }
}

fn environment(roff: &mut Roff, command: &Command, page: &Page<'_>) {
    let mut variables: Vec<(String, String)> = Vec::new();
    for arg in all_arguments(command) {
        if let (Some(name), Some(option)) = (arg.get_env(), arg.get_long()) {
            let name = name.to_string_lossy().into_owned();
            // Commands share options.
            if variables.iter().all(|(known, _)| *known != name) {
                let text = format!("Stands for --{option}, which counts more.");
                variables.push((name, text));
            }
        }
    }
    let variables = variables.iter().map(|(name, text)| (&**name, &**text));
    let all: Vec<(&str, &str)> = variables.chain(page.environment.iter().copied()).collect();
    definitions(roff, "ENVIRONMENT", &all);
}

/// Returns the options of a command and of those below it.
fn all_arguments(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let below = command.get_subcommands().flat_map(all_arguments);
    own.chain(below).collect()
}

fn definitions(roff: &mut Roff, title: &str, definitions: &[(&str, &str)]) {
    if definitions.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    for (name, text) in definitions {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*text)]);
    }
}

fn section(roff: &mut Roff, title: &str, lines: &[String], write: fn(&mut Roff, &[String])) {
    if !lines.is_empty() {
        roff.control("SH", [title]);
        write(roff, lines);
    }
}

/// Writes lines such as `  0  done`; others are text.
fn status(roff: &mut Roff, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        match line.trim().split_once("  ") {
            Some((number, text)) if line.starts_with(' ') => {
                roff.control("TP", ["4"]);
                roff.text([bold(number)]);
                roff.text([roman(text.trim())]);
            }
            _ => {
                if index > 0 {
                    roff.control("PP", []);
                }
                roff.text([roman(line.trim())]);
            }
        }
    }
}

/// Writes examples: lines that end in a colon say what those below do.
fn example(roff: &mut Roff, lines: &[String]) {
    let mut is_code = false;
    for line in lines {
        let is_text = line.ends_with(':') && !line.starts_with("    ");
        if is_code && is_text {
            roff.control("fi", []);
            roff.control("RE", []);
        }
        if is_text {
            roff.control("PP", []);
            roff.text([roman(line.trim())]);
        } else {
            if !is_code {
                roff.control("RS", ["4"]);
                roff.control("nf", []);
            }
            let indent = if line.starts_with("      ") {
                "    "
            } else {
                ""
            };
            roff.text([roman(format!("{indent}{}", line.trim()))]);
        }
        is_code = !is_text;
    }
    if is_code {
        roff.control("fi", []);
        roff.control("RE", []);
    }
}

/// The end of a help, in parts.
#[derive(Debug, Default)]
struct End {
    examples: Vec<String>,
    exit_status: Vec<String>,
    /// Paragraphs.
    notes: Vec<String>,
}

impl End {
    fn of(text: &str) -> Self {
        let mut end = Self::default();
        for block in text.split("\n\n") {
            let lines = block.lines().map(ToOwned::to_owned);
            if block.starts_with("Examples:") {
                end.examples.extend(lines.skip(1));
            } else if block.starts_with("Exit status:\n") {
                end.exit_status.extend(lines.skip(1));
            } else if let Some(text) = block.strip_prefix("Exit status: ") {
                end.exit_status.push(text.replace('\n', " "));
            } else if !block.trim().is_empty() {
                end.notes.push(block.replace('\n', " "));
            }
        }
        end
    }
}
