//! The options of the query programs, as typed.

use clap::Args;

/// Options that all query programs share. Nothing is looked up or checked
/// here; see [`plan`](crate::plan).
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// Archive to ask; scheme and host are enough
    ///
    /// A pasted address that ends in /esmond/perfsonar/archive/ is fine too.
    #[arg(short, long, value_name = "URL", env = "ESMOND_URL")]
    pub url: Option<String>,

    /// Host originating the test (name, IPv4 or IPv6 address)
    #[arg(short, long, value_name = "SRC")]
    pub src: Option<String>,

    /// Test endpoint (name, IPv4 or IPv6 address)
    #[arg(short, long, value_name = "DEST")]
    pub dest: Option<String>,

    /// Host that ran the test; useful for central archives
    #[arg(short, long, value_name = "AGENT")]
    pub agent: Option<String>,

    /// Type of data, such as throughput; -L lists them
    #[arg(short, long, value_name = "EVENT")]
    pub event_type: Option<String>,

    /// Tool that ran the test, exactly (bwctl/iperf3, powstream, gridftp, ...)
    #[arg(short, long, value_name = "TOOL")]
    pub tool: Option<String>,

    /// Start of the query, UTC (default: 24 hours ago)
    ///
    /// Dates like 2015-03-15, "January 1 2015", "March 1 14:30 -0500"; also
    /// now, today, yesterday, -24h, now-1d, "2 days ago", "last monday", and
    /// Unix times in seconds or milliseconds. What is missing comes from today
    /// at 00:00; without a zone a time is UTC.
    #[arg(short = 'S', long, value_name = "START")]
    pub start_time: Option<String>,

    /// End of the query, UTC (default: now)
    #[arg(short = 'E', long, value_name = "END")]
    pub end_time: Option<String>,

    /// Further filter, key:value; may be repeated
    ///
    /// Standard keys: source, destination, measurement-agent, input-source,
    /// input-destination, tool-name, event-type, subject-type, summary-type,
    /// summary-window, metadata-key, dns-match-rule, time, time-start,
    /// time-end, time-range. Every other key selects by a metadata parameter,
    /// such as ip-transport-protocol:tcp.
    #[arg(short = 'F', long = "filter", value_name = "FILTER")]
    pub filters: Vec<String>,

    /// List the event types and exit
    #[arg(short = 'L', long)]
    pub list_events: bool,

    /// Show all metadata of a test (get-metadata; not with -o csv)
    #[arg(short = 'M', long)]
    pub metadata_extended: bool,

    /// Ask for summaries: aggregation, average or statistics
    #[arg(short = 'T', long, value_name = "SUMMARY_TYPE")]
    pub summary_type: Option<String>,

    /// Window of the summary in seconds
    #[arg(
        short = 'W',
        long,
        value_name = "SUMMARY_WINDOW",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
    pub summary_window: i64,

    /// Output format: human, json, jsonl or csv
    #[arg(short, long, value_name = "FORMAT", default_value = "human")]
    pub output_format: String,

    /// Show addresses; do not look names up
    #[arg(short = 'I', long)]
    pub ip: bool,

    /// Log requests on stderr
    #[arg(short, long)]
    pub verbose: bool,

    /// Connection options.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// How to reach an archive.
#[derive(Debug, Clone, Args)]
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
    pub key_file: Option<std::path::PathBuf>,

    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<std::path::PathBuf>,

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
