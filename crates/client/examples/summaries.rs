//! Prints the summaries that an archive keeps of the tests between two hosts.
//!
//! ```text
//! cargo run --example summaries -- https://ps.example.org/ SOURCE DESTINATION throughput
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write};

use esmond_ps_client::Archive;
use esmond_ps_client::model::{MetadataFilters, SummaryType, TimeArguments};
use futures_util::TryStreamExt;

const DAY: i64 = 86_400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, source, destination, event_type] = arguments.as_slice() else {
        return Err("usage: summaries ARCHIVE SOURCE DESTINATION EVENT-TYPE".into());
    };
    let archive = Archive::builder(address).build()?;
    let filters = MetadataFilters::new()
        .source(source)
        .destination(destination);
    summaries(&archive, &filters, event_type, &mut io::stdout()).await
}

pub(crate) async fn summaries(
    archive: &Archive,
    filters: &MetadataFilters,
    event_type: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let ever = TimeArguments::default();
    let mut tests = archive.metadata(filters);
    while let Some(test) = tests.try_next().await? {
        let Some(event_type) = test.event_type(event_type) else {
            continue;
        };
        for series in event_type.all_summaries() {
            writeln!(out, "{} over {} s", series.summary_name(), series.window())?;
        }
        // One of them, by its type and its window.
        if let Some(daily) = event_type.summary(SummaryType::Average, DAY) {
            for point in daily.payload(&ever).await?.data {
                writeln!(out, "{} {}", point.ts_epoch, point.val)?;
            }
        }
    }
    Ok(())
}
