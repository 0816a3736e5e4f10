//! Creates a test in an archive, and stores a result of it.
//!
//! ```text
//! cargo run --example post -- http://localhost:8080/ USER KEY
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write};

use esmond_ps_client::model::SummaryType;
use esmond_ps_client::{Archive, Credentials, NewMetadata};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, user, key] = arguments.as_slice() else {
        return Err("usage: post ARCHIVE USER KEY".into());
    };
    let archive = Archive::builder(address)
        .credentials(Credentials::token(user, key))
        .build()?;
    post(&archive, &mut io::stdout()).await
}

pub(crate) async fn post(archive: &Archive, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let metadata = NewMetadata::point_to_point(
        "10.10.0.1",
        "10.10.0.2",
        "10.10.0.2",
        "bwctl/iperf3",
        "host1",
        "host2",
    )
    .time_duration(30)
    .ip_transport_protocol("tcp")
    .event_type("throughput")
    .event_type("histogram-ttl")
    .summary("packet-count-sent", SummaryType::Aggregation, 3600)
    .summary("packet-count-sent", SummaryType::Aggregation, 86_400);

    // A test that is there already is found, not made again.
    let test = archive.post_metadata(&metadata).await?;
    writeln!(out, "{}", test.metadata_key())?;

    let key = test.metadata_key();
    for (event_type, ts, value) in [
        ("throughput", 1_397_075_053, json!(23)),
        ("histogram-ttl", 1_397_075_053, json!({"28": 33})),
    ] {
        let posted = archive.post_point(key, event_type, ts, &value).await?;
        // A result that was there already is no error.
        writeln!(out, "{event_type}: {} new", posted.stored)?;
    }
    Ok(())
}
