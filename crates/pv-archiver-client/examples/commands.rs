//! Makes changes of each kind to the configuration of a cluster.
//!
//! ```text
//! PASSWORD=mysecret cargo run --example commands -- myserver.example.com SERVER_ID OTHER_SERVER_ID
//! ```

use std::error::Error;
use std::io::{self, Write};

use pv_archiver_client::{
    AdminClient, CHANNEL_ACCESS, ChannelDefinition, Commands, Connection, Credentials,
    DecimationLevels, MoveChannel, Outcome, RefreshChannel, RemoveChannel, RenameChannel,
    UpdateChannel, Uuid,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, server, other] = arguments.as_slice() else {
        return Err("usage: commands SERVER SERVER_ID OTHER_SERVER_ID".into());
    };
    let client = AdminClient::new(address, &Connection::default())?
        .with_credentials(Credentials::admin(&std::env::var("PASSWORD")?)?);
    run(&client, server.parse()?, other.parse()?, &mut io::stdout()).await
}

pub(crate) async fn run(
    client: &AdminClient,
    server: Uuid,
    other: Uuid,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut commands = Commands::new();
    commands.push(ChannelDefinition::new("new_channel", CHANNEL_ACCESS, server)?.add())?;
    commands.push(
        ChannelDefinition::new("channel_that_might_already_exist", CHANNEL_ACCESS, server)?
            .enabled(false)
            .add_or_update(),
    )?;
    commands.push(MoveChannel::new("channel_to_be_moved", server)?.expect_server(other))?;
    commands.push(RefreshChannel::new("some_channel", server)?)?;
    commands.push(RemoveChannel::new("channel_to_be_deleted")?)?;
    commands.push(RenameChannel::new("old_channel_name", "new_channel_name")?)?;
    let levels = DecimationLevels::new([(0, 864_000), (30, 31_536_000), (500, 0)])?;
    commands.push(UpdateChannel::new("existing_channel")?.replace_levels(levels))?;

    for result in client.run(&commands).await?.results {
        let outcome = match result.outcome {
            Outcome::Succeeded => "done".to_owned(),
            Outcome::Failed(message) => message.unwrap_or("failed".to_owned()),
            Outcome::NotReported => "unknown".to_owned(),
        };
        let names = result.command.channels().join(" ");
        writeln!(out, "{} {names}: {outcome}", result.command.command_type())?;
    }
    Ok(())
}
