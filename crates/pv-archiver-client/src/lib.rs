//! Client for the two web APIs of the Cassandra PV Archiver, which archives process
//! variables of control systems such as EPICS.
//!
//! [`AdminClient`] reads and changes the configuration of a cluster of servers,
//! [`ArchiveClient`] reads the archived samples.
//!
//! ```no_run
//! use pv_archiver_client::{
//!     AdminClient, CHANNEL_ACCESS, ChannelDefinition, Commands, Connection, Credentials,
//!     DecimationLevels,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = AdminClient::new("myserver.example.com", &Connection::default())?
//!     .with_credentials(Credentials::admin("mysecret")?);
//! let server = client.server_status().await?.server_id;
//!
//! let mut commands = Commands::new();
//! commands.push(
//!     ChannelDefinition::new("new_channel", CHANNEL_ACCESS, server)?
//!         .levels(DecimationLevels::new([(0, 864_000), (30, 0)])?)
//!         .add(),
//! )?;
//! let report = client.run(&commands).await?;
//! for failed in report.failed() {
//!     println!("{:?}: {:?}", failed.command.channels(), failed.outcome);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | here | in the original client |
//! |---|---|
//! | [`AdminClient`], [`Connection`], [`Credentials`] | `AdminClient` |
//! | [`AdminClient::channels`] | `list_all_channels` |
//! | [`AdminClient::server_channels`] | `list_channels_for_server` |
//! | [`AdminClient::channel`], [`AdminClient::channel_of_server`] | `get_channel` |
//! | [`AdminClient::cluster_status`], [`AdminClient::server_status`] | `get_cluster_status`, `get_server_status` |
//! | [`AdminClient::export_configuration`], [`Export`] | `export_server_configuration` |
//! | [`AdminClient::import_configuration`], [`ImportOptions`] | `import_server_configuration` |
//! | [`AdminClient::run`] | `run_archive_configuration_commands` |
//! | [`Commands`], [`Command`] | `ArchiveConfigurationCommands` |
//! | [`ArchiveClient::channels_by_pattern`], [`ArchiveClient::channels_by_regexp`] | `find_channels_by_pattern`, `find_channels_by_regexp` |
//! | [`ArchiveClient::samples`], [`SampleQuery`] | `get_samples` |
//! | [`Sample`] | dictionaries |
//! | [`Error`] | `Exception` |
//!
//! # Rules
//!
//! - What a server would refuse is refused before anything is sent, with the reason,
//!   which servers mostly keep to themselves.
//! - A change of which some parts failed is no error but a report. An error after
//!   which a change may have been made all the same is told by
//!   [`Error::is_transient`].
//! - Nothing is sent twice, and no redirect is followed.
//! - There is no time limit for changes unless one is
//!   [set](Connection::command_timeout).
//!
//! # Limits
//!
//! Needs a Tokio runtime. Speaks the versions 1.0 of both APIs, which servers have up
//! to 3.2.6. Some names cannot be asked of the archive access API: see
//! [`ArchiveClient::samples`]. A server whose database fails while it sends samples
//! ends the answer as if it were whole: see [`SampleQuery::ask_again`].

mod address;
mod admin;
mod archive;
mod channel;
mod command;
mod configuration;
mod connection;
mod credentials;
mod encoding;
mod error;
mod export;
mod message;
mod sample;
mod samples;
mod scan;
mod split;
mod tls;
mod transport;
mod wire;

pub use admin::AdminClient;
pub use archive::{ArchiveClient, ArchiveInfo};
pub use channel::{
    Channel, ChannelState, ChannelSummary, ClusterServer, ClusterStatus, ServerChannels,
    ServerStatus,
};
pub use command::{
    CHANNEL_ACCESS, ChannelDefinition, Command, CommandReport, CommandResult, Commands,
    DecimationLevels, InvalidCommand, LevelChanges, MoveChannel, OptionChanges, Outcome,
    RefreshChannel, RemoveChannel, RenameChannel, UpdateChannel,
};
pub use configuration::{ConfigurationFile, Export, ImportOptions, ImportReport};
pub use connection::Connection;
pub use credentials::Credentials;
pub use error::{BoxedError, Error, Result};
pub use sample::{
    EnumMetaData, MetaData, NumericMetaData, Quality, Sample, Severity, SeverityLevel, Values,
};
pub use samples::{SampleQuery, Samples};
/// The identifiers of servers, and of the data of channels.
pub use uuid::Uuid;

/// Tries the examples of the page of this crate.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
