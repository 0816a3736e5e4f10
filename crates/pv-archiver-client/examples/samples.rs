//! Finds channels, and prints their samples.
//!
//! ```text
//! cargo run --example samples -- myserver.example.com 'my_prefix:*'
//! cargo run --example samples -- myserver.example.com 'my_prefix:[0-9]+:.*' --regexp
//! ```

use std::error::Error;
use std::io::{self, Write};

use pv_archiver_client::{ArchiveClient, Connection, SampleQuery};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, pattern, rest @ ..] = arguments.as_slice() else {
        return Err("usage: samples SERVER PATTERN [--regexp]".into());
    };
    let client = ArchiveClient::new(address, &Connection::default())?;
    let channels = match rest {
        [] => client.channels_by_pattern(pattern).await?,
        _ => client.channels_by_regexp(pattern).await?,
    };
    for channel in channels {
        raw_samples(&client, &channel, &mut io::stdout()).await?;
        decimated_samples(&client, &channel, &mut io::stdout()).await?;
    }
    Ok(())
}

const START: i64 = 1_567_823_452_000_000_000;
const END: i64 = 1_568_967_971_000_000_000;

pub(crate) async fn raw_samples(
    client: &ArchiveClient,
    channel: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let query = SampleQuery::new(START, END)?.ask_again(true);
    let mut samples = client.samples(channel, &query).await?;
    while let Some(sample) = samples.next().await? {
        writeln!(out, "{} {} {:?}", sample.time, sample.status, sample.values)?;
    }
    Ok(())
}

pub(crate) async fn decimated_samples(
    client: &ArchiveClient,
    channel: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let query = SampleQuery::new(START, END)?.count(600)?;
    let samples = client.samples(channel, &query).await?.collect().await?;
    writeln!(out, "{channel}: {} samples", samples.len())?;
    Ok(())
}
