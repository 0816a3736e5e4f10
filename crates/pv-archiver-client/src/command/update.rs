//! Changes of some of the configuration of a channel.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::levels::{check_order, in_range, wire_retentions, wire_set};
use super::{Command, DecimationLevels, InvalidCommand, Name};
use crate::wire::Seconds;

/// Changes of the decimation levels of a channel; levels that are not named stay as
/// they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelChanges {
    add: BTreeSet<u32>,
    remove: BTreeSet<u32>,
    retentions: BTreeMap<u32, u32>,
}

impl LevelChanges {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a level of this decimation period; both numbers in seconds, and a
    /// retention period of 0 means for ever.
    #[must_use]
    pub fn add(mut self, level: u32, retention: u32) -> Self {
        self.add.insert(level);
        self.retentions.insert(level, retention);
        self
    }

    /// Removes a level **with its samples**.
    #[must_use]
    pub fn remove(mut self, level: u32) -> Self {
        self.remove.insert(level);
        self
    }

    /// Keeps the samples of an existing level for so many seconds, 0 for ever.
    #[must_use]
    pub fn keep(mut self, level: u32, retention: u32) -> Self {
        self.retentions.insert(level, retention);
        self
    }

    fn check(self) -> Result<Self, InvalidCommand> {
        let retentions = self
            .retentions
            .iter()
            .flat_map(|(level, kept)| [level, kept]);
        for seconds in self.add.iter().chain(&self.remove).chain(retentions) {
            in_range(*seconds)?;
        }
        if self.remove.contains(&0) {
            return Err(InvalidCommand::RawRemoved);
        }
        if let Some(level) = self.add.intersection(&self.remove).next() {
            let level = format!("the decimation level {level}");
            return Err(InvalidCommand::AddedAndRemoved(level));
        }
        let is_removed = |level: &&u32| self.remove.contains(*level);
        if let Some(level) = self.retentions.keys().find(is_removed) {
            return Err(InvalidCommand::RetentionWithoutLevel(*level));
        }
        check_order(&self.retentions)?;
        Ok(self)
    }
}

/// Changes of the options of a channel; options that are not named stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionChanges {
    add: BTreeMap<String, String>,
    remove: BTreeSet<String>,
}

impl OptionChanges {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option, whether it was set before or not.
    ///
    /// DIFFERENCE: the original client raises a TypeError for changes of options.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.add.insert(name.into(), value.into());
        self
    }

    /// Takes an option away, so that its default holds.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.remove.insert(name.into());
        self
    }

    fn check(self) -> Result<Self, InvalidCommand> {
        match self.add.keys().find(|name| self.remove.contains(*name)) {
            Some(name) => Err(InvalidCommand::AddedAndRemoved(format!(
                "the option `{name}`"
            ))),
            None => Ok(self),
        }
    }
}

/// Changes some of the configuration of a channel.
///
/// Levels, and options, are changed either one by one or as a whole. As a whole
/// nothing stays: levels that are not among them are removed **with their samples**.
///
/// ```
/// use pv_archiver_client::{DecimationLevels, LevelChanges, UpdateChannel};
///
/// let changes = LevelChanges::new().add(30, 31_536_000).remove(900);
/// let one_by_one = UpdateChannel::new("a_channel")?.change_levels(changes)?;
/// // The original client cannot say how long levels are kept, and so keeps all of
/// // them for ever; here that has to be meant.
/// let levels = DecimationLevels::kept_for_ever([0, 30, 500])?;
/// let as_a_whole = UpdateChannel::new("a_channel")?.replace_levels(levels);
/// # Ok::<(), pv_archiver_client::InvalidCommand>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct UpdateChannel {
    channel: Name,
    expected_control_system_type: Option<Name>,
    expected_server: Option<Uuid>,
    enabled: Option<bool>,
    levels: Option<Levels>,
    options: Option<Options>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Levels {
    Whole(DecimationLevels),
    Changes(LevelChanges),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Options {
    Whole(BTreeMap<String, String>),
    Changes(OptionChanges),
}

impl UpdateChannel {
    /// No change yet.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn new(channel: impl Into<String>) -> Result<Self, InvalidCommand> {
        Ok(Self {
            channel: Name::new(channel)?,
            expected_control_system_type: None,
            expected_server: None,
            enabled: None,
            levels: None,
            options: None,
        })
    }

    /// Whether the channel is archived. Default: as it is.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// Gives the channel these levels, and no others. Takes the place of
    /// [`change_levels`](Self::change_levels).
    #[must_use]
    pub fn replace_levels(mut self, levels: DecimationLevels) -> Self {
        self.levels = Some(Levels::Whole(levels));
        self
    }

    /// Changes single levels. Takes the place of
    /// [`replace_levels`](Self::replace_levels).
    ///
    /// # Errors
    ///
    /// What [`InvalidCommand`] says of levels.
    pub fn change_levels(mut self, changes: LevelChanges) -> Result<Self, InvalidCommand> {
        self.levels = Some(Levels::Changes(changes.check()?));
        Ok(self)
    }

    /// Gives the channel these options, and no others. Takes the place of
    /// [`change_options`](Self::change_options).
    #[must_use]
    pub fn replace_options<N: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let options = options.into_iter();
        let options = options.map(|(name, value)| (name.into(), value.into()));
        self.options = Some(Options::Whole(options.collect()));
        self
    }

    /// Changes single options. Takes the place of
    /// [`replace_options`](Self::replace_options).
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::AddedAndRemoved`].
    pub fn change_options(mut self, changes: OptionChanges) -> Result<Self, InvalidCommand> {
        self.options = Some(Options::Changes(changes.check()?));
        Ok(self)
    }

    /// Lets the command fail unless the channel is on this server.
    #[must_use]
    pub fn expect_server(mut self, server: Uuid) -> Self {
        self.expected_server = Some(server);
        self
    }

    /// Lets the command fail unless the channel has this control-system type.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::Empty`].
    pub fn expect_control_system_type(
        mut self,
        control_system_type: impl Into<String>,
    ) -> Result<Self, InvalidCommand> {
        self.expected_control_system_type = Some(Name::new(control_system_type)?);
        Ok(self)
    }

    /// Returns the name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.as_str()
    }

    /// Returns the server that it has to be on, if that matters.
    #[must_use]
    pub fn expected_server(&self) -> Option<Uuid> {
        self.expected_server
    }

    /// Returns the control-system type that it has to have, if that matters.
    #[must_use]
    pub fn expected_control_system_type(&self) -> Option<&str> {
        self.expected_control_system_type.as_ref().map(Name::as_str)
    }
}

impl From<UpdateChannel> for Command {
    fn from(command: UpdateChannel) -> Self {
        Self::UpdateChannel(command)
    }
}

/// The members in the order in which the server writes them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    channel_name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_control_system_type: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_server_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimation_levels: Option<Vec<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_decimation_levels: Option<Vec<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_decimation_levels: Option<Vec<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimation_level_to_retention_period: Option<BTreeMap<Seconds, Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_options: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_options: Option<BTreeSet<String>>,
}

impl TryFrom<Wire> for UpdateChannel {
    type Error = InvalidCommand;

    fn try_from(wire: Wire) -> Result<Self, InvalidCommand> {
        let changes_levels =
            wire.add_decimation_levels.is_some() || wire.remove_decimation_levels.is_some();
        let changes_options = wire.add_options.is_some() || wire.remove_options.is_some();
        let retentions = wire.decimation_level_to_retention_period;
        let set = |levels: Option<Vec<Seconds>>| -> BTreeSet<u32> {
            levels.into_iter().flatten().map(|level| level.0).collect()
        };
        let levels = match wire.decimation_levels {
            Some(_) if changes_levels => {
                return Err(InvalidCommand::WholeAndChanges("the decimation levels"));
            }
            Some(levels) => {
                DecimationLevels::from_wire(Some(levels), retentions)?.map(Levels::Whole)
            }
            None if changes_levels || retentions.is_some() => {
                let retentions = retentions.into_iter().flatten();
                let changes = LevelChanges {
                    add: set(wire.add_decimation_levels),
                    remove: set(wire.remove_decimation_levels),
                    retentions: retentions.map(|(level, kept)| (level.0, kept.0)).collect(),
                };
                Some(Levels::Changes(changes.check()?))
            }
            None => None,
        };
        let options = match wire.options {
            Some(_) if changes_options => {
                return Err(InvalidCommand::WholeAndChanges("the options"));
            }
            Some(options) => Some(Options::Whole(options)),
            None if changes_options => {
                let changes = OptionChanges {
                    add: wire.add_options.unwrap_or_default(),
                    remove: wire.remove_options.unwrap_or_default(),
                };
                Some(Options::Changes(changes.check()?))
            }
            None => None,
        };
        Ok(Self {
            channel: wire.channel_name,
            expected_control_system_type: wire.expected_control_system_type,
            expected_server: wire.expected_server_id,
            enabled: wire.enabled,
            levels,
            options,
        })
    }
}

impl From<UpdateChannel> for Wire {
    fn from(command: UpdateChannel) -> Self {
        let mut wire = Self {
            channel_name: command.channel,
            expected_control_system_type: command.expected_control_system_type,
            expected_server_id: command.expected_server,
            decimation_levels: None,
            add_decimation_levels: None,
            remove_decimation_levels: None,
            decimation_level_to_retention_period: None,
            enabled: command.enabled,
            options: None,
            add_options: None,
            remove_options: None,
        };
        match command.levels {
            Some(Levels::Whole(levels)) => {
                wire.decimation_levels = Some(levels.wire_levels());
                wire.decimation_level_to_retention_period = levels.wire_retentions();
            }
            Some(Levels::Changes(changes)) => {
                wire.add_decimation_levels = wire_set(&changes.add);
                wire.remove_decimation_levels = wire_set(&changes.remove);
                wire.decimation_level_to_retention_period =
                    (!changes.retentions.is_empty()).then(|| wire_retentions(&changes.retentions));
            }
            None => {}
        }
        match command.options {
            Some(Options::Whole(options)) => wire.options = Some(options),
            Some(Options::Changes(changes)) => {
                wire.add_options = (!changes.add.is_empty()).then_some(changes.add);
                wire.remove_options = (!changes.remove.is_empty()).then_some(changes.remove);
            }
            None => {}
        }
        wire
    }
}
