//! The tests in the output of `bwctl --parsable --verbose`.
//!
//! bwctl says on stderr whom it asks and with which tool, and on stdout, between
//! `start_tool` and `stop_tool`, what the tool printed. Both come joined. The lines of
//! bwctl itself begin with `bwctl: `, with `-vv` with `bwctl[PID]: FILE=…, LINE=…, `.
//!
//! - Lines of bwctl count wherever they stand: versions differ in their order.
//! - With `-x` both sides of a test are printed. The client's side, which knows more, is
//!   stored, and the server's when it stands alone ([`sides`]).
//! - A test that was cut off ends where the next one begins, or with the input.
//!
//! DIFFERENCE: the original stores one test of its input, and that only where all
//! lines have the form and the place that it expects.

pub mod command;
pub mod scanner;
pub mod sides;
pub mod statement;

use command::CommandLine;

/// A test as bwctl printed it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Tool that bwctl used.
    pub tool: Option<String>,
    /// The sender as bwctl was asked for it.
    pub input_source: Option<String>,
    /// The receiver as bwctl was asked for it.
    pub input_destination: Option<String>,
    /// The sender's address.
    pub sender: Option<String>,
    /// The receiver's address.
    pub receiver: Option<String>,
    /// How the tool was called.
    pub command: CommandLine,
    /// When the tool was started: Unix time in seconds.
    pub start: Option<i64>,
    /// What the tool printed, without the lines of bwctl.
    pub output: String,
    /// Whether that was too long to be kept.
    pub too_long: bool,
    /// All lines of bwctl about the test and what the tool printed, to be read again.
    pub raw: String,
    /// Which of bwctl's sessions it belongs to.
    pub session: u64,
}

impl Found {
    /// Returns the tool that bwctl names, or the one that it called.
    #[must_use]
    pub fn tool_name(&self) -> Option<&str> {
        self.tool.as_deref().or(self.command.tool.as_deref())
    }

    /// Returns the sender as it was asked for, or its address.
    #[must_use]
    pub fn source_name(&self) -> Option<&str> {
        self.input_source.as_deref().or(self.sender.as_deref())
    }

    /// Returns the receiver as it was asked for, or its address.
    #[must_use]
    pub fn destination_name(&self) -> Option<&str> {
        self.input_destination
            .as_deref()
            .or(self.receiver.as_deref())
    }
}
