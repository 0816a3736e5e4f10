//! The options that all loaders share, as typed.
//!
//! DIFFERENCE: `--to`, `--key-file`, `--retries`, `--json-errors`, named archives
//! and the variables of the environment are new; a named archive takes the place of
//! the documented defaults, an `esmond` alias included.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command};

use crate::args::{ConfigArgs, ConnectionArgs, heading};
use crate::loader::Target;
use crate::report::UsageError;

/// The archive without `--url`, as documented.
const DEFAULT_URL: &str = "http://localhost:8080";

/// Options that all loaders share. Nothing is looked up or checked here.
#[derive(Debug, Clone, Args)]
pub struct LoaderArgs {
    /// Archive to write to, or @NAME for that of --archive NAME
    ///
    /// Scheme and host are enough. [default: http://localhost:8080]
    #[arg(
        short = 'U',
        long,
        value_name = "URL",
        env = "ESMOND_URL",
        hide_env_values = true,
        help_heading = heading::CONNECTION
    )]
    pub url: Option<String>,

    /// Kind of archive to write to
    ///
    /// Archives of perfSONAR 5 have no write API; their Logstash input takes results
    /// at https://HOST/logstash, which --url has to name then.
    #[arg(
        long,
        value_enum,
        value_name = "TARGET",
        default_value_t,
        help_heading = heading::CONNECTION
    )]
    pub to: Target,

    /// Append log lines to a file in this directory instead of stderr
    #[arg(
        short,
        long,
        value_name = "DIR",
        alias = "log_dir",
        help_heading = heading::OUTPUT
    )]
    pub log_dir: Option<PathBuf>,

    /// Log more
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = heading::OUTPUT)]
    pub verbose: u8,

    /// Write what goes to stderr as JSON, one object a line
    #[arg(long, help_heading = heading::OUTPUT)]
    pub json_errors: bool,

    /// Named archives.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Connection options.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl LoaderArgs {
    /// Adds the options to a command. The connection options are those of the
    /// query programs with the letters and defaults of the original loaders.
    pub(crate) fn augment(command: Command) -> Command {
        Self::augment_args(command)
            .mut_arg("user", |user| {
                user.short('u').help("User name on the archive")
            })
            .mut_arg("key", |key| {
                key.short('k').help(
                    "API key of the user, with --to logstash the password (better in a \
                     file: see --key-file)",
                )
            })
            .mut_arg("script_alias", |alias| alias.short('s').default_value("/"))
            .mut_arg("ssl_verify", |option| option.hide(true))
            .mut_arg("retries", |retries| {
                retries.help("Repeat a failed request up to this many times")
            })
    }

    /// Returns where a program looks when no address is given.
    pub(crate) fn fallback(matches: &ArgMatches) -> Option<&'static str> {
        let to = matches.get_one::<Target>("to");
        (to != Some(&Target::Logstash)).then_some(DEFAULT_URL)
    }

    /// Returns the address to write to.
    ///
    /// # Errors
    ///
    /// When there is none and no default makes sense.
    pub fn address(&self) -> Result<&str, UsageError> {
        match (self.url.as_deref().filter(|url| !url.is_empty()), self.to) {
            (Some(url), _) => Ok(url),
            (None, Target::Esmond) => Ok(DEFAULT_URL),
            (None, Target::Logstash) => Err(UsageError::new(
                "--to logstash needs --url, the address of the archive's Logstash input, \
                 such as https://ma.example.org/logstash",
            )),
        }
    }

    /// Tells whether a user and a key (or a file with one) were given: esmond
    /// archives let nobody else write.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let connection = &self.connection;
        given(&connection.user) && (given(&connection.key) || connection.key_file.is_some())
    }
}
