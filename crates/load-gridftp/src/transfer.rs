//! One transfer, as a log tells it.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// What one line of a log holds. A transfer may borrow its texts from the line.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// A transfer to load.
    Transfer(Box<Transfer<'a>>),
    /// Nothing to load, and nothing lost: an empty line, a message of the
    /// server, a listing.
    Other,
    /// Something that looks like a record and cannot be understood, with what
    /// is wrong about it. The text may quote the log.
    Broken(String),
}

impl Line<'_> {
    /// Makes a [`Line::Broken`].
    pub(crate) fn broken(why: impl Into<String>) -> Self {
        Self::Broken(why.into())
    }
}

/// Which way the data went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `RETR`: from the server that wrote the log.
    FromServer,
    /// `STOR`: to it.
    ToServer,
}

impl Direction {
    /// Reads the name of the FTP command; partial transfers and listings have
    /// none.
    #[must_use]
    pub fn of_command(command: &str) -> Option<Self> {
        match command {
            "RETR" => Some(Self::FromServer),
            "STOR" => Some(Self::ToServer),
            _ => None,
        }
    }
}

/// Which of the two kinds of log a transfer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `DATE=... HOST=... PROG=...`, as the Globus server writes it.
    Netlogger,
    /// One JSON object a line.
    Json,
}

impl Style {
    /// Event types that a transfer of this style may have values of: they are
    /// declared whether it has them or not, since later transfers of the same
    /// metadata may.
    ///
    /// DIFFERENCE: for JSON logs the original declares the first two alone, and
    /// archives drop what is not declared.
    #[must_use]
    pub fn event_types(self) -> &'static [&'static str] {
        const ALL: [&str; 7] = [
            "throughput",
            "streams-packet-retransmits",
            "failures",
            "iostat",
            "mpstat",
            "rusage",
            "streams-tcpinfo",
        ];
        match self {
            Self::Netlogger => &ALL[..3],
            Self::Json => &ALL,
        }
    }
}

/// A number of a log. Logs have millions of them, most of them small and whole; that
/// they need no memory of their own makes reading several times as fast.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A whole number.
    Whole(i64),
    /// Any other, in the digits of the log.
    Exact(Number),
}

impl Figure {
    /// Returns it as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Whole(number) => Value::from(*number),
            Self::Exact(number) => Value::Number(number.clone()),
        }
    }

    /// Returns it as a double, if one can hold it.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "rounded as its digits would be")]
            Self::Whole(number) => Some(*number as f64),
            Self::Exact(number) => number.as_f64(),
        }
    }
}

impl From<i64> for Figure {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<u64> for Figure {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Exact(number.into()), Self::Whole)
    }
}

impl From<Number> for Figure {
    fn from(number: Number) -> Self {
        Self::Exact(number)
    }
}

/// A transfer of a whole file. What the log does not tell is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer<'a> {
    /// Kind of log.
    pub style: Style,
    /// Which way the data went.
    pub direction: Direction,
    /// The server: a name or an address, as logged.
    pub host: Cow<'a, str>,
    /// The other end: an address or, where the log is odd, anything; as logged,
    /// without brackets.
    pub peer: Cow<'a, str>,
    /// Start in microseconds since 1970, UTC.
    pub start_us: i64,
    /// End in microseconds since 1970, UTC.
    pub end_us: Option<i64>,
    /// FTP reply code; `226` is success.
    pub code: Cow<'a, str>,
    /// Bytes transferred.
    pub bytes: Option<Figure>,
    /// Parallel streams.
    pub streams: Option<Figure>,
    /// Stripes.
    pub stripes: Option<Figure>,
    /// Block size in bytes.
    pub block_size: Option<Figure>,
    /// TCP window in bytes, 0 when the system chose it.
    pub window_size: Option<Figure>,
    /// The server program.
    pub program: Option<Cow<'a, str>>,
    /// Path of the file.
    pub file: Option<Cow<'a, str>>,
    /// Who transferred it.
    pub user: Option<Cow<'a, str>>,
    /// Volume, `/` on all servers that we know.
    pub volume: Option<Cow<'a, str>>,
    /// Packets sent again, for each stream; empty when unknown.
    pub retransmits: Vec<Figure>,
    /// Further values, event type first; none of them null or empty.
    pub details: Map<String, Value>,
}

impl Transfer<'_> {
    /// The reply code of success.
    pub const SUCCESS: &'static str = "226";

    /// Tells whether the transfer came to its end.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.code == Self::SUCCESS
    }

    /// Time of its values: the start, in whole seconds since 1970.
    #[must_use]
    pub fn ts(&self) -> i64 {
        self.start_us.div_euclid(1_000_000)
    }

    /// Returns the throughput in bits per second; none without an end, and none
    /// when the end is not after the start: the clock was set, or is too coarse.
    ///
    /// DIFFERENCE: the original has negative throughputs when the clock was set
    /// back meanwhile.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        let bytes = self.bytes.as_ref()?.as_f64().filter(|n| *n >= 0.0)?;
        #[expect(clippy::cast_precision_loss, reason = "a transfer of 285 years is not")]
        let seconds = self.lasted_us().filter(|lasted| *lasted > 0)? as f64 / 1e6;
        let rate = 8.0 * bytes / seconds;
        rate.is_finite().then_some(rate)
    }

    /// Returns how long it took, in microseconds; none without an end, and none when
    /// the end is before the start.
    #[must_use]
    pub fn lasted_us(&self) -> Option<i64> {
        let lasted = self.end_us?.checked_sub(self.start_us)?;
        (lasted >= 0).then_some(lasted)
    }
}
