//! The smallest loader: posts each line `TS VALUE` of a file as a throughput.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use esmond_ps_cli_common::loader::{
    self, Document, Ending, LoaderArgs, Options, Points, Program, Record, Session, log,
};
use esmond_ps_cli_common::report::{Output, UsageError};
use esmond_ps_client::{Error, NewMetadata};
use serde_json::{Value, json};

const PROGRAM: Program = Program {
    name: "loader",
    about: "Posts each line `TS VALUE` of a file as a throughput.",
    usage: "-f FILE [options]",
    examples: "Example: loader -f numbers -U https://ma.example.org -u me --key-file key",
    original_options: &[],
};

#[derive(Debug, Args)]
struct Own {
    /// File to read
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
}

/// A line of the file.
struct Line(i64, Value);

impl Record for Line {
    fn points(&self) -> Result<Points, Error> {
        Ok(Points {
            metadata: NewMetadata::point_to_point(
                "10.0.0.1", "10.0.0.2", "10.0.0.1", "t", "a", "b",
            ),
            values: vec![("throughput".to_owned(), self.0, self.1.clone())],
        })
    }

    fn document(&self) -> Result<Document, Error> {
        Ok(Document {
            observer: "10.0.0.1".to_owned(),
            body: json!({"test": {"type": "throughput"}, "result": {"throughput-bits": self.1}}),
        })
    }
}

impl Options for Own {
    fn check(&self, _: &LoaderArgs) -> Result<(), UsageError> {
        match self.file {
            Some(_) => Ok(()),
            None => Err(UsageError::new("Filename is required.")),
        }
    }
}

fn main() -> ExitCode {
    loader::main(&PROGRAM, run)
}

async fn run(session: &Session, own: &Own, _: &mut Output<'_>) -> anyhow::Result<Ending> {
    let path = own.file.as_deref().unwrap_or_default();
    let text = tokio::task::spawn_blocking({
        let path = path.to_owned();
        move || std::fs::read_to_string(path)
    });
    let text = text.await?.with_context(|| format!("reading {path}"))?;
    log::line("main.start", format_args!("read {path}"));
    for line in text.lines() {
        if session.stop.requested().is_some() {
            break;
        }
        let point = line.split_once(' ').and_then(|(ts, value)| {
            let value: Value = serde_json::from_str(value).ok()?;
            Some(Line(ts.parse().ok()?, value))
        });
        let Some(point) = point else {
            log::line("load.error", format_args!("skipping {line}"));
            continue;
        };
        match session.poster.post(&point).await {
            Ok(_) => {}
            Err(error) if error.is_about_record() => {
                log::line("load.warning", esmond_ps_cli_common::report::chain(&error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let tally = session.poster.tally();
    log::line("load.end", format_args!("Loaded {} records", tally.stored));
    Ok(if tally.failed == 0 {
        Ending::Done
    } else {
        Ending::Failed
    })
}
