//! What the administrative API says of channels and servers.
//!
//! Serde writes these types as the server writes them: with its member names, in its
//! order, and with numbers as texts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::wire;

/// A channel of the cluster, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChannelSummary {
    /// Identifies the data of the channel, whatever its name is.
    pub channel_data_id: Uuid,
    /// The name.
    pub channel_name: String,
    /// The control system as a text for people; the type again where the server does
    /// not know it.
    pub control_system_name: String,
    /// The control system as a word for programs, such as `channel_access`.
    pub control_system_type: String,
    /// Decimation periods in seconds, ascending; 0 is raw samples.
    #[serde(with = "wire::seconds_list")]
    pub decimation_levels: Vec<u32>,
    /// The server that archives the channel.
    pub server_id: Uuid,
    /// Its name; `unknown` if it is not in the cluster.
    pub server_name: String,
}

/// The channels of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerChannels {
    /// The channels.
    pub channels: Vec<Channel>,
    /// Whether that server could be asked for their state; if not, state and counters
    /// of all channels are `None`.
    pub status_available: bool,
}

/// Configuration and state of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Channel {
    /// Identifies the data of the channel, whatever its name is.
    pub channel_data_id: Uuid,
    /// The name.
    pub channel_name: String,
    /// The control system as a text for people; the type again where the server does
    /// not know it.
    pub control_system_name: String,
    /// The control system as a word for programs, such as `channel_access`.
    pub control_system_type: String,
    /// Retention periods by decimation periods, both in seconds. The period 0 is raw
    /// samples, and kept for 0 seconds means for ever.
    #[serde(with = "wire::seconds_map")]
    pub decimation_level_to_retention_period: BTreeMap<u32, u32>,
    /// Whether it is archived.
    pub enabled: bool,
    /// Why it is in the state [`ChannelState::Error`]; mostly `None`.
    pub error_message: Option<String>,
    /// Options of the control system.
    pub options: BTreeMap<String, String>,
    /// The server that archives it; `None` in a list of one server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<Uuid>,
    /// Its name, `unknown` if it is not in the cluster; `None` in a list of one server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// How archiving is going; `None` when the server could not be asked.
    pub state: Option<ChannelState>,
    /// Samples that were lost because they came too fast, since the channel was last
    /// initialised.
    #[serde(default, with = "wire::optional_text")]
    pub total_samples_dropped: Option<u64>,
    /// Samples that were not written because their time was before that of the last
    /// one.
    #[serde(default, with = "wire::optional_text")]
    pub total_samples_skipped_back: Option<u64>,
    /// Samples that were written.
    #[serde(default, with = "wire::optional_text")]
    pub total_samples_written: Option<u64>,
}

/// How the archiving of a channel is going.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelState {
    /// It is about to start.
    Initializing,
    /// All is well.
    Ok,
    /// It is switched off.
    Disabled,
    /// The control system cannot be reached.
    Disconnected,
    /// It cannot be archived; there is a message.
    Error,
    /// It has been stopped for good.
    Destroyed,
    /// A word that this crate does not know.
    Other(String),
}

impl ChannelState {
    /// Returns the word of the API.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Initializing => "initializing",
            Self::Ok => "ok",
            Self::Disabled => "disabled",
            Self::Disconnected => "disconnected",
            Self::Error => "error",
            Self::Destroyed => "destroyed",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for ChannelState {
    fn from(word: String) -> Self {
        // The manual has them in upper case.
        match word.to_ascii_lowercase().as_str() {
            "initializing" => Self::Initializing,
            "ok" => Self::Ok,
            "disabled" => Self::Disabled,
            "disconnected" => Self::Disconnected,
            "error" => Self::Error,
            "destroyed" => Self::Destroyed,
            _ => Self::Other(word),
        }
    }
}

impl fmt::Display for ChannelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ChannelState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ChannelState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// The servers of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClusterStatus {
    /// In no order.
    pub servers: Vec<ClusterServer>,
}

impl ClusterStatus {
    /// Finds a server.
    #[must_use]
    pub fn server(&self, id: Uuid) -> Option<&ClusterServer> {
        self.servers.iter().find(|server| server.server_id == id)
    }
}

/// A server of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClusterServer {
    /// When it last said that it is there, in milliseconds since 1970 UTC.
    #[serde(with = "wire::text")]
    pub last_online_time: i64,
    /// Whether that is no longer ago than 15 seconds.
    pub online: bool,
    /// Identifies the server.
    pub server_id: Uuid,
    /// Its name.
    pub server_name: String,
}

/// The state of the server that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerStatus {
    /// The name of the Cassandra cluster, if there is a connection to it.
    pub cassandra_cluster_name: Option<String>,
    /// Why there is no connection to the database.
    pub cassandra_error: Option<String>,
    /// The keyspace.
    pub cassandra_keyspace_name: Option<String>,
    /// Channels of this server that are disconnected; 0 before it is initialised, as
    /// the other numbers.
    #[serde(with = "wire::text")]
    pub channels_disconnected: u64,
    /// Channels that are in the state of an error.
    #[serde(with = "wire::text")]
    pub channels_error: u64,
    /// All channels.
    #[serde(with = "wire::text")]
    pub channels_total: u64,
    /// Identifies the server.
    pub server_id: Uuid,
    /// When it last registered with the cluster, in milliseconds since 1970 UTC; 0 if
    /// never.
    #[serde(with = "wire::text")]
    pub server_last_online_time: i64,
    /// Its name.
    pub server_name: String,
    /// Whether it is registered with the cluster.
    pub server_online: bool,
    /// Samples that were lost because they came too fast, since the server started.
    #[serde(with = "wire::text")]
    pub total_samples_dropped: u64,
    /// Samples that were written since then.
    #[serde(with = "wire::text")]
    pub total_samples_written: u64,
}
