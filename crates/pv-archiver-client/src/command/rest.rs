//! The commands that say what becomes of a channel as it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Command, InvalidCommand, Name};

/// Moves a channel, with its data, to another server of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveChannel {
    channel_name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_old_server_id: Option<Uuid>,
    new_server_id: Uuid,
}

impl MoveChannel {
    /// From whatever server it is on to `new_server`.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn new(channel: impl Into<String>, new_server: Uuid) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel_name: Name::new(channel)?,
            expected_old_server_id: None,
            new_server_id: new_server,
        })
    }

    /// Lets the command fail unless the channel is on this server.
    #[must_use]
    pub fn expect_server(mut self, server: Uuid) -> Self {
        self.expected_old_server_id = Some(server);
        self
    }

    /// Returns the name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel_name.as_str()
    }

    /// Returns the server that it moves to.
    #[must_use]
    pub fn new_server(&self) -> Uuid {
        self.new_server_id
    }

    /// Returns the server that it has to be on, if that matters.
    #[must_use]
    pub fn expected_server(&self) -> Option<Uuid> {
        self.expected_old_server_id
    }
}

/// Stops and starts the archiving of a channel, as after an error.
///
/// The server has to be named: it need not know the channel, and says success in any
/// case.
///
/// DIFFERENCE: the documentation of the original client leaves the server out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshChannel {
    channel_name: Name,
    server_id: Uuid,
}

impl RefreshChannel {
    /// The channel on its server.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn new(channel: impl Into<String>, server: Uuid) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel_name: Name::new(channel)?,
            server_id: server,
        })
    }

    /// Returns the name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel_name.as_str()
    }

    /// Returns the server.
    #[must_use]
    pub fn server(&self) -> Uuid {
        self.server_id
    }
}

/// Removes a channel **with all its data**.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveChannel {
    channel_name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_server_id: Option<Uuid>,
}

impl RemoveChannel {
    /// From whatever server it is on.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn new(channel: impl Into<String>) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel_name: Name::new(channel)?,
            expected_server_id: None,
        })
    }

    /// Lets the command fail unless the channel is on this server.
    #[must_use]
    pub fn expect_server(mut self, server: Uuid) -> Self {
        self.expected_server_id = Some(server);
        self
    }

    /// Returns the name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel_name.as_str()
    }

    /// Returns the server that it has to be on, if that matters.
    #[must_use]
    pub fn expected_server(&self) -> Option<Uuid> {
        self.expected_server_id
    }
}

/// Gives a channel another name. Its data stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RenameWire", into = "RenameWire")]
pub struct RenameChannel(RenameWire);

impl RenameChannel {
    /// The old name comes first. (DIFFERENCE: in the original client it is the second
    /// argument.)
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`], and [`InvalidCommand::SameName`].
    pub fn new(old: impl Into<String>, new: impl Into<String>) -> Result<Self, InvalidCommand> {
        Self::try_from(RenameWire {
            expected_server_id: None,
            new_channel_name: Name::new(new)?,
            old_channel_name: Name::new(old)?,
        })
    }

    /// Lets the command fail unless the channel is on this server.
    #[must_use]
    pub fn expect_server(mut self, server: Uuid) -> Self {
        self.0.expected_server_id = Some(server);
        self
    }

    /// Returns the name that the channel has.
    #[must_use]
    pub fn old_name(&self) -> &str {
        self.0.old_channel_name.as_str()
    }

    /// Returns the name that the channel gets.
    #[must_use]
    pub fn new_name(&self) -> &str {
        self.0.new_channel_name.as_str()
    }

    /// Returns the server that it has to be on, if that matters.
    #[must_use]
    pub fn expected_server(&self) -> Option<Uuid> {
        self.0.expected_server_id
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RenameWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_server_id: Option<Uuid>,
    new_channel_name: Name,
    old_channel_name: Name,
}

impl TryFrom<RenameWire> for RenameChannel {
    type Error = InvalidCommand;

    fn try_from(wire: RenameWire) -> Result<Self, InvalidCommand> {
        if wire.old_channel_name == wire.new_channel_name {
            return Err(InvalidCommand::SameName(wire.old_channel_name.into()));
        }
        Ok(Self(wire))
    }
}

impl From<RenameChannel> for RenameWire {
    fn from(command: RenameChannel) -> Self {
        command.0
    }
}

impl From<MoveChannel> for Command {
    fn from(command: MoveChannel) -> Self {
        Self::MoveChannel(command)
    }
}

impl From<RefreshChannel> for Command {
    fn from(command: RefreshChannel) -> Self {
        Self::RefreshChannel(command)
    }
}

impl From<RemoveChannel> for Command {
    fn from(command: RemoveChannel) -> Self {
        Self::RemoveChannel(command)
    }
}

impl From<RenameChannel> for Command {
    fn from(command: RenameChannel) -> Self {
        Self::RenameChannel(command)
    }
}
