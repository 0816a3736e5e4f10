//! Exports the configuration of a server to a file, or imports it.
//!
//! ```text
//! cargo run --example configuration -- myserver.example.com SERVER_ID export FILE
//! PASSWORD=mysecret cargo run --example configuration -- myserver.example.com SERVER_ID import FILE
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use pv_archiver_client::{
    AdminClient, ConfigurationFile, Connection, Credentials, ImportOptions, Uuid,
};
use tokio::fs::File;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, server, action, file] = arguments.as_slice() else {
        return Err("usage: configuration SERVER SERVER_ID export|import FILE".into());
    };
    let client = AdminClient::new(address, &Connection::default())?;
    let (server, file) = (server.parse()?, Path::new(file));
    if action == "export" {
        return export(&client, server, file).await;
    }
    let client = client.with_credentials(Credentials::admin(&std::env::var("PASSWORD")?)?);
    import(&client, server, file, &mut io::stdout()).await
}

pub(crate) async fn export(
    client: &AdminClient,
    server: Uuid,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let export = client.export_configuration(server).await?;
    export.write_to(File::create(file).await?).await?;
    Ok(())
}

pub(crate) async fn import(
    client: &AdminClient,
    server: Uuid,
    file: &Path,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let options = ImportOptions {
        add_channels: true,
        update_channels: true,
        ..ImportOptions::default()
    };
    let file = ConfigurationFile::from_reader(File::open(file).await?);
    let report = client.import_configuration(server, file, &options).await?;
    for channel in &report.add_or_update_succeeded {
        writeln!(out, "{channel}: done")?;
    }
    for (channel, message) in &report.add_or_update_failed {
        let message = message.as_deref().unwrap_or("failed");
        writeln!(out, "{channel}: {message}")?;
    }
    Ok(())
}
