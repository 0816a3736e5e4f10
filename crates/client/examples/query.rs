//! Prints what the tests of a source measured in the last hour.
//!
//! ```text
//! cargo run --example query -- https://ps.example.org/ 198.51.100.30 pscheduler/iperf3
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use esmond_ps_client::Archive;
use esmond_ps_client::model::{MetadataFilters, TimeArguments};
use futures_util::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, source, tool] = arguments.as_slice() else {
        return Err("usage: query ARCHIVE SOURCE TOOL".into());
    };
    let archive = Archive::builder(address)
        .timeout(Duration::from_secs(5))
        .build()?;
    let last_hour = TimeArguments {
        time_range: Some(3600),
        ..TimeArguments::default()
    };
    query(&archive, source, tool, &last_hour, &mut io::stdout()).await
}

pub(crate) async fn query(
    archive: &Archive,
    source: &str,
    tool: &str,
    times: &TimeArguments,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    // Tests that have no results since then are not listed.
    let mut filters = MetadataFilters::new().source(source).tool_name(tool);
    if let Some(start) = times.time_start {
        filters = filters.time_start(start);
    } else if let Some(range) = times.time_range {
        filters = filters.time_range(range);
    }
    let mut tests = archive.metadata(&filters);
    while let Some(test) = tests.try_next().await? {
        let destination = test.destination().unwrap_or_default();
        let packets = test.property("ip-packet-interval");
        writeln!(out, "to {destination}, packets every {packets:?} s")?;
        for event_type in test.all_event_types() {
            writeln!(out, "  {}", event_type.name())?;
            let mut points = event_type.base().points(times);
            while let Some(point) = points.try_next().await? {
                writeln!(out, "    {} {}", point.ts_epoch, point.val)?;
            }
        }
    }
    Ok(())
}
