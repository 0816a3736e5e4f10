//! Comparing commands with the cluster: a server takes any ID and any control-system
//! type, and a mistyped one makes a channel that nobody archives.

use std::collections::{BTreeMap, BTreeSet};

use esmond_ps_cli_common::report::told;
use pv_archiver_client::{
    AdminClient, CHANNEL_ACCESS, ClusterStatus, Command, Commands, Result, Uuid,
};

use crate::connection::known;

/// What the comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Commands that name what there is not.
    pub(crate) wrong: Vec<String>,
    /// What may be as it is meant.
    pub(crate) warnings: Vec<String>,
    /// What there is, where something is wrong.
    pub(crate) hints: BTreeSet<String>,
}

/// What there is.
struct Cluster {
    status: ClusterStatus,
    /// Servers and types of channels, asked for only where they matter.
    channels: Option<Channels>,
}

#[derive(Default)]
struct Channels {
    servers: BTreeSet<Uuid>,
    types: BTreeSet<String>,
}

/// Compares commands with the cluster.
pub(crate) async fn check(client: &AdminClient, commands: &Commands) -> Result<Findings> {
    let commands = commands.as_slice();
    let mut cluster = Cluster {
        status: client.cluster_status().await?,
        channels: None,
    };
    let is_odd = |command: &Command| {
        let is_unknown = |id: &Uuid| cluster.status.server(*id).is_none();
        command.servers().iter().any(is_unknown)
            || command
                .control_system_type()
                .is_some_and(|word| word != CHANNEL_ACCESS)
    };
    if commands.iter().any(is_odd) {
        let mut channels = Channels::default();
        for channel in client.channels().await? {
            channels.servers.insert(channel.server_id);
            channels.types.insert(channel.control_system_type);
        }
        cluster.channels = Some(channels);
    }
    let mut findings = Findings::default();
    let mut offline = BTreeMap::new();
    for command in commands {
        cluster.compare(command, &mut findings);
        for id in command.servers() {
            if let Some(server) = cluster.status.server(id).filter(|server| !server.online) {
                offline.insert(id, server.server_name.clone());
            }
        }
    }
    findings.warnings = offline
        .into_iter()
        .map(|(id, name)| told(&format!("warning: server {id} ({name}) is offline")))
        .collect();
    Ok(findings)
}

impl Cluster {
    fn compare(&self, command: &Command, findings: &mut Findings) {
        let mut wrong = |text: String, hint: String| {
            let (kind, names) = (command.command_type(), command.channels().join(" -> "));
            findings
                .wrong
                .push(told(&format!("{kind} {names}: {text}")));
            findings.hints.insert(hint);
        };
        let target = target(command);
        for id in command.servers() {
            // A server that has been removed may still have channels, to be moved.
            let has_channels = || {
                let channels = self.channels.as_ref();
                channels.is_some_and(|channels| channels.servers.contains(&id))
            };
            let is_known =
                self.status.server(id).is_some() || (target != Some(id) && has_channels());
            if !is_known {
                let text = format!("there is no server {id} in the cluster");
                wrong(text, known(&self.status));
            }
        }
        if let (Some(word), Some(channels)) = (command.control_system_type(), &self.channels)
            && word != CHANNEL_ACCESS
            && !channels.types.contains(word)
        {
            let mut types: BTreeSet<&str> = channels.types.iter().map(String::as_str).collect();
            types.insert(CHANNEL_ACCESS);
            let types: Vec<&str> = types.into_iter().collect();
            wrong(
                format!("no channel has the control-system type `{word}`"),
                told(&format!("the types of the cluster: {}", types.join(", "))),
            );
        }
    }
}

/// Returns the server that will have the channel, if the command says it.
fn target(command: &Command) -> Option<Uuid> {
    match command {
        Command::AddChannel(channel) | Command::AddOrUpdateChannel(channel) => {
            Some(channel.server())
        }
        Command::MoveChannel(channel) => Some(channel.new_server()),
        Command::RefreshChannel(channel) => Some(channel.server()),
        _ => None,
    }
}
