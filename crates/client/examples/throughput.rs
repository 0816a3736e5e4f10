//! Prints the throughput of the last day between two hosts.
//!
//! ```text
//! cargo run --example throughput -- https://ps.example.org/ SOURCE DESTINATION
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write};

use esmond_ps_client::Archive;
use esmond_ps_client::model::{MetadataFilters, TimeArguments};
use futures_util::TryStreamExt;

const DAY: i64 = 86_400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, source, destination] = arguments.as_slice() else {
        return Err("usage: throughput ARCHIVE SOURCE DESTINATION".into());
    };
    let archive = Archive::builder(address).build()?;
    throughput(&archive, source, destination, &mut io::stdout()).await
}

pub(crate) async fn throughput(
    archive: &Archive,
    source: &str,
    destination: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let filters = MetadataFilters::new()
        .source(source)
        .destination(destination)
        .event_type("throughput")
        .time_range(DAY);
    let last_day = TimeArguments {
        time_range: Some(DAY),
        ..TimeArguments::default()
    };
    let mut tests = archive.metadata(&filters);
    while let Some(test) = tests.try_next().await? {
        let Some(throughput) = test.event_type("throughput") else {
            continue;
        };
        let tool = test.tool_name().unwrap_or_default();
        let mut points = throughput.base().points(&last_day);
        while let Some(point) = points.try_next().await? {
            if let Some(bits) = point.typed().as_f64() {
                writeln!(out, "{} {tool} {:.1} Mbit/s", point.ts_epoch, bits / 1e6)?;
            }
        }
    }
    Ok(())
}
