//! The command line, as typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use esmond_ps_cli_common::output::Format;

const END: &str = "\
Examples:
  The channels of a cluster whose names begin alike:
    pv-archiver --url archive.example.org channels --glob 'my_prefix:*'
  The samples of a day, as CSV:
    pv-archiver get someChannel -S 2016-07-13 -E 2016-07-14 -o csv
  What a file of commands would change:
    pv-archiver apply commands.csv --dry-run

Exit status: 0 done, also when there is nothing; 1 failed; 2 usage error; \
3 partly done, with what failed named on stderr or in the results.";

/// Asks the servers of a Cassandra PV Archiver, and changes their configuration.
#[derive(Debug, Parser)]
#[command(name = "pv-archiver", version, after_help = END)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(subcommand)]
    pub(crate) action: Action,
}

/// How to reach a server.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// Host, host:port or base URL of a server
    ///
    /// Without a port, a host is asked at the standard ports: 4812 for the
    /// administrative API, and 9812 for the archive access API, which `get` and the
    /// patterns of `channels` use.
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        env = "PV_ARCHIVER_URL",
        hide_env_values = true,
        default_value = "localhost"
    )]
    pub(crate) url: String,

    /// The same for the archive access API, where it is elsewhere
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) archive_url: Option<String>,

    /// Who makes changes
    #[arg(long, global = true, value_name = "USER", default_value = "admin")]
    pub(crate) user: String,

    /// File with the password on its first line (or set PV_ARCHIVER_PASSWORD)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Trust the certificate authorities of this PEM file, too
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Do not verify certificates
    #[arg(long, global = true)]
    pub(crate) insecure: bool,

    /// Give up a question after this long without data, in seconds; changes wait for ever
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the channels of the cluster, of a server, or of a pattern
    Channels(ChannelsArgs),
    /// Show configuration and state of a channel
    Channel(ChannelArgs),
    /// Show the servers of the cluster
    Cluster(FormatArgs),
    /// Show the state of the server that is asked
    Server(FormatArgs),
    /// Write the configuration of a server to a file
    Export(ExportArgs),
    /// Load the configuration of a server from a file
    Import(ImportArgs),
    /// Run commands of a file, JSON or CSV, that change the configuration
    Apply(ApplyArgs),
    /// Write the samples of a channel, or of many to a file each
    Get(GetArgs),
}

/// The format of results.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FormatArgs {
    /// Output format: human, json, jsonl or csv
    #[arg(
        short = 'o',
        long = "output-format",
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        value_parser = format()
    )]
    pub(crate) format: Format,
}

/// Reads a format; the others are for measurements.
fn format() -> impl TypedValueParser<Value = Format> {
    let known = [Format::Human, Format::Json, Format::Jsonl, Format::Csv];
    PossibleValuesParser::new(known.map(Format::name)).try_map(|name| name.parse::<Format>())
}

#[derive(Debug, Args)]
pub(crate) struct ChannelsArgs {
    /// Those of this server alone (ID or name), with their configuration and state
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Option<String>,

    /// Those that match a pattern with * and ?, upper and lower case alike
    #[arg(long, value_name = "PATTERN", conflicts_with = "regexp")]
    pub(crate) glob: Option<String>,

    /// Those that match a regular expression of Java as a whole
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) regexp: Option<String>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ChannelArgs {
    /// Name of the channel
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Server whose configuration it is (ID or name)
    pub(crate) server: String,

    /// File to write; - is stdout
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Server that gets the configuration (ID or name)
    pub(crate) server: String,

    /// File as `export` writes it
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) what: ImportWhat,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) simulate: bool,

    /// Do not ask whether the server is in the cluster
    #[arg(long)]
    pub(crate) unchecked: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// What is done with the channels of a file.
#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ImportWhat {
    /// Add channels of the file that do not exist
    #[arg(long)]
    pub(crate) add_channels: bool,

    /// Give channels that exist the configuration of the file; levels that it does not have go with their samples
    #[arg(long)]
    pub(crate) update_channels: bool,

    /// Remove channels of the server that are not in the file, with their data
    #[arg(long)]
    pub(crate) remove_channels: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// File of commands, JSON or CSV; - is stdin
    pub(crate) file: PathBuf,

    /// Check the commands, show them, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not compare servers and control-system types with the cluster
    #[arg(long)]
    pub(crate) unchecked: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,

    /// Start, UTC (default: 24 hours ago)
    ///
    /// Dates like 2019-09-07, "September 7 2019 02:30"; also now, yesterday, -24h,
    /// "2 days ago", Unix times in seconds (10 digits) or milliseconds (13 digits), and
    /// nanoseconds since 1970 (19 digits).
    #[arg(
        short = 'S',
        long,
        visible_alias = "start",
        value_name = "START",
        allow_hyphen_values = true
    )]
    pub(crate) start_time: Option<String>,

    /// End, UTC, inclusive (default: now)
    #[arg(
        short = 'E',
        long,
        visible_alias = "end",
        value_name = "END",
        allow_hyphen_values = true
    )]
    pub(crate) end_time: Option<String>,

    /// Decimated samples, about so many, where the channel has such
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2_147_483_647))]
    pub(crate) count: Option<u32>,

    /// Leave out the last sample before the start and the first one after the end
    #[arg(long)]
    pub(crate) drop_boundaries: bool,

    /// Directory for the files of --glob and --regexp; it must exist
    #[arg(
        short = 'D',
        long,
        value_name = "DIR",
        default_value = ".",
        conflicts_with = "name"
    )]
    pub(crate) output_directory: PathBuf,

    /// No progress and no summary; only what went wrong is told
    #[arg(long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Which channels.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Selection {
    /// Name of a channel, whose samples go to stdout
    pub(crate) name: Option<String>,

    /// Channels that match a pattern with * and ?, one file each
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Option<String>,

    /// Channels that match a regular expression of Java as a whole, one file each
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) regexp: Option<String>,
}
