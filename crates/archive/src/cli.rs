//! The command line: what all subcommands share.
//!
//! An option of [`Cli`] or [`Serve`] is a setting: it needs a long name, which
//! is also its key in the configuration file, and an environment variable
//! (`settings` checks that). The names in [`NO_SETTINGS`] are the exceptions.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use esmond_ps_cli_common::offer;
use ipnet::{IpNet, Ipv4Net};
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::commands::backup::Backup;
use crate::commands::check::Check;
use crate::commands::export::Export;
use crate::commands::import::Import;
use crate::commands::mirror::Mirror;
use crate::commands::prune::Prune;
use crate::commands::serve::Serve;
use crate::commands::stats::Stats;
use crate::commands::user::User;

/// Options that are no settings: they make sense on the command line alone.
pub(crate) const NO_SETTINGS: [&str; 4] = ["config", "show-config", "help", "version"];

/// Place in the help of the options that all subcommands have: after their own.
const LATE: usize = 900;

/// A perfSONAR measurement archive that speaks the esmond REST API.
#[derive(Debug, Parser)]
#[command(
    name = "esmond-ps-archive",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  Make a user, and show the key once:
    esmond-ps-archive user add perfsonar
  Serve on this machine, and look at what is served:
    esmond-ps-archive serve &
    curl http://127.0.0.1:8080/esmond/perfsonar/archive/
  Copy everything to a file, while it is served:
    esmond-ps-archive backup today.sqlite
  Options and examples of a command:
    esmond-ps-archive help mirror

Reading needs no credentials. Writing needs a key (header \"Authorization: Token KEY\") or a
registered address. For HTTPS, give serve --tls-cert and --tls-key, or put a web server in front
and name it with --trusted-proxy.

Every setting can stand on the command line, in the environment, and in the configuration file
under the name of its option without the dashes; the first of these that has it counts.
\"serve --show-config\" tells what holds and from where.

Exit status: 0 done, 1 failed, 2 usage error or wrong configuration, 3 partly done, with what was
not done named on stderr; 130 or 143 when SIGINT or SIGTERM ended it."
)]
pub(crate) struct Cli {
    /// Configuration file (TOML). Default: /etc/esmond-ps/archive.toml, if
    /// there is one
    #[arg(
        long,
        global = true,
        display_order = LATE,
        value_name = "FILE",
        env = "ESMOND_ARCHIVE_CONFIG"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Directory that holds the archive; created if missing. Default:
    /// $XDG_DATA_HOME/esmond-ps-archive, or ~/.local/share/esmond-ps-archive
    #[arg(
        long,
        global = true,
        display_order = LATE,
        value_name = "DIR",
        env = "ESMOND_ARCHIVE_DATA"
    )]
    pub(crate) data: Option<PathBuf>,
    /// What is logged to stderr: error, warn, info, debug or trace, also for
    /// single parts, such as info,esmond_ps_server=debug
    #[arg(
        long,
        global = true,
        display_order = LATE,
        value_name = "LEVEL",
        default_value = "info",
        value_parser = filter,
        env = "RUST_LOG"
    )]
    pub(crate) log: String,
    /// Form of both logs: lines to read, or one JSON object a line
    #[arg(
        long,
        global = true,
        display_order = LATE,
        value_name = "FORM",
        value_enum,
        default_value = "text",
        env = "ESMOND_ARCHIVE_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    #[command(subcommand)]
    User(User),
    Stats(Stats),
    Check(Check),
    Backup(Backup),
    Prune(Prune),
    Export(Export),
    Import(Import),
    Mirror(Mirror),
}

/// The subcommands as the help groups them.
const GROUPS: [(&str, &[&str]); 3] = [
    ("Serving", &["serve", "user"]),
    ("Keeping", &["stats", "check", "backup", "prune"]),
    ("Moving data", &["export", "import", "mirror"]),
];

/// Returns the command line, with the subcommands in groups.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let mut template = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for (title, names) in GROUPS {
        template.push_str(&format!("{title}:\n"));
        for name in names {
            let about = command
                .find_subcommand(name)
                .and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            template.push_str(&format!("  {name:<8} {about}\n"));
        }
        template.push('\n');
    }
    template.push_str("Options:\n{options}{after-help}");
    command.help_template(template)
}

/// Returns the command line for completions: they offer levels, though there are more
/// ways to say what is logged.
pub(crate) fn described() -> clap::Command {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    command().mut_arg("log", |option| offer::values(option, levels))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads a network, or an address as the network of that one address. Networks
/// of IPv4 in the spelling of IPv6 (`::ffff:192.0.2.1`) become those of IPv4, as
/// the addresses of clients do.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .map(|network| canonical(network.trunc()))
        .or_else(|_| {
            text.parse()
                .map(|address: std::net::IpAddr| IpNet::from(address.to_canonical()))
        })
        .map_err(|_| "expected an address or a network, such as 192.0.2.0/24".to_owned())
}

fn canonical(network: IpNet) -> IpNet {
    /// Bits before an IPv4 address in the spelling of IPv6.
    const MAPPED: u8 = 96;
    let IpNet::V6(v6) = network else {
        return network;
    };
    let address = v6.network().to_ipv4_mapped();
    let length = v6.prefix_len().checked_sub(MAPPED);
    let v4 = address.zip(length);
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok())
        .map_or(network, IpNet::V4)
}

/// Checks what is to be logged. A word that is no level would be the name of a
/// part to log everything of, and nothing else would be logged.
fn filter(text: &str) -> Result<String, String> {
    for directive in text.split(',') {
        let level = directive.rsplit('=').next().unwrap_or_default();
        if level.trim().parse::<LevelFilter>().is_err() {
            return Err(
                "expected off, error, warn, info, debug or trace, or PART=LEVEL".to_owned(),
            );
        }
    }
    match text.parse::<Targets>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_the_addresses_of_clients_are() {
        for (text, expected) in [
            ("192.0.2.9/24", Some("192.0.2.0/24")),
            ("192.0.2.9", Some("192.0.2.9/32")),
            ("::ffff:192.0.2.9", Some("192.0.2.9/32")),
            ("::ffff:192.0.2.9/120", Some("192.0.2.0/24")),
            ("::ffff:0:0/96", Some("0.0.0.0/0")),
            ("2001:db8::7/32", Some("2001:db8::/32")),
            ("::/0", Some("::/0")),
            ("host.example.org", None),
        ] {
            let read = network(text).ok().map(|network| network.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_help_shows_every_command_once_with_what_it_does() {
        let help = command().render_help().to_string();
        let groups: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        let commands = Cli::command();
        let names: Vec<&str> = commands
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(groups, names);
        for name in names {
            let lines = help
                .lines()
                .filter(|line| line.starts_with(&format!("  {name} ")));
            let lines: Vec<&str> = lines.collect();
            assert!(lines.len() == 1 && lines[0].len() > 20, "{name}: {lines:?}");
        }
    }
}
