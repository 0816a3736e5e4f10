//! What came of a run, at its end: for people on stderr, for programs as JSON.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use esmond_ps_cli_common::layout::timestamp;
use esmond_ps_cli_common::problem::{Level, Problem};
use esmond_ps_cli_common::report::told;
use serde::Serialize;

use crate::ledger::Ledger;
use crate::naming::BASE;
use crate::options::absolute;
use crate::part::Part;
use crate::store::Entry;

/// Sums over all series of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Totals {
    /// Series that were asked for.
    pub(crate) series: u64,
    /// Series with a file.
    pub(crate) files: u64,
    /// Series that are whole and have no data.
    pub(crate) without_data: u64,
    /// Series that an earlier run had completed.
    pub(crate) resumed: u64,
    pub(crate) failed: u64,
    pub(crate) points: u64,
    pub(crate) requests: u64,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        self.series += 1;
        self.requests += entry.requests;
        if entry.error.is_some() {
            self.failed += 1;
            return;
        }
        match entry.file {
            Some(_) => self.files += 1,
            None => self.without_data += 1,
        }
        self.resumed += u64::from(entry.resumed);
        self.points += entry.points;
    }

    /// Adds up a run.
    pub(crate) fn of(ledger: &Ledger) -> io::Result<Self> {
        let mut totals = Self::default();
        ledger.each(|entry| {
            totals.add(entry);
            Ok(())
        })?;
        Ok(totals)
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} series: {} files, {} without data, {} failed; {} points, {} requests",
            self.series, self.files, self.without_data, self.failed, self.points, self.requests
        );
        if self.resumed > 0 {
            text.push_str(&format!("; {} were complete already", self.resumed));
        }
        text
    }
}

/// How a run ended, in a word: `done`, `partly`, `failed`, `interrupted`.
pub(crate) type Ending = &'static str;

/// Writes a line for each series, and the totals. With `quiet`, lines for what
/// failed and nothing else.
pub(crate) fn print(
    ledger: &Ledger,
    totals: &Totals,
    quiet: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    ledger.each(|entry| {
        if entry.error.is_none() && quiet {
            return Ok(());
        }
        let Some(error) = &entry.error else {
            return writeln!(out, "{}", told(&line(entry)));
        };
        let problem = Problem::new(Level::Error, &format!("{}: {error}", name(entry)))
            .metadata_key(&entry.key)
            .event_type(&entry.event_type);
        writeln!(out, "{problem}")
    })?;
    if quiet {
        return Ok(());
    }
    writeln!(out, "{}", totals.text())
}

/// Names a series for people.
fn name(entry: &Entry) -> String {
    let shown = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned();
    let summary = match entry.summary.as_str() {
        BASE => String::new(),
        summary => format!(" {summary}"),
    };
    format!(
        "{} from {} to {} by {} ({})",
        format_args!("{}{summary}", entry.event_type),
        shown(&entry.source),
        shown(&entry.destination),
        shown(&entry.tool),
        entry.key
    )
}

fn line(entry: &Entry) -> String {
    let name = name(entry);
    let Some(file) = &entry.file else {
        return format!("{name}: no data ({} requests)", entry.requests);
    };
    let times = match (entry.first, entry.last) {
        (Some(first), Some(last)) => format!(" {} to {},", timestamp(first), timestamp(last)),
        _ => String::new(),
    };
    let effort = if entry.resumed {
        "complete already".to_owned()
    } else {
        format!("{} requests", entry.requests)
    };
    format!("{name}: {} points,{times} {effort}: {file}", entry.points)
}

/// What the report says about a series.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Reported<'a> {
    metadata_key: &'a str,
    source: Option<&'a str>,
    destination: Option<&'a str>,
    tool_name: Option<&'a str>,
    event_type: &'a str,
    summary: &'a str,
    uri: &'a str,
    time_start: i64,
    time_end: i64,
    points: u64,
    rows: u64,
    requests: u64,
    first: Option<i64>,
    last: Option<i64>,
    file: Option<&'a str>,
    resumed: bool,
    error: Option<&'a str>,
}

impl<'a> From<&'a Entry> for Reported<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            metadata_key: &entry.key,
            source: entry.source.as_deref(),
            destination: entry.destination.as_deref(),
            tool_name: entry.tool.as_deref(),
            event_type: &entry.event_type,
            summary: &entry.summary,
            uri: &entry.uri,
            time_start: entry.start,
            time_end: entry.end,
            points: entry.points,
            rows: entry.rows,
            requests: entry.requests,
            first: entry.first,
            last: entry.last,
            file: entry.file.as_deref(),
            resumed: entry.resumed,
            error: entry.error.as_deref(),
        }
    }
}

/// Writes the report, which appears whole or not at all.
pub(crate) fn report(
    ledger: &Ledger,
    totals: &Totals,
    ending: Ending,
    path: &Path,
) -> anyhow::Result<()> {
    let writing = || format!("writing --report {}", path.display());
    let path = absolute(path);
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        anyhow::bail!("--report {} is no file", path.display());
    };
    let write = || -> io::Result<()> {
        let part = Part::create(directory, "report")?;
        let mut out = BufWriter::new(part.writer()?);
        write_report(ledger, totals, ending, &mut out)?;
        out.flush()?;
        part.ready(false)?.publish(name)
    };
    write().with_context(writing)
}

fn write_report(
    ledger: &Ledger,
    totals: &Totals,
    ending: Ending,
    out: &mut dyn Write,
) -> io::Result<()> {
    let window = ledger.window();
    write!(
        out,
        "{{\"ending\":\"{ending}\",\"time-start\":{},\"time-end\":{},\"series\":[",
        window.start, window.end
    )?;
    let mut separator = "\n";
    ledger.each(|entry| {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        serde_json::to_writer(&mut *out, &Reported::from(entry))?;
        Ok(())
    })?;
    out.write_all(b"\n],\"totals\":")?;
    serde_json::to_writer(&mut *out, totals)?;
    out.write_all(b"}\n")
}
