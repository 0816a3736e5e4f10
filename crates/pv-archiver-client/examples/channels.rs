//! Prints what a cluster knows of its channels.
//!
//! ```text
//! cargo run --example channels -- myserver.example.com
//! cargo run --example channels -- myserver.example.com my_channel
//! ```

use std::error::Error;
use std::io::{self, Write};

use pv_archiver_client::{AdminClient, Connection, Uuid};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: channels SERVER [CHANNEL]")?;
    let client = AdminClient::new(&address, &Connection::default())?;
    let mut out = io::stdout();
    if let Some(name) = arguments.next() {
        return channel(&client, &name, &mut out).await;
    }
    all_channels(&client, &mut out).await?;
    let server = client.server_status().await?.server_id;
    channels_of_server(&client, server, &mut out).await
}

pub(crate) async fn channel(
    client: &AdminClient,
    name: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let channel = client.channel(name).await?;
    let state = channel
        .state
        .as_ref()
        .map_or("unknown", |state| state.as_str());
    writeln!(out, "{} is {state}", channel.channel_name)?;
    for (level, retention) in channel.decimation_level_to_retention_period {
        writeln!(out, "level {level} s, kept {retention} s")?;
    }
    Ok(())
}

pub(crate) async fn all_channels(
    client: &AdminClient,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let channels = client.channels().await?;
    writeln!(out, "There are {} channels.", channels.len())?;
    for channel in channels {
        writeln!(out, "{} on {}", channel.channel_name, channel.server_name)?;
    }
    Ok(())
}

/// Unlike the list of all channels, this one has their state.
pub(crate) async fn channels_of_server(
    client: &AdminClient,
    server: Uuid,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let list = client.server_channels(server).await?;
    if !list.status_available {
        writeln!(
            out,
            "The server cannot be asked for the state of its channels."
        )?;
    }
    writeln!(out, "The server has {} channels.", list.channels.len())?;
    for channel in list.channels {
        let message = channel.error_message.unwrap_or_default();
        writeln!(
            out,
            "{} {:?} {message}",
            channel.channel_name, channel.state
        )?;
    }
    Ok(())
}
