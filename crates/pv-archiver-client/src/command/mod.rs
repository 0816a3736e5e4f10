//! Changes of the configuration, as values that the server does not refuse.
//!
//! A server refuses a whole list for one malformed command, and writes the reason to
//! its log only. So every rule that it has for the form of a command is checked here,
//! when the command is made or read.
//!
//! DIFFERENCE: the original client sends what it is given, and to its server
//! `"enabled": "false"` is true.

mod batch;
mod channel;
mod levels;
mod rest;
mod update;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

pub(crate) use batch::{Answer, report};
pub use batch::{CommandReport, CommandResult, Commands, Outcome};
pub use channel::ChannelDefinition;
pub use levels::DecimationLevels;
pub use rest::{MoveChannel, RefreshChannel, RemoveChannel, RenameChannel};
pub use update::{LevelChanges, OptionChanges, UpdateChannel};

/// The control-system type of EPICS Channel Access, the one that servers come with.
pub const CHANNEL_ACCESS: &str = "channel_access";

/// Why something is no command that a server would take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidCommand {
    /// A name is empty.
    #[error("a channel name or a control-system type is empty")]
    Empty,
    /// A number of seconds is larger than a server can hold.
    #[error("{0} is more than 2147483647 seconds")]
    TooManySeconds(u32),
    /// A decimation level is given twice, with different retention periods.
    #[error("the decimation level {0} has two retention periods")]
    TwoRetentions(u32),
    /// A coarser level would lose its samples before a finer one does.
    #[error(
        "the decimation level {level} is kept {}, which is shorter than the level {finer} is ({})",
        kept(*retention),
        kept(*finer_retention)
    )]
    RetentionOrder {
        /// The decimation period of the coarser level, in seconds.
        level: u32,
        /// Its retention period in seconds, 0 for ever.
        retention: u32,
        /// The decimation period of the finer level, in seconds.
        finer: u32,
        /// Its retention period in seconds, 0 for ever.
        finer_retention: u32,
    },
    /// A retention period for a level that the channel will not have: servers drop
    /// it in silence.
    #[error("the decimation level {0} has a retention period, and is not among the levels")]
    RetentionWithoutLevel(u32),
    /// Raw samples are always kept.
    #[error("raw samples (level 0) cannot be removed")]
    RawRemoved,
    /// A list of levels or options together with changes of that list.
    #[error("{0} are given as a whole and as changes at the same time")]
    WholeAndChanges(&'static str),
    /// Something is added and removed at the same time.
    #[error("{0} is added and removed at the same time")]
    AddedAndRemoved(String),
    /// A channel is renamed to its own name.
    #[error("the channel `{0}` is renamed to its own name")]
    SameName(String),
    /// Two commands for one channel: servers run commands in any order.
    #[error("there are two commands for the channel `{0}`, and they would run in any order")]
    TwoCommands(String),
}

fn kept(retention: u32) -> String {
    match retention {
        0 => "for ever".to_owned(),
        seconds => format!("{seconds} s"),
    }
}

/// A change of the configuration of one channel.
///
/// Serde reads and writes the JSON of the API: an object with `commandType`. Reading
/// takes numbers also as numbers, leaves nothing out that the command does not have
/// (a misspelt member is an error), and checks what the constructors check.
///
/// ```
/// use pv_archiver_client::Command;
///
/// let command: Command = serde_json::from_str(
///     r#"{"commandType": "remove_channel", "channelName": "old"}"#,
/// )?;
/// assert_eq!(command.channels(), ["old"]);
/// let wrong = r#"{"commandType": "remove_channel", "channelName": ""}"#;
/// assert!(serde_json::from_str::<Command>(wrong).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "commandType", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Adds a channel; fails if the name exists.
    AddChannel(ChannelDefinition),
    /// Adds a channel, or gives an existing one the same configuration; fails if it
    /// has another server or control-system type.
    AddOrUpdateChannel(ChannelDefinition),
    /// Moves a channel to another server.
    MoveChannel(MoveChannel),
    /// Starts the archiving of a channel anew. Succeeds for unknown channels, too.
    RefreshChannel(RefreshChannel),
    /// Removes a channel **with its data**.
    RemoveChannel(RemoveChannel),
    /// Gives a channel another name; its data stays.
    RenameChannel(RenameChannel),
    /// Changes some of the configuration of a channel.
    UpdateChannel(UpdateChannel),
}

impl Command {
    /// Returns the word for this kind of command, as in `commandType`.
    #[must_use]
    pub const fn command_type(&self) -> &'static str {
        match self {
            Self::AddChannel(_) => "add_channel",
            Self::AddOrUpdateChannel(_) => "add_or_update_channel",
            Self::MoveChannel(_) => "move_channel",
            Self::RefreshChannel(_) => "refresh_channel",
            Self::RemoveChannel(_) => "remove_channel",
            Self::RenameChannel(_) => "rename_channel",
            Self::UpdateChannel(_) => "update_channel",
        }
    }

    /// Returns the channels that are concerned: one, or the old and the new name.
    #[must_use]
    pub fn channels(&self) -> Vec<&str> {
        match self {
            Self::AddChannel(command) | Self::AddOrUpdateChannel(command) => {
                vec![command.channel()]
            }
            Self::MoveChannel(command) => vec![command.channel()],
            Self::RefreshChannel(command) => vec![command.channel()],
            Self::RemoveChannel(command) => vec![command.channel()],
            Self::RenameChannel(command) => vec![command.old_name(), command.new_name()],
            Self::UpdateChannel(command) => vec![command.channel()],
        }
    }

    /// Returns the servers that are named, expected ones included. The server does
    /// not check them against its cluster: a mistyped one makes a channel that nobody
    /// archives. Compare with [`AdminClient::cluster_status`](crate::AdminClient::cluster_status).
    #[must_use]
    pub fn servers(&self) -> Vec<Uuid> {
        let (first, second) = match self {
            Self::AddChannel(command) | Self::AddOrUpdateChannel(command) => {
                (Some(command.server()), None)
            }
            Self::MoveChannel(command) => (Some(command.new_server()), command.expected_server()),
            Self::RefreshChannel(command) => (Some(command.server()), None),
            Self::RemoveChannel(command) => (command.expected_server(), None),
            Self::RenameChannel(command) => (command.expected_server(), None),
            Self::UpdateChannel(command) => (command.expected_server(), None),
        };
        first.into_iter().chain(second).collect()
    }

    /// Returns the control-system type that is named, if one is. The server does not
    /// check it against what it has, either.
    #[must_use]
    pub fn control_system_type(&self) -> Option<&str> {
        match self {
            Self::AddChannel(command) | Self::AddOrUpdateChannel(command) => {
                Some(command.control_system_type())
            }
            Self::UpdateChannel(command) => command.expected_control_system_type(),
            _ => None,
        }
    }
}

/// A text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Name(String);

impl Name {
    fn new(text: impl Into<String>) -> Result<Self, InvalidCommand> {
        match text.into() {
            text if text.is_empty() => Err(InvalidCommand::Empty),
            text => Ok(Self(text)),
        }
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidCommand;

    fn try_from(text: String) -> Result<Self, InvalidCommand> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
