//! Stores results of several event types of one test together.
//!
//! ```text
//! cargo run --example bulk_post -- http://localhost:8080/ USER KEY METADATA-KEY
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write};

use esmond_ps_client::{Archive, Credentials};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, user, key, metadata_key] = arguments.as_slice() else {
        return Err("usage: bulk_post ARCHIVE USER KEY METADATA-KEY".into());
    };
    let archive = Archive::builder(address)
        .credentials(Credentials::token(user, key))
        .build()?;
    bulk_post(&archive, metadata_key, &mut io::stdout()).await
}

pub(crate) async fn bulk_post(
    archive: &Archive,
    metadata_key: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut writer = archive.writer(metadata_key);
    writer.add("time-error-estimates", 1_397_075_053, 23)?;
    writer.add(
        "packet-loss-rate",
        1_397_075_053,
        json!({"numerator": 11, "denominator": 33}),
    )?;
    writer.add("time-error-estimates", 1_397_075_113, 55)?;
    writer.add(
        "packet-loss-rate",
        1_397_075_113,
        json!({"numerator": 5, "denominator": 8}),
    )?;
    // What an archive has taken is not sent again, if this fails and is called again.
    let posted = writer.flush().await?;
    writeln!(
        out,
        "{} new, {} already there",
        posted.stored, posted.already_there
    )?;
    Ok(())
}
