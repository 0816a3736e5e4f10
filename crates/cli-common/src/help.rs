//! What the help and the manual pages of the programs have in common.

use clap::{Arg, ArgAction, Command};

use crate::args::heading;
use crate::generate::Page;

/// The rest of the manual page of a program that asks an archive.
pub const PAGE: Page<'_> = Page {
    environment: &[
        (
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
            "Proxies, and the hosts that need none.",
        ),
        (
            "XDG_CONFIG_HOME",
            "Directory of the user's configuration, in place of ~/.config.",
        ),
    ],
    files: &[
        (
            "~/.config/esmond-ps/config.toml",
            "The user's configuration: named archives for --archive, and defaults.",
        ),
        (
            "/etc/esmond-ps/config.toml",
            "Configuration of the host. What the user's says as well, it does not decide.",
        ),
    ],
    see_also: &[
        "esmond-ps-get-endpoints(1)",
        "esmond-ps-get-metadata(1)",
        "esmond-ps-get(1)",
        "esmond-ps-get-bulk(1)",
        "esmond-ps-check(1)",
        "esmond-ps-load-gridftp(1)",
        "esmond-ps-pipe(1)",
        "esmond-ps-archive(1)",
    ],
};

/// The order of the headings.
const ORDER: [&str; 5] = [
    heading::QUERY,
    heading::INPUT,
    heading::OUTPUT,
    heading::CONNECTION,
    heading::BEHAVIOUR,
];

/// Adds the options that every program has, and puts all of them in the order of
/// their headings. The letter of `--version` may belong to another option.
///
/// Only names, options and groups of the command are kept: the rest comes after this.
#[must_use]
pub fn options(command: &Command, version: Option<char>) -> Command {
    let option = |name: &'static str, action| {
        Arg::new(name)
            .long(name)
            .action(action)
            .help_heading(heading::BEHAVIOUR)
    };
    let mut options: Vec<Arg> = command.get_arguments().cloned().collect();
    options.push(
        option("help", ArgAction::Help)
            .short('h')
            .help("Print help"),
    );
    let mut print_version = option("version", ArgAction::Version).help("Print version");
    if let Some(letter) = version {
        print_version = print_version.short(letter);
    }
    options.push(print_version);
    options.sort_by_key(|option| {
        let heading = option.get_help_heading();
        ORDER.iter().position(|known| Some(*known) == heading)
    });
    Command::new(command.get_name().to_owned())
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(options)
        .groups(command.get_groups().cloned().collect::<Vec<_>>())
}
