//! What a cluster knows of its servers and channels.

use std::collections::HashSet;

use anyhow::Context as _;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Outcome, Output};
use esmond_ps_cli_common::rows::Row;
use serde::Serialize;

use crate::connection::{Servers, failed};
use crate::options::{ChannelArgs, ChannelsArgs};
use crate::print;

/// Columns of `csv`.
const NAMES: [&str; 1] = ["channelName"];
const SUMMARIES: [&str; 7] = [
    "channelName",
    "serverName",
    "serverId",
    "controlSystemType",
    "controlSystemName",
    "decimationLevels",
    "channelDataId",
];
const CHANNELS: [&str; 14] = [
    "channelName",
    "serverName",
    "serverId",
    "state",
    "errorMessage",
    "enabled",
    "controlSystemType",
    "controlSystemName",
    "decimationLevelToRetentionPeriod",
    "options",
    "totalSamplesWritten",
    "totalSamplesDropped",
    "totalSamplesSkippedBack",
    "channelDataId",
];
const CLUSTER: [&str; 4] = ["serverName", "serverId", "online", "lastOnlineTime"];
const SERVER: [&str; 12] = [
    "serverName",
    "serverId",
    "serverOnline",
    "serverLastOnlineTime",
    "channelsTotal",
    "channelsError",
    "channelsDisconnected",
    "totalSamplesWritten",
    "totalSamplesDropped",
    "cassandraClusterName",
    "cassandraKeyspaceName",
    "cassandraError",
];

pub(crate) async fn channels(
    servers: &Servers,
    options: &ChannelsArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let format = options.format.format;
    let archive = &servers.archive;
    let matching = match (&options.glob, &options.regexp) {
        (Some(pattern), _) => Some(archive.channels_by_pattern(pattern).await.map_err(failed)?),
        (None, Some(regexp)) => Some(archive.channels_by_regexp(regexp).await.map_err(failed)?),
        (None, None) => None,
    };
    match (&options.server, matching) {
        (Some(server), matching) => {
            let id = servers.server(server).await?;
            let mut list = servers.admin.server_channels(id).await.map_err(failed)?;
            if let Some(names) = matching {
                let names: HashSet<String> = names.into_iter().collect();
                list.channels
                    .retain(|channel| names.contains(&channel.channel_name));
            }
            if !list.status_available {
                output.note("the server cannot be asked for the state of its channels");
            }
            all(list.channels.iter(), &CHANNELS, format, output)
        }
        (None, Some(names)) => {
            let rows = names
                .into_iter()
                .map(|name| Ok(Row::new().with(NAMES[0], name)));
            write(rows, &NAMES, format, output)
        }
        (None, None) => {
            let list = servers.admin.channels().await.map_err(failed)?;
            all(list.iter(), &SUMMARIES, format, output)
        }
    }
}

pub(crate) async fn channel(
    servers: &Servers,
    options: &ChannelArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let found = servers.admin.channel(&options.name).await.map_err(failed)?;
    all(
        [&found].into_iter(),
        &CHANNELS,
        options.format.format,
        output,
    )
}

pub(crate) async fn cluster(
    servers: &Servers,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut cluster = servers.admin.cluster_status().await.map_err(failed)?;
    // They come in no order.
    cluster.servers.sort_by(|one, other| {
        let key = |server: &pv_archiver_client::ClusterServer| server.server_id;
        (&one.server_name, key(one)).cmp(&(&other.server_name, key(other)))
    });
    all(cluster.servers.iter(), &CLUSTER, format, output)
}

pub(crate) async fn server(
    servers: &Servers,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let status = servers.admin.server_status().await.map_err(failed)?;
    all([&status].into_iter(), &SERVER, format, output)
}

fn all<'a, T: Serialize + 'a>(
    objects: impl Iterator<Item = &'a T>,
    columns: &[&'static str],
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let rows = objects.map(|object| print::row(object, format));
    write(rows, columns, format, output)
}

fn write(
    rows: impl Iterator<Item = serde_json::Result<Row>>,
    columns: &[&'static str],
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let writing = "writing the results";
    let mut writer = print::writer(format, columns, &mut output.out);
    for row in rows {
        writer.row(&row?).context(writing)?;
    }
    writer.finish().context(writing)?;
    Ok(Outcome::Done)
}
