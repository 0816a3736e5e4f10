//! Prints the status of a cluster, and of the server that is asked.
//!
//! ```text
//! cargo run --example status -- myserver.example.com
//! ```

use std::error::Error;
use std::io::{self, Write};

use pv_archiver_client::{AdminClient, Connection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: status SERVER")?;
    let client = AdminClient::new(&address, &Connection::default())?;
    cluster_status(&client, &mut io::stdout()).await?;
    server_status(&client, &mut io::stdout()).await
}

pub(crate) async fn cluster_status(
    client: &AdminClient,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    for server in client.cluster_status().await?.servers {
        let state = if server.online { "online" } else { "offline" };
        writeln!(out, "{} {} {state}", server.server_id, server.server_name)?;
    }
    Ok(())
}

pub(crate) async fn server_status(
    client: &AdminClient,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let status = client.server_status().await?;
    writeln!(
        out,
        "{}: {} channels, {} disconnected, {} in error",
        status.server_name,
        status.channels_total,
        status.channels_disconnected,
        status.channels_error
    )?;
    if let Some(error) = status.cassandra_error {
        writeln!(out, "no database: {error}")?;
    }
    Ok(())
}
