//! Several commands in one request, and what became of each.
//!
//! DIFFERENCE: the original client gives results in the order of the answer, and
//! takes two commands for one channel.

use std::collections::{HashMap, HashSet};

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{Command, InvalidCommand};

/// A list of commands for [`AdminClient::run`](crate::AdminClient::run).
///
/// Servers run the commands of a list in any order and at the same time, so there is
/// at most one for each channel.
///
/// ```
/// use pv_archiver_client::{Commands, RemoveChannel, RenameChannel};
///
/// let mut commands = Commands::new();
/// commands.push(RenameChannel::new("old_name", "new_name")?)?;
/// let second = commands.push(RemoveChannel::new("new_name")?);
/// assert!(second.is_err());
/// # Ok::<(), pv_archiver_client::InvalidCommand>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Command>", into = "Vec<Command>")]
pub struct Commands {
    commands: Vec<Command>,
    channels: HashSet<String>,
}

impl Commands {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::TwoCommands`] for a channel that another command is about;
    /// the list then stays as it was.
    pub fn push(&mut self, command: impl Into<Command>) -> Result<(), InvalidCommand> {
        let command = command.into();
        let channels = command.channels();
        if let Some(channel) = channels.iter().find(|name| self.channels.contains(**name)) {
            return Err(InvalidCommand::TwoCommands((*channel).to_owned()));
        }
        self.channels
            .extend(channels.into_iter().map(str::to_owned));
        self.commands.push(command);
        Ok(())
    }

    /// Returns the commands in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Command] {
        &self.commands
    }
}

impl TryFrom<Vec<Command>> for Commands {
    type Error = InvalidCommand;

    fn try_from(commands: Vec<Command>) -> Result<Self, InvalidCommand> {
        let mut all = Self::new();
        for command in commands {
            all.push(command)?;
        }
        Ok(all)
    }
}

impl From<Commands> for Vec<Command> {
    fn from(commands: Commands) -> Self {
        commands.commands
    }
}

/// What became of a list of commands.
///
/// Serde writes it as the server does, but in the order of the commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CommandReport {
    /// One result for each command, in the order of the commands.
    pub results: Vec<CommandResult>,
    /// What the server said of the list as a whole; mostly nothing.
    pub error_message: Option<String>,
    /// Results that belong to no command; nothing, unless the server is odd.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<Value>,
}

impl CommandReport {
    /// Tells whether the server said of every command that it succeeded.
    #[must_use]
    pub fn all_succeeded(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Returns the commands that did not succeed, or of which nothing was said.
    pub fn failed(&self) -> impl Iterator<Item = &CommandResult> {
        let failed = |result: &&CommandResult| result.outcome != Outcome::Succeeded;
        self.results.iter().filter(failed)
    }
}

/// What became of one command.
///
/// Serde writes it as the server does; `success` is null where nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandResult {
    /// The command as it was given.
    pub command: Command,
    /// What the server said of it.
    pub outcome: Outcome,
}

impl Serialize for CommandResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (success, message) = match &self.outcome {
            Outcome::Succeeded => (Some(true), None),
            Outcome::Failed(message) => (Some(false), message.as_deref()),
            Outcome::NotReported => (None, None),
        };
        let mut result = serializer.serialize_struct("CommandResult", 3)?;
        result.serialize_field("command", &self.command)?;
        result.serialize_field("success", &success)?;
        if let Some(message) = message {
            result.serialize_field("errorMessage", message)?;
        }
        result.end()
    }
}

/// What a server says of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has been done.
    Succeeded,
    /// It has not been done. The reason is the server's own text, which it may leave
    /// out.
    Failed(Option<String>),
    /// The answer does not mention the command: nobody knows.
    NotReported,
}

/// The answer of the server.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) error_message: Option<String>,
    pub(crate) results: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredResult {
    command: Echo,
    success: bool,
    error_message: Option<String>,
}

/// What tells a command from all others of a list: there is one for each channel.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
struct Echo {
    command_type: String,
    channel_name: Option<String>,
    old_channel_name: Option<String>,
    new_channel_name: Option<String>,
}

impl Echo {
    fn of(command: &Command) -> Self {
        let mut names = command.channels().into_iter().map(str::to_owned);
        let (first, second) = (names.next(), names.next());
        let is_rename = second.is_some();
        let (channel_name, old_channel_name) = if is_rename {
            (None, first)
        } else {
            (first, None)
        };
        Self {
            command_type: command.command_type().to_owned(),
            channel_name,
            old_channel_name,
            new_channel_name: second,
        }
    }
}

/// Matches results to commands by what they are about: servers group the results by
/// server, whatever their manual says.
pub(crate) fn report(
    commands: &Commands,
    results: Vec<Value>,
    error_message: Option<String>,
) -> CommandReport {
    let mut matched: Vec<CommandResult> = commands
        .as_slice()
        .iter()
        .map(|command| CommandResult {
            command: command.clone(),
            outcome: Outcome::NotReported,
        })
        .collect();
    let mut places: HashMap<Echo, usize> = commands
        .as_slice()
        .iter()
        .enumerate()
        .map(|(place, command)| (Echo::of(command), place))
        .collect();
    let mut unexpected = Vec::new();
    for result in results {
        let place = AnsweredResult::deserialize(&result)
            .ok()
            .and_then(|known| Some((places.remove(&known.command)?, known)));
        match place {
            Some((place, known)) => {
                matched[place].outcome = if known.success {
                    Outcome::Succeeded
                } else {
                    Outcome::Failed(known.error_message)
                };
            }
            None => unexpected.push(result),
        }
    }
    CommandReport {
        results: matched,
        error_message,
        unexpected,
    }
}
