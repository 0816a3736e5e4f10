//! The configuration of a channel as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Command, DecimationLevels, InvalidCommand, Name};
use crate::wire::Seconds;

/// The configuration of a channel that is to be added.
///
/// ```
/// use pv_archiver_client::{CHANNEL_ACCESS, ChannelDefinition, DecimationLevels, Uuid};
///
/// let server: Uuid = "82c711df-632b-49a3-85c2-d3249555eb57".parse()?;
/// let command = ChannelDefinition::new("new_channel", CHANNEL_ACCESS, server)?
///     .levels(DecimationLevels::new([(0, 864_000), (30, 0)])?)
///     .option("monitorMask", "value|alarm")
///     .add();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct ChannelDefinition {
    channel: Name,
    control_system_type: Name,
    server: Uuid,
    enabled: bool,
    levels: Option<DecimationLevels>,
    options: Option<BTreeMap<String, String>>,
}

impl ChannelDefinition {
    /// An enabled channel with raw samples only, kept for ever, and the default
    /// options of its control system.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn new(
        channel: impl Into<String>,
        control_system_type: impl Into<String>,
        server: Uuid,
    ) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel: Name::new(channel)?,
            control_system_type: Name::new(control_system_type)?,
            server,
            enabled: true,
            levels: None,
            options: None,
        })
    }

    /// Whether the channel is archived. Default `true`.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The decimation levels, and how long they are kept.
    #[must_use]
    pub fn levels(mut self, levels: DecimationLevels) -> Self {
        self.levels = Some(levels);
        self
    }

    /// An option of the control system; one that was set before is replaced.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let options = self.options.get_or_insert_default();
        options.insert(name.into(), value.into());
        self
    }

    /// Makes the command to add it, which fails if the name exists.
    #[must_use]
    pub fn add(self) -> Command {
        Command::AddChannel(self)
    }

    /// Makes the command to add it, or to give an existing channel this
    /// configuration.
    #[must_use]
    pub fn add_or_update(self) -> Command {
        Command::AddOrUpdateChannel(self)
    }

    /// Returns the name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.as_str()
    }

    /// Returns the control-system type.
    #[must_use]
    pub fn control_system_type(&self) -> &str {
        self.control_system_type.as_str()
    }

    /// Returns the server that archives it.
    #[must_use]
    pub fn server(&self) -> Uuid {
        self.server
    }
}

/// The members in the order in which the server writes them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    channel_name: Name,
    control_system_type: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimation_levels: Option<Vec<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimation_level_to_retention_period: Option<BTreeMap<Seconds, Seconds>>,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<BTreeMap<String, String>>,
    server_id: Uuid,
}

impl TryFrom<Wire> for ChannelDefinition {
    type Error = InvalidCommand;

    fn try_from(wire: Wire) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel: wire.channel_name,
            control_system_type: wire.control_system_type,
            server: wire.server_id,
            enabled: wire.enabled,
            levels: DecimationLevels::from_wire(
                wire.decimation_levels,
                wire.decimation_level_to_retention_period,
            )?,
            options: wire.options,
        })
    }
}

impl From<ChannelDefinition> for Wire {
    fn from(channel: ChannelDefinition) -> Self {
        let levels = channel.levels.as_ref();
        Self {
            channel_name: channel.channel,
            control_system_type: channel.control_system_type,
            decimation_levels: levels.map(DecimationLevels::wire_levels),
            decimation_level_to_retention_period: levels
                .and_then(DecimationLevels::wire_retentions),
            enabled: channel.enabled,
            options: channel.options,
            server_id: channel.server,
        }
    }
}
