//! The options of the query programs, as typed.
//!
//! DIFFERENCE: `--script-alias`, `--cacert`, `--insecure`, `--retries`, `--user`,
//! `--key`, `--key-file`, `--json-errors` and the variables of the environment are
//! new.

use std::path::PathBuf;

use clap::Args;

/// Headings of the help, the same in all programs and in this order.
pub mod heading {
    /// Which tests and data.
    pub const QUERY: &str = "Query";
    /// What is read, and what is made of it: of the loaders.
    pub const INPUT: &str = "Input";
    /// What is printed or written, and how.
    pub const OUTPUT: &str = "Output";
    /// Which archive, and how to reach it.
    pub const CONNECTION: &str = "Connection";
    /// How a run goes.
    pub const BEHAVIOUR: &str = "Behaviour";
}

/// Options that all query programs share. Nothing is looked up or checked
/// here; see [`plan`](crate::plan).
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// Host originating the test (name, IPv4 or IPv6 address)
    #[arg(short, long, value_name = "SRC", help_heading = heading::QUERY)]
    pub src: Option<String>,

    /// Test endpoint (name, IPv4 or IPv6 address)
    #[arg(short, long, value_name = "DEST", help_heading = heading::QUERY)]
    pub dest: Option<String>,

    /// Host that ran the test; useful for central archives
    #[arg(short, long, value_name = "AGENT", help_heading = heading::QUERY)]
    pub agent: Option<String>,

    /// Type of data, such as throughput; -L lists them
    #[arg(short, long, value_name = "EVENT", help_heading = heading::QUERY)]
    pub event_type: Option<String>,

    /// Tool that ran the test, exactly (bwctl/iperf3, powstream, gridftp, ...)
    #[arg(short, long, value_name = "TOOL", help_heading = heading::QUERY)]
    pub tool: Option<String>,

    /// Start of the query, UTC (default: 24 hours ago)
    ///
    /// Dates like 2015-03-15, "January 1 2015", "March 1 14:30 -0500"; also
    /// now, today, yesterday, -24h, now-1d, "2 days ago", "last monday", and
    /// Unix times in seconds or milliseconds. What is missing comes from today
    /// at 00:00; without a zone a time is UTC.
    #[arg(short = 'S', long, value_name = "START", help_heading = heading::QUERY)]
    pub start_time: Option<String>,

    /// End of the query, UTC (default: now)
    #[arg(short = 'E', long, value_name = "END", help_heading = heading::QUERY)]
    pub end_time: Option<String>,

    /// Further filter, key:value; may be repeated
    ///
    /// Standard keys: source, destination, measurement-agent, input-source,
    /// input-destination, tool-name, event-type, subject-type, summary-type,
    /// summary-window, metadata-key, dns-match-rule, time, time-start,
    /// time-end, time-range. Every other key selects by a metadata parameter,
    /// such as ip-transport-protocol:tcp.
    #[arg(short = 'F', long = "filter", value_name = "FILTER", help_heading = heading::QUERY)]
    pub filters: Vec<String>,

    /// Ask for summaries: aggregation, average or statistics
    #[arg(short = 'T', long, value_name = "SUMMARY_TYPE", help_heading = heading::QUERY)]
    pub summary_type: Option<String>,

    /// Window of the summary in seconds
    #[arg(
        short = 'W',
        long,
        value_name = "SUMMARY_WINDOW",
        default_value_t = 0,
        allow_hyphen_values = true, help_heading = heading::QUERY)]
    pub summary_window: i64,

    /// Output format: human, table, json, jsonl or csv; for data also influx
    ///
    /// table fits the terminal. influx is the line protocol of InfluxDB, of
    /// esmond-ps-get and esmond-ps-get-bulk; parquet of esmond-ps-get-bulk alone, which
    /// has neither human nor table.
    #[arg(short, long, value_name = "FORMAT", default_value = "human", help_heading = heading::OUTPUT)]
    pub output_format: String,

    /// Show all metadata of a test (get-metadata; not with -o csv or table)
    #[arg(short = 'M', long, help_heading = heading::OUTPUT)]
    pub metadata_extended: bool,

    /// Show addresses; do not look names up
    #[arg(short = 'I', long, help_heading = heading::OUTPUT)]
    pub ip: bool,

    /// Write what goes to stderr as JSON, one object a line
    #[arg(long, help_heading = heading::OUTPUT)]
    pub json_errors: bool,

    /// Archive to ask, or @NAME for that of --archive NAME
    ///
    /// Scheme and host are enough; a pasted address that ends in
    /// /esmond/perfsonar/archive/ is fine too.
    // The help would show a password in it.
    #[arg(
        short,
        long,
        value_name = "URL",
        env = "ESMOND_URL",
        hide_env_values = true,
        help_heading = heading::CONNECTION
    )]
    pub url: Option<String>,

    /// Named archives.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Connection options.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Log requests on stderr
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub verbose: bool,

    /// List the event types and exit
    #[arg(short = 'L', long, help_heading = heading::BEHAVIOUR)]
    pub list_events: bool,
}

/// How to reach an archive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = heading::CONNECTION)]
pub struct ConnectionArgs {
    /// Path below which the archive is mounted; "/" for none
    #[arg(
        long,
        value_name = "ALIAS",
        default_value = "esmond",
        alias = "script_alias"
    )]
    pub script_alias: String,

    /// User name, for archives that want one for reading
    #[arg(long, value_name = "USER", env = "ESMOND_USER")]
    pub user: Option<String>,

    /// API key of the user (better in a file: see --key-file)
    #[arg(long, value_name = "KEY", env = "ESMOND_KEY", hide_env_values = true)]
    pub key: Option<String>,

    /// File whose first line is the API key
    #[arg(long, value_name = "FILE", env = "ESMOND_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,

    /// Do not verify the archive's certificate
    #[arg(long)]
    pub insecure: bool,

    /// Accepted for compatibility: certificates are verified anyway
    #[arg(long)]
    pub ssl_verify: bool,

    /// Give up after this long without data, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 20,
        allow_hyphen_values = true
    )]
    pub timeout: i64,

    /// Repeat a failed read up to this many times
    #[arg(
        long,
        value_name = "TIMES",
        default_value_t = 3,
        allow_hyphen_values = true
    )]
    pub retries: i64,
}

/// Where settings come from that the command line does not have.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Archive of this name in the configuration file
    #[arg(
        long,
        value_name = "NAME",
        env = "ESMOND_PS_ARCHIVE",
        help_heading = heading::CONNECTION
    )]
    pub archive: Option<String>,

    /// Read this configuration file alone
    ///
    /// Without it: ~/.config/esmond-ps/config.toml and /etc/esmond-ps/config.toml.
    #[arg(
        long,
        value_name = "FILE",
        env = "ESMOND_PS_CONFIG",
        help_heading = heading::BEHAVIOUR
    )]
    pub config: Option<PathBuf>,

    /// Show which settings hold and where each comes from, and exit
    #[arg(long, help_heading = heading::BEHAVIOUR)]
    pub show_config: bool,
}

/// Long options of the original query programs: their abbreviations keep
/// working beside ours.
pub const ORIGINAL_OPTIONS: [&str; 20] = [
    "help",
    "url",
    "src",
    "dest",
    "agent",
    "event-type",
    "tool",
    "start-time",
    "end-time",
    "filter",
    "list-events",
    "metadata-extended",
    "summary-type",
    "summary-window",
    "output-format",
    "output-directory",
    "ip",
    "verbose",
    "ssl-verify",
    "timeout",
];
